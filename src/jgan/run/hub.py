"""The Hugging Face hub (https://huggingface.co): a run is put there, and taken from there, as `jgan.run.share` writes it.

The environment variable HF_ENDPOINT names another server. An account is needed to put a run there: `hf auth login`, or HF_TOKEN.
"""

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jgan.outputs.files import check_place
from jgan.run.about import CONFIG_FILE, DATA_FILE, WEIGHTS_FILE
from jgan.run.share import FILES, share
from jgan.run.trained import Trained, load

NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
NEEDED = (CONFIG_FILE, DATA_FILE, WEIGHTS_FILE)


def check_name(name: str) -> None:
    """Checks the name of a repository, and that the hub's package is there.

    Raises:
      ValueError: if the name is not user/name.
      ModuleNotFoundError: if the package is missing; the message says how it is installed.
    """
    if not NAME.fullmatch(name) or ".." in name:
        raise ValueError(f"expected the name of a repository on the hub, user/name, found {name!r}")
    _hub()


def push(trained: Trained, run: Path, name: str, *, private: bool = False) -> str:
    """Puts a run on the hub, in a repository that is made if there is none; returns its address.

    Args:
      trained: of the run.
      run: the folder of the run.
      name: of the repository, user/name.
      private: whether others cannot see a repository that is made.

    Raises:
      ValueError, ModuleNotFoundError: as `check_name`.
      OSError: if the hub refuses or cannot be reached.
    """
    check_name(name)
    with tempfile.TemporaryDirectory() as folder, _trouble_named(name):
        share(trained, run, Path(folder), name)
        api = _hub().HfApi()
        api.create_repo(name, private=private, exist_ok=True)
        api.upload_folder(repo_id=name, folder_path=folder, allow_patterns=list(FILES), commit_message=f"Step {trained.about['step']}")
        return f"{api.endpoint}/{name}"


def pull(name: str, out: Path, revision: str | None = None) -> Trained:
    """Takes a run from the hub into a folder, and loads it. Only the files that are shared are taken, under their own names.

    Args:
      name: of the repository, user/name.
      out: the folder, a new or an empty one.
      revision: a branch, tag or commit of the repository; None: the newest.

    Raises:
      ValueError: as `check_name`; if the repository holds no run, or one that is damaged or of a system that is not known. Nothing is
        left behind.
      FileExistsError: if there is something in the folder.
      OSError: if the hub refuses or cannot be reached.
    """
    check_name(name)
    check_place(out / CONFIG_FILE)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(f"expected a new or an empty folder, found {out} with other files; give another one with --out")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as aside:
        folder = Path(aside) / "run"
        _take(name, revision, Path(aside), folder)
        trained = load(folder)
        out.mkdir(exist_ok=True)
        for path in folder.iterdir():
            os.replace(path, out / path.name)
    return trained


def _take(name, revision, aside, folder):
    hub = _hub()
    with _trouble_named(name):
        there = set(hub.HfApi().list_repo_files(name, revision=revision))
        if missing := [file for file in NEEDED if file not in there]:
            raise ValueError(f"{name} holds no run of JGAN: expected the files {', '.join(NEEDED)}, found no {', '.join(missing)}")
        folder.mkdir()
        for file in FILES:
            if file in there:
                path = Path(hub.hf_hub_download(name, file, revision=revision, local_dir=aside / "taken"))
                os.replace(path, folder / file)


def _hub() -> Any:
    try:
        import huggingface_hub  # pyright: ignore[reportMissingImports]  of an extra
    except ModuleNotFoundError as error:
        message = "the Hugging Face hub needs the package huggingface_hub: pip install 'jgan[hub]'"
        raise ModuleNotFoundError(message, name=error.name) from None
    return huggingface_hub


@contextlib.contextmanager
def _trouble_named(name: str) -> Iterator[None]:
    """Says in one line what the hub refused."""
    from huggingface_hub.errors import HfHubHTTPError, HTTPError  # pyright: ignore[reportMissingImports]

    try:
        yield
    except HfHubHTTPError as error:
        reason = str(error).strip().splitlines()[0]
        raise OSError(f"the hub refused {name}: {reason}; is the name right, and are you logged in (`hf auth login`)?") from error
    except HTTPError as error:  # of the client, before there is an answer
        raise OSError(f"the hub could not be reached for {name}: {error}; try again once there is a network") from error
