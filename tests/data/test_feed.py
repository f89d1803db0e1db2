import io
import itertools
import sys
from collections import Counter

import jax
import numpy as np
import pytest
from PIL import Image
from tests.data.sources import numbers, source_of

from jgan.data import content, make_feed, open_source, resident, stream
from jgan.data.combine import select, unpaired
from jgan.data.order import batch_indices

SOURCE = open_source("shapes", resolution=8, limit=10, labels=True)
FEEDS = {"resident": resident, "stream": stream}


def batches(feed, start, steps_per_item, items):
    """The batches of `items` items, as a compiled program sees them."""
    lookup = jax.jit(lambda constants, item: jax.lax.map(lambda step: feed.lookup(constants, step), item))
    found = [lookup(feed.constants, item) for item in itertools.islice(feed.items(start, steps_per_item), items)]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *found)


def equal(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)


def test_both_feeds_give_the_same_batches():
    one, other = (batches(feed(SOURCE, batch=4, seed=3), 0, 2, 4) for feed in FEEDS.values())
    assert one["image"].shape == (8, 4, 8, 8, 3) and one["image"].dtype == np.uint8
    assert one["label"].shape == (8, 4) and one["label"].dtype == np.int32
    equal(one, other)


@pytest.mark.parametrize("feed", FEEDS.values(), ids=FEEDS)
def test_position_is_the_step(feed):
    feed = feed(SOURCE, batch=4, seed=0)
    whole = batches(feed, 0, 3, 4)
    equal(jax.tree.map(lambda leaf: leaf[5:], whole), batches(feed, 5, 1, 7))
    far = next(feed.items(10**9, 1))
    equal(far, next(feed.items(10**9, 1)))


@pytest.mark.parametrize("feed", FEEDS.values(), ids=FEEDS)
def test_processes_together_see_the_batch_of_one(feed):
    whole = batches(feed(SOURCE, batch=4, seed=0), 0, 2, 2)
    parts = [batches(feed(SOURCE, batch=4, seed=0, process_index=index, process_count=2), 0, 2, 2) for index in range(2)]
    equal(whole, jax.tree.map(lambda *leaves: np.concatenate(leaves, axis=1), *parts))


def test_large_seeds_have_orders_apart():
    orders = {tuple(batch_indices(1000, seed, 0, 1000)) for seed in (0, 7, 2**32, 2**32 + 7, 2**63 - 1, 2**63)}
    assert len(orders) == 6  # the last is of the second part of an unpaired source


def test_labels_go_with_their_images():
    found = batches(resident(SOURCE, batch=5, seed=1), 0, 1, 4)
    known = {SOURCE.read(index)["image"].tobytes(): SOURCE.read(index)["label"] for index in range(SOURCE.size)}
    images, labels = found["image"].reshape(-1, 8, 8, 3), found["label"].reshape(-1)
    assert [known[image.tobytes()] for image in images] == labels.tolist()


def test_without_labels_there_are_none():
    source = open_source("shapes", resolution=8, limit=4)
    assert set(resident(source, batch=2, seed=0).constants) == {"image"}
    assert set(next(stream(source, batch=2, seed=0).items(0, 1))) == {"image"}


KINDS = ("image", "label", "audio", "tokens")


@pytest.mark.parametrize("feed", FEEDS.values(), ids=FEEDS)
@pytest.mark.parametrize("columns", [(), ("label", "tokens")])
def test_fields_of_all_kinds_stay_together(feed, columns):
    fields = numbers(10)
    found = batches(feed(source_of(fields, columns), batch=4, seed=2), 0, 2, 3)
    assert sorted(found) == sorted(KINDS)  # a compiled program sorts them
    order = np.stack([batch_indices(10, 2, step, 4) for step in range(6)])
    for name in KINDS:
        np.testing.assert_array_equal(found[name], fields[name][order])
        assert found[name].dtype == fields[name].dtype and found[name].shape == (6, 4, *fields[name].shape[1:])


@pytest.mark.parametrize("feed", FEEDS.values(), ids=FEEDS)
def test_examples_that_are_not_what_the_source_says(feed):
    source = source_of(numbers(4))._replace(read=lambda index: {name: values[:1] for name, values in numbers(4).items()})
    with pytest.raises(ValueError, match=r"expected image of arrays as uint8 \[4, 6, 3\], found uint8 \[1, 4, 6, 3\]"):
        batches(feed(source, batch=2, seed=0), 0, 1, 1)


def test_large_sets_are_streamed(monkeypatch):
    source = source_of(numbers(10))
    kept = make_feed(source, 4, 3)
    monkeypatch.setattr(content, "RESIDENT_BYTES", source.bytes - 1)
    streamed = make_feed(source, 4, 3)
    assert sorted(kept.constants) == sorted(KINDS) and streamed.constants == {}
    equal(batches(kept, 0, 2, 3), batches(streamed, 0, 2, 3))
    equal(batches(kept, 0, 2, 3), batches(resident(source, batch=4, seed=3), 0, 2, 3))


def domains(first=12, second=12):
    return unpaired(select(source_of(numbers(first)), input="image"), select(source_of(numbers(second)), target="image", label="label"))


def drawn(feed, start=0, steps=9):
    """The numbers of the examples on both sides, [steps, 4] each."""
    found = batches(feed, start, 1, steps)
    return [found[name].max(axis=(2, 3, 4)) for name in ("input", "target")]


def test_unpaired_sides_have_orders_apart():
    one, other = drawn(make_feed(domains(), 4, 0))
    assert np.mean(one == other) < 0.4  # by chance alone
    for side in (one, other):
        assert all(sorted(epoch) == list(range(12)) for epoch in side.reshape(-1, 12).tolist())
    np.testing.assert_array_equal(one, [batch_indices(12, 0, step, 4) for step in range(9)])
    np.testing.assert_array_equal(other, [batch_indices(12, 1, step, 4) for step in range(9)])


@pytest.mark.parametrize("bytes_that_stay", [2**31, 0])
def test_unpaired_orders_depend_on_seed_and_step_alone(monkeypatch, bytes_that_stay):
    kept = make_feed(domains(7, 12), 4, 5)
    monkeypatch.setattr(content, "RESIDENT_BYTES", bytes_that_stay)
    feed = make_feed(domains(7, 12), 4, 5)
    whole = batches(kept, 0, 1, 9)
    equal(whole, batches(feed, 0, 3, 3))
    equal(jax.tree.map(lambda leaf: leaf[5:], whole), batches(feed, 5, 2, 2))
    assert not np.array_equal(drawn(feed), drawn(make_feed(domains(7, 12), 4, 6)))
    np.testing.assert_array_equal(whole["label"], whole["target"].max(axis=(2, 3, 4)) % 3)  # fields of one side stay together


def test_each_unpaired_set_needs_a_batch():
    with pytest.raises(ValueError, match="fewer images than one batch: arrays has 3, batch=4"):
        make_feed(domains(12, 3), 4, 0)


@pytest.mark.parametrize("batch", [1, 3, 7, 10])
def test_every_epoch_is_a_new_permutation(batch):
    flat = np.concatenate([batch_indices(10, 0, step, batch) for step in range(30)])
    epochs = flat[: len(flat) // 10 * 10].reshape(-1, 10)
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs.tolist())
    assert len({tuple(epoch) for epoch in epochs.tolist()}) == len(epochs)


def test_the_order_is_uniform_and_depends_on_the_seed():
    firsts = Counter(int(batch_indices(5, seed, 0, 1)[0]) for seed in range(1000))
    assert all(abs(count - 200) < 60 for count in firsts.values()) and len(firsts) == 5
    assert batch_indices(1000, 0, 0, 64).tolist() != batch_indices(1000, 1, 0, 64).tolist()


def test_the_order_is_pinned():  # a change here would break the resumption of every run
    assert batch_indices(10, 0, 0, 10).tolist() == [0, 2, 9, 1, 8, 5, 4, 3, 6, 7]


def test_streaming_meets_a_damaged_file(tmp_path):
    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 256, (16, 16, 3), np.uint8)
        data = io.BytesIO()
        Image.fromarray(pixels).save(data, "PNG")
        (tmp_path / f"{number}.png").write_bytes(data.getvalue()[: -300 if number == 1 else None])
    one, other = open_source(tmp_path), open_source(tmp_path)
    with pytest.warns(UserWarning, match=r"1\.png is damaged"):
        streamed = batches(stream(one, batch=4, seed=0), 0, 1, 3)
    with pytest.warns(UserWarning, match=r"1\.png is damaged"):
        equal(streamed, batches(resident(other, batch=4, seed=0), 0, 1, 3))
    assert list(one.damaged) == [str(tmp_path / "1.png")]


@pytest.mark.parametrize("feed", FEEDS.values(), ids=FEEDS)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch": 11}, "fewer images than one batch: shapes has 10, batch=11"),
        ({"batch": 0}, "batch=0"),
        ({"batch": 4, "process_count": 3}, "batch=4 for 3 processes"),
        ({"batch": 4, "process_index": 2, "process_count": 2}, "process_index=2: expected 0 to 1"),
        ({"batch": 4, "seed": -1}, "seed=-1"),
    ],
)
def test_errors(feed, options, message):
    with pytest.raises(ValueError, match=message):
        feed(SOURCE, **{"seed": 0, **options})


def test_without_grain(monkeypatch):
    monkeypatch.setitem(sys.modules, "grain", None)
    with pytest.raises(ImportError, match="install grain"):
        stream(SOURCE, batch=4, seed=0)
    assert resident(SOURCE, batch=4, seed=0).constants["image"].shape == (10, 8, 8, 3)
