"""DiscoGAN: what two sets of images have in common, discovered as a one-to-one translation between them.

Paper:    Kim et al. 2017, https://arxiv.org/abs/1703.05192
Command:  python experiments/discogan.py                                     (the preset turned: two kinds of shapes at random angles)
          python experiments/discogan.py train turned --method gan           (the paper's baselines: gan, reconstruction)
          python experiments/discogan.py angles RUN                          (is the angle kept, in both directions, one to one?)
          python experiments/discogan.py train photos --data SET.zip         (with the folders trainA, trainB, testA, testB)
          python experiments/discogan.py translate RUN FOLDER OUT --direction backward
Python:   import discogan                                                    (with experiments on the path)
          translate = discogan.load("runs/discogan-...")
          image = translate(image)                                           (uint8 [H, W, C] or [N, H, W, C], of any size)
Hardware: two CPU cores, minutes.
Scores:   see the table in README.md.
"""

import dataclasses
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import tyro

from jgan import losses
from jgan.data import Source, shapes
from jgan.data.pairs import open_domains
from jgan.models import discogan
from jgan.run import command_line, translation, translation_scores
from jgan.run.checkpoints import restore_best
from jgan.run.config import from_plain
from jgan.run.folder import Folder, read_config
from jgan.run.launch import chosen_settings, recall
from jgan.run.translation_runs import launch_domains
from jgan.training import Player, new_player, normalise, prefixed, update
from jgan.types import Array, Network, Training

TURNED = ("heart", "red"), ("moon", "blue")  # the two domains of "turned": neither kind looks alike at two angles
SIZES = {"train": 4000, "test": 1000}  # images of each


@dataclasses.dataclass(frozen=True)
class Config:
    """What a run is made of."""

    data: str = "turned"
    """turned (embedded: red hearts and blue moons at angles from -75 to 75 degrees), or as in experiments/cyclegan.py."""
    method: Literal["discogan", "reconstruction", "gan"] = "discogan"
    """The system, or one of the paper's baselines: with a loop from A only, or two separate games."""
    limit: int | None = None
    """Use at most so many images of each domain."""
    resolution: int = 64
    """Side of the images, pixels: four times a power of two, at least 16."""
    channels: int = 3
    """Colour channels."""
    kimg: float = 100.0
    """Length of the run, thousands of images of each domain."""
    batch: int = 64
    """Images of each domain per step, over all devices."""
    seed: int = 0
    """Seed of initialisation, data order and everything drawn."""
    width: int = 64
    """Channels of the first layer of all networks."""
    bottleneck: int = 100
    """Numbers in the middle of a generator."""
    reconstruction_weight: float = 1.0
    """Weight of the squared error after the way there and back."""
    learning_rate: float = 2e-4
    """Of Adam (beta 0.5 and 0.999), for all players."""
    weight_decay: float = 1e-5
    """Added to the gradients, times the parameters."""
    half: bool = False
    """Compute in bfloat16."""
    record_kimg: float = 2.0
    """Between two records of metrics, thousands of images."""
    sample_kimg: float = 10.0
    """Between two grids of images, translations and ways back, thousands of images."""
    checkpoint_kimg: float = 25.0
    """Between two checkpoints, thousands of images."""
    score_kimg: float = 25.0
    """Between two scores, thousands of images; 0: none."""
    score_samples: int = 1000
    """Translated training images per score."""
    steps_per_call: int = 4
    """Steps per dispatch of the compiled program."""
    devices: int | None = None
    """Use only the first so many devices."""
    fsdp: bool = False
    """Shard large parameters and moments over the devices."""


PRESETS = {"turned": Config(resolution=32, width=16, kimg=150), "photos": Config("photos", kimg=1000)}


class Terms(NamedTuple):
    """Weights of the four terms of the generators' loss."""

    forward: float  # translations from A to B look like B
    loop_a: float  # from A to B and back comes A
    backward: float
    loop_b: float


METHODS = {"discogan": Terms(1, 1, 1, 1), "reconstruction": Terms(1, 1, 0, 0), "gan": Terms(1, 0, 1, 0)}  # figure 2, c to a


class State(NamedTuple):
    """Everything that a run carries from step to step. Parameters and batch statistics go by direction: forward, A to B, and backward."""

    step: Array  # int32
    generators: Player
    discriminators: Player  # the one of forward judges images of B


def make_networks(config: Config) -> tuple[Network, Network]:
    """A generator and a discriminator; both directions have such."""
    dtype, levels = jnp.bfloat16 if config.half else jnp.float32, config.resolution.bit_length() - 3
    if levels < 2 or config.resolution != discogan.LAST * 2**levels:
        raise ValueError(f"expected a resolution of 16, 32, 64 ... pixels, found {config.resolution}")
    features = tuple(config.width * min(2**i, 8) for i in range(levels))
    return discogan.translator(config.channels, features, config.bottleneck, dtype), discogan.discriminator(features, dtype)


def build(config: Config) -> Training:
    """The training algorithm. The batch has images of A as `image` and of B as `target`; `sample` translates inputs["image"]
    [N, H, W, C] to B, and if there is inputs["target"] too, shows images, translations and the ways back side by side, both ways."""
    (g, d), game, terms = make_networks(config), losses.non_saturating(), METHODS[config.method]
    adam = optax.chain(optax.add_decayed_weights(config.weight_decay), optax.adam(config.learning_rate, b1=0.5, b2=0.999))

    def there_and_back(params, state, ways, x):
        """Translation, the way back, and the batch statistics after both."""
        first, second = ways
        fake, after = g.apply(params[first], state[first], x, train=True)
        back, after_back = g.apply(params[second], state[second], fake, train=True)
        return fake, back, {first: after, second: after_back}

    def one_way(params, state, ways, x, critics):
        fake, back, state = there_and_back(params, state, ways, x)
        logits, _ = d.apply(critics.params[ways[0]], critics.state[ways[0]], fake, train=True)
        return {"adversarial": jnp.mean(game.generator(None, logits)), "loop": jnp.mean(losses.pixel_l2(x, back))}, state

    def generator_loss(params, state, examples, critics):
        forward, state = one_way(params, state, ("forward", "backward"), examples["image"], critics)
        backward, state = one_way(params, state, ("backward", "forward"), examples["target"], critics)
        adversarial = terms.forward * forward["adversarial"] + terms.backward * backward["adversarial"]
        loops = terms.loop_a * forward["loop"] + terms.loop_b * backward["loop"]
        return adversarial + config.reconstruction_weight * loops, (state, prefixed("forward", forward) | prefixed("backward", backward))

    def discriminator_loss(params, state, examples, translators):
        total, after, metrics = jnp.zeros(()), {}, {}
        for way, source, real in (("forward", "image", "target"), ("backward", "target", "image")):
            fake, _ = g.apply(translators.params[way], translators.state[way], examples[source], train=True)
            real_logits, between = d.apply(params[way], state[way], examples[real], train=True)
            fake_logits, after[way] = d.apply(params[way], between, fake, train=True)
            total += jnp.mean(game.discriminator(real_logits, fake_logits))
            metrics |= {f"{way}/real_logits": jnp.mean(real_logits), f"{way}/fake_logits": jnp.mean(fake_logits)}
        return total, (after, metrics)

    update_g, update_d = update(generator_loss, adam), update(discriminator_loss, adam)

    def init(key, batch):
        image = jnp.zeros((1, config.resolution, config.resolution, config.channels))
        keys = dict(zip(("forward", "backward"), jax.random.split(key), strict=True))

        def both(network, number):
            made = {way: network.init(jax.random.fold_in(k, number), image) for way, k in keys.items()}
            return new_player(*({way: parts[i] for way, parts in made.items()} for i in range(2)), adam)

        return State(jnp.zeros((), jnp.int32), both(g, 0), both(d, 1))

    def step(state, batch, key):
        examples = {name: normalise(images) for name, images in batch.items()}
        critics, metrics_d = update_d(state.discriminators, examples, state.generators)
        players, metrics_g = update_g(state.generators, examples, critics)
        return State(state.step + 1, players, critics), prefixed("discriminator", metrics_d) | prefixed("generator", metrics_g)

    def sample(state, key, inputs):
        params, averages = state.generators.params, state.generators.state
        forward, backward = (lambda x, way=way: g.apply(params[way], averages[way], x)[0] for way in ("forward", "backward"))
        there = forward(inputs["image"])
        if "target" not in inputs:
            return there
        back = backward(inputs["target"])
        return jnp.concatenate([inputs["image"], there, backward(there), inputs["target"], back, forward(back)], axis=2)

    return Training(init, step, sample)


def open_data(config: Config, split: str = "train") -> tuple[Source, Source]:
    """The two domains of a configuration."""
    limit = config.limit if split == "train" else None
    if config.data != "turned":
        return open_domains(config.data, resolution=config.resolution, channels=config.channels, split=split, limit=limit)
    size = min(SIZES[split], limit or SIZES[split])
    return tuple(
        Source(f"turned/{kind}", (config.resolution,) * 2 + (3,), size, partial(_turned, config.resolution, split, domain))
        for domain, (kind, _) in enumerate(TURNED)
    )


def _turned(resolution, split, domain, index):
    return shapes.render(scene(split, domain, index), resolution)


def scene(split: str, domain: int, index: int) -> shapes.Scene:
    """What is seen in an image of "turned"; the angles of the two domains are drawn apart."""
    return shapes.turned(shapes.FIRST[split] + index, *TURNED[domain], seed=domain)


def train(folder: Folder, config: Config) -> None:
    """Trains on the two domains of the configuration, into the folder."""
    launch_domains(folder, build(config), open_data(config), open_data(config), **chosen_settings(config))


def load(run: str | Path, step: int | None = None, direction: str = "forward") -> translation.Translator:
    """A generator of a run: of the best checkpoint by score, of the latest if there is no score, or of a given step."""
    if direction not in ("forward", "backward"):
        raise ValueError(f"expected the direction forward (A to B) or backward, found {direction!r}")
    config, (shape, _) = from_plain(Config, read_config(run)), recall(run)
    player = jax.eval_shape(build(config).init, jax.random.key(0), None).generators
    wanted = {"params": {direction: player.params[direction]}, "state": {direction: player.state[direction]}}
    part = restore_best(run, step, {"generators": wanted})["generators"]
    sizes = config.resolution // discogan.LAST, config.resolution
    return translation.Translator(make_networks(config)[0], part["params"][direction], part["state"][direction], shape, *sizes)


def measured(images: np.ndarray, domain: int) -> tuple[np.ndarray, np.ndarray]:
    """Angles in degrees, and root mean squared differences from the image of the domain at that angle in [0, 1], of uint8 [N, H, W, 3].

    The angle is that of the nearest of 360 images of the domain, one per degree.
    """
    degrees = np.arange(-180, 180)
    drawn = [shapes.Scene("white", (shapes.Shape(*TURNED[domain], 0.0, 0.0, 0.8, np.deg2rad(d)),), "above") for d in degrees]
    known = np.stack([shapes.render(s, *images.shape[1:3]) for s in drawn]).reshape(360, -1).astype(np.float32) / 255
    rows = images.reshape(len(images), -1).astype(np.float32) / 255
    squares = np.square(rows).sum(1)[:, None] + np.square(known).sum(1)[None] - 2 * rows @ known.T
    return degrees[squares.argmin(axis=1)], np.sqrt(np.maximum(squares.min(axis=1), 0) / rows.shape[1])


def angle_numbers(angles: np.ndarray, images: np.ndarray, domain: int) -> dict[str, float]:
    """Of translations into a domain, and the angles in degrees of what was translated: the correlation with the angles that are seen in
    them, `ambiguity`, the standard deviation in degrees of the angles of what shows one angle (give or take one degree), the share of ten
    equal parts of -75 to 75 degrees that are reached, and how far from the domain's images they are.

    One to one is an ambiguity of a few degrees with all parts reached. A correlation of 1 or -1 shows that, one between them does not
    refute it: angles may also change places in pieces. The way back says little, since translations can hide in faint dots what they show.
    """
    seen, far = measured(images, domain)
    parts = np.histogram(seen, bins=10, range=(-75, 75))[0]
    correlation = float(np.corrcoef(angles, seen)[0, 1]) if seen.std() > 0 else 0.0
    same = np.abs(seen[:, None] - seen[None]) <= 1
    means, squares = (same @ power / same.sum(1) for power in (angles, angles**2))
    ambiguity = float(np.sqrt(np.mean(np.maximum(squares - means**2, 0.0))))
    reached = float(np.mean(parts >= len(seen) / 100))
    return {"angle_correlation": correlation, "ambiguity": ambiguity, "parts_reached": reached, "far": float(far.mean())}


def angles(run: tyro.conf.Positional[Path], split: str = "test", step: int | None = None) -> None:
    """Prints, for a run on turned shapes and for both directions, whether the angle is kept, one to one.

    Args:
        run: The folder of the run.
        split: Part of the data.
        step: The checkpoint to use; the latest of the best score if not given.
    """
    config = from_plain(Config, read_config(run))
    if config.data != "turned":
        raise ValueError(f"expected a run on turned, whose angles are known, found one on {config.data}")
    for domain, (direction, source) in enumerate(zip(("forward", "backward"), open_data(config, split), strict=True)):
        true = np.array([np.rad2deg(scene(split, domain, i).shapes[0].angle) for i in range(source.size)])
        found = angle_numbers(true, load(run, step, direction)(translation.take(source, source.size)), 1 - domain)
        print(direction, *(f"{name} {number:.3f}" for name, number in found.items()))


def data_of(run: Path, split: str) -> tuple[Source, Source]:
    """The domains of a run, or another part of them."""
    return open_data(from_plain(Config, read_config(run)), split)


COMMANDS = translation.commands(load, partial(translation_scores.evaluate_domains, load, data_of)) | {"angles": angles}

if __name__ == "__main__":
    command_line.main("discogan", PRESETS, train, description=__doc__, may_change=("kimg",), **COMMANDS)
