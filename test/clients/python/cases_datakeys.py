# Copyright The Chatelaine Authors.
# SPDX-License-Identifier: Apache-2.0
"""Data keys, data key pairs and random bytes."""

from cryptography.hazmat.primitives import serialization

from cases_encryption import refused_by_state_and_usage
from world import about

SPECS = (
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "ECC_NIST_P256",
    "ECC_NIST_P384",
    "ECC_NIST_P521",
    "ECC_SECG_P256K1",
    "ECC_NIST_EDWARDS25519",
)
ML_KEM = ("ML_KEM_512", "ML_KEM_768", "ML_KEM_1024")
HIDDEN_PAIR = "PrivateKeyCiphertextBlob PublicKey KeyId KeyPairSpec KeyMaterialId"


@about("GenerateDataKey")
def case_data_keys(w):
    key, context = w.symmetric, {"a": "b"}
    for given, size in (
        ({"KeySpec": "AES_256"}, 32),
        ({"KeySpec": "AES_128"}, 16),
        ({"NumberOfBytes": 1}, 1),
        ({"NumberOfBytes": 1024}, 1024),
    ):
        shown = w.ok(
            w.user.generate_data_key,
            "CiphertextBlob Plaintext KeyId KeyMaterialId",
            KeyId=w.alias,
            EncryptionContext=context,
            **given,
        )
        hidden = w.ok(
            w.user.generate_data_key_without_plaintext,
            "CiphertextBlob KeyId KeyMaterialId",
            KeyId=key["KeyId"],
            EncryptionContext=context,
            **given,
        )
        w.equal(w.user.generate_data_key, "the key", shown["KeyId"], key["Arn"])
        opened = w.user.decrypt(CiphertextBlob=shown["CiphertextBlob"], EncryptionContext=context)
        w.equal(
            w.user.generate_data_key,
            "the data key",
            (len(shown["Plaintext"]), opened["Plaintext"]),
            (size, shown["Plaintext"]),
        )
        opened = w.user.decrypt(CiphertextBlob=hidden["CiphertextBlob"], EncryptionContext=context)["Plaintext"]
        w.equal(w.user.generate_data_key_without_plaintext, "the hidden data key's length", len(opened), size)


@about("GenerateDataKey")
def case_data_keys_refused(w):
    for name in ("generate_data_key", "generate_data_key_without_plaintext"):
        call, key = getattr(w.user, name), {"KeyId": w.symmetric["KeyId"]}
        w.refused("ValidationException", call, **key)
        w.refused("ValidationException", call, KeySpec="AES_256", NumberOfBytes=32, **key)
        w.refused("ValidationException", call, "at 'keySpec'.*enum value set", KeySpec="AES_192", **key)
        w.refused("ValidationException", call, "'1025' at 'numberOfBytes'", NumberOfBytes=1025, **key)
        w.refused("ValidationException", call, "'0' at 'numberOfBytes'", NumberOfBytes=0, **key)
        w.refused("DryRunOperationException", call, KeySpec="AES_256", DryRun=True, **key)
        w.refused("InvalidGrantTokenException", call, KeySpec="AES_256", GrantTokens=["no token of ours"], **key)
        refused_by_state_and_usage(w, call, KeySpec="AES_256")
        w.refused_like_any_key_operation(getattr(w.root, name), alias=True, KeySpec="AES_256")
        rsa = w.key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
        w.refused("InvalidKeyUsageException", call, KeyId=rsa["KeyId"], KeySpec="AES_256")


@about("GenerateDataKeyPair")
def case_pairs(w):
    context = {"a": "b"}
    for spec in SPECS + ML_KEM:
        given = {"KeyId": w.symmetric["Arn"], "KeyPairSpec": spec, "EncryptionContext": context}
        pair = w.ok(w.user.generate_data_key_pair, HIDDEN_PAIR + " PrivateKeyPlaintext", **given)
        w.equal(
            w.user.generate_data_key_pair,
            "key and spec",
            (pair["KeyId"], pair["KeyPairSpec"]),
            (w.symmetric["Arn"], spec),
        )
        opened = w.user.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"], EncryptionContext=context)["Plaintext"]
        w.equal(w.user.generate_data_key_pair, "the private key", opened == pair["PrivateKeyPlaintext"], True)
        if spec in SPECS:  # ML-KEM keys are read by the Go tests
            w.equal(w.user.generate_data_key_pair, f"the public half of {spec}", public_half(opened), pair["PublicKey"])
    hidden = w.ok(
        w.user.generate_data_key_pair_without_plaintext, HIDDEN_PAIR, **{**given, "KeyPairSpec": "ECC_NIST_P256"}
    )
    opened = w.user.decrypt(CiphertextBlob=hidden["PrivateKeyCiphertextBlob"], EncryptionContext=context)["Plaintext"]
    w.equal(
        w.user.generate_data_key_pair_without_plaintext, "the public half", public_half(opened), hidden["PublicKey"]
    )


def public_half(private):
    """The public key, in DER, of a private key in PKCS#8."""
    key = serialization.load_der_private_key(private, None).public_key()
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


@about("GenerateDataKeyPair")
def case_pairs_refused(w):
    for name in ("generate_data_key_pair", "generate_data_key_pair_without_plaintext"):
        call, key = getattr(w.user, name), {"KeyId": w.symmetric["KeyId"]}
        w.refused("ValidationException", call, "at 'keyPairSpec'.*must not be null", **key)
        w.refused("ValidationException", call, "at 'keyPairSpec'.*enum value set", KeyPairSpec="AES_256", **key)
        w.refused("DryRunOperationException", call, KeyPairSpec="ECC_NIST_P256", DryRun=True, **key)
        w.refused("UnsupportedOperationException", call, KeyPairSpec="SM2", **key)
        refused_by_state_and_usage(w, call, KeyPairSpec="ECC_NIST_P256")
        w.refused_like_any_key_operation(getattr(w.root, name), alias=True, KeyPairSpec="ECC_NIST_P256")


@about("GenerateRandom")
def case_random(w):
    seen = set()
    for size in (1, 32, 1024):
        for caller in (w.root, w.role):
            random = w.ok(caller.generate_random, "Plaintext", NumberOfBytes=size)["Plaintext"]
            w.equal(caller.generate_random, "its length", len(random), size)
            seen.add(random)
    w.equal(w.root.generate_random, "different answers", len(seen) >= 5, True)
    w.refused(
        "ValidationException",
        w.root.generate_random,
        "1 validation error detected: Value '1025' at 'numberOfBytes' failed to satisfy "
        "constraint: Member must have value less than or equal to 1024",
        NumberOfBytes=1025,
    )
    w.refused("ValidationException", w.root.generate_random, "at 'numberOfBytes'", NumberOfBytes=0)
    w.refused("ValidationException", w.root.generate_random, "NumberOfBytes is required")
    w.refused("UnsupportedOperationException", w.root.generate_random, NumberOfBytes=1, CustomKeyStoreId="cks-1234")
