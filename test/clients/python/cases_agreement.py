# Copyright The Chatelaine Authors.
# SPDX-License-Identifier: Apache-2.0
"""DeriveSharedSecret."""

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from cases_signatures import refused_asymmetric_by_state
from world import about

CURVES = {"ECC_NIST_P256": ec.SECP256R1, "ECC_NIST_P384": ec.SECP384R1, "ECC_NIST_P521": ec.SECP521R1}
AGREEMENT = {"KeySpec": "ECC_NIST_P256", "KeyUsage": "KEY_AGREEMENT"}


def encoded(key):
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


@about("DeriveSharedSecret")
def case_derive(w):
    for spec, curve in CURVES.items():
        key, mine = w.key(KeySpec=spec, KeyUsage="KEY_AGREEMENT"), ec.generate_private_key(curve())
        theirs = serialization.load_der_public_key(w.user.get_public_key(KeyId=key["KeyId"])["PublicKey"])
        answer = w.ok(
            w.user.derive_shared_secret,
            "KeyId SharedSecret KeyAgreementAlgorithm KeyOrigin",
            KeyId=key["KeyId"],
            KeyAgreementAlgorithm="ECDH",
            PublicKey=encoded(mine),
        )
        w.equal(
            w.user.derive_shared_secret, "the secret", answer["SharedSecret"] == mine.exchange(ec.ECDH(), theirs), True
        )
        w.equal(
            w.user.derive_shared_secret,
            "what it says",
            (answer["KeyId"], answer["KeyAgreementAlgorithm"], answer["KeyOrigin"]),
            (key["Arn"], "ECDH", "AWS_KMS"),
        )


@about("DeriveSharedSecret")
def case_derive_refused(w):
    derive, key = w.user.derive_shared_secret, w.key(**AGREEMENT)["KeyId"]
    peer = {"KeyAgreementAlgorithm": "ECDH", "PublicKey": encoded(ec.generate_private_key(ec.SECP256R1()))}
    w.refused("DryRunOperationException", derive, KeyId=key, DryRun=True, **peer)
    for public in (
        encoded(ec.generate_private_key(ec.SECP384R1())),
        encoded(ed25519.Ed25519PrivateKey.generate()),
        b"rubbish",
        peer["PublicKey"][:-1],
    ):
        w.refused("ValidationException", derive, KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=public)
    w.refused(
        "ValidationException",
        derive,
        "at 'publicKey'.*less than or equal to 8192",
        KeyId=key,
        KeyAgreementAlgorithm="ECDH",
        PublicKey=bytes(8193),
    )
    w.refused(
        "ValidationException",
        derive,
        r"at 'keyAgreementAlgorithm' failed to satisfy constraint: Member must satisfy enum value set: \[ECDH\]",
        KeyId=key,
        **{**peer, "KeyAgreementAlgorithm": "X25519"}
    )
    w.refused("ValidationException", derive, "at 'publicKey'", KeyId=key, KeyAgreementAlgorithm="ECDH")
    w.refused(
        "InvalidKeyUsageException",
        derive,
        "key usage is ENCRYPT_DECRYPT which is not valid for",
        KeyId=w.symmetric["KeyId"],
        **peer
    )
    w.refused("InvalidGrantTokenException", derive, KeyId=key, GrantTokens=["no token of ours"], **peer)
    refused_asymmetric_by_state(w, derive, AGREEMENT, **peer)
    w.refused_like_any_key_operation(w.root.derive_shared_secret, alias=True, **peer)
