import functools

import numpy as np
import pytest

from jgan.run.dead import PATIENCE, STEPS, WARNED, check_alive, doubtful, follow, new

RANDOM = np.random.default_rng(0)
LONG = 60  # records of 50 steps
NOISE = {name: RANDOM.normal(size=LONG) for name in ("a", "b", "c")}
ZERO_FOR_A_WHILE = [0.0 if 3 <= i < 3 + PATIENCE - 1 else 1.0 for i in range(LONG)]
ZERO_AT_TIMES = [0.0 if i % PATIENCE else 1.0 for i in range(LONG)]

HEALTHY = {
    "an ordinary run": {"generator/loss": 1 + 0.1 * NOISE["a"], "generator/gradient_norm": 0.5 + 0.1 * abs(NOISE["b"])},
    "the Wasserstein loss": {"discriminator/loss": -5e3 + 900 * NOISE["a"], "discriminator/real_logits": 9e5 + 3e4 * NOISE["b"]},
    "a critic that drifts": {"discriminator/real_logits": np.linspace(0, 9e5, LONG), "discriminator/loss": 1e-3 * NOISE["a"]},
    "one player, converged": {"generator/loss": 80.0 + 1e-3 * NOISE["a"], "generator/gradient_norm": 1e-6 * abs(NOISE["b"]) + 1e-9},
    "the balance of both": {"discriminator/loss": 1.3863 + 1e-4 * NOISE["a"], "generator/loss": 0.6931 + 1e-4 * NOISE["b"]},
    "a loss that is learned by heart": {"generator/loss": 0.5 ** np.arange(LONG), "generator/gradient_norm": 0.5 ** np.arange(LONG)},
    "a penalty of weight 0": {"discriminator/r1/gradient_norm": np.zeros(LONG), "discriminator/r1": np.zeros(LONG)},
    "lazy updates": {"generator/loss": [None if i % 2 else 1 + NOISE["a"][i] for i in range(LONG)]},
    "numbers of no player": {"images_per_second": np.full(LONG, 5.0), "loss": np.ones(LONG)},
    "a learning rate that ends at 0": {"generator/loss": 1 + np.r_[NOISE["a"][:50], 0.01 * NOISE["b"][50:]]},
}
RECOVERING = {  # warned of, but not stopped
    "all beyond the hinge for a while": {"discriminator/gradient_norm": ZERO_FOR_A_WHILE},
    "or again and again": {"discriminator/gradient_norm": ZERO_AT_TIMES, "discriminator/loss": [1 + 0.1 * x for x in ZERO_AT_TIMES]},
}
DEAD = {
    "no gradients": ({"discriminator/gradient_norm": np.zeros(LONG)}, "discriminator/gradient_norm has been 0 since step 50"),
    "logits": ({"discriminator/fake_logits": -1e7 + NOISE["a"]}, "discriminator/fake_logits has been beyond 1,000,000 since step 50"),
    "logits of one of two": ({"both/forward/real_logits": np.full(LONG, 2e6)}, "both/forward/real_logits has been beyond"),
    "a constant loss": (
        {"discriminator/loss": 2 * np.log(2) + 1e-8 * NOISE["a"]},
        "discriminator/loss has stayed at 1.38629 since step 50",
    ),
    "a loss of 0": ({"discriminator/loss": np.zeros(LONG)}, "discriminator/loss has stayed at 0 since step 50"),
    "with gaps": ({"generator/gradient_norm": [0.0 if i % 2 else None for i in range(LONG)]}, "has been 0 since step 100"),
}


def records(columns, every=50):
    values = [{name: value for name, value in zip(columns, row, strict=True)} for row in zip(*columns.values(), strict=True)]
    return [(every * (i + 1), row) for i, row in enumerate(values)]


def followed(found):
    return functools.reduce(lambda signs, record: follow(signs, *record), found, {})


@pytest.mark.parametrize("name", [*HEALTHY, *RECOVERING])
@pytest.mark.parametrize("every", [1, 50, 1000])
def test_healthy_runs_go_on(name, every):
    signs, warned = {}, []
    for step, values in records((HEALTHY | RECOVERING)[name], every):
        signs = follow(signs, step, values)
        warned += new(signs)
        check_alive(signs, step)
    assert bool(warned) == (name in RECOVERING)


@pytest.mark.parametrize(("columns", "message"), DEAD.values(), ids=DEAD.keys())
def test_dead_runs_are_warned_of_once_and_end(columns, message):
    signs, warned, ended = {}, [], None
    for step, values in records(columns):
        signs = follow(signs, step, values)
        warned += new(signs) if values[next(iter(columns))] is not None else []
        try:
            check_alive(signs, step)
        except FloatingPointError as error:
            ended = ended or (step, str(error))
    assert len(warned) == 1 and message in warned[0]
    step, text = ended
    assert message in text and "checkpoints from before are kept" in text
    assert step >= 50 * PATIENCE and step >= STEPS


def test_records_of_single_steps_are_given_time():
    dead = records({"discriminator/gradient_norm": np.zeros(STEPS)}, every=1)
    check_alive(followed(dead), STEPS - 1)
    with pytest.raises(FloatingPointError, match="the training is dead"):
        check_alive(followed(dead), STEPS + 1)


def test_doubtful_states_are_those_of_the_second_record_on():
    dead = records({"generator/loss": np.ones(WARNED)})
    assert [doubtful(followed(dead[:n])) for n in range(4)] == [False, False, True, True]
    assert [len(new(followed(dead[:n]))) for n in range(WARNED + 1)] == [0] * WARNED + [1]
