"""jgan mix RUN"""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import tyro

from jgan import outputs
from jgan.commands.sample import preferred
from jgan.commands.seeds import parse_seeds
from jgan.models.stylegan2 import mix_styles
from jgan.ranges import CountOrZero, LayersOrZero, Truncation
from jgan.run.system import System
from jgan.run.trained import Trained, load


def mix(
    system: System,
    run: tyro.conf.Positional[Path],
    rows: str = "0-4",
    columns: str = "5-11",
    layer: LayersOrZero = 4,
    truncation: Truncation | None = None,
    step: CountOrZero | None = None,
    out: Path = Path("mixing.png"),
) -> None:
    """Draws a style-mixing grid: each image has the coarse styles of its row and the fine styles of its column.

    Args:
        run: The folder of the run.
        rows: Seeds of the first column.
        columns: Seeds of the first row.
        layer: The first layer that takes its style from the column, from 0, the lowest.
        truncation: 1 for the full variety, towards 0 for more typical images; as the system prefers if not given.
        step: The checkpoint to use; the best if not given.
        out: The PNG file to write.
    """
    kinds, seeds = {"image": outputs.image()}, (parse_seeds(rows), parse_seeds(columns))
    outputs.check_path(out, kinds)
    trained = load(run, step, system)
    grid = mixed(trained, *seeds, layer, preferred(trained, "truncation", truncation))
    outputs.save(out, {"image": grid}, kinds, len(seeds[1]) + 1)
    print(out)


def mixed(trained: Trained, rows: list[int], columns: list[int], layer: int, truncation: float | None) -> np.ndarray:
    """Draws uint8 images [(1 + rows) * (1 + columns), H, W, C] of the grid, row by row: the first row and column are those that are mixed.

    Raises:
      ValueError: for a layer that the network has not.
    """
    seeds = rows, columns
    coarse, fine = (trained.outputs(numbers, truncation=truncation) for numbers in seeds)
    if layer > coarse["ws"].shape[1]:
        raise ValueError(f"--layer: expected a whole number from 0 to {coarse['ws'].shape[1]}, the layers of this network, found {layer}")
    m, n = len(coarse["ws"]), len(fine["ws"])
    pairs = jnp.repeat(jnp.asarray(coarse["ws"]), n, axis=0), jnp.tile(jnp.asarray(fine["ws"]), (m, 1, 1))
    images = trained(ws=np.asarray(mix_styles(*pairs, jnp.full((m * n,), layer))))
    shape = images.shape[1:]
    top = np.concatenate([np.full((1, *shape), 255, np.uint8), fine["image"]])
    body = np.concatenate([coarse["image"][:, None], images.reshape(m, n, *shape)], axis=1)
    return np.concatenate([top[None], body]).reshape(-1, *shape)
