"""PixelRNN, PixelCNN and gated PixelCNN: images drawn sub-pixel by sub-pixel, trained by likelihood, without an adversary.

Papers:   van den Oord et al. 2016, https://arxiv.org/abs/1601.06759; van den Oord et al. 2016, https://arxiv.org/abs/1606.05328
Command:  python experiments/pixelrnn.py                         (the preset demo: 16 px, embedded data, minutes on two cores)
          python experiments/pixelrnn.py train fashion_mnist --data FOLDER
          python experiments/pixelrnn.py complete RUN --out completions.png
          python experiments/pixelrnn.py likelihood RUN
Hardware: demo and fashion_mnist are sized for CPUs; the others, of the papers' sizes, for accelerators.
Scores:   see the table in README.md.
"""

import dataclasses
import math
from pathlib import Path
from typing import Literal, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from jgan.data import Source, open_source
from jgan.models import pixels
from jgan.models.pixelcnn import BlockNetwork, ConvolutionBlock, GatedPixelCNN
from jgan.models.pixelrnn import DiagonalBiLSTM, RowLSTM
from jgan.run import command_line, draw_commands
from jgan.run import pixels as pixel_runs
from jgan.run.checkpoints import restore_best
from jgan.run.config import from_plain
from jgan.run.folder import Folder, read_config
from jgan.run.launch import chosen_settings, launch, recall
from jgan.training import Player, average, average_decay, new_player, update
from jgan.types import Array, Params, Training


@dataclasses.dataclass(frozen=True)
class Config:
    """What a run is made of."""

    data: str = "shapes"
    """Images: shapes (embedded), tfds:NAME, or the path of a folder, zip, tar, npz or folder of idx files."""
    split: str = "train"
    """Part of the data to train on."""
    test_split: str = "test"
    """Part of the data whose likelihood is the score."""
    limit: int | None = None
    """Use at most so many images."""
    resolution: int = 32
    """Side of the images, pixels."""
    channels: int | None = None
    """Colour channels; as the data if not given."""
    levels: int = 256
    """Values that a sub-pixel can have; 2: binarised, one logit each, otherwise a softmax over the levels."""
    architecture: Literal["row_lstm", "diagonal_bilstm", "pixelcnn", "gated_pixelcnn"] = "diagonal_bilstm"
    """How a pixel sees those before it."""
    conditional: bool = False
    """Learn the classes of the data; gated_pixelcnn only."""
    layers: int = 12
    """Residual blocks, or gated layers."""
    features: int = 128
    """h of the first paper, p of the second."""
    head_features: int = 1024
    """Of the last layer before the logits."""
    kernel: int = 3
    """Side of the kernels of gated_pixelcnn, pixels, odd; the first kernel has 7."""
    half: bool = False
    """Compute activations in bfloat16."""
    kimg: float = 10_000.0
    """Length of the run, thousands of images seen."""
    batch: int = 16
    """Images per step, over all devices."""
    microbatches: int = 1
    """Parts in which a batch is worked through, to save memory."""
    seed: int = 0
    """Seed of initialisation, data order and everything drawn."""
    learning_rate: float = 1e-3
    """Of RMSProp."""
    clip: float = 1.0
    """Largest norm of the gradient of the bits per dimension."""
    average_kimg: float = 10.0
    """Half-life of the average of the parameters, which is what is scored and drawn from, thousands of images."""
    record_kimg: float = 1.0
    """Between two records of metrics, thousands of images."""
    sample_kimg: float = 500.0
    """Between two grids of samples, thousands of images."""
    checkpoint_kimg: float = 500.0
    """Between two checkpoints, thousands of images."""
    score_kimg: float = 500.0
    """Between two scores, thousands of images; 0: none."""
    score_images: int = 10_000
    """Images of the test split that are scored, at most."""
    steps_per_call: int = 4
    """Steps per dispatch of the compiled program."""
    devices: int | None = None
    """Use only the first so many devices."""
    fsdp: bool = False
    """Shard large parameters and moments over the devices."""


_SMALL = Config(head_features=32, average_kimg=2, sample_kimg=10, checkpoint_kimg=20, score_kimg=20, score_images=2_000)
_BINARY = dataclasses.replace(_SMALL, resolution=28, channels=1, levels=2, layers=7, features=16)
_GATED = Config(architecture="gated_pixelcnn", kernel=5, layers=20, features=384)
PRESETS = {
    "demo": dataclasses.replace(_SMALL, resolution=16, levels=8, architecture="gated_pixelcnn", conditional=True, layers=5, features=24,
                                kimg=60),
    "fashion_mnist": dataclasses.replace(_BINARY, data="tfds:fashion_mnist", architecture="row_lstm", kimg=120),
    # The sizes of the first paper, section 5.3 ...
    "mnist": dataclasses.replace(_BINARY, data="tfds:mnist", kimg=10_000, score_kimg=100, checkpoint_kimg=100, score_images=10_000),
    "cifar10": Config("tfds:cifar10"),
    "cifar10_row": Config("tfds:cifar10", architecture="row_lstm"),
    "cifar10_pixelcnn": Config("tfds:cifar10", architecture="pixelcnn", layers=15),
    "imagenet32": Config("tfds:downsampled_imagenet/32x32", test_split="validation", architecture="row_lstm", features=384, batch=64),
    # ... and of the second, section 3.
    "imagenet64_gated": dataclasses.replace(_GATED, data="tfds:downsampled_imagenet/64x64", test_split="validation", resolution=64,
                                            batch=128, kimg=25_600),
}  # fmt: skip
BLOCKS = {"row_lstm": RowLSTM, "diagonal_bilstm": DiagonalBiLSTM, "pixelcnn": ConvolutionBlock}


class State(NamedTuple):
    """Everything that a run carries from step to step."""

    step: Array  # int32
    player: Player
    average: Params


def make_network(config: Config, channels: int, classes: int) -> nn.Module:
    """The pixel network of a configuration."""
    if config.conditional and config.architecture != "gated_pixelcnn":
        raise ValueError(f"expected the architecture gated_pixelcnn for a conditional model, found {config.architecture}")
    sizes = dict(layers=config.layers, features=config.features, head_features=config.head_features, channels=channels)
    sizes |= dict(outputs=1 if config.levels == 2 else config.levels, dtype=jnp.bfloat16 if config.half else jnp.float32)
    if config.architecture != "gated_pixelcnn":
        return BlockNetwork(BLOCKS[config.architecture], **sizes)
    return GatedPixelCNN(classes=classes if config.conditional else 0, reach=config.kernel // 2, **sizes)


def build(config: Config, shape: tuple[int, int, int], classes: int = 0) -> Training:
    """One player, and no opponent: the mean of -log2 p per sub-pixel, by RMSProp with clipped gradients."""
    network = make_network(config, shape[2], classes)
    optimizer = optax.chain(optax.clip_by_global_norm(config.clip), optax.rmsprop(config.learning_rate, decay=0.95, bias_correction=True))

    def loss(params, state, batch):
        mean = jnp.mean(pixels.nats(network, config.levels, params, batch["image"], batch.get("label")))
        return mean / (math.log(2) * math.prod(shape)), (state, {"nats": mean})

    learn = update(loss, optimizer, microbatches=config.microbatches)

    def init(key, batch):
        batch = _with_label(config, batch)
        params = network.init(key, jnp.zeros(batch["image"].shape), batch.get("label"))["params"]
        return State(jnp.zeros((), jnp.int32), new_player(params, {}, optimizer), jax.tree.map(jnp.copy, params))

    def step(state, batch, key):
        player, metrics = learn(state.player, _with_label(config, batch))
        decay = average_decay(config.batch, state.step * config.batch, 1000 * config.average_kimg, ramp_up=0.05)
        return State(state.step + 1, player, average(state.average, player.params, decay)), metrics

    def sample(state, key, inputs):
        return pixels.draw(network, state.average, inputs["uniforms"], config.levels, inputs.get("label"))

    return Training(init, step, sample)


def open_data(config: Config, split: str | None = None, limit: int | None = None) -> Source:
    """The images of a configuration, or another part of them; at most so many."""
    size, chosen, labels = config.resolution, split or config.split, True if config.conditional else None
    return open_source(config.data, resolution=size, channels=config.channels, split=chosen, limit=limit, labels=labels)


def train(folder: Folder, config: Config) -> None:
    """Trains on the data of the configuration, into the folder."""
    source = open_data(config, limit=config.limit)
    network = make_network(config, source.shape[2], len(source.classes))
    seeds = np.arange(64)
    label = {"label": (seeds % len(source.classes)).astype(np.int32)} if config.conditional else {}
    launch(
        folder,
        build(config, source.shape, len(source.classes)),
        source,
        inputs={"uniforms": np.asarray(pixel_runs.uniforms(config.seed + seeds, source.shape)), **label},
        score=lambda place, mesh: pixel_runs.likelihood_score(
            network,
            config.levels,
            open_data(config, config.test_split, config.score_images),
            config.test_split,
            lambda state: state.average,
            conditional=config.conditional,
            batch=config.batch,
            mesh=mesh,
        ),
        **chosen_settings(config),
    )


def load(run: str | Path, step: int | None = None) -> pixel_runs.Trained:
    """The averaged model of a run: of the best checkpoint by likelihood, of the latest if there is no score, or of a given step."""
    config, (shape, classes) = from_plain(Config, read_config(run)), recall(run)
    batch = {"image": jax.ShapeDtypeStruct((1, *shape), jnp.uint8), "label": jax.ShapeDtypeStruct((1,), jnp.int32)}
    abstract = jax.eval_shape(build(config, shape, len(classes)).init, jax.random.key(0), batch)
    average = restore_best(run, step, {"average": abstract.average})["average"]
    network = make_network(config, shape[2], len(classes))
    return pixel_runs.Trained(network, average, config.levels, shape, len(classes) if config.conditional else 0)


def _open(run, split):
    config = from_plain(Config, read_config(run))
    return open_data(config, split, config.limit)


def _open_test(run, split, limit):
    config = from_plain(Config, read_config(run))
    return open_data(config, split or config.test_split, limit)


def _with_label(config, batch):
    return batch if config.conditional else {"image": batch["image"]}


COMMANDS = draw_commands.commands(load, _open) | pixel_runs.commands(load, _open_test)

if __name__ == "__main__":
    command_line.main("pixelrnn", PRESETS, train, description=__doc__, may_change=("kimg",), **COMMANDS)
