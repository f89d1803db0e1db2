"""StyleGAN2 in miniature: its presets, its steps, and its commands."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.systems.check import check_presets, check_system, described, presets_of
from tests.systems.steps import assert_nearly_same, moved, play

from jgan.models import stylegan2
from jgan.models.layers import group_size
from jgan.systems import stylegan
from jgan.systems.stylegan import SYSTEM, Config
from jgan.training import in_turn
from jgan.types import Spec

STEPS = 4
TINY = Config(
    resolution=8,
    channel_base=32,
    channel_max=8,
    latent_size=8,
    style_size=8,
    mapping_layers=1,
    batch=16,
    limit=48,
    conditional=True,
    flip=True,
    r1_every=3,
    path_every=2,
    ada_target=-2.0,  # below every mean sign: the strength rises
    ada_kimg=0.2,
)


@pytest.fixture(autouse=True)
def implicit_promotion():
    """optax promotes dtypes implicitly."""
    with jax.numpy_dtype_promotion("standard"):
        yield


@pytest.mark.parametrize("name", presets_of(SYSTEM))
def test_preset(name):
    check_presets(SYSTEM, [name])


def test_system(tmp_path):
    """Without the penalties, whose steps are tested below, and without the score, for whose classifier the images are too small."""
    config = dataclasses.replace(TINY, r1_every=0, path_every=0, augment="none")
    check_system(SYSTEM._replace(score=None), config, tmp_path)


def test_penalties_on_their_steps():
    first, last, metrics = play(SYSTEM, TINY, steps=STEPS)
    finite = {name: np.isfinite(values).tolist() for name, values in metrics.items()}
    assert finite["path/penalty"] == [True, False, True, False]
    assert finite["r1/penalty"] == [True, False, False, True]
    for name, steps in finite.items():
        assert steps == finite[{"path": "path/penalty", "r1": "r1/penalty"}.get(name.split("/")[0], "generator/loss")], name
    assert finite["generator/loss"] == finite["discriminator/loss"] == [True] * STEPS
    assert {"generator/skipped", "discriminator/real_sign", "path/length", "augment/strength"} <= finite.keys()


def normals(jaxpr):
    """How many normal numbers a program draws whatever its conditions are."""
    total = 0
    for equation in jaxpr.eqns:
        inner = [p.jaxpr for p in equation.params.values() if hasattr(p, "jaxpr")]
        total += sum(v.aval.size for v in equation.outvars) if equation.primitive.name == "erf_inv" else sum(map(normals, inner))
    return total


def traced(config):
    """The training, and the shapes of its state and of a batch."""
    spec = Spec({"image": jax.ShapeDtypeStruct((8, 8, 3), "uint8"), "label": jax.ShapeDtypeStruct((), "int32")}, {"label": tuple("abcde")})
    training = SYSTEM.build(config, spec)
    batch = {name: jax.ShapeDtypeStruct((16, *field.shape), field.dtype) for name, field in spec.fields.items()}
    return training, jax.eval_shape(training.init, jax.random.key(0), batch), batch


def test_lazy_penalties_draw_only_on_their_steps():
    drawn = []
    for config in (TINY, dataclasses.replace(TINY, r1_every=0, path_every=0)):
        training, state, batch = traced(config)
        drawn.append(normals(jax.make_jaxpr(training.step)(state, batch, jax.random.key(0))))
    assert drawn[0] == drawn[1] > 16 * 2 * 8 * 8


def test_what_a_step_moves():
    first, last, metrics = play(SYSTEM, TINY, steps=STEPS)
    jax.tree.map(np.testing.assert_array_equal, first.average, first.generator.params)
    assert moved(first.average, last.average) and moved(last.generator.params, last.average)
    np.testing.assert_allclose(metrics["augment/strength"], [0, 0, 0, 16 * 4 / 200], rtol=1e-5)
    assert last.signs == 0
    lengths = metrics["path/length"][[0, 2]]
    np.testing.assert_allclose(last.path_mean, 0.01 * (0.99 * lengths[0] + lengths[1]), rtol=1e-5)
    assert np.abs(last.generator.state["mapping"]["average"]["w"]).max() > 0
    for player in (last.generator, last.discriminator):
        assert all(np.isfinite(p).all() for p in jax.tree.leaves(player.params)) and player.guard.skipped == 0


@pytest.mark.slow
def test_a_diffusion_has_a_target_of_its_own():
    config = dataclasses.replace(TINY, r1_every=0, path_every=0, augment="diffusion", ada_target=2.0, diffusion_target=-2.0)
    _, last, metrics = play(SYSTEM, config, steps=STEPS)
    np.testing.assert_allclose(metrics["augment/strength"], [0, 0, 0, 16 * 4 / 200], rtol=1e-5)
    assert last.generator.guard.skipped == last.discriminator.guard.skipped == 0


@pytest.mark.parametrize("style_mixing", [0, pytest.param(0.9, marks=pytest.mark.slow)])
def test_images_of_a_class_are_driven_apart(style_mixing):
    plain = dataclasses.replace(TINY, r1_every=0, path_every=0, augment="none", style_mixing=style_mixing)
    diverse = dataclasses.replace(plain, diversity=100.0)
    without, found = (play(SYSTEM, config, steps=1).metrics for config in (plain, diverse))
    assert "generator/alikeness" not in without and 98.0 < found["generator/alikeness"][0] < 100.0
    added = found["generator/loss"] - without["generator/loss"]
    np.testing.assert_allclose(added, diverse.diversity_weight * found["generator/alikeness"], rtol=1e-3)


def test_the_augmentation_falls_where_the_real_images_are_not_known():
    signs, state = np.array([0.5, 0.0, -0.5, 0.1]), play(SYSTEM, TINY, steps=STEPS).first._replace(strength=jnp.float32(0.5))
    for i, sign in enumerate(signs):
        strength, total = stylegan._steer(TINY, state._replace(step=jnp.int32(i)), jnp.float32(sign - 3))
        state = state._replace(strength=strength, signs=total)
    np.testing.assert_allclose(strength, 0.5 - 16 * 4 / 200, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("changes, devices", [({"microbatches": 2}, 1), ({}, 8)], ids=["2 microbatches", "8 devices"])
def test_parts_and_devices_change_nothing(changes, devices):
    config = dataclasses.replace(TINY, diversity=0.5)
    one = play(SYSTEM, config, steps=STEPS)
    assert_nearly_same(one, play(SYSTEM, dataclasses.replace(config, **changes), devices, steps=STEPS, start=config))


@pytest.mark.slow
def test_half_precision_with_recomputation():
    config = dataclasses.replace(TINY, half_levels=1, rematerialise=True, augment="none", path_shrink=4)
    _, last, metrics = play(SYSTEM, config, steps=STEPS)
    for name, values in metrics.items():
        assert np.isfinite(values).all() or name.split("/")[0] in ("path", "r1"), name
        assert np.isfinite(values[0]), name
    assert (metrics["augment/strength"] == 0).all()
    assert last.generator.guard.skipped == last.discriminator.guard.skipped == 0
    assert {p.dtype for p in jax.tree.leaves(last.generator.params)} == {np.dtype(np.float32)}


@pytest.mark.parametrize("images", [8, 6, 5, 2])
def test_real_and_generated_images_are_judged_together_as_apart(images):
    key, label = jax.random.key(0), jnp.arange(images) % 2
    real, fake = jax.random.uniform(key, (2, images, 8, 8, 3), minval=-1.0)
    settings = {"plan": stylegan2.plan((8, 8), 64, 8), "label_size": 2, "mapping_layers": 1}
    together, apart = stylegan2.discriminator(**settings, group=group_size(images)), stylegan2.discriminator(**settings)
    params, state = apart.init(key, real, label)
    logits, _ = jax.jit(together.apply)(params, state, in_turn(real, fake), in_turn(label, label))
    expected = [jax.jit(apart.apply)(params, state, x, label)[0] for x in (real, fake)]
    np.testing.assert_allclose(logits.reshape(-1, 2).T, np.stack(expected), rtol=1e-4, atol=1e-5)


def test_noise_is_constant_without_a_key():
    training, state, _ = traced(TINY)
    inputs = jax.eval_shape(lambda: SYSTEM.sampling(TINY, SYSTEM.data(TINY).spec).inputs(jax.random.key(0), 2))
    inputs["label"] = jax.ShapeDtypeStruct((2,), jnp.int32)
    assert described(jax.eval_shape(training.sample, state, None, inputs)) == described(
        jax.eval_shape(training.sample, state, jax.random.key(0), inputs)
    )
    assert normals(jax.make_jaxpr(training.sample)(state, None, inputs)) == 0


def test_frozen_layers_of_the_discriminator():
    plain = dataclasses.replace(TINY, r1_every=0, path_every=0, augment="none", conditional=False)
    first, last, _ = play(SYSTEM, dataclasses.replace(plain, freeze_discriminator=2), steps=2)
    before, after = (jax.tree_util.tree_leaves_with_path(state.discriminator.params) for state in (first, last))
    still = {
        jax.tree_util.keystr(path, simple=True, separator="/") for (path, a), (_, b) in zip(before, after, strict=True) if (a == b).all()
    }
    assert {"level_1/from_image/kernel", "level_1/conv0/kernel"} <= still or len(still) >= 2
    assert moved(first.discriminator.params["dense"], last.discriminator.params["dense"])


def test_more_parts_than_images_are_refused():
    training, state, batch = traced(dataclasses.replace(TINY, microbatches=32))
    with pytest.raises(ValueError, match="divides into 32 equal parts, found 16"):
        jax.eval_shape(training.step, state, batch, jax.random.key(0))


def test_impossible_sizes_are_refused_before_any_image_is_read():
    with pytest.raises(ValueError, match="stops at 25 x 25; 96 x 96 would do: crop or resize the images"):
        SYSTEM.data(dataclasses.replace(TINY, data="no/such/folder", resolution=100))


@pytest.mark.slow
def test_every_command(tmp_path):
    config = dataclasses.replace(TINY, resolution=16, r1_every=0, path_every=0, augment="none")
    check_system(SYSTEM, config, tmp_path, skip=())
