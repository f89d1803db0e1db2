import numpy as np

from jgan.evaluation.classified import Classified, class_numbers, right_numbers


def test_numbers():
    drawn = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    label = np.arange(200) % 4
    real, fake = Classified(drawn, 50 * np.eye(4)[label], label), Classified(drawn + np.float32(2), 50 * np.eye(4)[label // 2 * 2], label)
    same, other = class_numbers(real, real), class_numbers(fake, real)
    np.testing.assert_allclose([same["frechet_distance"], other["frechet_distance"]], [0, 12], atol=1e-5)
    np.testing.assert_allclose([same["inception_score"], other["inception_score"]], [4, 2], rtol=1e-3)
    assert (same["classes"], other["classes"], other["class_distance"]) == (4, 2, 0.5)
    assert (same["right"], same["right_least"], other["right"], other["right_least"]) == (1, 1, 0.5, 0)
    assert "right" not in class_numbers(fake._replace(label=None), real)
    assert right_numbers(np.eye(2)[[0, 1, 1]], np.asarray([0, 0, 1])) == {"right": 2 / 3, "right_least": 0.5}
