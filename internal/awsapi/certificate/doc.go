// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package certificate gives the endpoint the certificate by which clients know it, and tells which CA certificates they
// have to trust for that. There are two sources, with the same methods: Files and Authority.
//
// # A certificate from files
//
// Files serves a pair of PEM files, and reads them again when they change. A pair that is broken at the start is an error; one
// that is broken later is logged, and the one before it stays in use.
//
// # A CA of its own
//
// Authority keeps a CA in a Secret, and each replica issues itself a certificate under it that is never written anywhere:
//
//	apiVersion: v1
//	kind: Secret
//	type: kubernetes.io/tls
//	metadata:
//	  name: chatelaine-kms-ca
//	  labels: {kms.chatelaine.dev/ca: "true"}
//	  annotations: {kms.chatelaine.dev/managed-ca: SHA-256 of the CA certificate that the operator made}
//	data:
//	  tls.crt: ...     the CA that signs, and its chain if it has one
//	  tls.key: ...     its private key
//	  ca.crt: ...      every CA certificate that clients should trust: the bundle
//	  next.crt: ...    during a rotation, the CA that will sign
//	  next.key: ...    its private key
//
// Whichever replica finds the Secret absent makes it; writes are compare-and-swap, so that of several replicas one wins
// and the others take what it wrote. Every replica reads the Secret once a minute. While the API server is away, what was
// read last goes on being used, and certificates are renewed with it.
//
// A CA is valid for ten years (CALifetime). When less than a third of that is left, a new one is made and put into the bundle; the
// old one goes on signing for a week (Overlap), in which clients read the bundle again, and then the new one signs. The old
// certificate stays in the bundle until it expires; its private key is gone with the change. The certificates of replicas are
// valid for 30 days (LeafLifetime) and renewed after 20.
//
// A certificate that somebody adds to ca.crt stays there until it expires.
//
// # A CA of the user's own
//
// Whoever wants the endpoint under another CA puts that into the Secret's tls.crt and tls.key (with CA:TRUE, and if it is
// not self-signed, with the root that clients trust in ca.crt), before the operator starts or at any time. Clients that
// are to see no gap need it in ca.crt first, and some minutes to read that. The operator knows such a CA by the
// annotation, which does not match it, and never writes to its Secret: replacing the CA before it expires, and keeping the
// old one in ca.crt meanwhile, is then up to whoever put it there (cert-manager, for one). Certificates of replicas are
// issued and renewed as ever, and never outlive the CA.
//
// # If the CA leaks
//
// Delete the Secret: within a minute there is a new CA, and clients fail until they have read the new bundle.
package certificate
