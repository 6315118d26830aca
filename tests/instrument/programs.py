"""Programs of the system that a test needs."""

import os
import shutil

import pytest


def require(*programs: str, packages: str) -> None:
    """Skip the test where a program is missing; on the CI machine, fail it."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        sentence = f"{', '.join(missing)} not found: apt install {packages} to run this test."
        if os.environ.get("CI") == "true":
            pytest.fail(sentence)
        pytest.skip(sentence)
