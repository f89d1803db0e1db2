"""Wrappers: each takes an adversarial loss and returns one, so they nest. What does not raises ValueError when it is made:

* `one_sided_label_smoothing`, `top_k` and `relativistic_average` go inside of `multi_scale` and `informed`;
* `one_sided_label_smoothing` and `relativistic_average` take no relativistic loss, which has no separate terms for real and fake;
* `matching_aware` goes outside of all others, `top_k` on either side of it, and takes no lists of logits.
"""

import operator

import jax
import jax.numpy as jnp

from jgan.losses._checks import along_rows, at_least_rank, can_wrap, lift, per_example, same_shape
from jgan.types import AdversarialLoss


def one_sided_label_smoothing(loss: AdversarialLoss, smoothing: float = 0.1) -> AdversarialLoss:
    """Returns a loss with one-sided label smoothing: the term of the real logits becomes (1 - smoothing) times itself + smoothing times the
    one of fake logits.

    With L_D(r, f) = A(r) + B(f) that is L_D(r, f) + smoothing (B(r) - A(r)), where B(r) - A(r) = L_D(0, r) - L_D(r, 0) up to a constant
    that is 0 for logistic, hinge and Wasserstein losses: gradients are those of smoothed labels for any such loss. The generator's side
    stays. ValueError for smoothing outside [0, 1), and for a relativistic or matching-aware loss or one of lists.

    Salimans et al., 2016, section 3.4, https://arxiv.org/abs/1606.03498 (smoothing = 1 - alpha).

    >>> from jgan.losses import non_saturating
    >>> one_sided_label_smoothing(non_saturating(), 0.1).discriminator(jnp.full(1, 2.0), jnp.zeros(1))
    Array([1.0200752], dtype=float32)
    """
    if not 0.0 <= smoothing < 1.0:
        raise ValueError(f"expected smoothing in [0, 1), found {smoothing}; 0.1 makes the target of real examples 0.9")
    can_wrap("one_sided_label_smoothing", loss, "relativistic", "matching", "lists")

    def discriminator(real_logits, fake_logits):
        plain = loss.discriminator(real_logits, fake_logits)
        zeros = jnp.zeros_like(real_logits)
        return plain + smoothing * (loss.discriminator(zeros, real_logits) - loss.discriminator(real_logits, zeros))

    return loss._replace(discriminator=discriminator)


def instance_weights(loss: AdversarialLoss, weights) -> AdversarialLoss:
    """Multiplies both sides of a loss by one weight per example; weights: [N], unitless, for losses [N, ...].

    Instance selection and importance weighting of GANs: Diesendruck et al., 2018, https://arxiv.org/abs/1806.02512.
    Raises ValueError where the number of weights differs from the number of examples, and for a matching-aware loss.

    >>> from jgan.losses import wasserstein
    >>> instance_weights(wasserstein(), jnp.array([0.0, 2.0])).discriminator(jnp.zeros(2), jnp.ones(2))
    Array([0., 2.], dtype=float32)
    """
    can_wrap("instance_weights", loss, "matching")

    def weighted(side):
        def weighted_side(real_logits, fake_logits):
            unweighted = side(real_logits, fake_logits)
            expected = unweighted.shape[:1]
            if jnp.shape(weights) != expected:
                raise ValueError(f"expected weights of shape {expected}, found {jnp.shape(weights)}; give one weight per example")
            return along_rows(jnp.asarray(weights, unweighted.dtype), unweighted) * unweighted

        return weighted_side

    return loss._replace(discriminator=weighted(loss.discriminator), generator=weighted(loss.generator))


def multi_scale(loss: AdversarialLoss) -> AdversarialLoss:
    """Sums a loss over discriminators: sides take lists of logits (of any shapes [N, ...]) and return [N].

    Each entry is averaged over its patches and the entries are added. A list of other length than its partner raises ValueError, and
    so does a matching-aware loss.

    Wang et al., 2017, eq. 3, https://arxiv.org/abs/1711.11585 (pix2pixHD).

    >>> from jgan.losses import wasserstein
    >>> multi_scale(wasserstein()).generator(None, [jnp.ones((2, 4, 4, 1)), jnp.ones((2, 2, 2, 1))])
    Array([-2., -2.], dtype=float32)
    """
    can_wrap("multi_scale", loss, "matching")

    def over_scales(side):
        def summed_side(real_logits, fake_logits):
            real_logits = [None] * len(fake_logits) if real_logits is None else real_logits
            if len(real_logits) != len(fake_logits):
                raise ValueError(f"expected lists of equal length, found {len(real_logits)} real and {len(fake_logits)} fake scales")
            return sum(per_example(side(real, fake)) for real, fake in zip(real_logits, fake_logits, strict=True))

        return summed_side

    return loss._replace(discriminator=over_scales(loss.discriminator), generator=over_scales(loss.generator), lists=True)


def informed(loss: AdversarialLoss, weight: float = 1.0) -> AdversarialLoss:
    """Adds a bound of the mutual information with a code: sides take lists whose last entry is log Q(code | x), [N], and return [N].

    The other entries are given to the loss. Weight times log Q of generated examples is taken from either side; real ones have no code.
    ValueError for a matching-aware loss.

    Chen et al., 2016, eq. 5 and 6, https://arxiv.org/abs/1606.03657 (InfoGAN); see `mutual_information_categorical`, which is -log Q.

    >>> from jgan.losses import wasserstein
    >>> informed(multi_scale(wasserstein()), 2.0).generator(None, [jnp.ones(1), jnp.log(jnp.full(1, 0.5))])
    Array([0.38629436], dtype=float32)
    """
    can_wrap("informed", loss, "matching")

    def discriminator(real_logits, fake_logits):
        return loss.discriminator(real_logits[:-1], fake_logits[:-1]) - weight * lift(fake_logits[-1])

    def generator(real_logits, fake_logits):
        real_logits = None if real_logits is None else real_logits[:-1]
        return loss.generator(real_logits, fake_logits[:-1]) - weight * lift(fake_logits[-1])

    return loss._replace(discriminator=discriminator, generator=generator, lists=True)


def top_k(loss: AdversarialLoss, k) -> AdversarialLoss:
    """Returns the loss of top-k training: the generator learns from the k fakes with the highest logits (mean over patches), the rest gets
    weight 0.

    Kept losses are multiplied by N / k, so the mean over the batch is that over the k best. k: int or integer scalar (it may be
    annealed under jit), 1 <= k <= N; ValueError for a known number outside, and for a loss of lists.

    Sinha et al., 2020, section 3, https://arxiv.org/abs/2002.06224.

    >>> from jgan.losses import wasserstein
    >>> top_k(wasserstein(), 1).generator(None, jnp.array([1.0, 3.0]))
    Array([-0., -6.], dtype=float32)
    """
    can_wrap("top_k", loss, "lists")

    def generator(real_logits, fake_logits):
        at_least_rank(1, "[N, ...]", fake_logits=fake_logits)
        count = fake_logits.shape[0]
        if not 1 <= _known(k, 1) <= count:
            raise ValueError(f"expected k in 1..{count} (the batch size), found {k}")
        score = per_example(lift(fake_logits))
        rank = jnp.argsort(jnp.argsort(-score))  # the inverse permutation: the place of each fake, 0 for the best
        weight = jnp.where(rank < k, count / jnp.asarray(k, score.dtype), 0.0)
        unweighted = loss.generator(real_logits, fake_logits)
        return along_rows(weight, unweighted) * unweighted

    return loss._replace(generator=generator)


def matching_aware(loss: AdversarialLoss) -> AdversarialLoss:
    """Returns the loss of a matching-aware discriminator: a real image with a wrong condition (text, class) counts as fake, as much as a
    generated one.

    The discriminator's side takes (real_logits, fake_logits, mismatched_logits) of one shape and returns
    [L_D(real, fake) + L_D(real, mismatched)] / 2 of that shape; the generator's side is the one of the loss. ValueError for a loss that is
    matching-aware already or takes lists.

    Reed et al., 2016, algorithm 1, https://arxiv.org/abs/1605.05396 (GAN-CLS).

    >>> from jgan.losses import wasserstein
    >>> matching_aware(wasserstein()).discriminator(jnp.zeros(1), jnp.ones(1), jnp.full(1, 3.0))
    Array([2.], dtype=float32)
    """
    can_wrap("matching_aware", loss, "matching", "lists")

    def discriminator(real_logits, fake_logits, mismatched_logits):
        same_shape(real_logits=real_logits, fake_logits=fake_logits, mismatched_logits=mismatched_logits)
        return 0.5 * (loss.discriminator(real_logits, fake_logits) + loss.discriminator(real_logits, mismatched_logits))

    return loss._replace(discriminator=discriminator, matching=True)


def _known(number, otherwise):
    """A whole number, or something else where it is traced."""
    try:
        return operator.index(number)
    except jax.errors.TracerIntegerConversionError:
        return otherwise
