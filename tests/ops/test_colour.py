import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.ops import colour
from jgan.ops.images import to_float

LAB = {  # sRGB: L*, a*, b* under D65, as colour calculators print them
    (255, 0, 0): (53.24, 80.09, 67.20),
    (0, 255, 0): (87.73, -86.18, 83.18),
    (0, 0, 255): (32.30, 79.19, -107.86),
    (255, 255, 255): (100.0, 0.0, 0.0),
    (119, 119, 119): (50.03, 0.0, 0.0),
    (5, 5, 5): (1.37, 0.0, 0.0),  # on the straight parts of both curves
    (0, 0, 0): (0.0, 0.0, 0.0),
}


@pytest.mark.parametrize("rgb", LAB)
def test_known_colours(rgb):
    lab = colour.rgb_to_lab(to_float(np.asarray(rgb, np.uint8)))
    np.testing.assert_allclose(lab, LAB[rgb], atol=0.02)


def test_there_and_back():
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), np.uint8)
    again = jax.jit(lambda x: colour.lab_to_rgb(colour.rgb_to_lab(x)))(to_float(images))
    np.testing.assert_allclose(again, to_float(images), atol=1e-4)
    assert colour.in_gamut(again).all()


def test_gradients_are_finite_in_black_and_white():
    for function in (colour.rgb_to_lab, colour.lab_to_rgb):
        for value in (-1.0, 0.0, 1.0):
            assert np.isfinite(jax.grad(lambda x, f=function: f(x).sum())(jnp.full(3, value))).all()


def test_luma_of_greys_is_their_value():
    greys = jnp.asarray([-1.0, -0.2, 0.0, 1.0])
    np.testing.assert_allclose(colour.luma(jnp.stack([greys] * 3, axis=-1))[:, 0], greys, atol=1e-6)


@pytest.mark.parametrize("function", [colour.luma, colour.rgb_to_lab, colour.lab_to_rgb])
@pytest.mark.parametrize("images", [np.zeros((2, 4, 4, 1), np.float32), np.zeros((2, 4, 4, 3), np.uint8), np.float32(1)])
def test_what_has_no_colour_is_refused(function, images):
    with pytest.raises(ValueError, match=r"expected floating-point images \[\.\.\., 3\], found"):
        function(images)
