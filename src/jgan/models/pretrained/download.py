"""Published weight files as plain arrays: found in a cache folder, downloaded where that is possible."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from jgan.fetch import cache_folder, fetch, sha256_of, verified
from jgan.models.pretrained.files import read_weights


class Published(NamedTuple):
    """A weight file as its authors released it."""

    urls: tuple[str, ...]  # all of the same bytes
    sha256: str

    @property
    def files(self) -> tuple[str, ...]:
        """The names under which it may lie in the cache; a download is named as its address is."""
        return tuple(url.rpartition("/")[2] for url in self.urls)


PUBLISHED = {
    "inception-2015-12-05": Published(
        (
            "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
            "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
        ),
        "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    ),
    "vgg16": Published(
        ("https://download.pytorch.org/models/vgg16-397923af.pth",),
        "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
    ),
    "vgg16-lpips": Published(
        ("https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-vgg16-lpips.pth",),
        "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868",
    ),
    "squeezenet-1.1": Published(
        ("https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth",),
        "b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b",
    ),
}


class Weights(NamedTuple):
    """Tensors by name, and where they come from."""

    arrays: dict[str, np.ndarray]
    sha256: str  # of the file
    source: str  # name of the file


def load_weights(name: str, path: str | Path | None = None) -> Weights:
    """Returns the tensors of a published file (a name in `PUBLISHED`), or of the file at `path`: see `find_weights` and `read_weights`."""
    found = find_weights(name, path)
    return Weights(read_weights(found), sha256_of(found), found.name)


def find_weights(name: str, path: str | Path | None = None) -> Path:
    """Returns where the weight file is: at `path` if that is given; else in the cache folder, downloaded into it if it is not there yet.

    The cache folder is `weights` in the folder that the environment variable JGAN_CACHE names, by default `~/.cache/jgan`. A file in it
    must have the published sha256; one given by `path` may be any, as long as it holds the tensors.

    Raises OSError if there is no such file and no download: the message says which file to bring, from where, and where to put it.
    Raises ValueError if the name is unknown, or a file is not the published one.
    """
    if name not in PUBLISHED:
        raise ValueError(f"expected the name of published weights, one of {sorted(PUBLISHED)}, found {name!r}")
    published = PUBLISHED[name]
    if path is not None:
        if not Path(path).is_file():
            raise FileNotFoundError(f"found no file {path}: the weights {name!r} are published as {published.urls[0]}")
        return Path(path)
    folder = cache_folder() / "weights"
    for file in published.files:
        if (target := folder / file).is_file():
            return verified(target, published.sha256)
    return _download(name, published, folder)


def check_tensors(arrays: dict[str, np.ndarray], shapes: dict[str, tuple[int, ...]]) -> None:
    """Raises ValueError with the name of the first tensor of `shapes` that `arrays` lacks or has in another shape.

    >>> check_tensors({"fc.bias": np.zeros(10)}, {"fc.bias": (10,)})
    """
    for name, shape in shapes.items():
        if name not in arrays:
            there = ", ".join(sorted(arrays)[:3])
            raise ValueError(
                f"expected a tensor {name!r} of shape {shape}, found none among {len(arrays)} ({there}, ...): is it the right file?"
            )
        if arrays[name].shape != shape:
            raise ValueError(f"expected the tensor {name!r} to be of shape {shape}, found {arrays[name].shape}: is it the right file?")


def _download(name, published, folder):
    reasons = []
    for url in published.urls:
        try:
            return fetch(url, published.sha256, folder / url.rpartition("/")[2])
        except (OSError, ValueError) as error:
            reasons.append(f"{url}: {error}")
    raise OSError(
        f"the weights {name!r} could not be downloaded ({'; '.join(reasons)}). Bring the file {published.urls[0]} "
        f"and put it at {folder / published.files[0]}, or give its path"
    )
