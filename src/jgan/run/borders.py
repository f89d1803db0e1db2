"""Where one stage of a run ends and the next begins: that it is where it was, and that the state fits."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
from jax.sharding import Mesh

from jgan.run.about import read_json
from jgan.run.plan import Leg
from jgan.sharding import Compiled
from jgan.types import Key, Stage

STAGES_FILE = "stages.json"  # the steps at which stages begin


def check_borders(path: Path, places: Sequence[Leg], step: int) -> None:
    """Raises ValueError if a stage that has begun before `step` would now begin elsewhere."""
    before, borders = read_json(path) if path.exists() else [], [leg.first for leg in places]
    if not isinstance(before, list) or not all(isinstance(border, int) for border in before):
        raise ValueError(f"{path} is damaged: expected the steps at which stages begin, found {before!r:.60}; put back a copy of the file")
    passed = [border for border in before if border <= step]
    if borders[: len(passed)] != passed:
        raise ValueError(f"expected stages that begin at the steps {passed}, found {borders}; resume with the steps_per_call of before")


def check_states(stages: Sequence[Stage], mesh: Mesh) -> None:
    """Raises ValueError if a stage would begin with another kind of state than its training makes, hours into a run.

    Nothing is computed; the data of each stage are opened.
    """
    if len(stages) == 1:
        return
    key, before = jax.eval_shape(lambda: jax.random.key(0)), None
    with jax.set_mesh(mesh):
        for number, stage in enumerate(stages):
            fields = stage.source().fields
            batch = {name: jax.ShapeDtypeStruct((stage.batch, *field.shape), field.dtype) for name, field in fields.items()}
            fresh = jax.eval_shape(stage.training.init, key, batch)
            if number:
                _check_like(_grow(stage, key, before, fresh), fresh, number + 1)
            before = fresh


def grown(stage: Stage, compiled: Compiled, state: Any, key: Key, step: int) -> Any:
    """Returns the first state of a stage, made of the last one of the stage before.

    Raises:
      ValueError: if the number of steps was not kept.
    """
    key, place = jax.random.fold_in(key, step), jax.tree.map(lambda x: x.sharding, compiled.abstract)
    fresh = compiled.init(key)
    assert stage.grow is not None  # of `check_states`
    found = jax.jit(stage.grow, out_shardings=place)(key, state, fresh)
    if int(found.step) != step:
        raise ValueError(f"expected a grown state to keep the number of steps, {step}, found {int(found.step)}")
    return found


def _grow(stage, key, before, fresh):
    if stage.grow is None:
        raise ValueError("expected a stage that follows another one to have `grow`, found None")
    return jax.eval_shape(stage.grow, key, before, fresh)


def _check_like(found, expected, number):
    kinds = [{jax.tree_util.keystr(path): (x.shape, str(x.dtype)) for path, x in _leaves(tree)} for tree in (expected, found)]
    for name in dict.fromkeys([*kinds[0], *kinds[1]]):
        expected, found = (kind.get(name, "none") for kind in kinds)
        if expected != found:
            raise ValueError(f"expected `grow` to make the state of stage {number}, with {name} {expected}, found {found}")


def _leaves(tree):
    return jax.tree_util.tree_leaves_with_path(tree)
