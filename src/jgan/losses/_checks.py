"""Rules that all losses share."""

import jax
import jax.numpy as jnp

from jgan.checks import along_rows as along_rows
from jgan.checks import lift as lift
from jgan.checks import same_shape as same_shape
from jgan.types import AdversarialLoss, Array

_KINDS = {"relativistic": "relativistic loss", "matching": "matching-aware loss", "lists": "loss of lists of logits"}


def can_wrap(wrapper: str, loss: AdversarialLoss, *refused: str) -> None:
    """Raises ValueError where a loss has a field set that its wrapper refuses."""
    for field in refused:
        if getattr(loss, field):
            raise ValueError(f"expected a loss that {wrapper} can wrap, found a {_KINDS[field]}; jgan.losses.wrappers says what nests")


def has_rank(rank: int, layout: str, **arrays) -> None:
    """Raises ValueError unless all named arrays have this rank."""
    for name, array in arrays.items():
        if jnp.ndim(array) != rank:
            raise ValueError(f"expected {name} of shape {layout}, found {jnp.shape(array)}; reshape it to {rank} axes")


def at_least_rank(rank: int, layout: str, **arrays) -> None:
    """Raises ValueError unless all named arrays have this rank or more."""
    for name, array in arrays.items():
        if jnp.ndim(array) < rank:
            raise ValueError(f"expected {name} of shape {layout}, found {jnp.shape(array)}; keep the batch axis first")


def one_label_per_row(label, **arrays) -> None:
    """Raises unless label is integer [N] and every named array is [N, ...]."""
    if jnp.ndim(label) != 1 or not jnp.issubdtype(jnp.asarray(label).dtype, jnp.integer):
        found = f"{jnp.asarray(label).dtype} {jnp.shape(label)}"
        raise ValueError(f"expected label as integers of shape [N], found {found}; pass class indices, not one-hot rows")
    for name, array in arrays.items():
        if jnp.ndim(array) == 0 or jnp.shape(array)[0] != jnp.shape(label)[0]:
            rows = jnp.shape(label)[0]
            raise ValueError(f"expected {name} with {rows} rows as label has, found {jnp.shape(array)}; give one label per row")


def per_example(x) -> Array:
    """Returns the mean over all axes but the first: [N, ...] -> [N]."""
    return jnp.mean(x, axis=tuple(range(1, x.ndim)))


def unit(x) -> Array:
    """Returns x divided by its Euclidean norm over the last axis, and 0 for 0."""
    x = lift(x)
    return x * jax.lax.rsqrt(jnp.maximum(jnp.sum(jnp.square(x), axis=-1, keepdims=True), 1e-12))
