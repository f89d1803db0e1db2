import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models.pixelcnn import ConvolutionBlock, GatedPixelCNN, MaskedConvolution, Surroundings, groups, mask
from jgan.models.pixels import Place


def test_masks_of_three_channels():
    own = {kind: mask(kind, (1, 1, 1), groups(3, 3), groups(3, 3))[1, 1] for kind in ("A", "B")}
    np.testing.assert_array_equal(own["A"], [[0, 1, 1], [0, 0, 1], [0, 0, 0]])  # green sees red, blue both
    np.testing.assert_array_equal(own["B"], [[1, 1, 1], [0, 1, 1], [0, 0, 1]])
    whole = mask("B", (1, 1, 1), groups(3, 3), groups(3, 3))
    assert whole[0].all() and whole[1, 0].all() and not whole[1, 2].any()


@pytest.mark.parametrize("arguments", [(2, 3, 1), (7, 1, 2), (4, 3, 2)])
def test_every_channel_needs_a_map(arguments):
    with pytest.raises(ValueError, match="at least . feature maps, one per channel"):
        groups(*arguments)


def test_the_kernel_is_scaled_to_what_is_seen():
    layer = MaskedConvolution(512, 1, (2, 2, 2))
    x = jax.random.normal(jax.random.key(0), (1, 8, 10, 16))
    y, variables = jax.jit(layer.init_with_output)(jax.random.key(1), x)
    assert y.shape == (1, 6, 6, 512)
    np.testing.assert_allclose(jnp.std(y), 1, rtol=0.1)  # 13 of 15 pixels are seen


@pytest.mark.parametrize("reach", [(1, 1, 1), (2, 1, 0), (0, 2, 0)])
def test_remembered_surroundings_are_those_of_the_map(reach):
    """Row by row and pixel by pixel; to the right of a pixel anything may be, since masks hide it."""
    above, left, right = reach
    x = jax.random.normal(jax.random.key(0), (2, 4, 5, 3))
    layer = Surroundings(reach)
    whole = layer.apply({}, x)
    rows, windows = {}, {}
    for i in range(4):
        there, rows = layer.apply(rows, x[:, i : i + 1], Place(jnp.int32(i), None, 5), mutable=["cache"])
        np.testing.assert_array_equal(there, whole[:, i : i + above + 1])
        for j in range(5):
            place = Place(jnp.int32(i), jnp.int32(j), 5)
            there, windows = layer.apply(windows, x[:, i : i + 1, j : j + 1], place, mutable=["cache"])
            expected = whole[:, i : i + above + 1, j : j + left + 1 + right]
            np.testing.assert_array_equal(there[:, :-1], expected[:, :-1])
            np.testing.assert_array_equal(there[:, -1, : left + 1], expected[:, -1, : left + 1])


def test_a_block_is_a_residual():
    x = jax.random.normal(jax.random.key(0), (1, 4, 4, 8))
    block = ConvolutionBlock(4, 1)
    params = jax.tree.map(lambda p: jnp.zeros(p.shape), jax.eval_shape(block.init, jax.random.key(0), x)["params"])
    np.testing.assert_array_equal(block.apply({"params": params}, x), x)


def test_classes_change_the_logits():
    network = GatedPixelCNN(1, 4, 4, channels=1, outputs=2, classes=3, margin=1)
    x, label = jnp.zeros((3, 4, 4, 1)), jnp.arange(3)
    logits, _ = jax.jit(network.init_with_output)(jax.random.key(0), x, label)
    assert all(np.abs(logits[i] - logits[j]).max() > 1e-3 for i, j in ((0, 1), (0, 2), (1, 2)))


@pytest.mark.parametrize("classes, label", [(0, np.zeros(1, np.int32)), (3, None)])
def test_labels_go_with_classes(classes, label):
    network = GatedPixelCNN(1, 4, 4, channels=1, outputs=2, classes=classes, margin=1)
    with pytest.raises(ValueError, match=f"labels for {classes} classes"):
        jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, 4, 4, 1)), label)
