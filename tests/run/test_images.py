import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from jgan.run.images import grid, save_animation, save_png, to_uint8

LEVELS = np.arange(256, dtype=np.uint8)


def test_every_level_survives_the_way_to_floats_and_back():
    np.testing.assert_array_equal(to_uint8(LEVELS.astype(np.float32) / np.float32(127.5) - np.float32(1)), LEVELS)


@pytest.mark.parametrize(("value", "level"), [(-1.5, 0), (-1.0, 0), (1.0, 255), (7.0, 255), (0.9, 242)])
def test_values(value, level):
    assert to_uint8(np.asarray([value], np.float32)) == level


def test_uint8_stays(tmp_path):
    assert to_uint8(LEVELS) is LEVELS


def test_grid_places_images_row_by_row():
    images = np.stack([np.full((2, 3, 1), i, np.uint8) for i in (1, 2, 3)])
    expected = np.block([[images[0, ..., 0], images[1, ..., 0]], [images[2, ..., 0], np.zeros((2, 3), np.uint8)]])
    np.testing.assert_array_equal(grid(images, columns=2)[..., 0], expected)


@pytest.mark.parametrize(
    ("n", "height", "width", "shape"), [(64, 8, 8, (64, 64)), (8, 16, 4, (32, 24)), (1, 5, 7, (5, 7)), (2, 4, 4, (4, 8))]
)
def test_grids_are_about_square(n, height, width, shape):
    assert grid(np.zeros((n, height, width, 3), np.float32)).shape[:2] == shape


@pytest.mark.parametrize("shape", [(0, 4, 4, 3), (4, 4, 3)])
def test_what_is_no_batch_of_images(shape):
    with pytest.raises(ValueError, match=r"expected images \[N, H, W, C\]"):
        grid(np.zeros(shape, np.uint8))


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "L"), (3, "RGB"), (4, "RGBA"), (7, "RGB")])
def test_png_of_any_number_of_channels(tmp_path, channels, mode):
    image = np.random.default_rng(0).integers(0, 256, (5, 6, channels), np.uint8)
    save_png(tmp_path / "a.png", image)
    with Image.open(tmp_path / "a.png") as saved:
        assert saved.mode == mode
        pixels = np.asarray(saved)
    np.testing.assert_array_equal(pixels.reshape(5, 6, -1), image[..., : len(saved.getbands())])


FRAMES = [np.full((6, 5, 3), level, np.uint8) for level in (0, 60, 120, 240)]


@pytest.mark.parametrize("ending", [".gif", ".webp"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_animations(tmp_path, ending, channels):
    path = tmp_path / f"a{ending}"
    save_animation(
        path,
        [f[..., :1].repeat(channels, -1) | (255 if channels == 4 else 0) for f in FRAMES[:1]]
        + [f[..., :1].repeat(channels, -1) for f in FRAMES[1:]],
        fps=10,
    )
    with Image.open(path) as image:
        assert image.size == (5, 6)
        assert image.n_frames == 4


def test_video(tmp_path):
    ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="the extra `video` is not installed").get_ffmpeg_exe()
    path = tmp_path / "a.mp4"
    save_animation(path, [np.full((33, 47, 3), level, np.uint8) for level in (0, 100, 200)], fps=10)
    command = [ffmpeg, "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    frames = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.uint8).reshape(3, 34, 48, 3)
    assert abs(int(frames[1, :33, :47].mean()) - 100) < 5


def test_video_without_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ModuleNotFoundError, match=r"jgan\[video\]"):
        save_animation(tmp_path / "a.mp4", FRAMES)


@pytest.mark.parametrize(("name", "frames", "message"), [("a.avi", FRAMES, r"\.gif, \.webp or \.mp4"), ("a.gif", [], "at least one frame")])
def test_refused_animations(tmp_path, name, frames, message):
    with pytest.raises(ValueError, match=message):
        save_animation(tmp_path / name, frames)
