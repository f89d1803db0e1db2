"""Where a number comes from: machine, versions, commit."""

import os
import platform
import subprocess
import time
from pathlib import Path

import jax

from jgan import __version__
from jgan.compat import jaxlib


def provenance() -> dict:
    """Returns machine, versions and commit."""
    device = jax.devices()[0]
    return {
        "machine": {"cpu": _cpu(), "cores": os.cpu_count(), "platform": device.platform, "device": device.device_kind},
        "versions": {
            "jgan": __version__,
            "python": platform.python_version(),
            "jax": jax.__version__,
            "jaxlib": jaxlib.__version__,  # pyright: ignore[reportPrivateImportUsage]  it is public
        },
        "commit": commit(),
    }


def begun(command: str) -> dict:
    """Returns what a run keeps of how it was begun: version, commit, time and command."""
    now = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    return {"version": __version__, "commit": commit(), "begun": now, "command": command}


def _cpu():
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def commit() -> str | None:
    """Returns the commit, with "-dirty" if files differ from it; None where this package is installed from elsewhere than
    its repository.
    """
    try:
        _git("ls-files", "--error-unmatch", Path(__file__).name)  # an environment may lie inside of another project's repository
        return _git("describe", "--always", "--dirty", "--abbrev=12")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*arguments):
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
