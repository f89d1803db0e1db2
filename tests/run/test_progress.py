import io
import threading
import time

import pytest

from jgan.run.progress import Progress, duration, waiting

RECORD = {"images_per_second": 100.0, "score/distance": 12.5, "loss": None}


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_lines_where_there_is_no_terminal():
    stream, times = io.StringIO(), iter([100.0, 130.0, 160.0])
    with Progress(4_000, stream=stream, criterion="score/distance", clock=lambda: next(times)) as progress:
        progress.update(1_000, RECORD)  # compiling may have been part of it, so the time left is not known yet
        progress.update(2_000, {"images_per_second": None})
        progress.update(4_000, RECORD)
    assert stream.getvalue().splitlines() == [
        "1,000 of 4,000 images  100 images/s  score 12.5",
        "2,000 of 4,000 images  1 min left",
        "4,000 of 4,000 images  100 images/s  score 12.5",
    ]


def test_a_bar_on_a_terminal(monkeypatch):
    monkeypatch.delenv("JPY_PARENT_PID", raising=False)
    stream, times = Terminal(), iter([0.0, 5.0])
    with Progress(10_000, done=1_000, stream=stream, criterion="score/distance", clock=lambda: next(times)) as progress:
        progress.update(4_000, {})
        progress.update(5_000, RECORD)
    assert "5,000 images 100 images/s score 12.5 25 s left" in " ".join(stream.getvalue().split())


def test_lines_in_a_notebook(monkeypatch):
    monkeypatch.setenv("JPY_PARENT_PID", "1")
    stream = Terminal()
    with Progress(10_000, stream=stream) as progress:
        progress.update(4_000, {})
    assert stream.getvalue() == "4,000 of 10,000 images\n"


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (61, "1 min"), (3600, "1:00 h")])
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_long_work_is_told_of_while_it_lasts(capsys):
    with waiting("compiling", often=0.02, seldom=0.05):
        time.sleep(0.2)
    first, *while_it_lasted, last = capsys.readouterr().err.splitlines()
    assert first == "compiling" and last == "compiling took 0 s"
    assert 2 <= len(while_it_lasted) <= 6 and set(while_it_lasted) == {"compiling: 0 s so far"}


def test_short_work_is_one_line_and_what_is_told_ends_with_it(capsys):
    with pytest.raises(ValueError, match="what is wrong"), waiting("compiling"):
        raise ValueError("what is wrong")
    assert capsys.readouterr().err == "compiling\n" and "waiting" not in {thread.name for thread in threading.enumerate()}
