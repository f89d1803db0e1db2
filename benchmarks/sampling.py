"""How many images per second does a generator of StyleGAN2 draw?

    python benchmarks/sampling.py --presets demo flowers64 --batches 1 8 64

prints one line of JSON per preset and batch. Parameters are random, which costs as much as trained ones. Spreads are medians and quartiles
over the repeats.

images_per_second   from seeds to uint8 images on the host, by what `jgan.load` returns: `truncation_...`, `mixed` (two styles per image)
                    and `called`, the plain call, which draws 16 at a time whatever is asked for; in [-1, 1] on the host: `sampler`, of
                    evaluations, and `exported`, the file that runs without this code
compilations        of programs, large and small: `first`, by the first call at this batch, where what an earlier batch needed as well is
                    there already; `again`, by two more calls with other truncations, of which none should be needed
"""

import functools
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import measure  # noqa: E402

from jgan.data.settings import size_of  # noqa: E402
from jgan.leaves import by_name  # noqa: E402
from jgan.models.stylegan2 import mix_styles  # noqa: E402
from jgan.run.export import export, load_exported  # noqa: E402
from jgan.run.kept import used_leaves  # noqa: E402
from jgan.run.trained import Trained  # noqa: E402
from jgan.systems import stylegan  # noqa: E402
from jgan.types import Inputs  # noqa: E402

COMPILED = "/jax/core/compile/backend_compile_duration"


def main(
    presets: tuple[str, ...] = ("demo",),
    batches: tuple[int, ...] = (1, 8, 64),
    resolution: int | None = None,
    images: int = 64,
    repeats: int = 5,
) -> None:
    """Measures drawing with StyleGAN2; one line of JSON per preset and batch.

    Args:
        presets: Names of presets of StyleGAN2.
        batches: Numbers of images that are drawn at a time.
        resolution: Height and width in pixels, instead of the preset's.
        images: Per repeat, rounded up to whole batches.
        repeats: Of every measurement.
    """
    for preset in presets:
        config = measure.configuration(preset, None, resolution)
        trained = untrained(config)
        exported = through_file(trained)
        for batch in batches:
            found = measured(trained, exported, batch, images, repeats)
            line = {"benchmark": "sampling", "preset": preset, "resolution": size_of(config), "batch": batch, **found}
            print(json.dumps(line | measure.provenance()), flush=True)


def untrained(config: stylegan.Config) -> Trained:
    """What `jgan.load` would return of a run, with the parameters that training begins with."""
    spec = measure.spec_of(config)
    training = stylegan.build(config, spec)
    batch = {name: jnp.zeros((config.batch, *field.shape), field.dtype) for name, field in spec.fields.items()}
    state = jax.jit(training.init)(jax.random.key(0, impl="rbg"), batch)
    wanted = used_leaves(training.sample, state, stylegan.sampling(config, spec), spec)
    leaves = by_name(state)
    weights = {name: np.asarray(leaves[name]) for name in wanted}
    return Trained(stylegan.SYSTEM, config, spec, {}, weights, jax.eval_shape(lambda: state), training.sample)


def through_file(trained: Trained) -> Callable[[Inputs], jax.Array]:
    """What the command `export` writes, read back: inputs -> images."""
    function, names, shapes = trained.exportable()
    with tempfile.TemporaryDirectory() as folder:
        export(function, path := Path(folder) / "generator.jaxexp", *shapes)
        exported = load_exported(path)
    return lambda inputs: exported(*(inputs[name] for name in names))


def measured(trained: Trained, exported: Callable[[Inputs], jax.Array], batch: int, images: int, repeats: int) -> dict[str, Any]:
    """All figures of one batch."""
    draws = {"styles": styles(trained, batch), "sampler": sampler(trained, batch), "exported": of_file(trained, exported, batch)}
    compilations = {name: {"first": compiled(draw, 1.0), "again": compiled(draw, 0.7, 0.5)} for name, draw in draws.items()}
    works = {f"truncation_{truncation:g}": functools.partial(draws["styles"], truncation) for truncation in (1.0, 0.7)}
    works |= {"mixed": mixed(trained, batch), "called": lambda: trained(range(batch)), "sampler": functools.partial(draws["sampler"], 1.0)}
    works["exported"] = functools.partial(draws["exported"], 1.0)
    calls = -(-images // batch)
    seconds = measure.alternately({name: functools.partial(repeated, work, calls) for name, work in works.items()}, repeats)
    speeds = {name: measure.spread(calls * batch / values) for name, values in seconds.items()}
    return {"images_per_second": speeds, "compilations": compilations}


def styles(trained: Trained, batch: int) -> Callable[[float], np.ndarray]:
    """truncation -> images [batch, H, W, C] of seeds."""
    return lambda truncation: trained(range(batch), truncation=truncation, batch=batch)


def mixed(trained: Trained, batch: int) -> Callable[[], np.ndarray]:
    """Draws images whose upper half of layers has the styles of other seeds."""

    def draw():
        coarse, fine = (trained.outputs(range(start, start + batch), batch=batch)["ws"] for start in (0, batch))
        first = jnp.full((batch,), coarse.shape[1] // 2)
        return trained(ws=np.asarray(mix_styles(coarse, fine, first)), batch=batch)

    return draw


def sampler(trained: Trained, batch: int) -> Callable[[float], np.ndarray]:
    """truncation -> images [batch, H, W, C], as evaluations draw them."""
    source = measure.random_source(trained.config)
    return lambda truncation: np.asarray(next(trained.draw(source, batch, batch=batch, truncation=truncation))["image"])


def of_file(trained: Trained, exported: Callable[[Inputs], jax.Array], batch: int) -> Callable[[float], np.ndarray]:
    """truncation -> images [batch, H, W, C] of the exported function."""
    given = {"z": trained.latents(range(batch)), "label": np.arange(batch, dtype=np.int32) % measure.CLASSES}
    return lambda truncation: np.asarray(exported({**given, "truncation": np.full(batch, truncation, np.float32)}))


def repeated(work: Callable, times: int) -> list[np.ndarray]:
    """What the calls return, `times` of them."""
    return [work() for _ in range(times)]


def compiled(draw: Callable[[float], Any], *truncations: float) -> int:
    """Number of programs that are compiled while images are drawn with these truncations, one after another."""
    before = len(programs())
    for truncation in truncations:
        draw(truncation)
    return len(programs()) - before


@functools.cache
def programs() -> list[str]:
    """Names of all programs that are compiled after the first call of this."""
    names = []

    def listen(event, seconds, **told):
        if event == COMPILED:
            names.append(told.get("fun_name", ""))

    jax.monitoring.register_event_duration_secs_listener(listen)
    return names


if __name__ == "__main__":
    jax.config.update("jax_enable_compilation_cache", False)
    tyro.cli(main)
