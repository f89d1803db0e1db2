import json
from html.parser import HTMLParser

import numpy as np
import pytest

from jgan import outputs
from jgan.run.report import write_report
from jgan.run.report.curves import COLOURS, chart, charts, ticks


class Page(HTMLParser):
    """The tags of a page, their attributes, and its text; fails on tags that are not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.words = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "img"):
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
        values |= {"score/distance": 50.0 - i} if i % 4 == 0 else {}
        lines.append(json.dumps({"step": i, "images": 1000 * i, "seconds": 1.0 * i} | values))
        image = {"image": np.full((1, 8, 8, 3), 20 * i, np.uint8)}
        outputs.write(folder / "samples", 1000 * i, outputs.render(image, {"image": outputs.image()}))
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")


def write_settings(folder):
    config = {"kind": "Config", "adam": {"kind": "Adam", "rate": 0.1}}
    (folder / "config.json").write_text(json.dumps({"system": "dcgan", "version": "1", "config": config}))


@pytest.fixture
def page(tmp_path):
    write_run(tmp_path)
    write_settings(tmp_path)
    score = {"criterion": "score/distance", "lower_is_better": True, "watched": {}, "protocol": {"score": "<distance> & co"}}
    (tmp_path / "score.json").write_text(json.dumps(score))
    write_report(tmp_path)
    return Page((tmp_path / "report.html").read_text())


def test_nothing_is_loaded_from_elsewhere(page):
    for _, attributes in page.tags:
        assert "href" not in attributes
        assert attributes.get("src", "data:").startswith("data:")
    assert "url(" not in "".join(page.words) and "@import" not in "".join(page.words)


def test_contents(page):
    text = " ".join(page.words)
    for expected in ("dcgan", "<distance> & co", "adam.rate", "0.1", "best score", "42 at 8k", "11k images", "gradient norm"):
        assert expected in text
    assert len(page.of("svg")) == len(
        charts([{"a/loss": 1, "a/x_logits": 1, "a/gradient_norm": 1, "images_per_second": 1, "score/d": 1}], "score/d")
    )
    assert 2 <= len(page.of("img")) <= 9


def test_a_run_that_has_recorded_nothing(tmp_path):
    write_settings(tmp_path)
    write_report(tmp_path)
    assert "Config" in Page((tmp_path / "report.html").read_text()).words


RECORDS = [{"images": 10 * i, "a/loss": 1.0 + i, "b/loss": None} for i in range(3)]


def test_missing_values_are_left_out():
    (polyline,) = Page(chart("loss", {"a/loss": "a", "b/loss": "b"}, RECORDS)).of("polyline")
    assert len(polyline["points"].split()) == 3 and polyline["stroke"] == COLOURS[0]
    assert chart("loss", {"b/loss": "b"}, RECORDS) == ""


def test_curves_rise_where_values_rise():
    (polyline,) = Page(chart("loss", {"a/loss": "a"}, RECORDS)).of("polyline")
    points = np.asarray([point.split(",") for point in polyline["points"].split()], np.float64)
    assert (np.diff(points[:, 0]) > 0).all() and (np.diff(points[:, 1]) < 0).all()


def test_one_point_and_constant_values_can_be_seen():
    assert len(Page(chart("loss", {"a/loss": "a"}, RECORDS[:1])).of("circle")) == 1
    assert "nan" not in chart("loss", {"x": "x"}, [{"images": i, "x": 0.0} for i in range(5)])


def test_many_points_are_averaged_down():
    records = [{"images": i, "x": 1.0} for i in range(10_000)]
    (polyline,) = Page(chart("x", {"x": ""}, records)).of("polyline")
    assert len(polyline["points"].split()) <= 300


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3e-7, 5e-7), (1e6, 1.1e6), (99.9, 100.1)])
def test_ticks_lie_inside(low, high):
    found = ticks(low, high)
    assert 2 <= len(found) <= 6
    assert all(low <= t <= high for t in found)
