"""Every number that can be given has a range, which is checked before anything is written."""

import dataclasses
import json
import typing

import pytest
from experiments import discogan
from experiments.studies import lsgan_stability, toy
from tests.commands.mistakes import refused

from jgan import ranges
from jgan.console.dispatch import ON_DATA, ON_FILES, ON_IMAGES, ON_RUNS
from jgan.run import arms
from jgan.run.main import RunOptions
from jgan.run.system import find_system, system_names
from jgan.sharding import LARGEST_SEED

SYSTEMS = [find_system(name) for name in system_names()]
COMMANDS = {f"{system.name} {name}": command for system in SYSTEMS for name, command in system.commands.items()}
COMMANDS |= {**ON_IMAGES, **ON_DATA, **ON_FILES, **ON_RUNS, "compare arms": arms.compare({}), "angles": discogan.angles}
CONFIGS = {system.name: system.config for system in SYSTEMS}
CONFIGS |= {"toy": toy.Config, "lsgan_stability": lsgan_stability.Config, "options of a run": RunOptions}


def unranged(hint):
    """Whether an annotation takes numbers without a range."""
    if hasattr(hint, "__metadata__"):
        return not ranges.ranges_of(hint) and unranged(hint.__origin__)
    if dataclasses.is_dataclass(hint):
        return any(map(unranged, typing.get_type_hints(hint, include_extras=True).values()))
    return hint in (int, float) or any(map(unranged, typing.get_args(hint)))


@pytest.mark.parametrize("given", [*CONFIGS.values(), *COMMANDS.values()], ids=[*CONFIGS, *COMMANDS])
def test_every_number_has_a_range(given):
    assert [name for name, hint in typing.get_type_hints(given, include_extras=True).items() if unranged(hint)] == []


def test_a_number_without_a_range_is_found():
    @dataclasses.dataclass
    class Inner:
        size: int = 1

    assert all(map(unranged, [int, float | None, tuple[float, ...], Inner | None])) and not unranged(ranges.Size | None)


@pytest.mark.parametrize("system", SYSTEMS, ids=system_names())
def test_presets_are_within_the_ranges(system):
    for config in system.presets.values():
        ranges.check(config)


@dataclasses.dataclass(frozen=True)
class Adam:
    learning_rate: ranges.Rate = 0.1
    betas: tuple[ranges.ShareBelowOne, ...] = (0.9,)


@dataclasses.dataclass(frozen=True)
class Config:
    adam: Adam = Adam()
    size: ranges.Size | None = None


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (Config(Adam(float("nan"))), "--adam.learning-rate: expected a number from 1e-12 to 1000, found nan"),
        (Config(Adam(betas=(0.5, 1.0))), "--adam.betas: expected a number from 0 to 0.9999, found 1.0"),
        (Config(size=0), "--size: expected a whole number from 1 to 65536, found 0"),
        (Config(size=1.5), "--size: expected a whole number"),  # type: ignore  as in a damaged file
        (Config(size=True), "--size: expected a whole number"),
        (Config(size="8"), "--size: expected a whole number"),  # type: ignore
        (Config(size=8), None),
    ],
)
def test_numbers_outside(config, message):
    if message is None:
        return ranges.check(config)
    with pytest.raises(ValueError, match=message):
        ranges.check(config)


OF_TRAINING = {
    "gan": [
        "kimg 1e308",
        "kimg nan",
        "kimg 0",
        "batch 0",
        "batch -4",
        "score-samples 0",
        "limit 0",
        "width 0",
        "resolution 0",
        "channels 0",
    ],
    "dcgan": ["microbatches 0", "latent-size -1", "learning-rate -1", "learning-rate inf", "beta1 1", "average-kimg -1", "bit-depth 17"],
    "stylegan": ["r1-every -1", "path-every -1", "style-mixing 2", "channel-base 0", "mapping-layers -1", "max-unpacked 0", "process -1"],
    "pixelrnn": ["levels 257", "steps-per-call 0", "devices 0", "seed -1", "seed 9223372036854775808", "seed 99999999999999999999999"],
    "lsgan": ["targets 0 1 nan"],
}


@pytest.mark.parametrize(("system", "given"), [(system, given) for system, every in OF_TRAINING.items() for given in every])
def test_training(system, given, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    option, *values = given.split()
    error = refused(capsys, "train", system, f"--{option}", *values)
    assert f"--{option}: expected a " in error and f"found {values[-1]}" in error.replace("1e+308", "1e308")
    assert not list(tmp_path.iterdir())


def test_a_resumed_configuration(tmp_path, monkeypatch, capsys):
    config = {"kind": "Config", "batch": 0}
    (tmp_path / "config.json").write_text(json.dumps({"system": "gan", "version": "0.2.0", "config": config}))
    assert "--batch: expected a whole number from 1" in refused(capsys, "train", "--resume", tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["config.json"]


def test_help_shows_them(capsys):
    from jgan.console.main import main

    with pytest.raises(SystemExit):
        main(["train", "gan", "--help"])
    assert "NUMBER FROM 0.001 TO" in capsys.readouterr().out


def test_the_largest_seed():
    (seed,) = ranges.ranges_of(ranges.Seed)
    assert seed.is_instance(LARGEST_SEED) and not seed.is_instance(LARGEST_SEED + 1)
