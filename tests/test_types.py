"""The contract: what every part of the library and of its users' code agrees on."""

import inspect

import jax
import optax
import pytest
from tests.tiny_game import discriminator, game, generator

import jgan.types
from jgan.types import Adaptive, AdversarialLoss, Features, Network, Penalty, Spec, Stage, Training

FIELDS = [
    (Network, ("init", "apply"), {}),
    (Training, ("init", "step", "sample"), {}),
    (
        AdversarialLoss,
        ("discriminator", "generator", "relativistic", "matching", "lists"),
        {"relativistic": False, "matching": False, "lists": False},
    ),
    (Penalty, ("function", "weight", "every"), {"weight": 1.0, "every": 1}),
    (Features, ("name", "apply", "params", "protocol"), {}),
    (Adaptive, ("init", "at", "update"), {}),
    (Spec, ("fields", "names", "rates"), {"names": {}, "rates": {}}),
    (Stage, ("images", "batch", "training", "source", "grow"), {"grow": None}),
]


@pytest.mark.parametrize("kind, fields, defaults", FIELDS)
def test_fields_and_their_order(kind, fields, defaults):
    assert kind._fields == fields
    assert kind._field_defaults == defaults


def test_every_record_of_the_module_is_in_the_table():
    defined = {name for name, value in vars(jgan.types).items() if inspect.isclass(value) and hasattr(value, "_fields")}
    assert defined == {kind.__name__ for kind, _, _ in FIELDS}


def test_spec():
    spec = Spec({"image": jax.ShapeDtypeStruct((8, 8, 3), "uint8")})
    assert (spec.classes, spec.shape(), spec.image_shape) == (0, (8, 8, 3), (8, 8, 3))
    with pytest.raises(ValueError, match=r"expected images \(H, W, C\), found the shape \(8, 8\)"):
        _ = Spec({"image": jax.ShapeDtypeStruct((8, 8), "uint8")}).image_shape
    with pytest.raises(ValueError, match="expected data with the field audio, found image"):
        spec.shape("audio")
    assert Spec({}, rates={"audio": 8000}).rate("audio") == 8000
    with pytest.raises(ValueError, match="expected data with a rate of video, found {'audio': 8000}"):
        Spec({}, rates={"audio": 8000}).rate("video")


@pytest.mark.parametrize("network, size", [(generator(), (16, 64)), (discriminator(), (16, 8, 8, 3))])
def test_a_network_keeps_the_structure_of_its_state(network, size):
    inputs = jax.ShapeDtypeStruct(size, "float32")
    params, state = jax.eval_shape(network.init, jax.random.key(0), inputs)
    _, after = jax.eval_shape(lambda *arguments: network.apply(*arguments, train=True), params, state, inputs)
    assert after == state


def test_a_step_keeps_the_structure_of_the_state_and_gives_scalars():
    training, key = game(optax.sgd(0.1)), jax.random.key(0)
    batch = {"image": jax.ShapeDtypeStruct((16, 8, 8, 3), "uint8")}
    state = jax.eval_shape(training.init, key, batch)
    after, metrics = jax.eval_shape(training.step, state, batch, key)
    assert jax.tree.map(lambda x: (x.shape, x.dtype), after) == jax.tree.map(lambda x: (x.shape, x.dtype), state)
    assert (state.step.shape, state.step.dtype) == ((), "int32")
    assert {(m.shape, str(m.dtype)) for m in metrics.values()} == {((), "float32")}
    outputs = jax.eval_shape(training.sample, state, key, {"z": jax.ShapeDtypeStruct((5, 64), "float32")})
    assert {name: output.shape for name, output in outputs.items()} == {"image": (5, 8, 8, 3)}
