// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

var env *testenv.Env

func TestMain(m *testing.M) { os.Exit(testenv.Run(m, &env, testenv.Options{})) }

var noon = metav1.Date(2026, time.May, 1, 12, 0, 0, 0, time.UTC)

// newKey is a valid Key, the base that a test changes.
func newKey(namespace string) *v1alpha1.Key {
	return &v1alpha1.Key{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "key-"},
		Spec:       v1alpha1.KeySpec{KeySpec: "SYMMETRIC_DEFAULT"},
	}
}

// newBackend is a valid KMSBackend, the base that a test changes.
func newBackend() *v1alpha1.KMSBackend {
	return &v1alpha1.KMSBackend{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "backend-"},
		Spec:       v1alpha1.KMSBackendSpec{Software: &v1alpha1.SoftwareBackend{}},
	}
}

// verdict is what the API server has to say to an object. The zero value is that it accepts it.
type verdict struct {
	// field is the path of the only field that it names.
	field string
	// message is part of what it says about the field.
	message string
}

var accepted = verdict{}

func refused(field, message string) verdict { return verdict{field: field, message: message} }

// check compares the answer of a write with the verdict.
func (v verdict) check(t *testing.T, answer error) {
	t.Helper()
	if v == accepted {
		if answer != nil {
			t.Errorf("refused: %v", answer)
		}
		return
	}
	var status apierrors.APIStatus
	if !apierrors.IsInvalid(answer) || !errors.As(answer, &status) {
		t.Errorf("got %v, want a refusal of %s", answer, v.field)
		return
	}
	said := false
	for _, cause := range status.Status().Details.Causes {
		// A schema error is followed by a note about no field, that rules were not checked.
		if cause.Field == "<nil>" {
			continue
		}
		if cause.Field != v.field {
			t.Errorf("refused %s (%s), want only %s refused", cause.Field, cause.Message, v.field)
		}
		said = said || strings.Contains(cause.Message, v.message)
	}
	if !said {
		t.Errorf("refused with %v, want %q said of %s", answer, v.message, v.field)
	}
}

// keyCases are changes to the valid Key, by what is special about them, and what comes of creating it.
type keyCases map[string]struct {
	change func(*v1alpha1.Key)
	want   verdict
}

func (cases keyCases) run(t *testing.T) {
	namespace := env.Namespace(t)
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			key := newKey(namespace)
			test.change(key)
			test.want.check(t, env.Client.Create(t.Context(), key))
		})
	}
}

// keyChanges are changes of an existing Key: from is applied to the valid Key before it is created, to afterwards.
type keyChanges map[string]struct {
	from, to func(*v1alpha1.Key)
	want     verdict
}

func (changes keyChanges) run(t *testing.T) {
	namespace := env.Namespace(t)
	for name, test := range changes {
		t.Run(name, func(t *testing.T) {
			key := newKey(namespace)
			test.from(key)
			status := key.Status
			if err := env.Client.Create(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			key.Status = status
			if err := env.Client.Status().Update(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			test.to(key)
			test.want.check(t, env.Client.Update(t.Context(), key))
		})
	}
}
