"""The training of a generator on pairs of input and target: distances to the target, and a discriminator."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jgan.training.update import Player, new_player, prefixed, update
from jgan.types import AdversarialLoss, Array, Batch, Fields, Inputs, Key, Network, Outputs, Training

Distance = Callable[[Any, Any], Array]  # (target, fake) -> [N]


class PairedState(NamedTuple):
    """The two players and the number of steps done."""

    step: Array  # int32
    generator: Player
    discriminator: Player


def paired(
    generator: Network,
    discriminator: Network,
    loss: AdversarialLoss,
    generator_optimizer: optax.GradientTransformation,
    discriminator_optimizer: optax.GradientTransformation,
    *,
    prepare: Callable[[Key, Batch], Fields],
    sample: Callable[[Callable[[Array], Array], Inputs], Outputs],
    distances: Mapping[str, tuple[float, Distance]],
    adversarial_weight: float = 1.0,
    diversity_weight: float = 0.0,
    conditional: bool = True,
) -> Training:
    """Trains as Isola et al. 2016, section 3.1 (https://arxiv.org/abs/1611.07004), with any distances: one update of each player per step.

    Args:
      generator: input [N, h, w, C] -> fake, of the shape of the target.
      discriminator: images -> logits; if `conditional`, of the input and the target joined along the channels.
      loss: the adversarial loss.
      generator_optimizer, discriminator_optimizer: one optax transformation per player.
      prepare: (key, batch) -> `input` and `target` as the networks take them, changed at random.
      sample: (translate, inputs) -> outputs, where translate is the trained generator, input -> fake.
      distances: (weight, (target, fake) -> [N]) by name; those of weight 0 are left out.
      adversarial_weight: of the adversarial loss; 0: the discriminator is not trained.
      diversity_weight: of the L1 between the mean colours of two fakes of one input, which the generator shall raise: without it,
        generators of pairs ignore their noise. Mao et al. 2019, equation 3 (https://arxiv.org/abs/1903.05628), but for the distance of the
        noises, which is the same on average, and for the means: between pixels, dither would do.
      conditional: whether the discriminator sees the input.
    """

    def logits_of(params, state, x, y):
        return discriminator.apply(params, state, jnp.concatenate([x, y], axis=3) if conditional else y, train=True)

    chosen = {name: (weight, distance) for name, (weight, distance) in distances.items() if weight}
    generator_loss = _generator_loss(generator, logits_of, loss, chosen, adversarial_weight, diversity_weight)
    update_g = update(generator_loss, generator_optimizer)
    update_d = update(_discriminator_loss(generator, logits_of, loss), discriminator_optimizer)

    def init(key, batch):
        key_g, key_d = jax.random.split(key)
        shapes = jax.eval_shape(prepare, key, batch)
        x, y = (jnp.zeros((1, *shapes[name].shape[1:]), shapes[name].dtype) for name in ("input", "target"))
        of_discriminator = jnp.concatenate([x, y], axis=3) if conditional else y
        g = new_player(*generator.init(key_g, x), generator_optimizer)
        d = new_player(*discriminator.init(key_d, of_discriminator), discriminator_optimizer)
        return PairedState(jnp.zeros((), jnp.int32), g, d)

    def step(state, batch, key):
        key_examples, key_d, key_g = jax.random.split(jax.random.fold_in(key, state.step), 3)
        examples, d, metrics = prepare(key_examples, batch), state.discriminator, {}
        if adversarial_weight:
            d, found = update_d(d, examples, state.generator, key_d)
            metrics = prefixed("discriminator", found)
        g, found = update_g(state.generator, examples, d, key_g)
        return PairedState(state.step + 1, g, d), metrics | prefixed("generator", found)

    def draw(state, key, inputs):
        def translate(x):
            return generator.apply(state.generator.params, state.generator.state, x, key=key)[0]

        return sample(translate, inputs)

    return Training(init, step, draw)


def _generator_loss(generator, logits_of, loss, distances, adversarial_weight, diversity_weight):
    def generator_loss(params, state, examples, other, key):
        x, target = examples["input"], examples["target"]
        fake, state = generator.apply(params, state, x, key=key, train=True)
        metrics = {name: jnp.mean(distance(target, fake)) for name, (_, distance) in distances.items()}
        total = sum((weight * metrics[name] for name, (weight, _) in distances.items()), jnp.zeros(()))
        if diversity_weight:
            other_fake, state = generator.apply(params, state, x, key=jax.random.fold_in(key, 1), train=True)
            metrics["diversity"] = jnp.mean(jnp.abs(jnp.mean(fake - other_fake, axis=(1, 2))))
            total -= diversity_weight * metrics["diversity"]
        if not adversarial_weight:
            return total, (state, metrics)
        real_logits = logits_of(other.params, other.state, x, target)[0] if loss.relativistic else None
        adversarial = jnp.mean(loss.generator(real_logits, logits_of(other.params, other.state, x, fake)[0]))
        return total + adversarial_weight * adversarial, (state, metrics | {"adversarial": adversarial})

    return generator_loss


def _discriminator_loss(generator, logits_of, loss):
    def discriminator_loss(params, state, examples, other, key):
        x, target = examples["input"], examples["target"]
        fake, _ = generator.apply(other.params, other.state, x, key=key, train=True)
        real_logits, state = logits_of(params, state, x, target)
        fake_logits, state = logits_of(params, state, x, fake)
        metrics = {"real_logits": jnp.mean(real_logits), "fake_logits": jnp.mean(fake_logits)}
        return jnp.mean(loss.discriminator(real_logits, fake_logits)) / 2, (state, metrics)  # section 3.3: halved, to slow it down

    return discriminator_loss
