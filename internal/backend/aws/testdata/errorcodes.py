# Copyright The Chatelaine Authors.
# SPDX-License-Identifier: Apache-2.0
"""Prints the error codes that AWS's service models list for operations, as JSON. Arguments: SERVICE:OPERATION ..."""

import json
import sys

import botocore.session

session = botocore.session.get_session()
codes = {}
for argument in sys.argv[1:]:
    service, name = argument.split(":")
    operation = session.get_service_model(service).operation_model(name)
    codes[argument] = [(shape.metadata.get("error") or {}).get("code", shape.name) for shape in operation.error_shapes]
print(json.dumps(codes))
