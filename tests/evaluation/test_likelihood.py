import json
import math

import jax.numpy as jnp
import numpy as np
import pytest
from tests.data.sources import numbers, source_of

from jgan.evaluation.likelihood import filled, likelihood_score
from jgan.evaluation.score import Snapshot
from jgan.sharding import data_mesh


def nats(state, rows):
    """The number of each example, times the state: a likelihood that is easily averaged."""
    assert set(rows) == {"image", "label"}
    return rows["image"].astype(jnp.float32).mean((1, 2, 3)) * state + 3.0 * rows["label"].astype(jnp.float32)


@pytest.mark.parametrize(("size", "batch"), [(20, 8), (16, 8), (5, 8)])
def test_all_examples_count_once(size, batch):
    source = source_of(numbers(size), ("label",), name="held-out")
    score = likelihood_score(nats, source, "test", ("image", "label"), batch, data_mesh())
    found = score.compute(Snapshot(jnp.float32(2), None))
    fields = numbers(size)
    mean = (2 * np.arange(size) + 3 * fields["label"]).mean()
    assert score.criterion == "score/nats/test" and score.lower_is_better and score.watched == {}
    assert found == {
        score.criterion: pytest.approx(mean),
        "bits_per_dimension/test": pytest.approx(mean / (4 * 6 * 3 * math.log(2))),
    }
    protocol = json.loads(json.dumps(score.protocol))
    assert (protocol["images"], protocol["split"], protocol["source"]) == (size, "test", "held-out")


def test_without_a_mesh_one_device_is_used():
    scores = [likelihood_score(nats, source_of(numbers(8)), "valid", ("image", "label"), 8, *mesh) for mesh in ((), (data_mesh(),))]
    alone, spread = (score.compute(Snapshot(jnp.float32(2), None)) for score in scores)
    assert alone == spread


def test_the_state_is_scored():
    score = likelihood_score(nats, source_of(numbers(8)), "valid", ("image", "label"), 8, data_mesh())
    low, high = (score.compute(Snapshot(jnp.float32(state), None))[score.criterion] for state in (1, 2))
    assert low < high


def test_the_last_rows_are_repeated():
    rows = {"a": np.arange(5), "b": np.arange(5) * 2}
    assert {name: values.tolist() for name, values in filled(rows, 3, 4).items()} == {"a": [3, 4, 4, 4], "b": [6, 8, 8, 8]}
