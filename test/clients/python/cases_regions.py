# Copyright The Chatelaine Authors.
# SPDX-License-Identifier: Apache-2.0
"""Multi-Region keys."""

from world import about


@about("ReplicateKey")
def case_replicate(w):
    primary = w.key(MultiRegion=True, Description="primary")
    answer = w.ok(
        w.root.replicate_key,
        "ReplicaKeyMetadata ReplicaPolicy ReplicaTags",
        KeyId=primary["KeyId"],
        ReplicaRegion=w.other_region,
        Description="replica",
        Tags=[{"TagKey": "a", "TagValue": "b"}],
        Policy=w.policy(),
    )
    replica, there = answer["ReplicaKeyMetadata"], w.root_elsewhere
    w.equal(
        w.root.replicate_key,
        "ID and ARN",
        (replica["KeyId"], replica["Arn"]),
        (primary["KeyId"], w.arn("key/" + primary["KeyId"], w.other_region)),
    )
    w.equal(w.root.replicate_key, "the tags", answer["ReplicaTags"], [{"TagKey": "a", "TagValue": "b"}])
    seen = there.describe_key(KeyId=primary["KeyId"])["KeyMetadata"]
    w.equal(
        w.root.replicate_key, "state and description", (seen["KeyState"], seen["Description"]), ("Enabled", "replica")
    )
    w.equal(
        w.root.replicate_key,
        "its configuration",
        seen["MultiRegionConfiguration"],
        {
            "MultiRegionKeyType": "REPLICA",
            "PrimaryKey": {"Arn": primary["Arn"], "Region": w.region},
            "ReplicaKeys": [{"Arn": replica["Arn"], "Region": w.other_region}],
        },
    )
    sealed = w.root.encrypt(KeyId=primary["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    opened = there.decrypt(CiphertextBlob=sealed)
    w.equal(
        w.root.replicate_key, "what the replica opens", (opened["Plaintext"], opened["KeyId"]), (b"x", replica["Arn"])
    )
    w.refused("AlreadyExistsException", w.root.replicate_key, KeyId=primary["KeyId"], ReplicaRegion=w.other_region)
    w.refused(
        "UnsupportedOperationException",
        there.replicate_key,
        "is not a multi-region primary key",
        KeyId=primary["KeyId"],
        ReplicaRegion=w.region,
    )
    w.root.schedule_key_deletion(KeyId=primary["KeyId"])
    waiting = w.root.describe_key(KeyId=primary["KeyId"])["KeyMetadata"]
    w.equal(
        w.root.schedule_key_deletion,
        "a primary with a replica",
        (waiting["KeyState"], waiting["PendingDeletionWindowInDays"], "DeletionDate" in waiting),
        ("PendingReplicaDeletion", 30, False),
    )


@about("ReplicateKey")
def case_replicate_refused(w):
    replicate, key = w.root.replicate_key, w.key(MultiRegion=True)["KeyId"]
    there = {"ReplicaRegion": w.other_region}
    w.refused("UnsupportedOperationException", replicate, KeyId=w.symmetric["KeyId"], **there)
    w.refused("ValidationException", replicate, "at 'replicaRegion'", KeyId=key)
    w.refused("ValidationException", replicate, "at 'replicaRegion'", KeyId=key, ReplicaRegion="Mars")
    w.refused("TagException", replicate, KeyId=key, Tags=[{"TagKey": "aws:x", "TagValue": ""}], **there)
    w.refused("MalformedPolicyDocumentException", replicate, KeyId=key, Policy="{", **there)
    off = w.key(MultiRegion=True)["KeyId"]
    w.root.disable_key(KeyId=off)
    w.refused("DisabledException", replicate, KeyId=off, **there)
    w.root.schedule_key_deletion(KeyId=off)
    w.refused("KMSInvalidStateException", replicate, "is pending deletion", KeyId=off, **there)
    w.refused_like_any_key_operation(replicate, **there)


@about("UpdatePrimaryRegion")
def case_update_primary(w):
    update, key, there = (
        w.root.update_primary_region,
        w.key(MultiRegion=True)["KeyId"],
        {"PrimaryRegion": w.other_region},
    )
    w.refused("NotFoundException", update, KeyId=key, **there)
    w.root.replicate_key(KeyId=key, ReplicaRegion=w.other_region, Policy=w.policy())
    w.ok(update, "", KeyId=key, **there)
    for client in (w.root, w.root_elsewhere):
        configuration = client.describe_key(KeyId=key)["KeyMetadata"]["MultiRegionConfiguration"]
        w.equal(update, "the primary's Region", configuration["PrimaryKey"]["Region"], w.other_region)
    w.refused("UnsupportedOperationException", update, "is not a multi-region primary key", KeyId=key, **there)
    w.ok(w.root_elsewhere.update_primary_region, "", KeyId=key, PrimaryRegion=w.region)
    w.refused("UnsupportedOperationException", update, KeyId=w.symmetric["KeyId"], **there)
    w.refused("ValidationException", update, "at 'primaryRegion'", KeyId=key)
    w.refused_like_any_key_operation(update, **there)
