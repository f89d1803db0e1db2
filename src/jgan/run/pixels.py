"""Trained pixel networks (`jgan.models.pixels`), from Python and from the command line, and their likelihood as the score of a run."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jgan.data import Source
from jgan.metrics.likelihood import bits_per_dimension
from jgan.models import pixels
from jgan.run import draw_commands, evaluation
from jgan.run import images as pictures
from jgan.run.circumstances import circumstances
from jgan.run.noise import in_batches
from jgan.run.score import Score
from jgan.types import Array, Params


class Trained(NamedTuple):
    """A trained model: `trained(seeds)` are images drawn from it."""

    network: Any
    params: Params
    levels: int
    shape: tuple[int, int, int]  # of an image
    classes: int  # 0: unconditional

    def __call__(self, seeds: Iterable[int], label: int | None = None, truncation: float = 1.0) -> np.ndarray:
        """uint8 images [N, H, W, C] of seeds; truncation is the temperature, label by default that of seed modulo classes."""
        seeds = np.asarray(list(seeds))
        labels = seeds % max(1, self.classes) if label is None else np.full_like(seeds, label)

        def some(rows):
            return self._draw(uniforms(seeds[rows], self.shape), label=self._label(labels, rows), temperature=jnp.float32(truncation))

        return pictures.to_uint8(in_batches(some, jnp.arange(len(seeds)), 64))

    def complete(self, images: np.ndarray, known: np.ndarray, seed: int = 0, labels: np.ndarray | None = None) -> np.ndarray:
        """uint8 images [N, H, W, C] as the given ones where `known` [H, W] says so, and drawn elsewhere."""
        given = pixels.scale(pixels.quantise(jnp.asarray(images), self.levels), self.levels)
        numbers = uniforms(seed + np.arange(len(images)), self.shape)
        return pictures.to_uint8(self._draw(numbers, label=self._label(labels), given=given, known=jnp.asarray(known)))

    def nats(self, images: np.ndarray, labels: np.ndarray | None = None, batch: int = 64) -> np.ndarray:
        """-log p [N], in nats, of uint8 images [N, H, W, C]."""
        likelihood = jax.jit(partial(pixels.nats, self.network, self.levels))
        return in_batches(lambda rows: likelihood(self.params, images[rows], self._label(labels, rows)), jnp.arange(len(images)), batch)

    def sampler(self, labels: np.ndarray | None = None, truncation: float = 1.0, batch: int = 64) -> Callable:
        """key -> {"image": [batch, H, W, C] in [-1, 1]}, and {"label": int32 [batch]}, drawn from `labels`, if it is conditional."""

        def draw(key):
            key_uniforms, key_label = jax.random.split(key)
            label = {"label": jax.random.choice(key_label, jnp.asarray(labels, jnp.int32), (batch,))} if self.classes else {}
            numbers = jax.random.uniform(key_uniforms, (batch, *self.shape))
            return {"image": self._draw(numbers, temperature=jnp.float32(truncation), **label), **label}

        return draw

    def exportable(self) -> tuple[Callable, tuple[jax.ShapeDtypeStruct, ...]]:
        """(uniforms [N, H, W, C], temperature [N] and label [N] if it is conditional) -> images [N, H, W, C], and shapes of one example."""

        def images(numbers, temperature, label=None):
            return self._draw(numbers, label=label, temperature=temperature)

        shapes = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in (self.shape, ())]
        return images, (*shapes, *([jax.ShapeDtypeStruct((), jnp.int32)] if self.classes else []))

    def _draw(self, numbers, **others):
        return _drawn(self.network, self.levels, self.params, numbers, others)

    def _label(self, labels, rows=slice(None)):
        return jnp.asarray(labels[rows], jnp.int32) if self.classes else None


Load = Callable[[Path, int | None], Trained]
OpenData = Callable[[Path, str | None, int | None], Source]


def uniforms(seeds: np.ndarray, shape: tuple[int, int, int]) -> Array:
    """Uniform numbers [N, H, W, C], those of a seed whichever others there are.

    >>> bool((uniforms(np.asarray([3, 5]), (4, 4, 1))[1] == uniforms(np.asarray([5]), (4, 4, 1))[0]).all())
    True
    """
    return jax.vmap(lambda seed: jax.random.uniform(jax.random.key(seed, impl="threefry2x32"), shape))(np.asarray(seeds))


def likelihood_score(
    network: Any,
    levels: int,
    source: Source,
    split: str,
    params: Callable[[Any], Params],
    *,
    conditional: bool,
    batch: int,
    mesh: Mesh,
) -> Score:
    """Mean -log p of the images of a source, in nats, and the same as bits per dimension; `compute` takes the state of the run.

    Args:
      network, levels: the model.
      source: held-out images, all of which are scored.
      split: its name.
      params: state of the run -> parameters.
      conditional: whether the network is given their labels.
      batch: images per evaluation, over all devices of the mesh.
      mesh: over which they are spread.
    """
    name = f"score/nats/{split}"
    protocol = {"metric": "nats per image", "levels": levels, "images": source.size, "split": split, **evaluation.describe(source)}
    images, labels = read(source)
    spread, whole = (NamedSharding(mesh, PartitionSpec(*axes)) for axes in (("data",), ()))

    @partial(jax.jit, out_shardings=whole)
    def likelihood(params, image, label):
        return pixels.nats(network, levels, params, jax.lax.with_sharding_constraint(image, spread), label)

    def compute(state: Any) -> dict[str, float]:
        def some(rows):
            return likelihood(params(state), images[rows], labels[rows] if conditional else None)

        mean = float(np.mean(in_batches(some, np.arange(len(images)), batch), dtype=np.float64))
        return {name: mean, f"bits_per_dimension/{split}": float(bits_per_dimension(mean, source.shape))}

    return Score(name, protocol, compute)


def commands(load: Load, open_data: OpenData) -> dict[str, Callable]:
    """The commands `complete` and `likelihood` of an experiment.

    Args:
      load: (run, step) -> what was trained; a step of None means the best checkpoint.
      open_data: (run, split, limit) -> held-out images, or another part of the data, at most so many.
    """
    return {function.__name__: partial(function, load, open_data) for function in (complete, likelihood)}


def complete(
    load: Load,
    open_data: OpenData,
    run: tyro.conf.Positional[Path],
    count: int = 10,
    completions: int = 3,
    keep: float = 0.5,
    split: str | None = None,
    seed: int = 0,
    step: int | None = None,
    out: Path = Path("completions.png"),
) -> None:
    """Draws the lower part of images anew: a row of occluded images, rows of completions, and a row of the originals.

    Args:
        run: The folder of the run.
        count: Images.
        completions: Of each image.
        keep: Share of the height that is known, from the top.
        split: Part of the data to take them from; that of the score if not given.
        seed: Of what is drawn.
        step: The checkpoint to use; the best if not given.
        out: The PNG file to write.
    """
    trained = load(run, step)
    images, labels = read(open_data(run, split, count))
    known = np.broadcast_to(np.arange(images.shape[1])[:, None] < round(keep * images.shape[1]), images.shape[1:3])
    rows = [trained.complete(images, known, seed + i * len(images), labels) for i in range(completions)]
    originals = pictures.to_uint8(pixels.scale(pixels.quantise(jnp.asarray(images), trained.levels), trained.levels))
    occluded = np.where(known[None, :, :, None], originals, np.uint8(128))
    draw_commands.save_grid(out, np.concatenate([occluded, *rows, originals]), len(images))


def likelihood(
    load: Load,
    open_data: OpenData,
    run: tyro.conf.Positional[Path],
    split: str | None = None,
    limit: int | None = None,
    batch: int = 64,
    step: int | None = None,
) -> None:
    """Measures -log p in nats per image and bits per dimension, and adds both to evaluations.jsonl in the folder of the run.

    Args:
        run: The folder of the run.
        split: Part of the data; that of the score if not given.
        limit: At most so many images.
        batch: Images per evaluation of the network.
        step: The checkpoint to use; the best if not given.
    """
    trained, source = load(run, step), open_data(run, split, limit)
    found = trained.nats(*read(source), batch).astype(np.float64)
    about = {"features": f"{trained.levels} levels", "images": len(found), "split": split or "of the score", "run": run.name, "step": step}
    about |= evaluation.describe(source) | circumstances()
    both = {"nats": found, "bits_per_dimension": bits_per_dimension(found, source.shape)}
    results = [{"metric": n, "value": float(x.mean()), "std_over_images": float(x.std()), **about} for n, x in both.items()]
    evaluation.keep(run / "evaluations.jsonl", results)


def read(source: Source) -> tuple[np.ndarray, np.ndarray | None]:
    """The images of a source, uint8 [N, H, W, C], and its labels [N] if it has any."""
    return np.stack([source.read(i) for i in range(source.size)]), source.labels


@partial(jax.jit, static_argnums=(0, 1))
def _drawn(network, levels, params, numbers, others):
    return pixels.draw(network, params, numbers, levels, **others)
