// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"slices"

	"github.com/go-logr/logr"

	"github.com/chatelaine-dev/chatelaine/internal/identity"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/boltstore"
)

// othersMayRead are the permissions by which others than a file's owner can read it.
const othersMayRead fs.FileMode = 0o044

// exampleAccessKey is an entry of a credentials file, on one line: AWS's own example, for the account's root user.
const exampleAccessKey = `- {accessKeyID: AKIAIOSFODNN7EXAMPLE, secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", principal: "arn:aws:iam::%s:root"}`

// readCredentials reads the credentials file. It is an error, by package identity, if others may write it. That they may
// read it is how Kubernetes mounts Secrets and how CI checks files out; it is worth a word.
func readCredentials(ctx context.Context, o Options) (*identity.StaticKeys, error) {
	credentials, err := identity.ReadCredentialsFile(o.CredentialsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w; make it, with a line like this for each access key: "+exampleAccessKey, err, o.AccountID)
	}
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(o.CredentialsFile); err == nil && info.Mode()&othersMayRead != 0 {
		warn(ctx, "other users may read the credentials file", "file", o.CredentialsFile,
			"mode", fmt.Sprintf("%04o", info.Mode().Perm()), "advice", "chmod 600 "+o.CredentialsFile)
	}
	return credentials, nil
}

// warnOfOthers names the keyrings in the directory that are not served. Without a word, whoever gives another account or
// Region than the last time would find the keys gone.
func warnOfOthers(ctx context.Context, db *boltstore.Database, o Options) error {
	found, err := db.Keyrings(ctx)
	if err != nil {
		return err
	}
	for _, id := range found {
		if id.AccountID == o.AccountID && slices.Contains(o.Regions, id.Region) {
			continue
		}
		advice := "name the Region in --region as well"
		if id.AccountID != o.AccountID {
			advice = "start with --account-id " + id.AccountID + " --region " + id.Region
		}
		warn(ctx, "the data directory has keys that are not served", "account", id.AccountID, "region", id.Region,
			"dataDir", o.DataDir, "advice", advice)
	}
	return nil
}

// warnOfPlainHTTP tells that what is sent can be read on the way, unless it does not leave the machine.
func warnOfPlainHTTP(ctx context.Context, o Options) {
	address, ok := o.Listener.Addr().(*net.TCPAddr)
	if o.Certificate != nil || ok && address.IP.IsLoopback() {
		return
	}
	warn(ctx, "plain HTTP: whoever can read the network reads plaintexts and data keys", "address", o.Listener.Addr().String(),
		"advice", "give --tls-cert-file and --tls-key-file, or --listen on 127.0.0.1")
}

// warn logs at a level that logr does not have.
func warn(ctx context.Context, message string, keysAndValues ...any) {
	slog.New(logr.ToSlogHandler(logr.FromContextOrDiscard(ctx))).WarnContext(ctx, message, keysAndValues...)
}
