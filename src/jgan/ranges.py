"""Ranges of the numbers that options take: part of their annotation, shown in their help, checked before anything is written.

Every number among the fields of a configuration and the options of a command has one: an alias from below, or
`Annotated[int, numbers(int, 2, 256)]`.
"""

import dataclasses
import functools
import inspect
import typing
from collections.abc import Callable
from typing import Annotated, Any

from tyro.constructors import PrimitiveConstructorSpec

NAMES = {int: "whole number", float: "number"}


def numbers(kind: type[int] | type[float], low: float, high: float) -> PrimitiveConstructorSpec:
    """Makes the range of whole or other numbers from `low` to `high`, as tyro takes it in an annotation.

    >>> numbers(float, 0, 1).metavar, numbers(float, 0, 1).is_instance(float("nan"))
    ('NUMBER FROM 0 TO 1', False)
    """
    ends = [str(end) if isinstance(end, int) else f"{end:g}" for end in (low, high)]
    types = int if kind is int else (int, float)
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=f"{NAMES[kind]} from {' to '.join(ends)}".upper(),
        instance_from_str=lambda words: kind(words[0]),
        is_instance=lambda value: isinstance(value, types) and not isinstance(value, bool) and low <= value <= high,
        str_from_instance=lambda value: [str(value)],
    )


Count = Annotated[int, numbers(int, 1, 2**31 - 1)]  # of examples, steps, parts
CountOrZero = Annotated[int, numbers(int, 0, 2**31 - 1)]
Several = Annotated[int, numbers(int, 2, 2**31 - 1)]  # examples of which a spread is taken
Size = Annotated[int, numbers(int, 1, 2**16)]  # of layers, vectors, sides of images
SizeOrZero = Annotated[int, numbers(int, 0, 2**16)]
Layers = Annotated[int, numbers(int, 1, 1000)]
LayersOrZero = Annotated[int, numbers(int, 0, 1000)]
Columns = Annotated[int, numbers(int, 1, 1000)]  # and rows, of a grid
Channels = Annotated[int, numbers(int, 1, 4)]
Bits = Annotated[int, numbers(int, 1, 16)]
Bytes = Annotated[int, numbers(int, 1, 2**63 - 1)]
Port = Annotated[int, numbers(int, 1, 65_535)]  # of a server
Seed = Annotated[int, numbers(int, 0, 2**63 - 1)]
Kimg = Annotated[float, numbers(float, 0.001, 10**9)]  # thousands of examples
KimgOrZero = Annotated[float, numbers(float, 0, 10**9)]
SampleRate = Annotated[int, numbers(int, 1_000, 1_000_000)]  # of sound, samples per second
Rate = Annotated[float, numbers(float, 1e-12, 1000)]
Weight = Annotated[float, numbers(float, 0, 10**6)]
Target = Annotated[float, numbers(float, -1000, 1000)]  # of logits, and of their signs
Share = Annotated[float, numbers(float, 0, 1)]
ShareBelowOne = Annotated[float, numbers(float, 0, 0.9999)]
Truncation = Annotated[float, numbers(float, 0, 2)]


def check(config: Any, within: str = "") -> None:
    """Checks the numbers of a dataclass, and of those inside of it.

    Args:
      config: with annotations that have ranges; others are passed over.
      within: the beginning of the names of its options.

    Raises:
      ValueError: for the first that is outside; it names the option.

    >>> @dataclasses.dataclass
    ... class Config:
    ...     weight: Share | None = None
    >>> check(Config(2.0))
    Traceback (most recent call last):
    ValueError: --weight: expected a number from 0 to 1, found 2.0
    """
    hints = typing.get_type_hints(type(config), include_extras=True)
    for field in dataclasses.fields(config):
        _check(within + field.name, getattr(config, field.name), hints[field.name])


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a function check its arguments against their annotations, and those that are dataclasses by `check`, before anything else."""
    hints = typing.get_type_hints(function, include_extras=True)

    @functools.wraps(function)
    def call(*arguments, **options):
        for name, value in inspect.signature(function).bind(*arguments, **options).arguments.items():
            if dataclasses.is_dataclass(value):
                check(value)
            else:
                _check(name, value, hints.get(name))
        return function(*arguments, **options)

    return call


def ranges_of(hint: Any) -> list[PrimitiveConstructorSpec]:
    """Lists the ranges that an annotation mentions, each once.

    >>> [found.metavar for found in ranges_of(tuple[Share, Share] | None)]
    ['NUMBER FROM 0 TO 1']
    """
    parts = (hint.__origin__, *hint.__metadata__) if hasattr(hint, "__metadata__") else typing.get_args(hint)
    own = [part for part in parts if isinstance(part, PrimitiveConstructorSpec)]
    every = own + [found for part in parts for found in ranges_of(part)]
    return [found for place, found in enumerate(every) if found not in every[:place]]


def _check(name, value, hint):
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return check(value, f"{name}.")
    ranges = ranges_of(hint)
    for number in value if isinstance(value, tuple) else (value,):
        if number is not None and ranges and not any(found.is_instance(number) for found in ranges):
            expected = " or a ".join(found.metavar.lower() for found in ranges)
            raise ValueError(f"--{name.replace('_', '-')}: expected a {expected}, found {number}")
