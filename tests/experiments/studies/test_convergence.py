"""The study of convergence in miniature: what the Dirac-GAN does is known, and modes are counted right."""

import json

import jax
import numpy as np
import pytest
from experiments.studies import convergence, toy

from jgan.run.main import study

TINY = convergence.Config(steps=20, records=4, ring=toy.Config(seeds=2, steps=4, batch=8, hidden=8, samples=20))
LONG = convergence.Config(steps=2000)
ENDS = {  # (loss, penalty, updates): least and greatest distance at the end (Mescheder et al. 2018, sections 2 to 4)
    ("Wasserstein", "no penalty", "simultaneous"): (2, np.inf),
    ("Wasserstein", "no penalty", "alternating"): (0.9, 1.1),
    ("non-saturating", "no penalty", "alternating"): (0.1, 1),
    ("Wasserstein", "WGAN-GP", "alternating"): (0.5, 1.5),
    ("non-saturating", "R1", "simultaneous"): (0, 1e-3),
    ("minimax", "R2", "alternating"): (0, 1e-3),
    ("hinge", "R1", "alternating"): (0, 1e-3),
}


@pytest.mark.parametrize("name", ENDS, ids=", ".join)
def test_where_the_players_end(name):
    least, greatest = ENDS[name]
    path = np.asarray(convergence.dirac(LONG, *name))
    assert path.shape == (2001, 2) and path[0].tolist() == list(convergence.START)
    assert least <= convergence.distance(path) <= greatest


def test_one_step_without_a_penalty():
    """Of Wasserstein: psi falls by the rate times theta, and theta rises by the rate times the psi that it sees."""
    config = convergence.Config(steps=1, rate=0.1)
    simultaneous, alternating = (convergence.dirac(config, "Wasserstein", "no penalty", updates) for updates in convergence.UPDATES)
    np.testing.assert_allclose(simultaneous[1], [1.1, 0.9], rtol=1e-6)
    np.testing.assert_allclose(alternating[1], [1.09, 0.9], rtol=1e-6)


def test_modes_of_known_points():
    centres = toy.MIXTURES["ring"].centres
    assert convergence.modes(np.stack([centres[[0, 0, 3]], np.zeros((3, 2))])).sum(axis=1).tolist() == [2, 0]


def test_modes_that_are_lost_count():
    found = np.ones((1, 4, 8), bool)
    found[0, 3, :2] = False  # of the second half's two records
    assert convergence.ring_table({("hinge", "R1"): found}).splitlines()[-1] == "| hinge | R1 | 6.0 ± 0.0 | 2.00 ± 0.00 |"


@pytest.mark.slow
def test_a_run(tmp_path, monkeypatch):
    monkeypatch.setattr(convergence, "ON_RING", [("hinge", "R1")])
    monkeypatch.setattr(convergence, "LOSSES", {"hinge": convergence.LOSSES["hinge"]})
    with jax.numpy_dtype_promotion("standard"):  # which optax needs
        study("convergence", {"tiny": TINY}, convergence.train, arguments=["train", "--workdir", str(tmp_path / "run")])
    numbers = json.loads((tmp_path / "run" / "results.json").read_text())
    assert len(numbers["dirac"]) == 8 and np.shape(numbers["ring"]["hinge, R1"]) == (2, 4) and "commit" in numbers["protocol"]
    assert {path.name for path in (tmp_path / "run").glob("*.*")} >= {"table.md", "dirac.png", "modes.png"}
