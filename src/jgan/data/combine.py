"""New sources out of others: fields chosen and renamed, sets side by side, one after the other, changed, or without correspondence."""

from collections import ChainMap
from collections.abc import Callable
from pathlib import PurePath

import jax
import numpy as np

from jgan.data.source import Example, Source


def select(source: Source, **fields: str) -> Source:
    """Keeps some fields, under new names: new=old. Unpaired sources stay so, and one that no field is taken of is left out.

    Raises:
      ValueError: if there is no such field.

    >>> from jgan.data import open_pairs
    >>> targets = select(open_pairs("shapes", resolution=16, limit=10), image="target")
    >>> list(targets.fields), targets.read(3)["image"].shape
    (['image'], (16, 16, 3))
    """
    missing = [old for old in fields.values() if old not in source.fields]
    if missing:
        raise ValueError(f"expected a source with the fields {', '.join(missing)}, found {', '.join(source.fields)} in {source.name}")

    if source.parts:
        return _select_of_parts(source, fields)

    def read(index):
        example = source.read(index)
        return {new: example[old] for new, old in fields.items()}

    def of(mapping):
        return {new: mapping[old] for new, old in fields.items() if old in mapping}

    of_fields = {part: of(getattr(source, part)) for part in ("fields", "names", "columns", "rates")}
    return source._replace(read=read, **of_fields)


def subset(source: Source, indices: np.ndarray) -> Source:
    """Keeps the examples at `indices`, in their order.

    Raises:
      ValueError: if the source is unpaired.

    >>> from jgan.data import open_source
    >>> few = subset(open_source("shapes", resolution=16, limit=10, labels=True), np.asarray([7, 2]))
    >>> few.size, few.read(1)["label"].item() == few.columns["label"][1].item()
    (2, True)
    """
    _check_whole([source])
    columns = {name: values[indices] for name, values in source.columns.items()}
    return source._replace(size=len(indices), read=lambda index: source.read(int(indices[index])), columns=columns)


def in_class(source: Source, name: str) -> np.ndarray:
    """Returns which examples of a source with labels are of a class, bool [N].

    Raises:
      ValueError: if there is no such class.

    >>> from jgan.data import open_source
    >>> in_class(open_source("shapes", resolution=16, limit=4, labels=True), "star").shape
    (4,)
    """
    names = source.names.get("label", ())
    if name not in names:
        raise ValueError(f"expected a class of {source.name}, {', '.join(names) or 'which has none'}, found {name}")
    return source.columns["label"] == names.index(name)


def zip_sources(*sources: Source) -> Source:
    """Joins sources of one size, example by example: each has the fields of all.

    Raises:
      ValueError: if the sizes differ, two have a field of the same name, or one is unpaired.
    """
    _check_whole(sources)
    sizes = {source.size for source in sources}
    names = [name for source in sources for name in source.fields]
    if len(sizes) != 1 or len(set(names)) != len(names):
        raise ValueError(f"expected sources of one size with different fields, found sizes {sorted(sizes)} and fields {names}")

    def read(index):
        return _merged(source.read(index) for source in sources)

    return _joined(sources, sizes.pop(), read)


def concatenate(*sources: Source, label: str | None = None, classes: tuple[str, ...] = ()) -> Source:
    """Puts sources of the same fields one after the other.

    Args:
      *sources: any number of them.
      label: the name of a field that is to say which source an example is from; None for none.
      classes: the names of its values; by default the names of the sources.

    Raises:
      ValueError: if the fields, the names of their classes or their rates differ, or one is unpaired.

    >>> from jgan.data import open_source
    >>> small = open_source("shapes", resolution=16, limit=3)
    >>> both = concatenate(small, small, label="label", classes=("A", "B"))
    >>> both.size, both.columns["label"].tolist(), both.read(4)["label"].item()
    (6, [0, 0, 0, 1, 1, 1], 1)
    """
    _check_whole(sources)
    first = sources[0]
    for source in sources:
        if source.spec.fields != first.spec.fields:
            raise ValueError(f"expected sources of the same fields, found {_shapes(first)} and {_shapes(source)}; open them alike")
        if source.rates != first.rates:
            raise ValueError(f"expected sources of the same rates, found {dict(first.rates)} and {dict(source.rates)}; convert one of them")
        _check_names(first, source, label)
    starts = np.cumsum([0, *(source.size for source in sources)])
    size, shared = int(starts[-1]), [name for name in first.columns if all(name in source.columns for source in sources)]
    columns = {name: np.concatenate([source.columns[name] for source in sources]) for name in shared}
    fields, names = dict(first.fields), dict(first.names)
    if label is not None:
        columns[label] = np.repeat(np.arange(len(sources), dtype=np.int32), [source.size for source in sources])
        fields[label] = jax.ShapeDtypeStruct((), np.int32)
        names[label] = classes or tuple(source.name for source in sources)

    def read(index):
        index = range(size)[index]
        which = int(np.searchsorted(starts, index, side="right")) - 1
        return sources[which].read(index - int(starts[which])) | {name: values[index] for name, values in columns.items()}

    return _joined(sources, size, read)._replace(fields=fields, names=names, columns=columns)


def map_examples(source: Source, function: Callable[[Example], Example], name: str | None = None) -> Source:
    """Applies a function to every example; the fields are those of what it makes of the first one.

    Columns stay where the function passes a field on as it is: of all examples, or of none.

    Args:
      source: any source whose examples are whole.
      function: example -> example, of NumPy arrays; pure.
      name: of the new source.

    Raises:
      ValueError: if the source is unpaired; from `read`, if a column that the first example kept was changed.

    >>> from jgan.data import open_source
    >>> grey = map_examples(open_source("shapes", resolution=16, limit=3), lambda e: {"image": e["image"][..., :1]})
    >>> grey.fields["image"].shape
    (16, 16, 1)
    """
    _check_whole([source])
    before = source.read(0)
    after = function(before)
    fields = {key: jax.ShapeDtypeStruct(np.shape(value), np.asarray(value).dtype) for key, value in after.items()}
    columns = {key: values for key, values in source.columns.items() if after.get(key) is before[key]}
    names, rates = ({key: value for key, value in known.items() if key in fields} for known in (source.names, source.rates))

    def read(index):
        before = source.read(index)
        after = function(before)
        changed = [key for key in columns if after.get(key) is not before[key]]
        if changed:
            raise ValueError(
                f"expected {', '.join(changed)} of example {index} of {source.name} as it was, the one of example 0, found it changed;"
                " return a new array for every example"
            )
        return after

    return source._replace(name=name or source.name, fields=fields, read=read, names=names, columns=columns, rates=rates)


def unpaired(*sources: Source) -> Source:
    """Joins sources without correspondence: a run draws from each in an order that depends on its place among them.

    `read` pairs examples of equal index, again from the first where a set is smaller.

    Raises:
      ValueError: if two have a field of the same name.
    """
    names = [name for source in sources for name in source.fields]
    if len(set(names)) != len(names):
        raise ValueError(f"expected sources with different fields, found {names}; rename them with select")

    parts = tuple(part for source in sources for part in (source.parts or (source,)))
    size = max(part.size for part in parts)

    def read(index):
        index = range(size)[index]  # IndexError beyond the end
        return _merged(part.read(index % part.size) for part in parts)

    return _joined(parts, size, read)._replace(columns={}, parts=parts)


def _select_of_parts(source, fields):
    chosen = [{new: old for new, old in fields.items() if old in part.fields} for part in source.parts]
    parts = [select(part, **names) for part, names in zip(source.parts, chosen, strict=True) if names]
    return parts[0] if len(parts) == 1 else unpaired(*parts)


def _check_whole(sources):
    for source in sources:
        if source.parts:
            raise ValueError(f"expected sources whose examples are whole, found {source.name}, which is unpaired; change its parts instead")


def _check_names(first, source, label):
    for name in (first.names.keys() | source.names.keys()) - {label}:
        if first.names.get(name) != source.names.get(name):
            raise ValueError(
                f"expected {name} to number the same names, found {first.names.get(name)} in {first.name} and {source.names.get(name)}"
                f" in {source.name}; leave {name} out, or map one to the other"
            )


def _joined(sources, size, read):
    skipped = tuple(entry for source in sources for entry in source.skipped)
    fields, names, columns, rates = (
        _merged(getattr(source, part) for source in sources) for part in ("fields", "names", "columns", "rates")
    )
    damaged = ChainMap(*(source.damaged for source in sources))  # which grow while examples are read
    return Source(_name(sources), size, fields, read, names, columns, skipped, damaged, rates=rates)


def _merged(mappings):
    return {name: value for mapping in mappings for name, value in mapping.items()}


def _name(sources):
    names = list(dict.fromkeys(source.name for source in sources))
    return "+".join([names[0], *(PurePath(name).name for name in names[1:])])


def _shapes(source):
    return {name: (field.shape, str(field.dtype)) for name, field in source.fields.items()}
