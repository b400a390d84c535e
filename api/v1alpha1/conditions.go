// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Condition types. Every condition that a kind owns is present, with the generation it speaks of, after each pass.
const (
	// ConditionReady is derived from the others: true when the object is wholly as declared. A key that is disabled
	// because spec.enabled is false is Ready with reason Disabled.
	ConditionReady = "Ready"
	// ConditionReconciling is true while the operator is on its way to the declared state (kstatus: InProgress).
	ConditionReconciling = "Reconciling"
	// ConditionStalled is true when only a person can help: the message says how (kstatus: Failed).
	ConditionStalled = "Stalled"

	// ConditionBackendReady says whether the Key's KMSBackend exists, allows the namespace and can be used.
	ConditionBackendReady = "BackendReady"
	// ConditionCreated says whether the key exists at the backend and belongs to this Key.
	ConditionCreated = "Created"
	// ConditionSynced says whether the key's configuration is as declared.
	ConditionSynced = "Synced"
	// ConditionPolicyApplied says whether the key policy is what the KeyPolicies that select the Key declare.
	ConditionPolicyApplied = "PolicyApplied"
	// ConditionDrifted says whether the key differs from what is declared although it had been made so, or because the
	// Key's annotation keeps the operator from changing it. Ready does not depend on it.
	ConditionDrifted = "Drifted"
)

// Condition types of a KeyPolicy.
const (
	// ConditionValid says whether the policy is free of mistakes that would lock the operator out, let everybody in or
	// come to nothing. One that is not valid is not put on any key; what was in force of it stays.
	ConditionValid = "Valid"
	// ConditionPrincipalsResolved says whether every ServiceAccount in the policy is there and has what it needs to be a
	// principal. The rules hold for the other principals when it is false.
	ConditionPrincipalsResolved = "PrincipalsResolved"
	// ConditionApplied says whether the policy is in force on every Key that it selects.
	ConditionApplied = "Applied"
)

// Condition types of a KMSBackend.
const (
	// ConditionAvailable says whether the backend can be used by Keys.
	ConditionAvailable = "Available"
	// ConditionKeyringIntact says whether every key record of a software backend, and the root key, is as the operator
	// wrote it. Keys whose own record is intact are served on when it is false. Backends on AWS do not have it.
	ConditionKeyringIntact = "KeyringIntact"
)

// Reasons common to several conditions.
const (
	// ReasonReady means that everything is as declared.
	ReasonReady = "Ready"
	// ReasonPending means that an earlier condition has to become true first.
	ReasonPending = "Pending"
	// ReasonProgressing means that the operator is at work, or is waiting for something that passes by itself.
	ReasonProgressing = "Progressing"
	// ReasonSettled means that nothing is under way and nothing is stuck.
	ReasonSettled = "Settled"
	// ReasonThrottled means that the backend asked to be called less often; the operator retries by itself.
	ReasonThrottled = "Throttled"
	// ReasonAccessDenied means that the backend refuses the operator's identity the call named in the message.
	ReasonAccessDenied = "AccessDenied"
	// ReasonInvalidInput means that the backend refuses the declared value named in the message.
	ReasonInvalidInput = "InvalidInput"
	// ReasonUnavailable means that the backend could not be reached or failed; the operator retries by itself.
	ReasonUnavailable = "Unavailable"
	// ReasonConflict means that another writer came first; the operator looks again and retries by itself.
	ReasonConflict = "Conflict"
	// ReasonObserved means that something is to be done, named in the message, and that the Key's annotation
	// kms.chatelaine.dev/reconcile, which is Observe, keeps the operator from it.
	ReasonObserved = "Observed"
	// ReasonInvalidAnnotation means that the Key's annotation named in the message has a value that it may not have.
	ReasonInvalidAnnotation = "InvalidAnnotation"
)

// Reasons of a Key's BackendReady condition.
const (
	// ReasonBackendReady means that the backend can be used.
	ReasonBackendReady = "BackendReady"
	// ReasonNoDefaultBackend means that spec.backendRef is omitted and no KMSBackend is marked as the default one.
	ReasonNoDefaultBackend = "NoDefaultBackend"
	// ReasonSeveralDefaultBackends means that spec.backendRef is omitted and more than one KMSBackend is marked.
	ReasonSeveralDefaultBackends = "SeveralDefaultBackends"
	// ReasonBackendNotFound means that no KMSBackend has the name.
	ReasonBackendNotFound = "BackendNotFound"
	// ReasonNamespaceNotAllowed means that the KMSBackend's allowedNamespaces leave this namespace out.
	ReasonNamespaceNotAllowed = "NamespaceNotAllowed"
	// ReasonBackendNotReady means that the KMSBackend exists and cannot be used yet; its own conditions say why.
	ReasonBackendNotReady = "BackendNotReady"
)

// Reasons of a Key's Created condition.
const (
	// ReasonCreated means that the key exists and belongs to this Key.
	ReasonCreated = "Created"
	// ReasonKeyLost means that the key recorded in status is no longer at the backend. It is never replaced.
	ReasonKeyLost = "KeyLost"
	// ReasonKeyDamaged means that the key's record exists and cannot be read: it was altered, or its root key is missing.
	ReasonKeyDamaged = "KeyDamaged"
	// ReasonAdoptNotFound means that spec.adopt names a key that the backend does not have.
	ReasonAdoptNotFound = "AdoptNotFound"
	// ReasonAdoptRefused means that spec.adopt names a key that this Key may not have.
	ReasonAdoptRefused = "AdoptRefused"
	// ReasonAdoptMismatch means that the key to adopt is declared to be what it is not, and what no key can become.
	ReasonAdoptMismatch = "AdoptMismatch"
	// ReasonSeveralKeys means that the backend has more than one key with this Key's owner tags.
	ReasonSeveralKeys = "SeveralKeys"
	// ReasonAliasNotAllowed means that the backend's aliasScope forbids an alias to this namespace.
	ReasonAliasNotAllowed = "AliasNotAllowed"
)

// Reasons of a Key's Synced condition.
const (
	// ReasonSynced means that the key's configuration is as declared.
	ReasonSynced = "Synced"
	// ReasonAliasConflict means that another key holds a declared alias; that key was left as it is.
	ReasonAliasConflict = "AliasConflict"
	// ReasonConfigMapConflict means that the ConfigMap to publish into is not one that the operator created.
	ReasonConfigMapConflict = "ConfigMapConflict"
	// ReasonMaterialMissing means that the key has no key material, and the Key names none to import.
	ReasonMaterialMissing = "MaterialMissing"
	// ReasonMaterialNotReadable means that the Secret with the key material is not there, lacks the entry, may not be read by
	// the operator, or is in the operator's own namespace.
	ReasonMaterialNotReadable = "MaterialNotReadable"
	// ReasonMaterialRefused means that the backend does not take what is in the Secret: it is not of the form that the keySpec
	// has, or other material than the key had before.
	ReasonMaterialRefused = "MaterialRefused"
	// ReasonMaterialExpired means that the key material is gone, or goes, because spec.importedMaterial.expirationTime has passed.
	ReasonMaterialExpired = "MaterialExpired"
	// ReasonKeyUnavailable means that the key's custom key store is not connected: the key cannot be used until it is.
	ReasonKeyUnavailable = "KeyUnavailable"
	// ReasonReplicaBackendNotFound means that no KMSBackend of the key's account is in a replica's Region, or none that this
	// namespace may use.
	ReasonReplicaBackendNotFound = "ReplicaBackendNotFound"
	// ReasonRotationWaits means that a rotation of a multi-Region key has begun, and waits for Regions in which the replica does not
	// have the new key material yet.
	ReasonRotationWaits = "RotationWaits"
	// ReasonMaterialExpires means that all is as declared, and the key material expires within 14 days.
	ReasonMaterialExpires = "MaterialExpires"
)

// Reasons of a Key's PolicyApplied condition.
const (
	// ReasonPolicyApplied means that the key policy is what the KeyPolicies declare, and all of them are valid.
	ReasonPolicyApplied = "PolicyApplied"
	// ReasonNoPolicies means that no KeyPolicy selects the Key: only the operator may do anything with the key.
	ReasonNoPolicies = "NoPolicies"
	// ReasonPolicyKept means that the key was adopted and no KeyPolicy selects it: it has the policy it came with.
	ReasonPolicyKept = "PolicyKept"
	// ReasonPolicyRefused means that a KeyPolicy has mistakes and was not applied; the others were. What was in force of
	// the one refused stays.
	ReasonPolicyRefused = "PolicyRefused"
	// ReasonPolicyTooLarge means that the KeyPolicies together are larger than a key policy may be; the policy in force
	// was left as it is.
	ReasonPolicyTooLarge = "PolicyTooLarge"
	// ReasonPrincipalsUnresolved means that ServiceAccounts named in KeyPolicies or grants cannot be principals yet; everything
	// else was applied.
	ReasonPrincipalsUnresolved = "PrincipalsUnresolved"
)

// Reasons of a Key's Drifted condition.
const (
	// ReasonNoDrift means that nothing differs.
	ReasonNoDrift = "NoDrift"
	// ReasonDriftObserved means that something differs, and that the Key's annotation keeps the operator from putting it right.
	ReasonDriftObserved = "DriftObserved"
	// ReasonDriftRemains means that something differs and could not be put right.
	ReasonDriftRemains = "DriftRemains"
)

// Reasons of a KeyPolicy's conditions.
const (
	// ReasonValid means that nothing is wrong with the policy.
	ReasonValid = "Valid"
	// ReasonWarnings means that the policy is applied and something in it deserves a look.
	ReasonWarnings = "Warnings"
	// ReasonErrors means that the policy is refused; the message names each mistake.
	ReasonErrors = "Errors"
	// ReasonResolved means that every principal can be named.
	ReasonResolved = "Resolved"
	// ReasonApplied means that the policy is in force on every Key that it selects.
	ReasonApplied = "Applied"
	// ReasonNoTargets means that the policy selects no Key at present.
	ReasonNoTargets = "NoTargets"
	// ReasonTargetConflict means that the policy cannot be put on some Key as things are; status.targets says why.
	ReasonTargetConflict = "TargetConflict"
)

// Reasons of a Key's Ready condition besides those of the condition that is not true.
const (
	// ReasonDisabled means that the key is as declared and disabled, because spec.enabled is false.
	ReasonDisabled = "Disabled"
)

// Reasons of a KMSBackend's conditions.
const (
	// ReasonAvailable means that Keys can use the backend.
	ReasonAvailable = "Available"
	// ReasonIntact means that every record and the root key are as the operator wrote them.
	ReasonIntact = "Intact"
	// ReasonRootKeyMissing means that key records exist and the Secret with their root key does not.
	ReasonRootKeyMissing = "RootKeyMissing"
	// ReasonRootKeyMismatch means that the Secret lacks the root key under which existing records are sealed.
	ReasonRootKeyMismatch = "RootKeyMismatch"
	// ReasonRootKeyInvalid means that the root key's Secret cannot be read as one.
	ReasonRootKeyInvalid = "RootKeyInvalid"
	// ReasonRecordsDamaged means that some key records were altered; the message names them. The others serve on.
	ReasonRecordsDamaged = "RecordsDamaged"
	// ReasonBackendConflict means that another KMSBackend already serves the same account and region differently.
	ReasonBackendConflict = "BackendConflict"
	// ReasonResealing means that records are being sealed again under a new root key; keys stay usable.
	ReasonResealing = "Resealing"
	// ReasonCredentialsInvalid means that the Secret in spec.aws.credentialsSecretRef does not exist or is no access key.
	ReasonCredentialsInvalid = "CredentialsInvalid"
	// ReasonAccountChanged means that the credentials or the role lead to another account, or the operator's environment to
	// another region, than the one in status: the keys are there, and the backend is not used until it leads there again.
	ReasonAccountChanged = "AccountChanged"
)
