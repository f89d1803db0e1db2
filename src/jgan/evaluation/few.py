"""What augmentation, and generated examples, add to a network that learns from few: one protocol for all data and tasks.

Several subsets of a training set are each learned several times by every arm: without augmentation, with a classic one (mirrored, turned,
moved, recoloured), with that and classes in balance, with that and mixup, and with that and generated examples. Within a pair, one subset
and one seed, all arms begin with the same weights and make the same number of steps on batches of the same size, so that what differs is
the augmentation; differences are taken pair by pair. The share of generated examples in a batch is chosen for each pair on validation
examples, never on test ones. An arm is a distribution over the examples of its subset and two switches, so one program serves all arms,
and it trains the networks of an arm side by side.

The gain of generated examples was claimed by Antoniou et al. 2017, https://arxiv.org/abs/1711.04340, and Frid-Adar et al. 2018,
https://arxiv.org/abs/1801.02385. Comparisons mislead without a classic arm, with more steps for the augmented one, or with a generator that
has seen more than the subset.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jgan.checks import along_rows
from jgan.evaluation.few_results import CLASSIC, Scores
from jgan.evaluation.few_tasks import Task
from jgan.ops.images import to_float
from jgan.sharding import seed_key
from jgan.types import Fields


class Arm(NamedTuple):
    """A way to learn a subset."""

    classic: bool = True  # images are changed at random
    balanced: bool = False  # classes are drawn equally often
    mixup: bool = (
        False  # every example is mixed with another, in a uniform proportion (Zhang et al. 2017, https://arxiv.org/abs/1710.09412)
    )
    pool: str | None = None  # generated examples ...
    share: float = 0.0  # ... and their share of a batch


ARMS = {
    "none": Arm(classic=False),
    CLASSIC: Arm(),
    "classic, balanced": Arm(balanced=True),
    "classic + mixup": Arm(mixup=True),
}


def draw_subsets(labels: np.ndarray, counts: Sequence[int], subsets: int, seed: int = 0) -> np.ndarray:
    """Draws indices of examples, int [subsets, sum of counts], without replacement within a subset.

    Args:
      labels: int [N].
      counts: how many of each class.
      subsets: how many subsets; their examples may overlap.
      seed: of the draw.

    Raises:
      ValueError: if a class has too few examples.

    >>> draw_subsets(np.asarray([0, 1, 0, 1, 1]), (2, 1), 3)[:, :2].tolist()
    [[0, 2], [0, 2], [0, 2]]
    """
    of_class = [np.flatnonzero(labels == one) for one in range(len(counts))]
    short = {one: len(of_class[one]) for one, count in enumerate(counts) if len(of_class[one]) < count}
    if short:
        raise ValueError(f"expected {list(counts)} examples of the classes, found class: number = {short}; draw fewer")
    generator = np.random.default_rng(seed)

    def draw():
        return [np.sort(generator.choice(rows, count, replace=False)) for rows, count in zip(of_class, counts, strict=True)]

    return np.stack([np.concatenate(draw()) for _ in range(subsets)])


def few_scores(
    task: Task,
    subsets: Fields,
    validation: Fields,
    test: Fields,
    pools: Mapping[str, Fields] | None = None,
    *,
    arms: Mapping[str, Arm] = ARMS,
    shares: Sequence[float] = (0.25, 0.5, 0.75),
    seeds: Sequence[int] = (0, 1),
    steps: int = 400,
    batch: int = 32,
    at_once: int = 4,
) -> dict[str, Scores]:
    """Trains a network for every arm, subset and seed, and scores it on examples that none has seen.

    Args:
      task: of `classification` or `segmentation`.
      subsets: the few examples: `image` uint8 [S, N, H, W, C] and the field of the task, such as `label` int32 [S, N].
      validation: `image` [V, H, W, C] and the field of the task, on which the shares of generated examples are chosen.
      test: likewise, on which all arms are scored.
      pools: generated examples by the name of what made them: `image` [S, M, H, W, C] and the field, drawn for subset s by a generator that
        has seen no more of the classes at hand than subset s. NAME adds the arm "classic + NAME".
      arms: of which "classic" is one.
      shares: of generated examples in a batch, among which each pair of subset and seed chooses by its validation score.
      seeds: of weights and batches.
      steps, batch: of every training, by Adam with a cosine decay from 2e-3.
      at_once: networks of an arm that are trained side by side, best a divisor of their number. Many take long to compile for CPUs, and
        gain nothing there; an accelerator takes all.

    Returns:
      By arm, in the order of `arms`, then of `pools`.

    Raises:
      ValueError: if fields are missing or do not fit each other, there is no arm "classic", or there are no classes to balance.

    >>> from jgan.evaluation.few_tasks import classification
    >>> label = np.arange(8, dtype=np.int32) % 2
    >>> seen = {"image": np.full((8, 16, 16, 1), 40, np.uint8) + 160 * label.astype(np.uint8)[:, None, None, None], "label": label}
    >>> both = {name: np.stack([values, values]) for name, values in seen.items()}
    >>> task = classification(2, lambda key, images: images[:, :, ::-1])
    >>> with jax.numpy_dtype_promotion("standard"):
    ...     scores = few_scores(task, both, seen, seen, {"copies": both}, steps=3, batch=4)
    >>> list(scores), scores["classic + copies"].test.shape
    (['none', 'classic', 'classic, balanced', 'classic + mixup', 'classic + copies'], (2, 2))
    """
    pools = {} if pools is None else pools
    _check(task, subsets, validation, test, pools, arms)
    parts = [subsets, *pools.values()]
    examples = {name: jnp.asarray(np.concatenate([part[name] for part in parts], axis=1)) for name in ("image", task.field)}
    shown = jnp.asarray(np.concatenate([validation["image"], test["image"]]))
    learn = jax.jit(partial(_learn_all, task, steps, batch, at_once))
    keys = jnp.stack([seed_key(int(seed)) for seed in seeds])

    def scores_of(arm):
        odds, switches = _odds(task, arm, subsets, pools), map(float, (arm.classic, arm.mixup))
        logits, count = np.asarray(learn(examples, odds, *switches, keys, shown)), len(validation["image"])
        found = _scored(task, logits[:, :, count:], test), _scored(task, logits[:, :, :count], validation)
        return Scores(*found, np.full(found[0].shape, arm.share))

    return {name: _chosen([scores_of(arm) for arm in some]) for name, some in _candidates(arms, pools, shares)}


def _check(task, subsets, validation, test, pools, arms):
    sets = {"subsets": (subsets, 2), "validation": (validation, 1), "test": (test, 1)} | {name: (pool, 2) for name, pool in pools.items()}
    count = len(subsets["image"])
    for name, (fields, axes) in sets.items():
        missing = [field for field in ("image", task.field) if field not in fields]
        if missing:
            raise ValueError(f"expected {name} with image and {task.field}, found {', '.join(fields)}; add {', '.join(missing)}")
        for field in ("image", task.field):
            shape, first = fields[field].shape, [count] if axes == 2 else []
            expected = (*first, *fields["image"].shape[len(first) : axes], *subsets[field].shape[2:])
            if shape != expected:
                raise ValueError(f"expected {field} of {name} as {list(expected)}, found {list(shape)}; give all sets alike")
    if CLASSIC not in arms:
        raise ValueError(f"expected an arm {CLASSIC!r}, with which the others are compared, found {', '.join(arms)}; add it")
    if any(arm.balanced for arm in arms.values()) and subsets[task.field].ndim != 2:
        raise ValueError(f"expected no balanced arm, since {task.field} has no classes; leave it out of the arms")


def _candidates(arms, pools, shares) -> Iterator[tuple[str, list[Arm]]]:
    """Names of arms, and what each may be."""
    for name, arm in arms.items():
        yield name, [arm]
    for name in pools:
        yield f"{CLASSIC} + {name}", [Arm(pool=name, share=share) for share in shares]


def _chosen(candidates: Sequence[Scores]) -> Scores:
    """Of each pair the candidate with the best validation score, the first of several."""
    best = np.argmax([one.validation for one in candidates], axis=0)[None]
    return Scores(*(np.take_along_axis(np.stack(values), best, axis=0)[0] for values in zip(*candidates, strict=True)))


def _odds(task: Task, arm: Arm, subsets: Fields, pools: Mapping[str, Fields]) -> np.ndarray:
    """The probability of an arm to draw an example or one before it, float32 [S, N + all of the pools]."""
    count, size = subsets["image"].shape[:2]
    of_real = np.full((count, size), 1.0 / size)
    if arm.balanced:
        of_real = np.stack([_balanced(np.asarray(values)) for values in subsets[task.field]])
    of_pools = [np.full(pool["image"].shape[:2], float(name == arm.pool) / pool["image"].shape[1]) for name, pool in pools.items()]
    odds = np.concatenate([(1 - arm.share) * of_real, *(arm.share * of_pool for of_pool in of_pools)], axis=1)
    return np.cumsum(odds, axis=1).astype(np.float32)


def _balanced(labels):
    """The probability of each example where all classes are equally likely."""
    classes, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return 1.0 / (len(classes) * counts[inverse])


def _scored(task, logits, fields):
    """Scores [S, K] of logits [S, K, N, ...]."""
    return np.asarray([[task.score(one, np.asarray(fields[task.field])) for one in of_subset] for of_subset in logits])


def _learn_all(task, steps, batch, at_once, examples, odds, classic, mixup, keys, shown):
    """Logits [S, K, ...] of the images shown, of a network for every subset and key."""

    def of_pair(pair):
        subset, key = pair
        seen = {name: values[subset] for name, values in examples.items()}
        return _learn(task, steps, batch, seen, odds[subset], classic, mixup, jax.random.fold_in(key, subset), shown)

    subsets, seeds = (numbers.ravel() for numbers in jnp.indices((odds.shape[0], keys.shape[0])))
    logits = jax.lax.map(of_pair, (subsets, keys[seeds]), batch_size=at_once)
    return logits.reshape(odds.shape[0], keys.shape[0], *logits.shape[1:])


def _learn(task, steps, batch, examples, odds, classic, mixup, key, shown):
    """Logits of the images shown, of one network."""
    optimizer, (init_key, step_key) = optax.adam(optax.cosine_decay_schedule(2e-3, steps)), jax.random.split(key)
    params = task.init(init_key, to_float(examples["image"][:1]))

    def loss_fn(params, images, target):
        return task.loss(task.apply(params, images), target)

    def step(number, carry):
        params, opt_state = carry
        drawn = _draw(task, batch, jax.random.fold_in(step_key, number), examples, odds, classic, mixup)
        updates, opt_state = optimizer.update(jax.grad(loss_fn)(params, *drawn), opt_state, params)
        return optax.apply_updates(params, updates), opt_state

    params, _ = jax.lax.fori_loop(0, steps, step, (params, optimizer.init(params)))
    return task.apply(params, to_float(shown))


def _draw(task, batch, key, examples, odds, classic, mixup):
    """Images and targets of a batch."""
    of_rows, of_classic, of_mixup = jax.random.split(key, 3)
    rows = jnp.minimum(jnp.searchsorted(odds, jax.random.uniform(of_rows, (batch,)), side="right"), odds.shape[0] - 1)
    images, target = to_float(examples["image"][rows]), task.encode(examples[task.field][rows])
    changed = task.classic(of_classic, images, target)
    pairs = [jnp.where(classic > 0, new, old) for new, old in zip(changed, (images, target), strict=True)]
    other = mixup * jax.random.uniform(of_mixup, (batch,))
    return [x + along_rows(other, x) * (jnp.roll(x, 1, axis=0) - x) for x in pairs]
