"""StyleGAN, the first: styles at every layer of networks that grow.

Paper: Karras et al. 2018, https://arxiv.org/abs/1812.04948
"""

import dataclasses
from functools import partial
from typing import Literal

import optax

from jgan import commands, losses, outputs, penalties
from jgan.evaluation.score import image_score
from jgan.models import progan, stylegan1
from jgan.models.stylegan2 import Plan, plan, truncate
from jgan.ops.resample import BINOMIAL
from jgan.ranges import Layers, Share, ShareBelowOne, Size, Weight
from jgan.run.sampling import latent_inputs
from jgan.run.system import Sampling, Styles, System
from jgan.systems._growing import GrowingSettings, growing, learning_rate, open_data, wasserstein
from jgan.training import alternating
from jgan.types import Spec, Stage, Training

COARSE = 32  # pixels a side up to which layers are truncated


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(GrowingSettings):
    """What a run is made of."""

    style_size: Size = 512
    """Numbers in w."""
    mapping_layers: Layers = 8
    """Layers of the mapping network."""
    style_mixing: Share = 0.9
    """Share of the images made from two latents."""
    style_decay: ShareBelowOne = 0.995
    """Of the running average of w, per batch."""
    loss: Literal["r1", "wasserstein"] = "r1"
    """r1: non-saturating with R1, as for the faces of FFHQ in the paper; wasserstein: the loss of ProGAN, as for CelebA-HQ."""
    r1_weight: Weight = 10.0
    """Gamma: the weight of R1 is half of it."""


_SMALL = Config(
    kimg=60,
    batch=4,
    fade_kimg=10,
    stable_kimg=10,
    channel_base=1024,
    channel_max=64,
    latent_size=64,
    style_size=64,
    mapping_layers=4,
    loss="wasserstein",
    average_kimg=2.5,
    sample_kimg=10,
    score_kimg=10,
    checkpoint_kimg=10,
)
PRESETS = {
    "shapes": _SMALL,
    "flowers64": Config(
        data="tfds:tf_flowers",
        resolution=64,
        kimg=1_200,
        fade_kimg=100,
        stable_kimg=100,
        batch=32,
        channel_base=8192,
        channel_max=256,
        latent_size=256,
        style_size=256,
        sample_kimg=100,
        score_kimg=100,
        checkpoint_kimg=100,
        record_kimg=4,
    ),
}


def build(config: Config, spec: Spec) -> list[Stage]:
    """Returns the stages of a run, each of alternating steps with the non-saturating loss, R1 and Adam."""
    return growing(config, spec, partial(train, config, spec))


def train(config: Config, spec: Spec, levels: Plan, fades: bool) -> Training:
    """Returns the training of a stage; its samples are truncated in the coarse layers, and have their styles beside them."""
    adam = optax.adam(learning_rate(config, levels.sizes[-1]), b1=0.0, b2=0.99)
    g = stylegan1.generator(
        levels,
        spec.image_shape[2],
        fades,
        style_size=config.style_size,
        mapping_layers=config.mapping_layers,
        average_decay=config.style_decay,
    )
    loss, terms = (
        wasserstein()
        if config.loss == "wasserstein"
        else (losses.non_saturating(), [penalties.on_real(penalties.r1, config.r1_weight / 2)])
    )
    coarse = 2 * sum(min(size) <= COARSE for size in levels.sizes)

    def sample(state, key, inputs):
        network, ws = state.generator.state, inputs.get("ws")
        if ws is None:
            ws, _ = stylegan1.styles(g, state.average, network, inputs["z"])
            ws = truncate(ws, network["mapping"]["average"]["w"], inputs["truncation"], inputs.get("cutoff", coarse))
        return {"image": stylegan1.synthesise(g, state.average, network, ws, inputs["alpha"], key), "ws": ws}

    training = alternating(
        stylegan1.mixing(g, config.style_mixing),
        progan.discriminator(levels, fades, BINOMIAL),
        loss,
        adam,
        adam,
        latent_size=config.latent_size,
        condition="alpha",
        penalties=terms,
        half_life=1000 * config.average_kimg,
        microbatches=config.microbatches,
    )
    return training._replace(sample=sample)


def sampling(config: Config, spec: Spec) -> Sampling:
    """Describes what `sample` takes and gives: latents, or styles `ws` [N, layers, style_size], in; images and their styles out. Without a
    key the noise is constant.
    """
    levels = plan(spec.image_shape[:2])
    return Sampling(
        latent_inputs(config.latent_size),
        {"image": outputs.image()},
        optional=("ws", "cutoff"),
        preferred={"truncation": 0.7},
        styles=Styles(
            tuple(f"average/synthesis/{'/'.join(layer)}/scale/kernel" for layer in stylegan1.style_layers(levels)),
            tuple(f"generator/state/synthesis/noise/constant/{level}" for level in range(len(levels.sizes))),
            "average/synthesis/",
        ),
    )


SYSTEM = System("stylegan1", Config, PRESETS, open_data, build, sampling, image_score, commands=commands.STYLES, description=__doc__ or "")
