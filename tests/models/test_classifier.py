import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models.classifier import Classifier


@pytest.mark.parametrize("shape", [(16, 16, 1), (28, 28, 1), (33, 20, 4)])
def test_any_size_and_channels(shape):
    images = jnp.zeros((3, *shape))
    (logits, features), _ = jax.eval_shape(Classifier(classes=7).init_with_output, jax.random.key(0), images)
    assert logits.shape == (3, 7) and features.shape == (3, 128)
    assert logits.dtype == features.dtype == jnp.float32


def test_features_of_an_image_do_not_depend_on_its_batch():
    classifier = Classifier(classes=3, widths=(4, 8))
    images = jax.random.uniform(jax.random.key(1), (4, 16, 16, 3), minval=-1.0)
    params = jax.jit(classifier.init)(jax.random.key(0), images)
    apply = jax.jit(classifier.apply)
    _, together = apply(params, images)
    _, alone = apply(params, images[2:3])
    np.testing.assert_allclose(together[2], alone[0], rtol=1e-4, atol=1e-6)
    assert np.ptp(together, axis=0).max() > 1e-2


@pytest.mark.parametrize("shape", [(2, 15, 32, 3), (32, 32, 3)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="at least 16 x 16"):
        jax.eval_shape(Classifier(classes=3).init, jax.random.key(0), jnp.zeros(shape))
