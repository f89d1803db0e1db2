"""Trained generators of noise, from Python, and what a run of one needs from `jgan.run.launch`."""

import functools
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jgan.run import images as pictures
from jgan.types import Array, Key, Network, Params


class Trained(NamedTuple):
    """A trained generator of images without classes: `trained(seeds)` are its images."""

    generator: Network  # z [N, latent_size] -> images [N, H, W, C]
    params: Params
    state: Any
    latent_size: int
    shape: tuple[int, int, int]  # of an image

    def __call__(self, seeds: Iterable[int], truncation: float = 1.0) -> np.ndarray:
        """uint8 images [N, H, W, C] of seeds, with latents scaled by `truncation`."""
        z = truncation * latents(seeds, self.latent_size)
        return pictures.to_uint8(in_batches(functools.partial(_images, self.generator.apply, self.params, self.state), z))

    def sampler(self, labels: np.ndarray | None = None, truncation: float = 1.0, batch: int = 64) -> Callable:
        """key -> {"image": [batch, H, W, C] in [-1, 1]}; there are no classes for `labels` to choose from."""

        def draw(key: Key) -> dict[str, Array]:
            z = truncation * jax.random.normal(key, (batch, self.latent_size))
            return {"image": _images(self.generator.apply, self.params, self.state, z)}

        return draw

    def exportable(self) -> tuple[Callable, tuple[jax.ShapeDtypeStruct, ...]]:
        """(z [N, latent_size], truncation [N]) -> images [N, H, W, C], and the shapes of one example."""

        def images(z, truncation):
            return _images(self.generator.apply, self.params, self.state, z * truncation[:, None])

        return images, tuple(jax.ShapeDtypeStruct(shape, jnp.float32) for shape in ((self.latent_size,), ()))


def latents(seeds: Iterable[int], size: int) -> Array:
    """Standard normal z [N, size], one of each seed, whichever others there are.

    >>> bool((latents([3, 5], 4)[1] == latents([5], 4)[0]).all())
    True
    """
    return jax.vmap(lambda seed: jax.random.normal(jax.random.key(seed, impl="threefry2x32"), (size,)))(np.asarray(list(seeds)))


def in_batches(function: Callable, x: Array, batch: int = 16) -> np.ndarray:
    """function(x) of arrays [N, ...], so many rows at a time, the last ones filled up: one compiled program serves any N.

    >>> in_batches(lambda x: 2 * x, jnp.arange(5), batch=2)
    array([0, 2, 4, 6, 8], dtype=int32)
    """
    padded = jnp.pad(x, ((0, -len(x) % batch), *((0, 0),) * (x.ndim - 1)))
    return np.concatenate([np.asarray(function(padded[i : i + batch])) for i in range(0, len(x), batch)])[: len(x)]


def inputs(seed: int, latent_size: int, followed: int = 64, scored: int = 128) -> dict[str, Any]:
    """The arguments `inputs` and `draw_inputs` of `jgan.run.launch.launch` for a `Training.sample` that takes {"z": [N, latent_size]}.

    Args:
      seed: of the images that are followed through time.
      latent_size: of z.
      followed: number of these images.
      scored: images per draw for the score.

    >>> arguments = inputs(seed=0, latent_size=5)
    >>> arguments["inputs"]["z"].shape, arguments["draw_inputs"](jax.random.key(0))["z"].shape
    ((64, 5), (128, 5))
    """

    def draw(key, n):
        return {"z": np.asarray(jax.random.normal(key, (n, latent_size)))}

    fixed = draw(jax.random.key(seed, impl="threefry2x32"), followed)
    return {"inputs": fixed, "draw_inputs": functools.partial(draw, n=scored)}


@functools.partial(jax.jit, static_argnums=0)
def _images(apply, params, state, z):
    return apply(params, state, z)[0]
