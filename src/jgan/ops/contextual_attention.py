"""Contextual attention: features of a hole are composed of patches from around it.

Source: Yu et al. 2018, "Generative Image Inpainting with Contextual Attention", section 4.1 (https://arxiv.org/abs/1801.07892).
"""

import jax
import jax.numpy as jnp

from jgan.types import Array

RATE = 2  # patches are compared at 1 / RATE of the size
SCALE = 10.0  # of the softmax
REACH = 1  # neighbours on each side from which scores propagate: a kernel of 3
MOST = 2**14  # patches compared with each other, whose scores take a gigabyte
PENALTY = 1000.0  # on the logits of patches that are hidden: any known patch comes first


def contextual_attention(features: Array, hole: Array) -> Array:
    """Computes features [N, H, W, C] of weighted patches of the same image; H and W are even, the dtype is kept.

    Patches f of 3 x 3 at half the size are compared with those that hold no pixel of the hole:

        s[p, q] = <f_p / |f_p|, f_q / |f_q|>,   a = softmax_q(SCALE s),   a[p, q] <- sum_i a[p + i, q + i] / sum over q

    the last for i along rows, then along columns; then patches of 4 x 4 of the features are laid at p with the weights a[p, q], and means
    are taken where they overlap. Each image has its mask. Where no patch is wholly known, those with the least of the hole count.

    Args:
      features: [N, H, W, C].
      hole: [N, H / 2, W / 2, 1], 1 wherever a pixel is hidden, else 0.

    Raises:
      ValueError: for odd sides, a hole of another size, or more than MOST patches.

    >>> contextual_attention(jnp.ones((1, 8, 8, 4)), jnp.zeros((1, 4, 4, 1))).shape
    (1, 8, 8, 4)
    """
    n, height, width, channels = features.shape
    small = height // RATE, width // RATE
    if height % RATE or width % RATE or hole.shape != (n, *small, 1):
        raise ValueError(f"expected features with even sides and a hole of half their size, found {features.shape} and {hole.shape}")
    if small[0] * small[1] > MOST:
        raise ValueError(f"expected at most {MOST} patches to compare, found {small[0]} x {small[1]}; make the image smaller")
    exact = features.astype(jnp.float32)
    keys = patches(exact[:, ::RATE, ::RATE], 3, 1, 1).reshape(n, small[0] * small[1], -1)
    keys = keys * jax.lax.rsqrt(jnp.maximum(jnp.sum(jnp.square(keys), axis=2, keepdims=True), 1e-8))
    hidden = jnp.mean(patches(hole.astype(jnp.float32), 3, 1, 1), axis=(3, 4)).reshape(n, 1, -1)
    weights = jax.nn.softmax(SCALE * jnp.einsum("npc,nqc->npq", keys, keys) - PENALTY * hidden, axis=2)
    weights = propagated(propagated(weights.reshape(n, *small, *small), 1), 2).reshape(n, keys.shape[1], -1)
    weights = weights / jnp.sum(weights, axis=2, keepdims=True)

    def large(x):
        return patches(x, 2 * RATE, RATE, RATE // 2)

    values = large(exact)
    found = jnp.einsum("npq,nqv->npv", weights, values.reshape(n, keys.shape[1], -1)).reshape(values.shape)
    laid, counts = (jax.linear_transpose(large, exact)(x)[0] for x in (found, jnp.ones_like(values)))
    return (laid / counts).astype(features.dtype)


def patches(x: Array, size: int, stride: int, padding: int) -> Array:
    """Computes the patches [N, h, w, size size, C] of images [N, H, W, C] with zeros around them; its adjoint lays patches back.

    >>> patches(jnp.ones((2, 8, 6, 3)), 4, 2, 1).shape
    (2, 4, 3, 16, 3)
    """
    padded = jnp.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    ends = [side + 2 * padding - size + 1 for side in x.shape[1:3]]
    return jnp.stack([padded[:, i : i + ends[0] : stride, j : j + ends[1] : stride] for i in range(size) for j in range(size)], axis=3)


def propagated(weights: Array, axis: int) -> Array:
    """Sums weights [N, h, w, h, w] over neighbours of both patches: a[p, q] = sum_i a[p + i, q + i], i along an axis: 1 (h) or 2 (w).

    >>> propagated(jnp.eye(4).reshape(1, 1, 4, 1, 4), 2)[0, 0, :, 0].diagonal().tolist()
    [2.0, 3.0, 3.0, 2.0]
    """
    both = axis, axis + 2
    padded = jnp.pad(weights, [(REACH, REACH) if a in both else (0, 0) for a in range(5)])
    side = weights.shape[axis]
    shifted = [
        jax.lax.slice_in_dim(jax.lax.slice_in_dim(padded, i, i + side, axis=both[0]), i, i + side, axis=both[1])
        for i in range(2 * REACH + 1)
    ]
    return sum(shifted[1:], shifted[0])
