// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
	"github.com/chatelaine-dev/chatelaine/internal/failpoint"
	"github.com/chatelaine-dev/chatelaine/internal/plan"
)

const (
	// materialField is what drift calls imported key material: the field of spec.
	materialField = "importedMaterial"
	// expiryWarning is how long before key material expires that is told.
	expiryWarning = 14 * 24 * time.Hour
	// expiryRetry is how soon a key is looked at again that should have lost its material by now.
	expiryRetry = time.Minute
)

// importMaterial is the phase that gives a key of origin EXTERNAL its material: when it has none, when it is to expire at
// another time, and when the Secret is another one than at the last import, to find out whether its material is. Importing the
// same material again changes nothing at the backend, so nothing is lost or done twice by a crash. A Secret that is not needed
// may be gone, or out of reach.
func (r *Reconciler) importMaterial(ctx context.Context, p *pass) {
	if p.seen.Origin.Or() != backend.OriginExternal {
		return
	}
	if p.seen.State == backend.StatePendingDeletion { // it takes no material until it is taken back
		return
	}
	if problem := r.declaredMaterial(ctx, p); problem != nil {
		p.failSync(*problem)
	}
	r.observeMaterial(p)
}

// declaredMaterial has the key's material as it is declared.
func (r *Reconciler) declaredMaterial(ctx context.Context, p *pass) *conditions.Problem {
	declared := p.key.Spec.ImportedMaterial
	pending := p.seen.State == backend.StatePendingImport
	switch {
	case declared == nil && pending:
		return stalled(v1alpha1.ReasonMaterialMissing,
			"the key has no key material: name a Secret in spec.importedMaterial, or import it with AWS KMS's ImportKeyMaterial")
	case declared == nil:
		p.drift.AsDeclared(materialField)
		return nil
	case p.importer == nil:
		return stalled(v1alpha1.ReasonInvalidInput, fmt.Sprintf(
			"spec.importedMaterial: keys on KMSBackend %s take no key material: remove it", p.status.Backend))
	case p.key.Namespace == r.Namespace:
		return stalled(v1alpha1.ReasonMaterialNotReadable, fmt.Sprintf(
			"spec.importedMaterial: no Secret of the operator's own namespace %s is imported: put Key and Secret into another namespace", r.Namespace))
	}
	validTo := expiry(declared)
	if !validTo.IsZero() && !validTo.After(r.Now()) {
		return r.endMaterial(ctx, p, validTo)
	}
	if !pending && sameTime(p.seen.ExpirationTime, validTo) {
		p.drift.AsDeclared(materialField)
		return r.checkMaterial(ctx, p, validTo)
	}
	return r.takeMaterial(ctx, p, validTo)
}

// endMaterial has the key be without material, whose time has passed. A backend deletes by itself what was imported with that time;
// material that is to stay longer is there if nobody could import it with that time before it came.
func (r *Reconciler) endMaterial(ctx context.Context, p *pass, validTo time.Time) *conditions.Problem {
	expired := fmt.Sprintf("spec.importedMaterial.expirationTime %s has passed", told(validTo))
	expires := p.seen.ExpirationTime
	if p.seen.State == backend.StatePendingImport || !expires.IsZero() && !expires.After(r.Now()) {
		p.drift.AsDeclared(materialField)
	} else if !r.couldImportAgain(ctx, p) {
		return stalled(v1alpha1.ReasonMaterialExpired, fmt.Sprintf("%s, and the key still has %s, which is not deleted, since Secret %s is not there as it was "+
			"imported, to bring it back: set a later time, or remove it; or have the Secret in place; or delete the material with AWS KMS's DeleteImportedKeyMaterial",
			expired, materialUntil(true, expires), p.secretRef().Name))
	} else if err := r.deleteMaterial(ctx, p, expired); err != nil {
		problem := conditions.FromError(err)
		problem.Message = fmt.Sprintf("%s, and the key still has %s, which cannot be deleted: %s", expired, materialUntil(true, expires), problem.Message)
		return &problem
	}
	return stalled(v1alpha1.ReasonMaterialExpired, expired+": set a later time, or remove it, to have the same key material imported again")
}

// couldImportAgain says whether the Secret is there, as this Key imported it. Other material is not deleted for an expiry that has passed,
// which may be a slip: nobody could bring it back.
func (r *Reconciler) couldImportAgain(ctx context.Context, p *pass) bool {
	version, readable := r.secretVersion(ctx, p)
	last := p.status.ImportedMaterial
	return readable && last != nil && version == last.SecretVersion
}

func (r *Reconciler) deleteMaterial(ctx context.Context, p *pass, why string) error {
	had := materialUntil(true, p.seen.ExpirationTime)
	err := p.refusal("delete the key material")
	if err == nil {
		var after *backend.Key
		if after, err = p.importer.DeleteMaterial(ctx, p.seen.ID); err == nil {
			p.seen = after
			r.event(p, warning, v1alpha1.ReasonMaterialExpired, "key %s had %s, which was deleted: %s", p.name(), had, why)
		}
	}
	p.drifted(plan.Difference{Field: materialField, From: materialUntil(false, time.Time{}), To: had}, false, err)
	return err
}

// refusal is why a change that no phase makes by the backend itself is not to be made; nil if it is.
func (p *pass) refusal(what string) error {
	if p.held == nil {
		return nil
	}
	return readOnly{why: p.held}.refuse(what)
}

// checkMaterial imports material again that is there, if the Secret is another one than at the last import.
func (r *Reconciler) checkMaterial(ctx context.Context, p *pass, validTo time.Time) *conditions.Problem {
	version, readable := r.secretVersion(ctx, p)
	if !readable || p.held != nil || p.status.ImportedMaterial != nil && version == p.status.ImportedMaterial.SecretVersion {
		return nil
	}
	problem := r.sendMaterial(ctx, p, validTo)
	if problem != nil && problem.Reason == v1alpha1.ReasonMaterialNotReadable { // it is not needed
		return nil
	}
	return problem
}

// takeMaterial imports material that is not there, or is to expire at another time.
func (r *Reconciler) takeMaterial(ctx context.Context, p *pass, validTo time.Time) *conditions.Problem {
	before, had := p.seen, p.seen.State != backend.StatePendingImport
	last := p.status.ImportedMaterial
	settled := p.wasSettled() && last != nil && last.SecretVersion != "" && sameTime(timeOf(last.ExpirationTime), validTo)
	problem := r.sendMaterial(ctx, p, validTo)
	difference := plan.Difference{Field: materialField, From: materialUntil(true, validTo), To: materialUntil(had, before.ExpirationTime)}
	var err error
	if problem != nil {
		err = errors.New(problem.Message)
	}
	p.drifted(difference, settled, err)
	if problem == nil {
		r.event(p, normal, "MaterialImported", "key %s has %s", p.name(), materialUntil(true, p.seen.ExpirationTime))
	}
	return problem
}

// sendMaterial reads the Secret and imports what is in it.
func (r *Reconciler) sendMaterial(ctx context.Context, p *pass, validTo time.Time) *conditions.Problem {
	if err := p.refusal("import the key material"); err != nil {
		return failed(err)
	}
	material, version, problem := r.readMaterial(ctx, p)
	if problem != nil {
		return problem
	}
	defer material.Wipe()
	after, err := p.importer.ImportMaterial(ctx, p.seen.ID, material, validTo)
	failpoint.Hit("imported")
	if backend.ClassOf(err) == backend.InvalidInput {
		return stalled(v1alpha1.ReasonMaterialRefused, fmt.Sprintf(
			"spec.importedMaterial: %v. A key takes only the same material again, for ever, in the form that AWS KMS has for %s (%s): "+
				"put that into entry %s of Secret %s, with an expirationTime within 365 days if any; other material needs another Key",
			err, p.seen.Spec, formOf(p.seen), p.secretRef().Key, p.secretRef().Name))
	}
	if err != nil {
		problem := conditions.FromError(err)
		problem.Message = "spec.importedMaterial: " + problem.Message
		return &problem
	}
	p.seen = after
	p.materialStatus().SecretVersion = version
	return nil
}

// formOf is in words how material of the key is given.
func formOf(key *backend.Key) string {
	switch {
	case key.Spec.HasPublicKey():
		return "the private key as PKCS #8 in DER"
	case key.Spec.Symmetric():
		return "32 bytes"
	default:
		return "the key itself"
	}
}

// observeMaterial takes up into status when the key's material expires, and tells of that in time.
func (r *Reconciler) observeMaterial(p *pass) {
	expires, now := p.seen.ExpirationTime, r.Now()
	if p.status.ImportedMaterial == nil && expires.IsZero() {
		return
	}
	status := p.materialStatus()
	if !sameTime(timeOf(status.ExpirationTime), expires) {
		status.ExpirationTime, status.WarnedTime = seconds(expires), nil
	}
	warnAt := expires.Add(-expiryWarning)
	switch {
	case expires.IsZero():
	case now.Before(warnAt):
		p.wakeAt(warnAt)
	case now.Before(expires):
		p.expiring = true
		note := fmt.Sprintf("key material expires at %s, and the key cannot be used from then on: set a later spec.importedMaterial.expirationTime, or remove it", told(expires))
		p.notes = append(p.notes, note)
		if status.WarnedTime == nil {
			status.WarnedTime = seconds(now)
			r.event(p, warning, v1alpha1.ReasonMaterialExpires, "key %s: %s", p.name(), note)
		}
		p.wakeAt(expires)
	default:
		p.wakeAt(now.Add(expiryRetry))
	}
}

// materialStatus is what status says of imported material; it is made if there is nothing yet.
func (p *pass) materialStatus() *v1alpha1.ImportedKeyMaterialStatus {
	if p.status.ImportedMaterial == nil {
		p.status.ImportedMaterial = &v1alpha1.ImportedKeyMaterialStatus{}
	}
	return p.status.ImportedMaterial
}

// wakeAt asks for a pass at that time; zero asks for none.
func (p *pass) wakeAt(at time.Time) {
	if !at.IsZero() && (p.nextAt.IsZero() || at.Before(p.nextAt)) {
		p.nextAt = at
	}
}

func expiry(declared *v1alpha1.ImportedKeyMaterial) time.Time { return timeOf(declared.ExpirationTime) }

func timeOf(t *metav1.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}

// sameTime says whether two times are the same as far as manifests and AWS tell them, in seconds; a zero time is never.
func sameTime(a, b time.Time) bool {
	return a.IsZero() == b.IsZero() && a.Truncate(time.Second).Equal(b.Truncate(time.Second))
}

func told(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// materialUntil is in words what material a key has.
func materialUntil(has bool, expires time.Time) string {
	switch {
	case !has:
		return "no key material"
	case expires.IsZero():
		return "key material that does not expire"
	default:
		return "key material that expires at " + told(expires)
	}
}
