import io
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

from jgan.data import mp4
from jgan.data.clips import open_clips, read_clip
from jgan.outputs.videos import animation

GREYS = np.arange(0, 240, 10)  # 24 frames, each of which says where it is


def clip(frames=GREYS, size=(8, 12)):
    return [np.full((*size, 3), grey, np.uint8) for grey in frames]


def png(grey, size=(8, 12)):
    content = io.BytesIO()
    Image.fromarray(np.full((*size, 3), grey, np.uint8)).save(content, "PNG")
    return content.getvalue()


def written(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def frames_of(name, greys=GREYS):
    return {f"{name}/{number}.png": png(grey) for number, grey in enumerate(greys)}


def greys(source, index=0):
    return source.read(index)["video"].mean(axis=(1, 2, 3))


@pytest.mark.parametrize("ending", [".gif", ".webp", ".mp4"])
def test_files_are_clips(tmp_path, ending):
    pytest.importorskip("imageio_ffmpeg")
    written(
        tmp_path,
        {f"a{ending}": animation(clip(size=(16, 24)), 10.0, ending), f"b{ending}": animation(clip(GREYS[:8], (16, 24)), 10.0, ending)},
    )
    source = open_clips(tmp_path, frames=8)
    assert source.size == 4 and source.fields["video"].shape == (8, 16, 24, 3) and source.rates == {"video": 10.0}
    for index in range(4):
        np.testing.assert_allclose(np.diff(greys(source, index)), 10, atol=3)
    np.testing.assert_allclose(greys(source, 3), GREYS[:8], atol=3)
    assert [int(round(greys(source, index)[0] / 80)) for index in range(3)] == [0, 1, 2]


def test_folders_of_frames_are_clips_in_folders_of_classes(tmp_path):
    files = {name: content for n in (0, 1) for label in ("up", "down") for name, content in frames_of(f"train/{label}/{n}").items()}
    written(tmp_path, files | frames_of("test/up/0", GREYS[:16]))
    source = open_clips(tmp_path, frames=24, rate=12, labels=True)
    assert source.size == 4 and source.names == {"label": ("down", "up")} and source.columns["label"].tolist() == [0, 0, 1, 1]
    assert source.rates == {"video": 12} and greys(source).tolist() == GREYS.tolist()  # 2.png before 10.png
    assert open_clips(tmp_path, frames=16, rate=12, split="test").size == 1
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    packed = open_clips(tmp_path / "set.zip", frames=24, rate=12, labels=True, resolution=(4, 6), channels=1)
    assert packed.fields["video"].shape == (24, 4, 6, 1) and packed.columns["label"].tolist() == [0, 0, 1, 1]
    assert greys(packed, 3).tolist() == GREYS.tolist()


def test_one_folder_of_frames(tmp_path):
    written(tmp_path, frames_of("only"))
    assert open_clips(tmp_path / "only", frames=6, rate=5).size == open_clips(tmp_path, frames=6, rate=5).size == 4


def test_a_rate_that_is_given_goes_before_those_of_files(tmp_path):
    written(tmp_path, {"a.gif": animation(clip(), 10.0, ".gif"), "b.gif": animation(clip(), 20.0, ".gif")})
    with pytest.raises(ValueError, match=r"of one rate, found several: .*a\.gif has 10 and .*b\.gif has 20 frames per second"):
        open_clips(tmp_path)
    assert open_clips(tmp_path, rate=15).rates == {"video": 15}


ERRORS = {
    "empty": ({}, "no clips in .*: found nothing; expected GIF, WebP or MP4 files, or folders of frames"),
    "short": ({"a.gif": animation(clip(GREYS[:5]), 10.0, ".gif")}, r"at least 16 frames, one window, found 5 in .*a\.gif; take fewer"),
    "no rate": (frames_of("a"), "expected the frames per second of .*a, which it does not say; give rate="),
    "sizes": (
        {"a.gif": animation(clip(), 10.0, ".gif"), "b.gif": animation(clip(size=(6, 6)), 10.0, ".gif")},
        r"mixed sizes .*a\.gif has \(8, 12\), .*b\.gif has \(6, 6\)",
    ),
    "damaged": ({"a.gif": b"GIF89a"}, r"nothing readable in .*a\.gif: damaged"),
}


@pytest.mark.parametrize(("files", "message"), ERRORS.values(), ids=ERRORS)
def test_errors(tmp_path, files, message):
    pytest.importorskip("imageio_ffmpeg")
    with pytest.raises(ValueError, match=message):
        open_clips(written(tmp_path, files))


def test_a_damaged_video(tmp_path):
    pytest.importorskip("imageio_ffmpeg")
    with pytest.raises(ValueError, match=r"nothing readable in .*a\.mp4: damaged video"):
        open_clips(written(tmp_path, {"a.mp4": b"nothing"}))


def test_what_unpacks_to_too_much(tmp_path):
    pytest.importorskip("imageio_ffmpeg")
    written(tmp_path / "gif", {"a.gif": animation(clip(), 10.0, ".gif")})
    written(tmp_path / "mp4", {"a.mp4": animation(clip(size=(16, 24)), 10.0, ".mp4")})
    for kind, limit, frames in (("gif", 5_000, 24), ("mp4", 18_000, 16)):
        with pytest.raises(ValueError, match=f"{frames} frames of .* would unpack to"):
            open_clips(tmp_path / kind, max_unpacked=limit)
    assert open_clips(tmp_path / "mp4", max_unpacked=18_432).size == 1  # a window of 16 frames
    with pytest.raises(ValueError, match="24 frames of 24 x 16 of a video would unpack to"):
        read_clip(tmp_path / "mp4" / "a.mp4", max_unpacked=18_432)


def converted(path, *options, before=()):
    """The same video after ffmpeg has written it anew."""
    other = path.with_name("b.mp4")
    ffmpeg = pytest.importorskip("imageio_ffmpeg").get_ffmpeg_exe()
    subprocess.run([ffmpeg, "-v", "error", *before, "-i", path, *options, other], check=True)
    return other


def test_each_frame_of_a_phone_video_is_read_once(tmp_path):
    written(tmp_path, {"a.mp4": animation(clip(size=(16, 24)), 10.0, ".mp4")})
    path = converted(tmp_path / "a.mp4", "-vf", "select='lt(mod(n,4),2)'", "-fps_mode", "vfr")
    frames, _ = read_clip(path)
    np.testing.assert_allclose(frames.mean(axis=(1, 2, 3)), GREYS[np.arange(24) % 4 < 2], atol=3)
    (tmp_path / "a.mp4").unlink()
    np.testing.assert_allclose(greys(open_clips(tmp_path, frames=12)), frames.mean(axis=(1, 2, 3)), atol=1e-6)


def test_an_upright_video_has_its_upright_size(tmp_path):
    split = np.where(np.arange(24)[:, None] < 12, 0, 255)[None].repeat(16, 0).repeat(3, -1).astype(np.uint8)  # dark left, light right
    written(tmp_path, {"a.mp4": animation([split] * 4, 10.0, ".mp4")})
    path = converted(tmp_path / "a.mp4", "-c", "copy", before=("-display_rotation", "90"))
    (tmp_path / "a.mp4").unlink()
    frames, _ = read_clip(path)
    assert frames.shape == (4, 24, 16, 3) and open_clips(tmp_path, frames=4).fields["video"].shape == (4, 24, 16, 3)
    assert frames[:, :10].min() > 200 and frames[:, 14:].max() < 50


def test_videos_need_their_extra(tmp_path, monkeypatch):
    written(tmp_path, {"a.mp4": b"x"})
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'jgan\[video\]', or take GIF"):
        open_clips(tmp_path)


def test_a_video_that_ends_early():
    pytest.importorskip("imageio_ffmpeg")
    with pytest.raises(ValueError, match="ends before frame 24"):
        mp4.frames(animation(clip(size=(16, 24)), 10.0, ".mp4"), range(20, 31), (16, 24), 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"frames": 0}, "one frame or more"), ({"rate": 0.0}, "a positive rate"), ({"channels": 1}, "3 channels of the")],
)
def test_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        open_clips("moving", **settings)


def test_embedded_clips():
    source = open_clips("talking", frames=4, rate=8, resolution=16, limit=2)
    assert source.rates == {"video": 8} and source.read(1)["video"].shape == (4, 16, 16, 3)
    with pytest.raises(FileNotFoundError, match="no source 'mooving': expected 'moving', 'talking', or .*; did you mean 'moving'"):
        open_clips("mooving")


def test_one_clip_is_read_whole(tmp_path):
    written(tmp_path, {"a.gif": animation(clip(), 10.0, ".gif"), **frames_of("b")})
    for name, rate in {"a.gif": 10.0, "b": 0.0}.items():
        frames, found = read_clip(tmp_path / name, 3)
        assert frames.shape == (24, 8, 12, 3) and found == rate
        np.testing.assert_allclose(frames.mean(axis=(1, 2, 3)), GREYS, atol=3)


UNREADABLE = {
    "nothing": ({"c/readme.txt": b"no"}, "found no frames in"),
    "empty": ({"c": b""}, "c: "),
    "two sizes": ({"c/0.png": png(0), "c/1.png": png(0, (8, 8))}, "expected frames of one size, found 8 x 8 and 8 x 12 pixels"),
}


@pytest.mark.parametrize(("files", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_clip(tmp_path, files, message):
    written(tmp_path, files)
    with pytest.raises(ValueError, match=message):
        read_clip(tmp_path / "c", 3)
