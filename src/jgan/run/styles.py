"""A trained style-based generator, from Python."""

import functools
from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jgan.metrics.paths import lerp, slerp
from jgan.models import stylegan2
from jgan.run import images as pictures
from jgan.run.noise import in_batches, latents
from jgan.types import Array, Params


class Trained(NamedTuple):
    """A trained generator: `trained(seeds)` are its images."""

    generator: stylegan2.Generator
    params: Params
    state: Any  # average of w, constant noise
    shape: tuple[int, int, int]  # of an image
    classes: tuple[str, ...]

    def styles(self, seeds: Iterable[int], label: int | None = None, truncation: float = 1.0, cutoff: int | None = None) -> Array:
        """Styles [N, layers, style_size] of seeds, one latent each; `label` is a class number, by default that of seed modulo classes."""
        seeds, g = np.asarray(list(seeds)), self.generator
        labels = seeds % max(1, g.label_size) if label is None else np.full_like(seeds, label)
        if g.label_size and not 0 <= labels.max() < g.label_size:
            raise ValueError(f"expected a label from 0 to {g.label_size - 1}, found {label}")
        z, label = latents(seeds, g.latent_size), jnp.asarray(labels) if g.label_size else None
        return _styles(g, self.params, self.state, z, label, float(truncation), g.layers if cutoff is None else cutoff)

    def render(self, ws: Array, batch: int = 16) -> np.ndarray:
        """uint8 images [N, H, W, C] of styles, with the network's constant noise."""
        synthesis = self.generator.synthesis.apply, self.params["synthesis"], self.state["synthesis"]
        return pictures.to_uint8(in_batches(functools.partial(_synthesize, *synthesis), ws, batch))

    def sampler(self, labels: np.ndarray | None, truncation: float = 1.0, batch: int = 64) -> Callable:
        """key -> {"image": [batch, H, W, C] in [-1, 1]}, with noise of its own for every image, and {"label": int32 [batch]}, drawn from
        `labels`, if the generator is conditional."""
        labels = jnp.asarray(labels, jnp.int32) if self.generator.label_size else None
        return lambda key: _draw(self.generator, batch, self.params, self.state, labels, float(truncation), key)

    def paths(self, space: Literal["w", "z"]) -> dict[str, Callable]:
        """The arguments `generate`, `draw` and `interpolate` of `jgan.metrics.paths.path_distances`, in the space of styles or of latents:
        without truncation, with the network's constant noise; of a conditional generator classes take turns."""
        g = self.generator

        def latents_of(key, count):
            return jax.random.normal(key, (count, g.latent_size))

        @jax.jit
        def mapped(z):
            label = jnp.arange(len(z), dtype=jnp.int32) % g.label_size if g.label_size else None
            return g.mapping.apply(self.params["mapping"], self.state["mapping"], z, label)[0]

        def images(w):
            ws = jnp.repeat(w[:, None], g.layers, axis=1)
            return _synthesize(g.synthesis.apply, self.params["synthesis"], self.state["synthesis"], ws)

        if space == "z":
            return {"generate": lambda z: images(mapped(z)), "draw": latents_of, "interpolate": slerp}
        return {"generate": images, "draw": lambda key, count: mapped(latents_of(key, count)), "interpolate": lerp}

    def exportable(self) -> tuple[Callable, tuple[jax.ShapeDtypeStruct, ...]]:
        """(z [N, latent_size], truncation [N], label [N] if the generator is conditional) -> images [N, H, W, C], with the network's
        constant noise; and the shapes of one example."""
        g, noise = self.generator, stylegan2.constant_noise(self.state["synthesis"])

        def images(z, truncation, label=None):
            w, _ = g.mapping.apply(self.params["mapping"], self.state["mapping"], z, label)
            mean = self.state["mapping"]["average"]["w"][None]
            ws = jnp.repeat((mean + (w - mean) * truncation[:, None])[:, None], g.layers, axis=1)
            return g.synthesis.apply(self.params["synthesis"], self.state["synthesis"], ws, noise)[0]

        label = [jax.ShapeDtypeStruct((), jnp.int32)] if g.label_size else []
        return images, (jax.ShapeDtypeStruct((g.latent_size,), jnp.float32), jax.ShapeDtypeStruct((), jnp.float32), *label)

    def __call__(self, seeds: Iterable[int], label: int | None = None, truncation: float = 0.7, cutoff: int | None = None) -> np.ndarray:
        """uint8 images [N, H, W, C] of seeds."""
        return self.render(self.styles(seeds, label, truncation, cutoff))


def inputs(
    seed: int, latent_size: int, labels: np.ndarray | None = None, classes: int = 0, followed: int = 64, scored: int = 128
) -> dict[str, Any]:
    """The arguments `inputs` and `draw_inputs` of `jgan.run.launch.launch` for a `Training.sample` that takes {"z": [N, latent_size],
    "truncation": scalar} and, of a conditional generator, {"label": [N]}.

    Args:
      seed: of the images that are followed through time, whose classes take turns.
      latent_size: of z.
      labels: int [M] of the data, from which those of the scored images are drawn; None: unconditional.
      classes: their number.
      followed: number of the images that are followed.
      scored: images per draw for the score.

    >>> arguments = inputs(0, 5, np.array([0, 2]), classes=3, followed=4)
    >>> arguments["inputs"]["label"].tolist(), arguments["draw_inputs"](jax.random.key(0))["z"].shape
    ([0, 1, 2, 0], (128, 5))
    """

    def given(z, label):
        return {"z": np.asarray(z), "truncation": np.float32(1.0)} | ({} if labels is None else {"label": np.asarray(label)})

    def draw(key):
        key_z, key_label = jax.random.split(key)
        label = None if labels is None else jax.random.choice(key_label, jnp.asarray(labels), (scored,))
        return given(jax.random.normal(key_z, (scored, latent_size)), label)

    z = jax.random.normal(jax.random.key(seed, impl="threefry2x32"), (followed, latent_size))
    return {"inputs": given(z, np.arange(followed, dtype=np.int32) % max(1, classes)), "draw_inputs": draw}


@functools.partial(jax.jit, static_argnums=0)
def _synthesize(apply, params, state, ws):
    return apply(params, state, ws, stylegan2.constant_noise(state))[0]


@functools.partial(jax.jit, static_argnums=0)
def _styles(g, params, state, z, label, truncation, cutoff):
    w, _ = g.mapping.apply(params["mapping"], state["mapping"], z, label)
    return stylegan2.truncate(jnp.repeat(w[:, None], g.layers, axis=1), state["mapping"]["average"]["w"], truncation, cutoff)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _draw(g, batch, params, state, labels, truncation, key):
    keys = jax.random.split(key, 3)
    label = None if labels is None else jax.random.choice(keys[1], labels, (batch,))
    ws = _styles(g, params, state, jax.random.normal(keys[0], (batch, g.latent_size)), label, truncation, g.layers)
    image = g.synthesis.apply(params["synthesis"], state["synthesis"], ws, stylegan2.draw_noise(keys[2], batch, g.plan))[0]
    return {"image": image} if label is None else {"image": image, "label": label}
