"""StyleGAN2 in miniature: every shape and variant, precision, recomputation, and what drives its styles."""

import functools
import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models import stylegan2
from jgan.models.stylegan2 import (
    discriminator,
    discriminator_layers,
    draw_mixing,
    draw_noise,
    first_layers,
    generator,
    mix_styles,
    plan,
    truncate,
)

N, LATENT, STYLE = 4, 6, 8


class Case(NamedTuple):
    resolution: int | tuple[int, int]
    channels: int = 3
    architectures: tuple[str, str] = ("skip", "residual")
    classes: int = 0
    noise: str = "random"
    half_levels: int = 0


CASES = {
    "plain square": Case(8),
    "grey, wide, conditional": Case((8, 16), 1, classes=3),
    "RGBA, joined by skips, constant noise": Case(8, 4, ("residual", "skip"), noise="constant"),
    "five channels, both plain, no noise": Case((12, 10), 5, ("plain", "plain"), noise="none"),
    "tall, half precision": Case((16, 8), 3, ("residual", "residual"), half_levels=1),
    "one level": Case((5, 4), 3, ("skip", "plain"), classes=2),
}


def networks(case, **settings):
    levels = plan(case.resolution, channel_base=64, channel_max=8, half_levels=case.half_levels)
    shared = dict(label_size=case.classes, mapping_layers=2, clamp=256.0 if case.half_levels else None, **settings)
    sizes = dict(channels=case.channels, latent_size=LATENT, style_size=STYLE)
    g, d = (dict(architecture=name) for name in case.architectures)
    return generator(levels, **sizes, **shared, **g), discriminator(levels, **shared, **d)


def normal(seed, *shape):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def inputs(case):
    height, width = (case.resolution,) * 2 if isinstance(case.resolution, int) else case.resolution
    label = jnp.arange(N, dtype=jnp.int32) % case.classes if case.classes else None
    return normal(0, N, LATENT), label, normal(1, N, height, width, case.channels)


def draw(case, g, d, seed=0):
    """(params, state) of mapping, synthesis and discriminator, of the structure that `init` gives but drawn without compiling it."""
    z, label, images = inputs(case)

    def init(key):
        return g.mapping.init(key, z, label), g.synthesis.init(key, jnp.zeros((N, g.layers, STYLE))), d.init(key, images, label)

    def numbers(path, x):
        scale = 100 if "dense_" in jax.tree_util.keystr(path) else 1  # layers with a learning rate of 0.01
        return jnp.asarray(random.normal(size=x.shape) * scale, x.dtype)

    random = np.random.default_rng(seed)
    return jax.tree_util.tree_map_with_path(numbers, jax.eval_shape(init, jax.random.key(0)))


def play(case, g, d, players, key):
    """Fake images, and logits of random and fake ones, judged together to compile less."""
    mapping, synthesis, critic = players
    z, label, images = inputs(case)
    w, _ = g.mapping.apply(*mapping, z, label)
    constant = stylegan2.constant_noise(synthesis[1])
    noise = {"random": lambda: draw_noise(key, N, g.plan), "constant": lambda: constant, "none": lambda: None}[case.noise]()
    fake, _ = g.synthesis.apply(*synthesis, jnp.repeat(w[:, None], g.layers, axis=1), noise)
    both = jnp.concatenate([images, fake]), None if label is None else jnp.concatenate([label, label])
    return fake, *jnp.split(d.apply(*critic, *both)[0], 2)


@pytest.mark.parametrize("name", CASES)
def test_every_variant(name):
    case = CASES[name]
    g, d = networks(case)
    players = draw(case, g, d)
    fake, *logits = jax.jit(functools.partial(play, case, g, d))(players, jax.random.key(0))
    assert {x.dtype for x in jax.tree.leaves(players)} == {jnp.dtype(jnp.float32)}
    assert fake.shape == inputs(case)[2].shape and fake.dtype == jnp.float32
    for found in logits:
        assert found.shape == (N,) and found.dtype == jnp.float32 and np.ptp(found) > 0
    assert np.isfinite(fake).all() and np.isfinite(logits).all() and 0.01 < np.std(fake) < 100
    assert np.abs(fake[0] - fake[1]).max() > 1e-3


SMALL = Case((8, 16), 3, classes=2)


@pytest.fixture(scope="module")
def players():
    return draw(SMALL, *networks(SMALL), seed=1)


def with_gradients(case, **settings):
    """Outputs, and gradients of a loss of both players, as one program."""
    g, d = networks(case, **settings)

    def loss(params, states):
        fake, real_logits, fake_logits = play(case, g, d, tuple(zip(params, states, strict=True)), jax.random.key(2))
        return jnp.sum(real_logits**2) + jnp.sum(fake_logits), (fake, real_logits, fake_logits)

    return jax.jit(lambda players: jax.grad(loss, has_aux=True)(*zip(*players, strict=True)))


@pytest.fixture(scope="module")
def plain(players):
    return with_gradients(SMALL)(players)


def assert_close(actual, expected, tolerance):
    """Within a share of the largest number of each array."""
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * np.abs(b).max() + 1e-6), actual, expected)


def test_recomputation_changes_nothing(players, plain):
    function = with_gradients(SMALL, rematerialise=True)
    assert any(name in str(jax.make_jaxpr(function)(players)) for name in ("checkpoint", "remat"))
    assert_close(function(players), plain, 1e-4)


def test_half_precision_is_near(players, plain):
    (gradients, outputs), (full_gradients, full_outputs) = with_gradients(SMALL._replace(half_levels=1))(players), plain
    assert_close(outputs, full_outputs, 0.05)
    assert np.abs(outputs[0] - full_outputs[0]).max() > 0
    norms = [jnp.sqrt(sum(jnp.sum(g**2) for g in jax.tree.leaves(tree))) for tree in (gradients, full_gradients)]
    np.testing.assert_allclose(norms[0], norms[1], rtol=0.15)  # of 60 draws of players and noise, 1 in 10 was more than 0.05 off, none 0.1
    assert {g.dtype for g in jax.tree.leaves(gradients)} == {jnp.dtype(jnp.float32)}


def test_everything_learns(plain):
    """All parameters have a gradient, which would be zero for a class that is not drawn."""
    still = [jax.tree_util.keystr(path) for path, g in jax.tree_util.tree_leaves_with_path(plain[0]) if not np.any(g)]
    assert still == []


@pytest.mark.parametrize("name", CASES)
def test_first_layers_are_those_next_to_the_image(name):
    """All that is not among them is what comes of the features: logits and the label's embedding."""
    case = CASES[name]
    g, d = networks(case)
    _, label, images = inputs(case)
    params, _ = jax.eval_shape(d.init, jax.random.key(0), images, label)
    paths = [tuple(key.key for key in path) for path, _ in jax.tree_util.tree_leaves_with_path(params)]
    layers = discriminator_layers(g.plan, case.architectures[1])
    counts = range(len(layers) + 1)
    chosen = [{path for path in paths if first_layers(g.plan, n, case.architectures[1])(path)} for n in counts]
    added = [{path[:-1] for path in after - before} for before, after in itertools.pairwise(chosen)]
    assert chosen[0] == set() and added == [{layer} for layer in layers]
    assert {path[0] for path in set(paths) - chosen[-1]} == {"logits", "mapping"} - ({"mapping"} if not case.classes else set())
    levels = [path[0] for path in layers if path[0].startswith("level")]
    assert layers[0][-1] == "from_image" and levels == sorted(levels, reverse=True)


@pytest.mark.parametrize("count", [-1, 7])
def test_more_layers_than_there_are(count):
    with pytest.raises(ValueError, match=f"expected 0 to 6 layers of a residual discriminator of 2 levels, found {count}"):
        first_layers(plan(8), count)


PLANS = [  # resolution, settings, sizes, widths, half
    (8, dict(channel_base=64, channel_max=8), [(4, 4), (8, 8)], [8, 8], [0, 0]),
    (32, dict(channel_base=512, channel_max=64, half_levels=2), [(4, 4), (8, 8), (16, 16), (32, 32)], [64, 64, 32, 16], [0, 0, 1, 1]),
    ((96, 128), dict(half_levels=9), [(6, 8), (12, 16), (24, 32), (48, 64), (96, 128)], [512] * 5, [0, 1, 1, 1, 1]),
    (4, dict(half_levels=1), [(4, 4)], [512], [0]),
    ((40, 16), {}, [(10, 4), (20, 8), (40, 16)], [512] * 3, [0] * 3),
    (16, dict(channel_base=8), [(4, 4), (8, 8), (16, 16)], [2, 1, 1], [0] * 3),
]


@pytest.mark.parametrize("resolution, settings, sizes, widths, half", PLANS)
def test_plan(resolution, settings, sizes, widths, half):
    assert plan(resolution, **settings) == (tuple(sizes), tuple(widths), tuple(bool(h) for h in half))


REFUSED = [(100, "100 x 100, which stops at 25 x 25; 96 x 96 would do"), ((128, 34), "128 x 34, which stops at 64 x 17; 128 x 64 would do")]
REFUSED += [(3, "3 x 3, which stops at 3 x 3; 4 x 4 would do"), (0, "0 x 0"), ((200, 8), "200 x 8.*; 192 x 64 would do")]


@pytest.mark.parametrize("resolution, message", REFUSED)
def test_plan_refuses(resolution, message):
    with pytest.raises(ValueError, match=message):
        plan(resolution)


def test_what_the_refusal_suggests_would_do():
    for resolution in [(h, w) for h in range(1, 300, 7) for w in range(1, 300, 11)]:
        try:
            plan(resolution)
        except ValueError as error:
            height, width = str(error).split("; ")[1].split(" would")[0].split(" x ")
            plan((int(height), int(width)))


@pytest.mark.parametrize("make, architecture", [(generator, "orig"), (discriminator, "resnet")])
def test_unknown_architectures(make, architecture):
    with pytest.raises(ValueError, match=f"expected a {make.__name__} architecture of .*found '{architecture}'"):
        make(plan(8), architecture=architecture)


def test_a_conditional_network_needs_labels():
    g, _ = networks(SMALL)
    with pytest.raises(ValueError, match="expected labels.*of 2 classes, found none; give labels"):
        g.mapping.init(jax.random.key(0), jnp.zeros((N, LATENT)), None)


def test_the_label_matters(players, plain):
    g, d = networks(SMALL)
    z, label, images = inputs(SMALL)
    mapping, _, critic = players
    w = [jax.jit(g.mapping.apply)(*mapping, z, chosen)[0] for chosen in (label, 1 - label)]
    assert np.abs(w[0] - w[1]).max() > 1e-3
    both = jnp.concatenate([images, plain[1][0]]), jnp.concatenate([1 - label, 1 - label])
    logits = jax.jit(d.apply)(*critic, *both)[0][:N]
    assert np.abs(logits - plain[1][1]).max() > 1e-3


def test_the_average_of_w_moves_in_training_only(players):
    g, _ = networks(SMALL)
    z, label, _ = inputs(SMALL)
    params, state = players[0]
    apply = jax.jit(g.mapping.apply, static_argnames="train")
    w, same = apply(params, state, z, label)
    np.testing.assert_array_equal(same["average"]["w"], state["average"]["w"])
    once = apply(params, state, z, label, train=True)[1]
    twice = apply(params, once, z, label, train=True)[1]
    mean, before = np.mean(w, axis=0), state["average"]["w"]
    np.testing.assert_allclose(once["average"]["w"], mean + 0.998 * (before - mean), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(twice["average"]["w"], mean + 0.998**2 * (before - mean), rtol=1e-5, atol=1e-6)


def test_truncation():
    ws, average = normal(0, 2, 5, STYLE), normal(1, STYLE)
    np.testing.assert_allclose(truncate(ws, average), ws, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(truncate(ws, average, 0.0), jnp.broadcast_to(average, ws.shape))
    half = truncate(ws, average, 0.5, cutoff=2)
    np.testing.assert_allclose(half[:, :2], (ws[:, :2] + average[None, None]) / 2, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(half[:, 2:], ws[:, 2:], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(jax.jit(truncate)(ws, average, jnp.float32(0.5)), truncate(ws, average, 0.5))


def test_mixing_takes_the_second_styles_from_a_layer_on():
    mixed = mix_styles(jnp.zeros((4, 3, 2)), jnp.ones((4, 3, 2)), jnp.asarray([0, 1, 2, 3]))
    np.testing.assert_array_equal(mixed[..., 0], [[1, 1, 1], [0, 1, 1], [0, 0, 1], [0, 0, 0]])
    np.testing.assert_array_equal(mixed[..., 1], mixed[..., 0])


@pytest.mark.parametrize("probability", [0.0, 0.9, 1.0])
def test_mixing_happens_with_its_probability_at_any_layer_but_the_first(probability):
    n, layers = 20_000, 6
    first = np.asarray(jax.jit(draw_mixing, static_argnums=(1, 2))(jax.random.key(0), n, layers, probability))
    shares = np.bincount(first, minlength=layers + 1) / n
    expected = np.array([0.0, *[probability / (layers - 1)] * (layers - 1), 1 - probability])
    np.testing.assert_allclose(shares, expected, atol=4 * np.sqrt(0.25 / n))
    assert shares[0] == 0


def test_noise_is_standard_normal_and_of_its_own_in_every_level_layer_and_image():
    levels = plan((16, 12), channel_base=64)
    noise = jax.jit(draw_noise, static_argnums=(1, 2))(jax.random.key(0), 64, levels)
    assert [x.shape for x in noise] == [(64, *size, 2) for size in levels.sizes]
    numbers = np.concatenate([np.ravel(x) for x in noise])
    assert len(np.unique(numbers)) > 0.99 * len(numbers)
    np.testing.assert_allclose([numbers.mean(), numbers.var()], [0, 1], atol=0.03)
