// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// pod is a Pod of the sample workload with what a kubelet would do for it: the volumes' content is in folder, flat, and
// environment is its container's.
type pod struct {
	w      *world
	object *corev1.Pod
	folder string
}

// pod makes a Pod from the Deployment of the sample workload.
func (w *world) pod(name string) *pod {
	w.t.Helper()
	deployment := &appsv1.Deployment{}
	if err := w.env.Client.Get(w.ctx, client.ObjectKey{Namespace: w.namespace, Name: "orders"}, deployment); err != nil {
		w.t.Fatal(err)
	}
	template := deployment.Spec.Template
	p := &pod{w: w, folder: w.t.TempDir(), object: &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name, Labels: template.Labels}, Spec: template.Spec,
	}}
	w.create(p.object)
	for _, volume := range p.object.Spec.Volumes {
		p.fill(volume.VolumeSource)
	}
	return p
}

func (p *pod) fill(volume corev1.VolumeSource) {
	p.w.t.Helper()
	if volume.ConfigMap != nil {
		for name, content := range p.configMap(volume.ConfigMap.Name).Data {
			writeFile(p.w.t, p.path(name), content)
		}
	}
	if volume.Projected == nil {
		return
	}
	for _, source := range volume.Projected.Sources {
		p.mount(*source.ServiceAccountToken)
	}
}

// mount requests a token as a kubelet does: bound to the pod.
func (p *pod) mount(projection corev1.ServiceAccountTokenProjection) {
	p.w.t.Helper()
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		Audiences: []string{projection.Audience}, ExpirationSeconds: projection.ExpirationSeconds,
		BoundObjectRef: &authenticationv1.BoundObjectReference{
			APIVersion: "v1", Kind: "Pod", Name: p.object.Name, UID: p.object.UID,
		},
	}}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{
		Namespace: p.object.Namespace, Name: p.object.Spec.ServiceAccountName,
	}}
	if err := p.w.env.Client.SubResource("token").Create(p.w.ctx, account, request); err != nil {
		p.w.t.Fatal(err)
	}
	writeFile(p.w.t, p.path(projection.Path), request.Status.Token)
}

func (p *pod) configMap(name string) *corev1.ConfigMap {
	p.w.t.Helper()
	found := &corev1.ConfigMap{}
	p.w.await(func() (bool, string) {
		err := p.w.env.Client.Get(p.w.ctx, client.ObjectKey{Namespace: p.object.Namespace, Name: name}, found)
		return err == nil, "ConfigMap " + name
	})
	return found
}

// path is where a file of a volume is.
func (p *pod) path(name string) string { return filepath.Join(p.folder, name) }

func (p *pod) read(name string) string {
	p.w.t.Helper()
	content, err := os.ReadFile(p.path(name))
	if err != nil {
		p.w.t.Fatal(err)
	}
	return string(content)
}

// token is what the pod exchanges for credentials.
func (p *pod) token() string { return p.read("token") }

var reference = regexp.MustCompile(`\$\((\w+)\)`)

// environment is that of the pod's container, with the Service's address and the mounts' paths as they are here.
func (p *pod) environment(r *replica) map[string]string {
	p.w.t.Helper()
	container := p.object.Spec.Containers[0]
	replacements := []string{"https://chatelaine-kms." + operatorNamespace + ".svc", r.https}
	for _, mount := range container.VolumeMounts {
		replacements = append(replacements, mount.MountPath, p.folder)
	}
	here := strings.NewReplacer(replacements...)
	environment := map[string]string{}
	for _, variable := range container.Env {
		value := reference.ReplaceAllStringFunc(variable.Value, func(name string) string {
			return environment[strings.Trim(name, "$()")]
		})
		if variable.ValueFrom != nil {
			ref := variable.ValueFrom.ConfigMapKeyRef
			value = p.configMap(ref.Name).Data[ref.Key]
		}
		environment[variable.Name] = here.Replace(value)
	}
	return environment
}

// get is the status of a GET with the token as the container credentials provider sends it.
func (w *world) get(url, token string) string {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("Authorization", token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	return response.Status
}
