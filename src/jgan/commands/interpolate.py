"""jgan interpolate RUN"""

from pathlib import Path
from typing import Annotated

import jax.numpy as jnp
import numpy as np
import tyro

from jgan import outputs
from jgan.commands.sample import conditions, preferred
from jgan.commands.seeds import parse_seeds
from jgan.metrics.paths import slerp
from jgan.ranges import CountOrZero, Truncation, numbers
from jgan.run.system import System
from jgan.run.trained import Trained, load


def interpolate(
    system: System,
    run: tyro.conf.Positional[Path],
    seeds: str = "0-7",
    truncation: Truncation | None = None,
    label: str | None = None,
    frames: Annotated[int, numbers(int, 1, 10_000)] = 24,
    fps: Annotated[float, numbers(float, 0.01, 1000)] = 12.0,
    step: CountOrZero | None = None,
    out: Path = Path("interpolation.gif"),
) -> None:
    """Makes an animation that walks from sample to sample and back to the first: along lines of styles, or arcs of latents.

    Args:
        run: The folder of the run.
        seeds: The stations, as 0-7 or 3,14,15.
        truncation: 1 for the full variety, towards 0 for more typical images; as the system prefers if not given.
        label: Class, by name or number; if not given classes take turns.
        frames: Frames from one station to the next.
        fps: Frames per second.
        step: The checkpoint to use; the best if not given.
        out: The file to write: .gif, .webp or .mp4.
    """
    stations, kinds = parse_seeds(seeds), {"video": outputs.video(fps)}
    outputs.check_path(out, kinds)
    trained = load(run, step, system)
    inputs = {"truncation": preferred(trained, "truncation", truncation), "label": label}
    walk = walk_between(trained, stations, frames, {name: value for name, value in inputs.items() if value is not None})
    outputs.save(out, {"video": walk[None]}, kinds)
    print(out)


def walk_between(trained: Trained, seeds: list[int], frames: int, inputs: dict) -> np.ndarray:
    """Returns uint8 images [len(seeds) * frames, H, W, C] from seed to seed and back to the first."""
    shares = jnp.linspace(0, 1, frames, endpoint=False)
    if "ws" in trained.sampling.optional:
        stations = trained.outputs(seeds, only="ws", **inputs)["ws"]
        share = np.asarray(shares)[None, :, None, None]
        walk = stations[:, None] + (np.roll(stations, -1, axis=0) - stations)[:, None] * share
        return trained(ws=walk.reshape(-1, *stations.shape[1:]).astype(np.float32))
    z = jnp.asarray(trained.latents(seeds))
    pairs = [slerp(z, jnp.roll(z, -1, axis=0), jnp.full((len(z),), share)) for share in shares]
    walk = np.asarray(jnp.stack(pairs, axis=1)).reshape(-1, z.shape[1])
    held, _ = conditions(trained, len(z), None)
    if "label" in trained.sampling.conditions:
        held["label"] = np.asarray(seeds) % max(1, trained.spec.classes)
    return trained(z=walk, **{name: np.repeat(values, frames, axis=0) for name, values in held.items()} | inputs)
