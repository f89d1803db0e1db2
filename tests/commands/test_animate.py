"""An image moved by a clip: what is written, that it is marked, and what is refused."""

import json

import numpy as np
import pytest
from PIL import Image
from tests.systems.test_first_order_motion import TINY
from tests.systems.untrained import random_run

from jgan.data.clips import read_clip
from jgan.outputs.marking import MARK
from jgan.outputs.videos import GAP, animation
from jgan.run.main import main
from jgan.systems.first_order_motion import SYSTEM

RANDOM = np.random.default_rng(0)
CLIP = RANDOM.integers(0, 256, (4, 16, 16, 3), np.uint8)
KNOWN = {"generated": True, "by": "jgan first_order_motion", "run": "run", "step": 1, "source": "source.png", "driver": "driver.webp"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return str(random_run(SYSTEM, TINY, tmp_path_factory.mktemp("animate") / "run", scale=0.3))


@pytest.fixture
def places(tmp_path):
    Image.fromarray(CLIP[0]).save(tmp_path / "source.png")
    (tmp_path / "driver.webp").write_bytes(animation(list(CLIP), 8.0, ".webp"))
    return tmp_path


def animate(run, places, out, *options, source="source.png", driver="driver.webp"):
    main(SYSTEM, ["animate", run, str(places / source), str(places / driver), str(places / out), *options])


def comment_of(path):
    with Image.open(path) as image:
        said = image.info["comment"].decode() if path.suffix == ".gif" else image.getexif().get(270) or image.info["Comment"]
    return json.loads(said)


def is_marked(frames):
    height, width = MARK.shape
    return bool((np.abs(frames[..., -height:, -width:, :].astype(int) - MARK[..., None]) < 16).all())


@pytest.mark.parametrize("ending", [".gif", ".webp"])
def test_films_are_marked_and_say_what_they_are(run, places, ending):
    animate(run, places, f"out{ending}")
    frames, rate = read_clip(places / f"out{ending}", 3)
    assert frames.shape == CLIP.shape and is_marked(frames) and rate == pytest.approx(8, rel=0.05)
    assert KNOWN.items() <= comment_of(places / f"out{ending}").items()


def test_a_film_strip_shows_source_driver_and_result(run, places):
    animate(run, places, "out.png")
    strip = np.asarray(Image.open(places / "out.png")).reshape(-1, 4 * (16 + GAP) - GAP, 3)
    assert strip.shape[0] == 3 * (16 + GAP) - GAP
    np.testing.assert_array_equal(strip[:16, :16], CLIP[0])
    np.testing.assert_array_equal(strip[16 + GAP : 32 + GAP, 16 + GAP : 32 + GAP], CLIP[1])
    assert is_marked(strip[-16:, :16]) and KNOWN.items() <= comment_of(places / "out.png").items()


def test_without_a_mark_the_file_still_says_what_it_is(run, places):
    animate(run, places, "out.webp", "--no-mark", "--absolute", "--rate", "20")
    frames, rate = read_clip(places / "out.webp")
    assert not is_marked(frames) and rate == 20
    assert comment_of(places / "out.webp")["generated"] is True


def test_a_folder_of_frames_drives_at_the_rate_of_the_run(run, places):
    (places / "frames").mkdir()
    for number, frame in enumerate(CLIP):
        Image.fromarray(frame).save(places / "frames" / f"{number + 8}.png")
    animate(run, places, "out.webp", driver="frames")
    frames, rate = read_clip(places / "out.webp")
    assert len(frames) == 4 and rate == pytest.approx(16, rel=0.02)


GREY = RANDOM.integers(0, 256, (3, 16, 16, 1), np.uint8)
MISTAKES = {
    "a driver of another size": (CLIP[0], CLIP[:, :12], "out.gif", "expected a driver of 16 x 16 pixels, as the run was trained on, found"),
    "a driver of one frame": (CLIP[0], CLIP[:1], "out.gif", "expected a driver of two frames or more, found one in"),
    "a grey driver": (CLIP[0], GREY, "out.gif", "expected frames in colour, found grey ones"),
    "a source of another size": (CLIP[0, :, :12], CLIP, "out.gif", "expected a source of 16 x 16 pixels, as the run was trained on, found"),
    "a grey source": (GREY[0, ..., 0], CLIP, "out.gif", "expected a source of three channels of colour, found"),
    "an ending": (CLIP[0], CLIP, "out.npy", "expected a path that ends in .webp, .gif, .mp4 or .png, found"),
}


@pytest.mark.parametrize(("source", "driver", "out", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_one_line_and_nothing_is_written(run, tmp_path, capsys, monkeypatch, source, driver, out, message):
    monkeypatch.setattr("jgan.run.trained.Trained.outputs", lambda *args, **kwargs: pytest.fail("it was computed"))
    Image.fromarray(source).save(tmp_path / "source.png")
    (tmp_path / "driver").mkdir()
    for number, frame in enumerate(driver):
        Image.fromarray(frame[..., 0] if frame.shape[-1] == 1 else frame).save(tmp_path / "driver" / f"{number}.png")
    with pytest.raises(SystemExit) as stopped:
        animate(run, tmp_path, out, driver="driver")
    assert stopped.value.code == 2 and message in capsys.readouterr().err.replace("\n", " ")
    assert not (tmp_path / out).exists()


@pytest.mark.parametrize("driver", ["empty", "empty.gif"])
def test_an_empty_driver(run, places, capsys, driver):
    (places / "empty").mkdir()
    (places / "empty.gif").write_bytes(b"")
    with pytest.raises(SystemExit):
        animate(run, places, "out.gif", driver=driver)
    error = capsys.readouterr().err
    assert f"{driver}" in error and ("found no frames" in error or "image" in error)
