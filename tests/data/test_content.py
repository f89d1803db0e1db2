import warnings

import numpy as np
import pytest
from tests.data.colours import as_folder, some
from tests.data.sources import numbers, source_of

from jgan.data import content, make_feed, open_source
from jgan.data.combine import concatenate, map_examples, select, unpaired
from jgan.data.content import data_hash, held, prepared
from jgan.data.source import read_rows, spread

LARGE = 5000  # examples, more than are looked at


def equal(one, other):
    assert one.keys() == other.keys()
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name])
        assert np.asarray(values).dtype == np.asarray(other[name]).dtype


def test_what_is_held_is_read_once_and_stays_the_same():
    reads = []
    plain, source = source_of(numbers(700), ("label",)), held(source_of(numbers(700), ("label",), reads=reads))
    assert sorted(reads) == list(range(700)) and held(source) is source
    equal(read_rows(source, np.asarray([5, 699, 5])), read_rows(plain, np.asarray([5, 699, 5])))
    equal(source.read(-1), plain.read(-1))
    constants = make_feed(source, 4, 0).constants
    assert list(constants) == list(source.fields) and constants["image"] is source.columns["image"]  # no copy
    assert len(reads) == 700 and source.spec == plain.spec and source.names == plain.names
    with pytest.raises(IndexError):
        source.read(700)
    with pytest.raises(ValueError, match="read-only"):
        source.read(0)["image"][:] = 0


def test_warnings_about_damaged_pictures_stay_one(tmp_path):
    path = as_folder(tmp_path / "set", some("a", "red", 600))
    for number in (3, 300):
        whole = (path / f"a/{number}.png").read_bytes()
        (path / f"a/{number}.png").write_bytes(whole[:-22])
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always", UserWarning)
        source = prepared(open_source(path))
        data_hash(source), read_rows(source, np.arange(600)), make_feed(source, 4, 0)
    assert sorted(str(warning.message).split(" is damaged")[0] for warning in record) == [f"{path}/a/{n}.png" for n in (3, 300)]
    assert len(source.damaged) == 2


def test_unpaired_parts_are_held_each():
    reads = [], []
    sides = (source_of(numbers(n), name="abc"[n % 3], reads=log) for n, log in zip((7, 12), reads, strict=True))
    plain = unpaired(*(select(side, **{field: "image"}) for side, field in zip(sides, ("input", "target"), strict=True)))
    source = prepared(plain)
    for log in reads:
        log.clear()
    feed = make_feed(source, 4, 5)
    equal(source.read(9), {"input": numbers(7)["image"][2], "target": numbers(12)["image"][9]})
    assert reads == ([], []) and feed.constants[1]["target"] is source.parts[1].columns["target"]
    assert (source.name, source.size, source.spec) == (plain.name, plain.size, plain.spec)
    assert data_hash(source) == data_hash(plain)


def test_the_hash_of_what_is_prepared_is_not_computed_again():
    reads = []
    source = prepared(source_of(numbers(9), reads=reads)._replace(columns={}))
    assert data_hash(source) == source.content[1] == data_hash(source_of(numbers(9))) and len(reads) == 9


@pytest.mark.parametrize(
    "change",
    [
        lambda source: select(source, image="image"),
        lambda source: map_examples(source, lambda example: {**example, "image": example["image"] + np.uint8(1)}),
        lambda source: concatenate(source, source),
        lambda source: source._replace(read=source_of(numbers(9, 1)).read, columns={}),
    ],
)
def test_what_is_made_of_a_prepared_source_has_another_hash(change):
    source = prepared(source_of(numbers(9)))
    other = change(source)
    assert data_hash(other) != data_hash(source) and data_hash(other) == data_hash(other._replace(content=None))


def test_every_byte_and_the_order_count():
    fields = numbers(300)
    one, *others = (dict(fields) for _ in range(3))
    others[0]["image"] = fields["image"].copy()
    others[0]["image"][171, 2, 3, 1] ^= 1
    others[1] = {name: values[::-1] for name, values in fields.items()}
    others += [{name: values[:-1] for name, values in fields.items()}, one | {"label": (one["label"] + 1).astype(np.int32)}]
    hashes = [data_hash(source_of(found, columns)) for found in (one, *others) for columns in ((), ("label",))]
    assert len(set(hashes)) == len(others) + 1 and hashes[0] == data_hash(source_of(numbers(300), name="elsewhere"))


def test_of_large_sets_all_columns_and_spread_examples_count(monkeypatch):
    fields = {name: values for name, values in numbers(LARGE).items() if name in ("label", "tokens")}
    reads = []
    whole = data_hash(source_of(fields, ("label",)))
    monkeypatch.setattr(content, "RESIDENT_BYTES", 0)
    source = prepared(source_of(fields, ("label",), reads=reads))
    assert len(reads) == 4096 and sorted(reads)[-1] > LARGE - 3 and data_hash(source) != whole and "tokens" not in source.columns
    passed_over = np.setdiff1d(np.arange(LARGE), spread(LARGE, 4096))[0]
    relabelled = fields | {"label": np.where(np.arange(LARGE) == passed_over, 5, fields["label"]).astype(np.int32)}
    assert len({data_hash(source_of(found, ("label",))) for found in (fields, relabelled)}) == 2
