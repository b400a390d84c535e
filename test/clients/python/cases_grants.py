# Copyright The Chatelaine Authors.
# SPDX-License-Identifier: Apache-2.0
"""Grants: made, used with and without their tokens, listed, retired and revoked."""

from world import about

ENTRY = "CreationDate GrantId GranteePrincipal IssuingAccount KeyId Operations".split()


@about("CreateGrant")
def case_grant_and_use(w):
    key, context = w.key(), {"app": "shop", "tier": "1"}
    grant = w.ok(
        w.root.create_grant,
        "GrantId GrantToken",
        KeyId=key["Arn"],
        GranteePrincipal=w.arn_of("role"),
        Name="shop",
        RetiringPrincipal=w.arn_of("user"),
        Operations=["Encrypt", "Decrypt"],
        Constraints={"EncryptionContextSubset": {"app": "shop"}},
    )
    sealed = w.ok(
        w.role.encrypt,
        "CiphertextBlob KeyId EncryptionAlgorithm",
        KeyId=key["KeyId"],
        Plaintext=b"x",
        EncryptionContext=context,
        GrantTokens=[grant["GrantToken"]],
    )
    w.ok(
        w.role.decrypt,
        "KeyId Plaintext EncryptionAlgorithm KeyMaterialId",
        CiphertextBlob=sealed["CiphertextBlob"],
        EncryptionContext=context,
    )
    w.refused(
        "AccessDeniedException", w.role.encrypt, KeyId=key["KeyId"], Plaintext=b"x", EncryptionContext={"app": "other"}
    )
    w.refused("AccessDeniedException", w.role.encrypt, KeyId=key["KeyId"], Plaintext=b"x")
    w.refused(
        "AccessDeniedException",
        w.role.generate_data_key,
        KeyId=key["KeyId"],
        KeySpec="AES_256",
        EncryptionContext=context,
    )
    again = w.root.create_grant(
        KeyId=key["KeyId"],
        GranteePrincipal=w.arn_of("role"),
        Name="shop",
        RetiringPrincipal=w.arn_of("user"),
        Operations=["Encrypt", "Decrypt"],
        Constraints={"EncryptionContextSubset": {"app": "shop"}},
    )
    w.equal(w.root.create_grant, "the ID of the same grant of the same name", again["GrantId"], grant["GrantId"])
    listed = w.ok(w.user.list_grants, "Grants Truncated", KeyId=key["KeyId"])["Grants"]
    w.equal(
        w.user.list_grants,
        "its members",
        sorted(listed[0]),
        sorted([*ENTRY, "Constraints", "Name", "RetiringPrincipal"]),
    )
    w.equal(
        w.user.list_grants,
        "the entry",
        {k: v for k, v in listed[0].items() if k != "CreationDate"},
        {
            "KeyId": key["Arn"],
            "GrantId": grant["GrantId"],
            "Name": "shop",
            "GranteePrincipal": w.arn_of("role"),
            "RetiringPrincipal": w.arn_of("user"),
            "IssuingAccount": w.arn_of("root"),
            "Operations": listed[0]["Operations"],
            "Constraints": {"EncryptionContextSubset": {"app": "shop"}},
        },
    )
    w.equal(w.user.list_grants, "the operations", sorted(listed[0]["Operations"]), ["Decrypt", "Encrypt"])
    w.ok(w.user.retire_grant, "", GrantToken=grant["GrantToken"])
    w.refused("AccessDeniedException", w.role.encrypt, KeyId=key["KeyId"], Plaintext=b"x", EncryptionContext=context)


@about("CreateGrant")
def case_create_refused(w):
    create, key = w.root.create_grant, w.key()["KeyId"]
    grant = {"GranteePrincipal": w.arn_of("role"), "Operations": ["Encrypt"]}
    w.refused("DryRunOperationException", create, KeyId=key, DryRun=True, **grant)
    w.equal(create, "the grants after a dry run", w.root.list_grants(KeyId=key)["Grants"], [])
    w.refused(
        "ValidationException",
        create,
        "at 'operations.1.member'.*enum value set",
        KeyId=key,
        **{**grant, "Operations": ["CreateKey"]},
    )
    w.refused("ValidationException", create, KeyId=key, **{**grant, "Operations": ["Sign"]})
    w.refused("ValidationException", create, KeyId=key, Operations=["Encrypt"])
    w.refused("InvalidArnException", create, "valid principal", KeyId=key, **{**grant, "GranteePrincipal": "role/app"})
    w.refused("ValidationException", create, "at 'name'", KeyId=key, Name="with space", **grant)
    w.refused(
        "ValidationException",
        create,
        KeyId=key,
        Constraints={"EncryptionContextSubset": {f"k{i}": "" for i in range(9)}},
        **grant,
    )
    w.refused("InvalidGrantTokenException", create, KeyId=key, GrantTokens=["no token of ours"], **grant)
    w.refused("DisabledException", create, "is disabled", KeyId=w.disabled["KeyId"], **grant)
    w.refused("KMSInvalidStateException", create, "is pending deletion", KeyId=w.doomed["KeyId"], **grant)
    w.refused_like_any_key_operation(create, **grant)


@about("ListGrants")
def case_list(w):
    key = w.key()["KeyId"]
    ids = [
        w.root.create_grant(
            KeyId=key, GranteePrincipal=w.arn_of(who), RetiringPrincipal=w.arn_of("stranger"), Operations=["Encrypt"]
        )["GrantId"]
        for who in ("role", "role", "user")
    ]
    pages = w.user.get_paginator("list_grants").paginate(KeyId=key, PaginationConfig={"PageSize": 2})
    w.equal(
        w.user.list_grants,
        "the IDs",
        sorted(grant["GrantId"] for page in pages for grant in page["Grants"]),
        sorted(ids),
    )
    for chosen, given in (
        (ids[2:], {"GranteePrincipal": w.arn_of("user")}),
        (ids[:1], {"GrantId": ids[0]}),
        ([], {"GrantId": "0" * 64}),
    ):
        got = [grant["GrantId"] for grant in w.ok(w.user.list_grants, "Grants Truncated", KeyId=key, **given)["Grants"]]
        w.equal(w.user.list_grants, f"what {given} gives", got, chosen)
    w.ok(w.user.list_grants, "Grants NextMarker Truncated", KeyId=key, Limit=1)
    w.refused("InvalidMarkerException", w.user.list_grants, KeyId=key, Marker="no marker of ours")
    w.refused("InvalidGrantIdException", w.user.list_grants, KeyId=key, GrantId="not hexadecimal")
    w.refused("ValidationException", w.user.list_grants, "at 'limit'", KeyId=key, Limit=0)
    w.refused_like_any_key_operation(w.root.list_grants)
    retirable = w.stranger.list_retirable_grants
    pages = w.stranger.get_paginator("list_retirable_grants").paginate(
        RetiringPrincipal=w.arn_of("stranger"), PaginationConfig={"PageSize": 2}
    )
    got = {grant["GrantId"] for page in pages for grant in page["Grants"]}
    w.equal(retirable, "the grants that can be retired", set(ids) - got, set())
    w.ok(retirable, "Grants Truncated", RetiringPrincipal=w.arn_of("stranger"))
    w.refused("InvalidMarkerException", retirable, RetiringPrincipal=w.arn_of("stranger"), Marker="no marker of ours")
    w.refused("InvalidArnException", retirable, RetiringPrincipal="user/x")
    w.refused("ValidationException", retirable)
    w.refused("ValidationException", retirable, "at 'limit'", RetiringPrincipal=w.arn_of("stranger"), Limit=1001)
    w.refused("AccessDeniedException", retirable, "kms:ListRetirableGrants", RetiringPrincipal=w.arn_of("root"))


@about("RetireGrant")
def case_retire(w):
    key = w.key()
    grant = w.root.create_grant(
        KeyId=key["KeyId"],
        GranteePrincipal=w.arn_of("role"),
        RetiringPrincipal=w.arn_of("user"),
        Operations=["Encrypt"],
    )
    by_id, retire = {"KeyId": key["Arn"], "GrantId": grant["GrantId"]}, w.user.retire_grant
    w.refused("AccessDeniedException", w.role.retire_grant, "kms:RetireGrant", **by_id)
    w.refused("AccessDeniedException", w.stranger.retire_grant, "kms:RetireGrant", **by_id)
    w.refused("DryRunOperationException", retire, DryRun=True, **by_id)
    w.refused("ValidationException", retire)
    w.refused("ValidationException", retire, KeyId=key["Arn"])
    w.refused("ValidationException", retire, GrantToken=grant["GrantToken"], **by_id)
    w.refused("InvalidGrantTokenException", retire, GrantToken="no token of ours")
    w.refused("InvalidGrantTokenException", retire, GrantToken=grant["GrantToken"][:-8])
    w.refused("InvalidGrantIdException", retire, KeyId=key["Arn"], GrantId="not hexadecimal")
    w.refused("NotFoundException", retire, KeyId=key["Arn"], GrantId="0" * 64)
    w.refused("NotFoundException", retire, KeyId=w.arn("key/" + w.absent()), GrantId="0" * 64)
    w.refused("InvalidArnException", retire, KeyId="arn:aws:kms:nonsense", GrantId="0" * 64)
    w.ok(retire, "", **by_id)
    w.refused("NotFoundException", retire, **by_id)


@about("RevokeGrant")
def case_revoke(w):
    key = w.key()["KeyId"]
    grant = w.root.create_grant(KeyId=key, GranteePrincipal=w.arn_of("role"), Operations=["Encrypt"])["GrantId"]
    w.ok(w.role.encrypt, "CiphertextBlob KeyId EncryptionAlgorithm", KeyId=key, Plaintext=b"x")
    w.refused("DryRunOperationException", w.user.revoke_grant, KeyId=key, GrantId=grant, DryRun=True)
    w.ok(w.user.revoke_grant, "", KeyId=key, GrantId=grant)
    w.refused("AccessDeniedException", w.role.encrypt, KeyId=key, Plaintext=b"x")
    w.refused("NotFoundException", w.user.revoke_grant, KeyId=key, GrantId=grant)
    w.refused("InvalidGrantIdException", w.user.revoke_grant, KeyId=key, GrantId="not hexadecimal")
    w.refused("ValidationException", w.user.revoke_grant, "at 'grantId'", KeyId=key)
    w.refused_like_any_key_operation(w.root.revoke_grant, GrantId="0" * 64)
