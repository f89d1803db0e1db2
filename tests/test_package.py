"""The package as installed: its version, its light parts, and its wheel in an environment without the repository."""

import os
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

import jgan

ROOT = Path(__file__).parents[1]
TINY = ["--channel-base=32", "--channel-max=4", "--latent-size=4", "--style-size=4", "--mapping-layers=1", "--batch=4", "--limit=16"]
SHORT = ["--kimg=0.008", "--steps-per-call=1", "--record-kimg=0.004", "--score-kimg=0", "--devices=1"]
LOAD = "import jgan; images = jgan.load('run')(range(2)); print(jgan.__file__, images.shape, images.dtype)"


def output(program, *arguments, cwd, **environment):
    """Standard output; this repository is neither on the path nor the working directory."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(program), *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, env=kept | environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_versions_agree():
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == jgan.__version__
    assert f"\nversion: {jgan.__version__}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"\n## {jgan.__version__}\n" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("part", [None, "losses", "penalties", "augment"])
def test_parts_are_imported_when_they_are_used(part, tmp_path):
    use = f"import sys, jgan; {'jgan' if part is None else f'jgan.{part}'}; print(*sys.modules)"
    found = set(output(sys.executable, "-c", use, cwd=tmp_path, PYTHONPATH=str(ROOT / "src")).split())
    assert not {"flax", "orbax", "PIL", "tyro", "grain", "jgan.run"} & found
    assert ("jax" in found) == (part is not None)
    assert {name for name in ("jgan.losses", "jgan.penalties") if name in found} == {f"jgan.{part}"} & {"jgan.losses", "jgan.penalties"}


def test_all_parts_are_listed():
    folders = {path.parent.name for path in (ROOT / "src" / "jgan").glob("*/__init__.py")}
    assert folders - {"commands", "console"} <= set(jgan.PARTS) <= set(dir(jgan))
    with pytest.raises(AttributeError, match="has no attribute 'lossses'"):
        jgan.lossses  # noqa: B018


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    output(sys.executable, "-m", "pip", "wheel", ROOT, "--no-deps", "-w", folder, cwd=folder)
    (path,) = folder.glob("jgan-*.whl")
    return path


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """A fresh environment with the wheel, and the dependencies of this interpreter.

    Editable installs, such as this repository's, are not among them: no .pth file is read in a folder that a .pth file names.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    site = Path(output(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    output(sys.executable, "-m", "pip", f"--python={python}", "install", "--no-deps", "--no-index", str(wheel), cwd=folder)
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder


@pytest.mark.slow
def test_wheel(wheel):
    files = zipfile.ZipFile(wheel).namelist()
    assert {"jgan/py.typed", "jgan/__init__.py", "jgan/systems/stylegan.py", "jgan/console/main.py"} <= set(files)
    assert {name.split("/")[0] for name in files} == {"jgan", f"jgan-{jgan.__version__}.dist-info"}


@pytest.mark.slow
def test_installed_package_trains_samples_and_loads(environment, tmp_path):
    program, python = environment / "bin" / "jgan", environment / "bin" / "python"
    assert output(program, "--version", cwd=tmp_path) == f"jgan {jgan.__version__}\n"
    assert "stylegan" in output(program, "list", cwd=tmp_path)
    output(program, "train", "stylegan", "demo", "--resolution=8", *TINY, *SHORT, "--workdir=run", cwd=tmp_path)
    output(program, "sample", "run", "--seeds=0-3", "--out=x.png", cwd=tmp_path)
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    file, shown = output(python, "-c", LOAD, cwd=tmp_path).split(" ", 1)
    assert Path(file).is_relative_to(environment)
    assert shown.strip() == "(2, 8, 8, 3) uint8"


WITHOUT_POSIX = """
import sys
for name in ("fcntl", "resource"):
    sys.modules[name] = None
import importlib, pkgutil, jgan
for module in pkgutil.walk_packages(jgan.__path__, "jgan."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
from jgan.console.main import main
main(["--help"])
"""


def test_systems_without_posix_import_everything(tmp_path):
    """Windows has no fcntl and no resource."""
    assert "jgan train SYSTEM" in output(sys.executable, "-c", WITHOUT_POSIX, cwd=tmp_path, PYTHONPATH=str(ROOT / "src"))
