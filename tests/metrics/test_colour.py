import numpy as np
import pytest

from jgan.metrics import colourfulness, delta_e


def test_colourfulness_of_two_colours():
    image = np.zeros((1, 2, 2, 3), np.uint8)
    image[:, 0] = (255, 0, 0)  # rg 255, yb 127.5 above; 0 and 0 below
    expected = np.hypot(127.5, 63.75) + 0.3 * np.hypot(127.5, 63.75)
    np.testing.assert_allclose(colourfulness(image), [expected], rtol=1e-6)
    np.testing.assert_allclose(colourfulness(image.astype(np.float32) / 127.5 - 1), [expected], rtol=1e-5)


def test_each_image_has_its_colourfulness():
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), np.uint8)
    images[1] = images[1, :, :, :1]  # grey
    values = colourfulness(images)
    assert values[1] == 0 and values[0] > 50 and values[0] != values[2]


def test_delta_e_broadcasts():
    palette = np.asarray([[50.0, 0.0, 0.0], [50.0, 30.0, 40.0]], np.float32)
    pixels = np.full((2, 3, 1, 3), 50.0, np.float32) * np.asarray([1.0, 0.0, 0.0], np.float32)
    np.testing.assert_allclose(delta_e(pixels, palette[None, None]), np.tile([0.0, 50.0], (2, 3, 1)))


@pytest.mark.parametrize(
    "call",
    [
        lambda: colourfulness(np.zeros((1, 4, 4, 1))),
        lambda: delta_e(np.zeros((4, 2)), np.zeros(3)),
        lambda: delta_e(np.zeros((4, 3)), np.zeros((5, 3))),
    ],
)
def test_what_has_no_colour_is_refused(call):
    with pytest.raises(ValueError, match=r"expected .*3\].*, found"):
        call()
