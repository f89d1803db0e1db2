"""jgan pull user/name"""

from pathlib import Path, PurePath

import tyro

from jgan.run import hub


def pull(name: tyro.conf.Positional[str], out: Path | None = None, revision: str | None = None) -> None:
    """Takes a run from the Hugging Face hub into a folder, on which commands work as on a run. Nothing in it is executed.

    Args:
        name: Of the repository, user/name.
        out: The folder to write; the name of the repository if not given.
        revision: A branch, tag or commit; the newest if not given.
    """
    hub.check_name(name)
    out = out or Path(PurePath(name).name)
    print(hub.pull(name, out, revision))
    print(out)
