# Copyright The Chatelaine Authors.
# SPDX-License-Identifier: Apache-2.0
"""Imported key material: wrapped by Python's cryptography, as a person would do it."""

import datetime
import hashlib
import hmac
import os

from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from world import about

FOREVER = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
PARAMETERS = "KeyId ImportToken PublicKey ParametersValidTo"
HASHES = {"SHA_1": hashes.SHA1, "SHA_256": hashes.SHA256}


def oaep(name):
    algorithm = HASHES[name]()
    return padding.OAEP(padding.MGF1(algorithm), algorithm, None)


def wrap(public, algorithm, material):
    """Encrypts material as the wrapping algorithm says."""
    public = serialization.load_der_public_key(public)
    if algorithm.startswith("RSAES_OAEP_"):
        return public.encrypt(material, oaep(algorithm.removeprefix("RSAES_OAEP_")))
    secret = os.urandom(32)
    return public.encrypt(
        secret, oaep(algorithm.removeprefix("RSA_AES_KEY_WRAP_"))
    ) + keywrap.aes_key_wrap_with_padding(secret, material)


def prepare(w, key, material, algorithm="RSAES_OAEP_SHA_256", spec="RSA_2048"):
    """The arguments of ImportKeyMaterial for new parameters."""
    answer = w.ok(
        w.user.get_parameters_for_import, PARAMETERS, KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec=spec
    )
    valid = answer["ParametersValidTo"] - datetime.datetime.now(datetime.timezone.utc)
    w.equal(
        w.user.get_parameters_for_import,
        f"{valid} as the time for which they are valid",
        abs(valid.total_seconds() - 86400) < 60,
        True,
    )
    return {
        "KeyId": key,
        "ImportToken": answer["ImportToken"],
        "EncryptedKeyMaterial": wrap(answer["PublicKey"], algorithm, material),
    }


def pkcs8(key):
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@about("ImportKeyMaterial")
def case_symmetric(w):
    for algorithm, spec in (
        ("RSAES_OAEP_SHA_1", "RSA_2048"),
        ("RSAES_OAEP_SHA_256", "RSA_3072"),
        ("RSA_AES_KEY_WRAP_SHA_1", "RSA_4096"),
        ("RSA_AES_KEY_WRAP_SHA_256", "RSA_2048"),
    ):
        key = w.key(Origin="EXTERNAL")
        answer = w.ok(
            w.user.import_key_material,
            "KeyId KeyMaterialId",
            **prepare(w, key["KeyId"], os.urandom(32), algorithm, spec),
            **FOREVER,
        )
        w.equal(w.user.import_key_material, "the key", answer["KeyId"], key["Arn"])
        metadata = w.user.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        w.equal(
            w.user.import_key_material,
            "state, model, material",
            (metadata["KeyState"], metadata["ExpirationModel"], metadata["CurrentKeyMaterialId"]),
            ("Enabled", FOREVER["ExpirationModel"], answer["KeyMaterialId"]),
        )
    sealed = w.user.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    w.equal(w.user.import_key_material, "what the key opens", w.user.decrypt(CiphertextBlob=sealed)["Plaintext"], b"x")


@about("DeleteImportedKeyMaterial")
def case_expiry_and_deletion(w):
    key, material = w.key(Origin="EXTERNAL"), os.urandom(32)
    tomorrow = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(days=1)
    imported = w.ok(
        w.user.import_key_material,
        "KeyId KeyMaterialId",
        **prepare(w, key["KeyId"], material),
        ValidTo=tomorrow,
        ExpirationModel="KEY_MATERIAL_EXPIRES",
    )
    metadata = w.user.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
    w.equal(
        w.user.import_key_material,
        "ValidTo and model",
        (metadata["ValidTo"], metadata["ExpirationModel"]),
        (tomorrow, "KEY_MATERIAL_EXPIRES"),
    )
    sealed = w.user.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    w.refused(
        "IncorrectKeyMaterialException",
        w.user.import_key_material,
        **prepare(w, key["KeyId"], os.urandom(32)),
        **FOREVER,
    )
    answer = w.ok(w.user.delete_imported_key_material, "KeyId KeyMaterialId", KeyId=key["Arn"])
    w.equal(
        w.user.delete_imported_key_material,
        "its answer",
        (answer["KeyId"], answer["KeyMaterialId"]),
        (key["Arn"], imported["KeyMaterialId"]),
    )
    w.refused("KMSInvalidStateException", w.user.decrypt, "is pending import", CiphertextBlob=sealed)
    w.refused(
        "IncorrectKeyMaterialException",
        w.user.import_key_material,
        **prepare(w, key["KeyId"], os.urandom(32)),
        **FOREVER,
    )
    w.ok(w.user.import_key_material, "KeyId KeyMaterialId", **prepare(w, key["KeyId"], material), **FOREVER)
    w.equal(
        w.user.import_key_material,
        "what the material opens again",
        w.user.decrypt(CiphertextBlob=sealed)["Plaintext"],
        b"x",
    )


@about("ImportKeyMaterial")
def case_others(w):
    secret = os.urandom(32)
    key = w.key(Origin="EXTERNAL", KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyId"]
    w.ok(w.user.import_key_material, "KeyId KeyMaterialId", **prepare(w, key, secret), **FOREVER)
    mac = w.user.generate_mac(KeyId=key, MacAlgorithm="HMAC_SHA_256", Message=b"m")["Mac"]
    w.equal(w.user.import_key_material, "the imported key's MAC", mac, hmac.new(secret, b"m", hashlib.sha256).digest())
    for spec, usage, private in (
        ("RSA_2048", "ENCRYPT_DECRYPT", rsa.generate_private_key(65537, 2048)),
        ("ECC_NIST_P256", "SIGN_VERIFY", ec.generate_private_key(ec.SECP256R1())),
        ("ECC_NIST_P521", "KEY_AGREEMENT", ec.generate_private_key(ec.SECP521R1())),
        ("ECC_SECG_P256K1", "SIGN_VERIFY", ec.generate_private_key(ec.SECP256K1())),
    ):
        key = w.key(Origin="EXTERNAL", KeySpec=spec, KeyUsage=usage)["KeyId"]
        w.ok(
            w.user.import_key_material,
            "KeyId KeyMaterialId",
            **prepare(w, key, pkcs8(private), "RSA_AES_KEY_WRAP_SHA_256"),
            **FOREVER,
        )
        public = private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        w.equal(
            w.user.import_key_material,
            f"the public half of {spec}",
            w.user.get_public_key(KeyId=key)["PublicKey"],
            public,
        )


@about("RotateKeyOnDemand")
def case_rotate_imported(w):
    key, load = w.key(Origin="EXTERNAL")["KeyId"], w.user.import_key_material
    first = w.ok(
        load, "KeyId KeyMaterialId", **prepare(w, key, os.urandom(32)), KeyMaterialDescription="first", **FOREVER
    )["KeyMaterialId"]
    w.refused(
        "KMSInvalidStateException",
        w.user.rotate_key_on_demand,
        "No available key material pending rotation for the key",
        KeyId=key,
    )
    second = w.ok(
        load, "KeyId KeyMaterialId", **prepare(w, key, os.urandom(32)), ImportType="NEW_KEY_MATERIAL", **FOREVER
    )["KeyMaterialId"]
    w.refused(
        "KMSInvalidStateException",
        load,
        "because another key material .* is pending rotation",
        **prepare(w, key, os.urandom(32)),
        ImportType="NEW_KEY_MATERIAL",
        **FOREVER,
    )
    states = {
        entry["KeyMaterialId"]: entry["KeyMaterialState"]
        for entry in w.user.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    }
    w.equal(w.user.list_key_rotations, "the states", states, {first: "CURRENT", second: "PENDING_ROTATION"})
    w.ok(w.user.rotate_key_on_demand, "KeyId", KeyId=key)
    entries = {
        entry["KeyMaterialId"]: entry
        for entry in w.user.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    }
    w.equal(
        w.user.list_key_rotations,
        "the states afterwards",
        {name: entry["KeyMaterialState"] for name, entry in entries.items()},
        {first: "NON_CURRENT", second: "CURRENT"},
    )
    w.equal(
        w.user.list_key_rotations,
        "description and import state",
        (entries[first].get("KeyMaterialDescription"), entries[first].get("ImportState")),
        ("first", "IMPORTED"),
    )


@about("ImportKeyMaterial")
def case_import_refused(w):
    load, key = w.user.import_key_material, w.key(Origin="EXTERNAL")["KeyId"]
    good = prepare(w, key, os.urandom(32))
    w.refused(
        "ValidationException", load, "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES", **good
    )
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    w.refused("ValidationException", load, ValidTo=later, **good, **FOREVER)
    for days in (-1, 366):
        w.refused(
            "ValidationException",
            load,
            ValidTo=datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days),
            **good,
        )
    w.refused("InvalidImportTokenException", load, **{**good, "ImportToken": good["ImportToken"][:-1]}, **FOREVER)
    other = prepare(w, w.key(Origin="EXTERNAL")["KeyId"], os.urandom(32))
    w.refused("InvalidImportTokenException", load, **{**good, "ImportToken": other["ImportToken"]}, **FOREVER)
    w.refused(
        "InvalidCiphertextException", load, **{**good, "EncryptedKeyMaterial": other["EncryptedKeyMaterial"]}, **FOREVER
    )
    w.refused("InvalidCiphertextException", load, **{**good, "EncryptedKeyMaterial": b"rubbish"}, **FOREVER)
    w.refused("IncorrectKeyMaterialException", load, **prepare(w, key, os.urandom(31)), **FOREVER)
    w.refused("ValidationException", load, "at 'importToken'", KeyId=key, EncryptedKeyMaterial=b"x", **FOREVER)
    w.refused("ValidationException", load, "at 'keyMaterialId'", KeyMaterialId="x", **good, **FOREVER)
    own = {"ImportToken": b"x", "EncryptedKeyMaterial": b"x", **FOREVER}
    w.refused(
        "UnsupportedOperationException",
        load,
        "origin is AWS_KMS which is not valid for this operation",
        KeyId=w.symmetric["KeyId"],
        **own,
    )
    doomed = w.key(Origin="EXTERNAL")["KeyId"]
    w.root.schedule_key_deletion(KeyId=doomed)
    w.refused("KMSInvalidStateException", load, "is pending deletion", KeyId=doomed, **own)
    w.refused_like_any_key_operation(w.root.import_key_material, **own)
    parameters, wanted = w.user.get_parameters_for_import, {
        "WrappingAlgorithm": "RSAES_OAEP_SHA_256",
        "WrappingKeySpec": "RSA_2048",
    }
    w.refused("UnsupportedOperationException", parameters, "origin is AWS_KMS", KeyId=w.symmetric["KeyId"], **wanted)
    w.refused("KMSInvalidStateException", parameters, "is pending deletion", KeyId=doomed, **wanted)
    w.refused(
        "ValidationException",
        parameters,
        "at 'wrappingAlgorithm'.*enum value set",
        KeyId=key,
        **{**wanted, "WrappingAlgorithm": "NONE"},
    )
    w.refused(
        "ValidationException", parameters, "at 'wrappingKeySpec'", KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256"
    )
    w.refused_like_any_key_operation(w.root.get_parameters_for_import, **wanted)
    w.refused(
        "UnsupportedOperationException",
        w.user.delete_imported_key_material,
        "origin is AWS_KMS",
        KeyId=w.symmetric["KeyId"],
    )
    w.refused_like_any_key_operation(w.root.delete_imported_key_material)
