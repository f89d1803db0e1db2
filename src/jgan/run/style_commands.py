"""The commands of an experiment with a style-based generator: those of every generator (`jgan.run.draw_commands`), and those of styles."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from jgan.metrics import paths
from jgan.metrics.perceptual import perceptual_distance
from jgan.metrics.weights import load_weights
from jgan.models import stylegan2
from jgan.run import draw_commands, evaluation
from jgan.run import images as pictures
from jgan.run.draw_commands import OpenData, parse_seeds, save_grid
from jgan.run.styles import Trained

Load = Callable[[Path, int | None], Trained]  # (run, step); a step of None means the best checkpoint


def commands(load: Load, open_data: OpenData) -> dict[str, Callable]:
    """The commands of `jgan.run.draw_commands`, and `interpolate`, `mix` and `path_length`.

    Args:
      load: (run, step) -> Trained.
      open_data: (run, split) -> the images that the run was trained on, or another part of them.
    """
    own = {function.__name__: partial(function, load) for function in (sample, interpolate, mix)}
    return draw_commands.commands(load, open_data) | own | {"path_length": partial(path_length, load, open_data)}


def sample(
    load: Load,
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
    save_grid(out, load(run, step)(parse_seeds(seeds), label, truncation, cutoff), columns)


def interpolate(
    load: Load,
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
    load: Load,
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
    save_grid(out, np.concatenate([top[None], body]).reshape(-1, *trained.shape), fine.shape[0] + 1)


POSITIONS = {"full": paths.full, "end": paths.end}
CROPS = {"whole": paths.whole, "face": paths.face}


def path_length(
    load: Load,
    open_data: OpenData,
    run: tyro.conf.Positional[Path],
    space: Literal["w", "z"] = "w",
    position: Literal["full", "end"] = "end",
    crop: Literal["whole", "face"] = "whole",
    samples: int = 10_000,
    epsilon: float = 1e-4,
    seed: int = 0,
    batch: int = 16,
    trunk: Path | None = None,
    heads: Path | None = None,
    step: int | None = None,
) -> None:
    """Measures the perceptual path length: how abruptly images change along paths between random styles or latents, by LPIPS on VGG16.

    Results are printed and appended to evaluations.jsonl in the folder of the run.

    Args:
        run: The folder of the run.
        space: w: lines between styles; z: arcs between latents.
        position: end: at the ends of the paths; full: anywhere on them.
        crop: face: only the face of aligned portraits; whole: all of the image.
        samples: Paths.
        epsilon: Step along a path of length 1.
        seed: Of the paths.
        batch: Images at a time.
        trunk: File with the weights of VGG16; downloaded once if not given.
        heads: File with the weights of the LPIPS heads; downloaded once if not given.
        step: The checkpoint to use; the best if not given.
    """
    judge = perceptual_distance(load_weights("vgg16", trunk), load_weights("vgg16-lpips", heads))
    distance = jax.jit(judge.apply)
    found = paths.perceptual_path_length(
        jax.random.key(seed),
        distance=lambda a, b: distance(judge.params, a, b),
        n=samples,
        position=POSITIONS[position],
        crop=lambda images: _as_rgb(paths.shrunk(CROPS[crop](images))),
        epsilon=epsilon,
        batch=batch,
        **load(run, step).paths(space),
    )
    settings = {"run": run.name, "step": step, "space": space, "position": position, "crop": crop, "epsilon": epsilon}
    settings |= {"samples": samples, "seed": seed, "truncation": 1.0, "feature_network": judge.protocol}
    results = evaluation.plain_results({"perceptual_path_length": found}, judge.name, open_data(run, None), settings)
    evaluation.keep(run / "evaluations.jsonl", results)


def _as_rgb(images):
    """Float images [N, H, W, 1 or 3], grey ones repeated."""
    return jnp.repeat(images, 3 if images.shape[3] == 1 else 1, axis=3)
