# Copyright The Chatelaine Authors.
# SPDX-License-Identifier: Apache-2.0
"""Encrypt, Decrypt and ReEncrypt."""

import re

import botocore.exceptions

from world import about

SEALED = "CiphertextBlob KeyId EncryptionAlgorithm"
OPENED = "KeyId Plaintext EncryptionAlgorithm KeyMaterialId"
OPENED_RSA = "KeyId Plaintext EncryptionAlgorithm"  # the material of asymmetric keys has no ID
MOVED = (
    "CiphertextBlob SourceKeyId KeyId SourceEncryptionAlgorithm DestinationEncryptionAlgorithm SourceKeyMaterialId "
    "DestinationKeyMaterialId"
)
# What a caller learns who may not use the key of a ciphertext, and who has a ciphertext of no key that there is.
UNDISCLOSED = (
    "^The ciphertext refers to a customer master key that does not exist, does not exist in this region, "
    "or you are not allowed to access.$"
)
ATTESTED = {"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": b"document"}


@about("Encrypt")
def case_round_trip(w):
    key = w.symmetric
    for name in (key["KeyId"], key["Arn"], w.alias, w.arn(w.alias)):
        for context in ({}, {"a": "1", "b": "ünï\U0001f511"}):
            sealed = w.ok(w.user.encrypt, SEALED, KeyId=name, Plaintext=b"secret", EncryptionContext=context)
            w.equal(
                w.user.encrypt,
                "KeyId and algorithm",
                (sealed["KeyId"], sealed["EncryptionAlgorithm"]),
                (key["Arn"], "SYMMETRIC_DEFAULT"),
            )
            for given in ({}, {"KeyId": name}, {"EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}):
                opened = w.ok(
                    w.user.decrypt, OPENED, CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=context, **given
                )
                w.equal(w.user.decrypt, "what it was", (opened["Plaintext"], opened["KeyId"]), (b"secret", key["Arn"]))
    for size in (1, 4096):
        sealed = w.ok(w.user.encrypt, SEALED, KeyId=key["KeyId"], Plaintext=b"p" * size)
        w.equal(
            w.user.decrypt,
            f"{size} bytes",
            w.user.decrypt(CiphertextBlob=sealed["CiphertextBlob"])["Plaintext"],
            b"p" * size,
        )


@about("Encrypt")
def case_rsa(w):
    for spec, bounds in (("RSA_2048", (214, 190)), ("RSA_3072", (342, 318))):
        key = w.key(KeySpec=spec, KeyUsage="ENCRYPT_DECRYPT")
        for algorithm, bound in zip(("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"), bounds):
            given = {"KeyId": key["KeyId"], "EncryptionAlgorithm": algorithm}
            sealed = w.ok(w.user.encrypt, SEALED, Plaintext=b"p" * bound, **given)["CiphertextBlob"]
            w.equal(
                w.user.decrypt,
                "what it was",
                w.ok(w.user.decrypt, OPENED_RSA, CiphertextBlob=sealed, **given)["Plaintext"],
                b"p" * bound,
            )
            w.refused(
                "ValidationException",
                w.user.encrypt,
                f"Algorithm {algorithm} and key spec {spec} cannot encrypt data larger than {bound} bytes.",
                Plaintext=b"p" * (bound + 1),
                **given,
            )
            w.refused("InvalidCiphertextException", w.user.decrypt, CiphertextBlob=sealed[:-1], **given)
            w.refused("InvalidCiphertextException", w.user.decrypt, CiphertextBlob=bytes(len(sealed)), **given)
            w.refused("ValidationException", w.user.decrypt, CiphertextBlob=sealed, EncryptionAlgorithm=algorithm)
            w.refused("ValidationException", w.user.encrypt, Plaintext=b"x", EncryptionContext={"a": "b"}, **given)
        w.refused("InvalidKeyUsageException", w.user.encrypt, KeyId=key["KeyId"], Plaintext=b"x")
        w.refused(
            "InvalidKeyUsageException",
            w.user.encrypt,
            KeyId=w.symmetric["KeyId"],
            Plaintext=b"x",
            EncryptionAlgorithm="RSAES_OAEP_SHA_1",
        )


@about("Encrypt")
def case_encrypt_refused(w):
    encrypt, key = w.user.encrypt, w.symmetric["KeyId"]
    w.refused("DryRunOperationException", encrypt, "would have succeeded", KeyId=key, Plaintext=b"x", DryRun=True)
    w.refused(
        "ValidationException",
        encrypt,
        "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have "
        "length less than or equal to 4096",
        KeyId=key,
        Plaintext=b"p" * 4097,
    )
    w.refused("ValidationException", encrypt, "at 'plaintext'.*greater than or equal to 1", KeyId=key, Plaintext=b"")
    w.refused("ValidationException", encrypt, "at 'plaintext'.*must not be null", KeyId=key)
    w.refused(
        "ValidationException",
        encrypt,
        "at 'encryptionAlgorithm'.*enum value set",
        KeyId=key,
        Plaintext=b"x",
        EncryptionAlgorithm="ROT13",
    )
    w.refused("InvalidGrantTokenException", encrypt, KeyId=key, Plaintext=b"x", GrantTokens=["no token of ours"])
    w.refused(
        "ValidationException",
        encrypt,
        "Value '' at 'keyId' failed to satisfy constraint: Member must have length greater than or equal " "to 1",
        KeyId="",
        Plaintext=b"x",
    )
    w.refused("ValidationException", encrypt, "at 'grantTokens'", KeyId=key, Plaintext=b"x", GrantTokens=["t"] * 11)
    refused_by_state_and_usage(w, encrypt, Plaintext=b"x")
    w.refused_like_any_key_operation(w.root.encrypt, alias=True, Plaintext=b"x")


def refused_by_state_and_usage(w, call, member="KeyId", **arguments):
    w.refused(
        "DisabledException", call, f"{w.disabled['Arn']} is disabled.", **{member: w.disabled["KeyId"]}, **arguments
    )
    w.refused(
        "KMSInvalidStateException",
        call,
        f"{w.doomed['Arn']} is pending deletion.",
        **{member: w.doomed["KeyId"]},
        **arguments,
    )
    pending = w.key(Origin="EXTERNAL")
    w.refused(
        "KMSInvalidStateException",
        call,
        f"{pending['Arn']} is pending import.",
        **{member: pending["KeyId"]},
        **arguments,
    )
    signing = w.key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    w.refused(
        "InvalidKeyUsageException",
        call,
        "key usage is SIGN_VERIFY which is not valid for",
        **{member: signing["KeyId"]},
        **arguments,
    )


@about("Decrypt")
def case_decrypt_refused(w):
    decrypt, other = w.user.decrypt, w.key()
    sealed = w.user.encrypt(KeyId=w.symmetric["KeyId"], Plaintext=b"x", EncryptionContext={"a": "b"})["CiphertextBlob"]
    given = {"CiphertextBlob": sealed, "EncryptionContext": {"a": "b"}}
    w.refused("DryRunOperationException", decrypt, DryRun=True, **given)
    for context in ({}, {"a": "B"}, {"A": "b"}, {"a": "b", "c": ""}):
        w.refused("InvalidCiphertextException", decrypt, CiphertextBlob=sealed, EncryptionContext=context)
    w.refused(
        "IncorrectKeyException",
        decrypt,
        "does not identify a (CMK|KMS key) that can perform this operation",
        KeyId=other["KeyId"],
        **given,
    )
    w.refused(
        "ValidationException", decrypt, "at 'ciphertextBlob'.*less than or equal to 6144", CiphertextBlob=bytes(6145)
    )
    w.refused("ValidationException", decrypt, CiphertextBlob=b"")
    w.refused("ValidationException", decrypt)
    w.refused("InvalidCiphertextException", decrypt, CiphertextBlob=b"rubbish")
    w.refused("InvalidCiphertextException", decrypt, CiphertextBlob=bytes(6144))
    w.refused("NotFoundException", decrypt, KeyId=w.absent(), **given)
    # Or whoever forgets to say which key accepts every key.
    w.refused("ValidationException", decrypt, "at 'keyId'", KeyId="", **given)
    w.refused("InvalidGrantTokenException", decrypt, GrantTokens=["no token of ours"], **given)
    w.refused("ValidationException", decrypt, "at 'encryptionAlgorithm'", EncryptionAlgorithm="ROT13", **given)
    for caller in (w.role, w.stranger):
        w.refused("AccessDeniedException", caller.decrypt, UNDISCLOSED, **given)
    w.refused(
        "DryRunOperationException", decrypt, KeyId=other["KeyId"], DryRun=True, DryRunModifiers=["IGNORE_CIPHERTEXT"]
    )
    w.refused("ValidationException", decrypt, KeyId=other["KeyId"], DryRunModifiers=["IGNORE_CIPHERTEXT"])
    gone = w.key()["KeyId"]
    sealed = w.user.encrypt(KeyId=gone, Plaintext=b"x")["CiphertextBlob"]
    w.root.disable_key(KeyId=gone)
    w.refused("DisabledException", decrypt, "is disabled", CiphertextBlob=sealed)
    w.root.schedule_key_deletion(KeyId=gone)
    w.refused("KMSInvalidStateException", decrypt, "is pending deletion", CiphertextBlob=sealed)


@about("Decrypt")
def case_every_byte_counts(w):
    """A ciphertext that is changed in any byte, or cut anywhere, is none; a changed key reference may be to no key."""
    context, elsewhere = {"a": "b"}, set()
    sealed = w.user.encrypt(KeyId=w.symmetric["KeyId"], Plaintext=b"x", EncryptionContext=context)["CiphertextBlob"]
    for at in range(len(sealed)):
        for flip in (0x01, 0x80):
            blob = sealed[:at] + bytes([sealed[at] ^ flip]) + sealed[at + 1 :]
            try:
                w.user.decrypt(CiphertextBlob=blob, EncryptionContext=context)
                w.fail(w.user.decrypt, f"a ciphertext with another byte {at} was accepted")
            except w.user.exceptions.InvalidCiphertextException:
                pass
            except botocore.exceptions.ClientError as error:
                elsewhere.add(at)
                w.equal(w.user.decrypt, "code", error.response["Error"]["Code"], "AccessDeniedException")
                w.equal(
                    w.user.decrypt,
                    "message",
                    re.search(UNDISCLOSED, error.response["Error"]["Message"]) is not None,
                    True,
                )
    w.equal(w.user.decrypt, "no more than the reference to the key", len(elsewhere) <= 17, True)
    for blob in (*(sealed[:n] for n in range(1, len(sealed))), sealed + b"\0", sealed + sealed):
        w.refused("InvalidCiphertextException", w.user.decrypt, CiphertextBlob=blob, EncryptionContext=context)


@about("ReEncrypt")
def case_re_encrypt(w):
    move, source, target = w.user.re_encrypt, w.symmetric, w.key()
    sealed = w.user.encrypt(KeyId=source["KeyId"], Plaintext=b"x", EncryptionContext={"a": "b"})["CiphertextBlob"]
    given = {"CiphertextBlob": sealed, "SourceEncryptionContext": {"a": "b"}}
    moved = w.ok(move, MOVED, DestinationKeyId=target["KeyId"], DestinationEncryptionContext={"c": "d"}, **given)
    w.equal(move, "the keys", (moved["SourceKeyId"], moved["KeyId"]), (source["Arn"], target["Arn"]))
    opened = w.user.decrypt(CiphertextBlob=moved["CiphertextBlob"], EncryptionContext={"c": "d"})
    w.equal(move, "what it was", (opened["Plaintext"], opened["KeyId"]), (b"x", target["Arn"]))
    w.ok(move, MOVED, DestinationKeyId=source["Arn"], SourceKeyId=w.alias, **given)
    w.refused("InvalidCiphertextException", move, CiphertextBlob=sealed, DestinationKeyId=target["KeyId"])
    w.refused("InvalidCiphertextException", move, CiphertextBlob=b"rubbish", DestinationKeyId=target["KeyId"])
    w.refused("IncorrectKeyException", move, SourceKeyId=target["KeyId"], DestinationKeyId=target["KeyId"], **given)
    w.refused("NotFoundException", move, DestinationKeyId=w.absent(), **given)
    w.refused("ValidationException", move, "at 'destinationKeyId'", **given)
    w.refused("ValidationException", move, DestinationKeyId=target["KeyId"])
    w.refused("DryRunOperationException", move, DestinationKeyId=target["KeyId"], DryRun=True, **given)
    refused_by_state_and_usage(w, move, member="DestinationKeyId", **given)
    w.refused("AccessDeniedException", w.role.re_encrypt, UNDISCLOSED, DestinationKeyId=target["KeyId"], **given)
    half = {"Effect": "Allow", "Principal": {"AWS": w.arn_of("role")}, "Action": "kms:ReEncryptFrom", "Resource": "*"}
    one_way = w.key(Policy=w.policy(half))
    sealed = w.root.encrypt(KeyId=one_way["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    w.refused(
        "AccessDeniedException",
        w.role.re_encrypt,
        "kms:ReEncryptTo",
        CiphertextBlob=sealed,
        DestinationKeyId=one_way["KeyId"],
    )
    rsa = w.key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    answer = w.ok(
        move,
        MOVED.replace(" DestinationKeyMaterialId", ""),
        DestinationKeyId=rsa["KeyId"],
        DestinationEncryptionAlgorithm="RSAES_OAEP_SHA_256",
        **given,
    )
    w.ok(
        move,
        MOVED.replace(" SourceKeyMaterialId", ""),
        CiphertextBlob=answer["CiphertextBlob"],
        SourceKeyId=rsa["KeyId"],
        SourceEncryptionAlgorithm="RSAES_OAEP_SHA_256",
        DestinationKeyId=target["KeyId"],
    )


@about("Decrypt")
def case_recipient(w):
    """There are no enclaves here: what would be encrypted for one is refused, and not given away in the clear."""
    sealed = w.user.encrypt(KeyId=w.symmetric["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    peer = w.key(KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT")["KeyId"]
    public = w.user.get_public_key(KeyId=peer)["PublicKey"]
    for call, arguments in (
        (w.user.decrypt, {"CiphertextBlob": sealed}),
        (w.user.derive_shared_secret, {"KeyId": peer, "KeyAgreementAlgorithm": "ECDH", "PublicKey": public}),
        (w.user.generate_random, {"NumberOfBytes": 1}),
        (w.user.generate_data_key, {"KeyId": w.symmetric["KeyId"], "KeySpec": "AES_256"}),
        (w.user.generate_data_key_pair, {"KeyId": w.symmetric["KeyId"], "KeyPairSpec": "ECC_NIST_P256"}),
    ):
        try:
            answer = call(Recipient=ATTESTED, **arguments)
            w.fail(call, f"Recipient was ignored: {sorted(answer)}")
        except botocore.exceptions.ClientError as error:
            w.equal(
                call,
                "the error for a Recipient",
                error.response["Error"]["Code"] in ("ValidationException", "UnsupportedOperationException"),
                True,
            )
