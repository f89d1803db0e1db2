"""Augmentations of the discriminator's images: pure functions (key, images, strength) -> images, differentiable, part of the step.

The single transformations are in their modules: `adaptive.hue`, `differentiable.cutout` and so on.
"""

from jgan.augment.adaptive import (
    BGC,
    BGCFNC,
    BLIT,
    COLOUR,
    CORRUPTION,
    FILTER,
    GEOMETRY,
    Transforms,
    ada,
    ada_update,
    apply_transforms,
    draw_transforms,
    transforms_from_draws,
)
from jgan.augment.adaptive_pseudo import pseudo, pseudo_update
from jgan.augment.classic import random_affine, random_colour
from jgan.augment.differentiable import diffaugment
from jgan.augment.diffusion import apply_noising, diffusion, draw_noising
from jgan.augment.simple import flip, symmetry
from jgan.augment.steered import adaptive_strength

__all__ = [
    "BGC",
    "BGCFNC",
    "BLIT",
    "COLOUR",
    "CORRUPTION",
    "FILTER",
    "GEOMETRY",
    "Transforms",
    "ada",
    "ada_update",
    "adaptive_strength",
    "apply_noising",
    "apply_transforms",
    "diffaugment",
    "diffusion",
    "draw_noising",
    "draw_transforms",
    "flip",
    "pseudo",
    "pseudo_update",
    "random_affine",
    "random_colour",
    "symmetry",
    "transforms_from_draws",
]
