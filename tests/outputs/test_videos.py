import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageSequence
from tests.outputs.examples import numbers, opened

from jgan.outputs.videos import GAP, animation, film_strip, video

CLIPS = np.random.default_rng(0).integers(0, 256, (3, 5, 6, 4, 3), np.uint8)
FRAMES = [np.full((6, 5, 3), level, np.uint8) for level in (0, 60, 120, 240)]


def test_files_of_a_run(tmp_path):
    files = video(10.0).files(video(10.0).check("video", CLIPS), 2)
    assert list(files) == [".webp", ".png"]
    (tmp_path / "a.webp").write_bytes(files[".webp"])
    with Image.open(tmp_path / "a.webp") as saved:
        assert saved.info["loop"] == 0
        frames = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(saved)]
        assert saved.info["duration"] == 100
    assert len(frames) == 5
    np.testing.assert_array_equal(frames[3][:6, 4:], CLIPS[1, 3])
    np.testing.assert_array_equal(opened(files[".png"])[6 + GAP : 12 + GAP, 2 * (4 + GAP) : 2 * (4 + GAP) + 4], CLIPS[1, 2])


@pytest.mark.parametrize("milliseconds", [50, 60, 70])
def test_a_rate_that_was_read_of_a_gif_is_kept(milliseconds):
    with Image.open(io.BytesIO(animation(FRAMES, 1 / (milliseconds / 1000), ".gif"))) as saved:
        assert saved.info["duration"] == milliseconds


def test_film_strips_show_the_first_and_the_last_frame():
    strip = film_strip(CLIPS, frames=2, rows=2)
    assert strip.shape == (12 + GAP, 8 + GAP, 3)
    np.testing.assert_array_equal(strip[:6, :4], CLIPS[0, 0])
    np.testing.assert_array_equal(strip[6 + GAP :, 4 + GAP :], CLIPS[1, 4])


@pytest.mark.parametrize("frames", [1, 3])
def test_film_strips_of_short_clips(frames):
    assert film_strip(CLIPS[:1, :frames]).shape == (6, frames * (4 + GAP) - GAP, 3)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("ending", [".webp", ".gif"])
def test_any_number_of_channels(tmp_path, ending, channels):
    kind = video(8.0)
    (tmp_path / f"a{ending}").write_bytes(kind.formats[ending](kind.check("video", numbers(2, 3, 6, 5, channels)), None))
    with Image.open(tmp_path / f"a{ending}") as saved:
        assert saved.size == (10, 6) and saved.n_frames == 3


def test_gif_where_pillow_has_no_webp(monkeypatch):
    monkeypatch.setattr("PIL.features.check", lambda feature: False)
    assert list(video(8.0).files(CLIPS, None)) == [".gif", ".png"]
    assert list(video(8.0).formats) == [".gif", ".mp4"]


def test_mp4(tmp_path):
    ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="the extra `video` is not installed").get_ffmpeg_exe()
    path = tmp_path / "a.mp4"
    path.write_bytes(animation([np.full((33, 47, 3), level, np.uint8) for level in (0, 100, 200)], 10, ".mp4"))
    command = [ffmpeg, "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    frames = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.uint8).reshape(3, 34, 48, 3)
    assert abs(int(frames[1, :33, :47].mean()) - 100) < 5


def test_mp4_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ModuleNotFoundError, match=r"jgan\[video\]"):
        animation(FRAMES, 15, ".mp4")


@pytest.mark.parametrize("ending", [".gif", ".webp"])
def test_transparent_frames_stand_alone(ending):
    frames = np.zeros((4, 8, 64, 4), np.uint8)
    for t in range(4):
        frames[t, :, 16 * t : 16 * t + 16] = 255, 0, 0, 255
    with Image.open(io.BytesIO(animation(frames, 15, ending))) as saved:
        opaque = [np.flatnonzero(np.asarray(frame.convert("RGBA"))[0, :, 3]).tolist() for frame in ImageSequence.Iterator(saved)]
    assert opaque == [list(range(16 * t, 16 * t + 16)) for t in range(4)]


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        (numbers(2, 6, 5, 3), ValueError, r"clip: expected clips \[N, T, H, W, C\]"),
        (numbers(2, 0, 6, 5, 3), ValueError, "no empty axis"),
        (np.full((2, 1, 2, 2, 3), np.nan), ValueError, "NaN in 2 of 2 examples"),
        (np.zeros((2, 1, 2, 2, 3), np.int64), TypeError, "found int64"),
    ],
)
def test_refused(values, error, message):
    with pytest.raises(error, match=message):
        video(8.0).check("clip", values)


@pytest.mark.parametrize("fps", [0, -1.0, float("nan")])
def test_refused_rates(fps):
    with pytest.raises(ValueError, match="positive number of frames per second"):
        video(fps)


def test_comments_are_kept():
    gif, webp = (Image.open(io.BytesIO(animation(FRAMES, 15, ending, "made, not filmed"))) for ending in (".gif", ".webp"))
    assert gif.info["comment"] == b"made, not filmed" and webp.getexif()[270] == "made, not filmed"


def test_comments_of_mp4(tmp_path):
    ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="the extra `video` is not installed").get_ffmpeg_exe()
    (tmp_path / "a.mp4").write_bytes(animation(FRAMES, 15, ".mp4", "made, not filmed"))
    said = subprocess.run([ffmpeg, "-i", tmp_path / "a.mp4"], capture_output=True).stderr.decode()
    assert "made, not filmed" in said
