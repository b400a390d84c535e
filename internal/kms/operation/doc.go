// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package operation holds the operations of AWS KMS's API, each described once: its name, the shapes of its request and
// answer, what a caller needs to be allowed, in which key states it goes, whether it changes anything, and what it does.
// Everything else follows from the description:
//
//	decode -> validate -> find the key -> authorise -> check usage and state -> do -> record -> encode
//
// is Execute, the same for all. To add an operation is to write its shapes and to put it into the list of its group; to
// that list it is served, authorised, recorded and documented.
//
// # Shapes
//
// The types named ...Input and ...Output are AWS's, member by member; a test compares them with the AWS SDK's. Their tags
// say what AWS's API model says of a member:
//
//	model:"required,len=1:2048"   bounds of a text (characters), a blob (bytes), a list or a map (elements)
//	model:"range=90:2560"         bounds of a number
//	model:"enum=KeySpec"          the name of an enumeration, see enums; eachenum, eachlen: of a list's elements
//	model:"pattern=MarkerType"    the name of a pattern, see patterns
//	model:"default=RAW"           the value of a text that is left out
//	model:"secret"                never recorded, and never quoted in an error; blobs never are
//	model:"unrecorded"            never recorded
//	condition:"kms:MessageType"   the condition key under which policies see the member
//
// # Who may do what
//
// What the key policy says by name is allowed or refused; an explicit Deny stands above everything. There are no identity
// policies here, so what a key policy leaves to the account is the account's root user's; and so are the operations that
// concern no key (CreateKey, ListKeys, ListAliases), GenerateRandom excepted, which is everybody's. The root user of the
// key's account may do whatever no Deny forbids. A principal of another account that the key policy or a grant names needs
// nothing from its own account. Otherwise a grant decides, for its grantee, whether or not a grant token comes with the
// request; who creates a grant by a grant gives no more than he has. A grant itself says who may retire it, and no policy.
//
// A caller of another account whom a key does not allow gets one and the same answer for it and for a key that is not there.
// Every other refusal is AWS's too: it says which kind of policy refused. Which statement, condition or grant it was stands
// in the event's Reason, for the operator.
//
// Conditions see the key's properties, the members of the request that have a condition tag, the encryption context (for
// CreateGrant the one of its constraint) and the global keys, as package policy compares them. No AWS service calls here on
// anybody's behalf, so kms:ViaService, aws:SourceArn and the like are absent.
package operation
