// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package cabundle

import (
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/chatelaine-dev/chatelaine/controllers/internal/tell"
)

// tellConflict tells once of each ConfigMap that is in the way.
func (r *Reconciler) tellConflict(namespace *metav1.PartialObjectMetadata, has *corev1.ConfigMap) {
	if !r.conflicts.add(namespace.Name, has.UID) {
		return
	}
	// About the namespace, and in it, where those look who work there: Events about what is in no namespace would go to
	// the namespace default.
	about := namespace.DeepCopy()
	about.Namespace = namespace.Name
	tell.Event(r.Events, about, corev1.EventTypeWarning, ReasonConflict, tell.Reconciling, fmt.Sprintf(
		"ConfigMap %s exists and was not created by the operator: it was left untouched, and the CA certificates of the KMS endpoint are not published here: delete or rename it",
		ConfigMapName))
}

// conflicts remembers of which foreign ConfigMaps was told, by namespace. The zero value is empty.
type conflicts struct {
	mu   sync.Mutex
	told map[string]types.UID
}

// add says whether that is new.
func (c *conflicts) add(namespace string, configMap types.UID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.told[namespace] == configMap {
		return false
	}
	if c.told == nil {
		c.told = map[string]types.UID{}
	}
	c.told[namespace] = configMap
	return true
}

func (c *conflicts) forget(namespace string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.told, namespace)
}
