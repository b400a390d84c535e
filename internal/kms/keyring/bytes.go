// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring

// EachMaterial goes over all of the record's materials, the pending one last: for m := range r.EachMaterial.
func (r *KeyRecord) EachMaterial(yield func(*Material) bool) {
	for i := range r.Materials {
		if !yield(&r.Materials[i]) {
			return
		}
	}
	if r.Pending != nil {
		yield(r.Pending)
	}
}

// wipe overwrites the material of a key that is gone, whoever still holds its record.
func (r *KeyRecord) wipe() {
	for m := range r.EachMaterial {
		if m.Bytes != nil {
			m.Bytes.wipe()
		}
	}
}

// share lets r have the same secret bytes as other where they are the same material, so that there is one copy in memory,
// and wiping it reaches everybody. Nobody but the caller may know r yet, since its own copies are wiped.
func (r *KeyRecord) share(other *KeyRecord) {
	known := other.secrets()
	for m := range r.EachMaterial {
		shared := known[m.ID]
		if shared == nil || m.Bytes == nil || shared == m.Bytes {
			continue
		}
		m.Bytes.wipe()
		m.Bytes = shared
	}
}

// secrets are the record's secret bytes by the ID of their material.
func (r *KeyRecord) secrets() map[string]*SecretBytes {
	found := map[string]*SecretBytes{}
	for m := range r.EachMaterial {
		if m.Bytes != nil {
			found[m.ID] = m.Bytes
		}
	}
	return found
}

// wipeWithout overwrites the material that r has and its successor has no longer. It goes by the bytes and not by what the
// records say of them: what the successor refers to, however, is never wiped.
func (r *KeyRecord) wipeWithout(successor *KeyRecord) {
	kept := map[*SecretBytes]bool{}
	for m := range successor.EachMaterial {
		kept[m.Bytes] = true
	}
	for m := range r.EachMaterial {
		if m.Bytes != nil && !kept[m.Bytes] {
			m.Bytes.wipe()
		}
	}
}
