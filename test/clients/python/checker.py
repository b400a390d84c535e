# Copyright The Chatelaine Authors.
# SPDX-License-Identifier: Apache-2.0
"""Checks raw answers of AWS KMS's JSON 1.1 protocol against botocore's model of the service.

An SDK is forgiving: it ignores members that it does not know, and takes a number for a text. So the answers are checked
as they came over the wire, before botocore parses them. check() returns sentences, one for each thing that is wrong.

What is allowed beyond the model is in the tables below, each entry with its reason.
"""

import base64
import binascii
import email.utils
import json
import re
import time
import uuid

# The model of botocore 1.43.11 is older than the API that is served, that of aws-sdk-go-v2 service/kms v1.62.4. These
# are the values and members of outputs that the latter has and the former lacks: ML-KEM's, and no others.
NEWER_ENUM_VALUES = {
    "KeySpec": {"ML_KEM_512", "ML_KEM_768", "ML_KEM_1024"},
    "DataKeyPairSpec": {"ML_KEM_512", "ML_KEM_768", "ML_KEM_1024"},
    "KeyUsageType": {"ENCAPSULATE_DECAPSULATE"},
    "GrantOperation": {"Encapsulate", "Decapsulate"},
    "KeyLastUsageTrackingOperation": {"Encapsulate", "Decapsulate"},
}
NEWER_MEMBERS = {
    ("KeyMetadata", "EncapsulationAlgorithms"): ["ML_KEM"],
    ("GetPublicKeyResponse", "EncapsulationAlgorithms"): ["ML_KEM"],
}

# Values that the service gives in spite of its model.
UNMODELLED_ENUM_VALUES = {
    # "The KeySpec and CustomerMasterKeySpec fields have the same value" (API reference, KeyMetadata), also for specs
    # that are younger than the deprecated enumeration.
    "CustomerMasterKeySpec": {
        "ML_DSA_44",
        "ML_DSA_65",
        "ML_DSA_87",
        "ECC_NIST_EDWARDS25519",
        "ML_KEM_512",
        "ML_KEM_768",
        "ML_KEM_1024",
    },
}

# Errors that every operation may give and the model lists for none: "Common errors" of the API reference, and what the
# protocol and the signature give (IAM user guide, troubleshooting SigV4).
COMMON_ERRORS = {
    "AccessDeniedException",
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "SerializationException",
    "ServiceUnavailableException",
    "ThrottlingException",
    "UnknownOperationException",
    "UnrecognizedClientException",
    "ValidationException",
}

# Errors beyond those that the model lists for an operation.
NO_CUSTOM_KEY_STORES = "there are no custom key stores here, and this is the one code that says so"
UNMODELLED_ERRORS = {
    (operation, "UnsupportedOperationException"): NO_CUSTOM_KEY_STORES
    for operation in (
        "ConnectCustomKeyStore",
        "CreateCustomKeyStore",
        "DeleteCustomKeyStore",
        "DescribeCustomKeyStores",
        "DisconnectCustomKeyStore",
        "UpdateCustomKeyStore",
    )
}

UNMODELLED_ERRORS |= {
    (
        operation,
        "UnsupportedOperationException",
    ): "there are no enclaves here, so a Recipient is refused with the code for what is not supported"
    for operation in ("Decrypt", "DeriveSharedSecret", "GenerateDataKey")
}

# Statuses of the live service: 400 for every fault of the client, whatever the model says.
SERVER_FAULTS = {
    "KMSInternalException": 500,
    "KeyUnavailableException": 500,
    "DependencyTimeoutException": 503,
    "ServiceUnavailableException": 503,
}
# Errors that the live service gives no message.
WITHOUT_MESSAGE = {
    "InvalidCiphertextException",
    "KMSInvalidSignatureException",
    "KMSInvalidMacException",
    "UnknownOperationException",
}
# The live service writes the message of this one error in upper case.
MESSAGE_MEMBER = {"AccessDeniedException": "Message"}
# The model has no bounds for messages; this is what a client logs without thinking.
MAX_MESSAGE = 4096

CONTENT_TYPE = "application/x-amz-json-1.1"
CLOCK_TOLERANCE_SECONDS = 60
# Seconds since 1970 of times that can be meant: later than 2001, and no milliseconds.
PLAUSIBLE_TIMES = (1_000_000_000, 10_000_000_000)


def check(operation, status, headers, body):
    """What is wrong with an answer to operation, a botocore OperationModel; body is bytes."""
    problems = check_headers(headers, body)
    if status == 200:
        problems += check_success(operation, body)
    else:
        problems += check_error(operation, status, body)
    return problems


def check_headers(headers, body):
    headers = {name.lower(): value for name, value in headers.items()}
    problems = []
    if headers.get("content-type") != CONTENT_TYPE:
        problems.append(f"Content-Type is {headers.get('content-type')!r}")
    if headers.get("content-length") != str(len(body)):
        problems.append(f"Content-Length is {headers.get('content-length')!r}, the body has {len(body)} bytes")
    request_id = headers.get("x-amzn-requestid", "")
    try:
        if str(uuid.UUID(request_id)) != request_id:
            raise ValueError
    except ValueError:
        problems.append(f"x-amzn-RequestId is {request_id!r} and no UUID")
    try:
        date = email.utils.parsedate_to_datetime(headers.get("date", "")).timestamp()
        if abs(date - time.time()) > CLOCK_TOLERANCE_SECONDS:
            problems.append(f"Date is {headers['date']!r}, which is not now")
    except (TypeError, ValueError):
        problems.append(f"Date is {headers.get('date')!r} and no date")
    return problems


def check_success(operation, body):
    if operation.output_shape is None:
        return [] if body in (b"", b"{}") else [f"an answer without members has the body {body!r}"]
    document, problems = load(body)
    if document is None:
        return problems
    return problems + check_value(operation.output_shape, document, operation.output_shape.name)


def check_error(operation, status, body):
    document, problems = load(body)
    if document is None:
        return problems
    code = document.get("__type")
    if not isinstance(code, str):
        return [*problems, f"__type is {code!r}"]
    modelled = {shape.name for shape in operation.error_shapes}
    if code not in modelled | COMMON_ERRORS and (operation.name, code) not in UNMODELLED_ERRORS:
        problems.append(f"{code} is not among the operation's errors")
    expected = SERVER_FAULTS.get(code, 400)
    if status != expected:
        problems.append(f"{code} has status {status} instead of {expected}")
    return problems + check_error_members(code, document)


def check_error_members(code, document):
    wanted = {"__type"}
    if code not in WITHOUT_MESSAGE:
        wanted.add(MESSAGE_MEMBER.get(code, "message"))
    problems = []
    if set(document) != wanted:
        problems.append(f"{code} has the members {sorted(document)} instead of {sorted(wanted)}")
    for member in set(document) - {"__type"}:
        text = document[member]
        if not isinstance(text, str) or not 0 < len(text) <= MAX_MESSAGE:
            problems.append(f"{code}: {member} is {text!r}")
    return problems


def load(body):
    """The JSON object, or None and why not. Members that are there twice are a problem."""
    twice = []

    def collect(pairs):
        names = [name for name, _ in pairs]
        twice.extend(name for name in set(names) if names.count(name) > 1)
        return dict(pairs)

    def refuse(constant):
        raise ValueError(f"{constant} is not JSON")

    try:
        document = json.loads(body.decode("utf-8"), object_pairs_hook=collect, parse_constant=refuse)
    except ValueError as error:
        return None, [f"the body is not JSON: {error}"]
    if not isinstance(document, dict):
        return None, [f"the body is not an object: {body[:80]!r}"]
    return document, [f"{name} is there twice" for name in twice]


def check_value(shape, value, path):
    checks = {
        "structure": check_structure,
        "list": check_list,
        "map": check_map,
        "string": check_text,
        "blob": check_blob,
        "integer": check_number,
        "long": check_number,
        "boolean": check_boolean,
        "timestamp": check_time,
    }
    return checks[shape.type_name](shape, value, path)


def check_structure(shape, value, path):
    if not isinstance(value, dict):
        return [f"{path} is {value!r} and no structure"]
    problems = [f"{path} lacks {name}" for name in shape.required_members if name not in value]
    for name, member in value.items():
        allowed = NEWER_MEMBERS.get((shape.name, name))
        if name in shape.members:
            problems += check_value(shape.members[name], member, f"{path}.{name}")
        elif allowed is None:
            problems.append(f"{path} has {name}, which the model does not know")
        elif member != allowed:
            problems.append(f"{path}.{name} is {member!r} and not {allowed!r}")
    return problems


def check_list(shape, value, path):
    if not isinstance(value, list):
        return [f"{path} is {value!r} and no list"]
    problems = check_bounds(shape, len(value), path, "elements")
    for index, element in enumerate(value):
        problems += check_value(shape.member, element, f"{path}[{index}]")
    return problems


def check_map(shape, value, path):
    if not isinstance(value, dict):
        return [f"{path} is {value!r} and no map"]
    problems = check_bounds(shape, len(value), path, "entries")
    for name, element in value.items():
        problems += check_value(shape.key, name, f"{path}'s key")
        problems += check_value(shape.value, element, f"{path}[{name!r}]")
    return problems


def check_text(shape, value, path):
    if not isinstance(value, str):
        return [f"{path} is {value!r} and no text"]
    problems = check_bounds(shape, len(value), path, "characters")
    known = set(shape.enum) | NEWER_ENUM_VALUES.get(shape.name, set()) | UNMODELLED_ENUM_VALUES.get(shape.name, set())
    if shape.enum and value not in known:
        problems.append(f"{path} is {value!r}, which is no {shape.name}")
    pattern = shape.metadata.get("pattern")
    # An empty text is the business of the bounds: patterns that want a character are there with a minimum of 0.
    if pattern and value and not re.fullmatch(pattern, value, re.ASCII):
        problems.append(f"{path} is {value!r}, which does not match {pattern}")
    return problems


def check_blob(shape, value, path):
    if not isinstance(value, str):
        return [f"{path} is {value!r} and no blob"]
    try:
        content = base64.b64decode(value, validate=True)
        if base64.b64encode(content).decode() != value:
            raise ValueError
    except (binascii.Error, ValueError):
        return [f"{path} is not base64 in its standard form"]
    return check_bounds(shape, len(content), path, "bytes")


def check_number(shape, value, path):
    if not isinstance(value, int) or isinstance(value, bool):
        return [f"{path} is {value!r} and no whole number"]
    return check_bounds(shape, value, path, "units")


def check_boolean(_, value, path):
    return [] if isinstance(value, bool) else [f"{path} is {value!r} and not true or false"]


def check_time(_, value, path):
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return [f"{path} is {value!r} and no number of seconds"]
    if not PLAUSIBLE_TIMES[0] < value < PLAUSIBLE_TIMES[1]:
        return [f"{path} is {value!r}, which are no seconds since 1970 that can be meant"]
    return []


def check_bounds(shape, amount, path, of):
    problems = []
    if amount < shape.metadata.get("min", amount):
        problems.append(f"{path}: {amount} {of} are fewer than {shape.metadata['min']}")
    if amount > shape.metadata.get("max", amount):
        problems.append(f"{path}: {amount} {of} are more than {shape.metadata['max']}")
    return problems
