"""What an experiment may give to the launch of a run besides its source."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.run.tiny_run import Config

from jgan.data import Feed, open_source
from jgan.run.folder import open_folder
from jgan.run.launch import launch, make_feed, recall
from jgan.run.score import Score
from jgan.types import Training


def counting(name):
    """A "training" that adds up the means of what the batch calls `name`."""

    def init(key, batch):
        return {"total": jnp.zeros(()), "step": jnp.zeros((), jnp.int32)}

    def step(state, batch, key):
        mean = jnp.mean(batch[name].astype(jnp.float32))
        return {"total": state["total"] + mean, "step": state["step"] + 1}, {"mean": mean}

    return Training(init, step, lambda state, key, inputs: inputs + state["total"] * 0.0)


SETTINGS = dict(batch=8, seed=0, kimg=0.032, record_kimg=0.016, sample_kimg=0.032, checkpoint_kimg=0.032, steps_per_call=1, devices=1)
SETTINGS |= dict(inputs=np.zeros((4, 4, 4, 3), np.float32), draw_inputs=lambda key: np.ones((2, 4, 4, 3), np.float32))


@pytest.fixture
def folder(tmp_path):
    with open_folder(tmp_path, "counting", Config()) as opened:
        yield opened


def records(folder):
    return [json.loads(line) for line in (folder.path / "metrics.jsonl").read_text().splitlines()]


def test_a_feed_and_a_score_of_one_s_own(folder):
    source, asked = open_source("shapes", resolution=8, limit=20), []
    feed = make_feed(source, 8, 0)
    doubled = Feed(feed.constants, lambda c, item: {"twice": 2 * (feed.lookup(c, item)["image"] // 2)}, feed.items)

    def make_score(place, mesh):
        asked.append((place, mesh.shape["data"]))
        return Score("score/mine", {}, lambda sample: {"score/mine": float(np.sum(sample(jax.random.key(0))))})

    state = launch(folder, counting("twice"), source, feed=doubled, score=make_score, score_kimg=0.016, **SETTINGS)
    assert asked == [(folder.path / "features", 1)]
    assert [r["score/mine"] for r in records(folder)] == [96.0, 96.0]
    assert state["total"] == pytest.approx(2 * sum(r["mean"] for r in records(folder)), rel=1e-5)
    assert recall(folder.path) == ((8, 8, 3), ())


def test_without_a_score_none_is_made(folder):
    def make_score(place, mesh):
        raise AssertionError("a score was asked for")

    launch(folder, counting("image"), open_source("shapes", resolution=8, limit=20), score=make_score, score_kimg=0, **SETTINGS)
    assert len(records(folder)) == 2
