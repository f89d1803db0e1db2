"""Tasks: shapes, targets, and that what is right is best."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jgan.evaluation.few_tasks import classification, segmentation

MASK = np.zeros((2, 16, 16, 1), np.uint8)
MASK[:, 4:9] = 255
LABEL = np.asarray([0, 2], np.int32)
TASKS = {
    "classification": (classification(3, lambda key, images: -images), LABEL),
    "segmentation": (segmentation(lambda key, images, masks: (-images, masks), features=(2, 2)), MASK),
}


@pytest.mark.parametrize("name", TASKS)
def test_logits_are_like_the_target(name):
    task, values = TASKS[name]
    images = jnp.ones((2, 16, 16, 3))
    params = jax.eval_shape(task.init, jax.random.key(0), images)
    logits, target = jax.eval_shape(task.apply, params, images), task.encode(jnp.asarray(values))
    assert logits.shape == target.shape and target.dtype == jnp.float32 and set(np.unique(target)) == {0.0, 1.0}
    changed, same = task.classic(jax.random.key(0), images, target)
    assert changed[0, 0, 0, 0] == -1 and np.array_equal(same, target)


@pytest.mark.parametrize("name", TASKS)
def test_what_is_right_is_best(name):
    task, values = TASKS[name]
    target = task.encode(jnp.asarray(values))
    right = 20 * (target - 0.5)
    with jax.numpy_dtype_promotion("standard"):
        losses = [float(task.loss(logits, target)) for logits in (right, 0 * right, -right)]
    assert losses[0] < 1e-3 < losses[1] < losses[2]
    assert task.score(np.asarray(right), values) == 1.0 and task.score(np.asarray(-right), values) < 0.5
