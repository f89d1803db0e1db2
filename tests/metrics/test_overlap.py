import numpy as np
import pytest

from jgan.metrics.overlap import dice

SQUARE = np.zeros((1, 4, 4, 1), bool)
SQUARE[:, :2, :2] = True


@pytest.mark.parametrize(
    ("predicted", "expected"),
    [(SQUARE, 1.0), (~SQUARE, 0.0), (np.roll(SQUARE, 1, axis=1), 0.5), (np.zeros_like(SQUARE), 0.0), (np.ones_like(SQUARE), 8 / 20)],
)
def test_a_square(predicted, expected):
    np.testing.assert_allclose(dice(predicted, SQUARE), [expected])


def test_masks_are_measured_one_by_one():
    np.testing.assert_allclose(dice(np.concatenate([SQUARE, ~SQUARE]), np.concatenate([SQUARE, SQUARE])), [1.0, 0.0])


@pytest.mark.parametrize("predicted, truth", [(SQUARE, SQUARE[..., 0]), (SQUARE.astype(np.float32), SQUARE), (True, True)])
def test_what_is_no_mask(predicted, truth):
    with pytest.raises(ValueError, match=r"expected masks as bool \[N, ...\] of one shape, found"):
        dice(predicted, truth)
