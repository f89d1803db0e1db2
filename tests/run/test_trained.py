"""What a trained system takes: seeds, text, one example for all, arrays of the dtypes of the data; without data at hand."""

import io

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.run.tiny_systems import COLOUR, GROWING, TEXT, WORDS, learning
from tests.systems.untrained import random_run

from jgan import outputs
from jgan.data import Source
from jgan.ops.images import to_float
from jgan.run import Sampling, main
from jgan.run.trained import load

CONFIG = TEXT.presets["tiny"]
FRAMES = {"video": jax.ShapeDtypeStruct((2, 4, 4, 3), np.uint8), "map": jax.ShapeDtypeStruct((4, 4, 1), np.int32)}


def sums(config, spec):
    """A system of any fields: the mean of the video in half precision, moved by a parameter in half precision."""

    def sample(params, inputs):
        return {"video": (to_float(inputs["video"]) + params["shift"].astype(jnp.float32)).astype(jnp.bfloat16)}

    return learning(lambda params, batch, noise: 0.0 * params["shift"], lambda key: {"shift": jnp.zeros((), jnp.bfloat16)}, sample, config)


VIDEO = TEXT._replace(
    name="frames",
    data=lambda config, split=None: Source("frames", 8, FRAMES, lambda i: {n: np.zeros(f.shape, f.dtype) for n, f in FRAMES.items()}),
    build=sums,
    sampling=lambda config, spec: Sampling(lambda key, n: {}, {"video": outputs.video(8)}, conditions=("video", "map"), truth=("video",)),
)


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    return load(random_run(TEXT, CONFIG, tmp_path_factory.mktemp("text") / "run"), system=TEXT)


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    return load(random_run(VIDEO, CONFIG, tmp_path_factory.mktemp("frames") / "run", scale=0.0), system=VIDEO)


def test_text_is_tokens(text):
    tokens = np.asarray([WORDS.index(word) for word in ("a", "red", "moon")])
    np.testing.assert_array_equal(text(caption="a red moon"), text(caption=tokens))
    np.testing.assert_array_equal(text(range(3), caption=["a red moon"] * 3), text(range(3), caption=tokens))
    assert text(range(3), caption="a red moon").shape == (3, 3) and text(caption="a red moon").shape == (3,)


@pytest.mark.parametrize(
    ("caption", "message"), [("a red bear", "expected caption in words of the data, found bear"), ("a moon", "of 3 words, found 2")]
)
def test_text_that_is_none(text, caption, message):
    with pytest.raises(ValueError, match=message):
        text(caption=caption)


def test_seeds(text):
    np.testing.assert_array_equal(text((seed for seed in (3, 2**32 - 1)), caption="a red moon"), text([3, 2**32 - 1], caption="a red moon"))
    for seeds in ([2**63], [-1]):
        with pytest.raises(ValueError, match="expected a seed from 0 to 9223372036854775807"):
            text(seeds, caption="a red moon")


def test_large_seeds_draw_anew_and_small_ones_as_their_key(text):
    seeds = [0, 5, 2**32 - 1, 2**32, 2**32 + 5, 2**40, 2**63 - 1]
    drawn = text._drawn(np.asarray(seeds))["uniforms"]
    assert len({row.tobytes() for row in drawn}) == len(seeds)
    keys = [jax.random.key(seed, impl="threefry2x32") for seed in seeds[:3]]
    np.testing.assert_array_equal(drawn[:3], [jax.random.uniform(key, (1, 3))[0] for key in keys])


def test_what_seeds_draw_does_not_depend_on_their_number(text):
    few, many = text._drawn(np.arange(3)), text._drawn(np.arange(40))
    np.testing.assert_array_equal(few["uniforms"], many["uniforms"][:3])


def test_inputs_are_of_the_dtypes_of_the_data(frames):
    black = frames(video=-np.ones((2, 2, 4, 4, 3), np.float32), map=np.ones((4, 4, 1), np.int64))
    assert black.dtype == np.uint8 and (black == 0).all()  # not floats that were rounded to 255
    with pytest.raises(ValueError, match="expected video as uint8, or as float32"):
        frames(video=np.zeros((2, 4, 4, 3), np.int32), map=np.ones((4, 4, 1), np.int32))


def test_half_precision_is_saved(frames, tmp_path):
    frames.save(tmp_path / "frames.npz")
    weights = load(tmp_path / "frames.npz", system=VIDEO).weights
    assert {str(x.dtype) for x in weights.values()} == {"bfloat16"}


def damaged(content, kind):
    """The content of a saved file, changed."""
    if kind == "cut":
        return content[: len(content) // 2]
    if kind == "another":
        return b"not a file of ours"
    arrays = dict(np.load(io.BytesIO(content)))
    name = next(name for name in arrays if name != "about.json")
    if kind == "nameless":
        del arrays["about.json"]
    if kind == "incomplete":
        del arrays[name]
    if kind == "shape":
        arrays[name] = arrays[name][None]
    if kind == "text":
        arrays["about.json"] = np.frombuffer(b"[1]", np.uint8)
    if kind == "pickle":
        arrays[name] = np.asarray([{}], object)
    changed = io.BytesIO()
    np.savez(changed, **arrays)
    return changed.getvalue()


@pytest.mark.parametrize("kind", ["cut", "another", "nameless", "incomplete", "shape", "text", "pickle"])
def test_a_damaged_file_is_named(text, tmp_path, kind):
    text.save(tmp_path / "text.npz")
    (tmp_path / "text.npz").write_bytes(damaged((tmp_path / "text.npz").read_bytes(), kind))
    with pytest.raises(ValueError, match=r"text\.npz (is no|does not hold the numbers of this text)"):
        load(tmp_path / "text.npz", system=TEXT)


def test_a_run_of_stages_is_loaded_without_its_data(tmp_path):
    np.savez(tmp_path / "images.npz", images=np.zeros((16, 8, 8, 3), np.uint8))
    options = ["--kimg", "0.128", "--score-kimg", "0", "--devices", "1", "--workdir", str(tmp_path / "run"), "--limit", "16"]
    main(GROWING, ["train", "--data", str(tmp_path / "images.npz"), *options])
    (tmp_path / "images.npz").unlink()
    assert load(tmp_path / "run", system=GROWING)([0]).shape == (1, 8, 8, 3)


@pytest.mark.parametrize(("changes", "fits"), [({}, True), ({"truncation": None}, True), ({"truncation": 0.5}, False)])
def test_changes_of_inputs_that_the_system_has_not(tmp_path, changes, fits):
    trained = load(random_run(COLOUR, COLOUR.presets["tiny"], tmp_path / "run"), system=COLOUR)
    drawn = trained.draw(trained.open_data(), 4, **changes)
    if fits:
        assert next(drawn)["image"].shape == (4, 4, 4, 3)
    else:
        with pytest.raises(ValueError, match="expected changes of the inputs z, found truncation"):
            next(drawn)


def test_the_file_of_samples_is_named_by_the_kind(tmp_path, monkeypatch):
    random_run(TEXT, CONFIG, tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    main(TEXT, ["sample", "run", "--seeds", "0-3", "--caption", "a red moon"])
    assert len((tmp_path / "samples.txt").read_text().splitlines()) == 4
