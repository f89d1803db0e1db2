import errno
import os

import pytest

from jgan.run import trouble
from jgan.run.trouble import Trouble


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(trouble.time, "monotonic", lambda: now[0])
    return now


def fail(found, what, number=errno.ENOSPC):
    with found.tolerate(what, "step 8"):
        raise OSError(number, os.strerror(number))


@pytest.mark.filterwarnings("always")
def test_each_kind_is_warned_of_once_and_again_after_a_pause(clock):
    found = Trouble(pause=600)
    with pytest.warns(UserWarning) as caught:
        for seconds, what, number in [
            (0, "samples are not written", errno.ENOSPC),
            (1, "samples are not written", errno.ENOSPC),
            (2, "records are not written", errno.ENOSPC),  # another kind
            (3, "samples are not written", errno.EACCES),  # another reason
            (599, "samples are not written", errno.ENOSPC),
            (601, "samples are not written", errno.ENOSPC),
        ]:
            clock[0] = 1000.0 + seconds
            fail(found, what, number)
    messages = [str(w.message) for w in caught]
    assert messages[0] == "samples are not written (step 8): [Errno 28] No space left on device; training goes on"
    assert [m.split(" are")[0] for m in messages] == ["samples", "records", "samples", "samples"]


def test_other_errors_are_not_tolerated():
    with pytest.raises(ZeroDivisionError), Trouble().tolerate("x"):
        1 / 0  # noqa: B018
