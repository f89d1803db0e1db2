"""The step in PyTorch is the same step: equal images, logits and penalties from equal parameters."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from benchmarks import measure, peer

from jgan.systems import stylegan

CONFIG = peer.configuration(16, 4, 64, 8)


@pytest.fixture(scope="module")
def networks():
    """Ours, with parameters that are all different from 0."""
    random = np.random.default_rng(0)
    g = stylegan.make_generator(CONFIG, measure.spec_of(CONFIG))
    d = stylegan.make_discriminator(CONFIG, g)
    mapping = jax.eval_shape(g.mapping.init, jax.random.key(0), jnp.zeros((1, CONFIG.latent_size)))
    synthesis = jax.eval_shape(g.synthesis.init, jax.random.key(0), jnp.zeros((1, g.layers, CONFIG.style_size)))
    discriminator = jax.eval_shape(d.init, jax.random.key(0), jnp.zeros((1, 16, 16, 3)))
    drawn = jax.tree.map(lambda x: random.normal(size=x.shape).astype(np.float32), (mapping, synthesis, discriminator))
    return g, d, drawn


def test_equal_numbers(networks):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from benchmarks.peers import stylegan2 as peers

    g, d, (mapping, synthesis, discriminator) = networks
    random = np.random.default_rng(1)
    z = random.normal(size=(4, CONFIG.latent_size)).astype(np.float32)
    noise = [random.normal(size=(4, *size, 2)).astype(np.float32) for size in g.plan.sizes]
    w = g.mapping.apply(*mapping, z)[0]
    ws = jnp.repeat(w[:, None], g.layers, axis=1)
    images = g.synthesis.apply(*synthesis, ws, tuple(map(jnp.asarray, noise)))[0]
    logits = d.apply(*discriminator, images)[0]
    with torch.no_grad():
        params = [peers.from_jgan(x[0]) for x in (mapping, synthesis, discriminator)]
        their_w = peers.mapping(params[0], torch.from_numpy(z).to(peers.DEVICE))
        their_noise = [torch.from_numpy(x).permute(0, 3, 1, 2).to(peers.DEVICE) for x in noise]
        theirs = peers.synthesis(params[1], their_w[:, None].expand(-1, g.layers, -1), their_noise)
        their_logits = peers.discriminator(params[2], theirs, len(g.plan.sizes))
    scale = np.abs(images).max()
    np.testing.assert_allclose(theirs.permute(0, 2, 3, 1).cpu().numpy() / scale, images / scale, rtol=0, atol=1e-5)
    np.testing.assert_allclose(their_logits.cpu().numpy(), logits, rtol=1e-3, atol=1e-4 * np.abs(logits).max())


@pytest.mark.slow
def test_a_comparison():
    pytest.importorskip("torch", reason="PyTorch is not installed")
    found = peer.compared(CONFIG, 1, 4, 1)
    assert found["ratio"]["median"] > 0 and set(found["images_per_second"]) == {"jgan", "pytorch"}


def test_functions_of_other_processes():
    with peer.elsewhere(functools.partial, int) as call:
        assert call() is None and call() is None
    with pytest.raises(EOFError), peer.elsewhere(int, "no number"):
        pass
