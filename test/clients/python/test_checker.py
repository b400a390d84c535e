# Copyright The Chatelaine Authors.
# SPDX-License-Identifier: Apache-2.0
"""The checker is worth what it finds: each of these answers has one thing wrong."""

import email.utils
import json
import unittest
import uuid

import boto3

import checker

MODEL = boto3.Session(region_name="eu-central-1").client("kms").meta.service_model
ENCRYPTED = {
    "CiphertextBlob": "eA==",
    "KeyId": "arn:aws:kms:eu-central-1:111122223333:key/k",
    "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
}
DESCRIBED = {
    "KeyId": "k",
    "CreationDate": 1.7e9,
    "Enabled": True,
    "KeySpec": "SYMMETRIC_DEFAULT",
    "AWSAccountId": "111122223333",
}


def check(operation, body, status=200, **headers):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {
        "Content-Type": checker.CONTENT_TYPE,
        "Content-Length": str(len(body)),
        "x-amzn-RequestId": str(uuid.uuid4()),
        "Date": email.utils.formatdate(usegmt=True),
        **headers,
    }
    return checker.check(MODEL.operation_model(operation), status, headers, body)


class CheckerTest(unittest.TestCase):
    def finds(self, sentence, problems):
        self.assertEqual(len(problems), 1, problems)
        self.assertIn(sentence, problems[0])

    def test_honest_answers_have_no_problem(self):
        self.assertEqual(check("Encrypt", ENCRYPTED), [])
        self.assertEqual(
            check(
                "DescribeKey",
                {"KeyMetadata": {**DESCRIBED, "KeySpec": "ML_KEM_768", "EncapsulationAlgorithms": ["ML_KEM"]}},
            ),
            [],
        )
        self.assertEqual(check("DisableKey", b""), [])
        self.assertEqual(check("Encrypt", {"__type": "DisabledException", "message": "k is disabled."}, 400), [])
        self.assertEqual(check("Encrypt", {"__type": "AccessDeniedException", "Message": "no"}, 400), [])
        self.assertEqual(check("Decrypt", {"__type": "InvalidCiphertextException"}, 400), [])

    def test_members(self):
        for change, sentence in (
            ({"Nobody": 1}, "has Nobody, which the model does not know"),
            ({"CiphertextBlob": None}, "no blob"),
            ({"CiphertextBlob": "eA"}, "not base64"),
            ({"CiphertextBlob": "e-=="}, "not base64"),
            ({"CiphertextBlob": "eB=="}, "not base64"),
            ({"CiphertextBlob": ""}, "fewer than 1"),
            ({"KeyId": 1}, "no text"),
            ({"KeyId": ""}, "fewer than 1"),
            ({"KeyId": "k" * 2049}, "more than 2048"),
            ({"EncryptionAlgorithm": "ROT13"}, "which is no EncryptionAlgorithmSpec"),
        ):
            self.finds(sentence, check("Encrypt", {**ENCRYPTED, **change}))
        for change, sentence in (
            ({"CreationDate": "2026-01-01"}, "no number of seconds"),
            ({"CreationDate": 1.7e12}, "seconds since 1970"),
            ({"Enabled": "true"}, "not true or false"),
            ({"AWSAccountId": None}, "no text"),
            ({"KeySpec": "ML_KEM_2048"}, "no KeySpec"),
            ({"EncapsulationAlgorithms": ["X"]}, "and not ['ML_KEM']"),
            ({"CurrentKeyMaterialId": "A" * 64}, "does not match"),
            ({"MultiRegionConfiguration": []}, "no structure"),
            ({"SigningAlgorithms": "RSA"}, "no list"),
            ({"PendingDeletionWindowInDays": 7.5}, "no whole number"),
            ({"PendingDeletionWindowInDays": 366}, "more than 365"),
        ):
            self.finds(sentence, check("DescribeKey", {"KeyMetadata": {**DESCRIBED, **change}}))
        self.finds("lacks KeyId", check("DescribeKey", {"KeyMetadata": {}}))
        self.finds("lacks TagValue", check("ListResourceTags", {"Tags": [{"TagKey": "a"}], "Truncated": False}))

    def test_bodies(self):
        self.finds("not JSON", check("Encrypt", b"{"))
        self.finds("not JSON", check("Encrypt", b'{"KeyId":NaN}'))
        self.finds("not an object", check("Encrypt", []))
        self.finds("twice", check("Encrypt", b'{"KeyId":"a","KeyId":"a"}'))
        self.finds("without members", check("DisableKey", {"KeyId": "k"}))

    def test_errors(self):
        for operation, error, status, sentence in (
            ("Encrypt", {"__type": "AlreadyExistsException", "message": "m"}, 400, "not among the operation's errors"),
            ("Encrypt", {"__type": "DisabledException", "message": "m"}, 409, "status 409 instead of 400"),
            ("Encrypt", {"__type": "KMSInternalException", "message": "m"}, 400, "status 400 instead of 500"),
            ("Encrypt", {"__type": "DisabledException"}, 400, "has the members"),
            ("Encrypt", {"__type": "DisabledException", "Message": "m"}, 400, "has the members"),
            ("Encrypt", {"__type": "DisabledException", "message": ""}, 400, "message is ''"),
            ("Decrypt", {"__type": "InvalidCiphertextException", "message": "tag 3 differs"}, 400, "has the members"),
            ("Encrypt", {"message": "m"}, 400, "__type is None"),
        ):
            self.finds(sentence, check(operation, error, status))

    def test_headers(self):
        for name, value in (
            ("Content-Type", "application/json"),
            ("Content-Length", "1"),
            ("x-amzn-RequestId", "1"),
            ("Date", "Thu, 01 Jan 1970 00:00:00 GMT"),
            ("Date", "now"),
        ):
            self.finds(name, check("Encrypt", ENCRYPTED, **{name: value}))


if __name__ == "__main__":
    unittest.main()
