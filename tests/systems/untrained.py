"""The folder of a run whose one checkpoint has random numbers: for commands that do not ask for a trained system."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jgan.leaves import leaf_name
from jgan.run.checkpoints import Checkpoints
from jgan.run.folder import open_folder, remember
from jgan.run.system import System, stages_of


def random_run(system: System, config: Any, folder: Path, scale: float = 1.0) -> Path:
    """Makes the folder; every floating-point number of the state is drawn, standard normal times `scale`; variances are positive."""
    source = system.data(config)
    batch = {name: jax.ShapeDtypeStruct((config.batch, *field.shape), field.dtype) for name, field in source.fields.items()}
    with jax.numpy_dtype_promotion("standard"):
        first = stages_of(system.build(config, source.spec), images=1, batch=config.batch, source=lambda: source)[0]
        abstract = jax.eval_shape(first.training.init, jax.random.key(0), batch)
    random = np.random.default_rng(0)

    def numbers(path, x):
        if not jnp.issubdtype(x.dtype, jnp.floating):
            return jnp.zeros(x.shape, x.dtype)
        drawn = random.normal(size=x.shape) * scale
        return jnp.asarray(abs(drawn) + scale if leaf_name(path).endswith("variance") else drawn, x.dtype)

    with open_folder(folder, system.name, config, {"version": "0", "commit": None}, workdir=folder) as opened:
        remember(opened, source)
        with Checkpoints(opened.path / "checkpoints") as checkpoints:
            checkpoints.save(1, jax.tree_util.tree_map_with_path(numbers, abstract))
    return folder
