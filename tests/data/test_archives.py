import bz2
import gzip
import io
import lzma
import os
import socket
import tarfile
import warnings
import zipfile

import numpy as np
import pytest
from PIL import Image

from jgan import bounded
from jgan.data import archives, open_source, reading

RED, BLUE = (200, 30, 30), (30, 30, 200)
MB = bytes(1 << 20)


def picture(colour=RED, form="PNG", size=(16, 16)):
    data = io.BytesIO()
    Image.new("RGB", size, colour).save(data, form)
    return data.getvalue()


def folder(path, **files):
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def zipped(path, method=zipfile.ZIP_DEFLATED, **files):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def tarred(**files):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return data.getvalue()


@pytest.fixture
def small_limit(monkeypatch):
    """Files may unpack to 1 MiB and twice their size, so that bombs can be small."""
    monkeypatch.setattr(bounded, "FREE", 1 << 20)
    monkeypatch.setattr(bounded, "RATIO", 2)


def is_red(image):
    return np.abs(image.astype(int) - RED).max() <= 3


def test_files_are_known_by_content(tmp_path):
    names = {
        "a.jfif": "JPEG",
        "b.jpe": "JPEG",
        "c": "PNG",
        "d.PNG": "PNG",
        "e.part": "TIFF",
        "f.gif": "BMP",
        "g.png": "WEBP",
        "h.jpg": "GIF",
    }
    path = folder(
        tmp_path / "set", **{name: picture(form=form) for name, form in names.items()}, **{"notes": b"BM, notes", "list.txt": b"II"}
    )
    source = open_source(path, channels=3)
    assert source.size == len(names) and all(is_red(source.read(index)["image"]) for index in range(source.size))


def test_every_file_that_is_left_out_is_named(tmp_path):
    files = {
        "a.png": picture(),
        "b.png": b"",
        "c.jpg": b"<html>",
        "d.jp2": b"\0\0\0\x0cjP  ",
        "e.ppm": picture(form="PPM"),
        "f.heic": b"....ftypheic",
    }
    with pytest.warns(UserWarning, match=r"5 of 6 files left out, first .*b\.png: .*c\.jpg, .*d\.jp2, .*e\.ppm, .*f\.heic"):
        assert open_source(folder(tmp_path / "set", **files)).size == 1


@pytest.mark.parametrize("labelled", [True, False])
def test_files_that_are_not_regular(tmp_path, labelled):
    path = folder(tmp_path / "set", **{"0.png": picture()})
    os.mkfifo(path / "1.png")
    os.mkfifo(path / "pipe")
    (path / "2.png").symlink_to("/dev/zero")
    (path / "3.png").symlink_to("nowhere")
    (path / "4.png").symlink_to("0.png")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.getcwd()
        os.chdir(path)  # the name of a socket has to be short
        listener.bind("5.png")
        os.chdir(here)
        with pytest.warns(UserWarning, match=r"4 of 6 files left out.*1\.png.*2\.png.*3\.png.*5\.png") as record:
            source = open_source(path, labels=None if labelled else False)
    assert source.size == 2 and len(record) == 1
    reasons = {name[-5:]: reason for name, reason in source.skipped}
    assert "is no regular file" in reasons["1.png"] and "No such file" in reasons["3.png"]


@pytest.mark.parametrize("name", ["set.zip", "set.npz", "set.tar", "set.tar.gz"])
def test_a_pipe_is_no_set(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(ValueError, match=f"{name} is n"):
        open_source(tmp_path / name)


def test_links_to_folders(tmp_path):
    path = folder(tmp_path / "set", **{"pictures/0.png": picture()})
    (path / "pictures" / "up").symlink_to("..")
    (path / "pictures" / "here").symlink_to(".")
    (path / "twice").symlink_to("pictures")
    with pytest.warns(UserWarning, match=r"4 folders left out, first: .*/pictures/here is a link to a folder that it is in"):
        assert sorted(archives.open_archive(path).names) == ["pictures/0.png", "twice/0.png"]


def test_work_that_takes_long_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "LONG", 0)
    path = folder(tmp_path / "set", **{"a/0.png": picture(), "b/0.png": picture()})
    with pytest.warns(UserWarning) as record:
        open_source(path)
    said = [str(warning.message) for warning in record]
    assert len(said) == 3 and all(one.startswith("it takes long to") and one.endswith("; is it the right place?") for one in said)
    assert f"list {path}: 0 folders up to {path}" in said[0] and f"look for images in {path}: 0 of 2 files up to a/0.png" in said[1]
    assert f"look at 2 images: 0 up to {path}/a/0.png" in said[2]


@pytest.mark.parametrize("path", ["/", "/tmp/../.."])
def test_the_root_of_a_file_system_is_refused(path):
    with pytest.raises(ValueError, match=f"{path} is the root of a file system"):
        open_source(path)


@pytest.mark.parametrize("name", ["set.zip", "set.tar", "set.tar.gz"])
def test_files_of_one_name_are_said(tmp_path, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of zipfile
        zipped(tmp_path / "set.zip", **{"a.png": picture(BLUE), "./a.png": picture(), "b.png": picture()})
    tar = tarred(**{"a.png": picture(BLUE), "./a.png": picture(), "b.png": picture()})
    (tmp_path / "set.tar").write_bytes(tar)
    (tmp_path / "set.tar.gz").write_bytes(gzip.compress(tar))
    with pytest.warns(UserWarning, match=rf"{name}: 1 files have the name of another one, which is not read, first a\.png"):
        source = open_source(tmp_path / name)
    assert source.size == 2 and is_red(source.read(0)["image"])


def test_files_that_may_not_be_read(tmp_path, monkeypatch):
    """As for whoever is not root."""
    path, opened = folder(tmp_path / "set", **{"a.png": picture(), "b.png": picture()}), bounded.open_regular

    def refused(file):
        if file.name == "b.png":
            raise PermissionError(13, "Permission denied", str(file))
        return opened(file)

    monkeypatch.setattr(bounded, "open_regular", refused)
    with pytest.warns(UserWarning, match=r"1 of 2 files left out, first .*b\.png: .*Permission denied"):
        assert open_source(path).size == 1


def test_archives_in_a_folder_are_said(tmp_path):
    path = folder(tmp_path / "set", **{"a.png": picture(), "notes.txt": b"none", "train.tar.gz": b"", "test.zip": b""})
    with pytest.warns(UserWarning, match=r"2 archives in it are not read, first test\.zip"):
        source = open_source(path)
    assert {name.rpartition("/")[2] for name, _ in source.skipped} == {"notes.txt", "train.tar.gz", "test.zip"}


def test_an_empty_folder(tmp_path):
    with pytest.raises(ValueError, match=r"no images in .*: found nothing"):
        open_source(tmp_path)


def test_a_packed_tar_of_very_many_files(tmp_path, small_limit):
    empty = b"".join(tarfile.TarInfo(f"{number}.png").tobuf() for number in range(600))
    (tmp_path / "set.tar.gz").write_bytes(gzip.compress(empty))  # 0.3 MB
    with pytest.raises(ValueError, match=r"set\.tar\.gz would unpack to"):
        open_source(tmp_path / "set.tar.gz")


def test_names_in_archives(tmp_path):
    names = ["./a/0.png", "a\\1.png", "/b/2.png", "b//./3.png", "../../c/4.png", "c/d/../5.png", "e" * 5000 + "/6.png"]
    path = zipped(tmp_path / "set.zip", **dict.fromkeys(names, picture()), **{"a\\": b""})
    assert archives.open_archive(path).names == ["a/0.png", "a/1.png", "b/2.png", "b/3.png", "c/4.png", "c/5.png", names[-1]]
    (tmp_path / "set.tar").write_bytes(tarred(**dict.fromkeys(names, picture())))
    assert archives.open_archive(tmp_path / "set.tar").names == [
        "a/0.png",
        "a/1.png",
        "b/2.png",
        "b/3.png",
        "c/4.png",
        "c/5.png",
        names[-1],
    ]
    assert is_red(open_source(path).read(3)["image"])


@pytest.mark.parametrize("name", ["set", "set.tar", "set.tar.gz", "set.tar.xz", "set.tbz2"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_tars_are_known_by_content(tmp_path, name, pack):
    (tmp_path / name).write_bytes(pack(tarred(**{"a/0.png": picture()})))
    assert is_red(open_source(tmp_path / name).read(0)["image"])


METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


@pytest.mark.parametrize("method", METHODS)
def test_methods_of_zips(tmp_path, method):
    content = np.random.default_rng(0).bytes(5000) + bytes(200_000)
    archive = archives.open_archive(zipped(tmp_path / "set.zip", method, a=content, empty=b""))
    assert archive.read("a") == content and archive.read("a", 6000) == content[:6000] and archive.read("empty") == b""
    assert archive.size("a") == len(content)


@pytest.mark.parametrize("change", ["contents", "options", "encrypted", "method", "place"])
@pytest.mark.parametrize("method", METHODS)
def test_one_damaged_entry_is_left_out(tmp_path, method, change):
    files = {"a/0.png": picture(), "a/1.png": picture(size=(40, 40)), "b/0.png": picture(BLUE)}
    data = bytearray(zipped(tmp_path / "set.zip", method, **files).read_bytes())
    start = data.index(b"a/1.png") + len("a/1.png")
    listed = data.rindex(b"a/1.png") - 46
    if change in ("contents", "options"):
        at = start + (30 if change == "contents" else 0)
        data[at : at + 9] = b"\xff" * 9
    else:
        place, value = {"encrypted": (8, b"\x41\0"), "method": (10, b"\x63\0"), "place": (42, b"\xf0\xff\xff\xff")}[change]
        data[listed + place : listed + place + len(value)] = value
    (tmp_path / "set.zip").write_bytes(data)
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always", UserWarning)
        source = open_source(tmp_path / "set.zip", resolution=16, labels=True)
        assert [tuple(source.read(index)["image"][0, 0]) for index in (0, source.size - 1)] == [RED, BLUE]
        for index in range(source.size):
            source.read(index)
    assert source.columns["label"].tolist() in ([0, 1], [0, 0, 1]) and "a/1.png" in str(record[0].message)


@pytest.mark.parametrize("method", METHODS[1:])
def test_large_entries_are_refused_before_memory_is_taken(tmp_path, small_limit, method):
    with zipfile.ZipFile(tmp_path / "set.zip", "w", method) as archive:
        archive.writestr("a.png", picture())
        with archive.open("b.png", "w") as file:
            file.write(picture())
            file.write(3 * MB)
    archive = archives.open_archive(tmp_path / "set.zip")
    with pytest.raises(ValueError, match=r"set\.zip/b\.png would unpack to 3\.1 MB or more"):
        archive.read("b.png")
    assert archive.read("b.png", 100) == picture()[:100] + bytes(max(0, 100 - len(picture())))
    source = open_source(tmp_path / "set.zip")
    with pytest.warns(UserWarning, match=r"b\.png is damaged and replaced"):
        assert is_red(source.read(1)["image"])


def test_an_entry_is_not_larger_than_it_claims(tmp_path):
    """As a member that says that it is small, and is not."""
    for method in METHODS[1:]:
        data = bytearray(zipped(tmp_path / "set.zip", method, **{"b.png": picture() + 2 * MB}).read_bytes())
        small = len(picture()).to_bytes(4, "little")
        listed = data.rindex(b"b.png") - 46
        data[listed + 24 : listed + 28] = data[22:26] = small
        (tmp_path / "set.zip").write_bytes(data)
        with pytest.raises(ValueError, match=r"damaged zip entry .*set\.zip/b\.png"):
            archives.open_archive(tmp_path / "set.zip").read("b.png")


@pytest.mark.parametrize(("suffix", "opener"), [(".tar.gz", gzip.open), (".tar.bz2", bz2.open), (".tar.xz", lzma.open)])
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_packed_tars_are_refused_before_memory_is_taken(tmp_path, small_limit, suffix, opener, kind):
    path = tmp_path / f"set{suffix}"
    member = tarfile.TarInfo("b.png")
    member.size, member.type = 3 << 20, kind
    with opener(path, "wb") as file:
        file.write(tarred(**{"a.png": picture()})[:1024] + member.tobuf() + 3 * MB)
    with pytest.raises(ValueError, match=rf"set{suffix} .*would unpack to .* MB or more: expected at most"):
        archives.open_archive(path)


def test_holes_in_a_file_do_not_count_as_content(tmp_path):
    path = folder(tmp_path / "set", **{"a.png": picture()})
    with open(path / "a.png", "r+b") as file:
        file.truncate(3 << 30)
    with pytest.raises(ValueError, match=r"a\.png would unpack to 3,221\.2 MB or more"):
        archives.open_archive(path).read("a.png")


def test_members_of_a_tar_that_are_no_files(tmp_path):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, kind in (("pipe.png", tarfile.FIFOTYPE), ("device.png", tarfile.CHRTYPE), ("link.png", tarfile.SYMTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
        member = tarfile.TarInfo("a.png")
        member.size = len(picture())
        archive.addfile(member, io.BytesIO(picture()))
    for name, pack in (("set.tar", bytes), ("set.tgz", gzip.compress)):
        (tmp_path / name).write_bytes(pack(data.getvalue()))
        with pytest.warns(UserWarning, match=r"3 of 4 files left out.*device\.png is no plain.*pipe\.png"):
            assert open_source(tmp_path / name).size == 1


@pytest.mark.parametrize(("name", "pack"), [("set.tar", bytes), ("set.tgz", gzip.compress)])
def test_a_damaged_header_in_a_tar_does_not_end_it_silently(tmp_path, name, pack):
    data = bytearray(tarred(**{f"{number}.png": picture() for number in range(4)}))
    data[2048 + 148 : 2048 + 156] = b"x" * 8  # the checksum of the third
    (tmp_path / name).write_bytes(pack(data))
    with pytest.raises(ValueError, match=f"{name} is not a readable archive .*damaged at byte 2048"):
        open_source(tmp_path / name)


def test_a_tar_that_is_cut(tmp_path):
    (tmp_path / "set.tar").write_bytes(tarred(**{"a.png": picture(), "b.png": bytes(5000)})[:3000])
    with pytest.raises(ValueError, match=r"set\.tar is not a readable archive"):
        open_source(tmp_path / "set.tar")


def test_a_zip_whose_entries_begin_before_it(tmp_path):
    data = zipped(tmp_path / "set.zip", **{"a.png": picture()}).read_bytes()
    (tmp_path / "set.zip").write_bytes(data[20:])
    with pytest.raises(ValueError, match=r"set\.zip"):
        open_source(tmp_path / "set.zip")


def test_dark_sets_of_sixteen_bits_are_said(tmp_path):
    for name, largest in (("dark", 4095), ("whole", 65535)):
        values = np.linspace(0, largest, 64).astype(np.uint16).reshape(8, 8)
        data = io.BytesIO()
        Image.fromarray(values).save(data, "PNG")
        folder(tmp_path / name, **{f"{number}.png": data.getvalue() for number in range(3)})
    with pytest.warns(UserWarning, match=r"greys of 16 bits reach 4095 of 65535 .*--bit-depth 12"):
        assert open_source(tmp_path / "dark").read(0)["image"].max() == 16
    assert open_source(tmp_path / "dark", bit_depth=12).read(0)["image"].max() == 255
    assert open_source(tmp_path / "whole").read(0)["image"].max() == 255


@pytest.mark.parametrize(("option", "value"), [("bit_depth", 0), ("bit_depth", 17), ("max_unpacked", 0)])
def test_options_are_checked(option, value):
    with pytest.raises(ValueError, match=f"{option}={value}: expected"):
        open_source("shapes", **{option: value})


@pytest.mark.parametrize("suffix", ["zip", "tar.gz", "npz"])
def test_the_limit_of_the_caller_holds(tmp_path, suffix):
    path = tmp_path / f"set.{suffix}"
    if suffix == "npz":
        np.savez(path, images=np.zeros((2, 100, 100, 3), np.uint8))
    elif suffix == "zip":
        zipped(path, **{"a.png": picture(size=(100, 100))})
    else:
        path.write_bytes(gzip.compress(tarred(**{"a.png": picture(size=(100, 100))})))
    assert open_source(path, max_unpacked=100_000).size
    with pytest.raises(ValueError, match=r"--max-unpacked"):
        open_source(path, max_unpacked=1000)
