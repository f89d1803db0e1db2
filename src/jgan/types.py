"""The contract of the whole library, and its glossary.

Names used everywhere: generator, discriminator, real, fake, `z` (latent), `w` (style), label, logits, params, state, key, step, batch.
A batch is a dict of named fields whose leaves share their leading axis [N, ...]: `image`, `label`, `input`, `target`, `mask`, `caption`,
`video`, `audio`, `tokens`, ... Images are [N, H, W, C], uint8 outside of the program and float32 in [-1, 1] inside of it
(`jgan.ops.images`). A function that takes a key draws from it only; nothing about randomness is stored.
"""

from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import jax
import numpy as np

Array = jax.Array
Key = jax.Array
Params = Any  # a pytree of arrays
State = Any  # a pytree of arrays: what the layers of a network carry from call to call
Batch = dict[str, Array]  # named fields [N, ...]
Inputs = dict[str, Array]  # of `sample`: named fields [N, ...]
Outputs = dict[str, Array]  # of `sample`: named fields [N, ...]
Fields = Mapping[str, Array | np.ndarray]  # named fields [N, ...] outside of a compiled program, on the host or on a device
Metrics = dict[str, Array]  # scalars; NaN where a step did not compute one
Part = TypeVar("Part", covariant=True)  # of a training: what is adaptive


class InitNetwork(Protocol):
    """Makes a network's parameters and its first state. Only the shapes of the inputs matter.

    A function of as many inputs as the network takes, such as (key, z), is one.
    """

    def __call__(self, key: Key, /, *inputs: Any, **settings: Any) -> tuple[Params, State]: ...


class ApplyNetwork(Protocol):
    """Computes a network's output and its next state. `key` is for noise and dropout, `train` for batch statistics and the like.

    A function of as many inputs as the network takes, such as (params, state, z, *, key=None, train=False), is one.
    """

    def __call__(
        self, params: Params, state: State, /, *inputs: Any, key: Key | None = None, train: bool = False, **settings: Any
    ) -> tuple[Any, State]: ...


class Network(NamedTuple):
    """A network of any library, as two pure functions. Its state is returned, never hidden."""

    init: InitNetwork
    apply: ApplyNetwork


class InitTraining(Protocol):
    """Makes the first training state, a pytree with an integer field `step`, from a key and the shapes of a batch."""

    def __call__(self, key: Key, batch: Batch, /) -> Any: ...


class StepTraining(Protocol):
    """Computes the state after one step, and the metrics of the step. Draws from fold_in(key, state.step)."""

    def __call__(self, state: Any, batch: Batch, key: Key, /) -> tuple[Any, Metrics]: ...


class SampleTraining(Protocol):
    """Computes what the trained system makes of inputs; `key` is for noise within the networks, None for none."""

    def __call__(self, state: Any, key: Key | None, inputs: Inputs, /) -> Outputs: ...


class Training(NamedTuple):
    """A training algorithm, closed over its networks and settings: all that the shell needs to train it.

    Arrays that it closes over, such as pretrained parameters, are constants: `jgan.sharding.compile` passes them to the compiled program
    as arguments, and never trains, donates or saves them.
    """

    init: InitTraining
    step: StepTraining
    sample: SampleTraining


class GeneratorLoss(Protocol):
    """Computes a loss of the shape of the logits. The real logits may be None unless the loss is relativistic."""

    def __call__(self, real_logits: Any, fake_logits: Any, /) -> Array: ...


class DiscriminatorLoss(Protocol):
    """Computes a loss of the shape of the logits. A matching-aware loss takes the logits of real examples with a wrong condition, too."""

    def __call__(self, real_logits: Any, fake_logits: Any, /, *wrong_logits: Any, **settings: Any) -> Array: ...


class AdversarialLoss(NamedTuple):
    """The two sides of an adversarial loss, unreduced, as in `optax.losses`, and what they need to be given."""

    discriminator: DiscriminatorLoss
    generator: GeneratorLoss
    relativistic: bool = False  # the generator's side reads the real logits
    matching: bool = False  # the discriminator's side takes a third argument: the logits of real examples with a wrong condition
    lists: bool = False  # the sides take lists of logits


class Critic(Protocol):
    """The discriminator as a function of its examples alone: [N, ...] -> logits."""

    def __call__(self, examples: Array, /) -> Array: ...


class PenaltyFunction(Protocol):
    """Computes a penalty [N] of a critic at real and generated examples; or the penalty and a dict of other numbers to record."""

    def __call__(self, key: Key, critic: Critic, real: Array, fake: Array, /) -> Array | tuple[Array, Metrics]: ...


class Generate(Protocol):
    """The generator as a function of its latents alone: z [N, latent_size] -> examples [N, ...]."""

    def __call__(self, z: Array, /) -> Array: ...


class LatentPenaltyFunction(Protocol):
    """Computes a penalty [N] of a critic at what is generated of latents z [N, latent_size]; or it and other numbers to record."""

    def __call__(self, key: Key, critic: Critic, generate: Generate, z: Array, /) -> Array | tuple[Array, Metrics]: ...


class GeneratorPenaltyFunction(Protocol):
    """Computes a penalty [N] of a generator at latents z [N, latent_size]; or the penalty and a dict of other numbers to record."""

    def __call__(self, key: Key, generate: Generate, z: Array, /) -> Array | tuple[Array, Metrics]: ...


Penalising = TypeVar("Penalising", bound=Callable[..., Any], covariant=True)  # one of the three above


class Penalty(NamedTuple, Generic[Penalising]):
    """A term of a player's loss: weight * mean(function(...)), at every `every`-th step, then `every` times as strong."""

    function: Penalising
    weight: float | Array = 1.0
    every: int = 1


class ApplyFeatures(Protocol):
    """Computes what a network sees in uint8 images [N, H, W, C]: "features" [N, F] and, if it has classes, "logits" [N, K], float32."""

    def __call__(self, params: Params, images: Array, /) -> dict[str, Array]: ...


class Features(NamedTuple):
    """A feature network. Numbers taken in two of them are comparable exactly where their names are equal."""

    name: str  # kind and first eight digits of the weight file's sha256, as inception-2015-12-05-6726825d
    apply: ApplyFeatures
    params: Params
    protocol: dict[str, Any]  # resizer, range of the input, layer, origin and sha256 of the weights, precision


class Augment(Protocol):
    """Changes examples at random, as the discriminator is to see them: [N, ...] -> [N, ...], differentiable."""

    def __call__(self, key: Key, examples: Array, /) -> Array: ...


class Adaptive(NamedTuple, Generic[Part]):
    """An adversarial loss, a penalty or an augmentation that depends on a value which follows the training: a balance, moving averages,
    a strength. The value is part of the training state; it is kept where an update of it is not finite."""

    init: Callable[[], Any]  # () -> the first value, a pytree of arrays
    at: Callable[[Any], Part]  # (value) -> the AdversarialLoss, Penalty or Augment of this step
    update: Callable[[Any, Metrics, int], tuple[Any, Metrics]]  # (value, metrics of the step, real examples) -> next value, what to record


class Spec(NamedTuple):
    """What a network has to know of its data: the shape and dtype of one example's fields, the names of what they number, and
    the rates of what goes on in time.

    >>> Spec({"label": jax.ShapeDtypeStruct((), "int32")}, {"label": ("cat", "dog")}).classes
    2
    """

    fields: Mapping[str, jax.ShapeDtypeStruct]
    names: Mapping[str, tuple[str, ...]] = {}  # of the classes of `label`, of attributes, of the vocabulary of `tokens`
    rates: Mapping[str, float] = {}  # samples per second of `audio`, frames per second of `video`

    @property
    def classes(self) -> int:
        """The number of classes of the field `label`; 0 without labels."""
        return len(self.names.get("label", ()))

    def shape(self, field: str = "image") -> tuple[int, ...]:
        """Returns the shape of one example of a field.

        Raises:
          ValueError: if there is no such field.
        """
        if field not in self.fields:
            raise ValueError(f"expected data with the field {field}, found {', '.join(self.fields)}")
        return tuple(self.fields[field].shape)

    def rate(self, field: str) -> float:
        """Returns how many samples or frames of a field follow each other in a second.

        Raises:
          ValueError: if that is not known.
        """
        if field not in self.rates:
            raise ValueError(f"expected data with a rate of {field}, found {dict(self.rates) or 'none'}; say it in `rates` of the source")
        return self.rates[field]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """The shape (H, W, C) of one example of the field `image`.

        Raises:
          ValueError: if there is none, or it has another number of axes.
        """
        shape = self.shape()
        if len(shape) != 3:
            raise ValueError(f"expected images (H, W, C), found the shape {shape}; use data whose field image has three axes")
        return shape


class Stage(NamedTuple):
    """A part of a run with its own batch size, training and data; an ordinary run has one."""

    images: int  # examples that it sees
    batch: int  # examples per step, over all devices
    training: Training
    source: Callable[[], Any]  # opens what it is trained on, a source of `jgan.data`, when the stage begins
    # (key, last state of the stage before, a fresh state of this stage) -> the first state; None: only for the first stage
    grow: Callable[[Key, Any, Any], Any] | None = None
