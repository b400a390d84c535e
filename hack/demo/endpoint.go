// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

const (
	// caBundle is the ConfigMap in which the operator publishes the CA of its endpoint, and accessKeyLabel what makes a Secret
	// an access key.
	caBundle       = "chatelaine-kms-ca"
	accessKeyLabel = "kms.chatelaine.dev/access-key"
)

// endpoint is AWS's API as the operator serves it, and a key to use there.
type endpoint struct {
	url, region, account string
	// key is an alias, and object the Key that declares it.
	key    string
	object client.ObjectKey
	// ca is the path of the CA's certificate, and trust a client that goes by it.
	ca    string
	trust *awshttp.BuildableClient
	// root and user are access keys: of the account, who may do anything, and of somebody who may do what he is allowed.
	root, user accessKey
}

// accessKey is an access key that lives as long as the demo does.
type accessKey struct{ id, secret, principal string }

// useKey shows the sample key at work for clients of AWS's API, and returns what such a client has to know. Samples without
// a key that encrypts and has an alias have nothing to show: then it is nil.
func (d *demo) useKey(ctx context.Context, applied samples) (*endpoint, error) {
	key := applied.encrypting()
	if key == nil {
		return nil, nil
	}
	e, err := d.newEndpoint(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("using %s: %w", key.Spec.Aliases[0], err)
	}
	d.screen.text("")
	d.screen.step("AWS's API is served at %s", e.url)
	if err := d.showUse(ctx, e); err != nil {
		return nil, fmt.Errorf("using %s: %w", e.key, err)
	}
	return e, nil
}

func (d *demo) newEndpoint(ctx context.Context, key *v1alpha1.Key) (*endpoint, error) {
	const accountAt, regionAt = 4, 3 // arn:aws:kms:REGION:ACCOUNT:key/ID
	arn := strings.Split(key.Status.ARN, ":")
	if len(arn) <= accountAt {
		return nil, fmt.Errorf("its ARN is %q", key.Status.ARN)
	}
	e := &endpoint{
		url: "https://" + d.kms, region: arn[regionAt], account: arn[accountAt],
		key: key.Spec.Aliases[0], object: client.ObjectKeyFromObject(key), ca: filepath.Join(d.dir, "ca.crt"),
	}
	if err := d.readCA(ctx, e); err != nil {
		return nil, err
	}
	e.root, e.user = newAccessKey(e.arn("root")), newAccessKey(e.arn("user/demo"))
	for name, key := range map[string]accessKey{"demo-root": e.root, "demo-user": e.user} {
		if err := d.env.Client.Create(ctx, key.object(name)); err != nil {
			return nil, fmt.Errorf("making the access key Secret %s: %w", name, err)
		}
	}
	return e, nil
}

func (e *endpoint) arn(resource string) string { return "arn:aws:iam::" + e.account + ":" + resource }

func newAccessKey(principal string) accessKey {
	const idLength = 16
	return accessKey{id: "AKIA" + rand.Text()[:idLength], secret: rand.Text(), principal: principal}
}

// object is the Secret that makes the access key known.
func (k accessKey) object(name string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{accessKeyLabel: "true"}},
		StringData: map[string]string{"accessKeyID": k.id, "secretAccessKey": k.secret, "principal": k.principal},
	}
}

// readCA waits until the operator has published its CA, and trusts it.
func (d *demo) readCA(ctx context.Context, e *endpoint) error {
	published := &corev1.ConfigMap{}
	for {
		err := d.env.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: caBundle}, published)
		if err == nil {
			break
		}
		if ctx.Err() != nil || client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("reading ConfigMap %s: %w", caBundle, err)
		}
		pause(ctx)
	}
	pem := []byte(published.Data["ca.crt"])
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return fmt.Errorf("ConfigMap %s has no certificate", caBundle)
	}
	e.trust = awshttp.NewBuildableClient().WithTransportOptions(func(transport *http.Transport) {
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	})
	if err := os.WriteFile(e.ca, pem, 0o600); err != nil {
		return fmt.Errorf("keeping the CA's certificate: %w", err)
	}
	return nil
}

// client is AWS's SDK with the access key.
func (e *endpoint) client(key accessKey) *kms.Client {
	return kms.New(kms.Options{
		BaseEndpoint: &e.url, Region: e.region, HTTPClient: e.trust,
		Credentials: credentials.NewStaticCredentialsProvider(key.id, key.secret, ""),
	})
}

// showUse tells how a user is refused the key, is allowed it, and uses it.
func (d *demo) showUse(ctx context.Context, e *endpoint) error {
	root, user := e.client(e.root), e.client(e.user)
	if err := awaitKnown(ctx, root, user); err != nil {
		return err
	}
	_, err := user.Encrypt(ctx, &kms.EncryptInput{KeyId: &e.key, Plaintext: []byte("not yet")})
	if code(err) != denied {
		return fmt.Errorf("%s was to be refused it, which ended with %w", e.user.principal, err)
	}
	d.screen.step("user demo is refused %s: %s", e.key, denied)
	policy := e.policy()
	if err := d.allow(ctx, policy); err != nil {
		return err
	}
	d.screen.step("KeyPolicy %s/%s lets user demo use it", policy.Namespace, policy.Name)
	return d.showRoundTrip(ctx, e.key, user)
}

func (d *demo) showRoundTrip(ctx context.Context, key string, user *kms.Client) error {
	text := []byte("a secret message")
	purpose := map[string]string{"purpose": "demo"}
	encrypted, err := user.Encrypt(ctx, &kms.EncryptInput{KeyId: &key, Plaintext: text, EncryptionContext: purpose})
	if err != nil {
		return err
	}
	decrypted, err := user.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: encrypted.CiphertextBlob, EncryptionContext: purpose})
	if err != nil {
		return err
	}
	if !bytes.Equal(decrypted.Plaintext, text) {
		return errors.New("what was decrypted is not what was encrypted")
	}
	d.screen.step("user demo encrypted %d bytes under %s, decrypted them again: the same text", len(text), key)
	return nil
}

const (
	denied  = "AccessDeniedException"
	unknown = "UnrecognizedClientException"
)

// awaitKnown waits until the access keys are known, which takes a moment from their Secrets on.
func awaitKnown(ctx context.Context, clients ...*kms.Client) error {
	for _, client := range clients {
		for {
			_, err := client.ListAliases(ctx, &kms.ListAliasesInput{Limit: aws.Int32(1)})
			if err == nil || code(err) == denied {
				break
			}
			if ctx.Err() != nil || code(err) != unknown {
				return err
			}
			pause(ctx)
		}
	}
	return nil
}

// code is AWS's name of an error; empty for any other.
func code(err error) string {
	if known, ok := errors.AsType[smithy.APIError](err); ok {
		return known.ErrorCode()
	}
	return ""
}

// policy lets the user use the key.
func (e *endpoint) policy() *v1alpha1.KeyPolicy {
	return &v1alpha1.KeyPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: e.object.Namespace, Name: "demo"},
		Spec: v1alpha1.KeyPolicySpec{
			Targets: []v1alpha1.KeyPolicyTarget{{Name: e.object.Name}},
			Rules: []v1alpha1.KeyPolicyRule{{
				Sid: "Use", Principals: []v1alpha1.KeyPolicyPrincipal{{AWS: e.user.principal}},
				Permissions: []v1alpha1.Permission{v1alpha1.PermissionUse},
			}},
		},
	}
}

// allow applies the KeyPolicy and waits until it is in force.
func (d *demo) allow(ctx context.Context, policy *v1alpha1.KeyPolicy) error {
	if err := d.env.Client.Create(ctx, policy); err != nil {
		return fmt.Errorf("applying KeyPolicy %s: %w", policy.Name, err)
	}
	for !meta.IsStatusConditionTrue(policy.Status.Conditions, v1alpha1.ConditionReady) {
		pause(ctx)
		if err := d.env.Client.Get(ctx, client.ObjectKeyFromObject(policy), policy); err != nil {
			return fmt.Errorf("waiting for KeyPolicy %s: %w", policy.Name, err)
		}
	}
	return nil
}

// exports are the lines by which AWS's tools in another terminal use the endpoint, as the account's root user.
func (e *endpoint) exports() []string {
	return []string{
		"unset AWS_PROFILE AWS_SESSION_TOKEN",
		"export AWS_ENDPOINT_URL_KMS=" + e.url + " AWS_ENDPOINT_URL_STS=" + e.url,
		"export AWS_REGION=" + e.region + " AWS_DEFAULT_REGION=" + e.region,
		"export AWS_CA_BUNDLE=" + e.ca,
		"export AWS_ACCESS_KEY_ID=" + e.root.id + " AWS_SECRET_ACCESS_KEY=" + e.root.secret,
	}
}
