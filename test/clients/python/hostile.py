# Copyright The Chatelaine Authors.
# SPDX-License-Identifier: Apache-2.0
"""Requests that no client sends: spoilt JSON, spoilt signatures, spoilt HTTP.

    python3 hostile.py CONFIGURATION.json

prints one JSON object a line for each case, with what was wrong, and a summary at the end. After every case an honest
request must still succeed.
"""

import base64
import http.client
import json
import sys
import traceback

import wire

INVALID, INCOMPLETE, UNRECOGNIZED = (
    "InvalidSignatureException",
    "IncompleteSignatureException",
    "UnrecognizedClientException",
)
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method."
)


def case_malformed_json(b):
    for body in (
        b"{",
        b"[]",
        b'"x"',
        b"1",
        b"\xff\xfe",
        b'{"KeyId":"\xff"}',
        b'{"KeyId":NaN}',
        b'{"KeyId":"a"} {}',
        b"{'KeyId':'a'}",
        b"[" * 100000,
        b'{"KeyId":' * 50000,
        b'{"KeyId":"a",}',
        b'{"KeyId":"\x01"}',
    ):
        b.refused(f"body {body[:20]!r}", b.signed(body), "SerializationException")
    for body in (b"null", b"", b" "):  # there is nothing in them that could be wrong, only everything missing
        b.refused(f"body {body!r}", b.signed(body), "SerializationException", "ValidationException")


def case_wrong_types(b):
    for member, values in {
        "KeyId": (1, True, ["x"], {"a": "b"}),
        "Plaintext": (1, "not base64!", "eA", ["eA=="], {}),
        "DryRun": ("true", 1, []),
        "EncryptionContext": ("a", ["a"], {"a": 1}, {"a": {"b": "c"}}),
        "GrantTokens": ("a", {"a": "b"}, [1]),
        "EncryptionAlgorithm": (7, {}),
    }.items():
        for value in values:
            b.refused(f"{member} {value!r}", b.signed({**b.good, member: value}), "SerializationException")
    for number in ("1.5", '"1"', "1e400", "99999999999999999999", "true"):
        request = wire.Request(b.endpoint, "GenerateRandom", b'{"NumberOfBytes":%s}' % number.encode()).sign(b.root)
        b.refused(f"NumberOfBytes {number}", request, "SerializationException")


def case_bounds(b):
    def plaintext(size):
        return b.signed({**b.good, "Plaintext": base64.b64encode(bytes(size)).decode()})

    b.refused(
        "4097 bytes",
        plaintext(4097),
        "ValidationException",
        message="Member must have length less than or equal to 4096",
    )
    b.refused("300,000 bytes", plaintext(300_000), "ValidationException", message="less than or equal to 4096")
    b.accepted("4096 bytes", plaintext(4096))
    b.accepted("a member that nobody knows", b.signed({**b.good, "Nobody": {"knows": ["me", None, 1e9]}}))
    b.accepted(
        "null where a member may be absent", b.signed({**b.good, "GrantTokens": None, "EncryptionContext": None})
    )
    for name in ("a\0b", "../../etc/passwd", "key\n", "\u202e", "' OR 1=1"):
        b.refused(f"KeyId {name!r}", b.signed({**b.good, "KeyId": name}), "NotFoundException", "ValidationException")
    large = b.signed({**b.good, "KeyId": "k" * (600 << 10)}).send()
    if large.status != 413:
        b.failures.append(f"600 KiB: status {large.status}, {large.body[:200]!r}")


def case_unknown_operations(b):
    for target in (
        "TrentService.Nothing",
        "TrentService.encrypt",
        "TrentService.",
        "Trent.Encrypt",
        "Encrypt",
        "TrentService.Encrypt ;",
        "CloudTrail_20131101.LookupEvents",
        "TrentService.\u212aey".encode().decode("latin-1"),
    ):
        b.refused(f"target {target!r}", b.request(target=target).sign(b.root), "UnknownOperationException")
    for method in ("GET", "PUT", "DELETE", "OPTIONS"):
        request = b.request()
        request.method = method
        b.refused(method, request.sign(b.root), "UnknownOperationException")


def case_no_signature(b):
    b.refused(
        "no Authorization", b.request(), "MissingAuthenticationTokenException", message="Missing Authentication Token"
    )
    b.refused("Authorization removed", b.signed().drop("Authorization"), "MissingAuthenticationTokenException")
    for header in (
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 rubbish",
        "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=b",
        "AWS4-HMAC-SHA256 Credential=" + "/" * 5000,
        "AWS4-HMAC-SHA1 Credential=a/b/c/d/e",
    ):
        b.refused(f"Authorization {header[:60]!r}", b.signed().set("Authorization", header), INCOMPLETE)
    for header in ("", "Bearer token", "Basic cm9vdDpyb290"):
        b.refused(
            f"Authorization {header!r}",
            b.signed().set("Authorization", header),
            "MissingAuthenticationTokenException",
            INCOMPLETE,
        )
    for part in ("Credential", "SignedHeaders", "Signature"):
        request = b.signed()
        parts = [
            text
            for text in request.get("Authorization").removeprefix("AWS4-HMAC-SHA256 ").split(", ")
            if not text.startswith(part + "=")
        ]
        b.refused(
            f"Authorization without {part}",
            request.set("Authorization", "AWS4-HMAC-SHA256 " + ", ".join(parts)),
            INCOMPLETE,
        )


def case_forged(b):
    for at in (-1, -64):
        request = b.signed()
        text = list(request.get("Authorization"))
        text[at] = "0" if text[at] != "0" else "1"
        b.refused(f"signature's character {at}", request.set("Authorization", "".join(text)), INVALID, message=MISMATCH)
    b.refused("another secret", b.request().sign({**b.root, "secretAccessKey": "guessed"}), INVALID, message=MISMATCH)
    b.refused(
        "another user's secret",
        b.request().sign({**b.settings["callers"]["user"], "accessKeyID": b.root["accessKeyID"]}),
        INVALID,
        message=MISMATCH,
    )
    b.refused(
        "an unknown access key",
        b.request().sign({**b.root, "accessKeyID": "AKIANOBODY"}),
        UNRECOGNIZED,
        message="The security token included in the request is invalid.",
    )
    for token in ("forged", "x" * 4000):
        b.refused(
            f"a static key with token {token[:10]}",
            b.signed(token=token),
            UNRECOGNIZED,
            message="The security token included in the request is invalid.",
        )
    temporary = {"accessKeyID": "ASIAABCDEFGHIJKLMNOP", "secretAccessKey": "guessed"}
    b.refused("a session that nobody issued", b.request().sign(temporary, token="forged"), UNRECOGNIZED)
    b.refused("a session without its token", b.request().sign(temporary), UNRECOGNIZED)


def case_tampered(b):
    request = b.signed()
    request.body = request.body.replace(b.key.encode(), b"0" * len(b.key))
    b.refused("another body", request, INVALID, message=MISMATCH)
    b.refused("no body", _with_body(b.signed(), b""), INVALID, message=MISMATCH)
    b.refused("another operation", b.signed().set("X-Amz-Target", "TrentService.CreateKey"), INVALID, message=MISMATCH)
    b.refused("another content type", b.signed().set("Content-Type", "application/json"), INVALID, message=MISMATCH)
    b.refused("a signed header removed", b.signed().drop("Content-Type"), INVALID, INCOMPLETE)
    b.refused("the date removed", b.signed().drop("X-Amz-Date"), INCOMPLETE)
    b.refused("another host", b.signed().set("Host", "kms.eu-central-1.amazonaws.com"), INVALID, message=MISMATCH)
    request = b.signed()
    request.path = "/?Action=CreateKey"
    b.refused("a query added", request, INVALID, message=MISMATCH)
    for name, value in (("X-Amz-Security-Token", "t"), ("X-Amz-User-Agent", "me"), ("x-AMZ-anything", "1")):
        b.refused(f"unsigned {name} added", b.signed().add(name, value), INVALID)

    for value in ("UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "0" * 64):
        b.refused(f"unsigned hash {value} added", b.signed().add("X-Amz-Content-Sha256", value), INVALID, INCOMPLETE)


def _with_body(request, body):
    request.body = body
    return request


def case_twice(b):
    request = b.signed()
    b.refused("Authorization twice", request.add("Authorization", request.get("Authorization")), INCOMPLETE, INVALID)
    forged = b.signed()
    b.refused(
        "a second Authorization",
        forged.add("Authorization", b.request().sign(b.settings["callers"]["user"]).get("Authorization")),
        INCOMPLETE,
        INVALID,
    )
    request = b.signed()
    b.refused("X-Amz-Date twice", request.add("X-Amz-Date", request.get("X-Amz-Date")), INCOMPLETE, INVALID)
    request = b.signed()
    b.refused("X-Amz-Target twice", request.add("X-Amz-Target", "TrentService.CreateKey"), INVALID, INCOMPLETE)
    request = b.signed()
    request.path = "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=" + "0" * 64
    b.refused("signed in header and query", request, INCOMPLETE, INVALID)


def case_time(b):
    b.accepted("a request of four minutes ago", b.signed(age_seconds=240))
    b.accepted("a request that is four minutes early", b.signed(age_seconds=-240))
    replayed = b.signed(age_seconds=302)  # a captured request, five minutes later
    b.refused("a replay", replayed, INVALID, message="Signature expired: ")
    b.refused("a replay of last year", b.signed(age_seconds=365 * 86400), INVALID, message="Signature expired: ")
    # Far enough off that it stays one however long it takes to arrive.
    b.refused("a request of the future", b.signed(age_seconds=-600), INVALID, message="Signature not yet current: ")
    fresh = b.signed()
    b.refused("a replay with a new date", replayed.set("X-Amz-Date", fresh.get("X-Amz-Date")), INVALID)
    b.refused("a date that is none", fresh.set("X-Amz-Date", "yesterday"), INCOMPLETE, INVALID)


def case_scope(b):
    b.refused(
        "another Region", b.signed(region="us-east-1"), INVALID, message="Credential should be scoped to a valid region"
    )
    b.refused(
        "another service",
        b.signed(service="s3"),
        INVALID,
        message="Credential should be scoped to correct service: 'kms'.",
    )
    request = b.signed()
    day = request.get("X-Amz-Date")[:8]
    b.refused(
        "another day",
        request.set("Authorization", request.get("Authorization").replace(f"/{day}/", "/20200101/")),
        INVALID,
    )
    request = b.signed()
    b.refused(
        "another terminator",
        request.set("Authorization", request.get("Authorization").replace("aws4_request", "aws5_request")),
        INVALID,
        INCOMPLETE,
    )
    b.accepted(
        "the other Region", wire.Request(b.endpoint, "ListKeys", {}).sign(b.root, region=b.settings["regions"][1])
    )


def case_http(b):
    request = b.signed()
    request.headers = [(name.swapcase(), value) for name, value in request.headers]
    b.accepted("header names in another case", request)
    b.accepted("spaces around values", b.signed().set("Content-Type", f"  {wire.CONTENT_TYPE} "))
    b.accepted("a chunked body", b.signed(), chunked=True)
    b.accepted("a header that need not be signed", b.signed().add("User-Agent", "h\u00e9llo"))
    request = b.signed()
    request.path = "/elsewhere"
    answer = request.send()
    if (answer.status, answer.code) != (404, "UnknownOperationException"):
        b.failures.append(f"another path: {answer.status} {answer.body[:200]!r}")
    try:
        status = b.signed().add("X-Long", "x" * (70 << 10)).send().status
    except ConnectionError:
        return  # the server need not read on for the sake of telling why it does not
    if status != 431:
        b.failures.append(f"70 KiB of headers: status {status}")


def main():
    b, failures = wire.Prober(sys.argv[1]), 0
    cases = [(name.removeprefix("case_"), case) for name, case in globals().items() if name.startswith("case_")]
    for name, case in cases:
        b.failures = []
        try:
            case(b)
            b.accepted("an honest request afterwards", b.signed())
        except (OSError, http.client.HTTPException, ValueError, StopIteration):
            b.failures.append(traceback.format_exc(limit=-2))
        failures += len(b.failures)
        print(json.dumps({"case": name, "failures": b.failures}), flush=True)
    print(json.dumps({"summary": {"cases": len(cases), "failures": failures}}))


if __name__ == "__main__":
    main()
