"""What is asked of every experiment with a generator of noise, in miniature."""

import functools
import json
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jgan import data
from jgan.run import command_line
from jgan.run.export import load_exported
from jgan.run.images import to_uint8
from jgan.run.noise import latents
from jgan.sharding import compile, data_mesh, run_key

STEPS = 3
IMAGES = 40  # as many in the command line's runs, which so find their program in the compilation cache
promoting = functools.partial(jax.numpy_dtype_promotion, "standard")  # optax promotes dtypes implicitly


class Played(NamedTuple):
    """Some steps of a game."""

    first: Any  # the state before
    last: Any
    metrics: dict[str, np.ndarray]  # [STEPS]
    programs: int


@functools.cache
def play(experiment, config, devices=1):
    """On several devices from the state that one device begins with, whose initialisation is compiled once."""
    with promoting():
        source = data.open_source("shapes", resolution=config.resolution, channels=config.channels, limit=IMAGES, labels=None)
        feed, mesh = data.resident(source, batch=config.batch, seed=0), data_mesh(jax.devices()[:devices])
        key, items, metrics = run_key(0, mesh), feed.items(0, 1), []
        compiled = compile(experiment.build(config, source.shape), mesh, feed)
        first = jax.device_get(compiled.init(key)) if devices == 1 else play(experiment, config).first
        state = jax.tree.map(lambda x, a: jax.device_put(x, a.sharding), first, compiled.abstract)
        for _ in range(STEPS):
            state, new = compiled.step(state, compiled.constants, compiled.put(next(items)), key)
            metrics.append(jax.device_get(new))
    metrics = {name: np.concatenate([m[name] for m in metrics]) for name in metrics[0]}
    return Played(first, jax.device_get(state), metrics, compiled.step.__wrapped__._cache_size())


def check_preset(experiment, config):
    """A preset fits together, without being run."""
    shape = (config.resolution, config.resolution, config.channels or 3)
    batch, key = {"image": jax.ShapeDtypeStruct((config.batch, *shape), jnp.uint8)}, jax.random.key(0)
    with promoting():
        training = experiment.build(config, shape)
        state = jax.eval_shape(training.init, key, batch)
        after, metrics = jax.eval_shape(training.step, state, batch, key)
        images = jax.eval_shape(training.sample, after, key, {"z": jax.ShapeDtypeStruct((2, config.latent_size), jnp.float32)})
    assert described(after) == described(state) and images.shape == (2, *shape)
    assert set(described(metrics).values()) == {((), jnp.dtype(jnp.float32))}


def check_game(experiment, config):
    """One program; both players move and stay finite; without an average the samples are the generator's own."""
    first, last, metrics, programs = play(experiment, config)
    assert programs == 1 and last.step == STEPS
    assert all(np.isfinite(values).all() for values in metrics.values())
    assert metrics["generator/skipped"].sum() == metrics["discriminator/skipped"].sum() == 0
    for before, after in ((first.generator, last.generator), (first.discriminator, last.discriminator)):
        assert any(np.abs(a - b).max() > 0 for a, b in zip(*map(jax.tree.leaves, (before.params, after.params)), strict=True))
    jax.tree.map(np.testing.assert_array_equal, last.average, last.generator.params)


def check_devices(experiment, config, devices=2):
    """Several devices do what one does: statistics of batches and dropout are of the whole batch."""
    one, many = play(experiment, config), play(experiment, config, devices)
    for name, values in one.metrics.items():
        np.testing.assert_allclose(many.metrics[name], values, rtol=1e-3, atol=1e-4, err_msg=name)
    for mine, theirs in ((many.last.generator, one.last.generator), (many.last.discriminator, one.last.discriminator)):
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-3, atol=1e-4), mine[:2], theirs[:2])


def call(experiment, config, *arguments):
    """The command line, in this process, with one preset."""
    name = experiment.__name__.split(".")[-1]
    given = list(map(str, arguments))
    with promoting():
        command_line.main(name, {"tiny": config}, experiment.train, may_change=("kimg",), arguments=given, **experiment.COMMANDS)


def check_run(experiment, config, folder):
    """A run that was stopped ends as one that was not; what is trained can be drawn and exported."""
    sizes = {"kimg": 4, "record-kimg": 1, "sample-kimg": 2, "checkpoint-kimg": 2}
    options = {name: steps * config.batch / 1000 for name, steps in sizes.items()}
    options |= {"score-kimg": 0, "devices": 1, "limit": IMAGES, "steps-per-call": 1}
    options = [part for name, value in options.items() for part in (f"--{name}", value)]
    call(experiment, config, "train", *options, "--workdir", folder / "whole")
    call(experiment, config, "train", *options, "--kimg", 2 * config.batch / 1000, "--workdir", folder / "parts")
    call(experiment, config, "train", "--resume", folder / "parts", "--kimg", 4 * config.batch / 1000)
    records = [[json.loads(line) for line in (folder / run / "metrics.jsonl").read_text().splitlines()] for run in ("whole", "parts")]
    assert [r["images"] for r in records[0]] == [config.batch * steps for steps in range(1, 5)]
    names = [name for name in records[0][0] if name.startswith(("generator/", "discriminator/"))]
    assert len(names) >= 6 and [[r[n] for n in names] for r in records[0]] == [[r[n] for n in names] for r in records[1]]
    whole, parts = (experiment.load(folder / run) for run in ("whole", "parts"))
    images = whole(range(4))
    np.testing.assert_array_equal(images, parts(range(4)))
    assert np.abs(images.astype(int) - experiment.load(folder / "whole", step=2)(range(4))).max() > 0
    call(experiment, config, "sample", folder / "whole", "--seeds", "0-3", "--out", folder / "grid.png")
    call(experiment, config, "export", folder / "whole", "--out", folder / "generator.jaxexp")
    exported = load_exported(folder / "generator.jaxexp")(latents(range(4), config.latent_size), jnp.ones((4,)))
    np.testing.assert_allclose(to_uint8(exported).astype(int), images, rtol=0, atol=1)
    assert (folder / "grid.png").stat().st_size > 0


def described(tree):
    return jax.tree.map(lambda x: (x.shape, x.dtype), tree)
