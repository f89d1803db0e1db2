"""Published networks, converted: everything they compute, to the derivatives of their penalties, against vectors of the reference."""

import json
import pathlib
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models import stylegan2
from jgan.models.stylegan2_weights import discriminator_from_reference, generator_from_reference
from jgan.penalties import path_lengths_along, r1

FOLDER = pathlib.Path(__file__).parents[2] / ".." / "shared" / "parity"
FILES = ["stylegan2_uncond_32", "stylegan2_cond_64"]
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="needs ../shared/parity")


class Reference(NamedTuple):
    """One file, its networks, and what they compute here."""

    arrays: dict
    generator: stylegan2.Generator
    discriminator: stylegan2.Network
    found: dict


def under(arrays, prefix):
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}


def channels_last(images):
    return jnp.asarray(images).transpose(0, 2, 3, 1)


def networks(config, arrays):
    plan = stylegan2.plan(config["resolution"], config["channel_base"], config["channel_max"])
    sizes = dict(latent_size=config["z_dim"], style_size=config["w_dim"], label_size=config["c_dim"])
    g = stylegan2.generator(plan, channels=config["img_channels"], mapping_layers=config["mapping_layers"], **sizes)
    embedding = len(arrays["D.mapping.embed.bias"]) if config["c_dim"] else 0
    return g, stylegan2.discriminator(plan, label_size=config["c_dim"], label_channels=embedding)


def computed(g, d, params, states, z, label, direction):
    """All numbers of a file, under the names they have there."""
    average, noise = states[0]["mapping"]["average"]["w"], stylegan2.constant_noise(states[0]["synthesis"])

    def styles(params):
        return jnp.repeat(g.mapping.apply(params["mapping"], states[0]["mapping"], z, label)[0][:, None], g.layers, axis=1)

    def synthesize(params, ws, noise=noise):
        return g.synthesis.apply(params["synthesis"], states[0]["synthesis"], ws, noise)[0]

    def judge(params, images):
        return d.apply(params, states[1], images, label)[0]

    def generator_loss(params_g):
        return jnp.mean(jax.nn.softplus(-judge(params[1], synthesize(params_g, styles(params_g)))))

    def path_penalty(params):
        """Of lengths whose moving average is still 0."""
        lengths = path_lengths_along(direction, lambda ws: synthesize(params, ws), styles(params))
        return jnp.mean(jnp.square(lengths)), lengths

    def r1_mean(params):
        each = r1(lambda x: judge(params, x), images)
        return jnp.mean(each), each

    ws = styles(params[0])
    truncated = stylegan2.truncate(ws, average, 0.7)
    images = synthesize(params[0], ws)
    (_, each_r1), r1_gradient = jax.value_and_grad(r1_mean, has_aux=True)(params[1])
    (penalty, lengths), path_gradient = jax.value_and_grad(path_penalty, has_aux=True)(params[0])
    loss, loss_gradient = jax.value_and_grad(generator_loss)(params[0])
    return {
        "out.ws": ws,
        "out.ws_psi0.7": truncated,
        "out.ws_psi0.5_cut4": stylegan2.truncate(ws, average, 0.5, 4),
        "out.img_const": images,
        "out.img_none": synthesize(params[0], ws, None),
        "out.img_psi0.7_const": synthesize(params[0], truncated),
        "out.logits": judge(params[1], images),
        "out.r1_per_sample": each_r1,
        "out.path_lengths": lengths,
        "out.pl_penalty_mean0": penalty,
        "out.g_loss": loss,
        "grad.r1mean.D.": r1_gradient,
        "grad.pl.G.": path_gradient,
        "grad.g_loss.G.": loss_gradient,
    }


@pytest.fixture(scope="module", params=FILES)
def reference(request):
    with np.load(FOLDER / f"{request.param}.npz") as file:
        arrays = dict(file)
    config = json.loads(bytes(arrays["meta.json"]))
    g, d = networks(config, arrays)
    params, states = zip(generator_from_reference(under(arrays, "G.")), discriminator_from_reference(under(arrays, "D.")), strict=True)
    label = jnp.asarray(arrays["in.c"].argmax(1), jnp.int32) if config["c_dim"] else None
    direction = channels_last(arrays["in.pl_y"]) / config["resolution"]
    found = jax.jit(lambda params, states, z: computed(g, d, params, states, z, label, direction))(params, states, arrays["in.z"])
    return Reference(arrays, g, d, found)


def test_styles(reference):
    for name in ("out.ws", "out.ws_psi0.7", "out.ws_psi0.5_cut4"):
        np.testing.assert_allclose(reference.found[name], reference.arrays[name], rtol=1e-4, atol=1e-4, err_msg=name)


def test_images(reference):
    for name in ("out.img_const", "out.img_none", "out.img_psi0.7_const"):
        np.testing.assert_allclose(reference.found[name], channels_last(reference.arrays[name]), rtol=0, atol=1e-3, err_msg=name)


def test_logits_penalties_and_losses(reference):
    for name in ("out.logits", "out.r1_per_sample", "out.path_lengths", "out.pl_penalty_mean0", "out.g_loss"):
        expected = reference.arrays[name][:, 0] if name == "out.logits" else reference.arrays[name]
        tolerance = 1e-5 * np.max(np.abs(expected))  # of single precision: a logit near zero is a sum of large terms
        np.testing.assert_allclose(reference.found[name], expected, rtol=1e-4, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("kind, convert", [("r1mean.D.", discriminator_from_reference), ("pl.G.", generator_from_reference),
                                           ("g_loss.G.", generator_from_reference)])  # fmt: skip
def test_gradients(reference, kind, convert):
    weights = under(reference.arrays, kind[-2:])
    gradients = under(reference.arrays, f"grad.{kind}")
    assert len(gradients) >= 2
    for name, gradient in gradients.items():
        placed = convert({k: np.zeros_like(v) for k, v in weights.items()} | {name: gradient})[0]
        pairs = zip(jax.tree.leaves(reference.found[f"grad.{kind}"]), jax.tree.leaves(placed), strict=True)
        ((found, expected),) = [(a, b) for a, b in pairs if np.any(b)]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3 * np.max(np.abs(expected)), err_msg=name)


def test_structure_is_that_of_new_networks(reference):
    arrays, g = reference.arrays, reference.generator
    label = jnp.zeros(1, jnp.int32) if g.label_size else None
    z, ws, images = (
        jnp.zeros((1, *s), jnp.float32) for s in ((g.latent_size,), arrays["out.ws"].shape[1:], reference.found["out.img_const"].shape[1:])
    )

    def init(key):
        return g.mapping.init(key, z, label), g.synthesis.init(key, ws), reference.discriminator.init(key, images, label)

    mapping, synthesis, critic = jax.eval_shape(init, jax.random.key(0))
    generator = generator_from_reference(under(arrays, "G."))
    converted = tuple((part["mapping"], part["synthesis"]) for part in generator)
    assert described(tuple(zip(mapping, synthesis, strict=True))) == described(converted)
    assert described(critic) == described(discriminator_from_reference(under(arrays, "D.")))


def described(tree):
    return jax.tree.map(lambda x: (x.shape, x.dtype), tree)


@pytest.fixture(scope="module")
def weights():
    with np.load(FOLDER / f"{FILES[0]}.npz") as file:
        return dict(file)


MISTAKES = {  # converter, what is left out, what is added, message
    "no constant": (generator_from_reference, "G.synthesis.b4.const", None, "expected an array named 'synthesis.b4.const'"),
    "no average": (generator_from_reference, "G.mapping.w_avg", None, "expected an array named 'mapping.w_avg'"),
    "no head": (discriminator_from_reference, "D.b4.fc.weight", None, "expected an array named 'b4.fc.weight'"),
    "unknown in G": (generator_from_reference, None, "G.synthesis.b8.conv7.weight", "found 'synthesis.b8.conv7.weight'"),
    "unknown in D": (discriminator_from_reference, None, "D.c16.conv0.weight", "found 'c16.conv0.weight'"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_missing_and_unknown_names(weights, name):
    convert, without, extra, message = MISTAKES[name]
    arrays = {k: v for k, v in weights.items() if k != without} | ({extra: np.zeros((2, 2), np.float32)} if extra else {})
    with pytest.raises(ValueError, match=message):
        convert(under(arrays, "G." if convert is generator_from_reference else "D."))
