import jax.numpy as jnp
import numpy as np
import pytest

from jgan.ops.images import to_float, to_uint8

ALL = np.arange(256, dtype=np.uint8)


@pytest.mark.parametrize("library", [np, jnp])
def test_every_number_comes_back(library):
    images = library.asarray(ALL)
    there = to_float(images)
    assert there.dtype == np.float32 and (there.min(), there.max()) == (-1.0, 1.0)
    back = to_uint8(there)
    assert isinstance(back, type(images)) and back.dtype == np.uint8
    np.testing.assert_array_equal(back, ALL)


def test_images_that_are_so_already_stay():
    assert to_uint8(ALL) is ALL
    x = np.zeros(3, np.float16)
    assert to_float(x) is x


def test_numbers_outside_are_clipped_and_half_ones_counted_in_float32():
    assert to_uint8(jnp.array([-7.0, 7.0, 0.0039], jnp.bfloat16)).tolist() == [0, 255, 128]


def test_other_numbers_are_refused():
    with pytest.raises(TypeError, match="found int32"):
        to_float(np.zeros(3, np.int32))
