"""Why GANs circle instead of converging: two players of one number each, and modes of a ring that come and go.

Papers:   the Dirac-GAN: Mescheder et al. 2018, section 2, https://arxiv.org/abs/1801.04406: all real examples are 0, all fake ones
          theta, the discriminator is psi x. The only equilibrium is theta = psi = 0. The ring: `toy.py`.
Command:  python experiments/studies/convergence.py                   (minutes on two cores)
Hardware: two CPU cores.
Scores:   the run writes table.md, dirac.png, modes.png and results.json. Dirac: how far from the equilibrium the players are at the end,
          in parts of how far they were at the start. Ring: modes found at the end, and how many are lost from one record to the next.
"""

import dataclasses
import json
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image, ImageDraw

from jgan import losses, penalties
from jgan.evaluation.provenance import provenance
from jgan.outputs.files import write_atomic
from jgan.ranges import Rate, Seed, Several
from jgan.run.config import to_plain
from jgan.run.folder import Folder
from jgan.run.main import study
from jgan.types import Array

try:
    from experiments.studies import toy
except ModuleNotFoundError:  # run as a script, whose folder is on the path
    import toy


@dataclasses.dataclass(frozen=True)
class Config:
    """What a run is made of."""

    steps: Several = 1000
    """Updates of both players of the Dirac-GAN."""
    rate: Rate = 0.05
    """Their learning rate: gradient descent."""
    gamma: Rate = 1.0
    """Weight of penalties of the Dirac-GAN; half of it multiplies the squared gradient."""
    ring: toy.Config = toy.Config(samples=500)
    """The runs on the ring."""
    records: Several = 30
    """How often the modes of the ring are counted in a run."""
    seed: Seed = 0
    """Of the points at which a penalty looks."""


PRESETS = {"all": Config()}
START = (1.0, 1.0)  # theta and psi
LOSSES = {
    "minimax": losses.minimax(),
    "non-saturating": losses.non_saturating(),
    "least squares": losses.least_squares(-1.0, 1.0, 0.0),  # targets that this discriminator, without a bias, can balance
    "Wasserstein": losses.wasserstein(),
    "hinge": losses.hinge(),
}
PENALTIES = {
    "no penalty": lambda key, discriminate, real, fake: jnp.zeros(1),
    "R1": lambda key, discriminate, real, fake: penalties.r1(discriminate, real),
    "R2": lambda key, discriminate, real, fake: penalties.r2(discriminate, fake),
    "WGAN-GP": penalties.gradient_penalty,
}
UPDATES = ("simultaneous", "alternating")
ON_RING = [(loss, penalty) for loss in ("minimax", "non-saturating", "least squares", "hinge") for penalty in toy.PENALTIES]


def dirac(config: Config, loss: str, penalty: str, updates: str) -> Array:
    """The players (theta, psi) of a Dirac-GAN from step to step, [steps + 1, 2]."""
    adversarial, regularise, real = LOSSES[loss], PENALTIES[penalty], jnp.zeros((1, 1))

    def discriminator_loss(psi, theta, key):
        fake = jax.lax.stop_gradient(theta).reshape(1, 1)
        value = adversarial.discriminator((psi * real)[:, 0], (psi * fake)[:, 0])
        return jnp.mean(value) + config.gamma / 2 * jnp.mean(regularise(key, lambda x: (psi * x)[:, 0], real, fake))

    def generator_loss(theta, psi):
        return jnp.mean(adversarial.generator(psi * real[:, 0], (psi * theta).reshape(1)))

    def step(players, key):
        theta, psi = players
        new_psi = psi - config.rate * jax.grad(discriminator_loss)(psi, theta, key)
        new_theta = theta - config.rate * jax.grad(generator_loss)(theta, new_psi if updates == "alternating" else psi)
        return (new_theta, new_psi), jnp.stack([new_theta, new_psi])

    keys = jax.random.split(jax.random.key(config.seed), config.steps)
    _, path = jax.lax.scan(step, tuple(map(jnp.float32, START)), keys)
    return jnp.concatenate([jnp.asarray([START], jnp.float32), path])


@partial(jax.jit, static_argnums=(0, 1, 2))
def on_ring(config: toy.Config, records: int, penalty_weight: float, loss: Array, seed: Array) -> Array:
    """Points [records, samples, 2] of one generator that learns the ring, from its first updates to its last."""
    ring, keys = toy.MIXTURES["ring"], jax.random.split(jax.random.key(seed, impl="threefry2x32"), 4)
    training, centres = toy.build(config, loss, penalty_weight), jnp.asarray(ring.centres, jnp.float32)
    z = jax.random.normal(keys[3], (config.samples, config.latent_size))

    def step(i, state):
        points = toy.draw(jax.random.fold_in(keys[0], i), centres, jnp.float32(ring.sigma), config.batch)
        return training.step(state, {"point": points / config.unit}, keys[1])[0]

    def record(state, number):
        state = jax.lax.fori_loop(number * (config.steps // records), (number + 1) * (config.steps // records), step, state)
        return state, config.unit * training.sample(state, keys[3], {"z": z})["point"]

    state = training.init(keys[2], {"point": jnp.zeros((config.batch, 2))})
    return jax.lax.scan(record, state, jnp.arange(records))[1]


def modes(points: np.ndarray) -> np.ndarray:
    """Which modes of the ring are found, bool [..., 8], by points [..., samples, 2]."""
    nearest, good = toy.MIXTURES["ring"].near(points)
    return np.stack([np.any((nearest == mode) & good, axis=-1) for mode in range(8)], axis=-1)


def train(folder: Folder, config: Config) -> None:
    """Plays all runs, into the folder."""
    if (folder.path / "results.json").exists():
        raise ValueError(f"{folder.path} holds a run of this kind, which cannot be resumed; start a new one")
    names = [(loss, penalty, updates) for loss in LOSSES for penalty in PENALTIES for updates in UPDATES]
    paths, found = {name: np.asarray(jax.jit(partial(dirac, config, *name))()) for name in names}, {}
    for loss, penalty in ON_RING:
        number, weight = jnp.int32(list(toy.LOSSES).index(loss)), config.ring.r1_weight if penalty == "R1" else 0.0
        seeds = config.ring.seed + jnp.arange(config.ring.seeds)
        points = jax.vmap(partial(on_ring, config.ring, config.records, weight, number))(seeds)
        found[loss, penalty] = modes(np.asarray(points))
        print(f"ring: {loss}, {penalty}", flush=True)
    text = f"{dirac_table(paths)}\n\n{ring_table(found)}\n"
    numbers = {"dirac": {", ".join(name): distance(path) for name, path in paths.items()}, "protocol": {**to_plain(config), **provenance()}}
    numbers["ring"] = {", ".join(name): values.sum(axis=2).tolist() for name, values in found.items()}
    write_atomic(folder.path / "table.md", text)
    plot_paths(paths).save(folder.path / "dirac.png")
    plot_modes(found).save(folder.path / "modes.png")
    write_atomic(folder.path / "results.json", json.dumps(numbers) + "\n")
    print(f"\n{text}\n{folder.path / 'dirac.png'}\n{folder.path / 'modes.png'}")


def distance(path: np.ndarray) -> float:
    """How far from the equilibrium a path [steps, 2] ends, in parts of how far it began; the largest of its last tenth."""
    far = np.linalg.norm(path, axis=1)
    return round(float(far[-max(1, len(far) // 10) :].max() / far[0]), 4)


def dirac_table(paths: dict[tuple[str, str, str], np.ndarray]) -> str:
    """Distances as Markdown, a row per loss."""
    columns = [(penalty, updates) for penalty in PENALTIES for updates in UPDATES]
    rows = [["loss", *(", ".join(column) for column in columns)], ["---"] * (1 + len(columns))]
    rows += [[loss, *(f"{distance(paths[loss, *column]):.3g}" for column in columns)] for loss in LOSSES]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def ring_table(found: dict[tuple[str, str], np.ndarray]) -> str:
    """Modes as Markdown, mean ± standard deviation over the seeds: at the end, and lost per record in the second half of the run."""
    rows = [["loss", "penalty", "modes at the end", "modes lost per record"], ["---"] * 4]
    for name, values in found.items():
        late = values[:, values.shape[1] // 2 :]
        lost = np.sum(late[:, :-1] & ~late[:, 1:], axis=2).mean(axis=1)
        ends = values[:, -1].sum(axis=1)
        rows.append([*name, f"{ends.mean():.1f} ± {ends.std():.1f}", f"{lost.mean():.2f} ± {lost.std():.2f}"])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def plot_paths(paths: dict[tuple[str, str, str], np.ndarray], size: int = 150, margin: int = 120) -> Image.Image:
    """Paths of theta (to the right) and psi (up) around the equilibrium: simultaneous updates in red, alternating ones in blue."""
    picture = Image.new("RGB", (margin + size * len(PENALTIES), 20 + size * len(LOSSES)), "white")
    pen = ImageDraw.Draw(picture)
    for j, penalty in enumerate(PENALTIES):
        pen.text((margin + j * size + 8, 4), penalty, "black")
    for i, loss in enumerate(LOSSES):
        pen.text((8, 20 + (i + 0.5) * size), loss, "black")
        for j, penalty in enumerate(PENALTIES):
            picture.paste(_panel([paths[loss, penalty, updates] for updates in UPDATES], size - 4), (margin + j * size, 20 + i * size))
    return picture


def _panel(paths, size, extent=2.5):
    panel = Image.new("RGB", (size, size), "#f4f4f4")
    pen = ImageDraw.Draw(panel)
    for path, colour in zip(paths, ("#c8501e", "#1f5fa8"), strict=True):
        places = (np.clip(np.nan_to_num(path, nan=extent) * (1, -1), -extent, extent) / extent + 1) * (size - 1) / 2
        pen.line([tuple(place) for place in places.tolist()], fill=colour)
    pen.line((size / 2 - 4, size / 2, size / 2 + 4, size / 2), fill="black")
    pen.line((size / 2, size / 2 - 4, size / 2, size / 2 + 4), fill="black")
    return panel


def plot_modes(found: dict[tuple[str, str], np.ndarray], wide: int = 300, high: int = 130) -> Image.Image:
    """Modes found (up, of 8) over the steps of a run (to the right): every seed in grey, their mean in blue; a row per loss."""
    rows = list(dict.fromkeys(loss for loss, _ in found))
    picture = Image.new("RGB", (wide * len(toy.PENALTIES), high * len(rows)), "white")
    for (loss, penalty), values in found.items():
        panel = Image.new("RGB", (wide - 8, high - 8), "#f4f4f4")
        pen = ImageDraw.Draw(panel)
        counts = values.sum(axis=2)
        for line, colour in (*((line, "#b4b4b4") for line in counts), (counts.mean(axis=0), "#1f5fa8")):
            across = np.linspace(0, panel.width - 1, len(line))
            pen.line(list(zip(across.tolist(), (panel.height - 4 - line * (panel.height - 24) / 8).tolist(), strict=True)), colour)
        pen.text((6, 2), f"{loss}, {penalty}", "black")
        picture.paste(panel, (toy.PENALTIES.index(penalty) * wide, rows.index(loss) * high))
    return picture


if __name__ == "__main__":
    study("convergence", PRESETS, train, description=__doc__ or "")
