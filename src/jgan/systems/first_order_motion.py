"""First Order Motion Model: a face in one image moves as another one does in a clip, by keypoints that are learned from clips alone.

Paper: Siarohin et al. 2019, https://arxiv.org/abs/2003.00196
"""

import dataclasses
import functools
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jgan import commands, losses, outputs
from jgan.augment import thin_plate
from jgan.augment.recolour import recolour
from jgan.data.clips import ClipSettings, open_settings
from jgan.data.combine import map_examples
from jgan.data.settings import place_of_weights
from jgan.data.source import Source
from jgan.evaluation.animation import animation_score
from jgan.models import first_order_motion as models
from jgan.models.keypoints import Keypoints, averaged, inverse, keypoint_detector, relative
from jgan.models.pretrained import feature_maps, load_weights
from jgan.models.pretrained.squeezenet import SMALLEST
from jgan.ops.images import to_float
from jgan.ranges import Count, Kimg, Layers, LayersOrZero, Rate, Several, Share, Size, Weight
from jgan.run.settings import Settings, changeable
from jgan.run.system import Sampling, System
from jgan.training import Player, new_player, prefixed, update
from jgan.types import Array, Batch, Inputs, Key, Network, Outputs, Spec, Training

SCALES = (1, 2, 4, 8)  # reductions at which images are compared
MATCHING = 10.0  # weight of the discriminator's activations beside its logits


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(Settings, ClipSettings):
    """What a run is made of."""

    kimg: Kimg = 36.0
    """Length of the run, thousands of pairs of frames, over which the learning rate falls to 0 along a cosine."""
    batch: Count = 8
    """Pairs of frames per step, over all devices."""
    keypoints: Size = 6
    """Points that are found in an image."""
    features: Size = 16
    """Of the generator at full size, and half of those of the hourglasses at the size that they see."""
    reduction: Size = 4
    """How many times smaller the images are in which points and motions are found."""
    levels: Layers = 3
    """Halvings of these images in the hourglasses."""
    halvings: LayersOrZero = 1
    """Halvings of the image before its features are bent."""
    blocks: LayersOrZero = 4
    """Residual blocks of the generator."""
    occluded: bool = True
    """Whether the generator is told what the source does not show."""
    l1_weight: Weight = 10.0
    """Weight of the L1 distances to the true frame at full size, a half, a quarter and an eighth."""
    perceptual_weight: Weight = 0.0
    """Weight of the L1 distances of the features of SqueezeNet at those sizes that it takes; 0: they are not needed."""
    equivariance_weight: Weight = 1.0
    """Weight of how far points are from where they should be in a bent frame."""
    jacobian_weight: Weight = 1.0
    """Weight of the same of the Jacobians of points."""
    adversarial_weight: Weight = 0.0
    """Weight of the adversarial loss and, ten times as strong, of matching the discriminator's activations; 0: there is none."""
    discriminator_layers: Layers = 4
    """Layers of the discriminator, of which all but the last halve the image."""
    jitter: Share = 0.15
    """How far the numbers of an affine map of the colours are from the identity at most; half of the pairs are mirrored; 0: neither."""
    learning_rate: Rate = 5e-4
    """Of Adam (beta 0.5 and 0.999), for all players, at first."""
    weights: str | None = place_of_weights()
    """File with the weights of SqueezeNet 1.1; downloaded once if not given."""
    half: bool = False
    """Compute activations of convolutions in bfloat16."""
    score_samples: Several = changeable(64)
    """Clips per score."""


_TALKING = Config(data="talking", resolution=64, limit=300, record_kimg=0.4, sample_kimg=9, score_kimg=9, checkpoint_kimg=9)
PRESETS = {
    "talking": _TALKING,
    "adversarial": dataclasses.replace(_TALKING, adversarial_weight=0.1),
    "accelerator": Config(
        data="talking",
        resolution=128,
        limit=2_000,
        keypoints=10,
        features=32,
        levels=4,
        halvings=2,
        batch=32,
        kimg=600,
        adversarial_weight=0.1,
        learning_rate=2e-4,
        half=True,
        record_kimg=5,
        sample_kimg=50,
        checkpoint_kimg=50,
        score_kimg=50,
        score_samples=256,
    ),
}


class State(NamedTuple):
    """Everything that a run carries from step to step."""

    step: Array  # int32
    generator: Player  # the three networks of `Networks`, by name
    discriminator: Player


class Networks(NamedTuple):
    """What is trained; the first three make up one player."""

    points: Network
    motion: Network
    image: Network
    discriminator: Network


def make_networks(config: Config, channels: int) -> Networks:
    """Returns the detector of keypoints, the dense motion, the generator and the discriminator."""
    dtype = jnp.bfloat16 if config.half else jnp.float32
    return Networks(
        keypoint_detector(config.keypoints, config.reduction, config.features, config.levels, dtype),
        models.dense_motion(config.reduction, config.features, config.levels, config.occluded, dtype),
        models.generator(channels, config.features, config.halvings, config.blocks, dtype=dtype),
        models.discriminator(config.features, config.discriminator_layers),
    )


def build(config: Config, spec: Spec) -> Training:
    """Returns the training algorithm. The batch has `video`, of which two frames are drawn: the first is to become the second.

    `sample` moves `source` [N, H, W, C] as the clips `video` [N, T, H, W, C] move; where `relative` [N] is positive, as they have moved
    since their first frames.

    Raises:
      ValueError: for frames whose sides are no multiples of reduction 2^levels and 2^halvings.
    """
    shape = spec.shape("video")[1:]
    check_size(config, shape)
    networks, steps = make_networks(config, shape[2]), max(1, round(1000 * config.kimg / config.batch))
    adam = optax.adam(optax.cosine_decay_schedule(config.learning_rate, steps), b1=0.5)
    update_g = update(partial(generator_loss, config, networks, distances_of(config)), adam)
    update_d = update(partial(discriminator_loss, networks), adam)

    def step(state, batch, key):
        examples = drawn(config, jax.random.fold_in(key, state.step), batch["video"])
        generator, metrics = update_g(state.generator, examples, state.discriminator)
        made = {name: jax.lax.stop_gradient(metrics.pop(name)) for name in ("fake", "place")}
        discriminator, of_discriminator = state.discriminator, {}
        if config.adversarial_weight:
            discriminator, of_discriminator = update_d(discriminator, {"driver": examples["driver"], **made})
        metrics = prefixed("generator", metrics) | prefixed("discriminator", of_discriminator)
        return State(state.step + 1, generator, discriminator), metrics

    return Training(partial(init_of, config, networks, adam, shape), step, partial(sample_of, networks))


def init_of(
    config: Config, networks: Networks, adam: optax.GradientTransformation, shape: tuple[int, ...], key: Key, batch: Batch
) -> State:
    """Returns the first state, for frames of a shape (H, W, C)."""
    keys, image = jax.random.split(key, 4), jnp.zeros((1, *shape))
    points = Keypoints(jnp.zeros((1, config.keypoints, 2)), jnp.ones((1, config.keypoints, 2, 2)))
    flow, occlusion = jnp.zeros((1, 1, 1, 2)), jnp.ones((1, 1, 1, 1))
    inputs = {"points": (image,), "motion": (image, points, points), "image": (image, flow, occlusion)}
    made = {name: getattr(networks, name).init(k, *given) for k, (name, given) in zip(keys, inputs.items(), strict=False)}
    params, state = ({name: pair[part] for name, pair in made.items()} for part in (0, 1))
    discriminator = new_player(*networks.discriminator.init(keys[3], image, points.place), adam)
    return State(jnp.zeros((), jnp.int32), new_player(params, state, adam), discriminator)


def detect(networks: Networks, params: Any, state: Any, images: Array, train: bool = False) -> tuple[Keypoints, Any]:
    """Finds the points of images; and the next state of the detector."""
    return networks.points.apply(params["points"], state["points"], images, train=train)


def animate(
    networks: Networks, params: Any, state: Any, source: Array, points: Keypoints, goal: Keypoints, train: bool = False
) -> tuple[Array, dict[str, Any]]:
    """Makes images of the source with its points where they should be; and the next states of the two networks."""
    (flow, occlusion), motion = networks.motion.apply(params["motion"], state["motion"], source, points, goal, train=train)
    image, generator = networks.image.apply(params["image"], state["image"], source, flow, occlusion, train=train)
    return image, {"motion": motion, "image": generator}


def generator_loss(config: Config, networks: Networks, distances: dict, params, state, examples, other):
    """Returns the loss of the three networks; among its metrics are the images `fake` and the places of their points, which the
    discriminator sees next.
    """
    source, driver, plate = examples["source"], examples["driver"], examples["plate"]
    points, after = detect(networks, params, state, jnp.concatenate([source, driver, thin_plate.seen_through(plate, driver)]), train=True)
    points, goal, bent = (Keypoints(*parts) for parts in zip(*(jnp.split(part, 3) for part in points), strict=True))
    fake, others = animate(networks, params, state, source, points, goal, train=True)
    found = {name: (weight, jnp.mean(of(driver, fake))) for name, (weight, of) in distances.items()}
    found["equivariance"] = config.equivariance_weight, jnp.mean(jnp.abs(goal.place - thin_plate.moved(plate, bent.place)))
    found["jacobian"] = config.jacobian_weight, jacobian_distance(goal, bent, plate)
    if config.adversarial_weight:
        found |= adversarial_terms(config.adversarial_weight, networks, other, driver, fake, jax.lax.stop_gradient(goal.place))
    total = sum((weight * value for weight, value in found.values()), jnp.zeros(()))
    shown = {name: value for name, (_, value) in found.items()} | {"fake": fake, "place": goal.place}
    return total, ({"points": after, **others}, shown)


def adversarial_terms(weight: float, networks: Networks, other: Player, driver: Array, fake: Array, place: Array) -> dict:
    """Returns the generator's adversarial loss, and how far the discriminator's activations are from those of true frames, with their
    weights.
    """
    logits, activations = networks.discriminator.apply(other.params, other.state, fake, place)[0]
    _, wanted = networks.discriminator.apply(other.params, other.state, driver, place)[0]
    matching = losses.feature_matching(jax.lax.stop_gradient(wanted), activations)
    adversarial = jnp.mean(losses.least_squares().generator(None, logits))
    return {"adversarial": (weight, adversarial), "matching": (MATCHING * weight, jnp.mean(matching))}


def discriminator_loss(networks: Networks, params, state, examples):
    """Returns the discriminator's adversarial loss."""
    apply, place = networks.discriminator.apply, examples["place"]
    fake_logits, real_logits = (apply(params, state, examples[name], place)[0][0] for name in ("fake", "driver"))
    metrics = {"real_logits": jnp.mean(real_logits), "fake_logits": jnp.mean(fake_logits)}
    return jnp.mean(losses.least_squares().discriminator(real_logits, fake_logits)), (state, metrics)


def sample_of(networks: Networks, state: State, key: Key | None, inputs: Inputs) -> Outputs:
    """Returns clips of `source` that moves as `video` does, and the points of `video`."""
    params, carried = state.generator.params, state.generator.state
    source, driver = to_float(inputs["source"]), to_float(inputs["video"])
    points, first = (detect(networks, params, carried, images)[0] for images in (source, driver[:, 0]))

    def frame(image):
        absolute = detect(networks, params, carried, image)[0]
        pairs = zip(relative(points, absolute, first), absolute, strict=True)
        goal = Keypoints(*(jnp.where(inputs["relative"].reshape(-1, *(1,) * (a.ndim - 1)) > 0, r, a) for r, a in pairs))
        return animate(networks, params, carried, source, points, goal)[0], absolute.place

    video, place = jax.lax.map(frame, driver.swapaxes(0, 1))
    return {"video": video.swapaxes(0, 1), "points": place.swapaxes(0, 1).reshape(*driver.shape[:2], -1)}


def drawn(config: Config, key: Key, clips: Array) -> dict:
    """Returns what a step learns from: two different frames of each clip [N, T, H, W, C], `source` and `driver`, with the same colours
    changed and half of them mirrored; and the map by which the driver is bent, `plate`.
    """
    of_first, of_others, of_colours, of_mirrors, of_plates = jax.random.split(key, 5)
    n, frames = clips.shape[:2]
    first = jax.random.randint(of_first, (n,), 0, frames)
    second = (first + jax.random.randint(of_others, (n,), 1, max(2, frames))) % frames
    chosen = [to_float(jnp.take_along_axis(clips, index.reshape(-1, 1, 1, 1, 1), axis=1)[:, 0]) for index in (first, second)]
    if config.jitter:
        colours = jnp.eye(4)[None, :3] + config.jitter * jax.random.uniform(of_colours, (n, 3, 4), minval=-1)
        mirrored = jax.random.bernoulli(of_mirrors, 0.5, (n, 1, 1, 1))
        chosen = [jnp.where(mirrored, x[:, :, ::-1], x) for x in chosen]
        chosen = [jnp.clip(recolour(x, colours), -1, 1) for x in chosen]
    return {"source": chosen[0], "driver": chosen[1], "plate": thin_plate.random_plate(of_plates, n)}


def jacobian_distance(goal: Keypoints, bent: Keypoints, plate: thin_plate.Plate) -> Array:
    """Returns the mean of |1 - J_D^-1 T'(p) J_p|, for points p that were found in frames seen through T (equation 10 of the paper)."""
    product = inverse(goal.jacobian) @ thin_plate.slopes(plate, bent.place) @ bent.jacobian
    return jnp.mean(jnp.abs(jnp.eye(2)[None, None] - product))


def distances_of(config: Config) -> dict:
    """Returns the distances (real, fake) -> [N] of a configuration with their weights, by name.

    The weights of a network are read when it is first used, so that clips are drawn without them.
    """

    def pyramid(distance, scales):
        return lambda real, fake: sum(distance(averaged(real, scale), averaged(fake, scale)) for scale in scales)

    found = {"l1": (config.l1_weight, pyramid(losses.pixel_l1, SCALES))}
    if config.perceptual_weight:
        weights = functools.cache(partial(load_weights, "squeezenet-1.1", config.weights))
        scales = [scale for scale in SCALES if min(config.resolution, config.width or config.resolution) // scale >= SMALLEST]

        def distance(real, fake):
            return losses.feature_matching(*([x / 255 for x in feature_maps(weights())(images)] for images in (real, fake)))

        found["perceptual"] = config.perceptual_weight, pyramid(distance, scales)
    return found


def check_size(config: Config, shape: tuple[int, ...]) -> None:
    """Raises ValueError unless the networks take frames of this shape (H, W, C)."""
    unit = max(config.reduction * 2**config.levels, 2**config.halvings, SCALES[-1])
    if any(side % unit for side in shape[:2]):
        raise ValueError(f"expected frames whose sides are multiples of {unit} pixels, found {shape[0]} x {shape[1]}; change --resolution")


def open_data(config: Config, split: str | None = None) -> Source:
    """Returns the clips of a configuration as `video`, each with its first frame as `source`."""
    return map_examples(open_settings(config, split), lambda clip: {"source": clip["video"][0], **clip})


def sampling(config: Config, spec: Spec) -> Sampling:
    """Describes what `sample` takes and gives: an image and the clip that drives it in, the image moved as the clip out."""
    kinds = {"video": outputs.video(spec.rate("video"))}
    return Sampling(lambda key, n: {"relative": jnp.ones((n,))}, kinds, conditions=("source", "video"), followed=8)


SYSTEM = System(
    "first_order_motion",
    Config,
    PRESETS,
    open_data,
    build,
    sampling,
    animation_score,
    commands=commands.ANIMATION,
    description=__doc__ or "",
)
