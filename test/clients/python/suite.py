# Copyright The Chatelaine Authors.
# SPDX-License-Identifier: Apache-2.0
"""Calls every operation of AWS KMS that botocore knows, with success and with its characteristic errors.

    python3 suite.py CONFIGURATION.json

prints one JSON object a line for each operation that was called: its name, how often it succeeded, how often which
error it gave, and everything that was wrong. The last line is a summary; without it the suite did not come to its end.
"""

import json
import sys
import traceback

import cases_agreement
import cases_aliases
import cases_datakeys
import cases_encryption
import cases_grants
import cases_import
import cases_keys
import cases_policies
import cases_regions
import cases_rotation
import cases_signatures
import world

GROUPS = (
    cases_keys,
    cases_aliases,
    cases_policies,
    cases_grants,
    cases_encryption,
    cases_datakeys,
    cases_signatures,
    cases_agreement,
    cases_rotation,
    cases_import,
    cases_regions,
)


def cases():
    """The functions of the groups whose names begin with case_, in their order."""
    for group in GROUPS:
        for name, function in vars(group).items():
            if name.startswith("case_"):
                yield function


def run(case, w):
    """Runs one case; an error that it did not expect is a failure of the operation that it is about."""
    try:
        case(w)
    except Exception as error:  # whatever it is, the other cases are to run
        line = next(
            frame.lineno for frame in reversed(traceback.extract_tb(error.__traceback__)) if "cases_" in frame.filename
        )
        operation = getattr(error, "operation_name", None) or case.operation
        w.operations[operation].failures.append(f"{case.__name__}, line {line}: {type(error).__name__}: {error}")


def main():
    w = world.World(sys.argv[1])
    for case in cases():
        run(case, w)
    for name, calls in sorted(w.operations.items()):
        print(
            json.dumps(
                {
                    "operation": name,
                    "successes": calls.successes,
                    "errors": calls.errors,
                    "failures": calls.failures,
                }
            )
        )
    print(
        json.dumps(
            {
                "summary": {
                    "operations": len(w.operations),
                    "calls": sum(calls.successes + calls.errors.total() for calls in w.operations.values()),
                    "failures": sum(len(calls.failures) for calls in w.operations.values()),
                }
            }
        )
    )


if __name__ == "__main__":
    main()
