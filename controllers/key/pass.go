// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"cmp"
	"time"

	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/plan"
	"github.com/chatelaine-dev/chatelaine/internal/policy/compile"
)

// pass is one run over one Key: what was read, and the status that grows out of it.
type pass struct {
	// key is a copy from the cache; spec and status in it are as they were before the pass.
	key *v1alpha1.Key
	// status is the one to be written.
	status     v1alpha1.KeyStatus
	conditions *conditions.Conditions
	owner      backend.Owner

	kmsBackend *v1alpha1.KMSBackend
	// backend refuses changes when held says why.
	backend backend.Backend
	held    *backend.Error
	// verifier is the backend, if it is one that has to be asked what others did.
	verifier backend.Verifier
	// granter is the backend, if keys on it can have grants.
	granter backend.Granter
	// importer is the backend, if keys on it can have key material from outside.
	importer backend.Importer
	identity backend.Identity
	// begun says that an earlier pass was about to make or adopt a key, of which status need not know.
	begun bool
	// seen is the key at the backend, as new as this pass knows it.
	seen *backend.Key
	// about and parts are what the KeyPolicies that select the Key come to.
	about compile.About
	parts []compile.Part
	// base is the policy without any KeyPolicy.
	base compile.Merged
	// foreign says that the key has a policy that the operator never put.
	foreign bool
	// aliases are the declared ones that the backend's aliasScope allows.
	aliases []string
	// unsynced are the reasons why Synced is not met: several phases have a say in it.
	unsynced []conditions.Problem
	// notes are what Synced says beside being met.
	notes []string
	// unresolved says that a grant waits for a ServiceAccount; notes name it.
	unresolved bool
	// expiring says that imported key material expires soon; notes say when.
	expiring bool
	// mistake is what Ready says of an annotation that could not be followed, and that holds nothing up.
	mistake string
	// drift is what differs or differed, and unrepaired are the errors that keep it so.
	drift      *plan.Drift
	unrepaired []string
	// patient says that a deletion may wait for what may pass, and farewell is what is told when its object goes.
	patient  bool
	farewell []func(*Reconciler)
	// leaving says that the key is to be left: what somebody else put in force on it stays.
	leaving bool
	// unknown is true while nobody has tried to open the backend: nothing can be said yet, so nothing is written.
	unknown bool
	// replicaIn is the Region of the replica that the pass is over; empty for the key of the Key's own KMSBackend.
	replicaIn string
	// beganReplica says that status had the Region before the replica was there: the Key is to have made it.
	beganReplica bool
	// untried is true while nobody has tried to open the backend of a replica: conditions are left as they are.
	untried bool
	// again asks for another pass at once: status is to tell first what that one does.
	again bool
	// err ends the pass without a word in status: the API server refused a write, which is tried again.
	err error
	// nextAt is when something becomes due; zero when nothing will.
	nextAt time.Time
}

func (r *Reconciler) newPass(key *v1alpha1.Key) *pass {
	return &pass{
		key:        key,
		status:     *key.Status.DeepCopy(),
		conditions: conditions.New(key.Status.Conditions, key.Generation),
		owner: backend.Owner{
			Cluster: r.ClusterUID, Namespace: key.Namespace, Name: key.Name, UID: string(key.UID),
		},
		begun: controllerutil.ContainsFinalizer(key, v1alpha1.KeyFinalizer),
		held:  heldBy(key),
		drift: plan.NewDrift(key.Status.Drift, r.Now()),
	}
}

// use makes the backend with that name the one that the pass works on.
func (p *pass) use(name string, b backend.Backend) {
	p.status.Backend, p.backend = name, p.guarded(b)
	p.verifier, _ = b.(backend.Verifier)
	p.granter, _ = b.(backend.Granter)
	p.importer, _ = b.(backend.Importer)
}

// createInput is the key as it is to be made.
func (p *pass) createInput() (backend.CreateInput, error) {
	spec := p.key.Spec
	usage, err := keyspec.Check(keyspec.Spec(spec.KeySpec), keyspec.Usage(spec.KeyUsage))
	if err != nil {
		return backend.CreateInput{}, err
	}
	return backend.CreateInput{
		Owner:                p.owner,
		Spec:                 keyspec.Spec(spec.KeySpec),
		Usage:                usage,
		Origin:               backend.Origin(spec.Origin),
		Description:          spec.Description,
		Tags:                 p.declaredTags(),
		Disabled:             !p.enabled(),
		RotationPeriodInDays: p.rotationPeriod(),
		Policy:               p.initialPolicy(),
		MultiRegion:          ptr.Deref(spec.MultiRegion, false),
		Store:                backend.CustomKeyStore{ID: spec.CustomKeyStoreID, XksKeyID: spec.XksKeyID},
	}, nil
}

// desired is the key as it is declared, and what this Key gave it earlier.
func (p *pass) desired() plan.Key {
	want := plan.Key{
		Owner:                p.owner,
		Description:          p.key.Spec.Description,
		Enabled:              p.enabled(),
		Aliases:              p.aliases,
		Tags:                 p.declaredTags(),
		ManagedAliases:       p.status.Aliases,
		ManagedTagKeys:       p.status.TagKeys,
		RotationPeriodInDays: p.rotationPeriod(),
	}
	if !p.isPrimary() {
		p.leaveRotation(&want)
	} else if rotation := p.key.Spec.Rotation; rotation != nil && rotation.RequestedAt != nil {
		want.RotationRequestedAt = rotation.RequestedAt.Time
	}
	if status := p.status.Rotation; status != nil && status.RequestedAt != nil {
		want.RotationHandledAt = status.RequestedAt.Time
	}
	return want
}

func (p *pass) enabled() bool { return ptr.Deref(p.key.Spec.Enabled, true) }

func (p *pass) rotationPeriod() int {
	rotation := p.key.Spec.Rotation
	if rotation == nil || !ptr.Deref(rotation.Enabled, false) {
		return 0
	}
	return int(cmp.Or(rotation.PeriodInDays, plan.DefaultRotationPeriodInDays))
}

func (p *pass) declaredTags() map[string]string {
	tags := make(map[string]string, len(p.key.Spec.Tags))
	for key, value := range p.key.Spec.Tags {
		tags[key] = string(value)
	}
	return tags
}

// waitFor reports the phases that cannot say anything before another one is done.
func (p *pass) waitFor(condition string, phases ...string) {
	for _, phase := range phases {
		p.conditions.Wait(phase, "waits for "+condition)
	}
}

// wasSettled says that the key's configuration agreed with this spec before this pass, whatever came in between: what
// differs now was changed outside. The deletion of the object counts as a generation of its own.
func (p *pass) wasSettled() bool {
	synced := p.key.Status.SyncedGeneration
	return synced == p.key.Generation || synced == p.key.Generation-1 && !p.key.DeletionTimestamp.IsZero()
}

// action is what Events say was being done. Those of one action, reason and object that differ in their note only are taken for
// one by the API server's client, so each replica has its own.
func (p *pass) action(doing string) string {
	if p.replicaIn == "" {
		return doing
	}
	return doing + "-" + p.replicaIn
}

// name is the key as Events name it.
func (p *pass) name() string {
	if p.replicaIn == "" {
		return p.seen.ID
	}
	return p.seen.ID + " in " + p.replicaIn
}
