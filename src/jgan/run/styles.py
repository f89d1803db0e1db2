"""What can be done with a trained style-based generator: from Python, and as commands of its experiment."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from jgan.models import stylegan2
from jgan.run import export as exporting
from jgan.run import images as pictures
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
        z = jax.vmap(lambda seed: jax.random.normal(jax.random.key(seed, impl="threefry2x32"), (g.latent_size,)))(seeds)
        labels = seeds % max(1, g.label_size) if label is None else np.full_like(seeds, label)
        if g.label_size and not 0 <= labels.max() < g.label_size:
            raise ValueError(f"expected a label from 0 to {g.label_size - 1}, found {label}")
        w, _ = g.mapping.apply(self.params["mapping"], self.state["mapping"], z, jnp.asarray(labels) if g.label_size else None)
        ws = jnp.repeat(w[:, None], g.layers, axis=1)
        return stylegan2.truncate(ws, self.state["mapping"]["average"]["w"], truncation, cutoff)

    def render(self, ws: Array, batch: int = 16) -> np.ndarray:
        """uint8 images [N, H, W, C] of styles, with the network's constant noise."""
        noise = stylegan2.constant_noise(self.state["synthesis"])
        synthesize = jax.jit(lambda ws: self.generator.synthesis.apply(self.params["synthesis"], self.state["synthesis"], ws, noise)[0])
        padded = jnp.pad(ws, ((0, -len(ws) % batch), (0, 0), (0, 0)))
        images = [np.asarray(synthesize(padded[i : i + batch])) for i in range(0, len(ws), batch)]
        return pictures.to_uint8(np.concatenate(images)[: len(ws)])

    def __call__(self, seeds: Iterable[int], label: int | None = None, truncation: float = 0.7, cutoff: int | None = None) -> np.ndarray:
        """uint8 images [N, H, W, C] of seeds."""
        return self.render(self.styles(seeds, label, truncation, cutoff))


def commands(load: Callable[..., Trained]) -> dict[str, Callable]:
    """The commands `sample`, `interpolate`, `mix` and `export` of an experiment.

    Args:
      load: (run, step) -> Trained, where a step of None means the best checkpoint.
    """

    def sample(
        run: tyro.conf.Positional[Path],
        seeds: str = "0-63",
        truncation: float = 0.7,
        cutoff: int | None = None,
        label: int | None = None,
        columns: int | None = None,
        step: int | None = None,
        out: Path = Path("samples.png"),
    ) -> None:
        """Draws a grid of images.

        Args:
            run: The folder of the run.
            seeds: One image each: numbers and ranges, as 0-63 or 3,14,15-20.
            truncation: 1 for the full variety, towards 0 for more typical images.
            cutoff: Truncate only so many layers, from the lowest; all if not given.
            label: Class number of all images; if not given classes take turns.
            columns: Images per row.
            step: The checkpoint to use; the best if not given.
            out: The PNG file to write.
        """
        images = load(run, step)(parse_seeds(seeds), label, truncation, cutoff)
        pictures.save_png(out, pictures.grid(images, columns))
        print(out)

    def interpolate(
        run: tyro.conf.Positional[Path],
        seeds: str = "0-7",
        truncation: float = 0.7,
        label: int | None = None,
        frames: int = 24,
        fps: float = 12.0,
        step: int | None = None,
        out: Path = Path("interpolation.gif"),
    ) -> None:
        """Makes an animation that walks from style to style and back to the first.

        Args:
            run: The folder of the run.
            seeds: The stations, as 0-7 or 3,14,15.
            truncation: 1 for the full variety, towards 0 for more typical images.
            label: Class number; if not given classes take turns.
            frames: Frames from one station to the next.
            fps: Frames per second.
            step: The checkpoint to use; the best if not given.
            out: The file to write: .gif, .webp or .mp4.
        """
        trained = load(run, step)
        stations = trained.styles(parse_seeds(seeds), label, truncation)
        share = jnp.linspace(0, 1, frames, endpoint=False)[None, :, None, None]
        walk = stations[:, None] + (jnp.roll(stations, -1, axis=0) - stations)[:, None] * share
        pictures.save_animation(out, trained.render(walk.reshape(-1, *stations.shape[1:])), fps)
        print(out)

    def mix(
        run: tyro.conf.Positional[Path],
        rows: str = "0-4",
        columns: str = "5-11",
        layer: int = 4,
        truncation: float = 0.7,
        step: int | None = None,
        out: Path = Path("mixing.png"),
    ) -> None:
        """Draws a style-mixing grid: each image has the coarse styles of its row and the fine styles of its column.

        Args:
            run: The folder of the run.
            rows: Seeds of the first column.
            columns: Seeds of the first row.
            layer: The first layer that takes its style from the column, from 0, the lowest.
            truncation: 1 for the full variety, towards 0 for more typical images.
            step: The checkpoint to use; the best if not given.
            out: The PNG file to write.
        """
        trained = load(run, step)
        coarse, fine = (trained.styles(parse_seeds(seeds), None, truncation) for seeds in (rows, columns))
        first = jnp.full((coarse.shape[0] * fine.shape[0],), layer)
        pairs = jnp.repeat(coarse, fine.shape[0], axis=0), jnp.tile(fine, (coarse.shape[0], 1, 1))
        mixed = trained.render(stylegan2.mix_styles(*pairs, first)).reshape(coarse.shape[0], fine.shape[0], *trained.shape)
        top = np.concatenate([np.full((1, *trained.shape), 255, np.uint8), trained.render(fine)])
        body = np.concatenate([trained.render(coarse)[:, None], mixed], axis=1)
        pictures.save_png(out, pictures.grid(np.concatenate([top[None], body]).reshape(-1, *trained.shape), fine.shape[0] + 1))
        print(out)

    def export(run: tyro.conf.Positional[Path], step: int | None = None, out: Path = Path("generator.jaxexp")) -> None:
        """Writes (z [N, latent_size], truncation [N]) -> images [N, H, W, C] as one file that runs without this code, on CPU, GPU and TPU.

        Args:
            run: The folder of the run.
            step: The checkpoint to use; the best if not given.
            out: The file to write.
        """
        trained = load(run, step)
        g, noise = trained.generator, stylegan2.constant_noise(trained.state["synthesis"])

        def images(z, truncation, label=None):
            w, _ = g.mapping.apply(trained.params["mapping"], trained.state["mapping"], z, label)
            mean = trained.state["mapping"]["average"]["w"][None]
            ws = jnp.repeat((mean + (w - mean) * truncation[:, None])[:, None], g.layers, axis=1)
            return g.synthesis.apply(trained.params["synthesis"], trained.state["synthesis"], ws, noise)[0]

        label = [jax.ShapeDtypeStruct((), jnp.int32)] if g.label_size else []
        exporting.export(images, out, jax.ShapeDtypeStruct((g.latent_size,), jnp.float32), jax.ShapeDtypeStruct((), jnp.float32), *label)
        print(out)

    return {"sample": sample, "interpolate": interpolate, "mix": mix, "export": export}


def parse_seeds(text: str) -> list[int]:
    """
    >>> parse_seeds("3,14-16")
    [3, 14, 15, 16]
    """
    try:
        spans = [[int(n) for n in part.split("-")] for part in text.split(",")]
    except ValueError:
        spans = []
    if not spans or any(len(span) > 2 or span[0] > span[-1] for span in spans):
        raise ValueError(f"expected seeds as 0-63 or 3,14,15-20, found {text!r}")
    return [seed for span in spans for seed in range(span[0], span[-1] + 1)]
