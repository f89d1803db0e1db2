import math

import numpy as np
import pytest

from jgan.metrics.likelihood import bits_per_dimension


def test_nats_of_whole_images_become_bits_per_dimension():
    nll = np.array([12.0, 24.0]) * math.log(2.0)
    np.testing.assert_allclose(bits_per_dimension(nll, (2, 2, 3)), [1.0, 2.0])


@pytest.mark.parametrize("shape", [(), (28, 0, 1), (2.5, 2, 1), (-1, 2)])
def test_shapes_that_are_none_are_refused(shape):
    with pytest.raises(ValueError, match="shape .* of one image"):
        bits_per_dimension(1.0, shape)
