import jax.numpy as jnp
import numpy as np
import pytest

from jgan import losses

IMAGES, TEXTS = (np.random.default_rng(seed).normal(size=(4, 3)).astype(np.float32) for seed in (0, 1))
SAME = np.eye(4, dtype=bool) | np.eye(4, dtype=bool)[[1, 0, 3, 2]]


@pytest.mark.parametrize("same", [None, SAME], ids=["alone", "of one caption"])
def test_against_sums(same):
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (IMAGES, TEXTS)]
    s = np.exp(3.0 * unit[0] @ unit[1].T)
    left_out = np.zeros((4, 4), bool) if same is None else same & ~np.eye(4, dtype=bool)
    expected = []
    for i in range(4):
        image = s[i, i] / sum(s[i, j] for j in range(4) if not left_out[i, j])
        text = s[i, i] / sum(s[j, i] for j in range(4) if not left_out[j, i])
        expected.append(-(np.log(image) + np.log(text)) / 2)
    np.testing.assert_allclose(losses.image_text_contrastive(IMAGES, TEXTS, 3.0, same), expected, rtol=1e-5)


def test_refused():
    with pytest.raises(ValueError, match="shape"):
        losses.image_text_contrastive(jnp.ones((4, 3)), jnp.ones((4, 2)), 1.0)
