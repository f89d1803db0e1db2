"""The protocol of few examples: what an arm draws, that pairs differ in nothing else, and what is chosen on which examples."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jgan.evaluation import few
from jgan.evaluation.few import ARMS, Arm, draw_subsets, few_scores
from jgan.evaluation.few_results import Scores
from jgan.evaluation.few_tasks import Task
from jgan.metrics import macro_f1

CLASSES, SIDE = 3, 2


def linear(classic=lambda key, images, target: (images, target)):
    """A task that a product with a matrix can learn."""
    return Task(
        "label",
        lambda label: jax.nn.one_hot(label, CLASSES, dtype=jnp.float32),
        lambda key, images: 0.01 * jax.random.normal(key, (images[0].size, CLASSES)),
        lambda params, images: images.reshape(images.shape[0], -1) @ params,
        lambda logits, target: optax.softmax_cross_entropy(logits, target).mean(),
        classic,
        lambda logits, label: macro_f1(logits.argmax(axis=1), label),
    )


def examples(seed, *shape):
    """Images of noise in which the pixel of their class is bright."""
    generator = np.random.default_rng(seed)
    label = np.resize(np.arange(CLASSES, dtype=np.int32), shape)
    images = generator.integers(0, 100, (*shape, SIDE * SIDE))
    np.put_along_axis(images, label[..., None], 250, axis=-1)
    return {"image": images.reshape(*shape, SIDE, SIDE, 1).astype(np.uint8), "label": label}


def mistaken(fields):
    return fields | {"label": (fields["label"] + 1) % CLASSES}


SUBSETS, VALIDATION, TEST = examples(0, 2, 9), examples(1, 30), examples(2, 30)


def scores(task, *sets, **settings):
    with jax.numpy_dtype_promotion("standard"):
        return few_scores(task, *sets, **{"steps": 200, "batch": 8} | settings)


@pytest.fixture(scope="module")
def found():
    pools = {"true": examples(3, 2, 12), "mistaken": mistaken(examples(4, 2, 12))}
    return scores(linear(), SUBSETS, VALIDATION, TEST, pools)


def test_every_arm_is_scored_by_subset_and_seed(found):
    assert list(found) == [*ARMS, "classic + true", "classic + mistaken"]
    assert all(values.shape == (2, 2) for one in found.values() for values in one)
    assert found["classic"].test.mean() > 0.9 and not found["classic"].share.any()


def test_pairs_differ_in_their_arm_only(found):
    """Here the classic augmentation changes nothing, and classes are balanced."""
    for arm in ("none", "classic, balanced"):
        np.testing.assert_array_equal(found[arm].test, found["classic"].test)


def test_wrong_examples_are_taken_least(found):
    np.testing.assert_array_equal(found["classic + mistaken"].share, 0.25)


def test_shares_are_chosen_on_validation_examples():
    pools = {"mistaken": mistaken(examples(4, 2, 12))}
    found = scores(linear(), SUBSETS, mistaken(VALIDATION), TEST, pools, arms={"classic": Arm()})
    np.testing.assert_array_equal(found["classic + mistaken"].share, 0.75)
    assert found["classic + mistaken"].test.mean() < 0.5  # which it does not look at


def test_a_classic_augmentation_is_used_but_where_there_is_none():
    found = scores(linear(lambda key, images, target: (0 * images, target)), SUBSETS, VALIDATION, TEST, seeds=(0,))
    assert found["none"].test.mean() > 0.9 and all(found[arm].test.mean() < 0.6 for arm in ARMS if arm != "none")


def test_a_subset_among_others_is_the_one_alone(found):
    first = {name: values[:1] for name, values in SUBSETS.items()}
    alone = scores(linear(), first, VALIDATION, TEST, arms={"classic": Arm()}, at_once=1)
    np.testing.assert_allclose(alone["classic"].validation[0], found["classic"].validation[0], atol=0.05)


def test_what_an_arm_draws():
    subsets = {"image": np.zeros((1, 4, 1, 1, 1), np.uint8), "label": np.asarray([[0, 0, 0, 2]])}
    pools = {name: {"image": np.zeros((1, 2, 1, 1, 1))} for name in ("one", "other")}
    for arm, expected in (
        (Arm(), [1 / 4] * 4 + [0] * 4),
        (Arm(balanced=True), [1 / 6] * 3 + [1 / 2] + [0] * 4),
        (Arm(pool="other", share=0.5), [1 / 8] * 4 + [0] * 2 + [1 / 4] * 2),
    ):
        np.testing.assert_allclose(np.diff(few._odds(linear(), arm, subsets, pools)[0], prepend=0.0), expected, atol=1e-6)


def test_the_first_of_the_best_is_chosen_for_every_pair():
    validation = [[[0.5], [0.2]], [[0.5], [0.9]]]
    candidates = [Scores(np.full((2, 1), i), np.asarray(v), np.full((2, 1), 10 * i)) for i, v in enumerate(validation)]
    np.testing.assert_array_equal(few._chosen(candidates).test, [[0], [1]])
    np.testing.assert_array_equal(few._chosen(candidates).share, [[0], [10]])


def test_mixtures_are_of_images_and_targets_alike():
    fields = {name: jnp.asarray(values[0]) for name, values in SUBSETS.items()}
    odds = few._odds(linear(), Arm(), SUBSETS, {})[0]
    drawn = [few._draw(linear(), 8, jax.random.key(0), fields, odds, 0.0, mixup) for mixup in (0.0, 1.0)]
    other = [jnp.roll(x, 1, axis=0) for x in drawn[0]]
    assert set(np.unique(drawn[0][1])) == {0.0, 1.0} and len(np.unique(drawn[1][1])) > 2
    share = (drawn[1][0] - drawn[0][0])[:, 1, 1, 0] / (other[0] - drawn[0][0])[:, 1, 1, 0]
    np.testing.assert_allclose(drawn[1][1], drawn[0][1] + share[:, None] * (other[1] - drawn[0][1]), atol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"test": {"image": TEST["image"]}}, "expected test with image and label, found image; add label"),
        ({"test": TEST | {"label": TEST["label"][:9]}}, r"expected label of test as \[30\], found \[9\]"),
        (
            {"validation": VALIDATION | {"image": VALIDATION["image"][:, :1]}},
            r"expected image of validation as \[30, 2, 2, 1\]",
        ),
        ({"pools": {"GAN": examples(0, 3, 4)}}, r"expected image of GAN as \[2, 4, 2, 2, 1\], found \[3, 4, 2, 2, 1\]"),
        ({"arms": {"none": Arm(classic=False)}}, "expected an arm 'classic', with which the others are compared, found none"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        few_scores(linear(), **{"subsets": SUBSETS, "validation": VALIDATION, "test": TEST} | change)


def test_subsets_are_drawn_anew():
    labels = np.arange(60) % 3
    rows = draw_subsets(labels, (4, 2, 1), 5)
    assert rows.shape == (5, 7) and all(len(set(some)) == 7 for some in rows.tolist()) and len({tuple(some) for some in rows.tolist()}) == 5
    np.testing.assert_array_equal(labels[rows], [[0, 0, 0, 0, 1, 1, 2]] * 5)
    np.testing.assert_array_equal(draw_subsets(labels, (4, 2, 1), 5), rows)


def test_a_class_with_too_few_examples():
    with pytest.raises(ValueError, match=r"found class: number = \{1: 2\}; draw fewer"):
        draw_subsets(np.asarray([0, 1, 1, 0, 0]), (3, 3), 2)
