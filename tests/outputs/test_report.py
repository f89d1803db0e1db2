import base64
from html.parser import HTMLParser

import numpy as np
import pytest
from tests.outputs.examples import KINDS, numbers, of_kind, opened
from tests.outputs.test_sounds import read

from jgan.outputs import audio, figures, image, moments, render, thumbnails, tokens, write
from jgan.outputs.report import CHARACTERS, LINES

OUTPUTS = {name: of_kind(name) for name in KINDS}


class Page(HTMLParser):
    """The tags of a fragment with their attributes, and its text; fails on tags that are not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.words = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def sources(self, media):
        sources = [attributes["src"] for _, attributes in self.tags if "src" in attributes]
        start = f"data:{media};base64,"
        return [base64.b64decode(source.removeprefix(start)) for source in sources if source.startswith(start)]


@pytest.fixture
def written(tmp_path):
    write(tmp_path, 1000, render(OUTPUTS, KINDS))
    return tmp_path


def test_all_kinds(written):
    page = Page(figures(written, 1000))
    assert [opened(picture).shape[:2] for picture in page.sources("image/png")] == [(12, 10), (264, 520), (22, 26)]
    assert [opened(animation).shape[:2] for animation in page.sources("image/webp")] == [(12, 10)]
    sounds = [read(sound)[1] for sound in page.sources("audio/wav")]
    assert [len(sound) for sound in sounds] == [500] * 3
    assert all("controls" in attributes for tag, attributes in page.tags if tag == "audio")
    assert {"video", "audio", "tokens"} <= set(page.words)
    assert "a\nred & <b> a red & <b>\ncat cat cat" in page.words


def test_small(written):
    page = Page(thumbnails(written, 1000, largest=5))
    assert [max(opened(picture).shape) for picture in page.sources("image/png")] == [5] * 3
    assert not page.sources("image/webp") and not page.sources("audio/wav")
    assert "a\nred & <b> a red & <b>\ncat cat cat" in page.words


@pytest.mark.parametrize("show", [figures, thumbnails])
@pytest.mark.parametrize("folder", [".", "samples"])
def test_nothing_there(tmp_path, show, folder):
    assert show(tmp_path / folder, 1000) == ""


@pytest.mark.parametrize("size", [0, 10, 60])
@pytest.mark.parametrize("show", [figures, thumbnails])
def test_damaged_files_are_left_out(written, size, show):
    for file in written.rglob("*.*"):
        if file.suffix != ".txt":
            file.write_bytes(file.read_bytes()[:size])
    (written / "00001000-tokens.txt").write_bytes(b"\xff\xfe\x00")
    assert moments(written) == [1000]
    warned = []
    assert show(written, 1000, warn=warned.append) == ""
    assert any("00001000-tokens.txt is damaged and is left out of the report" in message for message in warned)


@pytest.mark.parametrize("ending", [".png", ".webp", ".wav", ".txt"])
def test_one_damaged_file_hides_no_other(written, ending):
    whole = Page(figures(written, 1000))
    file = sorted(written.rglob(f"*{ending}"))[0]
    file.write_bytes(b"" if ending != ".txt" else b"\xff")
    with pytest.warns(UserWarning, match=f"{file.name} is damaged"):
        found = Page(figures(written, 1000))
    assert len(found.tags) < len(whole.tags) and len(found.tags) >= len(whole.tags) - 3


def test_folders_in_the_place_of_files(tmp_path):
    for name in ("00000001.png", "00000001-a.wav", "00000002", "00000001-b.txt"):
        (tmp_path / name).mkdir()
    (tmp_path / "00000002" / "0000.png").mkdir()
    with pytest.warns(UserWarning, match="0000.png is damaged"):
        assert all(figures(tmp_path, moment) == "" for moment in (1, 2))


def test_large_pictures_are_shown_smaller(tmp_path):
    write(tmp_path, 1, render({"image": np.zeros((1, 30, 3000, 3), np.uint8)}, {"image": image()}))
    (picture,) = Page(figures(tmp_path, 1)).sources("image/png")
    assert opened(picture).shape == (10, 1024, 3)


@pytest.mark.parametrize(("n", "seconds", "players"), [(12, 0.1, 8), (4, 20, 4), (8, 40, 7), (1, 300, 0)])
def test_reports_stay_small(tmp_path, n, seconds, players):
    write(tmp_path, 1, render({"sound": np.zeros((n, int(seconds * 8_000)), np.float32)}, {"sound": audio(8_000)}))
    found = figures(tmp_path, 1)
    assert len(Page(found).sources("audio/wav")) == players
    assert len(found) < 6_100_000


def test_long_text_is_cut(tmp_path):
    write(tmp_path, 1, render({"text": np.zeros((50, 600), np.int32)}, {"text": tokens("a", separator="")}))
    (text,) = [word for word in Page(figures(tmp_path, 1)).words if word.startswith("a")]
    assert [len(line) for line in text.splitlines()] == [CHARACTERS + 2] * LINES
    assert thumbnails(tmp_path, 1).count("\n") == 2


def test_names_are_escaped(tmp_path):
    write(tmp_path, 1, {"x": {".txt": b"<script>&"}})
    assert "&lt;script&gt;&amp;" in figures(tmp_path, 1)


def test_a_plain_grid_has_no_title(tmp_path):
    write(tmp_path, 1, render({"image": numbers(1, 4, 4, 3)}, {"image": image()}))
    assert [tag for tag, _ in Page(figures(tmp_path, 1)).tags] == ["div", "img"]
