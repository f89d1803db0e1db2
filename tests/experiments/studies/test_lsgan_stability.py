"""The comparison of stability in miniature."""

import itertools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from experiments.studies import lsgan_stability

from jgan.run.main import study


@pytest.mark.parametrize("number, name", list(enumerate(lsgan_stability.LOSSES)))
def test_the_loss_of_a_traced_number(number, name):
    real, fake = jnp.asarray([-2.0, 0.3]), jnp.asarray([1.5, -40.0])
    found, wanted = jax.jit(lambda n: [side(real, fake) for side in lsgan_stability.chosen(n)[:2]])(number), lsgan_stability.LOSSES[name]
    np.testing.assert_allclose(found[0], wanted.discriminator(real, fake), rtol=1e-6)
    np.testing.assert_allclose(found[1], wanted.generator(real, fake), rtol=1e-6)
    slope = jax.grad(lambda x: lsgan_stability.chosen(number).generator(None, x).sum())(fake)
    np.testing.assert_allclose(slope, jax.grad(lambda x: wanted.generator(None, x).sum())(fake), rtol=1e-6)


def reference(threshold):
    """Four classes of different brightness."""

    def extract(images):
        brightness = images.astype(np.float64).mean((1, 2, 3))
        return {"features": brightness[:, None] / 64, "logits": -np.abs(brightness[:, None] - [0, 80, 160, 240])}

    real = np.repeat([0, 80, 160, 240], 50)[:, None] / 64
    return lsgan_stability.Reference(extract, lsgan_stability.update(lsgan_stability.empty(1), real), threshold, 4)


VERDICTS = {  # brightness of the images, classes that are there, whether the run succeeds with a threshold of 1
    "as the real ones": ([0, 80, 160, 240] * 50, 4, True),
    "a class has too few": ([0, 80, 160] * 66 + [240], 3, False),
    "one class": ([80, 81] * 100, 1, False),
    "all classes but far away": ([0] * 190 + [80, 160, 240] * 3, 4, False),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_verdicts(name):
    brightness, classes, success = VERDICTS[name]
    images = np.broadcast_to(np.asarray(brightness, np.uint8)[:, None, None, None], (len(brightness), 4, 4, 1))
    found = lsgan_stability.verdict(reference(1.0), images)
    assert (found["classes"], found["success"]) == (classes, success)
    assert lsgan_stability.verdict(reference(0.0), images)["success"] is False


def results(*successes):
    checks = [[{"distance": 10.0 + i, "classes": 8, "success": i < n} for i in range(4)] for n in successes]
    return {"batch_norm": "in neither", "optimizer": "Adam", "learning_rate": 0.004, "loss": "least squares", "checks": checks}


def test_the_table():
    lines = lsgan_stability.table([results(1, 4), results(2, 0)]).splitlines()
    assert lines[2].split(" | ")[2:7] == ["0.004", "least squares", "4 of 4", "51% to 100%", "11.5 ± 1.1"]
    assert lines[3].endswith("| 0 of 4 | 0% to 49% | 11.5 ± 1.1 | 8.0 ± 0.0 | 2 |") and len({line.count("|") for line in lines}) == 1


def test_the_picture():
    drawn = np.zeros((2, 16, 8, 8, 1), np.uint8)
    image = lsgan_stability.picture([(drawn, [True, False])] * 3)
    assert image.shape == (3 * 38, 2 * 38, 3)
    assert image[0, 0].tolist() == [0, 160, 60] and image[0, 38].tolist() == [200, 40, 30] and (image[3:35, 3:35] == 0).all()


@pytest.mark.slow
def test_a_comparison(tmp_path, capsys):
    sizes = {"resolution": 16, "channels": 1, "limit": 200, "seeds": 2, "steps": 2, "batch": 4, "width": 2, "latent_size": 4}
    tiny = lsgan_stability.Config(**sizes, samples=150, checks=2, optimizers=("Adam",), learning_rates=(1e-3, 1e-2))

    def compare():
        with jax.numpy_dtype_promotion("standard"):  # for optax
            study("lsgan_stability", {"tiny": tiny}, lsgan_stability.train, arguments=["train", "--workdir", str(tmp_path / "run")])

    with pytest.warns(UserWarning):  # few images of a class, a poor classifier
        compare()
    found = [json.loads(line) for line in (tmp_path / "run" / "results.jsonl").read_text().splitlines()]
    expected = list(itertools.product(lsgan_stability.NORMALISED, (1e-3, 1e-2), lsgan_stability.LOSSES))
    assert [(r["batch_norm"], r["learning_rate"], r["loss"]) for r in found] == expected
    assert all(np.shape(r["checks"]) == (2, 2) and r["config"]["steps"] == 2 and "machine" in r for r in found)
    assert all((tmp_path / "run" / name).stat().st_size > 0 for name in ("table.md", "runs.png"))
    with pytest.raises(SystemExit):
        compare()
    assert "cannot be resumed; start a new one" in capsys.readouterr().err
