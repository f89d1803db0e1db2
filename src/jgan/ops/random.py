"""Large random arrays in few passes over memory: on CPUs the bits of `jax.random` come from loops over whole arrays."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from jgan.compat import define_prng_impl
from jgan.ops.primitive import fold_into_batch, primitive_of
from jgan.types import Array, Key

_ROTATIONS = (13, 15, 26, 6), (17, 29, 16, 24)
_PARITY = np.uint32(0x1BD11BDA)
_ODD = np.asarray([0x9E3779B1, 0x85EBCA77], np.uint32)  # of 2^32 over the golden ratio, and another one


def normal(key: Key, shape: tuple[int, ...]) -> Array:
    """Returns the numbers of `jax.random.normal` in float32, bit by bit; sooner for keys of Threefry and fewer than 2^32 numbers.

    Their bits are made in one pass, as JAX makes them by default (`jax_threefry_partitionable`).

    >>> key = jax.random.key(0, impl="threefry2x32")
    >>> bool(jnp.all(normal(key, (4, 5)) == jax.random.normal(key, (4, 5))))
    True
    """
    size = math.prod(shape)
    if not _one_pass(key, size):
        return jax.random.normal(key, shape, jnp.float32)
    return _from_bits(_threefry(key, jax.lax.iota(jnp.uint32, size).reshape(shape)))


def normal_columns(key: Key, rows: int, columns: tuple[int, ...]) -> tuple[Array, ...]:
    """Computes `normal(key, (rows, sum(columns)))`, cut into arrays of these numbers of columns, each of which is made by itself.

    >>> [part.shape for part in normal_columns(jax.random.key(0), 2, (3, 4))]
    [(2, 3), (2, 4)]
    """
    total, ends = sum(columns), np.cumsum(columns)
    if not _one_pass(key, rows * total):
        return tuple(jnp.split(normal(key, (rows, total)), ends[:-1].tolist(), axis=1))
    first = jax.lax.iota(jnp.uint32, rows)[:, None] * np.uint32(total)
    within = [jax.lax.iota(jnp.uint32, n)[None] + np.uint32(end - n) for n, end in zip(columns, ends, strict=True)]
    return tuple(_from_bits(_threefry(key, first + column)) for column in within)


def initial_key(key: Key) -> Key:
    """Returns a key for the many draws of an initialisation, of a generator whose programs are small and so compile fast.

    Every number is a hash of its place and of the key, as are the keys that come of it: each word goes through the finalizer of MurmurHash3
    (Appleby 2011, https://github.com/aappleby/smhasher/wiki/MurmurHash3), which is a bijection. That is enough for the parameters that a
    network begins with; training draws by Threefry.

    >>> key = initial_key(jax.random.key(0))
    >>> one, other = jax.random.split(key)
    >>> jax.random.normal(one, (2,)).shape, bool(jax.random.bits(one) == jax.random.bits(other))
    ((2,), False)
    """
    return jax.random.wrap_key_data(jax.random.bits(key, (2,), jnp.uint32), impl=_HASHED)


def _one_pass(key, size):
    return jax.random.key_impl(key) == "threefry2x32" and size < 2**32


def _from_bits(bits):
    """Standard normal numbers from uint32."""
    return np.float32(np.sqrt(2)) * jax.lax.erf_inv(_uniform.bind(bits))


def _uniform_of_bits(bits):
    """Numbers in (-1, 1) from uint32."""
    unit = jax.lax.bitcast_convert_type(bits >> np.uint32(9) | np.uint32(0x3F800000), jnp.float32) - np.float32(1)  # in [0, 1)
    lowest = np.nextafter(np.float32(-1), np.float32(0))
    return jnp.maximum(lowest, unit * (np.float32(1) - lowest) + lowest)


def _uniform_on_cpu(bits):
    """The same behind a barrier, since XLA would make the bits anew in every pass of what follows."""
    return jax.lax.optimization_barrier(_uniform_of_bits(bits))


def _threefry(key, numbers):
    """Both words of Threefry-2x32 with 20 rounds, of numbers in uint32, joined by exclusive or.

    Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3", section 4, https://doi.org/10.1145/2063384.2063405.
    """
    first, second = jax.random.key_data(key)
    keys = first, second, first ^ second ^ _PARITY
    x, y = keys[0], numbers + keys[1]
    for i in range(5):
        for turn in _ROTATIONS[i % 2]:
            x = x + y
            y = x ^ (y << np.uint32(turn) | y >> np.uint32(32 - turn))
        x, y = x + keys[(i + 1) % 3], y + (keys[(i + 2) % 3] + np.uint32(i + 1))
    return x ^ y


def _finalized(x):
    """The finalizer of MurmurHash3, of uint32."""
    x = (x ^ x >> np.uint32(16)) * np.uint32(0x85EBCA6B)
    x = (x ^ x >> np.uint32(13)) * np.uint32(0xC2B2AE35)
    return x ^ x >> np.uint32(16)


def _derived(key, numbers, kind):
    """One key for each of an array of numbers; other ones for every kind."""
    words = [_finalized(word + _finalized(numbers * odd + np.uint32(kind))) for word, odd in zip(key, _ODD, strict=True)]
    return jnp.stack(words, axis=-1)


def _hashed_bits(key, width, shape):
    words = max(1, width // 32)
    numbers = jax.lax.iota(jnp.uint32, math.prod(shape) * words).reshape(*shape, words)
    bits = _finalized(_finalized(numbers * _ODD[0] + key[0]) + key[1])
    return jax.lax.bitcast_convert_type(bits, jnp.uint64) if width == 64 else (bits[..., 0] >> np.uint32(32 - width)).astype(f"uint{width}")


_HASHED = define_prng_impl(
    key_shape=(2,),
    seed=lambda seed: _derived(jnp.zeros(2, jnp.uint32), seed.astype(jnp.uint32), 0),
    split=lambda key, shape: _derived(key, jax.lax.iota(jnp.uint32, math.prod(shape)).reshape(shape), 1),
    random_bits=_hashed_bits,
    fold_in=lambda key, number: _derived(key, number.astype(jnp.uint32), 2),
    name="jgan_hashed",
    tag="hashed",
)
_uniform = primitive_of("jgan_uniform", _uniform_of_bits, cpu=_uniform_on_cpu)
fold_into_batch(_uniform)
