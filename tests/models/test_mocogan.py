import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.models.mocogan import discriminator, generator, plan_of

PLAN = plan_of((10, 16, 16, 3), 2, content=4, motion=3, classes=2)


@pytest.fixture(scope="module")
def made():
    network = generator(PLAN)
    z, label = jax.random.normal(jax.random.key(1), (4, PLAN.latent_size)), jnp.asarray([0, 1, 0, 1])
    params, state = jax.jit(network.init)(jax.random.key(0), z, label)
    apply = jax.jit(lambda z, label: network.apply(params, state, z, label)[0])
    return apply, z, label


def changed(a, b):
    """Which frames [T] of which clips [N] differ."""
    return np.abs(a - b).max(axis=(2, 3, 4)) > 0


def test_content_is_constant_and_motion_has_an_arrow(made):
    apply, z, label = made
    clips = apply(z, label)
    assert clips.shape == (4, 10, 16, 16, 3) and clips.dtype == jnp.float32 and np.abs(clips).max() <= 1
    first = PLAN.content + PLAN.motion
    assert changed(apply(z.at[1, 0].add(1.0), label), clips)[1].all()  # content: every frame
    assert changed(apply(z.at[1, PLAN.content].add(1.0), label), clips)[1].all()  # the first state: every frame
    later = changed(apply(z.at[1, first + 6 * PLAN.motion].add(2.0), label), clips)  # noise of frame 6: this one and those after it
    np.testing.assert_array_equal(later, (np.arange(4) == 1)[:, None] & (np.arange(10) >= 6)[None])
    np.testing.assert_array_equal(changed(apply(z, 1 - label), clips).all(axis=1), True)


def test_discriminators_see_a_frame_and_the_clip(made):
    apply, z, label = made
    clips, network = apply(z, label), discriminator(PLAN)
    params, state = jax.jit(network.init)(jax.random.key(0), clips, label)

    @jax.jit
    def logits(clips, label, key=None):
        return jnp.stack(network.apply(params, state, clips, label, key=key)[0])

    of_frame, of_clip = logits(clips, label)
    assert of_frame.shape == of_clip.shape == (4,) and state == {}
    drawn = np.stack([logits(clips, label, jax.random.key(seed))[0] for seed in range(4)])
    alone = np.stack([logits(jnp.roll(clips, -t, axis=1), label)[0] for t in range(10)])
    assert np.abs(drawn[:, None] - alone[None]).min(axis=1).max() < 1e-5 and len(np.unique(drawn.round(6), axis=0)) > 1
    other = logits(clips, 1 - label)
    np.testing.assert_array_equal(other[0], of_frame)
    assert (np.abs(other[1] - of_clip) > 0).all()


def test_the_discriminator_of_clips_finds_the_label(made):
    apply, z, label = made
    clips, network = apply(z, label), discriminator(PLAN._replace(found=True))
    params, state = jax.jit(network.init)(jax.random.key(0), clips, label)
    of_code = [np.stack(network.apply(params, state, clips, jnp.full(4, one))[0]) for one in (0, 1)]
    np.testing.assert_array_equal(of_code[0][:2], of_code[1][:2])  # what is real does not depend on it
    np.testing.assert_allclose(np.exp(of_code[0][2]) + np.exp(of_code[1][2]), 1, rtol=1e-5)


ERRORS = {
    "frames": ((9, 32, 32, 3), "at least 10 frames for 3 convolutions in time, found 9"),
    "sides": ((16, 34, 34, 3), "can be halved 1 times only, to 17 x 17"),
}


@pytest.mark.parametrize(("shape", "message"), ERRORS.values(), ids=ERRORS)
def test_sizes_that_do_not_fit(shape, message):
    with pytest.raises(ValueError, match=message):
        plan_of(shape)
