// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

const (
	backendName       = "bench"
	operatorNamespace = "chatelaine-system"
	floorGroup        = "floor.chatelaine.dev"
)

// operator is a running operator, its API server and the clients of a benchmark.
type operator struct {
	env    *testenv.Env
	client client.WithWatch
	// floor handles objects of type Key in the group that nobody reconciles.
	floor client.Client
	// readyStatus is that of a Key which is Ready.
	readyStatus v1alpha1.KeyStatus
	// writers is the number of connections that write, for Keys and for the floor alike.
	writers int
	names   int

	binary, kubeconfig string
	cmd                *exec.Cmd
	log                bytes.Buffer
}

func startOperator(b *testing.B) *operator {
	b.Helper()
	o := &operator{env: testenv.Start(b, testenv.Options{WithoutCRDs: true}), writers: 4, kubeconfig: filepath.Join(b.TempDir(), "kubeconfig")}
	o.install(b)
	o.build(b)
	account := types.NamespacedName{Namespace: operatorNamespace, Name: "chatelaine-manager"}
	if err := o.env.WriteKubeconfigFor(b.Context(), account, o.kubeconfig); err != nil {
		b.Fatal(err)
	}
	o.start(b)
	b.Cleanup(o.stop)
	backend := &v1alpha1.KMSBackend{
		ObjectMeta: metav1.ObjectMeta{Name: backendName},
		Spec:       v1alpha1.KMSBackendSpec{Software: &v1alpha1.SoftwareBackend{}},
	}
	if err := o.client.Create(b.Context(), backend); err != nil {
		b.Fatal(err)
	}
	o.applyAndAwait(b, "pilot", 1)
	pilot := newKey("pilot", 0)
	if err := o.client.Get(b.Context(), client.ObjectKeyFromObject(pilot), pilot); err != nil {
		b.Fatal(err)
	}
	o.readyStatus = pilot.Status
	return o
}

// install puts config/default onto the server, and the CRD of Keys once more under the group of the floor.
func (o *operator) install(b *testing.B) {
	b.Helper()
	path, err := testenv.Path("config", "default")
	if err != nil {
		b.Fatal(err)
	}
	if err := o.env.ApplyKustomization(b.Context(), path); err != nil {
		b.Fatal(err)
	}
	if o.client, err = client.NewWithWatch(o.env.Config, client.Options{Scheme: o.env.Scheme}); err != nil {
		b.Fatal(err)
	}
	o.installFloor(b)
}

func (o *operator) installFloor(b *testing.B) {
	b.Helper()
	path, err := testenv.Path("config", "crd", "bases", "kms.chatelaine.dev_keys.yaml")
	if err != nil {
		b.Fatal(err)
	}
	manifest, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.Unmarshal(manifest, crd); err != nil {
		b.Fatal(err)
	}
	crd.Name, crd.Spec.Group = "keys."+floorGroup, floorGroup
	crd.Spec.Names.ShortNames = nil
	manifest, err = yaml.Marshal(crd)
	if err != nil {
		b.Fatal(err)
	}
	if err := o.env.ApplyManifests(b.Context(), manifest); err != nil {
		b.Fatal(err)
	}
	scheme, version := runtime.NewScheme(), schema.GroupVersion{Group: floorGroup, Version: v1alpha1.GroupVersion.Version}
	scheme.AddKnownTypes(version, &v1alpha1.Key{})
	metav1.AddToGroupVersion(scheme, version)
	if o.floor, err = client.New(o.env.Config, client.Options{Scheme: scheme}); err != nil {
		b.Fatal(err)
	}
}

func (o *operator) build(b *testing.B) {
	b.Helper()
	root, err := testenv.Path()
	if err != nil {
		b.Fatal(err)
	}
	o.binary = filepath.Join(b.TempDir(), "chatelaine")
	build := exec.Command("go", "build", "-o", o.binary, ".")
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		b.Fatalf("building the operator: %v\n%s", err, output)
	}
}

func (o *operator) start(b *testing.B) {
	b.Helper()
	o.cmd = exec.Command(o.binary, "manager", "--kubeconfig", o.kubeconfig, "--namespace", operatorNamespace,
		"--metrics-bind-address", "0", "--health-probe-bind-address", "0", "--log-level", "error")
	o.cmd.Stderr = &o.log
	if err := o.cmd.Start(); err != nil {
		b.Fatal(err)
	}
}

func (o *operator) stop() {
	_ = o.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	_ = o.cmd.Wait()
}

func (o *operator) restart(b *testing.B) {
	b.Helper()
	o.stop()
	o.start(b)
}

// awaitSettled waits until the operator has used no processor time to speak of for two seconds.
func (o *operator) awaitSettled(b *testing.B) {
	b.Helper()
	time.Sleep(5 * time.Second)
	for before := o.ticks(b); ; {
		time.Sleep(2 * time.Second)
		now := o.ticks(b)
		if now-before < 10 {
			return
		}
		before = now
	}
}

// ticks is the processor time used so far, in hundredths of a second.
func (o *operator) ticks(b *testing.B) int {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", o.cmd.Process.Pid))
	if err != nil {
		b.Fatalf("the operator is gone: %v\n%s", err, o.log.String())
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(after)
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return user + system
}

// residentMiB is the operator's resident memory.
func (o *operator) residentMiB(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", o.cmd.Process.Pid))
	if err != nil {
		b.Fatalf("the operator is gone: %v\n%s", err, o.log.String())
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.Atoi(strings.Fields(value)[0])
			if err != nil {
				b.Fatal(err)
			}
			return float64(kib) / 1024
		}
	}
	b.Fatal("no VmRSS")
	return 0
}

func (o *operator) namespace(b *testing.B, name string) {
	b.Helper()
	err := o.client.Create(context.Background(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	if err != nil {
		b.Fatal(err)
	}
}

// freshName is a name for a namespace that no earlier round has used.
func (o *operator) freshName(prefix string) string {
	o.names++
	return fmt.Sprintf("%s-%d", prefix, o.names)
}

func isReady(key *v1alpha1.Key) bool {
	return meta.IsStatusConditionTrue(key.Status.Conditions, v1alpha1.ConditionReady)
}
