// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

// backendCases are changes to the valid KMSBackend, by what is special about them, and what comes of creating it.
type backendCases map[string]struct {
	change func(*v1alpha1.KMSBackendSpec)
	want   verdict
}

func (cases backendCases) run(t *testing.T) {
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			backend := newBackend()
			test.change(&backend.Spec)
			test.want.check(t, env.Client.Create(t.Context(), backend))
		})
	}
}

func TestKMSBackendIsOfOneKind(t *testing.T) {
	backendCases{
		"software": {func(*v1alpha1.KMSBackendSpec) {}, accepted},
		"none": {func(spec *v1alpha1.KMSBackendSpec) {
			*spec = v1alpha1.KMSBackendSpec{Adoption: v1alpha1.AdoptionAny}
		}, refused("spec", "exactly one kind of backend must be set")},
		"nothing at all": {func(spec *v1alpha1.KMSBackendSpec) { *spec = v1alpha1.KMSBackendSpec{} }, refused("spec", "")},
	}.run(t)
}

func TestKMSBackendDefaults(t *testing.T) {
	backend := newBackend()
	if err := env.Client.Create(t.Context(), backend); err != nil {
		t.Fatal(err)
	}
	spec := backend.Spec
	if spec.Software.Region != "local" || spec.Adoption != v1alpha1.AdoptionTagged || spec.AliasScope != v1alpha1.AliasScopeAny {
		t.Errorf("defaults are %q, %q, %q; want local, Tagged, Any", spec.Software.Region, spec.Adoption, spec.AliasScope)
	}
	if backend.Status.ObservedGeneration != -1 {
		t.Errorf("the KMSBackend was created with status %+v, want that nobody has seen it", backend.Status)
	}
	if spec.Software.AccountID != "" || spec.Software.RootKey != nil || spec.AllowedNamespaces != nil {
		t.Errorf("more than region, adoption and aliasScope was set: %+v", spec)
	}
}

func TestAccountAndRegionFitIntoAnARN(t *testing.T) {
	account := func(id string) func(*v1alpha1.KMSBackendSpec) {
		return func(spec *v1alpha1.KMSBackendSpec) { spec.Software.AccountID = id }
	}
	region := func(name string) func(*v1alpha1.KMSBackendSpec) {
		return func(spec *v1alpha1.KMSBackendSpec) { spec.Software.Region = name }
	}
	const accountField, regionField = "spec.software.accountID", "spec.software.region"
	regionForm := refused(regionField, "region must consist of lower-case letters, digits and hyphens")
	backendCases{
		"12 digits":               {account("012345678901"), accepted},
		"11 digits":               {account("01234567890"), refused(accountField, "should be at least 12 chars")},
		"13 digits":               {account("0123456789012"), refused(accountField, "may not be more than 12")},
		"12 letters":              {account("abcdefghijkl"), refused(accountField, "accountID must be 12 digits")},
		"digits with a hyphen":    {account("0123-4567890"), refused(accountField, "accountID must be 12 digits")},
		"region of AWS":           {region("eu-west-1"), accepted},
		"region of one letter":    {region("a"), accepted},
		"region of 32 characters": {region(repeat("a", 32)), accepted},
		"region of 33 characters": {region(repeat("a", 33)), refused(regionField, "may not be more than 32")},
		"region in capitals":      {region("EU-WEST-1"), regionForm},
		"region with a colon":     {region("eu:west"), regionForm},
		"region begins badly":     {region("-west"), regionForm},
		"region ends badly":       {region("west-"), regionForm},
	}.run(t)
}

func TestRootKeyNamesASecret(t *testing.T) {
	secret := func(name string) func(*v1alpha1.KMSBackendSpec) {
		return func(spec *v1alpha1.KMSBackendSpec) {
			spec.Software.RootKey = &v1alpha1.RootKey{SecretRef: &v1alpha1.SecretReference{Name: name}}
		}
	}
	rotation := func(at metav1.Time) func(*v1alpha1.KMSBackendSpec) {
		return func(spec *v1alpha1.KMSBackendSpec) {
			spec.Software.RootKey = &v1alpha1.RootKey{Rotation: &v1alpha1.RootKeyRotation{RequestedAt: at}}
		}
	}
	const field = "spec.software.rootKey.secretRef.name"
	form := refused(field, "name must be a Secret's name")
	backendCases{
		"name":                  {secret("root-key.v1"), accepted},
		"one letter":            {secret("a"), accepted},
		"253 characters":        {secret(repeat("a", 253)), accepted},
		"254 characters":        {secret(repeat("a", 254)), refused(field, "may not be more than 253")},
		"capitals":              {secret("Root"), form},
		"slash":                 {secret("kube-system/root"), form},
		"omitted":               {secret(""), refused(field, "Required value")},
		"rotation":              {rotation(noon), accepted},
		"rotation without date": {rotation(metav1.Time{}), refused("spec.software.rootKey.rotation.requestedAt", "Required value")},
	}.run(t)
}

func TestTenancyChoicesAreTheDocumentedOnes(t *testing.T) {
	adoption := func(policy v1alpha1.AdoptionPolicy) func(*v1alpha1.KMSBackendSpec) {
		return func(spec *v1alpha1.KMSBackendSpec) { spec.Adoption = policy }
	}
	scope := func(scope v1alpha1.AliasScope) func(*v1alpha1.KMSBackendSpec) {
		return func(spec *v1alpha1.KMSBackendSpec) { spec.AliasScope = scope }
	}
	backendCases{
		"adoption Tagged":              {adoption("Tagged"), accepted},
		"adoption Any":                 {adoption("Any"), accepted},
		"adoption None":                {adoption("None"), accepted},
		"adoption unknown":             {adoption("All"), refused("spec.adoption", `supported values: "Tagged", "Any", "None"`)},
		"aliasScope Any":               {scope("Any"), accepted},
		"aliasScope NamespacePrefixed": {scope("NamespacePrefixed"), accepted},
		"aliasScope unknown":           {scope("Namespace"), refused("spec.aliasScope", `supported values: "Any", "NamespacePrefixed"`)},
	}.run(t)
}

func TestNamespaceSelectorIsSetWhereItIsUsedAndMeansSomething(t *testing.T) {
	with := func(from v1alpha1.AllowedNamespacesFrom, selector *metav1.LabelSelector) func(*v1alpha1.KMSBackendSpec) {
		return func(spec *v1alpha1.KMSBackendSpec) {
			spec.AllowedNamespaces = &v1alpha1.AllowedNamespaces{From: from, Selector: selector}
		}
	}
	expression := func(operator metav1.LabelSelectorOperator, values ...string) func(*v1alpha1.KMSBackendSpec) {
		return with("Selector", &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
			{Key: "team", Operator: operator, Values: values},
		}})
	}
	labels := &metav1.LabelSelector{MatchLabels: map[string]string{"team": "payments"}}
	const field = "spec.allowedNamespaces.selector"
	onlyWith := refused(field, "selector must be set when from is Selector, and only then")
	badExpression := refused(field, "needs operator In or NotIn and values, or operator Exists or DoesNotExist without")
	backendCases{
		"All":                           {with("All", nil), accepted},
		"All with a selector":           {with("All", labels), onlyWith},
		"Selector":                      {with("Selector", labels), accepted},
		"empty selector":                {with("Selector", &metav1.LabelSelector{}), accepted},
		"Selector without selector":     {with("Selector", nil), onlyWith},
		"from omitted":                  {with("", nil), refused("spec.allowedNamespaces.from", "Required value")},
		"from unknown":                  {with("Same", nil), refused("spec.allowedNamespaces.from", `supported values: "All", "Selector"`)},
		"In with values":                {expression("In", "a", "b"), accepted},
		"In without values":             {expression("In"), badExpression},
		"NotIn with values":             {expression("NotIn", "a"), accepted},
		"NotIn without values":          {expression("NotIn"), badExpression},
		"Exists":                        {expression("Exists"), accepted},
		"Exists with values":            {expression("Exists", "a"), badExpression},
		"DoesNotExist":                  {expression("DoesNotExist"), accepted},
		"DoesNotExist with values":      {expression("DoesNotExist", "a"), badExpression},
		"operator that does not exist":  {expression("Like", "a"), badExpression},
		"operator in another case (in)": {expression("in", "a"), badExpression},
	}.run(t)
}
