// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package boltstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// bbolt's file format, version 2. Numbers are in the byte order of the machine.
const (
	pageHeader    = 16 // id 8, flags 2, count 2, overflow 4
	elementHeader = 16 // leaf: flags 4, position 4, key size 4, value size 4; branch: position 4, key size 4, page 8
	bucketHeader  = 16 // root page 8, sequence 8
	metaSize      = 64 // magic 4, version 4, page size 4, flags 4, root bucket 16, freelist 8, pages 8, txid 8, checksum 8

	flagBranch, flagLeaf, flagMeta, flagFreelist = 1, 2, 4, 16

	flagBucket = 1 // of a leaf's element

	metaMagic   = 0xED0CDAED
	metaVersion = 2
	noFreelist  = ^uint64(0)
	countIsLong = 0xFFFF // the freelist's count is its first number

	minPageSize, maxPageSize = 1 << 10, 1 << 24
)

var order = binary.NativeEndian

// meta is where everything is as of a transaction.
type meta struct {
	pageSize              int64
	root, freelist, pages uint64
	txid                  uint64
}

// page is one page with those that continue it.
type page struct {
	flags, count uint16
	data         []byte // with the header
}

// element is an entry of a leaf or branch page.
type element struct {
	key, value []byte
	flags      uint32 // of a leaf's
	child      uint64 // of a branch's
}

// checkPages reads the whole file and says whether bbolt can work with it.
func checkPages(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if err := checkImage(file, info.Size()); err != nil {
		return fmt.Errorf("%s: %w: %w", path, ErrDamaged, err)
	}
	return nil
}

func checkImage(file io.ReaderAt, size int64) error {
	m, err := readMetas(file)
	if err != nil {
		return err
	}
	if m.pages > uint64(size/m.pageSize) {
		return fmt.Errorf("it has %d bytes and should have %d pages of %d", size, m.pages, m.pageSize)
	}
	t := &tree{file: file, meta: m, claimed: make([]bool, m.pages)}
	if err := t.checkFreelist(); err != nil {
		return err
	}
	if err := t.check(m.root, nil, nil); err != nil {
		return err
	}
	return t.checkUnclaimed()
}

// readMetas returns the newer of the two meta pages. Both have to be whole: were it the newer one that is not, bbolt
// would go on from the older, without the last write. A crash does not bring that about, since a meta page is no larger
// than what a disk writes at once.
func readMetas(file io.ReaderAt) (meta, error) {
	first, err := readMeta(file, 0, 0)
	if err != nil {
		return meta{}, err
	}
	second, err := readMeta(file, first.pageSize, 1)
	if err != nil {
		return meta{}, err
	}
	if second.pageSize != first.pageSize {
		return meta{}, errors.New("its meta pages do not agree")
	}
	if second.txid > first.txid {
		return second, nil
	}
	return first, nil
}

func readMeta(file io.ReaderAt, offset int64, id uint64) (meta, error) {
	data := make([]byte, pageHeader+metaSize)
	if _, err := file.ReadAt(data, offset); err != nil {
		return meta{}, fmt.Errorf("reading meta page %d: %w", id, err)
	}
	body := data[pageHeader:]
	hash := fnv.New64a()
	_, _ = hash.Write(body[:metaSize-8])
	switch {
	case order.Uint64(data) != id || order.Uint16(data[8:]) != flagMeta || order.Uint32(body) != metaMagic:
		return meta{}, fmt.Errorf("page %d is no meta page", id)
	case order.Uint32(body[4:]) != metaVersion:
		return meta{}, fmt.Errorf("meta page %d is of version %d", id, order.Uint32(body[4:]))
	case order.Uint64(body[metaSize-8:]) != hash.Sum64():
		return meta{}, fmt.Errorf("the checksum of meta page %d is wrong", id)
	}
	m := meta{
		pageSize: int64(order.Uint32(body[8:])), root: order.Uint64(body[16:]),
		freelist: order.Uint64(body[32:]), pages: order.Uint64(body[40:]), txid: order.Uint64(body[48:]),
	}
	if m.pageSize < minPageSize || m.pageSize > maxPageSize || m.pageSize&(m.pageSize-1) != 0 {
		return meta{}, fmt.Errorf("meta page %d has pages of %d bytes", id, m.pageSize)
	}
	return m, nil
}

// elements are the entries of a leaf or branch page, and where the last one ends. bbolt writes them one behind the other
// without a gap, the first one behind all the headers; so a wrong number of them shows too.
func (p page) elements() ([]element, int, error) {
	end := pageHeader + elementHeader*int(p.count)
	if end > len(p.data) {
		return nil, 0, fmt.Errorf("it is too short for %d entries", p.count)
	}
	elements := make([]element, p.count)
	for i := range elements {
		start := pageHeader + elementHeader*i
		header := p.data[start:][:elementHeader]
		e := &elements[i]
		position, keySize, valueSize := order.Uint32(header), order.Uint32(header[4:]), uint32(0)
		if p.flags == flagLeaf {
			e.flags, position, keySize, valueSize = position, keySize, order.Uint32(header[8:]), order.Uint32(header[12:])
		} else {
			e.child = order.Uint64(header[8:])
		}
		if uint64(start)+uint64(position) != uint64(end) || uint64(keySize)+uint64(valueSize) > uint64(len(p.data)-end) {
			return nil, 0, fmt.Errorf("entry %d is not where it should be", i)
		}
		e.key = p.data[end:][:keySize]
		e.value = p.data[end+int(keySize):][:valueSize]
		end += int(keySize) + int(valueSize)
	}
	return elements, end, nil
}

// checkKeys says whether the keys grow, none is below low, and all are below high where that is given.
func checkKeys(elements []element, low, high []byte) error {
	for i, e := range elements {
		beyond := high != nil && bytes.Compare(e.key, high) >= 0
		if len(e.key) == 0 || beyond || bytes.Compare(e.key, low) < 0 || i > 0 && bytes.Equal(e.key, low) {
			return fmt.Errorf("the key of entry %d is not in its order", i)
		}
		low = e.key
	}
	return nil
}
