// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// sampleWorkload is the Deployment of config/samples/workload.
func sampleWorkload(t *testing.T) *appsv1.Deployment {
	t.Helper()
	kubectlQuietly(t, env, "apply", "--server-side", "--validate=strict", "-k", path(t, "config", "samples"))
	kubectlQuietly(t, env, "apply", "--server-side", "--validate=strict", "-k", path(t, "config", "samples", "workload"))
	return get(t, "chatelaine-samples", "orders", &appsv1.Deployment{})
}

func get[T client.Object](t *testing.T, namespace, name string, object T) T {
	t.Helper()
	if err := env.Client.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, object); err != nil {
		t.Fatal(err)
	}
	return object
}

func TestSampleWorkloadAppliesOnTopOfTheSamples(t *testing.T) {
	kubectlQuietly(t, env, "apply", "--server-side", "--validate=strict", "-k", path(t, "config", "samples"))
	for _, line := range kubectlQuietly(t, env, "apply", "--server-side", "--dry-run=server", "--validate=strict", "-k", path(t, "config", "samples", "workload")) {
		if !strings.HasSuffix(line, "(server dry run)") {
			t.Errorf("kubectl printed %q", line)
		}
	}
}

// A namespace that asks for restricted pods takes the sample as it is; kubectl warns of what it would refuse.
func TestSampleWorkloadIsARestrictedPod(t *testing.T) {
	namespace := env.Namespace(t, map[string]string{"pod-security.kubernetes.io/warn": "restricted"})
	deployment := sampleWorkload(t)
	copied := &appsv1.Deployment{Spec: deployment.Spec}
	copied.APIVersion, copied.Kind, copied.Namespace, copied.Name = "apps/v1", "Deployment", namespace, "orders"
	manifest, err := yaml.Marshal(copied)
	if err != nil {
		t.Fatal(err)
	}
	file := t.TempDir() + "/deployment.yaml"
	if err := os.WriteFile(file, manifest, 0o600); err != nil {
		t.Fatal(err)
	}
	kubectlQuietly(t, env, "apply", "--dry-run=server", "-f", file)
}

var block = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// What docs/endpoint.md shows is the sample, which the tests in test/operator run.
func TestDocumentedEnvironmentIsThatOfTheSampleWorkload(t *testing.T) {
	page, err := os.ReadFile(path(t, "docs", "endpoint.md"))
	if err != nil {
		t.Fatal(err)
	}
	var shown struct {
		Env          []corev1.EnvVar      `json:"env"`
		VolumeMounts []corev1.VolumeMount `json:"volumeMounts"`
		Volumes      []corev1.Volume      `json:"volumes"`
	}
	for _, match := range block.FindAllSubmatch(page, -1) {
		if err := yaml.Unmarshal(match[1], &shown); err != nil {
			t.Fatalf("the example %s: %v", match[1], err)
		}
	}
	spec := sampleWorkload(t).Spec.Template.Spec
	sample := environment(spec.Containers[0].Env, "")
	delete(sample, "KMS_KEY_ALIAS") // the application's, not the SDK's
	if diff := cmp.Diff(sample, environment(shown.Env, "chatelaine-samples")); diff != "" {
		t.Errorf("environment (-sample +docs/endpoint.md):\n%s", diff)
	}
	if diff := cmp.Diff(spec.Containers[0].VolumeMounts, shown.VolumeMounts); diff != "" {
		t.Errorf("volume mounts (-sample +docs/endpoint.md):\n%s", diff)
	}
	if diff := cmp.Diff(sources(spec.Volumes), sources(shown.Volumes)); diff != "" {
		t.Errorf("volumes (-sample +docs/endpoint.md):\n%s", diff)
	}
}

// environment is variables by name; namespace, if there is one, takes the place of the shop's.
func environment(variables []corev1.EnvVar, namespace string) map[string]string {
	values := map[string]string{}
	for _, variable := range variables {
		values[variable.Name] = variable.Value
		if namespace != "" {
			values[variable.Name] = strings.ReplaceAll(variable.Value, "role/shop/", "role/"+namespace+"/")
		}
		if variable.ValueFrom != nil {
			ref := variable.ValueFrom.ConfigMapKeyRef
			values[variable.Name] = "entry " + ref.Key + " of " + ref.Name
		}
	}
	return values
}

// sources are what volumes hold, by name, without what the API server adds.
func sources(volumes []corev1.Volume) map[string]any {
	found := map[string]any{}
	for _, volume := range volumes {
		switch {
		case volume.ConfigMap != nil:
			found[volume.Name] = volume.ConfigMap.Name
		case volume.Projected != nil:
			found[volume.Name] = volume.Projected.Sources
		}
	}
	return found
}

func TestServiceLeadsToTheEndpointOfTheManager(t *testing.T) {
	service := get(t, operatorNamespace, "chatelaine-kms", &corev1.Service{})
	deployment := get(t, operatorNamespace, manager.Name, &appsv1.Deployment{})
	template := deployment.Spec.Template
	if !labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(template.Labels)) {
		t.Errorf("the Service selects %v, pods are %v", service.Spec.Selector, template.Labels)
	}
	container := template.Spec.Containers[0]
	var serves int32
	for _, port := range container.Ports {
		if port.Name == service.Spec.Ports[0].TargetPort.StrVal {
			serves = port.ContainerPort
		}
	}
	const address = "--kms-bind-address=:8443"
	if service.Spec.Ports[0].Port != 443 || serves != 8443 || !strings.Contains(strings.Join(container.Args, " "), address) {
		t.Errorf("the Service has ports %+v, the container %+v and arguments %q", service.Spec.Ports, container.Ports, container.Args)
	}
}
