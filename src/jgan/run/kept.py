"""What is kept of a training after it: the leaves of its state on which `sample` depends."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from jgan.leaves import leaf_name
from jgan.run.plan import legs
from jgan.run.system import Sampling, System, stages_of
from jgan.sharding import seed_key
from jgan.types import SampleTraining, Spec, Training


def used_leaves(sample: SampleTraining, abstract: Any, sampling: Sampling, spec: Spec) -> list[str]:
    """Returns the paths of the leaves of a state on which its outputs depend, with noise and without."""
    shapes = input_shapes(sampling, spec)
    inputs = {name: jax.ShapeDtypeStruct((2, *shape.shape), shape.dtype) for name, shape in shapes.items()}
    paths = [leaf_name(path) for path, _ in jax.tree_util.tree_leaves_with_path(abstract)]
    used: set[str] = set()
    for key in (None, jax.eval_shape(lambda: seed_key(0))):
        jaxpr = jax.make_jaxpr(sample)(abstract, key, inputs).jaxpr
        variables = {id(v) for equation in jaxpr.eqns for v in equation.invars} | {id(v) for v in jaxpr.outvars}
        used |= {path for path, variable in zip(paths, jaxpr.invars, strict=False) if id(variable) in variables}
    return [path for path in paths if path in used]


def training_at(system: System, config: Any, spec: Spec, step: int) -> Training:
    """Returns the training of the stage to which a step belongs."""
    built = system.build(config, spec)
    stages = stages_of(built, images=1, batch=config.batch, source=lambda: system.data(config))
    if len(stages) == 1:
        return stages[0].training
    for stage, leg in zip(stages, legs(stages, config.steps_per_call), strict=True):
        if step <= leg.last:
            return stage.training
    return stages[-1].training


def abstract_state(config: Any, spec: Spec, training: Training) -> Any:
    """Returns the state of a training, as shapes and dtypes."""
    batch = {name: jax.ShapeDtypeStruct((config.batch, *field.shape), field.dtype) for name, field in spec.fields.items()}
    return jax.eval_shape(training.init, jax.random.key(0), batch)


def input_shapes(sampling: Sampling, spec: Spec) -> dict[str, jax.ShapeDtypeStruct]:
    """Returns the inputs of `sample`, as shapes and dtypes of one example, in the order in which the system names them."""
    names: list[str] = []

    def draw():
        drawn = sampling.inputs(seed_key(0), 1)
        names.extend(drawn)
        return drawn

    drawn = jax.eval_shape(draw)
    shapes = {name: jax.ShapeDtypeStruct(drawn[name].shape[1:], drawn[name].dtype) for name in names}
    return shapes | {name: spec.fields[name] for name in sampling.conditions}


def whole_state(abstract: Any, kept: Mapping[str, Any]) -> Any:
    """Returns a state of the leaves that are kept; the others are zeros."""
    leaves, structure = jax.tree_util.tree_flatten_with_path(abstract)
    return jax.tree.unflatten(structure, [kept[leaf_name(p)] if leaf_name(p) in kept else jnp.zeros(x.shape, x.dtype) for p, x in leaves])
