"""Diffusion-GAN: the discriminator sees reals and fakes with noise, up to a step of a diffusion that follows how well it knows the reals.

Wang, Zheng, He, Chen, Zhou 2022, "Diffusion-GAN: Training GANs with Diffusion" (https://arxiv.org/abs/2206.02262). The discriminator is
not told the step: the paper finds no difference.
"""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jgan.checks import floating_images
from jgan.ops.random import normal
from jgan.types import Array, Key

SHORTEST, LONGEST = 10, 1000  # steps of the diffusion at strengths 0 and 1
KEPT = np.concatenate([[1.0], np.cumprod(1 - np.linspace(1e-4, 2e-2, LONGEST))]).astype(np.float32)  # variance of the image after t steps

Chances = Literal["priority", "uniform"]


class Noising(NamedTuple):
    """What is done to each of N images."""

    scale: Array  # [N], of the image: sqrt(kept)
    noise: Array  # [N, H, W, C], that is added: sqrt(1 - kept) sigma eps


def draw_steps(key: Key, n: int, strength: Array, chances: Chances = "priority") -> Array:
    """Draws `n` steps t [N], int32: 0 for half of the images, otherwise 1 to T = 10 + 990 strength.

    The chance of t is in proportion to t (`priority`), or the same for all (`uniform`). The paper draws a table of 64 steps, half of them
    zeros, in which images look theirs up; here every image draws for itself.

    >>> draw_steps(jax.random.key(0), 4, 0.0).shape, int(draw_steps(jax.random.key(0), 100, 0.0).max())
    ((4,), 10)
    """
    draw_key, choice_key = jax.random.split(key)
    length = jnp.round(SHORTEST + jnp.asarray(strength, jnp.float32) * (LONGEST - SHORTEST))
    share = 1 - jax.random.uniform(draw_key, (n,))  # in (0, 1]: of the chances, those up to t
    if chances == "priority":
        t = (jnp.sqrt(1 + 4 * share * length * (length + 1)) - 1) / 2  # t (t + 1) = share T (T + 1)
    else:
        t = share * length
    t = jnp.clip(jnp.ceil(t), 1, length).astype(jnp.int32)
    return jnp.where(jax.random.bernoulli(choice_key, 0.5, (n,)), t, 0)


def draw_noising(key: Key, shape: tuple[int, ...], strength: Array, *, sigma: float = 0.05, chances: Chances = "priority") -> Noising:
    """Draws the step and the noise of images of `shape` [N, H, W, C] in [-1, 1]; `sigma` is the deviation of the noise at the end."""
    steps_key, noise_key = jax.random.split(key)
    kept = jnp.asarray(KEPT)[draw_steps(steps_key, shape[0], strength, chances)]
    return Noising(jnp.sqrt(kept), sigma * jnp.sqrt(1 - kept)[:, None, None, None] * normal(noise_key, shape))


def apply_noising(images: Array, noising: Noising) -> Array:
    """Computes x_t = sqrt(kept_t) x + sqrt(1 - kept_t) sigma eps of images [N, H, W, C], through which gradients flow.

    Raises ValueError unless the images are floats.
    """
    floating_images(images)
    scale = noising.scale[:, None, None, None].astype(images.dtype)
    return scale * images + noising.noise.astype(images.dtype)


def diffusion(key: Key, images: Array, strength: Array, *, sigma: float = 0.05, chances: Chances = "priority") -> Array:
    """Draws and applies noise: images [N, H, W, C] in [-1, 1], half of them as they are, the others after up to 10 + 990 strength steps.

    Args:
      key: of the draws.
      images: real or generated, floats (ValueError otherwise).
      strength: p in [0, 1], such as `adaptive_strength` finds it.
      sigma: deviation of the noise after all steps; 0.05 in the paper with StyleGAN2, 0.5 with Projected GAN.
      chances: of the steps, see `draw_steps`.

    >>> images = jnp.ones((2, 8, 8, 3))
    >>> bool(jnp.allclose(diffusion(jax.random.key(0), images, 0.0), images, atol=0.02))
    True
    """
    return apply_noising(images, draw_noising(key, images.shape, strength, sigma=sigma, chances=chances))
