import sys

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from tests.outputs.examples import KINDS, numbers, of_kind, opened
from tests.outputs.test_sounds import read

from jgan.outputs import audio, check_path, endings, image, save
from jgan.outputs.images import PICTURES

OUTPUTS = {name: of_kind(name) for name in KINDS}
PAIR = {"input": image(), "output": image()}


def chosen(*names):
    return {name: KINDS[name] for name in names}


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (chosen("image"), [*PICTURES, ".npy", ".npz"]),
        (chosen("video"), [".webp", ".gif", ".mp4", ".npy", ".npz"]),
        (chosen("audio"), [".wav", ".npy", ".npz"]),
        (chosen("tokens"), [".txt", ".npy", ".npz"]),
        (chosen("image", "tokens"), [*PICTURES, ".txt", ".npz"]),
        (PAIR, [*PICTURES, ".npz"]),
        ({"left": audio(8), "right": audio(8)}, [".npz"]),
    ],
)
def test_endings(tmp_path, kinds, expected):
    assert endings(kinds) == expected
    for ending in expected:
        check_path(tmp_path / f"a{ending.upper()}", kinds)
    with pytest.raises(ValueError, match=rf"ends in {', '.join(expected)}, or in / for one file per example.*{', '.join(kinds)}.*a\.bmp"):
        check_path(tmp_path / "a.bmp", kinds)


def test_a_wrong_ending_is_found_before_anything_is_looked_at(tmp_path):
    with pytest.raises(ValueError, match=r"ends in \.wav, \.npy, \.npz, or"):
        save(tmp_path / "a.png", {}, chosen("audio"))
    assert not list(tmp_path.iterdir())


def test_mp4_without_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ModuleNotFoundError, match=r"jgan\[video\]"):
        check_path(tmp_path / "a.mp4", chosen("video"))


def test_a_grid(tmp_path):
    assert save(tmp_path / "new" / "a.png", OUTPUTS, KINDS, columns=3) == [tmp_path / "new" / "a.png"]
    assert opened(tmp_path / "new" / "a.png").shape == (6, 15, 3)


@pytest.mark.parametrize(("channels", "corner"), [(1, 100), (3, (100, 100, 100)), (4, (255, 255, 255))])
def test_jpeg(tmp_path, channels, corner):
    images = np.full((2, 32, 32, channels), 100, np.uint8)
    images[..., 3:] = 0  # transparent: seen as white
    save(tmp_path / "a.JPG", {"image": images}, chosen("image"))
    with Image.open(tmp_path / "a.JPG") as saved:
        assert saved.format == "JPEG" and saved.size == (64, 32) and saved.getpixel((3, 3)) == corner


@pytest.mark.parametrize("name", ["file/a.png", "file", "x" * 300 + ".png"])
def test_impossible_places_are_found_before_anything_is_looked_at(tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="cannot be written: .*; give another path|File name too long"):
        check_path(tmp_path / name, chosen("image"))
    check_path(tmp_path / "new" / "folder" / "a.png", chosen("image"))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_labelled_columns(tmp_path):
    images = numbers(2, 64, 64, 3)
    save(tmp_path / "a.png", {"input": images, "output": images}, PAIR, columns=1)
    height, width, _ = opened(tmp_path / "a.png").shape
    assert width == 130 and height > 130


@pytest.mark.parametrize("ending", [".webp", ".gif", ".mp4"])
def test_videos(tmp_path, ending):
    if ending == ".mp4":
        pytest.importorskip("imageio_ffmpeg", reason="the extra `video` is not installed")
    (path,) = save(tmp_path / f"a{ending}", OUTPUTS, KINDS)
    if ending == ".mp4":
        assert path.read_bytes()[4:8] == b"ftyp"
    else:
        with Image.open(path) as saved:
            assert saved.n_frames == 4


def test_sounds_and_text(tmp_path):
    save(tmp_path / "a.wav", OUTPUTS, KINDS)
    save(tmp_path / "a.txt", OUTPUTS, KINDS)
    assert read((tmp_path / "a.wav").read_bytes())[0] == 8_000
    assert (tmp_path / "a.txt").read_text() == "a\nred & <b> a red & <b>\ncat cat cat\n"


def test_numbers_stay_as_they_are(tmp_path):
    save(tmp_path / "a.npy", OUTPUTS, chosen("image"))
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), OUTPUTS["image"])
    save(tmp_path / "a.npz", OUTPUTS, KINDS)
    with np.load(tmp_path / "a.npz") as saved:
        assert list(saved) == list(KINDS)
        for name, values in OUTPUTS.items():
            np.testing.assert_array_equal(saved[name], values)


def test_arrays_of_jax(tmp_path):
    values = jnp.linspace(-1, 1, 12, dtype=jnp.bfloat16).reshape(1, 2, 2, 3)
    save(tmp_path / "a.png", {"image": values}, chosen("image"))
    assert opened(tmp_path / "a.png").ravel()[[0, -1]].tolist() == [0, 255]
    save(tmp_path / "a.npy", {"image": values}, chosen("image"))
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), np.asarray(values, np.float32))


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("path", ["there", "new/", "without_ending", "dotted.there"])
def test_one_file_per_example(tmp_path, name, path):
    for folder in ("there", "dotted.there"):
        (tmp_path / folder).mkdir()
    ending = {"image": ".png", "video": ".webp", "audio": ".wav", "tokens": ".txt"}[name]
    files = save(f"{tmp_path}/{path}", OUTPUTS, chosen(name))
    assert files == [tmp_path / path / f"{i:04d}{ending}" for i in range(3)]
    assert all(file.stat().st_size for file in files)
    if name == "image":
        np.testing.assert_array_equal(opened(files[2]), KINDS["image"].check("", OUTPUTS["image"])[2])


def test_several_outputs_have_a_folder_each(tmp_path):
    files = save(f"{tmp_path}/new/", OUTPUTS, chosen("image", "tokens"))
    assert [str(file.relative_to(tmp_path)) for file in files[::3]] == ["new/image/0000.png", "new/tokens/0000.txt"]
    assert files[5].read_text() == "cat cat cat\n"
