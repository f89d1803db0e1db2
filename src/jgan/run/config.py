"""Configurations as plain JSON: frozen dataclasses, each tagged with the name of its class under `kind`."""

import dataclasses
import math
import types
import typing
from typing import Any

PLAIN = (bool, int, float, str, type(None))


def to_plain(value: Any, where: str = "config") -> Any:
    """Returns a configuration as what JSON can hold: dataclasses become dicts with a `kind`, tuples become lists.

    Args:
      value: a dataclass of booleans, numbers, strings, None, tuples, and dataclasses of the same kinds.
      where: the name of the value in error messages.

    Raises:
      TypeError: if a field is of any other type.
      ValueError: if a number is not finite, which JSON cannot hold.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Adam:
    ...     learning_rate: float = 1e-3
    >>> to_plain(Adam())
    {'kind': 'Adam', 'learning_rate': 0.001}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: to_plain(getattr(value, f.name), f"{where}.{f.name}") for f in dataclasses.fields(value)}
        return {"kind": type(value).__name__, **fields}
    if isinstance(value, tuple):
        return [to_plain(v, f"{where}[{i}]") for i, v in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where}: expected a finite number, found {value}; use None for 'not set'")
    if not isinstance(value, PLAIN):
        raise TypeError(f"{where}: expected a dataclass, tuple, number, string, bool or None, found {type(value).__name__}")
    return value


def from_plain(cls: type, plain: dict[str, Any]) -> Any:
    """Returns the configuration of class `cls` that `to_plain` wrote.

    A nested dataclass is found by its `kind` among the classes that the annotations of `cls` mention. Fields absent from `plain` take
    their defaults, so older files stay readable.

    Raises:
      ValueError: if `plain` is of another kind, or has fields that the class has not, or values of other types.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Adam:
    ...     learning_rate: float = 1e-3
    >>> from_plain(Adam, {"kind": "Adam", "learning_rate": 0.5})
    Adam(learning_rate=0.5)
    """
    if not isinstance(plain, dict) or plain.get("kind") != cls.__name__:
        found = plain.get("kind") if isinstance(plain, dict) else plain
        raise ValueError(f"expected a configuration of kind {cls.__name__}, found {found!r}")
    return _decode(plain, _classes(cls))


def differences(a: Any, b: Any) -> list[str]:
    """Returns what differs between two configurations, one line per field: "field: value in a -> value in b".

    Args:
      a, b: dataclasses, or what `to_plain` made of them.

    >>> differences({"kind": "C", "adam": {"rate": 1, "b1": 0.0}}, {"kind": "C", "adam": {"rate": 2, "b1": 0.0}})
    ['adam.rate: 1 -> 2']
    """
    a, b = (flatten(to_plain(c) if dataclasses.is_dataclass(c) else c) for c in (a, b))
    names = [*a, *(name for name in b if name not in a)]
    return [f"{n}: {a.get(n, '(absent)')!r} -> {b.get(n, '(absent)')!r}" for n in names if n not in a or n not in b or a[n] != b[n]]


def flatten(plain: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Returns nested fields under dotted names.

    >>> flatten({"kind": "C", "adam": {"rate": 1}})
    {'kind': 'C', 'adam.rate': 1}
    """
    flat = {}
    for name, value in plain.items():
        flat |= flatten(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat


def _decode(plain, classes):
    if isinstance(plain, list):
        return tuple(_decode(v, classes) for v in plain)
    if not isinstance(plain, dict):
        return plain
    kind = plain.get("kind")
    if kind not in classes:
        raise ValueError(f"expected one of the kinds {sorted(classes)}, found {kind!r}: was this written by another version?")
    known = {f.name for f in dataclasses.fields(classes[kind])}
    unknown = sorted(plain.keys() - known - {"kind"})
    if unknown:
        raise ValueError(f"{kind} has no field {', '.join(unknown)}, only {sorted(known)}: was this written by another version?")
    values = {name: _decode(value, classes) for name, value in plain.items() if name != "kind"}
    for name, hint in typing.get_type_hints(classes[kind]).items():
        if name in values and not _fits(values[name], hint):
            raise ValueError(f"{name}: expected {getattr(hint, '__name__', hint)}, found {values[name]!r}")
    return classes[kind](**values)


def _fits(value, hint):
    """Whether a value is of an annotated type; an int is a float too."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, part) for part in parts)
    if origin is typing.Literal:
        return value in parts
    if origin is tuple:
        parts = parts[:1] * len(value) if parts[1:] == (...,) and isinstance(value, tuple) else parts
        return isinstance(value, tuple) and len(value) == len(parts) and all(map(_fits, value, parts))
    if hint in (int, float):
        return isinstance(value, (int, hint)) and not isinstance(value, bool)
    return hint is Any or isinstance(value, hint)


def _classes(cls):
    """All dataclasses that the annotations of a dataclass mention, by name, itself included."""
    found, todo = {}, [cls]
    while todo:
        kind = todo.pop()
        todo += typing.get_args(kind)
        if isinstance(kind, type) and dataclasses.is_dataclass(kind) and found.get(kind.__name__) is not kind:
            if kind.__name__ in found:
                raise ValueError(f"{cls.__name__} mentions two classes called {kind.__name__}; rename one")
            found[kind.__name__] = kind
            todo += typing.get_type_hints(kind).values()
    return found
