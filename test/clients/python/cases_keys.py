# Copyright The Chatelaine Authors.
# SPDX-License-Identifier: Apache-2.0
"""Keys: made, described, listed, enabled and disabled, deleted; and the custom key stores, which there are not."""

import json

from world import about

METADATA = {
    "AWSAccountId",
    "KeyId",
    "Arn",
    "CreationDate",
    "Enabled",
    "Description",
    "KeyUsage",
    "KeyState",
    "Origin",
    "KeyManager",
    "CustomerMasterKeySpec",
    "KeySpec",
    "MultiRegion",
}
SIGNING = {
    "RSA": [
        "RSASSA_PKCS1_V1_5_SHA_256",
        "RSASSA_PKCS1_V1_5_SHA_384",
        "RSASSA_PKCS1_V1_5_SHA_512",
        "RSASSA_PSS_SHA_256",
        "RSASSA_PSS_SHA_384",
        "RSASSA_PSS_SHA_512",
    ],
    "ECC_NIST_P256": ["ECDSA_SHA_256"],
    "ECC_NIST_P384": ["ECDSA_SHA_384"],
    "ECC_NIST_P521": ["ECDSA_SHA_512"],
    "ECC_SECG_P256K1": ["ECDSA_SHA_256"],
    "ECC_NIST_EDWARDS25519": ["ED25519_PH_SHA_512", "ED25519_SHA_512"],
    "ML_DSA_44": ["ML_DSA_SHAKE_256"],
    "ML_DSA_65": ["ML_DSA_SHAKE_256"],
    "ML_DSA_87": ["ML_DSA_SHAKE_256"],
}
# Spec and usage, the member that names the algorithms, and these.
SPECS = [
    ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "EncryptionAlgorithms", ["SYMMETRIC_DEFAULT"]),
    ("RSA_2048", "ENCRYPT_DECRYPT", "EncryptionAlgorithms", ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]),
    ("RSA_3072", "SIGN_VERIFY", "SigningAlgorithms", SIGNING["RSA"]),
    *[(spec, "SIGN_VERIFY", "SigningAlgorithms", algorithms) for spec, algorithms in SIGNING.items() if spec != "RSA"],
    *[
        (spec, "KEY_AGREEMENT", "KeyAgreementAlgorithms", ["ECDH"])
        for spec in ("ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521")
    ],
    *[(f"HMAC_{bits}", "GENERATE_VERIFY_MAC", "MacAlgorithms", [f"HMAC_SHA_{bits}"]) for bits in (224, 256, 384, 512)],
    # botocore drops EncapsulationAlgorithms, which is newer than it is; checker.py has seen it.
    *[(spec, "ENCAPSULATE_DECAPSULATE", None, None) for spec in ("ML_KEM_512", "ML_KEM_768", "ML_KEM_1024")],
]


@about("CreateKey")
def case_every_spec_and_usage(w):
    for spec, usage, member, algorithms in SPECS:
        key = w.ok(w.root.create_key, "KeyMetadata", KeySpec=spec, KeyUsage=usage, Description=spec)["KeyMetadata"]
        optional = {member} - {None} | ({"CurrentKeyMaterialId"} if spec == "SYMMETRIC_DEFAULT" else set())
        w.equal(w.root.create_key, f"the members of {spec}", sorted(key), sorted(METADATA | optional))
        if member:
            w.equal(w.root.create_key, f"{member} of {spec}", sorted(key[member]), algorithms)
        w.equal(w.root.create_key, f"KeySpec, KeyUsage of {spec}", (key["KeySpec"], key["KeyUsage"]), (spec, usage))
        w.equal(w.root.create_key, "the ARN", key["Arn"], w.arn("key/" + key["KeyId"]))


@about("CreateKey")
def case_what_a_key_is_given(w):
    key = w.root.create_key(Description="my key", Tags=[{"TagKey": "team", "TagValue": "red"}], Origin="AWS_KMS")[
        "KeyMetadata"
    ]
    seen = w.ok(w.root.describe_key, "KeyMetadata", KeyId=key["KeyId"])["KeyMetadata"]
    w.equal(w.root.describe_key, "what it describes", seen, key)
    w.equal(
        w.root.create_key,
        "state, manager, origin, description",
        (key["KeyState"], key["KeyManager"], key["Origin"], key["Description"]),
        ("Enabled", "CUSTOMER", "AWS_KMS", "my key"),
    )
    external = w.root.create_key(Origin="EXTERNAL")["KeyMetadata"]
    w.equal(
        w.root.create_key,
        "an EXTERNAL key's state and enabled",
        (external["KeyState"], external["Enabled"]),
        ("PendingImport", False),
    )
    multi = w.root.create_key(MultiRegion=True)["KeyMetadata"]
    w.equal(w.root.create_key, "a multi-Region key's ID", multi["KeyId"][:4], "mrk-")
    w.equal(
        w.root.create_key,
        "its configuration",
        multi["MultiRegionConfiguration"],
        {
            "MultiRegionKeyType": "PRIMARY",
            "PrimaryKey": {"Arn": multi["Arn"], "Region": w.region},
            "ReplicaKeys": [],
        },
    )


@about("CreateKey")
def case_creation_refused(w):
    create = w.root.create_key
    w.refused(
        "ValidationException",
        create,
        "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys",
        KeySpec="RSA_2048",
    )
    w.refused(
        "ValidationException",
        create,
        "KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048",
        KeySpec="RSA_2048",
        KeyUsage="KEY_AGREEMENT",
    )
    w.refused(
        "ValidationException",
        create,
        r"at 'keySpec' failed to satisfy constraint: Member must satisfy enum value set: \[",
        KeySpec="AES",
    )
    w.refused("ValidationException", create, "at 'description'.*less than or equal to 8192", Description="d" * 8193)
    w.refused("TagException", create, "aws: are reserved", Tags=[{"TagKey": "aws:x", "TagValue": ""}])
    w.refused(
        "TagException",
        create,
        "Duplicate tag keys",
        Tags=[{"TagKey": "a", "TagValue": "1"}, {"TagKey": "a", "TagValue": "2"}],
    )
    w.refused("TagException", create, "Too many tags", Tags=[{"TagKey": f"t{i}", "TagValue": ""} for i in range(51)])
    w.refused("ValidationException", create, "at 'tags.1.member.tagKey'", Tags=[{"TagKey": "", "TagValue": ""}])
    w.refused("MalformedPolicyDocumentException", create, Policy="{")
    w.refused(
        "MalformedPolicyDocumentException",
        create,
        "will not allow you to update the key policy in the future",
        Policy=w.policy({"Effect": "Deny", "Principal": "*", "Action": "kms:PutKeyPolicy", "Resource": "*"}),
    )
    w.refused("UnsupportedOperationException", create, Origin="AWS_CLOUDHSM", CustomKeyStoreId="cks-1234")
    w.refused(
        "AccessDeniedException",
        w.user.create_key,
        f"User: {w.arn_of('user')} is not authorized to perform: kms:CreateKey",
    )


@about("DescribeKey")
def case_describe(w):
    for name in (w.symmetric["KeyId"], w.symmetric["Arn"], w.alias, w.arn(w.alias)):
        key = w.ok(w.user.describe_key, "KeyMetadata", KeyId=name)["KeyMetadata"]
        w.equal(w.user.describe_key, f"the key that {name} names", key["Arn"], w.symmetric["Arn"])
    w.refused_like_any_key_operation(w.root.describe_key, alias=True)


@about("ListKeys")
def case_list(w):
    known = {w.key(Description="listed")["KeyId"] for _ in range(3)}
    listed = [
        key
        for page in w.root.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2})
        for key in page["Keys"]
    ]
    ids = [key["KeyId"] for key in listed]
    w.equal(w.root.list_keys, "keys that are listed twice", len(ids) - len(set(ids)), 0)
    w.equal(w.root.list_keys, "keys that are not listed", known - set(ids), set())
    w.equal(
        w.root.list_keys,
        "ARNs that are another's",
        [key for key in listed if key["KeyArn"] != w.arn("key/" + key["KeyId"])],
        [],
    )
    page = w.ok(w.root.list_keys, "Keys NextMarker Truncated", Limit=1)
    w.equal(w.root.list_keys, "the length of a page and Truncated", (len(page["Keys"]), page["Truncated"]), (1, True))
    w.ok(w.root.list_keys, "Keys Truncated", Limit=1000)
    w.refused("InvalidMarkerException", w.root.list_keys, Marker="no marker of ours")
    w.refused("ValidationException", w.root.list_keys, "'0' at 'limit'.*greater than or equal to 1", Limit=0)
    w.refused("ValidationException", w.root.list_keys, "'1001' at 'limit'.*less than or equal to 1000", Limit=1001)
    w.refused("AccessDeniedException", w.user.list_keys, "kms:ListKeys")


@about("DisableKey")
def case_disable_and_enable(w):
    key = w.key()["KeyId"]
    for call, state in ((w.user.disable_key, "Disabled"), (w.user.enable_key, "Enabled")):
        for _ in range(2):  # the second time it changes nothing
            w.ok(call, "", KeyId=key)
            metadata = w.root.describe_key(KeyId=key)["KeyMetadata"]
            w.equal(
                call, "the state after it", (metadata["KeyState"], metadata["Enabled"]), (state, state == "Enabled")
            )
        w.refused("KMSInvalidStateException", call, "is pending deletion", KeyId=w.doomed["KeyId"])
        w.refused_like_any_key_operation(getattr(w.root, call.__name__))


@about("UpdateKeyDescription")
def case_description(w):
    update = w.user.update_key_description
    key = w.key(Description="old")["KeyId"]
    for text in ("new", "", "d" * 8192, "ünï\U0001f511"):
        w.ok(update, "", KeyId=key, Description=text)
        w.equal(update, "the description", w.root.describe_key(KeyId=key)["KeyMetadata"]["Description"], text)
    w.refused("ValidationException", update, "less than or equal to 8192", KeyId=key, Description="d" * 8193)
    w.refused("ValidationException", update, "at 'description'.*must not be null", KeyId=key)
    w.refused("KMSInvalidStateException", update, "is pending deletion", KeyId=w.doomed["KeyId"], Description="")
    w.refused_like_any_key_operation(w.root.update_key_description, Description="")


@about("ScheduleKeyDeletion")
def case_deletion(w):
    schedule, cancel = w.user.schedule_key_deletion, w.user.cancel_key_deletion
    key = w.key()
    for days, given in ((30, {}), (7, {"PendingWindowInDays": 7})):
        answer = w.ok(schedule, "KeyId DeletionDate KeyState PendingWindowInDays", KeyId=key["KeyId"], **given)
        w.equal(
            schedule,
            "what it says",
            (answer["KeyId"], answer["KeyState"], answer["PendingWindowInDays"]),
            (key["Arn"], "PendingDeletion", days),
        )
        metadata = w.root.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        w.equal(schedule, "the date of deletion", metadata["DeletionDate"], answer["DeletionDate"])
        w.refused("KMSInvalidStateException", schedule, "is pending deletion", KeyId=key["KeyId"])
        w.equal(cancel, "its answer", w.ok(cancel, "KeyId", KeyId=key["KeyId"])["KeyId"], key["Arn"])
        w.equal(
            cancel, "the state after it", w.root.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"], "Disabled"
        )
        w.refused("KMSInvalidStateException", cancel, "is not pending deletion", KeyId=key["KeyId"])
    for days in (6, 31):
        w.refused(
            "ValidationException", schedule, "at 'pendingWindowInDays'", KeyId=key["KeyId"], PendingWindowInDays=days
        )
    w.refused_like_any_key_operation(w.root.schedule_key_deletion)
    w.refused_like_any_key_operation(w.root.cancel_key_deletion)


@about("GetKeyLastUsage")
def case_last_usage(w):
    usage, key = w.user.get_key_last_usage, w.key()
    members = "KeyId KeyLastUsage TrackingStartDate KeyCreationDate"
    w.equal(usage, "the use of a key that nobody used", w.ok(usage, members, KeyId=key["KeyId"])["KeyLastUsage"], {})
    answer = w.user.encrypt(KeyId=key["KeyId"], Plaintext=b"x")
    seen = w.ok(usage, members, KeyId=key["Arn"])
    w.equal(usage, "the key", seen["KeyId"], key["KeyId"])
    w.equal(usage, "the key's creation date", seen["KeyCreationDate"], key["CreationDate"])
    w.equal(
        usage,
        "the last use",
        (seen["KeyLastUsage"]["Operation"], seen["KeyLastUsage"]["KmsRequestId"]),
        ("Encrypt", answer["ResponseMetadata"]["RequestId"]),
    )
    w.equal(
        usage,
        "its members",
        sorted(seen["KeyLastUsage"]),
        ["CloudTrailEventId", "KmsRequestId", "Operation", "Timestamp"],
    )
    w.refused_like_any_key_operation(w.root.get_key_last_usage)


@about("DescribeCustomKeyStores")
def case_custom_key_stores(w):
    store = {"CustomKeyStoreId": "cks-1234567890abcdef0"}
    for call, arguments in (
        (w.root.create_custom_key_store, {"CustomKeyStoreName": "store"}),
        (w.root.connect_custom_key_store, store),
        (w.root.describe_custom_key_stores, {}),
        (w.root.disconnect_custom_key_store, store),
        (w.root.update_custom_key_store, store),
        (w.root.delete_custom_key_store, store),
    ):
        w.refused("UnsupportedOperationException", call, "custom key stores", **arguments)


@about("CreateKey")
def case_default_policy(w):
    key = w.root.create_key()["KeyMetadata"]["KeyId"]
    policy = json.loads(w.root.get_key_policy(KeyId=key)["Policy"])
    w.equal(
        w.root.create_key,
        "the default policy",
        policy,
        {
            "Version": "2012-10-17",
            "Id": "key-default-1",
            "Statement": [
                {
                    "Sid": "Enable IAM User Permissions",
                    "Effect": "Allow",
                    "Principal": {"AWS": w.arn_of("root")},
                    "Action": "kms:*",
                    "Resource": "*",
                }
            ],
        },
    )
