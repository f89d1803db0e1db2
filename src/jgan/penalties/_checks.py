"""Rules that all penalties share."""

import jax.numpy as jnp

from jgan.checks import along_rows as along_rows
from jgan.checks import lift as lift
from jgan.checks import same_shape as same_shape
from jgan.types import Array


def one_logit_each(logits, x) -> None:
    """Raises ValueError unless a critic gave one logit for each row of x."""
    if jnp.ndim(logits) != 1 or logits.shape != x.shape[:1]:
        raise ValueError(
            f"expected a critic [N, ...] -> [N], found {x.shape} -> {jnp.shape(logits)}; "
            "drop trailing axes, or reduce patch logits to one number per example (their mean, or their sum)"
        )


def batched_floats(**arrays) -> None:
    """Raises unless all named arrays are floats (TypeError) with a batch axis (ValueError)."""
    for name, array in arrays.items():
        if jnp.ndim(array) == 0:
            raise ValueError(f"expected {name} of shape [N, ...], found (); add a batch axis in front")
        if not jnp.issubdtype(jnp.asarray(array).dtype, jnp.floating):
            found = jnp.asarray(array).dtype
            raise TypeError(f"expected {name} as floats (images in [-1, 1]), found {found}; convert it, for nothing flows back to integers")


def sum_squares(x) -> Array:
    """Returns the sum of squares over all axes but the first: [N, ...] -> [N], in float32 or better."""
    return jnp.sum(jnp.square(lift(x)), axis=tuple(range(1, x.ndim)))


def safe_sqrt(x) -> Array:
    """Returns the square root of x >= 0 with gradient 0 (not NaN) at 0."""
    positive = x > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, x, 1.0)), 0.0)


def norm(x) -> Array:
    """Returns the Euclidean norm over all axes but the first: [N, ...] -> [N]."""
    return safe_sqrt(sum_squares(x))
