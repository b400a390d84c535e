# Copyright The Chatelaine Authors.
# SPDX-License-Identifier: Apache-2.0
"""Rotation, automatic and on demand."""

import datetime

from world import about

OFF = "KeyRotationEnabled KeyId"
ON = "KeyRotationEnabled KeyId RotationPeriodInDays NextRotationDate"


@about("EnableKeyRotation")
def case_automatic(w):
    key, status = w.key(), w.user.get_key_rotation_status
    w.equal(status, "a new key's", w.ok(status, OFF, KeyId=key["KeyId"])["KeyRotationEnabled"], False)
    for given, days in (({}, 365), ({"RotationPeriodInDays": 90}, 90), ({"RotationPeriodInDays": 2560}, 2560)):
        w.ok(w.user.enable_key_rotation, "", KeyId=key["KeyId"], **given)
        answer = w.ok(status, ON, KeyId=key["Arn"])
        w.equal(status, "the key, as in the examples of the AWS CLI", answer["KeyId"], key["KeyId"])
        w.equal(status, "what it says", (answer["KeyRotationEnabled"], answer["RotationPeriodInDays"]), (True, days))
        due = answer["NextRotationDate"] - datetime.datetime.now(datetime.timezone.utc)
        w.equal(status, f"{due} as the time to the next rotation", days - 2 <= due.days <= days + 1, True)
    w.ok(w.user.disable_key_rotation, "", KeyId=key["Arn"])
    w.equal(status, "after it was disabled", w.ok(status, OFF, KeyId=key["KeyId"])["KeyRotationEnabled"], False)
    for days in (89, 2561):
        w.refused(
            "ValidationException",
            w.user.enable_key_rotation,
            "at 'rotationPeriodInDays'",
            KeyId=key["KeyId"],
            RotationPeriodInDays=days,
        )


@about("EnableKeyRotation")
def case_where_there_is_none(w):
    asymmetric = w.key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyId"]
    external = w.key(Origin="EXTERNAL")["KeyId"]
    for name in ("enable_key_rotation", "disable_key_rotation", "get_key_rotation_status"):
        call = getattr(w.user, name)
        w.refused("UnsupportedOperationException", call, KeyId=asymmetric)
        w.refused(
            "UnsupportedOperationException",
            call,
            "origin is EXTERNAL which is not valid for this operation",
            KeyId=external,
        )
        w.refused_like_any_key_operation(getattr(w.root, name))
    for name in ("enable_key_rotation", "disable_key_rotation", "rotate_key_on_demand"):
        call = getattr(w.user, name)
        w.refused("DisabledException", call, "is disabled", KeyId=w.disabled["KeyId"])
        w.refused("KMSInvalidStateException", call, "is pending deletion", KeyId=w.doomed["KeyId"])
    w.refused("UnsupportedOperationException", w.user.rotate_key_on_demand, KeyId=asymmetric)
    w.refused("UnsupportedOperationException", w.user.list_key_rotations, KeyId=asymmetric)
    w.refused("KMSInvalidStateException", w.user.rotate_key_on_demand, "is pending import", KeyId=external)
    w.refused_like_any_key_operation(w.root.rotate_key_on_demand)
    w.refused_like_any_key_operation(w.root.list_key_rotations)


@about("RotateKeyOnDemand")
def case_on_demand(w):
    key, rotate, listing = w.key(), w.user.rotate_key_on_demand, w.user.list_key_rotations
    first = w.user.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["CurrentKeyMaterialId"]
    sealed = w.user.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    for _ in range(3):
        answer = w.ok(rotate, "KeyId", KeyId=key["Arn"])
    w.equal(rotate, "the key, as in the examples of the AWS CLI", answer["KeyId"], key["KeyId"])
    current = w.user.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["CurrentKeyMaterialId"]
    w.equal(rotate, "another material afterwards", current != first, True)
    opened = w.user.decrypt(CiphertextBlob=sealed)
    w.equal(rotate, "what the first material opens", (opened["Plaintext"], opened["KeyMaterialId"]), (b"x", first))
    again = w.user.decrypt(CiphertextBlob=w.user.encrypt(KeyId=key["KeyId"], Plaintext=b"y")["CiphertextBlob"])
    w.equal(rotate, "the material of new ciphertexts", again["KeyMaterialId"], current)
    rotations = w.ok(listing, "Rotations Truncated", KeyId=key["KeyId"])["Rotations"]
    w.equal(
        listing, "the keys, as in the examples of the AWS CLI", {entry["KeyId"] for entry in rotations}, {key["KeyId"]}
    )
    w.equal(listing, "the rotations' types", [entry["RotationType"] for entry in rotations], ["ON_DEMAND"] * 3)
    everything = w.ok(listing, "Rotations Truncated", KeyId=key["KeyId"], IncludeKeyMaterial="ALL_KEY_MATERIAL")[
        "Rotations"
    ]
    states = {entry["KeyMaterialId"]: entry["KeyMaterialState"] for entry in everything}
    w.equal(
        listing,
        "the materials' states",
        (len(states), states.get(first), states.get(current)),
        (4, "NON_CURRENT", "CURRENT"),
    )
    pages = w.user.get_paginator("list_key_rotations").paginate(KeyId=key["KeyId"], PaginationConfig={"PageSize": 2})
    w.equal(listing, "the pages", [entry for page in pages for entry in page["Rotations"]], rotations)
    w.ok(listing, "Rotations NextMarker Truncated", KeyId=key["KeyId"], Limit=1)
    w.refused("InvalidMarkerException", listing, KeyId=key["KeyId"], Marker="no marker of ours")
    w.refused("ValidationException", listing, "at 'includeKeyMaterial'", KeyId=key["KeyId"], IncludeKeyMaterial="SOME")
    w.refused("ValidationException", listing, "at 'limit'", KeyId=key["KeyId"], Limit=0)


@about("RotateKeyOnDemand")
def case_on_demand_limit(w):
    key = w.key()
    for _ in range(25):
        w.user.rotate_key_on_demand(KeyId=key["KeyId"])
    w.refused(
        "LimitExceededException",
        w.user.rotate_key_on_demand,
        "The on-demand rotations limit has been reached for the given keyId. "
        f"No more on-demand rotations can be performed for this key: {key['Arn']}",
        KeyId=key["KeyId"],
    )
