import io

import pytest

from jgan.run.progress import Progress, announced, duration

RECORD = {"images_per_second": 100.0, "score/distance": 12.5, "loss": None}


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_lines_where_there_is_no_terminal():
    stream = io.StringIO()
    with Progress(10_000, stream=stream, criterion="score/distance") as progress:
        progress.update(1_000, RECORD)
        progress.update(2_000, {"images_per_second": None})
    assert stream.getvalue().splitlines() == [
        "1,000 of 10,000 images  100 images/s  score 12.5  1 min left",
        "2,000 of 10,000 images    ? left",
    ]


def test_a_bar_on_a_terminal():
    stream = Terminal()
    with Progress(10_000, done=1_000, stream=stream, criterion="score/distance") as progress:
        progress.update(5_000, RECORD)
    assert "5,000 images  100 images/s  score 12.5" in " ".join(stream.getvalue().replace("\n", " ").split(" ")).replace("   ", "  ")


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (61, "1 min"), (3600, "1:00 h")])
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_the_first_call_alone_is_announced(capsys):
    double = announced(lambda x: 2 * x, "compiling", "first step done")
    assert [double(1), double(2)] == [2, 4]
    before, after = capsys.readouterr().err.splitlines()
    assert before == "compiling" and after == "first step done after 0 s"
