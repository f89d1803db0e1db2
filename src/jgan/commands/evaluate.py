"""jgan evaluate RUN, of a generator of images"""

from pathlib import Path

import tyro

from jgan.commands.seeds import parse_seeds
from jgan.data.content import prepared
from jgan.evaluation import results
from jgan.ranges import Count, CountOrZero, Several, Truncation
from jgan.run.system import System
from jgan.run.trained import load


def evaluate(
    system: System,
    run: tyro.conf.Positional[Path],
    metrics: str = "frechet_distance,prdc",
    features: results.Space = "classifier",
    weights: Path | None = None,
    samples: Several = 5_000,
    real_samples: Several = 10_000,
    seeds: str = "0",
    truncation: Truncation | None = None,
    split: str | None = None,
    batch: Count = 64,
    step: CountOrZero | None = None,
) -> None:
    """Measures a generator, and adds the results with all that they depend on to evaluations.jsonl in the folder of the run.

    Args:
        run: The folder of the run.
        metrics: Some of frechet_distance, intra_class_frechet, kernel_distance, kernel_distance_subsets, prdc, classes,
            inception_score, sliced_wasserstein, ms_ssim.
        features: classifier: the one of the run's score; inception: of the FID; squeezenet: trained on photos.
        weights: File with the weights of Inception or SqueezeNet; downloaded once if not given.
        samples: Generated images.
        real_samples: Largest number of real images.
        seeds: Seeds of the generated images, as 0-4; with several the mean and the standard deviation are given.
        truncation: 1 for the full variety, as it is if not given, towards 0 for more typical images.
        split: Part of the data to compare with; the training part if not given.
        batch: Images per evaluation of the networks.
        step: The checkpoint to use; the best if not given.
    """
    chosen, numbers = results.chosen_metrics(metrics.split(",")), parse_seeds(seeds)
    trained = load(run, step, system)
    source = prepared(trained.open_data(split))
    results.check_counts(chosen, min(real_samples, source.size), samples)
    network = results.feature_space(features, source if split is None else trained.open_data(), run / "features", weights)
    found = results.evaluate_generator(
        lambda seed: trained.draw(source, samples, seed=seed, batch=batch, truncation=truncation),
        source,
        chosen,
        network,
        samples=samples,
        seeds=numbers,
        real_samples=real_samples,
        batch=batch,
        cache=run / "features",
        protocol={"run": run.name, "step": trained.about["step"], "truncation": truncation, "split": split or "as trained"},
    )
    results.keep(run / "evaluations.jsonl", found)
