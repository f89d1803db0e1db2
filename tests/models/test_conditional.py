"""A class is joined to what networks are given, and reaches what they make."""

import jax
import jax.numpy as jnp
import numpy as np

from jgan.models import dcgan
from jgan.models.conditional import of_class, seen_with_class

PLAN = dcgan.paper((16, 16, 1), 2)
LABEL = jnp.asarray([0, 2], jnp.int32)


def test_generator_and_discriminator():
    generator, discriminator = of_class(dcgan.generator(PLAN), 3), seen_with_class(dcgan.discriminator(PLAN), 3)
    z = jnp.ones((2, 4))
    params, state = generator.init(jax.random.key(0), z, LABEL)
    assert params["first"]["kernel"].shape[0] == 4 + 3
    images, after = generator.apply(params, state, z, LABEL, train=True)
    assert (
        images.shape == (2, 16, 16, 1)
        and np.abs(images[0] - images[1]).max() > 0
        and jax.tree.structure(after) == jax.tree.structure(state)
    )
    params, state = discriminator.init(jax.random.key(0), images, LABEL)
    logits = [discriminator.apply(params, state, images[:1].repeat(2, axis=0), label)[0] for label in (LABEL, LABEL[:1].repeat(2))]
    assert logits[0].shape == (2,) and logits[0][0] == logits[1][0] and logits[0][1] != logits[1][1]
