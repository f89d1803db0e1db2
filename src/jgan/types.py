"""The contract of the whole library, and its glossary.

Names used everywhere: generator, discriminator, real, fake, `z` (latent), `w` (style), label, logits, params, state, key, step, batch.
A batch is a dict of named fields whose leaves share their leading axis [N, ...]: `image`, `label`, `input`, `target`, `mask`, `caption`,
`video`, `audio`, `tokens`, ... Images are [N, H, W, C], uint8 outside of the program and float32 in [-1, 1] inside of it
(`jgan.ops.images`). A function that takes a key draws from it only; nothing about randomness is stored.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import jax

Array = jax.Array
Key = jax.Array
Params = Any  # a pytree of arrays
State = Any  # a pytree of arrays: what the layers of a network carry from call to call
Batch = dict[str, Array]  # named fields [N, ...]
Inputs = dict[str, Array]  # of `sample`: named fields [N, ...]
Outputs = dict[str, Array]  # of `sample`: named fields [N, ...]
Metrics = dict[str, Array]  # scalars; NaN where a step did not compute one


class InitNetwork(Protocol):
    """Makes a network's parameters and its first state. Only the shapes of the inputs matter."""

    def __call__(self, key: Key, *inputs: Any) -> tuple[Params, State]: ...


class ApplyNetwork(Protocol):
    """Computes a network's output and its next state. `key` is for noise and dropout, `train` for batch statistics and the like."""

    def __call__(self, params: Params, state: State, *inputs: Any, key: Key | None = None, train: bool = False) -> tuple[Any, State]: ...


class Network(NamedTuple):
    """A network of any library, as two pure functions. Its state is returned, never hidden."""

    init: InitNetwork
    apply: ApplyNetwork


class InitTraining(Protocol):
    """Makes the first training state, a pytree with an integer field `step`, from a key and the shapes of a batch."""

    def __call__(self, key: Key, batch: Batch) -> Any: ...


class StepTraining(Protocol):
    """Computes the state after one step, and the metrics of the step. Draws from fold_in(key, state.step)."""

    def __call__(self, state: Any, batch: Batch, key: Key) -> tuple[Any, Metrics]: ...


class SampleTraining(Protocol):
    """Computes what the trained system makes of inputs; `key` is for noise within the networks, None for none."""

    def __call__(self, state: Any, key: Key | None, inputs: Inputs) -> Outputs: ...


class Training(NamedTuple):
    """A training algorithm, closed over its networks and settings: all that the shell needs to train it.

    Arrays that it closes over, such as pretrained parameters, are constants: `jgan.sharding.compile` passes them to the compiled program
    as arguments, and never trains, donates or saves them.
    """

    init: InitTraining
    step: StepTraining
    sample: SampleTraining


class LossOfLogits(Protocol):
    """Computes a loss of the shape of the logits. The generator's may be given None for real logits unless the loss is relativistic."""

    def __call__(self, real_logits: Any, fake_logits: Array, /) -> Array: ...


class AdversarialLoss(NamedTuple):
    """The two sides of an adversarial loss, unreduced, as in `optax.losses`."""

    discriminator: LossOfLogits
    generator: LossOfLogits


class Critic(Protocol):
    """The discriminator as a function of its examples alone: [N, ...] -> logits."""

    def __call__(self, examples: Array, /) -> Array: ...


class PenaltyFunction(Protocol):
    """Computes a penalty [N] of a critic at real and generated examples."""

    def __call__(self, key: Key, critic: Critic, real: Array, fake: Array, /) -> Array: ...


class Penalty(NamedTuple):
    """A term of the discriminator's loss: weight * mean(function(key, critic, real, fake)), at every `every`-th step, then `every` times as
    strong."""

    function: PenaltyFunction
    weight: float = 1.0
    every: int = 1


class Spec(NamedTuple):
    """What a network has to know of its data: the shape and dtype of one example's fields, and the names of what they number.

    >>> Spec({"label": jax.ShapeDtypeStruct((), "int32")}, {"label": ("cat", "dog")}).classes
    2
    """

    fields: Mapping[str, jax.ShapeDtypeStruct]
    names: Mapping[str, tuple[str, ...]] = {}  # of the classes of `label`, of attributes, of the vocabulary of `tokens`

    @property
    def classes(self) -> int:
        """The number of classes of the field `label`; 0 without labels."""
        return len(self.names.get("label", ()))

    def shape(self, field: str = "image") -> tuple[int, ...]:
        """The shape of one example of a field.

        Raises:
          ValueError: if there is no such field.
        """
        if field not in self.fields:
            raise ValueError(f"expected data with the field {field}, found {', '.join(self.fields)}")
        return tuple(self.fields[field].shape)


class Stage(NamedTuple):
    """A part of a run with its own batch size, training and data; an ordinary run has one."""

    images: int  # examples that it sees
    batch: int  # examples per step, over all devices
    training: Training
    source: Any  # of `jgan.data`: what it is trained on
    grow: Any = (
        None  # (key, last state of the stage before, a fresh state of this stage) -> the first state; None: only for the first stage
    )
