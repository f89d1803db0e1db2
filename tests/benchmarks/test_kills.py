import random

import pytest
from benchmarks import kills


@pytest.mark.slow
def test_a_run_that_is_killed_is_the_same_run(tmp_path, monkeypatch):
    moments = iter(["saving", "starting"])
    monkeypatch.setattr(random.Random, "choice", lambda self, names: next(moments))
    found = kills.compared(tmp_path, 2, random.Random(0))
    assert found["kills"] == {"all": 2, "starting": 1, "training": 0, "saving": 1}
    assert found["equal"] == {"state": 1, "samples": 1, "records": 1} and found["unreadable"] == 0


def test_the_newest_checkpoint(tmp_path):
    assert kills.newest(tmp_path) == 0
    for name in ("00000008", "00000016", "00000024.orbax-checkpoint-tmp", "00000032.unreadable-7"):
        (tmp_path / "checkpoints" / name).mkdir(parents=True)
    assert kills.newest(tmp_path) == 16
