"""A game in miniature, over a mesh; as a program, one of several processes that play it together: COORDINATOR PROCESSES PROCESS."""

import json
import sys
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jgan import sharding
from jgan.ops.convolution import convolution
from jgan.penalties import on_real
from jgan.training import alternating
from jgan.types import AdversarialLoss, Network, Training

BATCH, STEPS, LATENT, HIDDEN = 16, 6, 64, 1024  # so that two arrays are worth sharding


class Feed(NamedTuple):
    constants: Any
    lookup: Any
    items: Any


def generator() -> Network:
    def init(key, z):
        keys = jax.random.split(key)
        return {"first": jax.random.normal(keys[0], (LATENT, HIDDEN)) * 0.1, "last": jax.random.normal(keys[1], (HIDDEN, 192)) * 0.02}, {}

    def apply(params, state, z, key=None, train=False):
        return jnp.tanh(jnp.tanh(z @ params["first"]) @ params["last"]).reshape(-1, 8, 8, 3), state

    return Network(init, apply)


def discriminator() -> Network:
    """A convolution, whose logits and state depend on the whole batch."""

    def init(key, x):
        return {"kernel": jax.random.normal(key, (3, 3, 3, 4)) * 0.3, "weights": jnp.ones((4,))}, {"mean": jnp.zeros((4,))}

    def apply(params, state, x, key=None, train=False):
        h = jnp.tanh(convolution(x, params["kernel"], 2, 1)).mean((1, 2))
        return h @ params["weights"] + jnp.std(h, 0).mean(), {"mean": 0.9 * state["mean"] + 0.1 * h.mean(0)}

    return Network(init, apply)


def r1(critic, x):
    return jnp.sum(jax.grad(lambda x: jnp.sum(critic(x)))(x) ** 2, (1, 2, 3))


def game(optimizer: optax.GradientTransformation, **settings) -> Training:
    loss = AdversarialLoss(lambda real, fake: jax.nn.softplus(-real) + jax.nn.softplus(fake), lambda real, fake: jax.nn.softplus(-fake))
    networks, penalties = (generator(), discriminator()), [on_real(r1)]
    return alternating(*networks, loss, optimizer, optimizer, latent_size=LATENT, penalties=penalties, half_life=100, **settings)


def feed(batch: int = BATCH) -> Feed:
    """Batches out of 64 random images on the devices; every process takes its block of rows."""
    images = np.random.default_rng(0).integers(0, 255, (64, 8, 8, 3), np.uint8)
    local = batch // jax.process_count()
    rows = jax.process_index() * local + np.arange(local)

    def items(start, steps):
        while True:
            yield {"index": np.stack([(rows * 3 + step * batch) % 64 for step in range(start, start + steps)]).astype(np.int32)}
            start += steps

    return Feed({"image": images}, lambda constants, item: {"image": jnp.take(constants["image"], item["index"], axis=0)}, items)


def play(training: Training, devices: list, steps_per_call: int = 1, fsdp: bool = False):
    """The compiled game, its last state and its metrics as arrays [STEPS]."""
    mesh = sharding.data_mesh(devices)
    key, source = sharding.run_key(0, mesh), feed()
    compiled = sharding.compile(training, mesh, source, fsdp=fsdp)
    state, items, metrics = compiled.init(key), source.items(0, steps_per_call), []
    for _ in range(STEPS // steps_per_call):
        state, new = compiled.step(state, compiled.constants, compiled.put(next(items)), key)
        metrics.append(jax.device_get(new))
    return compiled, state, jax.tree.map(lambda *parts: np.concatenate(parts), *metrics)


if __name__ == "__main__":
    sharding.initialize(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    history = play(game(optax.adam(1e-2)), jax.devices())[2]
    print(json.dumps({"devices": len(jax.devices()), **{name: values.tolist() for name, values in history.items()}}))
