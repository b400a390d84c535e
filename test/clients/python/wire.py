# Copyright The Chatelaine Authors.
# SPDX-License-Identifier: Apache-2.0
"""HTTP requests that are signed by botocore and can then be spoilt in every way before they are sent."""

import base64
import datetime
import http.client
import json
import unittest.mock
import urllib.parse

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials

import checker

CONTENT_TYPE = "application/x-amz-json-1.1"


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, dict(response.getheaders()), response.read()

    @property
    def code(self):
        """The error's code, empty for a success; None if the body is not a JSON object."""
        try:
            document = json.loads(self.body or b"{}")
            return document.get("__type", "")
        except (ValueError, AttributeError):
            return None

    @property
    def message(self):
        document = json.loads(self.body or b"{}")
        return document.get("message") or document.get("Message") or ""


class Request:
    """A request to the endpoint. Its headers are a list of pairs, as they go over the wire."""

    def __init__(self, endpoint, operation, body, target=None):
        self.host = urllib.parse.urlsplit(endpoint).netloc
        self.method, self.path = "POST", "/"
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.headers = [
            ("Host", self.host),
            ("Content-Type", CONTENT_TYPE),
            ("X-Amz-Target", target or f"TrentService.{operation}"),
        ]

    def sign(self, key, region="eu-central-1", service="kms", token=None, age_seconds=0):
        """Signs as botocore does, for a moment so long ago."""
        request = botocore.awsrequest.AWSRequest(
            self.method, f"http://{self.host}{self.path}", headers=dict(self.headers), data=self.body
        )
        credentials = botocore.credentials.Credentials(key["accessKeyID"], key["secretAccessKey"], token)
        moment = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=age_seconds)
        with unittest.mock.patch("botocore.auth.get_current_datetime", return_value=moment):
            botocore.auth.SigV4Auth(credentials, service, region).add_auth(request)
        self.headers = [
            ("Host", self.host),
            *((name, value) for name, value in request.headers.items() if name.lower() != "host"),
        ]
        return self

    def get(self, name):
        return next(value for known, value in self.headers if known.lower() == name.lower())

    def set(self, name, value):
        self.headers = [(known, value if known.lower() == name.lower() else old) for known, old in self.headers]
        return self

    def drop(self, name):
        self.headers = [pair for pair in self.headers if pair[0].lower() != name.lower()]
        return self

    def add(self, name, value):
        self.headers.append((name, value))
        return self

    def send(self, chunked=False):
        connection = http.client.HTTPConnection(self.host, timeout=30)
        try:
            connection.putrequest(self.method, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers:
                connection.putheader(name, value)
            connection.putheader(
                *(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(self.body))))
            )
            connection.endheaders()
            connection.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(self.body), self.body) if chunked else self.body)
            return Answer(connection.getresponse())
        finally:
            connection.close()


class Prober:
    """Sends requests to the endpoint and keeps what was wrong with the answers."""

    def __init__(self, configuration):
        with open(configuration, encoding="utf-8") as file:
            self.settings = json.load(file)
        self.endpoint, self.root = self.settings["endpoint"], self.settings["callers"]["root"]
        client = boto3.Session(
            self.root["accessKeyID"], self.root["secretAccessKey"], region_name=self.settings["regions"][0]
        ).client("kms", endpoint_url=self.endpoint)
        self.model = client.meta.service_model.operation_model("Encrypt")
        self.key = client.create_key()["KeyMetadata"]["KeyId"]
        self.good = {"KeyId": self.key, "Plaintext": base64.b64encode(b"x").decode()}
        self.failures = []

    def request(self, body=None, **arguments):
        return Request(self.endpoint, "Encrypt", self.good if body is None else body, **arguments)

    def signed(self, body=None, **arguments):
        return self.request(body).sign(self.root, **arguments)

    def refused(self, what, request, *codes, message="", **arguments):
        """Sends a request that must get one of the errors, as AWS writes them."""
        answer = request.send(**arguments)
        if answer.code not in codes or message not in answer.message:
            self.failures.append(
                f"{what}: {' or '.join(codes)} {message!r} was expected, not {answer.status} {answer.body[:300]!r}"
            )
            return
        problems = checker.check_headers(answer.headers, answer.body) + checker.check_error(
            self.model, answer.status, answer.body
        )
        self.failures += [f"{what}: {problem}" for problem in problems]

    def accepted(self, what, request, **arguments):
        answer = request.send(**arguments)
        if answer.status != 200:
            self.failures.append(f"{what} was refused: {answer.status} {answer.body[:300]!r}")
