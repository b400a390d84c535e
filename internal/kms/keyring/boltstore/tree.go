// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package boltstore

import (
	"errors"
	"fmt"
	"io"
)

// tree is a walk over all pages that a meta page leads to. Each is claimed once: by the freelist, as its own or as a free
// one, or by what refers to it.
type tree struct {
	file    io.ReaderAt
	meta    meta
	claimed []bool
}

// claim takes count pages, of which none may have been taken.
func (t *tree) claim(id, count uint64) error {
	for i := id; i < id+count; i++ {
		if i < 2 || i >= t.meta.pages {
			return fmt.Errorf("page %d is referred to and does not exist", i)
		}
		if t.claimed[i] {
			return fmt.Errorf("page %d is referred to twice", i)
		}
		t.claimed[i] = true
	}
	return nil
}

// read claims a page with those that continue it, and returns it.
func (t *tree) read(id uint64) (page, error) {
	if err := t.claim(id, 1); err != nil {
		return page{}, err
	}
	header := make([]byte, pageHeader)
	if _, err := t.file.ReadAt(header, int64(id)*t.meta.pageSize); err != nil {
		return page{}, fmt.Errorf("reading page %d: %w", id, err)
	}
	if itself := order.Uint64(header); itself != id {
		return page{}, fmt.Errorf("page %d calls itself %d", id, itself)
	}
	overflow := uint64(order.Uint32(header[12:]))
	if err := t.claim(id+1, overflow); err != nil {
		return page{}, err
	}
	data := make([]byte, (1+int64(overflow))*t.meta.pageSize)
	if _, err := t.file.ReadAt(data, int64(id)*t.meta.pageSize); err != nil {
		return page{}, fmt.Errorf("reading page %d: %w", id, err)
	}
	return page{flags: order.Uint16(header[8:]), count: order.Uint16(header[10:]), data: data}, nil
}

func (t *tree) checkFreelist() error {
	if t.meta.freelist == noFreelist {
		return nil
	}
	p, err := t.read(t.meta.freelist)
	if err != nil {
		return err
	}
	ids := p.data[pageHeader:]
	count := uint64(p.count)
	if count == countIsLong {
		count, ids = order.Uint64(ids), ids[8:]
	}
	if p.flags != flagFreelist || count > uint64(len(ids)/8) {
		return fmt.Errorf("page %d is no freelist", t.meta.freelist)
	}
	for i := range count {
		if err := t.claim(order.Uint64(ids[8*i:]), 1); err != nil {
			return fmt.Errorf("freelist: %w", err)
		}
	}
	return nil
}

// check walks the pages from id on down. Their keys are not below low, and below high where that is given.
func (t *tree) check(id uint64, low, high []byte) error {
	p, err := t.read(id)
	if err != nil {
		return err
	}
	if p.flags != flagLeaf && p.flags != flagBranch {
		return fmt.Errorf("page %d is neither leaf nor branch", id)
	}
	elements, _, err := p.elements()
	if err == nil {
		err = checkKeys(elements, low, high)
	}
	if err == nil && len(elements) == 0 && id != t.meta.root {
		err = errors.New("it is empty") // bbolt gives such a page up, or keeps it within another
	}
	if err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	if p.flags == flagLeaf {
		return t.checkBuckets(id, elements)
	}
	for i, e := range elements {
		end := high
		if i+1 < len(elements) {
			end = elements[i+1].key
		}
		if err := t.check(e.child, e.key, end); err != nil {
			return err
		}
	}
	return nil
}

// checkBuckets walks the buckets among the entries of a leaf.
func (t *tree) checkBuckets(id uint64, elements []element) error {
	for i, e := range elements {
		if e.flags == 0 {
			continue
		}
		if e.flags != flagBucket || len(e.value) < bucketHeader {
			return fmt.Errorf("page %d: entry %d is neither value nor bucket", id, i)
		}
		root, inline := order.Uint64(e.value), e.value[bucketHeader:]
		var err error
		switch {
		case root == 0:
			err = t.checkInline(id, inline)
		case len(inline) > 0:
			err = errors.New("it has a page and is a page")
		default:
			err = t.check(root, nil, nil)
		}
		if err != nil {
			return fmt.Errorf("page %d: bucket %.100q: %w", id, e.key, err)
		}
	}
	return nil
}

// checkInline checks a small bucket's one page, which is kept within the page id.
func (t *tree) checkInline(id uint64, data []byte) error {
	if len(data) < pageHeader {
		return errors.New("it is too short for a page")
	}
	p := page{flags: order.Uint16(data[8:]), count: order.Uint16(data[10:]), data: data}
	if order.Uint64(data) != 0 || order.Uint32(data[12:]) != 0 || p.flags != flagLeaf {
		return errors.New("it is no leaf")
	}
	elements, end, err := p.elements()
	if err == nil {
		err = checkKeys(elements, nil, nil)
	}
	if err == nil && end != len(data) {
		err = errors.New("it has more than its entries")
	}
	if err != nil {
		return err
	}
	return t.checkBuckets(id, elements)
}

// checkUnclaimed says whether something in the file is referred to by nothing: a part of the tree was lost then.
func (t *tree) checkUnclaimed() error {
	if t.meta.freelist == noFreelist {
		return nil // such pages are the free ones
	}
	for id := uint64(2); id < t.meta.pages; id++ {
		if !t.claimed[id] {
			return fmt.Errorf("page %d is neither in use nor free", id)
		}
	}
	return nil
}
