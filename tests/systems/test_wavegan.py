"""WaveGAN in miniature, on embedded words."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.data.test_wav import wav
from tests.systems.check import check_presets, check_system, presets_of
from tests.systems.steps import play
from tests.systems.untrained import random_run

from jgan.run.trained import load
from jgan.systems.wavegan import SYSTEM, Config

TINY = Config(window=2048, batch=8, features=2, latent_size=4, limit=40, loss="non_saturating", discriminator_steps=1)
ARGUMENTS = {"evaluate": ["--samples", "24"]}


@pytest.mark.parametrize("name", presets_of(SYSTEM))
def test_preset(name):
    check_presets(SYSTEM, [name])


@pytest.mark.slow
def test_with_a_gradient_penalty_and_several_steps():
    config = dataclasses.replace(TINY, loss="wasserstein", discriminator_steps=2)
    _, last, metrics = play(SYSTEM, config)
    assert int(last.step) == 3 and (metrics["discriminator/gradient_penalty"] > 0).all()
    expected = metrics["discriminator/fake_logits"] - metrics["discriminator/real_logits"] + 10 * metrics["discriminator/gradient_penalty"]
    np.testing.assert_allclose(metrics["discriminator/loss"], expected, rtol=1e-3, atol=1e-4)


def test_a_window_that_does_not_fit():
    with pytest.raises(ValueError, match="found 3000; take a window of"):
        play(SYSTEM, dataclasses.replace(TINY, window=3000))


@pytest.mark.slow
def test_system(tmp_path):
    trained = check_system(SYSTEM, TINY, tmp_path, ARGUMENTS, skip=())
    sounds = trained(range(3), label="up-a")
    assert sounds.shape == (3, 2048) and np.abs(sounds).max() <= 1 and trained.spec.rate("audio") == 8000
    assert (tmp_path / "whole" / "samples" / "00000032-audio" / "0000.wav").exists()
    assert "<audio controls" in (tmp_path / "whole" / "report.html").read_text()
    lines = (tmp_path / "whole" / "evaluations.jsonl").read_text()
    for name in ("right", "right_least", "nearest", "noise/right", "real/frechet_distance", "held_out/right"):
        assert f'"metric": "{name}"' in lines


def test_parts_of_another_rate_are_refused(tmp_path):
    for part, rate in (("train", 8000), ("test", 16_000)):
        for number in range(8):
            path = tmp_path / "sounds" / part / "beep" / f"{number}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(wav(np.arange(4096).astype("<i2").tobytes(), rate=rate))
    config = dataclasses.replace(TINY, data=str(tmp_path / "sounds"))
    trained = load(random_run(SYSTEM, config, tmp_path / "run"), system=SYSTEM)
    assert trained.open_data().size == 16
    with pytest.raises(ValueError, match="expected audio of 8000 per second in .*, as in the run, found 16000; .*--sample-rate"):
        trained.open_data("test")
    both = dataclasses.replace(trained, config=dataclasses.replace(config, sample_rate=8000))
    assert both.open_data("test").rates == both.open_data().rates


def test_without_labels():
    spec = SYSTEM.data(TINY).spec
    plain = spec._replace(fields={"audio": spec.fields["audio"]}, names={})
    training, sampling = SYSTEM.build(TINY, plain), SYSTEM.sampling(TINY, plain)
    state = training.init(jax.random.key(0), {"audio": jnp.zeros((8, 2048))})
    assert sampling.conditions == () and training.sample(state, None, {"z": jnp.ones((2, 4))})["audio"].shape == (2, 2048)
