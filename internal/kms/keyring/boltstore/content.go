// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package boltstore

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"

	"go.etcd.io/bbolt"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

const (
	formatBucket  = "format"
	formatKey     = "version"
	formatVersion = "1"
	keyringPrefix = "keyring "

	// damagedVersion is that of a record whose own cannot be read: older than any.
	damagedVersion = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// bucketName is that of the bucket of the keyring. With a checksum in it, a changed name is not taken for that of another
// keyring, and this one not for empty.
func bucketName(keyring string) []byte {
	return fmt.Appendf(nil, "%s%s %08x", keyringPrefix, keyring, crc32.Checksum([]byte(keyring), castagnoli))
}

// keyringOf is the keyring whose bucket has that name.
func keyringOf(bucketName string) keyring.ID {
	id, _, _ := strings.Cut(strings.TrimPrefix(bucketName, keyringPrefix), " ")
	account, region, _ := strings.Cut(id, ".")
	return keyring.ID{AccountID: account, Region: region}
}

func putFormat(tx *bbolt.Tx) error {
	bucket, err := tx.CreateBucket([]byte(formatBucket))
	if err != nil {
		return err
	}
	return bucket.Put([]byte(formatKey), []byte(formatVersion))
}

// eachKeyring calls visit with the bucket of every keyring.
func eachKeyring(tx *bbolt.Tx, visit func(name string, records *bbolt.Bucket) error) error {
	return tx.ForEach(func(name []byte, bucket *bbolt.Bucket) error {
		if bucket == nil || !strings.HasPrefix(string(name), keyringPrefix) {
			return nil
		}
		return visit(string(name), bucket)
	})
}

// checkContent says whether the file holds what this package writes.
func checkContent(tx *bbolt.Tx) error {
	format := tx.Bucket([]byte(formatBucket))
	if format == nil {
		return fmt.Errorf("%w: it is that of another program", ErrFormat)
	}
	if version := format.Get([]byte(formatKey)); string(version) != formatVersion {
		return fmt.Errorf("%w: it is version %.20q, known is %q; use the version of chatelaine that wrote it",
			ErrFormat, version, formatVersion)
	}
	return tx.ForEach(func(name []byte, bucket *bbolt.Bucket) error {
		if string(name) == formatBucket {
			return nil
		}
		id, _, _ := strings.Cut(strings.TrimPrefix(string(name), keyringPrefix), " ")
		if bucket == nil || string(name) != string(bucketName(id)) {
			return fmt.Errorf("%w: %.100q is no keyring's name", ErrDamaged, name)
		}
		return checkKeyring(id, bucket)
	})
}

// checkKeyring refuses versions beyond the last one that was given: they would be given again.
func checkKeyring(id string, bucket *bbolt.Bucket) error {
	return bucket.ForEach(func(key, value []byte) error {
		if value == nil {
			return fmt.Errorf("%w: keyring %s has something else than a record at %.100q", ErrDamaged, id, key)
		}
		if item, ok := decode(key, value); ok && item.Version > bucket.Sequence() {
			return fmt.Errorf("%w: record %s of keyring %s has version %d, the keyring's last is %d",
				ErrDamaged, key, id, item.Version, bucket.Sequence())
		}
		return nil
	})
}

func recordKey(kind keyring.Kind, name string) []byte { return []byte(string(kind) + "/" + name) }

// encode is the record of an item, to be put at key.
func encode(key []byte, item keyring.Item) []byte {
	value := make([]byte, 4, 4+8+2*binary.MaxVarintLen64+len(item.Title)+len(item.Owner)+len(item.Sealed))
	value = binary.BigEndian.AppendUint64(value, item.Version)
	for _, text := range []string{item.Title, item.Owner} {
		value = binary.AppendUvarint(value, uint64(len(text)))
		value = append(value, text...)
	}
	value = append(value, item.Sealed...)
	binary.BigEndian.PutUint32(value, checksum(key, value[4:]))
	return value
}

// decode is the item at key, without Location. Nothing of it refers to the file. If the record is not what encode
// returned, it is an item without content.
func decode(key, value []byte) (item keyring.Item, ok bool) {
	kind, name, _ := strings.Cut(string(key), "/")
	damaged := keyring.Item{Kind: keyring.Kind(kind), Name: name, Title: name, Version: damagedVersion}
	if len(value) < 4+8 || binary.BigEndian.Uint32(value) != checksum(key, value[4:]) {
		return damaged, false
	}
	item = keyring.Item{Kind: keyring.Kind(kind), Name: name, Version: binary.BigEndian.Uint64(value[4:])}
	rest := value[4+8:]
	for _, text := range []*string{&item.Title, &item.Owner} {
		length, n := binary.Uvarint(rest)
		if n <= 0 || length > uint64(len(rest)-n) {
			return damaged, false
		}
		*text = string(rest[n : n+int(length)])
		rest = rest[n+int(length):]
	}
	item.Sealed = append([]byte{}, rest...)
	return item, true
}

func checksum(key, rest []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, rest)
}
