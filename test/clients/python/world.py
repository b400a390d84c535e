# Copyright The Chatelaine Authors.
# SPDX-License-Identifier: Apache-2.0
"""What the cases of the suite share: clients whose every answer is checked, and keys.

The configuration is a JSON file: the endpoint's URL, the account, two Regions, and for each caller (root, user, role,
stranger) an access key ID, a secret and the ARN that they stand for.
"""

import collections
import dataclasses
import functools
import json
import re
import uuid

import boto3
import botocore.config
import botocore.exceptions

import checker


@dataclasses.dataclass
class Calls:
    """What happened to one operation: how often it succeeded, which errors it gave, and what was wrong."""

    successes: int = 0
    errors: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    failures: list = dataclasses.field(default_factory=list)


class World:
    def __init__(self, configuration):
        with open(configuration, encoding="utf-8") as file:
            self.settings = json.load(file)
        self.account, (self.region, self.other_region) = self.settings["account"], self.settings["regions"]
        self.operations = collections.defaultdict(Calls)
        self.root, self.user, self.role, self.stranger = map(self.client, ("root", "user", "role", "stranger"))
        self.root_elsewhere = self.client("root", self.other_region)

    def arn_of(self, caller):
        return self.settings["callers"][caller]["principal"]

    def shown_as(self, caller):
        """The beginning of the ARN that errors call a caller by: a role's is that of its session."""
        arn = self.arn_of(caller)
        return arn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/") + "/" if ":role/" in arn else arn

    def session(self, caller, region=None):
        key = self.settings["callers"][caller]
        return boto3.Session(key["accessKeyID"], key["secretAccessKey"], region_name=region or self.region)

    def client(self, caller, region=None):
        """A client that sends what it is told, once, and whose answers are checked against the model."""
        config = botocore.config.Config(parameter_validation=False, retries={"total_max_attempts": 1})
        client = self.session(caller, region).client("kms", endpoint_url=self.settings["endpoint"], config=config)
        client.meta.events.register("before-parse.kms", self.observe)
        return client

    def observe(self, operation_model, response_dict, **_):
        """Checks an answer before botocore reads it."""
        calls, body = self.operations[operation_model.name], response_dict["body"]
        problems = checker.check(operation_model, response_dict["status_code"], response_dict["headers"], body)
        calls.failures += problems
        if response_dict["status_code"] == 200:
            calls.successes += 1
        else:
            calls.errors[(checker.load(body)[0] or {}).get("__type")] += 1

    def fail(self, call, sentence):
        self.operations[operation_of(call)].failures.append(sentence)

    def ok(self, call, members, **arguments):
        """The answer to a call that must succeed, with exactly these members, given as one text."""
        answer = call(**arguments)
        got = set(answer) - {"ResponseMetadata"}
        if got != set(members.split()):
            self.fail(call, f"the answer has the members {sorted(got)} instead of {sorted(members.split())}")
        return answer

    def refused(self, code, call, message=None, **arguments):
        """Makes a call that must fail with the code, and with a message in which the pattern occurs."""
        try:
            call(**arguments)
        except botocore.exceptions.ClientError as error:
            got, text = error.response["Error"]["Code"], error.response["Error"]["Message"]
            if got != code:
                self.fail(call, f"{code} was expected of {shown(arguments)}, not {got}: {text}")
            elif message and not re.search(message, text):
                self.fail(call, f"{code} says {text!r}, which has no {message!r}")
        else:
            self.fail(call, f"{code} was expected of {shown(arguments)}, which succeeded")

    def equal(self, call, what, got, want):
        if got != want:
            self.fail(call, f"{what} is {got!r} instead of {want!r}")

    def key(self, **arguments):
        """The metadata of a new key, which root has made and which alice may use."""
        arguments.setdefault("Policy", self.policy())
        return self.root.create_key(**arguments)["KeyMetadata"]

    def policy(self, *statements):
        """A key policy: everything is root's, and alice may do everything too unless statements say something else."""
        alice = {"Effect": "Allow", "Principal": {"AWS": self.arn_of("user")}, "Action": "kms:*", "Resource": "*"}
        root = {"Effect": "Allow", "Principal": {"AWS": self.arn_of("root")}, "Action": "kms:*", "Resource": "*"}
        return json.dumps({"Version": "2012-10-17", "Statement": [root, *(statements or [alice])]})

    @functools.cached_property
    def symmetric(self):
        """A key for cases that only use it."""
        return self.key(Description="shared")

    @functools.cached_property
    def alias(self):
        """An alias of that key."""
        self.root.create_alias(AliasName="alias/shared", TargetKeyId=self.symmetric["KeyId"])
        return "alias/shared"

    @functools.cached_property
    def disabled(self):
        key = self.key(Description="disabled")
        self.root.disable_key(KeyId=key["KeyId"])
        return key

    @functools.cached_property
    def doomed(self):
        key = self.key(Description="doomed")
        self.root.schedule_key_deletion(KeyId=key["KeyId"])
        return key

    def absent(self):
        """The ID of a key that does not exist."""
        return str(uuid.uuid4())

    def arn(self, resource, region=None, account=None):
        return f"arn:aws:kms:{region or self.region}:{account or self.account}:{resource}"

    def refused_like_any_key_operation(self, call, alias=False, **arguments):
        """The errors of every operation on one key: it is not there, elsewhere, nobody's, or not the caller's to use.

        alias says that the operation takes aliases.
        """
        name, malformed = call.__name__, self.malformed_arn_code(call)
        self.refused(
            "NotFoundException", call, f"Key '{self.arn('key/')}.*' does not exist", KeyId=self.absent(), **arguments
        )
        self.refused(
            "NotFoundException",
            call,
            "Invalid arn",
            KeyId=self.arn("key/" + self.absent(), self.other_region),
            **arguments,
        )
        self.refused(malformed, call, KeyId="arn:aws:kms:nonsense", **arguments)
        self.refused("ValidationException", call, "at 'keyId' failed to satisfy constraint", **arguments)
        self.refused("ValidationException", call, "length less than or equal to 2048", KeyId="k" * 2049, **arguments)
        self.refused(
            "AccessDeniedException",
            getattr(self.role, name),
            f"User: {self.shown_as('role')}.* is not authorized to perform: kms:",
            KeyId=self.symmetric["KeyId"],
            **arguments,
        )
        self.refused("AccessDeniedException", getattr(self.stranger, name), KeyId=self.symmetric["Arn"], **arguments)
        if alias:
            self.refused("NotFoundException", call, "is not found", KeyId="alias/no-such-alias", **arguments)
            self.refused("NotFoundException", call, "is not found", KeyId=self.arn("alias/no-such-alias"), **arguments)
        else:
            self.refused("NotFoundException", call, "Invalid keyId", KeyId=self.alias, **arguments)
            # The live service: "Key Aliases are not supported for this operation".
            self.refused(malformed, call, "Aliases are not supported", KeyId=self.arn(self.alias), **arguments)

    def malformed_arn_code(self, call):
        """InvalidArnException where the model lists it for the operation, else NotFoundException, which all have."""
        operation = call.__self__.meta.service_model.operation_model(operation_of(call))
        names = {shape.name for shape in operation.error_shapes}
        return "InvalidArnException" if "InvalidArnException" in names else "NotFoundException"


def about(operation):
    """Names the operation that a case is about: its failures are booked there if no other operation is at fault."""

    def mark(case):
        case.operation = operation
        return case

    return mark


def operation_of(call):
    """The name of the operation that a client's method calls."""
    return call.__self__.meta.method_to_api_mapping[call.__name__]


def shown(arguments):
    text = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    return f"({text})" if len(text) < 300 else f"({text[:300]}...)"
