"""What a run has learned, from Python: `jgan.load("runs/...")` gives an object that is called with seeds, labels, images, ..."""

import contextlib
import functools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from jgan import bounded
from jgan.data.source import Source
from jgan.evaluation.gather import npz_of
from jgan.leaves import by_name
from jgan.ops.images import to_uint8
from jgan.outputs.files import write_atomic
from jgan.run.about import WEIGHTS_FILE, check_system, config_of, plain_spec, read_about, recall, spec_of_plain
from jgan.run.checkpoints import Checkpoints
from jgan.run.config import from_plain, to_plain
from jgan.run.given import label_numbers, seed_numbers, token_numbers
from jgan.run.kept import abstract_state, input_shapes, training_at, used_leaves, whole_state
from jgan.run.sampling import outputs_of
from jgan.run.system import Sampling, System, find_system, system_of
from jgan.sharding import Sampler, sampler, seed_key, seed_words
from jgan.tensors import read_safetensors
from jgan.types import Array, Fields, Inputs, Outputs, SampleTraining, Spec

BATCH = 16  # examples at a time, where nothing else is asked for


@dataclass(frozen=True, repr=False)
class Trained:
    """A trained system. Called with seeds, or with the inputs that it takes, it returns NumPy arrays, images as uint8.

    Of the state of the training it holds what `sample` depends on.
    """

    system: System
    config: Any
    spec: Spec
    about: Mapping[str, Any]  # run, step, version, commit
    weights: Mapping[str, np.ndarray]  # leaves of the state, by their path
    abstract: Any  # the whole state, as shapes and dtypes
    sample: SampleTraining  # of the training

    def __call__(self, seeds: ArrayLike | None = None, **inputs: Any) -> np.ndarray:
        """Computes the main output: of seeds, one example each, or of inputs.

        Args:
          seeds: numbers below 2^63; the same seed gives the same example, to rounding, whichever others there are.
          **inputs: as in `outputs`.

        Returns:
          [N, ...]: images [N, H, W, C] as uint8.
        """
        wanted = [output for condition, output in self.sampling.directions.values() if condition in inputs]
        found = self.outputs(seeds, only=wanted[0] if wanted else None, **inputs)
        return found[wanted[0] if wanted else next(iter(self.sampling.outputs))]

    def outputs(
        self, seeds: ArrayLike | None = None, *, noise: int | None = None, batch: int = BATCH, only: str | None = None, **inputs: Any
    ) -> dict[str, np.ndarray]:
        """Computes all outputs by name.

        Args:
          seeds: as in the call; by default 0, 1, 2, ... for as many examples as the inputs have.
          noise: the seed of noise within the networks; None: none.
          batch: examples at a time.
          only: the name of the only output that is computed; None: all.
          **inputs: what `sample` takes beside or instead of what the seeds draw: arrays [N, ...], or one for all. Labels may be names, by
            default classes take turns; tokens may be text, in words of the vocabulary. Images and videos are uint8, or floats in [-1, 1].

        Raises:
          ValueError: for an unknown input or label, an image of another number of channels, or one that is missing.
        """
        given, one = self._inputs(seeds, inputs)
        n = len(next(iter(given.values())))
        parts = []
        for start in range(0, n, batch):
            rows = np.minimum(np.arange(start, start + min(batch, n)), n - 1)  # filled up: one compiled program serves any N
            key = None if noise is None else jax.random.fold_in(seed_key(noise), start)
            parts.append(self._sampler(only)(self._kept, key, {name: values[rows] for name, values in given.items()}))
        found = {name: np.concatenate([_plain(part[name]) for part in parts])[:n] for name in parts[0]}
        return {name: values[0] for name, values in found.items()} if one else found

    def draw(self, source: Source, n: int, *, seed: int = 0, batch: int = 64, **changes: Any) -> Iterator[Fields]:
        """Yields outputs and conditions for n examples of a source, batch by batch; see `jgan.run.sampling.outputs_of`."""
        return outputs_of(self._sampler(None), self._kept, self.sampling, source, n, seed=seed, batch=batch, **changes)

    @functools.cached_property
    def sampling(self) -> Sampling:
        """What `sample` takes and gives."""
        return self.system.sampling(self.config, self.spec)

    def open_data(self, split: str | None = None) -> Source:
        """Returns the data of the run, or another part of them.

        Raises:
          ValueError: if what goes on in time has another rate than in the run, by more than a hundredth; and as the system's `data`.
        """
        source = self.system.data(self.config, split)
        for field, rate in self.spec.rates.items():
            found = source.rates.get(field, rate)
            if abs(found - rate) > 0.01 * rate:
                expected = f"expected {field} of {rate:g} per second in {source.name}, as in the run"
                raise ValueError(f"{expected}, found {found:g}; convert it, or train with a --sample-rate or --rate that all parts get")
        return source

    def latents(self, seeds: Iterable[int]) -> np.ndarray:
        """Returns the latents [N, latent_size] of seeds.

        Raises:
          ValueError: if the system draws none.
        """
        drawn = self._drawn(seed_numbers(seeds))
        if "z" not in drawn:
            raise ValueError(f"expected a system with latents, found {self.system.name}, which draws {', '.join(drawn) or 'nothing'}")
        return np.asarray(drawn["z"])

    def run(self, inputs: Fields) -> Outputs:
        """Computes the outputs of complete inputs as they come of `sample`, without noise: for measurements inside of other programs."""
        return self._sampler(None)(self._kept, None, inputs)

    def apply(self, weights: Mapping[str, Any], inputs: Inputs) -> Outputs:
        """Computes the outputs of inputs as they come of `sample`, without noise, by other weights: for what differentiates by either.

        Args:
          weights: in place of those of this object, by the same paths.
          inputs: as of `run`.
        """
        return self.sample(whole_state(self.abstract, weights), None, inputs)

    def state(self) -> Any:
        """Returns the state of the training, in which leaves on which `sample` does not depend are zeros."""
        return whole_state(self.abstract, self._kept)

    def exportable(self, direction: str = "forward") -> tuple[Callable[..., Array], tuple[str, ...], tuple[jax.ShapeDtypeStruct, ...]]:
        """Returns the main output as a function of arrays, the names of these arrays, and the shapes of one example; without noise.

        Raises:
          ValueError: for a direction that the system has not.
        """
        shapes, output = input_shapes(self.sampling, self.spec), next(iter(self.sampling.outputs))
        if self.sampling.directions:
            condition, output = self.direction(direction)
            others = {name for name, _ in self.sampling.directions.values()} - {condition}
            shapes = {name: shape for name, shape in shapes.items() if name not in others}

        def function(*arrays):
            return self.sample(self.state(), None, dict(zip(shapes, arrays, strict=True)))[output]

        return function, tuple(shapes), tuple(shapes.values())

    def direction(self, name: str) -> tuple[str, str]:
        """Returns the condition that a direction translates, and the output that it makes.

        Raises:
          ValueError: if the system has no such direction.
        """
        if name not in self.sampling.directions:
            known = ", ".join(self.sampling.directions) or "none"
            raise ValueError(f"expected a direction of {self.system.name}, {known}, found {name!r}")
        return self.sampling.directions[name]

    def save(self, path: str | Path) -> None:
        """Writes all that `jgan.load(path)` needs into one .npz file.

        Raises:
          ValueError: if the path does not end in .npz.
        """
        path = Path(path)
        if path.suffix != ".npz":
            raise ValueError(f"expected a path that ends in .npz, found {path}")
        about = {**self.about, "system": self.system.name, "config": to_plain(self.config), "spec": plain_spec(self.spec)}
        write_atomic(path, npz_of({"about.json": np.frombuffer(json.dumps(about).encode(), np.uint8), **self.weights}))

    def __repr__(self) -> str:
        outputs = ", ".join(self.sampling.outputs)
        names = ", ".join(input_shapes(self.sampling, self.spec))
        return f"<jgan {self.system.name} at step {self.about.get('step')} of {self.about.get('run')}: ({names}) -> {outputs}>"

    @functools.cached_property
    def _kept(self):
        with jax.ensure_compile_time_eval():  # or the arrays of a first call inside a trace would be tracers
            return {name: jnp.asarray(value) for name, value in self.weights.items()}

    def _sampler(self, only: str | None) -> Sampler:
        """`sample` of what is kept, compiled; it computes all outputs, or only one."""
        if only not in self._samplers:

            def of_kept(kept, key, inputs):
                outputs = self.sample(whole_state(self.abstract, kept), key, inputs)
                return outputs if only is None else {only: outputs[only]}

            self._samplers[only] = sampler(of_kept, jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), self._kept))
        return self._samplers[only]

    @functools.cached_property
    def _samplers(self) -> dict[str | None, Sampler]:
        return {}

    def _drawn(self, seeds):
        """What the seeds draw, some at a time: one compiled program serves any number of them."""
        words = np.stack([seed_words(int(seed)) for seed in np.resize(seeds, -(-len(seeds) // BATCH) * BATCH)])
        parts = [self._draw(words[start : start + BATCH]) for start in range(0, len(words), BATCH)]
        return {name: np.concatenate([part[name] for part in parts])[: len(seeds)] for name in parts[0]}

    @functools.cached_property
    def _draw(self) -> Callable:
        def draw(words):
            return {name: x[0] for name, x in self.sampling.inputs(jax.random.wrap_key_data(words, impl="threefry2x32"), 1).items()}

        return jax.jit(jax.vmap(draw))

    def _inputs(self, seeds: ArrayLike | None, given: dict[str, Any]) -> tuple[dict[str, np.ndarray], bool]:
        """All inputs as arrays of one length, and whether they are of one example that came without a batch axis."""
        shapes = input_shapes(self.sampling, self.spec)
        given = {name: self._words(name, value) for name, value in given.items() if value is not None}
        alone = [name for name, value in given.items() if name in shapes and 0 < len(shapes[name].shape) == np.ndim(value)]
        given = {name: self._input(name, value, shapes) for name, value in given.items()}
        seeds = None if seeds is None else seed_numbers(seeds)
        lengths = {len(value) for name, value in given.items() if np.ndim(value) and name not in alone}
        lengths |= set() if seeds is None else {len(seeds)}
        if len(lengths) > 1 or 0 in lengths:
            raise ValueError(f"expected inputs of one length, one example or more, found lengths {sorted(lengths)}")
        one = bool(alone) and not lengths
        seeds = np.arange(max(lengths, default=1)) if seeds is None else seeds
        given |= {name: np.repeat(given[name], len(seeds), axis=0) for name in alone}
        self._check_conditions(given)
        if "label" in self.sampling.conditions and "label" not in given:
            given["label"] = (seeds % max(1, self.spec.classes)).astype(np.int32)
        drawn = self._drawn(seeds)
        given = {name: value if np.ndim(value) else np.full(len(seeds), value) for name, value in given.items()}
        return {name: np.asarray(value) for name, value in drawn.items() if name not in given} | given, one

    def _words(self, name, value):
        """Text, one or many, as tokens, where an input has a vocabulary; other values as they are."""
        field = self.spec.fields.get(name)
        if name not in self.spec.names or field is None or len(field.shape) != 1:
            return value
        if isinstance(value, str):
            return token_numbers(name, value, self.spec.names[name], field)
        texts = isinstance(value, (list, tuple)) and all(isinstance(text, str) for text in value)
        return np.stack([token_numbers(name, text, self.spec.names[name], field) for text in value]) if texts and value else value

    def _check_conditions(self, given):
        """Conditions that are data, such as images, have to be given; of a translator one of them. Classes take turns by themselves."""
        needed = [name for name in self.sampling.conditions if name != "label"]
        missing = [name for name in needed if name not in given]
        if missing and (not self.sampling.directions or missing == needed):
            raise ValueError(f"expected the input {', '.join(missing)}, found none: give {missing[0]}=...")

    def _input(self, name: str, value: Any, shapes: Mapping[str, jax.ShapeDtypeStruct]) -> Any:
        """One input as an array [N, ...], or as a number that holds for all examples."""
        if name not in shapes and name not in self.sampling.optional:
            raise ValueError(
                f"{self.system.name} takes no input {name!r}: expected some of {', '.join((*shapes, *self.sampling.optional))}"
            )
        if name == "label":
            return label_numbers(value, self.spec.names.get("label", ()))
        expected = shapes.get(name)
        value = np.asarray(value)
        if expected is None:
            return value
        if value.ndim == 0 and expected.shape == ():
            return value.astype(expected.dtype)
        pictures = len(expected.shape) >= 3 and expected.dtype == np.uint8  # images, masks and videos
        if pictures and value.dtype not in (np.uint8, np.float32):
            raise ValueError(f"expected {name} as uint8, or as float32 in [-1, 1], found {value.dtype}")
        value = value[None] if value.ndim == len(expected.shape) else value
        if value.ndim != len(expected.shape) + 1 or (expected.shape and value.shape[-1] != expected.shape[-1]):
            raise ValueError(f"expected {name} as [N, {', '.join(map(str, expected.shape))}] or one of them, found {list(value.shape)}")
        return value if pictures else value.astype(expected.dtype)


def load(run: str | Path, step: int | None = None, system: System | None = None) -> Trained:
    """Loads what a run has learned, from its folder or from a file that `Trained.save` wrote.

    Args:
      run: the folder, also one that `jgan pull` or `jgan export --format safetensors` made, or the file.
      step: of the checkpoint; None: the best by the run's score, the latest if there is no score.
      system: of the run; None: the one of the package whose name the run has.

    Raises:
      FileNotFoundError: if there is no run, or no such checkpoint.
      ValueError: if the run was made by another system, or one that is not known, or its files are damaged.
    """
    run = Path(run)
    if run.is_file():
        return _load_file(run, system)
    system = system or system_of(run)
    config, spec, about = config_of(run, system.name, system.config), recall(run), read_about(run)
    if (run / WEIGHTS_FILE).is_file():
        return _load_shared(run / WEIGHTS_FILE, step, system, config, spec, about)
    with Checkpoints(run / "checkpoints") as checkpoints:
        step = checkpoints.best_step() if step is None else step
        training = training_at(system, config, spec, step)
        abstract = abstract_state(config, spec, training)
        wanted = used_leaves(training.sample, abstract, system.sampling(config, spec), spec)
        weights = checkpoints.restore_leaves(step, abstract, wanted)
    about = {**about, "run": run.name, "step": step}
    return Trained(system, config, spec, about, weights, abstract, training.sample)


def sampling_of(run: str | Path, system: System) -> tuple[Sampling, Spec]:
    """Returns what `sample` takes and gives in a run, and what its data are, without its numbers; errors as `load`."""
    spec = recall(run)
    return system.sampling(config_of(run, system.name, system.config), spec), spec


@contextlib.contextmanager
def _reading(path):
    """Names the file in errors of reading it."""
    try:
        yield
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path} is no file that Trained.save wrote with this version: {error!r}; save it again") from error


def _load_file(path, system):
    weights = bounded.read_npz(path)
    with _reading(path):
        about = json.loads(weights.pop("about.json").tobytes())
        name = about.pop("system")
    system = system or find_system(name)
    check_system(path, name, system.name)
    with _reading(path):
        config, spec = from_plain(system.config, about.pop("config")), spec_of_plain(about.pop("spec"))
    return _of_weights(path, weights, system, config, spec, about)


def _load_shared(path, step, system, config, spec, about):
    if step not in (None, about.get("step")):
        raise FileNotFoundError(f"{path.parent} was shared without its checkpoints: expected step {about.get('step')}, found {step}")
    return _of_weights(path, read_safetensors(path), system, config, spec, about)


def _of_weights(path, weights, system, config, spec, about):
    """What a file holds that somebody else may have written: its numbers are those that the system needs, or it is refused."""
    with _reading(path):
        training = training_at(system, config, spec, about["step"])
    abstract = abstract_state(config, spec, training)
    wanted = used_leaves(training.sample, abstract, system.sampling(config, spec), spec)
    leaves = by_name(abstract)
    wrong = [n for n in {*wanted, *weights} if n not in weights or n not in leaves or weights[n].shape != leaves[n].shape]
    if wrong:
        raise ValueError(f"{path} does not hold the numbers of this {system.name}: expected others for {', '.join(sorted(wrong)[:5])}")
    return Trained(system, config, spec, about, {n: _as(x, leaves[n].dtype) for n, x in weights.items()}, abstract, training.sample)


def _as(x, dtype):
    return x.view(dtype) if x.dtype.kind == "V" else x.astype(dtype)  # bfloat16 is nameless in .npz, and widened by `read_safetensors`


def _plain(x) -> np.ndarray:
    x = np.asarray(x)
    return to_uint8(x) if x.ndim >= 4 and jnp.issubdtype(x.dtype, jnp.floating) else x
