# Copyright The Chatelaine Authors.
# SPDX-License-Identifier: Apache-2.0
"""Sign, Verify, GetPublicKey, and MACs."""

import hashlib

from cases_keys import SIGNING
from world import about

DIGESTS = {"SHA_256": "sha256", "SHA_384": "sha384", "SHA_512": "sha512"}


def forms(algorithm):
    """The message types that an algorithm takes, with a message for each."""
    if algorithm == "ED25519_PH_SHA_512":
        return [("DIGEST", hashlib.sha512(b"message").digest())]
    if algorithm == "ED25519_SHA_512":
        return [("RAW", b"message")]
    if algorithm == "ML_DSA_SHAKE_256":
        return [("RAW", b"m" * 4096), ("EXTERNAL_MU", hashlib.shake_256(b"message").digest(64))]
    return [("RAW", b"m" * 4096), ("DIGEST", hashlib.new(DIGESTS[algorithm[-7:]], b"message").digest())]


@about("Sign")
def case_every_algorithm(w):
    for spec in ("RSA_2048", *(spec for spec in SIGNING if spec != "RSA")):
        key = w.key(KeySpec=spec, KeyUsage="SIGN_VERIFY")
        public = w.ok(
            w.user.get_public_key,
            "KeyId PublicKey KeySpec CustomerMasterKeySpec KeyUsage SigningAlgorithms",
            KeyId=key["KeyId"],
        )
        w.equal(
            w.user.get_public_key,
            "what it says",
            (public["KeyId"], public["KeySpec"], public["KeyUsage"]),
            (key["Arn"], spec, "SIGN_VERIFY"),
        )
        w.equal(
            w.user.get_public_key,
            "the algorithms",
            sorted(public["SigningAlgorithms"]),
            sorted(key["SigningAlgorithms"]),
        )
        for algorithm in key["SigningAlgorithms"]:
            for form, message in forms(algorithm):
                given = {"KeyId": key["KeyId"], "SigningAlgorithm": algorithm, "MessageType": form}
                signed = w.ok(w.user.sign, "KeyId Signature SigningAlgorithm", Message=message, **given)
                w.equal(
                    w.user.sign,
                    "key and algorithm",
                    (signed["KeyId"], signed["SigningAlgorithm"]),
                    (key["Arn"], algorithm),
                )
                answer = w.ok(
                    w.user.verify,
                    "KeyId SignatureValid SigningAlgorithm",
                    Message=message,
                    Signature=signed["Signature"],
                    **given,
                )
                w.equal(w.user.verify, "its answer", answer["SignatureValid"], True)
                other = message[:-1] + bytes([message[-1] ^ 1])
                w.refused(
                    "KMSInvalidSignatureException", w.user.verify, Message=other, Signature=signed["Signature"], **given
                )
                w.refused(
                    "KMSInvalidSignatureException",
                    w.user.verify,
                    Message=message,
                    Signature=signed["Signature"][:-1],
                    **given,
                )
                w.refused("KMSInvalidSignatureException", w.user.verify, Message=message, Signature=b"x", **given)


@about("Sign")
def case_sign_refused(w):
    key = w.key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyId"]
    given = {"KeyId": key, "SigningAlgorithm": "ECDSA_SHA_256"}
    for call, more in ((w.user.sign, {}), (w.user.verify, {"Signature": b"x"})):
        w.refused(
            "ValidationException",
            call,
            "Digest is invalid length for algorithm ECDSA_SHA_256.",
            Message=b"short",
            MessageType="DIGEST",
            **given,
            **more,
        )
        w.refused(
            "ValidationException",
            call,
            "at 'message'.*less than or equal to 4096",
            Message=bytes(4097),
            **given,
            **more,
        )
        w.refused("ValidationException", call, "at 'message'", **given, **more)
        w.refused(
            "ValidationException",
            call,
            "at 'signingAlgorithm'.*enum value set",
            **{**given, "SigningAlgorithm": "DSA"},
            Message=b"m",
            **more,
        )
        w.refused("ValidationException", call, "at 'signingAlgorithm'", KeyId=key, Message=b"m", **more)
        w.refused("ValidationException", call, "at 'messageType'", MessageType="TEXT", Message=b"m", **given, **more)
        w.refused("ValidationException", call, MessageType="EXTERNAL_MU", Message=bytes(64), **given, **more)
        w.refused(
            "InvalidKeyUsageException",
            call,
            "Algorithm RSASSA_PSS_SHA_256 is incompatible with key spec ECC_NIST_P256.",
            **{**given, "SigningAlgorithm": "RSASSA_PSS_SHA_256"},
            Message=b"m",
            **more,
        )
        w.refused(
            "InvalidKeyUsageException",
            call,
            "key usage is ENCRYPT_DECRYPT which is not valid for",
            **{**given, "KeyId": w.symmetric["KeyId"]},
            Message=b"m",
            **more,
        )
        w.refused("InvalidGrantTokenException", call, Message=b"m", GrantTokens=["no token of ours"], **given, **more)
        refused_asymmetric_by_state(
            w,
            call,
            {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"},
            SigningAlgorithm="ECDSA_SHA_256",
            Message=b"m",
            **more,
        )
        w.refused_like_any_key_operation(
            getattr(w.root, call.__name__), alias=True, SigningAlgorithm="ECDSA_SHA_256", Message=b"m", **more
        )
    w.refused("DryRunOperationException", w.user.sign, Message=b"m", DryRun=True, **given)
    signature = w.user.sign(Message=b"m", **given)["Signature"]
    w.refused("DryRunOperationException", w.user.verify, Message=b"m", Signature=signature, DryRun=True, **given)
    w.refused("ValidationException", w.user.verify, "at 'signature'", Message=b"m", **given)
    w.refused(
        "ValidationException",
        w.user.verify,
        "at 'signature'.*less than or equal to 6144",
        Message=b"m",
        Signature=bytes(6145),
        **given,
    )


def refused_asymmetric_by_state(w, call, spec, **arguments):
    key = w.key(**spec)
    w.root.disable_key(KeyId=key["KeyId"])
    w.refused("DisabledException", call, f"{key['Arn']} is disabled.", KeyId=key["KeyId"], **arguments)
    w.root.schedule_key_deletion(KeyId=key["KeyId"])
    w.refused("KMSInvalidStateException", call, f"{key['Arn']} is pending deletion.", KeyId=key["KeyId"], **arguments)
    pending = w.key(Origin="EXTERNAL", **spec)
    w.refused(
        "KMSInvalidStateException", call, f"{pending['Arn']} is pending import.", KeyId=pending["KeyId"], **arguments
    )


@about("GetPublicKey")
def case_public_keys(w):
    members = "KeyId PublicKey KeySpec CustomerMasterKeySpec KeyUsage"
    for spec, usage, algorithms in (
        ("RSA_2048", "ENCRYPT_DECRYPT", "EncryptionAlgorithms"),
        ("ECC_NIST_P384", "KEY_AGREEMENT", "KeyAgreementAlgorithms"),
    ):
        key = w.key(KeySpec=spec, KeyUsage=usage)
        w.ok(w.user.get_public_key, f"{members} {algorithms}", KeyId=key["Arn"])
    w.ok(w.user.get_public_key, members, KeyId=w.key(KeySpec="ML_KEM_768", KeyUsage="ENCAPSULATE_DECAPSULATE")["KeyId"])
    w.refused("UnsupportedOperationException", w.user.get_public_key, KeyId=w.symmetric["KeyId"])
    w.refused(
        "UnsupportedOperationException",
        w.user.get_public_key,
        KeyId=w.key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyId"],
    )
    w.refused("InvalidGrantTokenException", w.user.get_public_key, KeyId=key["KeyId"], GrantTokens=["no token of ours"])
    refused_asymmetric_by_state(w, w.user.get_public_key, {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"})
    w.refused_like_any_key_operation(w.root.get_public_key, alias=True)


@about("GenerateMac")
def case_macs(w):
    make, check = w.user.generate_mac, w.user.verify_mac
    for bits in (224, 256, 384, 512):
        key = w.key(KeySpec=f"HMAC_{bits}", KeyUsage="GENERATE_VERIFY_MAC")
        given = {"KeyId": key["KeyId"], "MacAlgorithm": f"HMAC_SHA_{bits}", "Message": b"m" * 4096}
        mac = w.ok(make, "Mac MacAlgorithm KeyId", **given)
        w.equal(make, "length and key", (len(mac["Mac"]), mac["KeyId"]), (bits // 8, key["Arn"]))
        w.equal(
            check, "its answer", w.ok(check, "KeyId MacValid MacAlgorithm", Mac=mac["Mac"], **given)["MacValid"], True
        )
        for wrong in (mac["Mac"][:-1], bytes(bits // 8), b"x"):
            w.refused("KMSInvalidMacException", check, Mac=wrong, **given)
        w.refused("KMSInvalidMacException", check, Mac=mac["Mac"], **{**given, "Message": b"other"})
        w.refused("DryRunOperationException", make, DryRun=True, **given)
        w.refused("DryRunOperationException", check, DryRun=True, Mac=mac["Mac"], **given)
    for call, more in ((make, {}), (check, {"Mac": b"x"})):
        w.refused(
            "InvalidKeyUsageException",
            call,
            "Algorithm HMAC_SHA_256 is incompatible with key spec HMAC_512.",
            **{**given, "MacAlgorithm": "HMAC_SHA_256"},
            **more,
        )
        w.refused(
            "InvalidKeyUsageException",
            call,
            "key usage is ENCRYPT_DECRYPT which is not valid for",
            **{**given, "KeyId": w.symmetric["KeyId"]},
            **more,
        )
        w.refused(
            "ValidationException",
            call,
            "at 'message'.*less than or equal to 4096",
            **{**given, "Message": bytes(4097)},
            **more,
        )
        w.refused(
            "ValidationException",
            call,
            "at 'macAlgorithm'.*enum value set",
            **{**given, "MacAlgorithm": "HMAC_MD5"},
            **more,
        )
        refused_asymmetric_by_state(
            w,
            call,
            {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"},
            MacAlgorithm="HMAC_SHA_256",
            Message=b"m",
            **more,
        )
        w.refused_like_any_key_operation(
            getattr(w.root, call.__name__), alias=True, MacAlgorithm="HMAC_SHA_256", Message=b"m", **more
        )
    w.refused("ValidationException", check, "at 'mac'", **given)
