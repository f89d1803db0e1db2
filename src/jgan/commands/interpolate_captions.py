"""jgan interpolate RUN, of a system that draws images of captions"""

from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from jgan import outputs
from jgan.ranges import CountOrZero, Seed, Truncation, numbers
from jgan.run.system import System
from jgan.run.trained import load


def interpolate(
    system: System,
    run: tyro.conf.Positional[Path],
    captions: tuple[str, ...] = (),
    seed: Seed = 0,
    truncation: Truncation | None = None,
    frames: Annotated[int, numbers(int, 1, 10_000)] = 24,
    fps: Annotated[float, numbers(float, 0.01, 1000)] = 12.0,
    step: CountOrZero | None = None,
    out: Path = Path("interpolation.gif"),
) -> None:
    """Makes an animation that walks from caption to caption and back to the first, along lines of their embeddings; the latents stay.

    Args:
        run: The folder of the run.
        captions: Two or more, each in quotes.
        seed: Of the latents.
        truncation: 1 for the full variety, towards 0 for more typical images.
        frames: Frames from one caption to the next.
        fps: Frames per second.
        step: The checkpoint to use; the best if not given.
        out: The file to write: .gif, .webp or .mp4.
    """
    kinds = {"video": outputs.video(fps)}
    outputs.check_path(out, kinds)
    if len(captions) < 2:
        raise ValueError(f"--captions: expected two captions or more, found {len(captions)}")
    trained = load(run, step, system)
    stations = trained.outputs(caption=list(captions), only="text")["text"]
    shares = np.linspace(0, 1, frames, endpoint=False, dtype=np.float32)[None, :, None]
    walk = stations[:, None] + (np.roll(stations, -1, axis=0) - stations)[:, None] * shares
    walk = walk.reshape(-1, stations.shape[1])
    inputs = {} if truncation is None else {"truncation": truncation}
    video = trained([seed] * len(walk), text=walk, caption=[captions[0]] * len(walk), **inputs)  # embeddings take the place of the caption
    outputs.save(out, {"video": video[None]}, kinds)
    print(out)
