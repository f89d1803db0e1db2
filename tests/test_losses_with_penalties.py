"""Every loss with every penalty on critics of every library and inputs of every kind: finite values and gradients under jit.

Three jitted functions evaluate all rows of the table and pull them back to the parameters: rows of logits are compiled once per shape of
logits, rows of images once per kind of input, and only rows that see the critic itself for each critic and kind of input.
"""

import functools
from types import SimpleNamespace

import equinox as eqx
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jgan import losses, penalties

N, CLASSES, FEATURES = 4, 3, 5
KINDS = {"vector": (6,), "grey": (4, 4, 1), "rgb": (4, 4, 3), "non_square": (4, 6, 3), "patch": (4, 6, 3)}
DIVERGENCES = ["kullback_leibler", "reverse_kullback_leibler", "pearson", "squared_hellinger", "jensen_shannon", "total_variation"]


class LinenCritic(nn.Module):
    kind: str

    @nn.compact
    def __call__(self, x):
        if self.kind == "patch":
            return nn.Conv(1, (1, 1))(jnp.tanh(nn.Conv(4, (3, 3), 2)(x)))
        hidden = nn.Dense(4)(x) if self.kind == "vector" else nn.Conv(4, (3, 3), 2)(x)
        return nn.Dense(1)(jnp.tanh(hidden).reshape(x.shape[0], -1))[:, 0]


def linen_critic(kind, x):
    module = LinenCritic(kind)
    return module.init(jax.random.key(0), x), module.apply


class NnxCritic(nnx.Module):
    def __init__(self, kind, shape, rngs):
        self.kind = kind
        layer = functools.partial(nnx.Linear, shape[-1], 4) if kind == "vector" else functools.partial(nnx.Conv, shape[-1], 4, (3, 3), 2)
        self.first = layer(rngs=rngs)
        hidden = 4 if kind == "vector" else shape[0] * shape[1]  # half the height and width, four channels
        self.last = nnx.Conv(4, 1, (1, 1), rngs=rngs) if kind == "patch" else nnx.Linear(hidden, 1, rngs=rngs)

    def __call__(self, x):
        hidden = jnp.tanh(self.first(x))
        return self.last(hidden) if self.kind == "patch" else self.last(hidden.reshape(x.shape[0], -1))[:, 0]


def nnx_critic(kind, x):
    structure, params = nnx.split(NnxCritic(kind, x.shape[1:], nnx.Rngs(0)))
    return params, lambda params, x: nnx.merge(structure, params)(x)


class EquinoxCritic(eqx.Module):
    first: eqx.Module
    last: eqx.Module
    kind: str = eqx.field(static=True)

    def __call__(self, x):
        hidden = jnp.tanh(self.first(x if self.kind == "vector" else x.transpose(2, 0, 1)))
        return self.last(hidden).transpose(1, 2, 0) if self.kind == "patch" else self.last(hidden.reshape(-1))[0]


def equinox_critic(kind, x):
    keys, shape = jax.random.split(jax.random.key(0)), x.shape[1:]
    first = eqx.nn.Linear(shape[0], 4, key=keys[0]) if kind == "vector" else eqx.nn.Conv2d(shape[-1], 4, 3, 2, 1, key=keys[0])
    hidden = 4 if kind == "vector" else shape[0] * shape[1]
    last = eqx.nn.Conv2d(4, 1, 1, key=keys[1]) if kind == "patch" else eqx.nn.Linear(hidden, 1, key=keys[1])
    params, static = eqx.partition(EquinoxCritic(first, last, kind), eqx.is_array)
    return params, lambda params, x: jax.vmap(eqx.combine(params, static))(x)


def plain_critic(kind, x):
    random = np.random.default_rng(0)
    shape = (x.shape[-1], 4) if kind == "vector" else (3, 3, x.shape[-1], 4)
    params = {"first": jnp.asarray(random.normal(size=shape), jnp.float32), "last": jnp.asarray(random.normal(size=(4, 1)), jnp.float32)}

    def apply(params, x):
        if kind == "vector":
            return (jnp.tanh(x @ params["first"]) @ params["last"])[:, 0]
        layout = ("NHWC", "HWIO", "NHWC")
        hidden = jnp.tanh(jax.lax.conv_general_dilated(x, params["first"], (2, 2), "SAME", dimension_numbers=layout))
        return hidden @ params["last"] if kind == "patch" else (jnp.mean(hidden, axis=(1, 2)) @ params["last"])[:, 0]

    return params, apply


CRITICS = {"linen": linen_critic, "nnx": nnx_critic, "equinox": equinox_critic, "plain": plain_critic}


def game(loss):
    """A row of the table: both sides of an adversarial loss."""
    return lambda s: (
        jnp.mean(loss.discriminator(s.real_logits, s.fake_logits)) + 0.7 * jnp.mean(loss.generator(s.real_logits, s.fake_logits))
    )


GAMES = {
    "minimax": losses.minimax(),
    "non_saturating": losses.non_saturating(),
    "least_squares": losses.least_squares(),
    "wasserstein": losses.wasserstein(),
    "hinge": losses.hinge(),
    "relativistic": losses.relativistic(),
    "relativistic_average": losses.relativistic_average(losses.hinge()),
    "dual_contrastive": losses.dual_contrastive(),
    **{name: losses.f_divergence(name) for name in DIVERGENCES},
    "energy_based": losses.energy_based(),
    "boundary_equilibrium": losses.boundary_equilibrium().loss(0.5),
    "one_sided_label_smoothing": losses.one_sided_label_smoothing(losses.hinge()),
    "instance_weights": losses.instance_weights(losses.hinge(), np.arange(1.0, 5.0, dtype=np.float32)),
    "top_k": losses.top_k(losses.hinge(), 2),
}
ADVERSARIAL_AND_CONDITIONAL = {name: game(loss) for name, loss in GAMES.items()} | {
    "multi_scale": lambda s: jnp.mean(losses.multi_scale(losses.hinge()).discriminator([s.real_logits] * 2, [s.fake_logits] * 2)),
    "informed": lambda s: jnp.mean(
        losses.informed(losses.multi_scale(losses.hinge())).generator(
            None, [s.fake_logits, -losses.mutual_information_categorical(s.class_logits, s.label)]
        )
    ),
    "matching_aware": lambda s: jnp.mean(
        losses.matching_aware(losses.hinge()).discriminator(s.real_logits, s.fake_logits, s.fake_logits[::-1])
    ),
    "auxiliary_classifier": lambda s: jnp.mean(losses.auxiliary_classifier(s.class_logits, s.label)),
    "twin_auxiliary_classifier": lambda s: jnp.mean(losses.twin_auxiliary_classifier(s.class_logits, -s.class_logits, s.label)),
    "multi_hinge": lambda s: jnp.mean(losses.multi_hinge(s.class_logits, s.label)),
    "contrastive_2c": lambda s: jnp.mean(losses.contrastive_2c(s.embedding, s.proxy, s.label)),
    "data_to_data_cross_entropy": lambda s: jnp.mean(losses.data_to_data_cross_entropy(s.embedding, s.proxy, s.label)),
    "mutual_information_categorical": lambda s: jnp.mean(losses.mutual_information_categorical(s.class_logits, s.label)),
    "mutual_information_gaussian": lambda s: jnp.mean(losses.mutual_information_gaussian(s.embedding, s.proxy, 0.5 * s.proxy)),
    "feature_matching_means": lambda s: losses.feature_matching_means(s.embedding, s.proxy),
    "image_text_contrastive": lambda s: jnp.mean(losses.image_text_contrastive(s.embedding, s.proxy, 2.0)),
    "discounted_returns": lambda s: jnp.mean(losses.discounted_returns(s.embedding, 0.5)),
    "policy_gradient": lambda s: jnp.mean(losses.policy_gradient(s.embedding, s.proxy)),
}
RECONSTRUCTION = {
    "pixel_l1": lambda s: jnp.mean(losses.pixel_l1(s.real, s.fake)),
    "pixel_l2": lambda s: jnp.mean(losses.pixel_l2(s.real, s.fake)),
    "pixel_charbonnier": lambda s: jnp.mean(losses.pixel_charbonnier(s.real, s.fake)),
    "cycle_consistency": lambda s: jnp.mean(losses.cycle_consistency(s.real, s.fake)),
    "identity": lambda s: jnp.mean(losses.identity(s.real, s.fake)),
    "feature_matching": lambda s: jnp.mean(losses.feature_matching([s.real, jnp.square(s.real)], [s.fake, jnp.square(s.fake)])),
    "total_variation": lambda s: jnp.mean(losses.total_variation(s.images)),
    "perceptual": lambda s: jnp.mean(losses.perceptual(lambda x: [x, jnp.square(x)])(s.real, s.fake)),
    "style_gram": lambda s: jnp.mean(losses.style_gram(lambda x: x)(s.images, s.images[::-1])),
    "patch_nce": lambda s: jnp.mean(
        losses.patch_nce(s.images.reshape(N, -1, s.images.shape[-1]), s.images[::-1].reshape(N, -1, s.images.shape[-1]))
    ),
}


OF_GENERATOR = {
    "path_length": lambda s: penalties.path_length(s.key, s.synthesize, s.z, 0.5),
    "latent_diversity": lambda s: penalties.latent_diversity(s.key, s.generator, s.z),
    "jacobian_clamp": lambda s: penalties.jacobian_clamp(s.key, s.generator, s.z),
    "mode_seeking": lambda s: penalties.mode_seeking(s.key, s.generator, s.z),
    "diversity_sensitive": lambda s: penalties.diversity_sensitive(s.key, s.generator, s.z, 5.0),
}
OF_LOGITS = {
    "lecam": lambda s: penalties.lecam(
        s.real_logits, s.fake_logits, penalties.update_lecam_anchors(penalties.lecam_anchors(), s.real_logits, s.fake_logits)
    ),
    "epsilon_drift": lambda s: penalties.epsilon_drift(s.real_logits),
    "kl_to_normal": lambda s: penalties.kl_to_normal(s.embedding, s.proxy),
}


def flip(key, x):
    return x[:, ::-1]


# functions of (scene, critic, the critic's parameters)
OF_CRITIC = {
    "r1": lambda s, critic, params: penalties.r1(critic, s.real),
    "r2": lambda s, critic, params: penalties.r2(critic, s.fake),
    "gradient_penalty": lambda s, critic, params: penalties.gradient_penalty(s.key, critic, s.real, s.fake),
    "lipschitz": lambda s, critic, params: penalties.lipschitz(s.key, critic, s.real, s.fake, target=0.1),
    "dragan": lambda s, critic, params: penalties.dragan(s.key, critic, s.real),
    "max_gradient": lambda s, critic, params: penalties.max_gradient(critic, s.real),
    "consistency": lambda s, critic, params: penalties.consistency(s.key, critic, s.real, flip),
    "balanced_consistency": lambda s, critic, params: penalties.balanced_consistency(s.key, critic, s.real, s.fake, flip),
    "latent_consistency": lambda s, critic, params: penalties.latent_consistency(s.key, critic, s.generator, s.z),
    "orthogonal": lambda s, critic, params: penalties.orthogonal(params),
}
LOSSES = ADVERSARIAL_AND_CONDITIONAL | RECONSTRUCTION
PENALTIES = OF_LOGITS | OF_GENERATOR | OF_CRITIC
WRAPPED_ELSEWHERE = {
    "BoundaryEquilibrium",
    "adaptive_boundary_equilibrium",
    "boundary_equilibrium",
    "f_divergence",
    "gram",
}  # a type, factories above by another name, a helper
CONSTRAINTS = {"LecamAnchors", "SpectralNormalization", "clip_spectral_norm", "clip_weights", "lecam_anchors", "update_lecam_anchors"}
CONSTRAINTS |= {"add_orthogonal", "spectrally_normalized"}
RECORDS = {name for name in penalties.__all__ if getattr(penalties, name).__module__ == "jgan.penalties.records"}
VARIANTS = {"gradient_penalty_at", "path_lengths", "path_lengths_along", "alikeness"}  # called by others, which are in the table


def test_the_table_is_complete():
    assert set(losses.__all__) - set(LOSSES) <= WRAPPED_ELSEWHERE
    assert set(penalties.__all__) - set(PENALTIES) == CONSTRAINTS | VARIANTS | RECORDS | {"spectral_normalization"}


def to_image(x):
    return x if x.ndim == 4 else x[:, None, :, None]


def one_each(logits):
    return logits if logits.ndim == 1 else jnp.mean(logits, axis=(1, 2, 3))


def scene(kind, matrix):
    """What rows may need that does not depend on the critic; matrix: the generator's parameters."""
    shape = KINDS[kind]
    z = jax.random.normal(jax.random.key(2), (N, 3))

    def generator(z):
        return jnp.tanh(z @ matrix).reshape(N, *shape)

    return SimpleNamespace(
        key=jax.random.key(4),
        z=z,
        generator=generator,
        synthesize=lambda w: to_image(generator(w)),
        real=jax.random.uniform(jax.random.key(1), (N, *shape), minval=-1.0),
        fake=generator(z),
        images=to_image(generator(z)),
    )


def logit_scene(real_logits, fake_logits):
    """Logits, and class logits and embeddings made of them."""
    logit = one_each(fake_logits)[:, None]
    return SimpleNamespace(
        label=jnp.arange(N) % CLASSES,
        real_logits=real_logits,
        fake_logits=fake_logits,
        class_logits=logit * jnp.linspace(-1.0, 1.0, CLASSES)[None],
        embedding=jnp.sin(logit + jnp.arange(0.0, FEATURES)[None]),
        proxy=jnp.cos(logit * jnp.arange(1.0, FEATURES + 1)[None]),
    )


def pulled_back(rows, *arguments):
    """Return the values [R] of rows and their gradients, R of each argument."""
    values, pullback = jax.vjp(rows, *arguments)
    return values, jax.vmap(pullback)(jnp.eye(len(values)))


# a program that runs once needs no optimization
quick_jit = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True})


@quick_jit
def of_logits(*logits):
    def rows(*logits):
        s = logit_scene(*logits)
        return jnp.stack([jnp.mean(row(s)) for row in (ADVERSARIAL_AND_CONDITIONAL | OF_LOGITS).values()])

    return pulled_back(rows, *logits)


@functools.partial(quick_jit, static_argnums=0)
def of_images(kind, matrix):
    def rows(matrix):
        s = scene(kind, matrix)
        return jnp.stack([jnp.mean(row(s)) for row in (RECONSTRUCTION | OF_GENERATOR).values()])

    values, (gradients,) = pulled_back(rows, matrix)
    return values, gradients.reshape(len(values), -1)


@functools.cache
def evaluate(library, kind):
    """Return {name: (value, gradient [P])} of all rows for one critic and one kind of input."""
    matrix = 0.5 * jax.random.normal(jax.random.key(5), (3, int(np.prod(KINDS[kind]))))
    critic_params, apply = CRITICS[library](kind, scene(kind, matrix).real)
    params = critic_params, matrix

    def logits(params):
        s = scene(kind, params[1])
        return apply(params[0], s.real), apply(params[0], s.fake)

    def rows(params):
        s = scene(kind, params[1])
        return jnp.stack([jnp.mean(row(s, lambda x: one_each(apply(params[0], x)), params[0])) for row in OF_CRITIC.values()])

    @quick_jit
    def of_critic(params, logit_gradients):
        values, (gradients,) = pulled_back(rows, params)
        _, pullback = jax.vjp(logits, params)
        (through_logits,) = jax.vmap(pullback)(logit_gradients)
        both = jax.tree.map(lambda a, b: jnp.concatenate([a, b]).reshape(len(a) + len(b), -1), through_logits, gradients)
        return values, jnp.concatenate(jax.tree.leaves(both), axis=1)

    logit_values, logit_gradients = of_logits(*quick_jit(logits)(params))
    critic_values, gradients = of_critic(params, logit_gradients)
    image_values, image_gradients = of_images(kind, matrix)
    padded = np.pad(image_gradients, ((0, 0), (gradients.shape[1] - image_gradients.shape[1], 0)))  # the critic has no part in these
    names = [*ADVERSARIAL_AND_CONDITIONAL, *OF_LOGITS, *OF_CRITIC, *RECONSTRUCTION, *OF_GENERATOR]
    values = np.concatenate([logit_values, critic_values, image_values])
    return dict(zip(names, zip(values, np.concatenate([gradients, padded]), strict=True), strict=True))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("library", CRITICS)
def test_loss_with_every_penalty(library, kind, loss):
    table = evaluate(library, kind)
    value, gradient = table[loss]
    assert np.any(gradient != 0.0)
    for name in PENALTIES:
        penalty, penalty_gradient = table[name]
        assert np.isfinite(value + penalty) and np.all(np.isfinite(gradient + penalty_gradient)), name
