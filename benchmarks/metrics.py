"""How fast are the metrics, and how much memory do they take, next to other programs on the same numbers?

    python benchmarks/metrics.py
    python benchmarks/metrics.py --subjects prdc --full

prints one line of JSON per subject and size. Features are random, so the figures do not depend on a weight file. The others are
the published packages torch-fidelity and prdc; where one cannot be imported the line says that it is absent.

frechet     seconds for the Fréchet distance of two Gaussians of 2048 dimensions, from their moments; by `ours`, and by torch-fidelity
kernel      seconds for the kernel distance over 100 subsets of 1000 of 5000 features of 2048 dimensions; the same two
prdc        seconds for precision, recall, density, coverage of 10,000 against 10,000 features of 2048 dimensions (--full: 50,000), with
            k = 5, once and with all compilation; `peak_gib` of memory of a process that does nothing else. By ours and prdc
inception   images per second through InceptionV3 to the 2048 features from uint8 images of 299 pixels; ours and torch-fidelity

`difference` is the largest relative one between the numbers of both.
"""

import contextlib
import importlib
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import measure  # noqa: E402

from jgan.metrics.frechet import covariance, empty, frechet_distance, update  # noqa: E402
from jgan.metrics.kernel import kernel_distance_subsets  # noqa: E402
from jgan.metrics.prdc import prdc  # noqa: E402
from jgan.models.pretrained.inception import fold, taps, tensor_shapes  # noqa: E402

NEAREST = 5


def main(
    subjects: tuple[str, ...] = ("frechet", "kernel", "prdc", "inception"),
    full: bool = False,
    dimensions: int = 2048,
    samples: int | None = None,
    batch: int = 32,
    size: int = 299,
    repeats: int = 3,
) -> None:
    """Measures metrics; one line of JSON per subject.

    Args:
        subjects: Of frechet, kernel, prdc, inception.
        full: PRDC of 50,000 features, instead of 10,000; the others without change.
        dimensions: Of the features.
        samples: Instead of the number that goes with the subject.
        batch: Images at a time, for inception.
        size: Their height and width in pixels.
        repeats: Of every measurement but PRDC, which runs once.
    """
    kinds = {
        "frechet": lambda: of_frechet(dimensions, samples or 2 * dimensions, repeats),
        "kernel": lambda: of_kernel(dimensions, samples or 5000, repeats),
        "prdc": lambda: of_prdc(dimensions, samples or (50_000 if full else 10_000)),
        "inception": lambda: of_inception(batch, size, repeats),
    }
    unknown = [subject for subject in subjects if subject not in kinds]
    if unknown:
        raise ValueError(f"expected subjects out of {', '.join(kinds)}, found {', '.join(unknown)}")
    for subject in subjects:
        print(json.dumps({"benchmark": "metrics", "subject": subject, **kinds[subject](), **measure.provenance()}), flush=True)


def of_frechet(dimensions: int, samples: int, repeats: int) -> dict[str, Any]:
    """Fréchet distance from moments."""
    moments = [update(empty(dimensions), x) for x in features(dimensions, samples)]
    works = {"ours": lambda: frechet_distance(*moments)}
    if has("torch_fidelity"):
        from torch_fidelity.metric_fid import fid_statistics_to_metric

        theirs = [{"mu": m.mean, "sigma": covariance(m)} for m in moments]
        works["torch_fidelity"] = lambda: fid_statistics_to_metric(*theirs, verbose=False)["frechet_inception_distance"]
    return {"dimensions": dimensions} | compared(works, repeats, "torch_fidelity")


def of_kernel(dimensions: int, samples: int, repeats: int) -> dict[str, Any]:
    """Kernel distance over 100 subsets of 1000, or of a tenth where there are fewer samples."""
    real, fake = features(dimensions, samples)
    subset = min(1000, samples // 2)
    works = {"ours": lambda: kernel_distance_subsets(real, fake, 100, subset)[0]}
    if has("torch_fidelity"):
        import torch
        from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, kid_features_to_metric

        theirs = [torch.from_numpy(x) for x in (real, fake)]
        settings = {"kid_subsets": 100, "kid_subset_size": subset, "verbose": False}
        works["torch_fidelity"] = lambda: kid_features_to_metric(*theirs, **settings)[KEY_METRIC_KID_MEAN]
    return {"dimensions": dimensions, "samples": samples, "subsets": 100, "subset_size": subset} | compared(
        works, repeats, "torch_fidelity"
    )


def of_prdc(dimensions: int, samples: int) -> dict[str, Any]:
    """PRDC, each in a new process."""
    found = {name: alone(function, dimensions, samples) for name, function in (("ours", our_prdc), ("prdc", their_prdc))}
    numbers = {name: line.pop("numbers") for name, line in found.items() if line != "absent"}
    line = {"dimensions": dimensions, "samples": samples, "k": NEAREST} | found
    return line | ({"difference": difference(*numbers.values())} if len(numbers) == 2 else {})


def of_inception(batch: int, size: int, repeats: int) -> dict[str, Any]:
    """Images per second to the features."""
    images = np.random.default_rng(0).integers(0, 256, (batch, size, size, 3), np.uint8)
    tensors = inception_tensors()
    params = fold(tensors)
    apply = jax.jit(lambda params, images: taps(params, images)["2048"])
    works = {"ours": lambda: np.asarray(apply(params, jnp.asarray(images)))}
    if has("torch_fidelity"):
        works["torch_fidelity"] = their_inception(tensors, images)
    line = compared(works, repeats, "torch_fidelity")
    per_second = {name: measure.digits(batch / line[name]["median"]) for name in works}
    return {"batch": batch, "size": size, "images_per_second": per_second} | line


def compared(works: dict[str, Callable], repeats: int, other: str) -> dict[str, Any]:
    """Seconds of each by turns, and how far their numbers are apart."""
    numbers = {name: np.asarray(work()) for name, work in works.items()}
    line = {name: measure.spread(seconds) for name, seconds in measure.alternately(works, repeats).items()}
    return line | ({"difference": difference(*numbers.values())} if other in works else {other: "absent"})


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """Largest difference over the largest number."""
    return measure.digits(np.max(np.abs(a - b)) / np.max(np.abs(a)))


def features(dimensions: int, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Real and fake features, normal, with deviations that fall off as those of networks do; fakes are off by a tenth of the deviation."""
    generator = np.random.default_rng(0)
    deviations = (1.0 / np.sqrt(1.0 + np.arange(dimensions))).astype(np.float32)
    real, fake = (generator.standard_normal((samples, dimensions), np.float32) * deviations[None] for _ in range(2))
    return real, fake + 0.1 * deviations[None]


def has(module: str) -> bool:
    """Whether another program can be imported: it may be there and broken."""
    try:
        importlib.import_module(module)
    except (ImportError, RuntimeError) as error:
        print(f"{module}: {error}", file=sys.stderr)
        return False
    return True


def alone(function: Callable, *arguments: Any) -> Any:
    """What a function returns in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def our_prdc(dimensions: int, samples: int) -> dict[str, Any]:
    """Seconds, peak memory and numbers."""
    return timed(lambda real, fake: prdc(real, fake, NEAREST), dimensions, samples)


def their_prdc(dimensions: int, samples: int) -> dict[str, Any] | str:
    """The same of the published package prdc."""
    if not has("prdc"):
        return "absent"
    from prdc import compute_prdc

    def compute(real, fake):
        with contextlib.redirect_stdout(sys.stderr):  # it prints, and this prints JSON
            found = compute_prdc(real_features=real, fake_features=fake, nearest_k=NEAREST)
        return [found[name] for name in ("precision", "recall", "density", "coverage")]

    return timed(compute, dimensions, samples)


def timed(compute: Callable, dimensions: int, samples: int) -> dict[str, Any]:
    """One computation on random features. The peak is of the process, features included."""
    real, fake = features(dimensions, samples)
    begun = time.perf_counter()
    numbers = np.asarray(compute(real, fake))
    seconds = time.perf_counter() - begun
    return {"seconds": measure.digits(seconds), "peak_gib": measure.digits(measure.peak_bytes() / 2**30), "numbers": numbers}


def inception_tensors() -> dict[str, np.ndarray]:
    """Random weights under the published names, such that activations neither vanish nor explode."""
    generator = np.random.default_rng(0)

    def draw(name, shape):
        if len(shape) > 1:
            return generator.normal(0.0, np.sqrt(2.0 / np.prod(shape[1:])), shape)
        return generator.uniform(0.8, 1.2, shape) if name.endswith(("bn.weight", "running_var")) else 0.1 * generator.normal(size=shape)

    return {name: draw(name, shape).astype(np.float32) for name, shape in tensor_shapes().items()}


def their_inception(tensors: dict[str, np.ndarray], images: np.ndarray) -> Callable[[], np.ndarray]:
    """The network of torch-fidelity with the same weights."""
    import torch
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    with tempfile.TemporaryDirectory() as folder:
        torch.save({name: torch.from_numpy(tensor) for name, tensor in tensors.items()}, path := Path(folder) / "weights.pth")
        network = FeatureExtractorInceptionV3("inception-v3-compat", ["2048"], feature_extractor_weights_path=str(path))
    device = "cuda" if jax.devices()[0].platform == "gpu" and torch.cuda.is_available() else "cpu"
    network, batch = network.to(device).eval(), torch.from_numpy(images.transpose(0, 3, 1, 2).copy())

    def run():
        with torch.no_grad():
            return network(batch.to(device))[0].cpu().numpy()

    return run


if __name__ == "__main__":
    tyro.cli(main)
