# Copyright The Chatelaine Authors.
# SPDX-License-Identifier: Apache-2.0
"""Key policies, and what they decide."""

import json

from cases_encryption import UNDISCLOSED
from world import about


@about("GetKeyPolicy")
def case_get_and_list(w):
    key = w.key()["KeyId"]
    for given in ({}, {"PolicyName": "default"}):
        answer = w.ok(w.user.get_key_policy, "Policy PolicyName", KeyId=key, **given)
        w.equal(w.user.get_key_policy, "the policy", json.loads(answer["Policy"]), json.loads(w.policy()))
    w.refused("NotFoundException", w.user.get_key_policy, "No such policy exists", KeyId=key, PolicyName="other")
    w.refused("ValidationException", w.user.get_key_policy, "at 'policyName'", KeyId=key, PolicyName="not a word")
    w.refused_like_any_key_operation(w.root.get_key_policy)
    w.equal(
        w.user.list_key_policies,
        "the names",
        w.ok(w.user.list_key_policies, "PolicyNames Truncated", KeyId=key)["PolicyNames"],
        ["default"],
    )
    w.ok(w.user.list_key_policies, "PolicyNames Truncated", KeyId=key, Limit=1)
    w.refused("ValidationException", w.user.list_key_policies, "at 'limit'", KeyId=key, Limit=0)
    w.refused_like_any_key_operation(w.root.list_key_policies)


@about("PutKeyPolicy")
def case_put(w):
    put, key = w.root.put_key_policy, w.key()["KeyId"]
    only_encrypt = {"Effect": "Allow", "Principal": {"AWS": w.arn_of("role")}, "Action": "kms:Encrypt", "Resource": "*"}
    w.ok(put, "", KeyId=key, PolicyName="default", Policy=w.policy(only_encrypt))
    answer = w.ok(w.role.encrypt, "CiphertextBlob KeyId EncryptionAlgorithm", KeyId=key, Plaintext=b"x")
    w.refused("AccessDeniedException", w.role.decrypt, UNDISCLOSED, CiphertextBlob=answer["CiphertextBlob"])
    w.refused("AccessDeniedException", w.user.encrypt, "kms:Encrypt", KeyId=key, Plaintext=b"x")
    w.ok(
        put,
        "",
        KeyId=key,
        Policy=w.policy({**only_encrypt, "Principal": "*", "Effect": "Deny"}, {**only_encrypt, "Action": "kms:*"}),
    )
    for client in (w.root, w.role):
        w.refused(
            "AccessDeniedException",
            client.encrypt,
            "with an explicit deny in a resource-based policy",
            KeyId=key,
            Plaintext=b"x",
        )
    w.ok(w.role.put_key_policy, "", KeyId=key, Policy=w.policy(), BypassPolicyLockoutSafetyCheck=True)
    w.refused("AccessDeniedException", w.role.put_key_policy, "kms:PutKeyPolicy", KeyId=key, Policy=w.policy())


@about("PutKeyPolicy")
def case_put_refused(w):
    put, key = w.root.put_key_policy, w.key()["KeyId"]
    for text in (
        "{",
        "[]",
        "{}",
        '{"Version":"2012-10-17","Statement":[{"Effect":"Maybe","Principal":"*","Action":"kms:*","Resource":"*"}]}',
    ):
        w.refused("MalformedPolicyDocumentException", put, KeyId=key, Policy=text)
    w.refused(
        "MalformedPolicyDocumentException",
        put,
        "will not allow you to update the key policy in the future",
        KeyId=key,
        Policy=w.policy(
            {"Effect": "Deny", "Principal": {"AWS": w.arn_of("root")}, "Action": "kms:Put*", "Resource": "*"}
        ),
    )
    long = w.policy(
        {
            "Sid": "s" * 33000,
            "Effect": "Allow",
            "Principal": {"AWS": w.arn_of("user")},
            "Action": "kms:*",
            "Resource": "*",
        }
    )
    w.refused("LimitExceededException", put, KeyId=key, Policy=long)
    w.refused("ValidationException", put, "at 'policy'", KeyId=key, Policy=w.policy() + "\u2028")
    w.refused("ValidationException", put, "at 'policy'.*must not be null", KeyId=key)
    w.refused("ValidationException", put, "at 'policyName'", KeyId=key, Policy=w.policy(), PolicyName="")
    w.equal(
        put, "the policy after refusals", json.loads(w.root.get_key_policy(KeyId=key)["Policy"]), json.loads(w.policy())
    )
    w.refused_like_any_key_operation(put, Policy=w.policy())


@about("Encrypt")
def case_conditions(w):
    """Conditions see the request: its encryption context, algorithm and alias."""
    alice = {"Effect": "Allow", "Principal": {"AWS": w.arn_of("user")}, "Action": "kms:Encrypt", "Resource": "*"}
    key = w.key()["KeyId"]
    w.root.create_alias(AliasName="alias/condition", TargetKeyId=key)
    for condition, fits, fails in (
        (
            {"StringEquals": {"kms:EncryptionContext:App": "shop"}},
            {"EncryptionContext": {"App": "shop"}},
            {"EncryptionContext": {"App": "Shop"}},
        ),
        (
            {
                "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["App"]},
                "Null": {"kms:EncryptionContextKeys": "false"},
            },
            {"EncryptionContext": {"App": ""}},
            {},
        ),
        ({"StringEquals": {"kms:RequestAlias": "alias/condition"}}, {"KeyId": "alias/condition"}, {}),
        ({"StringEquals": {"kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}}, {}, None),
        ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, {}, None),
        ({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, None, {}),
        ({"Bool": {"aws:SecureTransport": "true"}}, None, {}),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/*"}}, {}, None),
    ):
        w.root.put_key_policy(KeyId=key, Policy=w.policy({**alice, "Condition": condition}))
        if fits is not None:
            w.ok(
                w.user.encrypt, "CiphertextBlob KeyId EncryptionAlgorithm", **{"KeyId": key, "Plaintext": b"x", **fits}
            )
        if fails is not None:
            w.refused("AccessDeniedException", w.user.encrypt, **{"KeyId": key, "Plaintext": b"x", **fails})
