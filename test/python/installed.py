# Copyright The Chatelaine Authors.
# SPDX-License-Identifier: Apache-2.0
"""Prints the path of this interpreter if it has exactly what a requirements file asks for, else says what it lacks."""

import importlib.metadata
import sys


def lacking(requirements):
    with open(requirements, encoding="utf-8") as file:
        wanted = [line.strip().split("==") for line in file if "==" in line and not line.startswith("#")]
    for name, version in wanted:
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found = "none"
        if found != version:
            yield f"{name} {version} (found: {found})"


if __name__ == "__main__":
    missing = ", ".join(lacking(sys.argv[1]))
    if missing:
        sys.exit(f"{sys.executable} lacks {missing}")
    print(sys.executable)
