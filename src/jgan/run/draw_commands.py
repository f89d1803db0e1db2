"""The commands of an experiment with a generator of noise; each is given the experiment's `load`: (run, step) -> what was trained, where a
step of None means the best checkpoint."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tyro

from jgan.data import Source
from jgan.run import evaluation
from jgan.run import export as exporting
from jgan.run import images as pictures
from jgan.run.features import classification_accuracy_score as accuracy_score
from jgan.run.features import sampler_of


class Drawn(Protocol):
    """What was trained, as the commands take it; `jgan.run.noise.Trained` and `jgan.run.styles.Trained` are such."""

    def __call__(self, seeds: Iterable[int], *, truncation: float) -> np.ndarray: ...  # uint8 [N, H, W, C]

    # -> key -> {"image": [batch, H, W, C] in [-1, 1]} and, with classes, {"label": int32 [batch]}
    def sampler(self, labels: np.ndarray | None, truncation: float, batch: int) -> Callable: ...

    def exportable(self) -> tuple[Callable, tuple[Any, ...]]: ...  # a function of batches, and the shapes of one example of its arguments


Load = Callable[[Path, int | None], Drawn]
OpenData = Callable[[Path, str | None], Source]


def commands(load: Load, open_data: OpenData) -> dict[str, Callable]:
    """The commands `sample`, `export`, `evaluate`, `accuracy` and `neighbours` of an experiment.

    Args:
      load: (run, step) -> what was trained.
      open_data: (run, split) -> the images that the run was trained on, or another part of them.
    """
    bound = {function.__name__: partial(function, load) for function in (sample, export)}
    return bound | {function.__name__: partial(function, load, open_data) for function in (evaluate, accuracy, neighbours)}


def sample(
    load: Load,
    run: tyro.conf.Positional[Path],
    seeds: str = "0-63",
    truncation: float = 1.0,
    columns: int | None = None,
    step: int | None = None,
    out: Path = Path("samples.png"),
) -> None:
    """Draws a grid of images.

    Args:
        run: The folder of the run.
        seeds: One image each: numbers and ranges, as 0-63 or 3,14,15-20.
        truncation: 1 for the full variety, towards 0 for more typical images.
        columns: Images per row.
        step: The checkpoint to use; the best if not given.
        out: The PNG file to write.
    """
    save_grid(out, load(run, step)(parse_seeds(seeds), truncation=truncation), columns)


def export(load: Load, run: tyro.conf.Positional[Path], step: int | None = None, out: Path = Path("generator.jaxexp")) -> None:
    """Writes (z [N, latent_size], truncation [N]) -> images [N, H, W, C] as one file that runs without this code, on CPU, GPU and TPU.

    Args:
        run: The folder of the run.
        step: The checkpoint to use; the best if not given.
        out: The file to write.
    """
    function, shapes = load(run, step).exportable()
    exporting.export(function, out, *shapes)
    print(out)


def evaluate(
    load: Load,
    open_data: OpenData,
    run: tyro.conf.Positional[Path],
    metrics: str = "frechet_distance,prdc",
    features: evaluation.Space = "classifier",
    weights: Path | None = None,
    samples: int = 5_000,
    real_samples: int = 10_000,
    seeds: str = "0",
    truncation: float = 1.0,
    split: str | None = None,
    batch: int = 64,
    step: int | None = None,
) -> None:
    """Measures a generator, and adds the results with all that they depend on to evaluations.jsonl in the folder of the run.

    Args:
        run: The folder of the run.
        metrics: Some of frechet_distance, intra_class_frechet, kernel_distance, kernel_distance_subsets, prdc, classes,
            inception_score, sliced_wasserstein, ms_ssim.
        features: classifier: the one of the run's own score; inception: of the FID.
        weights: File with Inception's weights; downloaded once if not given.
        samples: Generated images.
        real_samples: At most so many real images.
        seeds: Seeds of the generated images, as 0-4; with several the mean and the standard deviation are given.
        truncation: 1 for the full variety, towards 0 for more typical images.
        split: Part of the data to compare with; that of the training if not given.
        batch: Images per evaluation of the networks.
        step: The checkpoint to use; the best if not given.
    """
    chosen, numbers = evaluation.chosen_metrics(metrics.split(",")), parse_seeds(seeds)
    trained, source = load(run, step), open_data(run, split)
    network = evaluation.feature_space(features, open_data(run, None), run / "features", weights)
    found = evaluation.evaluate_generator(
        trained.sampler(source.labels, truncation, batch),
        source,
        chosen,
        network,
        samples=samples,
        seeds=numbers,
        real_samples=real_samples,
        batch=batch,
        cache=run / "features",
        protocol={"run": run.name, "step": step, "truncation": truncation, "split": split or "as trained"},
    )
    evaluation.keep(run / "evaluations.jsonl", found)


def accuracy(
    load: Load,
    open_data: OpenData,
    run: tyro.conf.Positional[Path],
    samples: int = 10_000,
    seed: int = 0,
    truncation: float = 1.0,
    split: str = "test",
    step: int | None = None,
) -> None:
    """Classification accuracy score: what share of real images is named rightly by a classifier that learns from generated ones only.

    The same of a classifier that learns from real images stands beside it. Results are printed and appended to evaluations.jsonl in the
    folder of the run.

    Args:
        run: The folder of the run.
        samples: Generated images, and real ones, to learn from.
        seed: Of the generated images and the classifiers.
        truncation: 1 for the full variety, towards 0 for more typical images.
        split: Part of the data to test on.
        step: The checkpoint to use; the best if not given.
    """
    source, test = open_data(run, None), open_data(run, split)
    settings = {"samples": samples, "seed": seed, "truncation": truncation, "step": step, "tested_on": split}
    samplers = {"": load(run, step).sampler(source.labels, truncation, 64), "_of_real": sampler_of(source)}
    found = {f"classification_accuracy{name}": accuracy_score(draw, test, n=samples, seed=seed) for name, draw in samplers.items()}
    evaluation.keep(run / "evaluations.jsonl", evaluation.plain_results(found, "a classifier", test, {"run": run.name, **settings}))


def neighbours(
    load: Load,
    open_data: OpenData,
    run: tyro.conf.Positional[Path],
    seeds: str = "0-7",
    count: int = 7,
    truncation: float = 1.0,
    features: evaluation.Space = "classifier",
    weights: Path | None = None,
    step: int | None = None,
    out: Path = Path("neighbours.png"),
) -> None:
    """Draws images, each followed by the training images nearest to it in the features: a generator that copies is found out.

    Args:
        run: The folder of the run.
        seeds: One image each, as 0-7 or 3,14,15.
        count: Training images beside each.
        truncation: 1 for the full variety, towards 0 for more typical images.
        features: classifier: the one of the run's own score; inception: of the FID.
        weights: File with Inception's weights; downloaded once if not given.
        step: The checkpoint to use; the best if not given.
        out: The PNG file to write.
    """
    trained, source = load(run, step), open_data(run, None)
    images = trained(parse_seeds(seeds), truncation=truncation)
    found = evaluation.nearest_images(images, source, evaluation.feature_space(features, source, run / "features", weights), count)
    rows = np.concatenate([images[:, None], found], axis=1)
    save_grid(out, rows.reshape(-1, *images.shape[1:]), count + 1)


def save_grid(out: Path, images: np.ndarray, columns: int | None = None) -> None:
    """Saves images side by side as a PNG, and says where."""
    pictures.save_png(out, pictures.grid(images, columns))
    print(out)


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
