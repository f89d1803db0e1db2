"""A pool of earlier generated images, from which a discriminator learns not to forget them."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jgan.types import Array, Key


class Pool(NamedTuple):
    """Up to P images."""

    images: Array  # [P, ...]
    filled: Array  # int32: how many of them are there


def new_pool(size: int, shape: tuple[int, ...], dtype=jnp.float32) -> Pool:
    """Returns an empty pool of up to `size` images of a shape (H, W, C)."""
    return Pool(jnp.zeros((size, *shape), dtype), jnp.zeros((), jnp.int32))


def exchange(key: Key, pool: Pool, images: Array) -> tuple[Array, Pool]:
    """Gives new images into the pool and takes as many out, for the discriminator.

    One image after the other: while the pool is not full the image is kept and also returned; after that, with probability 1/2, it takes
    the place of a random one, which is returned, and otherwise it is returned itself. Shrivastava et al. 2016, section 2.3
    (https://arxiv.org/abs/1612.07828), with a pool of 50 as in section 4 of Zhu et al. 2017 (https://arxiv.org/abs/1703.10593).

    Args:
      key: drawn from once.
      pool: of `new_pool`; one of size 0 returns the new images.
      images: [N, ...].

    Returns:
      images [N, ...] and the pool after that.

    >>> pool = new_pool(2, (1,))
    >>> out, pool = exchange(jax.random.key(0), pool, jnp.asarray([[1.0], [2.0]]))
    >>> out.ravel().tolist(), pool.images.ravel().tolist(), int(pool.filled)
    ([1.0, 2.0], [1.0, 2.0], 2)
    """
    size = pool.images.shape[0]
    if size == 0:
        return images, pool
    key_place, key_swap = jax.random.split(key)
    places = jax.random.randint(key_place, images.shape[:1], 0, size)
    swaps = jax.random.bernoulli(key_swap, 0.5, images.shape[:1])

    def one(pool, new):
        image, place, swap = new
        full = pool.filled == size
        place = jnp.where(full, place, pool.filled)
        stored = pool.images[place]
        kept = jnp.where(full & ~swap, stored, image)
        after = Pool(pool.images.at[place].set(kept), jnp.minimum(pool.filled + 1, size))
        return after, jnp.where(full & swap, stored, image)

    pool, out = jax.lax.scan(one, pool, (images, places, swaps))
    return out, pool
