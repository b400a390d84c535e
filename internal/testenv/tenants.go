// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// maxNamespacePrefix leaves room for the random end of a name of 63 characters.
const maxNamespacePrefix = 50

// tokenSeconds is longer than any test binary runs.
const tokenSeconds = 6 * 60 * 60

var notInName = regexp.MustCompile(`[^a-z0-9]+`)

// Namespace makes a namespace for the test alone and returns its name, which begins with the test's. labels are given
// to it. It stays when the test ends, as nothing here could empty it.
func (e *Env) Namespace(tb testing.TB, labels ...map[string]string) string {
	tb.Helper()
	prefix := notInName.ReplaceAllString(strings.ToLower(tb.Name()), "-")
	prefix = strings.Trim(prefix[:min(len(prefix), maxNamespacePrefix)], "-")
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: prefix + "-", Labels: map[string]string{}}}
	for _, set := range labels {
		maps.Copy(namespace.Labels, set)
	}
	if err := e.Client.Create(tb.Context(), namespace); err != nil {
		tb.Fatalf("making a namespace for the test: %v", err)
	}
	return namespace.Name
}

// ConfigFor is a configuration that acts as the ServiceAccount, which has to exist, with a token of its own.
func (e *Env) ConfigFor(ctx context.Context, serviceAccount types.NamespacedName) (*rest.Config, error) {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{
		Namespace: serviceAccount.Namespace, Name: serviceAccount.Name,
	}}
	expiration := int64(tokenSeconds)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &expiration}}
	if err := e.Client.SubResource("token").Create(ctx, account, request); err != nil {
		return nil, fmt.Errorf("requesting a token for ServiceAccount %s: %w", serviceAccount, err)
	}
	config := rest.AnonymousClientConfig(e.Config)
	config.BearerToken = request.Status.Token
	return config, nil
}

// WriteKubeconfigFor writes a kubeconfig file with the rights of ConfigFor, for a program that runs as a process.
func (e *Env) WriteKubeconfigFor(ctx context.Context, serviceAccount types.NamespacedName, path string) error {
	config, err := e.ConfigFor(ctx, serviceAccount)
	if err != nil {
		return err
	}
	const name = "test"
	return clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{name: {Server: config.Host, CertificateAuthorityData: config.CAData}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{name: {Token: config.BearerToken}},
		Contexts:       map[string]*clientcmdapi.Context{name: {Cluster: name, AuthInfo: name}},
		CurrentContext: name,
	}, path)
}

// UserName is the name by which the API server knows the ServiceAccount, as in Request.User.
func UserName(serviceAccount types.NamespacedName) string {
	return "system:serviceaccount:" + serviceAccount.Namespace + ":" + serviceAccount.Name
}
