"""jgan import FILE OUT"""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import tyro

from jgan import __version__, outputs
from jgan.data.source import Source
from jgan.evaluation.provenance import commit
from jgan.leaves import by_name
from jgan.models.pretrained.files import read_weights
from jgan.ranges import Seed
from jgan.run.checkpoints import Checkpoints
from jgan.run.folder import open_folder, remember
from jgan.run.settings import with_absolute_places
from jgan.run.system import Published, find_system
from jgan.sharding import seed_key
from jgan.types import Spec


def import_(
    file: tyro.conf.Positional[Path],
    out: tyro.conf.Positional[Path],
    system: str = "stylegan",
    data: str | None = None,
    seed: Seed = 0,
) -> None:
    """Makes a run of networks that others published: it samples, and is what others begin with; with --data it can be resumed.

    Args:
        file: Weights under their published names: .npz, .safetensors, .pth, or .pkl of StyleGAN2-ADA. Nothing in it is executed.
        out: The folder of the run, a new one.
        system: The system that they are of.
        data: Images on which the run goes on when it is resumed, as --data of the training; its settings are the system's usual ones.
        seed: Of what is not in the file.
    """
    outputs.check_place(out / "config.json")
    kind = find_system(system)
    if kind.published is None:
        raise ValueError(f"expected a system with published networks, such as stylegan, found {system}")
    if out.exists() and any(out.iterdir()):
        raise FileExistsError(f"expected a new or an empty folder, found other files in {out}")
    found = kind.published(read_weights(file))
    source = unknown(file, found.spec)
    config = with_absolute_places(dataclasses.replace(found.config, data=data or source.name))
    source = source if data is None else kind.data(config)
    state = placed(found, kind.build(config, source.spec), source.spec, config.batch, seed)
    about = {"version": __version__, "commit": commit(), "imported": file.name}
    with open_folder(out, system, config, about, workdir=out) as folder:
        remember(folder, source)
        with Checkpoints(folder.path / "checkpoints") as checkpoints:
            checkpoints.save(0, state)
    print(out)


def unknown(file: Path, spec: Spec) -> Source:
    """Returns a source of no examples, where nobody has the data that a network was trained on."""

    def read(index):
        raise IndexError(f"{file} came without data")

    return Source(f"the data of {file.name}", 0, spec.fields, read, spec.names)


def placed(found: Published, training: Any, spec: Spec, batch: int, seed: int) -> Any:
    """Returns the first state of a training with published networks.

    Raises:
      ValueError: if one of them is of another shape than the training has.
    """
    shapes = {name: jnp.zeros((batch, *field.shape), field.dtype) for name, field in spec.fields.items()}
    fresh = jax.jit(training.init)(seed_key(seed), shapes)
    state = found.place(fresh)
    before, after = ({name: leaf.shape for name, leaf in by_name(tree).items()} for tree in (fresh, state))
    wrong = {name: f"{before.get(name)}, found {after.get(name)}" for name in before | after if before.get(name) != after.get(name)}
    if wrong:
        name, shapes = next(iter(wrong.items()))
        raise ValueError(
            f"expected {name} of shape {shapes}, as of {len(wrong)} arrays; give --data of the size and classes of the networks"
        )
    return state
