"""What readers do with files that are damaged in any way: `tests.data.mutations` reads them in another process."""

import json
import os
import subprocess
import sys

import pytest
from tests.data.mutations import FORMATS, MEMORY, SECONDS

BATCH_SECONDS = 300


def check(count, folder, formats):
    program = [sys.executable, "-m", "tests.data.mutations", str(count), str(folder), *formats]
    environment = os.environ | {"PYTHONPATH": ":".join(sys.path), "JAX_PLATFORMS": "cpu"}
    child = subprocess.run(program, capture_output=True, text=True, env=environment, timeout=BATCH_SECONDS)
    last = folder / "last"
    assert child.returncode == 0, (
        f"ended by {child.returncode} at {last.read_text() if last.exists() else 'the start'}: {child.stderr[-2000:]}"
    )
    found = json.loads(child.stdout)
    print(json.dumps(found))
    assert [failure for of_file in found["files"].values() for failure in of_file["failures"]] == []
    assert found["megabytes"] < MEMORY / 1e6 and max(of_file["slowest"] for of_file in found["files"].values()) < SECONDS
    assert sum(of_file["readable"] < of_file["count"] for of_file in found["files"].values()) == len(found["files"])  # they do damage


def test_a_hundred_mutants_of_every_format(tmp_path):
    check(100, tmp_path, list(FORMATS))


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMATS)
def test_ten_thousand_mutants(tmp_path, form):
    check(10_000, tmp_path, [form])
