"""StyleGAN2 with adaptive augmentation.

Papers: Karras et al. 2019, https://arxiv.org/abs/1912.04958; Karras et al. 2020, https://arxiv.org/abs/2006.06676
"""

import dataclasses
import math
from collections.abc import Callable
from functools import partial
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from jgan import commands, losses, outputs, penalties
from jgan.augment import ada_update, apply_noising, apply_transforms, draw_noising, draw_transforms, flip
from jgan.data.settings import ImageSettings, open_images, size_of
from jgan.data.source import Source
from jgan.evaluation.score import image_score
from jgan.models import stylegan2
from jgan.models.layers import group_size
from jgan.ops.images import to_float
from jgan.ops.random import normal
from jgan.ranges import Count, CountOrZero, Kimg, KimgOrZero, LayersOrZero, Rate, Share, Size, Target, Weight
from jgan.run.sampling import latent_inputs
from jgan.run.settings import ROUNDING, Settings, changeable
from jgan.run.system import Sampling, Styles, System
from jgan.systems._auto import complete, fit, machine, parts
from jgan.systems._published import published
from jgan.training import Player, PlayerLoss, every, follow_average, frozen, in_turn, lazy_adam, new_player, prefixed, update
from jgan.types import Array, Batch, Key, Network, Params, Spec, Training


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(Settings, ImageSettings):
    """What a run is made of."""

    conditional: bool = False
    """Learn the classes of the data."""
    flip: bool = False
    """Mirror half of the real images."""
    freeze_discriminator: LayersOrZero = 0
    """Layers of the discriminator, from the image on, that stay as they are; for --init-from."""
    microbatches: CountOrZero = changeable(0, ROUNDING)
    """Parts in which a batch is worked through, to save memory; 0: as the memory of a device asks for."""
    channel_base: Count = 16384
    """Channels at a level are this divided by its size in pixels ..."""
    channel_max: Size = 512
    """... but no more than this."""
    latent_size: Size = 512
    """Numbers in z."""
    style_size: Size = 512
    """Numbers in w."""
    mapping_layers: LayersOrZero = 8
    """Layers of the mapping network."""
    generator_architecture: Literal["skip", "residual", "plain"] = "skip"
    """How the levels of the generator are joined."""
    discriminator_architecture: Literal["residual", "skip", "plain"] = "residual"
    """How the levels of the discriminator are joined."""
    half_levels: LayersOrZero = 0
    """Highest levels computed in bfloat16, with activations clamped to 256."""
    rematerialise: bool = False
    """Recompute activations in the backward pass, to save memory."""
    learning_rate: Rate = 0.0025
    """Of Adam (beta 0 and 0.99), for both players."""
    r1_weight: Weight | None = None
    """Weight of R1; if not given 0.0002 * pixels / batch."""
    r1_every: CountOrZero = 16
    """Steps between two R1 penalties; 0: never."""
    path_weight: Weight = 2.0
    """Weight of the path length penalty."""
    path_every: CountOrZero = 4
    """Steps between two path length penalties; 0: never."""
    path_shrink: Count = 2
    """The path length penalty is computed on a batch smaller by this factor."""
    style_mixing: Share = 0.9
    """Share of the images made from two latents."""
    diversity: Weight = 0.0
    """Mean absolute difference, of images in [-1, 1], up to which two images of one class are driven apart; 0: the loss is as published."""
    diversity_weight: Weight = 20.0
    """Weight of what is missing to that difference."""
    average_kimg: KimgOrZero = 10.0
    """Half-life of the generator's average, thousands of images."""
    average_ramp: Rate | None = 0.05
    """Early on the half-life is this share of the images seen; None: no ramp."""
    augment: Literal["ada", "diffusion", "none"] = "ada"
    """Augmentation of what the discriminator sees: transformations, or noise of a diffusion."""
    ada_target: Target = 0.6
    """Mean sign of the logits of real images at which the strength of the transformations stays."""
    diffusion_target: Target = 0.6
    """The same for the diffusion, whose strength is its length."""
    diffusion_noise: Weight = 0.05
    """Deviation of the noise after all steps of the diffusion."""
    ada_kimg: Kimg = 500.0
    """Thousands of images in which the strength can rise from 0 to 1."""


_SMALL = Config(
    batch=16,
    channel_base=1024,
    channel_max=64,
    latent_size=64,
    style_size=64,
    mapping_layers=2,
    path_every=0,
    score_kimg=15,
    checkpoint_kimg=15,
)
_CLASSES = dataclasses.replace(_SMALL, batch=8, channel_base=512, conditional=True, style_mixing=0, r1_weight=0.5, augment="none")
_SHAPES = dataclasses.replace(_CLASSES, kimg=24, sample_kimg=3, score_kimg=8, checkpoint_kimg=8, score_samples=2000)
_LARGE = Config(flip=True, kimg=25_000, half_levels=4, score_kimg=200, sample_kimg=200, checkpoint_kimg=200, record_kimg=4)
_PHOTOS = dataclasses.replace(_SMALL, resolution=64, batch=8, augment="none", r1_weight=0.5, kimg=60)
PRESETS = {
    "demo": dataclasses.replace(_SHAPES, data="animals", r1_weight=0.3, r1_every=4, diversity=0.25),
    "shapes": _SHAPES,
    "fashion_mnist": dataclasses.replace(_SMALL, data="tfds:fashion_mnist", channels=1, augment="none", kimg=61.44),
    "flowers64": dataclasses.replace(_PHOTOS, data="tfds:tf_flowers", flip=True, conditional=True, style_mixing=0),
    "auto": Config(),  # and what `fit` chooses
    # The published settings of Karras et al. 2020, appendix C, and of their "auto" rule for flowers128.
    "cifar10": Config(
        data="tfds:cifar10",
        kimg=100_000,
        batch=64,
        channel_base=32768,
        mapping_layers=2,
        half_levels=4,
        r1_weight=0.01,
        path_every=0,
        style_mixing=0,
        average_kimg=500,
        conditional=True,
        discriminator_architecture="plain",
        score_kimg=500,
        sample_kimg=200,
        checkpoint_kimg=500,
        record_kimg=8,
    ),
    "flowers128": dataclasses.replace(_LARGE, data="tfds:tf_flowers", resolution=128, mapping_layers=2, sample_kimg=100),
    "ffhq256": dataclasses.replace(_LARGE, data="ffhq", resolution=256, batch=64, r1_weight=1.0, average_kimg=20, average_ramp=None),
    "ffhq1024": dataclasses.replace(
        _LARGE, data="ffhq", resolution=1024, channel_base=32768, learning_rate=0.002, r1_weight=10.0, average_ramp=None
    ),
}


class State(NamedTuple):
    """Everything that a run carries from step to step."""

    step: Array  # int32
    generator: Player
    discriminator: Player
    average: Params  # of the generator's parameters
    path_mean: Array  # moving average of the path lengths
    strength: Array  # of the augmentation, p
    signs: Array  # sum over steps of the mean sign of the real logits since the last change of p


class Losses(NamedTuple):
    """The four losses, as `jgan.training.update` takes them: (params, state, examples, *others) -> (scalar, (state, metrics))."""

    generator: PlayerLoss[Player]  # others: the discriminator
    path: PlayerLoss[Array]  # others: the moving average of the path lengths
    discriminator: PlayerLoss[Player]  # others: the generator
    r1: PlayerLoss[()]


class Draws(NamedTuple):
    """What is drawn in a step."""

    # (key, n, label, strength) -> latents, noise, mixing and augmentation of n generated images
    latents: Callable[[Key, int, Array | None, Array], dict[str, Any]]
    # (key, batch, strength) -> real images in [-1, 1], mirrored at random, and their augmentation
    real: Callable[[Key, Batch, Array], dict[str, Any]]


def make_generator(config: Config, spec: Spec) -> stylegan2.Generator:
    """Returns the generator of images like those of the data."""
    shape = spec.image_shape
    return stylegan2.generator(
        stylegan2.plan(shape[:2], config.channel_base, config.channel_max, config.half_levels),
        channels=shape[2],
        latent_size=config.latent_size,
        style_size=config.style_size,
        label_size=spec.classes if config.conditional else 0,
        mapping_layers=config.mapping_layers,
        architecture=config.generator_architecture,
        clamp=256.0 if config.half_levels else None,
        rematerialise=config.rematerialise,
    )


def make_discriminator(config: Config, generator: stylegan2.Generator, group: int = 4) -> Network:
    """Returns the discriminator for the images of a generator, which compares them in groups of this size."""
    return stylegan2.discriminator(
        generator.plan,
        label_size=generator.label_size,
        architecture=config.discriminator_architecture,
        clamp=256.0 if config.half_levels else None,
        group=group,
        rematerialise=config.rematerialise,
    )


def make_losses(config: Config, g: stylegan2.Generator, d: Network, r1_weight: float) -> Losses:
    """Returns the non-saturating loss, path length penalty and R1; with `diversity`, images of a class are driven apart too.

    The penalty compares lengths with their moving average before its update, through which no gradient flows, so that microbatches change
    nothing. The published code takes the average after it, with its gradient, so their mean is pulled 2 % less (by 0.99^2).
    """
    adversarial, apply = losses.non_saturating(), {"ada": apply_transforms, "diffusion": apply_noising}.get(config.augment)

    def mixed_styles(params, state, latents, train=False):
        ws, after = _styles(g, params, state, latents["z"], latents["label"], train)
        if config.style_mixing:
            others, _ = _styles(g, params, state, latents["other"], latents["label"])
            ws = stylegan2.mix_styles(ws, others, latents["first"])
        return ws, {**state, "mapping": after}

    def generate(params, state, latents, train=False):
        ws, state = mixed_styles(params, state, latents, train)
        return _synthesize(g, params, state, ws, latents["noise"]), state

    def discriminate(params, state, images, examples):
        images = images if apply is None else apply(images, examples["augmentation"])
        return d.apply(params, state, images, examples["label"])[0]

    def generator_loss(params, state, examples, other):
        fake, state = generate(params, state, examples, train=True)
        logits = discriminate(other.params, other.state, fake, examples)
        loss, metrics = jnp.mean(adversarial.generator(None, logits)), {"logits": jnp.mean(logits)}
        if config.diversity:
            second, _ = generate(params, state, examples | {"z": examples["second"]})
            metrics["alikeness"] = jnp.mean(penalties.alikeness(fake, second, config.diversity))
            loss = loss + config.diversity_weight * metrics["alikeness"]
        return loss, (state, metrics)

    def path_loss(params, state, examples, mean):
        ws, _ = mixed_styles(params, state, examples)
        lengths = penalties.path_lengths_along(examples["direction"], partial(_synthesize, g, params, state, noise=examples["noise"]), ws)
        penalty = jnp.mean(jnp.square(lengths - mean))
        return config.path_weight * config.path_every * penalty, (state, {"penalty": penalty, "length": jnp.mean(lengths)})

    def discriminator_loss(params, state, examples, other):
        fake, _ = generate(other.params, other.state, examples["latents"])
        about = ({"label": of["label"], "augmentation": of["augmentation"]} for of in (examples, examples["latents"]))
        images = in_turn(examples["image"], fake)  # in one pass: it takes less memory, and devices sum their gradients once
        real_logits, fake_logits = discriminate(params, state, images, in_turn(*about)).reshape(-1, 2).T
        metrics = {"real_logits": jnp.mean(real_logits), "fake_logits": jnp.mean(fake_logits), "real_sign": jnp.mean(jnp.sign(real_logits))}
        return jnp.mean(adversarial.discriminator(real_logits, fake_logits)), (state, metrics)

    def r1_loss(params, state, examples):
        penalty = jnp.mean(penalties.r1(lambda x: discriminate(params, state, x, examples), examples["image"]))
        return r1_weight / 2 * config.r1_every * penalty, (state, {"penalty": penalty})

    return Losses(generator_loss, path_loss, discriminator_loss, r1_loss)


def make_draws(config: Config, g: stylegan2.Generator, shape: tuple[int, int, int]) -> Draws:
    """Returns all random numbers of a step, drawn for the whole batch, so that microbatches change nothing."""

    def augmentation(key, n, strength):
        if config.augment == "diffusion":
            return draw_noising(key, (n, *shape), strength, sigma=config.diffusion_noise)
        return draw_transforms(key, n, *shape[:2], strength) if config.augment == "ada" else None

    def latents(key, n, label, strength):
        keys = jax.random.split(key, 4)
        z = jax.random.normal(keys[0], (2, n, config.latent_size))
        drawn = {"z": z[0], "label": label, "noise": stylegan2.draw_noise(keys[1], n, g.plan)}
        if config.diversity:
            drawn["second"] = jax.random.normal(jax.random.fold_in(keys[0], 1), (n, config.latent_size))
        if config.style_mixing:
            drawn |= {"other": z[1], "first": stylegan2.draw_mixing(keys[2], n, g.layers, config.style_mixing)}
        return drawn | {"augmentation": augmentation(keys[3], n, strength)}

    def real(key, batch, strength):
        key_flip, key_augmentation = jax.random.split(key)
        image = to_float(batch["image"])
        n = image.shape[0]
        image = flip(key_flip, image) if config.flip else image
        return {"image": image, "label": _label(g, batch), "augmentation": augmentation(key_augmentation, n, strength)}

    return Draws(latents, real)


def build(config: Config, spec: Spec) -> Training:
    """Returns the training algorithm: each player's main update and lazy penalty, the average and the augmentation strength."""
    shape, g = spec.image_shape, make_generator(config, spec)
    microbatches = config.microbatches or parts(g.plan, config.batch, machine(config.devices))
    d = make_discriminator(config, g, group_size(max(1, config.batch // microbatches)))
    r1_weight = 0.0002 * shape[0] * shape[1] / config.batch if config.r1_weight is None else config.r1_weight
    loss, draw = make_losses(config, g, d, r1_weight), make_draws(config, g, shape)
    adam_g, adam_d = (lazy_adam(config.learning_rate, 0.0, 0.99, interval) for interval in (config.path_every, config.r1_every))
    if config.freeze_discriminator:
        adam_d = frozen(adam_d, stylegan2.first_layers(g.plan, config.freeze_discriminator, config.discriminator_architecture))
    updater = partial(update, microbatches=microbatches)
    update_g, update_path = updater(loss.generator, adam_g), updater(loss.path, adam_g)
    update_d, update_r1 = updater(loss.discriminator, adam_d), updater(loss.r1, adam_d)

    def init(key, batch):
        keys, n, label = jax.random.split(key, 3), batch["image"].shape[0], _label(g, batch)
        mapping = g.mapping.init(keys[0], jnp.zeros((n, config.latent_size)), label)
        synthesis = g.synthesis.init(keys[1], jnp.zeros((n, g.layers, config.style_size)))
        params, state = ({"mapping": mapping[i], "synthesis": synthesis[i]} for i in range(2))
        players = new_player(params, state, adam_g), new_player(*d.init(keys[2], jnp.zeros((n, *shape)), label), adam_d)
        zero = jnp.zeros(())
        return State(jnp.zeros((), jnp.int32), *players, jax.tree.map(jnp.copy, params), zero, zero, zero)

    # Lazy penalties draw their examples themselves, so that other steps need not.
    def penalise_path(player, keys, label, state):
        some = max(1, config.batch // config.path_shrink)
        latents = draw.latents(keys[0], some, None if label is None else label[:some], state.strength)
        latents["direction"] = normal(keys[1], (some, *shape)) / math.sqrt(shape[0] * shape[1])
        return update_path(player, latents, state.path_mean)

    def penalise_gradient(player, key, batch, strength):
        return update_r1(player, draw.real(key, batch, strength))

    def step(state, batch, key):
        keys = jax.random.split(jax.random.fold_in(key, state.step), 6)
        n, label, strength = config.batch, _label(g, batch), state.strength
        player, metrics_g = update_g(state.generator, draw.latents(keys[0], n, label, strength), state.discriminator)
        path, r1 = {}, {}
        if config.path_every:
            player, path = every(config.path_every, penalise_path)(state.step, player, keys[1:3], label, state)
        images = {**draw.real(keys[3], batch, strength), "latents": draw.latents(keys[4], n, label, strength)}
        discriminator, metrics_d = update_d(state.discriminator, images, player)
        if config.r1_every:
            discriminator, r1 = every(config.r1_every, penalise_gradient)(state.step, discriminator, keys[5], batch, strength)
        average = follow_average(state.average, player.params, state.step, n, 1000 * config.average_kimg, config.average_ramp)
        mean = _follow(state.path_mean, path["length"]) if path else state.path_mean
        controls = _steer(config, state, metrics_d["real_sign"])
        metrics = prefixed("generator", metrics_g) | prefixed("path", path) | prefixed("discriminator", metrics_d) | prefixed("r1", r1)
        metrics["augment/strength"] = controls[0]
        return State(state.step + 1, player, discriminator, average, mean, *controls), metrics

    def sample(state, key, inputs):
        network = state.generator.state
        ws = inputs.get("ws")
        if ws is None:
            ws, _ = _styles(g, state.average, network, inputs["z"], inputs.get("label"))
            ws = stylegan2.truncate(ws, network["mapping"]["average"]["w"], inputs["truncation"], inputs.get("cutoff"))
        noise = stylegan2.constant_noise(network["synthesis"]) if key is None else stylegan2.draw_noise(key, ws.shape[0], g.plan)
        return {"image": _synthesize(g, state.average, network, ws, noise), "ws": ws}

    return Training(init, step, sample)


def _styles(g, params, state, z, label, train=False):
    w, state = g.mapping.apply(params["mapping"], state["mapping"], z, label, train=train)
    return jnp.repeat(w[:, None], g.layers, axis=1), state


def _synthesize(g, params, state, ws, noise):
    return g.synthesis.apply(params["synthesis"], state["synthesis"], ws, noise)[0]


def open_data(config: Config, split: str | None = None) -> Source:
    """Returns the images of a configuration, or another part of them; sizes that the network cannot have are refused before any is read."""
    stylegan2.plan(size_of(config))
    return open_images(config, split, labels=True if config.conditional else None)


def sampling(config: Config, spec: Spec) -> Sampling:
    """Describes what `sample` takes and gives: latents, or styles `ws` [N, layers, style_size], in; images and their styles out. Without a
    key the noise is constant.
    """
    plan = make_generator(config, spec).plan
    affine = tuple(f"average/synthesis/{'/'.join(layer)}/style/kernel" for layer in stylegan2.style_layers(plan))
    noise = tuple(f"generator/state/synthesis/noise/constant/{level}" for level in range(len(plan.sizes)))
    return Sampling(
        latent_inputs(config.latent_size),
        {"image": outputs.image()},
        conditions=("label",) if config.conditional else (),
        optional=("ws", "cutoff"),
        styles=Styles(affine, noise, "average/synthesis/"),
        preferred={"truncation": 0.7},
        followed=64 if config.resolution <= 64 else 32 if config.resolution <= 256 else 16,
    )


def _label(g, batch):
    return batch["label"] if g.label_size else None


def _steer(config, state, sign):
    """The next augmentation strength, and the sum of signs that the one after it will need."""
    interval = 4
    signs = state.signs + jnp.nan_to_num(sign)
    if config.augment == "none":
        return state.strength, state.signs
    target = config.ada_target if config.augment == "ada" else config.diffusion_target
    strength = ada_update(state.strength, signs / interval, config.batch, target, config.ada_kimg * 1000, interval)
    due = (state.step + 1) % interval == 0
    return jnp.where(due, strength, state.strength), jnp.where(due, jnp.zeros_like(signs), signs)


def _follow(mean, length):
    """The moving average of the path lengths; NaN where the penalty was not computed."""
    return jnp.where(jnp.isfinite(length), mean + 0.01 * (length - mean), mean)


SYSTEM = System(
    "stylegan",
    Config,
    PRESETS,
    open_data,
    build,
    sampling,
    image_score,
    commands=commands.STYLES,
    description=__doc__ or "",
    published=partial(published, Config),
    fit=fit,
    complete=complete,
)
