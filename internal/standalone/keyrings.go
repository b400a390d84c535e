// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/boltstore"
	"github.com/chatelaine-dev/chatelaine/internal/kms/seal/rootfile"
)

// keyrings are those that are served: one for each Region.
type keyrings struct {
	dir       string
	partition *kms.Partition
	rings     []*keyring.Keyring
	services  []*kms.Service
}

// newKeyrings makes them, still without content, and a root key where nothing needs one yet.
func newKeyrings(ctx context.Context, db *boltstore.Database, o Options) (*keyrings, error) {
	inUse, err := db.RecordsExist(ctx)
	if err != nil {
		return nil, err
	}
	roots, err := rootfile.Ensure(o.DataDir, inUse)
	if err != nil {
		return nil, err
	}
	if err := warnOfOthers(ctx, db, o); err != nil {
		return nil, err
	}
	k := &keyrings{dir: o.DataDir, partition: kms.NewPartition()}
	for _, region := range slices.Compact(slices.Sorted(slices.Values(o.Regions))) {
		id := keyring.ID{AccountID: o.AccountID, Region: region}
		ring := keyring.New(id, db.Store(id), roots, keyring.Options{})
		service := kms.New(ring, o.Clock, kms.Options{})
		k.partition.Add(service)
		k.rings, k.services = append(k.rings, ring), append(k.services, service)
	}
	return k, nil
}

// load reads the records of every Region, and keeps the keyrings running until background is done. Nothing that is due is done
// before all of them are whole: a multi-Region key must not be taken for one without replicas.
func (k *keyrings) load(ctx, background context.Context, running *errgroup.Group) error {
	for _, ring := range k.rings {
		running.Go(func() error { return ring.Run(background) })
	}
	for _, ring := range k.rings {
		if err := ring.WaitSynced(ctx); err != nil {
			return err
		}
		if err := k.examine(ctx, ring); err != nil {
			return err
		}
	}
	for _, service := range k.services {
		running.Go(func() error { service.Run(background); return nil })
	}
	return nil
}

// examine refuses a root key that is not the one of the records: nothing is wrong with them, and to serve without them
// would look as if they were gone. Damaged records are named, and do not keep the others from being served.
func (k *keyrings) examine(ctx context.Context, ring *keyring.Keyring) error {
	damaged := ring.Damaged()
	for _, damage := range damaged {
		if id := damage.NeedsRootKey(); id != "" {
			return fmt.Errorf("%s does not have root key %s, which the record of %s %s in %s needs: it is another directory's or too "+
				"old; put the one in its place that belongs to the records", filepath.Join(k.dir, rootfile.FileName), id,
				damage.Kind, damage.Title, filepath.Join(k.dir, boltstore.FileName))
		}
	}
	for _, damage := range damaged {
		logr.FromContextOrDiscard(ctx).Error(damage.Err, "record is damaged and not served, the others are",
			"kind", damage.Kind, "name", damage.Title, "account", ring.ID().AccountID, "region", ring.ID().Region,
			"location", damage.Location, "advice", "restore "+boltstore.FileName+" from a backup")
	}
	return nil
}
