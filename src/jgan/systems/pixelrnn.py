"""PixelRNN, PixelCNN and gated PixelCNN: images drawn sub-pixel by sub-pixel, trained by likelihood, without an adversary.

Papers: van den Oord et al. 2016, https://arxiv.org/abs/1601.06759; van den Oord et al. 2016, https://arxiv.org/abs/1606.05328
"""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh

from jgan import commands, outputs
from jgan.data.settings import ImageSettings, open_images
from jgan.data.source import Source
from jgan.evaluation.likelihood import likelihood_score
from jgan.evaluation.score import Score
from jgan.models import pixels
from jgan.models.pixelcnn import BlockNetwork, ConvolutionBlock, GatedPixelCNN
from jgan.models.pixelrnn import DiagonalBiLSTM, RowLSTM
from jgan.ranges import Count, Kimg, KimgOrZero, LayersOrZero, Rate, Several, Size, numbers
from jgan.run.settings import ROUNDING, Settings, changeable
from jgan.run.system import Sampling, System
from jgan.training import Player, follow_average, new_player, prefixed, update
from jgan.types import Array, Batch, Params, Spec, Training


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(Settings, ImageSettings):
    """What a run is made of."""

    test_split: str = "test"
    """Part of the data whose likelihood is the score."""
    levels: Annotated[int, numbers(int, 2, 256)] = 256
    """Values that a sub-pixel can have; 2: binarised, one logit each, otherwise a softmax over the levels."""
    architecture: Literal["row_lstm", "diagonal_bilstm", "pixelcnn", "gated_pixelcnn"] = "diagonal_bilstm"
    """How a pixel sees those before it."""
    conditional: bool = False
    """Learn the classes of the data; gated_pixelcnn only."""
    layers: LayersOrZero = 12
    """Residual blocks, or gated layers."""
    features: Size = 128
    """h of the first paper, p of the second."""
    head_features: Size = 1024
    """Of the last layer before the logits."""
    kernel: Size = 3
    """Side of the kernels of gated_pixelcnn, pixels, odd; the first kernel has 7."""
    half: bool = False
    """Compute activations in bfloat16."""
    kimg: Kimg = changeable(10_000.0)
    """Length of the run, thousands of images seen."""
    batch: Count = 16
    """Images per step, over all devices."""
    microbatches: Count = changeable(1, ROUNDING)
    """Parts in which a batch is worked through, to save memory."""
    learning_rate: Rate = 1e-3
    """Of RMSProp."""
    clip: Rate = 1.0
    """Largest norm of the gradient of the bits per dimension."""
    average_kimg: KimgOrZero = 10.0
    """Half-life of the average of the parameters, which is what is scored and drawn from, thousands of images."""
    sample_kimg: Kimg = changeable(500.0)
    """Between two grids of samples, thousands of images."""
    checkpoint_kimg: Kimg = changeable(500.0)
    """Between two checkpoints, thousands of images."""
    score_kimg: KimgOrZero = changeable(500.0)
    """Between two scores, thousands of images; 0: none."""
    score_samples: Several = changeable(10_000)
    """Images of the test split that are scored, at most."""


_SMALL = Config(head_features=32, average_kimg=2, sample_kimg=10, checkpoint_kimg=20, score_kimg=20, score_samples=2_000)
_BINARY = dataclasses.replace(_SMALL, resolution=28, channels=1, levels=2, layers=7, features=16)
_GATED = Config(architecture="gated_pixelcnn", kernel=5, layers=20, features=384)
_CIFAR = Config(data="tfds:cifar10")
PRESETS = {
    "demo": dataclasses.replace(
        _SMALL, resolution=16, levels=8, architecture="gated_pixelcnn", conditional=True, layers=5, features=24, kimg=60
    ),
    "fashion_mnist": dataclasses.replace(_BINARY, data="tfds:fashion_mnist", architecture="row_lstm", kimg=120),
    # The sizes of the first paper, section 5.3 ...
    "mnist": dataclasses.replace(_BINARY, data="tfds:mnist", kimg=10_000, score_kimg=100, checkpoint_kimg=100, score_samples=10_000),
    "cifar10": _CIFAR,
    "cifar10_row": dataclasses.replace(_CIFAR, architecture="row_lstm"),
    "cifar10_pixelcnn": dataclasses.replace(_CIFAR, architecture="pixelcnn", layers=15),
    "imagenet32": Config(data="tfds:downsampled_imagenet/32x32", test_split="validation", architecture="row_lstm", features=384, batch=64),
    # ... and of the second, section 3.
    "imagenet64_gated": dataclasses.replace(
        _GATED, data="tfds:downsampled_imagenet/64x64", test_split="validation", resolution=64, batch=128, kimg=25_600
    ),
}
BLOCKS = {"row_lstm": RowLSTM, "diagonal_bilstm": DiagonalBiLSTM, "pixelcnn": ConvolutionBlock}


class State(NamedTuple):
    """Everything that a run carries from step to step."""

    step: Array  # int32
    player: Player
    average: Params


def make_network(config: Config, spec: Spec) -> BlockNetwork | GatedPixelCNN:
    """Returns the pixel network of a configuration."""
    if config.conditional and config.architecture != "gated_pixelcnn":
        raise ValueError(f"expected the architecture gated_pixelcnn for a conditional model, found {config.architecture}")
    sizes: dict[str, Any] = dict(
        layers=config.layers, features=config.features, head_features=config.head_features, channels=spec.shape()[2]
    )
    sizes |= dict(outputs=1 if config.levels == 2 else config.levels, dtype=jnp.bfloat16 if config.half else jnp.float32)
    if config.architecture != "gated_pixelcnn":
        return BlockNetwork(BLOCKS[config.architecture], **sizes)
    return GatedPixelCNN(classes=spec.classes if config.conditional else 0, reach=config.kernel // 2, **sizes)


def nats_of(config: Config, spec: Spec) -> Callable[[Params, Batch], Array]:
    """Returns (parameters, batch) -> -log p [N] of its images, in nats."""
    network = make_network(config, spec)

    def nats(params, batch):
        return pixels.nats(network, config.levels, params, batch["image"], batch["label"] if config.conditional else None)

    return nats


def build(config: Config, spec: Spec) -> Training:
    """Trains one player alone: the mean of -log2 p per sub-pixel, by RMSProp with clipped gradients."""
    network, nats = make_network(config, spec), nats_of(config, spec)
    optimizer = optax.chain(optax.clip_by_global_norm(config.clip), optax.rmsprop(config.learning_rate, decay=0.95, bias_correction=True))

    def loss(params, state, batch):
        mean = jnp.mean(nats(params, batch))
        return mean / (math.log(2) * math.prod(spec.shape())), (state, {"nats": mean})

    learn = update(loss, optimizer, microbatches=config.microbatches)

    def init(key, batch):
        label = batch["label"] if config.conditional else None
        params = network.init(key, jnp.zeros(batch["image"].shape), label)["params"]
        return State(jnp.zeros((), jnp.int32), new_player(params, {}, optimizer), jax.tree.map(jnp.copy, params))

    def step(state, batch, key):
        player, metrics = learn(state.player, {name: batch[name] for name in ("image", *_conditions(config))})
        average = follow_average(state.average, player.params, state.step, config.batch, 1000 * config.average_kimg)
        return State(state.step + 1, player, average), prefixed("generator", metrics)

    def sample(state, key, inputs):
        if "image" in inputs:
            return {"nats": nats(state.average, inputs)}
        known = inputs.get("known")
        given = None if known is None else pixels.scale(pixels.quantise(inputs["given"], config.levels), config.levels)
        drawn = pixels.draw(
            network, state.average, inputs["uniforms"], config.levels, inputs.get("label"), given, known, inputs["truncation"]
        )
        return {"image": drawn}

    return Training(init, step, sample)


def open_data(config: Config, split: str | None = None) -> Source:
    """Returns the images of a configuration, or another part of them."""
    return open_images(config, split, labels=True if config.conditional else None)


def score(config: Config, source: Source, /, *, folder: Path, mesh: Mesh | None = None) -> Score:
    """Returns the likelihood of images of the test split."""
    nats, held_out = nats_of(config, source.spec), dataclasses.replace(config, split=config.test_split, limit=config.score_samples)

    def of_state(state: Any, batch: Batch) -> Array:
        return nats(state.average, batch)

    fields = ("image", *_conditions(config))
    return likelihood_score(of_state, open_data(held_out), config.test_split, fields, config.batch, mesh)


def sampling(config: Config, spec: Spec) -> Sampling:
    """Describes what `sample` takes and gives: uniform numbers in, images out; `truncation` is the temperature. Where `known` [N, H, W]
    says so, pixels are those of the images `given`. Of `image` the output is the likelihood, `nats` [N].
    """

    def inputs(key, n):
        return {"uniforms": jax.random.uniform(key, (n, *spec.shape())), "truncation": jnp.ones((n,))}

    return Sampling(inputs, {"image": outputs.image()}, conditions=_conditions(config), optional=("given", "known", "image"))


def _conditions(config: Config) -> tuple[str, ...]:
    return ("label",) if config.conditional else ()


SYSTEM = System("pixelrnn", Config, PRESETS, open_data, build, sampling, score, commands=commands.LIKELIHOOD, description=__doc__ or "")
