"""Random smooth maps of the plane, whose derivative is known: an affine one, and a thin plate that is bent a little.

T(z) = A z + b + sum_i w_i U(|z - c_i|), U(r) = r^2 log r^2, with the control points c_i on a grid (Bookstein 1989,
https://doi.org/10.1109/34.24792). Places are as in `jgan.ops.sampling`.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jgan.ops.sampling import pixel_places, sample_at
from jgan.types import Array, Key

POINTS = 5  # control points, each way


class Plate(NamedTuple):
    """N maps."""

    affine: Array  # [N, 2, 3]: A and b
    weights: Array  # [N, POINTS^2, 2]: w


def random_plate(key: Key, count: int, affine: float = 0.05, bending: float = 0.005) -> Plate:
    """Draws `count` maps: the identity, with normal deviates of the deviation `affine` on A and b, and weights of the deviation `bending`.

    The usual numbers are those of Siarohin et al. 2019, https://arxiv.org/abs/2003.00196.
    """
    of_affine, of_weights = jax.random.split(key)
    weights = bending * jax.random.normal(of_weights, (count, POINTS**2, 2))
    return Plate(jnp.eye(2, 3)[None] + affine * jax.random.normal(of_affine, (count, 2, 3)), weights)


def moved(plate: Plate, places: Array) -> Array:
    """Computes T of places [N, P, 2], some for each map.

    >>> still = random_plate(jax.random.key(0), 1, 0.0, 0.0)
    >>> moved(still, jnp.asarray([[[0.25, -0.5]]])).tolist()
    [[[0.25, -0.5]]]
    """
    away = places[:, :, None] - pixel_places(POINTS, POINTS).reshape(1, 1, -1, 2)
    squares = jnp.square(away).sum(axis=-1)
    bent = jnp.einsum("npc,nci->npi", squares * jnp.log(squares + 1e-9), plate.weights)
    return jnp.einsum("nij,npj->npi", plate.affine[..., :2], places) + plate.affine[:, None, :, 2] + bent


def slopes(plate: Plate, places: Array) -> Array:
    """Returns the derivative of T at places [N, P, 2]: [N, P, 2, 2], the last axis of the place."""
    along = [jnp.broadcast_to(direction[None, None], places.shape) for direction in jnp.eye(2)]
    return jnp.stack([jax.jvp(lambda z: moved(plate, z), (places,), (one,))[1] for one in along], axis=-1)


def seen_through(plate: Plate, images: Array) -> Array:
    """Computes images [N, H, W, C] as they look through the map: at the place z is what was at T(z)."""
    n, height, width, _ = images.shape
    grid = jnp.broadcast_to(pixel_places(height, width).reshape(1, -1, 2), (n, height * width, 2))
    return sample_at(images, moved(plate, grid).reshape(n, height, width, 2))
