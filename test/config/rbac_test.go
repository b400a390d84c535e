// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

var allVerbs = []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}

// resources that somebody might have permissions for, with their groups and subresources.
var resources = []string{
	"keys.kms.chatelaine.dev", "keys.kms.chatelaine.dev/status", "keys.kms.chatelaine.dev/finalizers",
	"kmsbackends.kms.chatelaine.dev", "kmsbackends.kms.chatelaine.dev/status", "kmsbackends.kms.chatelaine.dev/finalizers",
	"keypolicies.kms.chatelaine.dev", "keypolicies.kms.chatelaine.dev/status",
	"namespaces", "configmaps", "secrets", "events", "events.events.k8s.io", "leases.coordination.k8s.io",
	"pods", "pods/exec", "nodes", "serviceaccounts", "serviceaccounts/token", "deployments.apps",
	"roles.rbac.authorization.k8s.io", "clusterroles.rbac.authorization.k8s.io",
	"customresourcedefinitions.apiextensions.k8s.io",
	"validatingadmissionpolicies.admissionregistration.k8s.io", "tokenreviews.authentication.k8s.io",
}

// permissions are verbs by resource.
type permissions map[string]string

// everywhere is what the manager may do in any namespace.
var everywhere = permissions{
	"keys.kms.chatelaine.dev":               "get list watch patch",
	"keys.kms.chatelaine.dev/status":        "patch",
	"keys.kms.chatelaine.dev/finalizers":    "update",
	"kmsbackends.kms.chatelaine.dev":        "get list watch",
	"kmsbackends.kms.chatelaine.dev/status": "patch",
	"keypolicies.kms.chatelaine.dev":        "get list watch",
	"keypolicies.kms.chatelaine.dev/status": "patch",
	"serviceaccounts":                       "get list watch",
	"namespaces":                            "get list watch",
	"configmaps":                            "get list watch create update delete",
	"events":                                "create patch",
	"events.events.k8s.io":                  "create patch",
	"tokenreviews.authentication.k8s.io":    "create",
}

func TestManagerMayDoWhatItNeedsAndNothingElse(t *testing.T) {
	atHome := permissions{
		"secrets":                    "get list watch create update patch delete",
		"leases.coordination.k8s.io": "get create update",
	}
	maps.Copy(atHome, everywhere)
	user := testenv.UserName(manager)
	awaitAccess(t, testenv.Access{User: user, Namespace: operatorNamespace, Verb: "get", Resource: "secrets"})
	awaitAccess(t, testenv.Access{User: user, Verb: "get", Resource: "namespaces"})
	for namespace, want := range map[string]permissions{operatorNamespace: atHome, env.Namespace(t): everywhere} {
		if diff := cmp.Diff(want, permissionsIn(t, namespace, user)); diff != "" {
			t.Errorf("permissions of the manager in %s (-want +got):\n%s", namespace, diff)
		}
	}
}

func TestPeopleGetTheirPermissionsForKeys(t *testing.T) {
	const look, change = "get list watch", "get list watch create update patch delete deletecollection"
	viewer := permissions{
		"keys.kms.chatelaine.dev": look, "keypolicies.kms.chatelaine.dev": look, "kmsbackends.kms.chatelaine.dev": look,
	}
	editor := permissions{
		"keys.kms.chatelaine.dev": change, "keypolicies.kms.chatelaine.dev": change, "kmsbackends.kms.chatelaine.dev": look,
	}
	namespace := env.Namespace(t)
	// Aggregation is a controller's work, which this server has not: the roles are bound by hand.
	bind(t, namespace, "chatelaine-key-viewer", "get", "vera", "ed")
	bind(t, namespace, "chatelaine-key-editor", "create", "ed")
	for user, want := range map[string]permissions{"vera": viewer, "ed": editor} {
		if diff := cmp.Diff(want, permissionsIn(t, namespace, user)); diff != "" {
			t.Errorf("permissions of %s (-want +got):\n%s", user, diff)
		}
	}
}

func TestPeoplesRolesAreAddedToKubernetesOwn(t *testing.T) {
	for selector, want := range map[string][]string{
		"view":  {"chatelaine-key-viewer"},
		"edit":  {"chatelaine-key-editor", "chatelaine-key-viewer"},
		"admin": {"chatelaine-key-editor", "chatelaine-key-viewer"},
	} {
		got := kubectlQuietly(t, env, "get", "clusterroles", "-o", "custom-columns=NAME:.metadata.name", "--no-headers",
			"-l", "app.kubernetes.io/name=chatelaine,rbac.authorization.k8s.io/aggregate-to-"+selector+"=true")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("roles added to %s (-want +got):\n%s", selector, diff)
		}
	}
}

// permissionsIn asks the API server's authorizer for everything.
func permissionsIn(t *testing.T, namespace, user string) permissions {
	t.Helper()
	found := permissions{}
	for _, resource := range resources {
		var allowed []string
		for _, verb := range allVerbs {
			access := testenv.Access{User: user, Namespace: namespace, Verb: verb, Resource: resource}
			yes, err := env.Allowed(t.Context(), access)
			if err != nil {
				t.Fatal(err)
			}
			if yes {
				allowed = append(allowed, verb)
			}
		}
		if allowed != nil {
			found[resource] = strings.Join(allowed, " ")
		}
	}
	return found
}

// bind gives users one of the people's roles in namespace, verb being one that the role brings.
func bind(t *testing.T, namespace, role, verb string, users ...string) {
	t.Helper()
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: role},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
	}
	for _, user := range users {
		binding.Subjects = append(binding.Subjects, rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: "User", Name: user})
	}
	if err := env.Client.Create(t.Context(), binding); err != nil {
		t.Fatal(err)
	}
	for _, user := range users {
		awaitAccess(t, testenv.Access{User: user, Namespace: namespace, Verb: verb, Resource: "keys.kms.chatelaine.dev"})
	}
}

func awaitAccess(t *testing.T, access testenv.Access) {
	t.Helper()
	if err := env.WaitAllowed(t.Context(), access); err != nil {
		t.Fatal(err)
	}
}
