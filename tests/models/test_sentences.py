"""Drawing and reading sentences."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models import sentences

VOCABULARY, LENGTH = 4, 3
GENERATOR = sentences.Generator(VOCABULARY, 5, 6, layers=2)


@pytest.fixture(scope="module")
def params():
    """Far from uniform ones."""
    return jax.tree.map(lambda x: 3 * x + 0.1, jax.jit(lambda key: sentences.init(GENERATOR, key))(jax.random.key(0)))


def all_sentences():
    """Every row of the tokens that counts: up to an end, or as long as a row."""
    rows = itertools.product(range(VOCABULARY), repeat=LENGTH)
    return jnp.asarray([row for row in rows if 0 not in row or not any(row[row.index(0) :])])


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_probabilities_of_all_sentences_sum_to_one(params, temperature):
    rows = all_sentences()
    found = sentences.log_probabilities(GENERATOR, params, rows, temperature)
    assert float(jnp.sum(jnp.exp(jnp.sum(found, axis=1)))) == pytest.approx(1, abs=1e-5)
    assert (np.asarray(found)[~np.asarray(sentences.until_end(rows))] == 0).all()


def test_sentences_are_drawn_as_often_as_they_are_probable(params):
    rows, count = all_sentences(), 20_000
    expected = np.exp(np.asarray(sentences.log_probabilities(GENERATOR, params, rows)).sum(1))
    drawn = np.asarray(sentences.draw(GENERATOR, params, jax.random.uniform(jax.random.key(1), (count, LENGTH))))
    digits = VOCABULARY ** np.arange(LENGTH)
    found = np.bincount(drawn @ digits, minlength=VOCABULARY**LENGTH)[np.asarray(rows) @ digits] / count
    assert found.sum() == 1  # nothing but sentences
    np.testing.assert_array_less(np.abs(found - expected), 4.5 * np.sqrt(expected * (1 - expected) / count) + 1e-4)


def test_temperature_of_each_sentence(params):
    uniforms = jax.random.uniform(jax.random.key(2), (6, LENGTH))
    cold = sentences.draw(GENERATOR, params, uniforms, jnp.asarray([0.0, 0.0, 1.0, 1.0, 1.0, 1.0]))
    np.testing.assert_array_equal(cold[0], cold[1])
    np.testing.assert_array_equal(cold[2:], sentences.draw(GENERATOR, params, uniforms)[2:])


def test_the_discriminator_reads_from_left_to_right_and_forgets_nothing():
    network = sentences.discriminator(VOCABULARY, 5, 6)
    tokens = jnp.asarray([[1, 2, 3, 1]])
    params, state = network.init(jax.random.key(0), tokens)
    logits = [network.apply(params, state, tokens.at[0, place].set(0))[0][0] for place in range(4)]
    whole = network.apply(params, state, tokens)[0][0]
    assert whole.shape == (4,) and whole.dtype == jnp.float32
    for place, changed in enumerate(logits):
        np.testing.assert_array_equal(changed[:place], whole[:place])
        assert (changed[place:] != whole[place:]).all()
    dropped = [network.apply(params, state, tokens, key=jax.random.key(seed), train=True)[0] for seed in range(2)]
    assert (dropped[0] != dropped[1]).any()


def test_positions_tell_equal_tokens_apart():
    found = np.asarray(sentences.positions(40, 8))
    distances = np.linalg.norm(found[:, None] - found[None], axis=2) + 10 * np.eye(40)
    assert distances.min() > 0.05 and np.abs(found).max() <= 1
