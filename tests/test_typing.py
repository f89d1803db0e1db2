"""What a type checker tells a user of the installed package: mistakes against the contract are found, correct code passes."""

import importlib.util
import json
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORRECT = """
import jax
import jax.numpy as jnp
import optax

import jgan
from jgan import losses, penalties
from jgan.data.source import Source
from jgan.run import Sampling, System
from jgan.training import alternating, update
from jgan.types import Array, Batch, Inputs, Key, Metrics, Network, Outputs, Params, Penalty, Spec, State, Training

def init(key: Key, z: Array) -> tuple[Params, State]:
    return {"w": jax.random.normal(key, (z.shape[1], 8))}, {}

def apply(params: Params, state: State, z: Array, *, key: Key | None = None, train: bool = False) -> tuple[Array, State]:
    return z @ params["w"], state

def begin(key: Key, batch: Batch) -> dict[str, Array]:
    return {"step": jnp.zeros((), jnp.int32)}

def step(state: dict[str, Array], batch: Batch, key: Key) -> tuple[dict[str, Array], Metrics]:
    return {"step": state["step"] + 1}, {}

def sample(state: dict[str, Array], key: Key | None, inputs: Inputs) -> Outputs:
    return {"image": inputs["z"]}

def loss(params: Params, state: State, examples: Array, scale: float) -> tuple[Array, tuple[State, Metrics]]:
    return jnp.mean(examples * params) * scale, (state, {})

def data(config: object, split: str | None = None) -> Source:
    return jgan.data.open_source("shapes")

def build(config: object, spec: Spec) -> Training:
    return training

def sampling(config: object, spec: Spec) -> Sampling:
    return Sampling(lambda key, n: {"z": jax.random.normal(key, (n, 8))}, {"image": jgan.outputs.image()})

def clamp(key: Key, generate: jgan.types.Generate, z: Array) -> Array:
    return jnp.sum(generate(z), axis=1)

training = Training(begin, step, sample)
network = Network(init, apply)
learn = update(loss, optax.sgd(1.0))
SYSTEM = System("mine", dict, {"demo": {}}, data, build, sampling)

def play(penalty: Penalty[jgan.types.PenaltyFunction]) -> Training:
    sgd, r1 = optax.sgd(1.0), penalties.on_real(penalties.r1, 5.0, every=16)
    extras = [Penalty(penalties.gradient_penalty, 10.0), r1, penalty, penalties.adaptive_lecam(0.3)]
    return alternating(
        network, network, losses.hinge(), sgd, sgd, latent_size=8, penalties=extras, generator_penalties=[Penalty(clamp)]
    )

def use(run: str) -> int:
    return jgan.load(run)(range(4), truncation=0.7).shape[0]
"""
MISTAKES = {  # what is wrong: (what replaces what in the correct file, what is said of it)
    "a step that returns the state alone": (
        "-> tuple[dict[str, Array], Metrics]:\n    return {'step': state['step'] + 1}, {}",
        "-> dict[str, Array]:\n    return {'step': state['step'] + 1}",
        'cannot be assigned to parameter "step"',
    ),
    "a step without a key": ("state: dict[str, Array], batch: Batch, key: Key", "state: dict[str, Array], batch: Batch", '"step"'),
    "a sample that is no dict": ("-> Outputs:\n    return {'image': inputs['z']}", "-> Array:\n    return inputs['z']", '"sample"'),
    "an apply without a state": ("apply(params: Params, state: State, z: Array, *,", "apply(params: Params, *,", '"apply"'),
    "an apply without a key": (", *, key: Key | None = None, train: bool = False", "", 'Missing keyword parameter "key"'),
    "an apply that returns the output alone": (
        "-> tuple[Array, State]:\n    return z @ params['w'], state",
        "-> Array:\n    return z @ params['w']",
        '"apply"',
    ),
    "a loss without state and metrics": (
        "-> tuple[Array, tuple[State, Metrics]]:\n    return jnp.mean(examples * params) * scale, (state, {})",
        "-> Array:\n    return jnp.mean(examples * params) * scale",
        '"loss"',
    ),
    "an update of a loss with another argument": (
        "learn = update(loss, optax.sgd(1.0))",
        "def learn(player: jgan.training.Player, examples: Array) -> object:\n    return update(loss, optax.sgd(1.0))(player, examples)",
        "Expected 1 more positional argument",
    ),
    "a penalty of the generator among those of the discriminator": (
        "generator_penalties=[Penalty(clamp)]",
        "latent_penalties=[Penalty(clamp)]",
        '"latent_penalties"',
    ),
    "a system without sampling": ("data, build, sampling)", "data, build)", 'Argument missing for parameter "sampling"'),
}


def checked(folder, files):
    """What the type checker says of each file, in an environment in which the package is installed beside its dependencies."""
    environment = folder / "environment"
    venv.create(environment)
    python = environment / "bin" / "python"
    installed = environment / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages" / "installed.pth"
    installed.write_text(f"{ROOT / 'src'}\n{sysconfig.get_path('purelib')}\n")
    user = folder / "user"
    user.mkdir()
    (user / "pyrightconfig.json").write_text('{"typeCheckingMode": "standard"}')
    for name, source in files.items():
        (user / f"{name}.py").write_text(source)
    command = [sys.executable, "-m", "basedpyright", "--outputjson", "--pythonpath", str(python), "-p", str(user)]
    done = subprocess.run(command, cwd=user, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr or done.stdout
    found = {name: [] for name in files}
    for message in json.loads(done.stdout)["generalDiagnostics"]:
        found[Path(message["file"]).stem].append(message["message"])
    return found


@pytest.fixture(scope="module")
def messages(tmp_path_factory):
    if importlib.util.find_spec("basedpyright") is None:
        pytest.skip("needs basedpyright, of jgan[dev]")
    template = (ROOT / "docs" / "adding.md").read_text().split("<!-- template -->\n```python\n")[1].split("```")[0]
    files = {"correct": CORRECT, "template": template}
    for number, (old, new, _) in enumerate(MISTAKES.values()):
        old, new = (text.replace("'", '"') for text in (old, new))
        assert CORRECT.count(old) == 1, old
        files[f"mistake_{number}"] = CORRECT.replace(old, new)
    return checked(tmp_path_factory.mktemp("typing"), files)


@pytest.mark.parametrize("name", ["correct", "template"])
def test_correct_code_passes(name, messages):
    assert messages[name] == []


@pytest.mark.parametrize("number", range(len(MISTAKES)), ids=list(MISTAKES))
def test_a_mistake_is_found(number, messages):
    expected = list(MISTAKES.values())[number][2]
    assert [message for message in messages[f"mistake_{number}"] if re.search(re.escape(expected), message)]
