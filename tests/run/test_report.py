import json
from html.parser import HTMLParser

import numpy as np
import pytest
from tests.run.browser import after, needs_chromium

from jgan import outputs
from jgan.commands.report import report
from jgan.run.report import REAL, write_comparison, write_report
from jgan.run.report.chart import chart, decades, ticks
from jgan.run.report.compare import shared_curves, short_names
from jgan.run.report.curves import groups, points
from jgan.run.report.page import read_run


class Page(HTMLParser):
    """The tags of a page, their attributes, and its text; fails on tags that are not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.words = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "img", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def of(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def write_run(folder, n=12):
    (folder / "samples").mkdir()
    lines = []
    for i in range(n):
        values = {"generator/loss": 1.0 / (i + 1), "discriminator/loss": None if i == 3 else 0.5, "images_per_second": 100.0}
        values |= {"discriminator/real_logits": 1.0, "discriminator/fake_logits": -1.0, "generator/gradient_norm": 10.0**i}
        values |= {"score/distance": 50.0 - i, "variety/class_01/share": 0.1 * i} if i % 4 == 0 else {}
        values |= {"generator/skipped": 0.0}
        lines.append(json.dumps({"step": i, "images": 1000 * i, "seconds": 1.0 * i} | values))
        image = {"image": np.full((1, 8, 8, 3), 20 * i, np.uint8)}
        outputs.write(folder / "samples", 1000 * i, outputs.render(image, {"image": outputs.image()}))
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")


def write_settings(folder, rate=0.1):
    config = {"kind": "Config", "adam": {"kind": "Adam", "rate": rate}}
    about = {"version": "1", "commit": "abc", "begun": "2026-01-02 03:04 UTC", "command": "jgan train dcgan --rate 0.1"}
    (folder / "config.json").write_text(json.dumps({"system": "dcgan", **about, "config": config}))


def write_all(folder, criterion="score/distance", **settings):
    folder.mkdir(exist_ok=True)
    write_run(folder)
    write_settings(folder, **settings)
    names = {"label": ["star", "moon"]}
    (folder / "data.json").write_text(json.dumps({"fields": {}, "names": names, "size": 1, "content": ""}))
    protocol = {"score": "<distance> & co", "conditions": ["label"], "classes_by_turns": ["star", "moon"], "machine": MACHINE}
    score = {"criterion": criterion, "lower_is_better": True, "watched": {}, "protocol": protocol}
    (folder / "score.json").write_text(json.dumps(score))
    real = {"image": np.full((1, 8, 8, 3), 255, np.uint8)}
    outputs.write(folder / REAL, 0, outputs.render(real, {"image": outputs.image()}))
    return folder


MACHINE = {"cpu": "a processor", "cores": 2, "platform": "cpu", "device": "cpu"}


@pytest.fixture
def run(tmp_path):
    return write_all(tmp_path / "run")


@pytest.fixture
def page(run):
    write_report(run)
    return Page((run / "report.html").read_text())


def test_nothing_is_loaded_from_elsewhere(page):
    for _, attributes in page.tags:
        assert "href" not in attributes
        assert attributes.get("src", "data:").startswith("data:")
    assert "url(" not in "".join(page.words) and "@import" not in "".join(page.words)


def test_contents(page):
    text = " ".join(page.words)
    expected = ["dcgan", "<distance> & co", "adam.rate", "0.1", "best score", "42 at 8k", "gradient norm", "3 in which nothing changes"]
    turns = "by turns, row by row: star, moon"
    expected += [f"generated, after 11k images; {turns}", f"real; {turns}", "a processor, 2 cores"]
    for part in (*expected, "2026-01-02 03:04 UTC", "jgan train dcgan --rate 0.1"):
        assert part in text
    assert 3 <= len(page.of("img")) <= 10
    about = [svg["aria-label"] for svg in page.of("svg")]
    assert about[0] == "score over images" and about[-1] == "images_per_second over images"
    assert about.count("gradient_norm over images") == 2  # linear, and logarithmic since it spans many decades
    assert "moon" in {line["data-label"] for line in page.of("polyline")}


def test_the_report_of_a_resumed_run_says_how_it_was_begun(run):
    write_settings(run)
    later = {"system": "dcgan", "version": "2", "begun": "2026-02-03 04:05 UTC", "command": "jgan train --resume RUN", "config": {}}
    (run / "config-2.json").write_text(json.dumps(later))
    write_report(run)
    words = Page((run / "report.html").read_text()).words
    origin = next(word for word in words if word.startswith("2026-"))
    assert origin.startswith("2026-01-02 03:04 UTC") and "jgan train dcgan --rate 0.1" in origin
    assert "2026-02-03 04:05 UTC jgan train --resume RUN" in words
    (run / "config-2.json").unlink()


def test_a_run_that_has_recorded_nothing(tmp_path):
    write_settings(tmp_path)
    write_report(tmp_path)
    assert "Config" in Page((tmp_path / "report.html").read_text()).words


def test_classes_and_players_are_told_apart():
    names = ["a/loss", "b/loss", "variety/class_01/share", "variety/class_07/share", "x/y"]
    found = dict(groups([dict.fromkeys(names, 1.0)], "x/y", ("star", "moon")))
    assert found["share"] == {"variety/class_01/share": "moon", "variety/class_07/share": "variety/class_07"}
    assert list(found) == ["score", "loss", "share"] and list(found["loss"].values()) == ["a", "b"]


RECORDS = [{"images": 10 * i, "a/loss": 1.0 + i, "b/loss": None} for i in range(3)]


def lines_of(curves):
    return Page(chart("loss", curves)).of("polyline")


def test_missing_values_are_left_out():
    (polyline,) = lines_of({"a": points(RECORDS, "a/loss"), "b": points(RECORDS, "b/loss")})
    assert polyline["data-values"] == "0=1 10=2 20=3" and polyline["data-label"] == "a"
    assert chart("loss", {"b": points(RECORDS, "b/loss")}) == ""


@pytest.mark.parametrize("values", [(1.0, 2.0, 3.0), (1.0, 10.0, 100.0), (-1.0, 0.0, 50.0)])
def test_curves_rise_where_values_rise(values):
    polylines = lines_of({"a": list(enumerate(values))})
    assert len(polylines) == (2 if values[-1] == 100 else 1)
    for polyline in polylines:
        found = np.asarray([point.split(",") for point in polyline["points"].split()], np.float64)
        assert (np.diff(found[:, 0]) > 0).all() and (np.diff(found[:, 1]) < 0).all()
    if values[-1] == 100:
        assert np.allclose(np.diff(found[:, 1])[0], np.diff(found[:, 1])[1], atol=0.11)  # the last is the logarithmic one


def test_one_point_and_constant_values_can_be_seen():
    assert len(Page(chart("loss", {"a": [(0, 1.0)]})).of("circle")) == 1
    assert "nan" not in chart("loss", {"x": [(i, 0.0) for i in range(5)]})


def test_many_points_are_averaged_down():
    found = points([{"images": i, "x": float(i % 2)} for i in range(10_000)], "x")
    assert 200 < len(found) <= 300 and all(abs(y - 0.5) < 0.02 for _, y in found)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3e-7, 5e-7), (1e6, 1.1e6), (99.9, 100.1)])
def test_ticks_lie_inside(low, high):
    found = ticks(low, high)
    assert 2 <= len(found) <= 6
    assert all(low <= t <= high for t in found)


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.6), (-1.2, 3.3), (-30.0, 30.0), (1.5, 2.9)])
def test_ticks_of_a_logarithmic_axis_lie_inside(low, high):
    assert 1 <= len(decades(low, high)) <= 8 and all(low <= t <= high for t in decades(low, high))


def test_two_runs_in_one_page(tmp_path, capsys):
    a, b = write_all(tmp_path / "a"), write_all(tmp_path / "b", rate=0.2)
    report((a, b), tmp_path / "both.html")
    assert capsys.readouterr().out == f"{tmp_path / 'both.html'}\n"
    page = Page((tmp_path / "both.html").read_text())
    text = " ".join(page.words)
    assert all(part in text for part in ("a beside b", "adam.rate", "0.2", "42 at 8k", "loss: generator")) and "kind" not in text
    assert {line["data-label"] for line in page.of("polyline")} == {"a", "b"} and len(page.of("img")) == 2


def test_scores_in_other_features_have_charts_of_their_own(tmp_path):
    a, b = write_all(tmp_path / "a"), write_all(tmp_path / "b", criterion="score/other")
    (b / "metrics.jsonl").write_text((b / "metrics.jsonl").read_text().replace("score/distance", "score/other"))
    curves = shared_curves({"a": read_run(a), "b": read_run(b)})
    assert [title for title in curves if "score" in title] == ["score: distance", "score: other"]
    assert [bool(curve) for curve in curves["score: distance"].values()] == [True, False]


def test_names_tell_runs_apart(tmp_path):
    assert short_names([tmp_path / "x" / "1", tmp_path / "y" / "1"]) == ["x/1", "y/1"]


@pytest.mark.parametrize(("names", "out", "message"), [([], None, "found 0"), (["a"], "x.html", "found 1"), (["a", "a"], None, "twice")])
def test_what_cannot_be_compared(tmp_path, names, out, message):
    with pytest.raises(ValueError, match=message):
        report(tuple(tmp_path / name for name in names), out)


HOVER = """
const chart = document.querySelector(".chart"), svg = chart.querySelector("svg.linear"), frame = svg.getBoundingClientRect()
svg.dispatchEvent(new PointerEvent("pointermove", { clientX: frame.right, clientY: frame.top + 5 }))
document.title = [getComputedStyle(document.body).backgroundColor, ...document.querySelectorAll("svg.logarithmic")].map(x =>
  x.tagName ? getComputedStyle(x).display : x).join(" ")
"""


@needs_chromium()
@pytest.mark.parametrize(
    ("options", "paper"), [([], "rgb(255, 255, 255)"), (["--blink-settings=preferredColorScheme=0"], "rgb(22, 24, 28)")]
)
def test_in_a_browser(run, tmp_path, options, paper):
    """It is light or dark as the system is and tells the value under the pointer; wide charts alone begin on the logarithmic axis."""
    write_report(run)
    document = Page(after((run / "report.html").read_text(), HOVER, tmp_path, *options))
    assert "8k  42  distance" in document.words and f"{paper} none block" in document.words


@needs_chromium()
def test_a_comparison_in_a_browser(tmp_path):
    write_comparison([write_all(tmp_path / "a"), write_all(tmp_path / "b")], tmp_path / "both.html")
    assert "8k  42  a\n8k  42  b" in Page(after((tmp_path / "both.html").read_text(), HOVER, tmp_path)).words
