import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models.wavegan import Up, discriminator, generator, phase_shuffle, spectrograms, waves


def count(params):
    return sum(leaf.size for leaf in jax.tree.leaves(params))


def test_the_network_of_the_paper():
    plan = waves(16_384, 64)
    g, _ = jax.eval_shape(generator(plan).init, jax.random.key(0), jnp.zeros((1, 100)))
    d, _ = jax.eval_shape(discriminator(plan).init, jax.random.key(0), jnp.zeros((1, 16_384)))
    widths = [1, 64, 128, 256, 512, 1024]
    layers = sum(25 * a * b for a, b in zip(widths[:-1], widths[1:], strict=True))
    assert count(g) == 101 * 16_384 + layers + sum(widths[:-1]) and count(d) == layers + sum(widths[1:]) + 16_384 + 1
    other = spectrograms(128, 128)
    assert (other.start, other.features) == ((4, 4), (64, 128, 256, 512, 1024))
    of_pictures, _ = jax.eval_shape(generator(other).init, jax.random.key(0), jnp.zeros((1, 100)))
    assert count(of_pictures) == count(g)


@pytest.mark.parametrize("plan", [waves(256, 4, 3), spectrograms(16, 32, 4, 3), waves(256, 4), waves(512, 2, 3, 0)])
def test_shapes_labels_and_gradients(plan):
    label = (jnp.asarray([0, 2]),) if plan.classes else ()
    z, key = jax.random.normal(jax.random.key(1), (2, 10)), jax.random.key(0)
    g, d = generator(plan), discriminator(plan)
    params, _ = g.init(key, z, *label)
    fake, _ = g.apply(params, {}, z, *label)
    assert fake.shape == (2, *plan.shape) and fake.dtype == jnp.float32 and np.abs(fake).max() <= 1
    of_d, _ = d.init(key, fake, *label)
    logits, _ = d.apply(of_d, {}, fake, *label)
    assert logits.shape == (2,)
    gradients = jax.grad(lambda p: d.apply(of_d, {}, g.apply(p, {}, z, *label)[0], *label, key=key)[0].sum())(params)
    assert all(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(gradients))
    if plan.classes:
        other = (jnp.asarray([0, 1]),)
        assert np.abs(g.apply(params, {}, z, *other)[0] - fake).max(axis=tuple(range(1, fake.ndim))).tolist()[0] == 0
        changed = d.apply(of_d, {}, fake, *other)[0]
        assert changed[0] == logits[0] and changed[1] != logits[1]
    shuffled = [d.apply(of_d, {}, fake, *label, key=jax.random.key(seed))[0] for seed in range(4)]
    assert bool((jnp.stack(shuffled) == logits[None]).all()) == (plan.shuffle == 0)


def test_half_precision():
    plan = waves(256, 4)
    z = jnp.ones((2, 10))
    params, _ = generator(plan, jnp.bfloat16).init(jax.random.key(0), z)
    fake, _ = generator(plan, jnp.bfloat16).apply(params, {}, z)
    np.testing.assert_allclose(fake, generator(plan).apply(params, {}, z)[0], atol=0.02)
    of_d, _ = discriminator(plan).init(jax.random.key(0), fake)
    assert discriminator(plan, jnp.bfloat16).apply(of_d, {}, fake, key=jax.random.key(1))[0].dtype == jnp.float32


def test_up_is_a_convolution_of_what_is_spread():
    """By its definition: zeros between samples, then a plain convolution with the kernel turned round."""
    x = jax.random.normal(jax.random.key(0), (2, 1, 6, 3))
    layer = Up(5, (1, 25), 4)
    params = layer.init(jax.random.key(1), x)["params"]
    spread = np.zeros((2, 24, 3))
    spread[:, ::4] = x[:, 0]
    kernel = np.asarray(params["kernel"], np.float64)[0]  # [25, O, I]
    expected = np.zeros((2, 24 + 24, 5))
    for t in range(24):
        expected[:, t : t + 25] += np.einsum("ni,koi->nko", spread[:, t], kernel)
    np.testing.assert_allclose(layer.apply({"params": params}, x)[:, 0], expected[:, 10:34], atol=1e-5)


@pytest.mark.parametrize("axes", [(), (3,)])
def test_phase_shuffle(axes):
    x = np.random.default_rng(0).normal(size=(5, *axes, 9, 2)).astype(np.float32)
    shift = np.arange(-2, 3)
    found = phase_shuffle(jnp.asarray(x), jnp.asarray(shift), 2)
    padded = np.pad(x, [(0, 0)] * (x.ndim - 2) + [(2, 2), (0, 0)], mode="reflect")
    for n, s in enumerate(shift):
        np.testing.assert_array_equal(found[n], padded[n, ..., 2 - s : 11 - s, :])


def test_each_example_has_its_own_shift():
    plan = waves(256, 4)
    same = jnp.broadcast_to(jax.random.normal(jax.random.key(0), (256,)), (64, 256))
    params, _ = discriminator(plan).init(jax.random.key(0), same)
    logits = np.asarray(discriminator(plan).apply(params, {}, same, key=jax.random.key(1))[0])
    assert 3 <= len(np.unique(logits.round(5))) <= 5  # one layer is shuffled, by one of five shifts


ERRORS = {
    "samples": (lambda: waves(8000), "up to 16, times a power of 4, found 8000; take a window of 8192"),
    "few samples": (lambda: waves(16), "found 16; take a window of"),
    "odd": (lambda: spectrograms(64, 81), "times a power of 2, found 64 x 81"),
}


@pytest.mark.parametrize(("call", "message"), ERRORS.values(), ids=ERRORS)
def test_sizes_that_do_not_fit(call, message):
    with pytest.raises(ValueError, match=message):
        call()
