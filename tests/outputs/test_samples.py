import numpy as np
import pytest
from tests.outputs.examples import KINDS, numbers, of_kind, opened

from jgan.outputs import image, moments, render, write
from jgan.outputs.samples import files_at, strays

OUTPUTS = {name: of_kind(name) for name in KINDS}


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (["image"], ["00001000.png"]),
        (["video"], ["00001000-video.png", "00001000-video.webp"]),
        (["audio"], ["00001000-audio.png", *(f"00001000-audio/{i:04d}.wav" for i in range(3))]),
        (["tokens"], ["00001000-tokens.txt"]),
        (["image", "tokens"], ["00001000-tokens.txt", "00001000.png"]),
    ],
)
def test_files(tmp_path, kinds, expected):
    written = write(tmp_path / "samples", 1000, render(OUTPUTS, {name: KINDS[name] for name in kinds}))
    assert names(tmp_path / "samples") == expected == sorted(str(file.relative_to(tmp_path / "samples")) for file in written)
    assert all(file.stat().st_size for file in written)


def test_images_share_a_picture_in_the_order_of_their_kinds():
    white, black = np.ones((1, 60, 60, 3), np.float32), -np.ones((1, 60, 60, 3), np.float32)
    outputs = {"truth": white, "input": black, "label": np.asarray([7])}
    found = opened(render(outputs, {"input": image(), "truth": image()})[""][".png"])
    assert found[-1, 0].tolist() == [0, 0, 0] and found[-1, -1].tolist() == [255, 255, 255]


def test_columns():
    assert opened(render({"image": numbers(6, 4, 4, 3)}, {"image": image()}, columns=6)[""][".png"]).shape == (4, 24, 3)


def test_moments_and_their_files(tmp_path):
    for moment in (200, 3, 123_456_789_012):
        write(tmp_path, moment, render(OUTPUTS, KINDS))
    (tmp_path / "notes.txt").write_text("no sample")
    (tmp_path / ".00000007.png.12").write_text("half a file")
    assert moments(tmp_path) == [3, 200, 123_456_789_012]
    assert [path.name for path in strays(tmp_path)] == ["notes.txt"]
    found = files_at(tmp_path, 200)
    assert {name: len(files) for name, files in found.items()} == {"": 1, "video": 2, "audio": 4, "tokens": 1}


@pytest.mark.parametrize("there", [True, False])
def test_no_moments(tmp_path, there):
    folder = tmp_path if there else tmp_path / "samples"
    assert moments(folder) == [] == strays(folder)


def test_the_folder_of_a_run_that_was_removed_is_not_made_again(tmp_path):
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "run" / "samples", 5, render(OUTPUTS, KINDS))
    assert not (tmp_path / "run").exists()


def test_a_moment_is_replaced_as_after_a_resume(tmp_path):
    for n in (4, 2):
        write(tmp_path, 5, render({"audio": of_kind("audio", n)}, {"audio": KINDS["audio"]}))
    assert names(tmp_path) == ["00000005-audio.png", "00000005-audio/0000.wav", "00000005-audio/0001.wav"]


def test_nothing_is_left_of_a_file_that_cannot_be_written(tmp_path, monkeypatch):
    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="no space"):
        write(tmp_path, 5, render(OUTPUTS, KINDS))
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("outputs", "kinds", "message"),
    [
        (OUTPUTS, {}, "kind of at least one output"),
        ({"a": numbers(1, 2, 2, 3)}, {"image": image()}, "expected an output image, found a"),
        ({"../a": numbers(1, 2, 2, 3)}, {"../a": image()}, r"letters, digits.*found '\.\./a'"),
        ({"a": numbers(1, 2, 2, 3)[0]}, {"a": image()}, "a: expected images"),
        ({"a": numbers(1, 2, 2, 3), "b": numbers(2, 2, 2, 3)}, {"a": image(), "b": image()}, "same number of examples"),
    ],
)
def test_refused(outputs, kinds, message):
    with pytest.raises(ValueError, match=message):
        render(outputs, kinds)
