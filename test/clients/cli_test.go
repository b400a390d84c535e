// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package clients_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// shell runs the AWS CLI in a folder of its own, as a person would.
type shell struct {
	t   *testing.T
	dir string
}

func newShell(t *testing.T) *shell { return &shell{t, t.TempDir()} }

func (s *shell) file(name string, content []byte) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), content, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// run is what a command line of aws prints, for the caller with that access key.
func (s *shell) run(who string, args ...string) (string, error) {
	s.t.Helper()
	cmd := pythonCommand(s.t, who, append([]string{"-m", "awscli"}, args...)...)
	cmd.Dir = s.dir
	output, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		err = errors.New(string(bytes.TrimSpace(exit.Stderr)))
	}
	return string(bytes.TrimSpace(output)), err
}

// aws is what `aws ... --query QUERY --output text` prints for root; the query is empty for a command that prints nothing.
func (s *shell) aws(query string, args ...string) string {
	s.t.Helper()
	if query != "" {
		args = append(args, "--query", query, "--output", "text")
	}
	output, err := s.run("root", args...)
	if err != nil {
		s.t.Fatalf("aws %s: %v", strings.Join(args, " "), err)
	}
	return output
}

func (s *shell) mustFail(want string, args ...string) {
	s.t.Helper()
	if output, err := s.run("user", args...); err == nil || !strings.Contains(err.Error(), want) {
		s.t.Errorf("aws %s: got %q, %v; want %s", strings.Join(args, " "), output, err, want)
	}
}

func (s *shell) blob(query string, args ...string) []byte {
	s.t.Helper()
	return must(base64.StdEncoding.DecodeString(s.aws(query, args...)))(s.t)
}

func TestTheCLIEncryptsAndDecryptsFiles(t *testing.T) {
	s := newShell(t)
	key := s.aws("KeyMetadata.KeyId", "kms", "create-key", "--description", "of the CLI", "--tags", "TagKey=team,TagValue=red")
	alias := "alias/cli/" + uuid.NewString()
	s.aws("", "kms", "create-alias", "--alias-name", alias, "--target-key-id", key)
	s.file("plain", []byte("a secret with \x00 in it"))
	s.file("sealed", s.blob("CiphertextBlob", "kms", "encrypt", "--key-id", alias, "--plaintext", "fileb://plain",
		"--encryption-context", "app=shop"))
	opened := s.blob("Plaintext", "kms", "decrypt", "--ciphertext-blob", "fileb://sealed", "--encryption-context", "app=shop")
	if string(opened) != "a secret with \x00 in it" {
		t.Errorf("decrypted to %q", opened)
	}
	s.mustFail("An error occurred (AccessDeniedException) when calling the Encrypt operation: User: "+callers["user"].Principal,
		"kms", "encrypt", "--key-id", alias, "--plaintext", "fileb://plain")
	if got := s.aws("length(Tags)", "kms", "list-resource-tags", "--key-id", key); got != "1" {
		t.Errorf("the key has %s tags", got)
	}
	s.file("data", s.blob("CiphertextBlob", "kms", "generate-data-key", "--key-id", key, "--key-spec", "AES_256"))
	other := s.aws("KeyMetadata.KeyId", "kms", "create-key")
	s.file("moved", s.blob("CiphertextBlob", "kms", "re-encrypt", "--ciphertext-blob", "fileb://data",
		"--destination-key-id", other))
	if moved := s.blob("Plaintext", "kms", "decrypt", "--ciphertext-blob", "fileb://moved", "--key-id", other); len(moved) != 32 {
		t.Errorf("the data key has %d bytes", len(moved))
	}
	s.aws("", "kms", "enable-key-rotation", "--key-id", key, "--rotation-period-in-days", "180")
	if got := s.aws("RotationPeriodInDays", "kms", "get-key-rotation-status", "--key-id", key); got != "180" {
		t.Errorf("it rotates every %s days", got)
	}
	s.aws("KeyId", "kms", "rotate-key-on-demand", "--key-id", key)
	if got := s.aws("DeletionDate", "kms", "schedule-key-deletion", "--key-id", key, "--pending-window-in-days", "7"); got == "" {
		t.Error("it says no date")
	}
	if got := s.aws("KeyMetadata.KeyState", "kms", "describe-key", "--key-id", alias); got != "PendingDeletion" {
		t.Errorf("the key is %s", got)
	}
	s.aws("KeyId", "kms", "cancel-key-deletion", "--key-id", key)
	s.aws("", "kms", "enable-key", "--key-id", key)
}

func TestTheCLISignsAndVerifies(t *testing.T) {
	s := newShell(t)
	key := s.aws("KeyMetadata.Arn", "kms", "create-key", "--key-spec", "ECC_NIST_P256", "--key-usage", "SIGN_VERIFY")
	s.file("message", []byte("a message"))
	message := []string{"--key-id", key, "--message", "fileb://message", "--signing-algorithm", "ECDSA_SHA_256"}
	signature := s.blob("Signature", append([]string{"kms", "sign"}, message...)...)
	s.file("signature", signature)
	verify := append([]string{"kms", "verify", "--signature", "fileb://signature"}, message...)
	if got := s.aws("SignatureValid", verify...); got != "True" {
		t.Errorf("SignatureValid is %s", got)
	}
	public := parsed[*ecdsa.PublicKey](t, s.blob("PublicKey", "kms", "get-public-key", "--key-id", key))
	if !ecdsa.VerifyASN1(public, digest(crypto.SHA256, []byte("a message")), signature) {
		t.Error("the public key does not verify the signature")
	}
	mac := s.aws("KeyMetadata.KeyId", "kms", "create-key", "--key-spec", "HMAC_256", "--key-usage", "GENERATE_VERIFY_MAC")
	arguments := []string{"--key-id", mac, "--message", "fileb://message", "--mac-algorithm", "HMAC_SHA_256"}
	s.file("mac", s.blob("Mac", append([]string{"kms", "generate-mac"}, arguments...)...))
	if got := s.aws("MacValid", append([]string{"kms", "verify-mac", "--mac", "fileb://mac"}, arguments...)...); got != "True" {
		t.Errorf("MacValid is %s", got)
	}
	peer := s.aws("KeyMetadata.KeyId", "kms", "create-key", "--key-spec", "ECC_NIST_P256", "--key-usage", "KEY_AGREEMENT")
	s.file("public", s.blob("PublicKey", "kms", "get-public-key", "--key-id", peer))
	if secret := s.blob("SharedSecret", "kms", "derive-shared-secret", "--key-id", peer, "--key-agreement-algorithm", "ECDH",
		"--public-key", "fileb://public"); len(secret) != 32 {
		t.Errorf("the shared secret has %d bytes", len(secret))
	}
}

func TestTheCLIImportsAKey(t *testing.T) {
	s := newShell(t)
	key := s.aws("KeyMetadata.KeyId", "kms", "create-key", "--origin", "EXTERNAL")
	var parameters struct{ ImportToken, PublicKey []byte }
	output, err := s.run("root", "kms", "get-parameters-for-import", "--key-id", key,
		"--wrapping-algorithm", "RSAES_OAEP_SHA_256", "--wrapping-key-spec", "RSA_2048")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(output), &parameters); err != nil {
		t.Fatal(err)
	}
	material := make([]byte, 32)
	_, _ = rand.Read(material) // it never fails
	s.file("token", parameters.ImportToken)
	s.file("wrapped", must(rsa.EncryptOAEP(sha256.New(), rand.Reader, rsaPublic(t, parameters.PublicKey), material, nil))(t))
	s.aws("KeyMaterialId", "kms", "import-key-material", "--key-id", key, "--import-token", "fileb://token",
		"--encrypted-key-material", "fileb://wrapped", "--expiration-model", "KEY_MATERIAL_EXPIRES", "--valid-to",
		time.Now().Add(24*time.Hour).UTC().Format(time.RFC3339))
	state := s.aws("KeyMetadata.[KeyState,ExpirationModel]", "kms", "describe-key", "--key-id", key)
	if state != "Enabled\tKEY_MATERIAL_EXPIRES" {
		t.Errorf("the key is %s", state)
	}
	s.aws("KeyId", "kms", "delete-imported-key-material", "--key-id", key)
	if got := s.aws("KeyMetadata.KeyState", "kms", "describe-key", "--key-id", key); got != "PendingImport" {
		t.Errorf("without its material the key is %s", got)
	}
}

func TestTheCLIAdministersPoliciesAndGrants(t *testing.T) {
	s := newShell(t)
	key := s.aws("KeyMetadata.Arn", "kms", "create-key", "--multi-region")
	s.file("plain", []byte("x"))
	encrypt := []string{"kms", "encrypt", "--key-id", key, "--plaintext", "fileb://plain", "--query", "KeyId", "--output", "text"}
	s.mustFail("AccessDeniedException", encrypt...)
	grant := s.aws("GrantId", "kms", "create-grant", "--key-id", key, "--name", "cli",
		"--grantee-principal", callers["user"].Principal, "--operations", "Encrypt", "Decrypt")
	if got, err := s.run("user", encrypt...); err != nil || got != key {
		t.Errorf("with the grant: %q, %v", got, err)
	}
	if got := s.aws("Grants[].GrantId", "kms", "list-grants", "--key-id", key); got != grant {
		t.Errorf("the grants are %s", got)
	}
	s.aws("", "kms", "revoke-grant", "--key-id", key, "--grant-id", grant)
	s.mustFail("AccessDeniedException", encrypt...)
	policy := s.aws("Policy", "kms", "get-key-policy", "--key-id", key, "--policy-name", "default")
	var document struct{ Statement []map[string]any }
	if err := json.Unmarshal([]byte(policy), &document); err != nil || len(document.Statement) != 1 {
		t.Fatalf("the policy is %s", policy)
	}
	document.Statement[0]["Principal"] = map[string]any{"AWS": []string{callers["root"].Principal, callers["user"].Principal}}
	s.file("policy.json", must(json.Marshal(document))(t))
	s.aws("", "kms", "put-key-policy", "--key-id", key, "--policy-name", "default", "--policy", "file://policy.json")
	if got, err := s.run("user", encrypt...); err != nil || got != key {
		t.Errorf("with the policy: %q, %v", got, err)
	}
	if got := s.aws("ReplicaKeyMetadata.MultiRegionConfiguration.MultiRegionKeyType", "kms", "replicate-key", "--key-id", key,
		"--replica-region", otherRegion); got != "REPLICA" {
		t.Errorf("the replica is a %s", got)
	}
	_, keyID, _ := strings.Cut(key, "/")
	replica := s.aws("KeyMetadata.Arn", "kms", "describe-key", "--key-id", keyID, "--region", otherRegion)
	if replica != strings.Replace(key, region, otherRegion, 1) {
		t.Errorf("the replica is %s", replica)
	}
}

func TestTheCLIPages(t *testing.T) {
	s := newShell(t)
	key := *symmetricKey(t)
	for range 3 {
		s.aws("", "kms", "create-alias", "--alias-name", "alias/paged/"+uuid.NewString(), "--target-key-id", key)
	}
	s.aws("", "kms", "tag-resource", "--key-id", key,
		"--tags", "TagKey=a,TagValue=1", "TagKey=b,TagValue=2", "TagKey=c,TagValue=3")
	aliases, _ := s.items("Aliases", "kms", "list-aliases", "--key-id", key, "--page-size", "1")
	if aliases != 3 {
		t.Errorf("%d aliases are listed", aliases)
	}
	tags, next := s.items("Tags", "kms", "list-resource-tags", "--key-id", key, "--page-size", "1", "--max-items", "2")
	if tags != 2 || next == "" {
		t.Errorf("%d tags are listed, and there are more: %v", tags, next != "")
	}
	tags, next = s.items("Tags", "kms", "list-resource-tags", "--key-id", key, "--starting-token", next)
	if tags != 1 || next != "" {
		t.Errorf("%d tags follow, and there are more: %v", tags, next != "")
	}
	if keys, next := s.items("Keys", "kms", "list-keys", "--page-size", "2", "--max-items", "1"); keys != 1 || next == "" {
		t.Errorf("%d keys are listed, and there are more: %v", keys, next != "")
	}
}

// items is how many elements a command lists, and the token with which it goes on.
func (s *shell) items(member string, args ...string) (int, string) {
	s.t.Helper()
	output, err := s.run("root", args...)
	if err != nil {
		s.t.Fatalf("aws %s: %v", strings.Join(args, " "), err)
	}
	var document map[string]any
	if err := json.Unmarshal([]byte(output), &document); err != nil {
		s.t.Fatal(err)
	}
	list, _ := document[member].([]any)
	next, _ := document["NextToken"].(string)
	return len(list), next
}

func TestTheCLIProvesWhoItIs(t *testing.T) {
	s := newShell(t)
	if got := s.aws("Arn", "sts", "get-caller-identity"); got != callers["root"].Principal {
		t.Errorf("root is %s", got)
	}
	// The token of EKS is a presigned GetCallerIdentity, in base64.
	token := strings.TrimPrefix(s.aws("status.token", "eks", "get-token", "--cluster-name", "cluster"), "k8s-aws-v1.")
	presigned := must(url.Parse(string(must(base64.RawURLEncoding.DecodeString(token))(t))))(t)
	if to := must(url.Parse(endpoint))(t); presigned.Host != to.Host {
		t.Fatalf("the token is for %s", presigned.Host)
	}
	status, arn, code := fetch(t, presigned, http.Header{"X-K8s-Aws-Id": {"cluster"}})
	if status != http.StatusOK || arn != callers["root"].Principal {
		t.Errorf("the token: %d, %q, %s", status, arn, code)
	}
	status, arn, code = fetch(t, presigned, http.Header{"X-K8s-Aws-Id": {"another"}})
	if status != http.StatusForbidden || arn != "" || code != "SignatureDoesNotMatch" {
		t.Errorf("the token for another cluster: %d, %q, %s", status, arn, code)
	}
}
