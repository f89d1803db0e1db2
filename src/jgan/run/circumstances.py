"""Under which circumstances a number was obtained."""

import os
import platform
import subprocess
from pathlib import Path

import jax
import jaxlib


def circumstances() -> dict:
    """Machine, versions and commit."""
    device = jax.devices()[0]
    return {
        "machine": {"cpu": _cpu(), "cores": os.cpu_count(), "platform": device.platform, "device": device.device_kind},
        "versions": {"python": platform.python_version(), "jax": jax.__version__, "jaxlib": jaxlib.__version__},
        "commit": _commit(),
    }


def _cpu():
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def _commit():
    """The commit, with "-dirty" if files differ from it; None outside a repository."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
