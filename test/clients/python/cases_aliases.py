# Copyright The Chatelaine Authors.
# SPDX-License-Identifier: Apache-2.0
"""Aliases and tags."""

from world import about

PREFIX = 'Alias must start with the prefix "alias/". Please see '


@about("CreateAlias")
def case_create_alias(w):
    create, key = w.root.create_alias, w.key()
    w.ok(create, "", AliasName="alias/app/one", TargetKeyId=key["KeyId"])
    w.ok(create, "", AliasName="alias/app/two", TargetKeyId=key["Arn"])
    w.refused(
        "AlreadyExistsException",
        create,
        f"An alias with the name {w.arn('alias/app/one')} already exists",
        AliasName="alias/app/one",
        TargetKeyId=w.symmetric["KeyId"],
    )
    w.refused("NotFoundException", create, AliasName="alias/new", TargetKeyId=w.absent())
    w.refused(w.malformed_arn_code(create), create, AliasName="alias/new", TargetKeyId="arn:aws:kms:nonsense")
    w.refused(
        "ValidationException",
        create,
        "Aliases must refer to keys. Not aliases",
        AliasName="alias/new",
        TargetKeyId="alias/app/one",
    )
    w.refused("ValidationException", create, PREFIX, AliasName="new", TargetKeyId=key["KeyId"])
    w.refused(
        "ValidationException", create, "regular expression", AliasName="alias/with space", TargetKeyId=key["KeyId"]
    )
    w.refused(
        "ValidationException",
        create,
        "less than or equal to 256",
        AliasName="alias/" + "a" * 251,
        TargetKeyId=key["KeyId"],
    )
    w.refused("ValidationException", create, "at 'targetKeyId'", AliasName="alias/new")
    w.refused(
        "KMSInvalidStateException", create, "is pending deletion", AliasName="alias/new", TargetKeyId=w.doomed["KeyId"]
    )
    w.refused(
        "AccessDeniedException", w.role.create_alias, "kms:CreateAlias", AliasName="alias/new", TargetKeyId=key["KeyId"]
    )
    for name in ("alias/aws/s3", "alias/aws/mine"):
        w.refused("InvalidAliasNameException", create, AliasName=name, TargetKeyId=key["KeyId"])
    w.refused("ValidationException", create, AliasName="alias/a:b", TargetKeyId=key["KeyId"])


@about("UpdateAlias")
def case_update_alias(w):
    update, old, new = w.root.update_alias, w.key(), w.key()
    w.root.create_alias(AliasName="alias/moving", TargetKeyId=old["KeyId"])
    w.ok(update, "", AliasName="alias/moving", TargetKeyId=new["Arn"])
    w.equal(
        update, "the alias's target", w.root.describe_key(KeyId="alias/moving")["KeyMetadata"]["KeyId"], new["KeyId"]
    )
    signing = w.key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    w.refused("ValidationException", update, AliasName="alias/moving", TargetKeyId=signing["KeyId"])
    w.refused("NotFoundException", update, "is not found", AliasName="alias/no-such-alias", TargetKeyId=new["KeyId"])
    w.refused("NotFoundException", update, AliasName="alias/moving", TargetKeyId=w.absent())
    w.refused(
        "KMSInvalidStateException",
        update,
        "is pending deletion",
        AliasName="alias/moving",
        TargetKeyId=w.doomed["KeyId"],
    )
    w.refused("ValidationException", update, "at 'aliasName'", TargetKeyId=new["KeyId"])
    w.refused(
        "AccessDeniedException",
        w.role.update_alias,
        "kms:UpdateAlias",
        AliasName="alias/moving",
        TargetKeyId=new["KeyId"],
    )


@about("DeleteAlias")
def case_delete_alias(w):
    delete = w.root.delete_alias
    w.root.create_alias(AliasName="alias/going", TargetKeyId=w.symmetric["KeyId"])
    w.refused("AccessDeniedException", w.role.delete_alias, "kms:DeleteAlias", AliasName="alias/going")
    w.ok(delete, "", AliasName="alias/going")
    w.refused("NotFoundException", delete, "is not found", AliasName="alias/going")
    w.refused("ValidationException", delete, "at 'aliasName'")


@about("ListAliases")
def case_list_aliases(w):
    listing, key = w.root.list_aliases, w.key()
    names = sorted(f"alias/listed/{i}" for i in range(5))
    for name in names:
        w.root.create_alias(AliasName=name, TargetKeyId=key["KeyId"])
    entries = [
        entry
        for page in w.root.get_paginator("list_aliases").paginate(KeyId=key["Arn"], PaginationConfig={"PageSize": 2})
        for entry in page["Aliases"]
    ]
    w.equal(listing, "the aliases of a key", sorted(entry["AliasName"] for entry in entries), names)
    w.equal(
        listing,
        "an entry",
        {k: v for k, v in entries[0].items() if "Date" not in k},
        {"AliasName": entries[0]["AliasName"], "AliasArn": w.arn(entries[0]["AliasName"]), "TargetKeyId": key["KeyId"]},
    )
    w.equal(
        listing,
        "an entry's members",
        sorted(entries[0]),
        ["AliasArn", "AliasName", "CreationDate", "LastUpdatedDate", "TargetKeyId"],
    )
    everything = {
        entry["AliasName"] for page in w.root.get_paginator("list_aliases").paginate() for entry in page["Aliases"]
    }
    w.equal(listing, "aliases that are not listed", set(names) - everything, set())
    w.ok(listing, "Aliases Truncated", KeyId=key["KeyId"])
    w.ok(listing, "Aliases NextMarker Truncated", KeyId=key["KeyId"], Limit=1)
    w.refused("InvalidMarkerException", listing, Marker="no marker of ours")
    w.refused("NotFoundException", listing, KeyId=w.absent())
    w.refused("InvalidArnException", listing, KeyId="arn:aws:kms:nonsense")
    w.refused("ValidationException", listing, "at 'limit'", Limit=0)
    w.refused("AccessDeniedException", w.user.list_aliases, "kms:ListAliases")


@about("TagResource")
def case_tag(w):
    tag, listing, key = w.user.tag_resource, w.user.list_resource_tags, w.key()["KeyId"]
    w.ok(listing, "Tags Truncated", KeyId=key)
    w.ok(tag, "", KeyId=key, Tags=[{"TagKey": f"t{i:02}", "TagValue": str(i)} for i in range(50)])
    w.ok(tag, "", KeyId=key, Tags=[{"TagKey": "t00", "TagValue": ""}])
    tags = {
        entry["TagKey"]: entry["TagValue"]
        for page in w.user.get_paginator("list_resource_tags").paginate(KeyId=key, PaginationConfig={"PageSize": 20})
        for entry in page["Tags"]
    }
    w.equal(listing, "the tags", tags, {f"t{i:02}": str(i) if i else "" for i in range(50)})
    w.refused("TagException", tag, "Too many tags", KeyId=key, Tags=[{"TagKey": "one more", "TagValue": ""}])
    w.refused("TagException", tag, "aws: are reserved", KeyId=key, Tags=[{"TagKey": "aws:x", "TagValue": ""}])
    w.refused(
        "TagException",
        tag,
        "Duplicate tag keys",
        KeyId=key,
        Tags=[{"TagKey": "a", "TagValue": "1"}, {"TagKey": "a", "TagValue": "2"}],
    )
    w.refused(
        "ValidationException", tag, "less than or equal to 128", KeyId=key, Tags=[{"TagKey": "k" * 129, "TagValue": ""}]
    )
    w.refused(
        "ValidationException",
        tag,
        "less than or equal to 256",
        KeyId=key,
        Tags=[{"TagKey": "k", "TagValue": "v" * 257}],
    )
    w.refused("ValidationException", tag, "at 'tags'", KeyId=key)
    w.refused(
        "KMSInvalidStateException",
        tag,
        "is pending deletion",
        KeyId=w.doomed["KeyId"],
        Tags=[{"TagKey": "a", "TagValue": ""}],
    )
    w.refused_like_any_key_operation(w.root.tag_resource, Tags=[{"TagKey": "a", "TagValue": ""}])
    w.refused("InvalidMarkerException", listing, KeyId=key, Marker="no marker of ours")
    w.refused("ValidationException", listing, "at 'limit'", KeyId=key, Limit=0)
    w.refused_like_any_key_operation(w.root.list_resource_tags)


@about("UntagResource")
def case_untag(w):
    untag, key = (
        w.user.untag_resource,
        w.key(Tags=[{"TagKey": "a", "TagValue": ""}, {"TagKey": "b", "TagValue": ""}])["KeyId"],
    )
    w.ok(untag, "", KeyId=key, TagKeys=["a", "never there"])
    w.equal(
        untag, "the tags that remain", w.user.list_resource_tags(KeyId=key)["Tags"], [{"TagKey": "b", "TagValue": ""}]
    )
    w.refused("ValidationException", untag, "at 'tagKeys'", KeyId=key)
    w.refused("ValidationException", untag, "less than or equal to 128", KeyId=key, TagKeys=["k" * 129])
    w.refused("KMSInvalidStateException", untag, "is pending deletion", KeyId=w.doomed["KeyId"], TagKeys=["a"])
    w.refused_like_any_key_operation(w.root.untag_resource, TagKeys=["a"])
