"""What is read from the source is what importing it gives."""

import dataclasses
import inspect

import pytest

from jgan import commands
from jgan.console import catalogue
from jgan.console.dispatch import ON_DATA, ON_FILES, ON_IMAGES, ON_RUNS
from jgan.run.main import RunOptions
from jgan.run.system import find_system, system_names

FUNCTIONS = [(name, function) for system in system_names() for name, function in find_system(system).commands.items()]
FUNCTIONS += [*ON_IMAGES.items(), *ON_DATA.items(), *ON_FILES.items(), *ON_RUNS.items()]


def options_of(function):
    parameters = inspect.signature(function).parameters.values()
    groups = [p.annotation.__origin__ for p in parameters if dataclasses.is_dataclass(getattr(p.annotation, "__origin__", None))]
    fields = [field.name for group in groups for field in dataclasses.fields(group) if field.default is not dataclasses.MISSING]
    return [p.name for p in parameters if p.default is not p.empty] + fields


def test_names():
    assert catalogue.systems() == system_names()
    assert set(catalogue.commands_on_runs()) == {name for name, _ in FUNCTIONS} - {*ON_IMAGES, *ON_DATA, *ON_FILES, *ON_RUNS}
    assert set(catalogue.ON_IMAGES) == set(ON_IMAGES) and set(catalogue.ON_DATA) == set(ON_DATA)
    assert set(catalogue.ON_FILES) == set(ON_FILES) and set(catalogue.ON_RUNS) == set(ON_RUNS)


@pytest.mark.parametrize("name", system_names())
def test_systems(name):
    system = find_system(name)
    assert system.name == name
    assert catalogue.description(name) == system.description.strip().splitlines()[0] != ""
    assert catalogue.presets(name) == list(system.presets)
    assert set(catalogue.fields(f"jgan.systems.{name}", "Config")) == {field.name for field in dataclasses.fields(system.config)}


def test_options_of_a_run():
    assert catalogue.fields("jgan.run.main", "RunOptions") == [field.name for field in dataclasses.fields(RunOptions)]


@pytest.mark.parametrize("name", sorted({name for name, _ in FUNCTIONS}))
def test_commands(name):
    forms = [function for other, function in FUNCTIONS if other == name]
    assert set(catalogue.options(name)) == {option for function in forms for option in options_of(function)}
    assert set(catalogue.summaries(name)) == {(inspect.getdoc(function) or "").splitlines()[0] for function in forms}


def test_every_collection_of_commands_is_of_catalogued_ones():
    collections = [value for value in vars(commands).values() if isinstance(value, dict) and "sample" in value]
    assert len(collections) > 1
    assert {name for collection in collections for name in collection} <= set(catalogue.commands_on_runs())
