"""Mixtures of Gaussians in the plane, learnt with every adversarial loss, without a penalty and with R1.

Papers:   8 Gaussians on a ring: Metz et al. 2016, https://arxiv.org/abs/1611.02163; 25 on a grid, and what is counted: Srivastava et
          al. 2017, https://arxiv.org/abs/1705.07761: of 2,500 samples those within three standard deviations of a centre are of high
          quality, and a mode is covered if one of them is its own.
Command:  python experiments/studies/toy.py                           (minutes on two cores)
Hardware: two CPU cores.
Scores:   the run writes table.md, plot.png and results.jsonl, mean and standard deviation over the seeds.

All runs have the same networks and optimizer, none is tuned: Wasserstein without a Lipschitz constraint, and boundary
equilibrium with an autoencoder that has no bottleneck, are out of their element. One program plays them all: the loss is chosen by number
in the compiled step, mixtures and seeds are axes of `jax.vmap`.
"""

import dataclasses
import json
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from PIL import Image, ImageDraw

from jgan import losses, penalties
from jgan.evaluation.provenance import provenance
from jgan.outputs.files import write_atomic
from jgan.ranges import Count, Rate, Seed, Several, Size
from jgan.run.config import to_plain
from jgan.run.folder import Folder
from jgan.run.main import study
from jgan.training import alternating
from jgan.types import Adaptive, AdversarialLoss, Array, Key, Network, Training


@dataclasses.dataclass(frozen=True)
class Config:
    """What a run is made of."""

    seeds: Count = 8
    """Runs per loss, penalty and mixture."""
    steps: Count = 3000
    """Updates of each player."""
    batch: Count = 32
    """Real points per step, and as many generated ones."""
    hidden: Size = 64
    """Units in each of the two hidden layers of both networks."""
    latent_size: Size = 2
    """Numbers in z."""
    learning_rate: Rate = 5e-3
    """Of Adam (beta 0.5 and 0.99), for both players, at first; it falls to 0 as a cosine."""
    r1_weight: Rate = 0.01
    """Weight of R1 where there is a penalty."""
    unit: Rate = 2.0
    """The unit in which the networks see points; the spacing of the grid, the radius of the ring."""
    samples: Several = 2500
    """Generated points that are counted, per run."""
    seed: Seed = 0
    """The first of the seeds."""


PRESETS = {"all": Config()}


class Mixture(NamedTuple):
    """Gaussians of equal weight and deviation."""

    centres: np.ndarray  # [K, 2]
    sigma: float

    def near(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The nearest centre of each point [..., 2], and whether the point is within three standard deviations of it."""
        distances = np.linalg.norm(points[..., None, :] - self.centres, axis=-1)
        return distances.argmin(-1), distances.min(-1) <= 3 * self.sigma


_ANGLES, _PLACES = np.arange(8) * np.pi / 4, np.arange(-4.0, 5.0, 2.0)
MIXTURES = {
    "ring": Mixture(2 * np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1), 0.02),
    "grid": Mixture(np.stack(np.meshgrid(_PLACES, _PLACES), axis=-1).reshape(-1, 2), 0.05),
}
PENALTIES = ("no penalty", "R1")
EQUILIBRIUM = losses.adaptive_boundary_equilibrium()
LOSSES = {
    "minimax": losses.minimax(),
    "non-saturating": losses.non_saturating(),
    "least squares": losses.least_squares(),
    "Wasserstein": losses.wasserstein(),
    "hinge": losses.hinge(),
    "relativistic": losses.relativistic(),
    "relativistic average": losses.relativistic_average(losses.non_saturating()),
    "dual contrastive": losses.dual_contrastive(),
    # The f-divergence of Jensen and Shannon is the non-saturating loss but for a constant.
    "Kullback-Leibler": losses.f_divergence("kullback_leibler"),
    "reverse Kullback-Leibler": losses.f_divergence("reverse_kullback_leibler"),
    "Pearson": losses.f_divergence("pearson"),
    "squared Hellinger": losses.f_divergence("squared_hellinger"),
    "total variation": losses.f_divergence("total_variation"),
    "energy based": losses.energy_based(),
    "boundary equilibrium": EQUILIBRIUM,
}
ENERGIES = ("energy based", "boundary equilibrium")


def multilayer(sizes: tuple[int, ...]) -> Network:
    """A network of dense layers with rectifiers between them, [N, sizes[0]] -> [N, sizes[-1]]."""

    def init(key, x):
        shapes = zip(jax.random.split(key, len(sizes) - 1), sizes[:-1], sizes[1:], strict=True)
        drawn = [(jax.random.normal(k, (n + 1, m)), n) for k, n, m in shapes]
        return [(d[:-1] * (2 / n) ** 0.5, d[-1]) for d, n in drawn], {}  # with random biases: kinks all over the plane

    def apply(params, state, x, key=None, train=False):
        for i, (weight, bias) in enumerate(params):
            x = (jax.nn.relu(x) if i else x) @ weight + bias[None]
        return x, state

    return Network(init, apply)


def pick(loss: Array) -> Adaptive:
    """The loss of this number in LOSSES, a traced integer, with the weight k of boundary equilibrium."""

    def at(balance):
        losses_now = [other.at(balance) if isinstance(other, Adaptive) else other for other in LOSSES.values()]
        sides = [other.discriminator for other in losses_now], [other.generator for other in losses_now]
        return AdversarialLoss(*(partial(jax.lax.switch, loss, side) for side in sides), relativistic=True)

    return EQUILIBRIUM._replace(at=at)


def logit_or_energy(discriminator: Network, wants_energy: Array) -> Network:
    """Of the two outputs [N, 2] of a discriminator the first, or if wanted the distance of a point from them, as an autoencoder."""

    def apply(params, state, x, **of_call):
        output, state = discriminator.apply(params, state, x, **of_call)
        return jnp.where(wants_energy, jnp.sqrt(jnp.sum(jnp.square(output - x), axis=1) + 1e-12), output[:, 0]), state

    return Network(discriminator.init, apply)


def build(config: Config, loss: Array, penalty_weight: float) -> Training:
    """The training algorithm of the loss of this number in LOSSES. A batch has the field `point` [N, 2]."""
    wants_energy = jnp.asarray([name in ENERGIES for name in LOSSES])[loss]
    adam = optax.adam(optax.cosine_decay_schedule(config.learning_rate, config.steps), b1=0.5, b2=0.99)
    return alternating(
        multilayer((config.latent_size, config.hidden, config.hidden, 2)),
        logit_or_energy(multilayer((2, config.hidden, config.hidden, 2)), wants_energy),
        pick(loss),
        adam,
        adam,
        latent_size=config.latent_size,
        field="point",
        penalties=[penalties.on_real(penalties.r1, penalty_weight)] if penalty_weight else [],
        half_life=0,
    )


def draw(key: Key, centres: Array, sigma: Array, n: int) -> Array:
    """Points [n, 2] of a mixture."""
    key_centre, key_noise = jax.random.split(key)
    return jax.random.choice(key_centre, centres, (n,)) + sigma * jax.random.normal(key_noise, (n, 2))


def play(config: Config, penalty_weight: float, loss: Array, centres: Array, sigma: Array, seed: Array) -> tuple[Array, Array]:
    """One run from its beginning to its end: points [samples, 2] of the generator as it is then, and how many updates were skipped."""
    keys = jax.random.split(jax.random.key(seed, impl="threefry2x32"), 4)
    training = build(config, loss, penalty_weight)

    def step(i, state):
        points = draw(jax.random.fold_in(keys[0], i), centres, sigma, config.batch)
        return training.step(state, {"point": points / config.unit}, keys[1])[0]

    state = jax.lax.fori_loop(0, config.steps, step, training.init(keys[2], {"point": jnp.zeros((config.batch, 2))}))
    z = jax.random.normal(keys[3], (config.samples, config.latent_size))
    points = config.unit * training.sample(state, keys[3], {"z": z})["point"]
    return points, state.generator.guard.skipped + state.discriminator.guard.skipped


@partial(jax.jit, static_argnums=(0, 1))
def play_all(config: Config, penalty_weight: float, loss_number: Array) -> tuple[Array, Array]:
    """`play` for all mixtures M and seeds S: points [M, S, samples, 2] and skipped updates [M, S]."""
    count = np.lcm.reduce([len(m.centres) for m in MIXTURES.values()])  # centres repeated up to one length: the mixture is the same
    centres = jnp.asarray([np.tile(m.centres, (count // len(m.centres), 1)) for m in MIXTURES.values()], jnp.float32)
    sigmas = jnp.asarray([m.sigma for m in MIXTURES.values()], jnp.float32)
    seeds = config.seed + jnp.arange(config.seeds)
    over_seeds = jax.vmap(partial(play, config, penalty_weight, loss_number), (None, None, 0))
    return jax.vmap(over_seeds, (0, 0, None))(centres, sigmas, seeds)


def count(mixture: Mixture, points: np.ndarray) -> dict[str, list[float]]:
    """Per seed, the modes covered and the share of high quality, of points [S, samples, 2]."""
    nearest, good = mixture.near(points)
    modes = [len(set(n[g].tolist())) for n, g in zip(nearest, good, strict=True)]
    return {"modes": modes, "high_quality": good.mean(axis=1).round(4).tolist()}


def train(folder: Folder, config: Config) -> None:
    """Plays all runs, into the folder."""
    if (folder.path / "results.jsonl").exists():
        raise ValueError(f"{folder.path} holds a run of this kind, which cannot be resumed; start a new one")
    begun, results, shown = time.perf_counter(), [], {}
    protocol = {**to_plain(config), **provenance()}
    runs = [(loss, penalty) for loss in LOSSES for penalty in PENALTIES]
    with ThreadPoolExecutor(2) as two:  # at a time: one alone does not keep two cores busy
        for (loss, penalty), (points, skipped) in zip(runs, two.map(partial(_played, config), runs), strict=True):
            for i, (name, mixture) in enumerate(MIXTURES.items()):
                which = {"loss": loss, "penalty": penalty, "mixture": name}
                results.append({**which, **count(mixture, points[i]), "skipped": skipped[i].tolist(), "protocol": protocol})
                shown[loss, penalty, name] = points[i, 0]
            write_atomic(folder.path / "results.jsonl", "".join(json.dumps(r) + "\n" for r in results))
            print(f"{time.perf_counter() - begun:4.0f} s: {loss}, {penalty}", flush=True)
    write_atomic(folder.path / "table.md", table(results) + "\n")
    plot(shown).save(folder.path / "plot.png")
    print(f"\n{table(results)}\n\n{folder.path / 'plot.png'}")


def _played(config, which):
    loss, penalty = which
    weight = config.r1_weight if penalty == "R1" else 0.0
    return jax.device_get(play_all(config, weight, jnp.int32(list(LOSSES).index(loss))))


def table(results: list[dict]) -> str:
    """Results as Markdown, a row per loss: mean ± standard deviation over the seeds."""
    columns = [(mixture, penalty) for mixture in MIXTURES for penalty in PENALTIES]
    head = [f"{m}, {p}: {what}" for m, p in columns for what in ("modes", "high quality")]
    lines = [["loss", *head], ["---"] * (1 + len(head))]
    for loss in dict.fromkeys(r["loss"] for r in results):
        found = {(r["mixture"], r["penalty"]): r for r in results if r["loss"] == loss}
        lines.append([loss, *(cell for c in columns for cell in _cells(found[c], len(MIXTURES[c[0]].centres)))])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(result, modes):
    share = 100 * np.asarray(result["high_quality"])
    return f"{np.mean(result['modes']):.1f} ± {np.std(result['modes']):.1f} of {modes}", f"{share.mean():.0f} ± {share.std():.0f} %"


def plot(points: dict[tuple[str, str, str], np.ndarray], size: int = 150, margin: int = 150) -> Image.Image:
    """Samples of the first seed (blue within three standard deviations of a centre, else red) over the centres: a row per loss."""
    rows, columns = list(LOSSES), [(mixture, penalty) for mixture in MIXTURES for penalty in PENALTIES]
    picture = Image.new("RGB", (margin + size * len(columns), 20 + size * len(rows)), "white")
    pen = ImageDraw.Draw(picture)
    for j, (name, penalty) in enumerate(columns):
        pen.text((margin + j * size + 8, 4), f"{name}, {penalty}", "black")
    for i, loss in enumerate(rows):
        pen.text((8, 20 + (i + 0.5) * size), loss, "black")
        for j, (name, penalty) in enumerate(columns):
            panel = _panel(MIXTURES[name], points[loss, penalty, name], size - 4)
            picture.paste(panel, (margin + j * size, 20 + i * size))
    return picture


def _panel(mixture, points, size):
    extent = 1.3 * np.abs(mixture.centres).max()
    panel = Image.new("RGB", (size, size), "#f4f4f4")
    pen = ImageDraw.Draw(panel)

    def place(xy):
        return (np.clip(np.nan_to_num(xy), -extent, extent) / extent + 1) * (size - 1) / 2

    for x, y in place(mixture.centres):
        pen.ellipse((x - 3, y - 3, x + 3, y + 3), outline="#9a9a9a")
    for (x, y), good in zip(place(points[:1000]), mixture.near(points[:1000])[1], strict=True):
        pen.point((x, y), "#1f5fa8" if good else "#c8501e")
    return panel


if __name__ == "__main__":
    study("toy", PRESETS, train, description=__doc__ or "")
