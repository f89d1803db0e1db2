import os
import shutil
import signal
import subprocess
import sys
import textwrap
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec

from jgan.run.checkpoints import Checkpoints
from jgan.sharding import data_mesh

# Of checkpoints without checksums; see `quiet_orbax`.
pytestmark = pytest.mark.filterwarnings("ignore:Exception ignored in. None:pytest.PytestUnraisableExceptionWarning")


class GameState(NamedTuple):
    step: Any
    generator: Any
    average: Any


def game_state(step=0):
    generator = {"w": jnp.full((8, 2), step, jnp.bfloat16), "none": None, "empty": {}, "key": jax.random.key(step)}
    return GameState(jnp.asarray(step, jnp.int32), generator, {"w": jnp.arange(5, dtype=jnp.float32) + step})


def abstract_of(state):
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding), state)


def bits(state):
    is_key = lambda x: jnp.issubdtype(x.dtype, jax.dtypes.prng_key)  # noqa: E731
    return [np.asarray(jax.random.key_data(x) if is_key(x) else x) for x in jax.tree.leaves(state)]


def assert_equal(a, b):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(bits(a), bits(b), strict=True):
        np.testing.assert_array_equal(x, y, strict=True)


def damage(path):
    for file in path.rglob("*"):
        if file.is_file() and file.parent.name == "d":
            file.write_bytes(b"")


def python(code, *arguments):
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})


def test_nothing_to_restore(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.restore_latest(lambda step: abstract_of(game_state())) is None
        with pytest.raises(FileNotFoundError, match="expected a checkpoint"):
            checkpoints.best_step()


def test_the_last_ones_and_the_best_are_kept(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        for step, score in enumerate([None, 3.0, 1.0, 2.0, None, 5.0], start=1):
            checkpoints.save(step, game_state(step), score)
        checkpoints.save(6, game_state(0))  # saved already: left alone
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.steps() == [3, 5, 6]
        assert checkpoints.scores() == {3: 1.0, 6: 5.0}
        assert checkpoints.best_step() == 3
        step, state = checkpoints.restore_latest(lambda step: abstract_of(game_state()))
    assert step == 6
    assert_equal(state, game_state(6))


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """The checkpoints of the steps 1 and 2, the second with a score."""
    folder = tmp_path_factory.mktemp("two") / "checkpoints"
    with Checkpoints(folder) as checkpoints:
        checkpoints.save(1, game_state(1))
        checkpoints.save(2, game_state(2), 0.5)
    return folder


FILES = ("checksums.json", "score.json", "state/_METADATA", "state/_sharding", "state/manifest.ocdbt", "state/array_metadatas/*")
FILES += ("state/ocdbt.process_0/manifest.ocdbt", "state/d/*", *(f"state/ocdbt.process_0/d/{i}" for i in range(4)))


def file_of(checkpoint, name):
    """A file by its name, or by its number in a folder whose files have random names."""
    *folder, last = name.split("/")
    found = sorted(checkpoint.joinpath(*folder).glob("*" if last.isdigit() else last))
    return found[int(last) % len(found)] if last.isdigit() else found[0]


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_found_in_any_file(tmp_path, two, name):
    path = shutil.copytree(two, tmp_path / "checkpoints")
    file = file_of(path / "00000002", name)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with Checkpoints(path) as checkpoints:
        with pytest.raises(ValueError, match=r"can be read in .*00000002, found.*take another step, one of \[1\]"):
            checkpoints.restore_raw(2)
        with pytest.warns(UserWarning, match="step 2 cannot be read and was set aside"):
            step, state = checkpoints.restore_latest(lambda step: abstract_of(game_state()))
        assert step == 1
        assert_equal(state, game_state(1))
        assert checkpoints.best_step() == 1 and checkpoints.scores() == {}


@pytest.mark.parametrize("name", ["_CHECKPOINT_METADATA", "commit_success.txt"])
@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_what_is_not_in_the_checksums_cannot_change_the_state(tmp_path, two, name, place):
    path = shutil.copytree(two, tmp_path / "checkpoints")
    content = bytearray((path / "00000002" / name).read_bytes())
    content[int(place * len(content))] ^= 1
    (path / "00000002" / name).write_bytes(content)
    with Checkpoints(path) as checkpoints:
        step, state = checkpoints.restore_latest(lambda step: abstract_of(game_state()))
        assert_equal(state, game_state(step))


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"score": 1', b"\xff\xfe", b'{"scOre": 1.0}', b'{"score": null}'])
def test_a_damaged_score_does_not_stop_the_reading(tmp_path, two, content):
    path = shutil.copytree(two, tmp_path / "checkpoints")
    (path / "00000002" / "checksums.json").unlink()
    (path / "00000002" / "score.json").write_bytes(content)
    with Checkpoints(path) as checkpoints:
        assert checkpoints.scores() == {} and checkpoints.best_step() == 2
        assert checkpoints.restore_latest(lambda step: abstract_of(game_state()))[0] == 2


def test_scores_of_checkpoints_without_checksums_are_read(tmp_path, two):
    path = shutil.copytree(two, tmp_path / "checkpoints")
    for file in ("checksums.json", "score.json"):
        (path / "00000002" / file).unlink()
    (path / "00000001" / "metrics").mkdir()
    (path / "00000001" / "metrics" / "metrics").write_text('{"score": 3.0, "rank": -3.0}')
    with Checkpoints(path) as checkpoints:
        assert checkpoints.scores() == {1: 3.0} and checkpoints.best_step() == 1


@pytest.mark.parametrize("checksums", [True, False])
def test_an_unreadable_checkpoint_is_set_aside_for_the_one_before(tmp_path, checksums):
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, game_state(1))
        checkpoints.save(2, game_state(2))
        checkpoints.wait()
        damage(tmp_path / "00000002")
        if not checksums:
            (tmp_path / "00000002" / "checksums.json").unlink()
        with pytest.warns(UserWarning, match="step 2 cannot be read and was set aside"):
            step, state = checkpoints.restore_latest(lambda step: abstract_of(game_state()))
        assert step == 1
        assert_equal(state, game_state(1))
        checkpoints.save(2, game_state(3))
        checkpoints.wait()
        assert_equal(checkpoints.restore_latest(lambda step: abstract_of(game_state()))[1], game_state(3))


def test_if_none_can_be_read_one_line_says_so(tmp_path, two):
    path = shutil.copytree(two, tmp_path / "checkpoints")
    damage(path)
    with Checkpoints(path) as checkpoints:
        with pytest.raises(ValueError, match=r"can be read in .*checkpoints, found none: tried were the steps \[1, 2\]") as raised:
            checkpoints.restore_latest(lambda step: abstract_of(game_state()))
        assert "\n" not in str(raised.value) and "begin a new run" in str(raised.value)
        assert checkpoints.steps() == [1, 2]
        with pytest.raises(ValueError, match="00000001, found"):
            checkpoints.restore_leaves(1, abstract_of(game_state()), ["average/w"])


def test_if_none_fits_none_is_set_aside(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, game_state(1))
        checkpoints.save(2, game_state(2))
        other = abstract_of(game_state())._replace(average={"v": jax.ShapeDtypeStruct((5,), jnp.float32)})
        checkpoints.wait()
        with pytest.raises(ValueError, match="'average', 'v'"):
            checkpoints.restore_latest(lambda step: other)
        assert checkpoints.steps() == [1, 2]


def test_without_scores_the_latest_is_the_best(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, game_state(1))
        checkpoints.save(2, game_state(2))
        checkpoints.wait()
        assert checkpoints.best_step() == 2


def test_reading_leaves_a_save_of_another_process_alone(tmp_path):
    under_way = tmp_path / "00000007.orbax-checkpoint-tmp"
    under_way.mkdir()
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.restore_latest(lambda step: abstract_of(game_state())) is None
    assert under_way.exists()


def test_some_leaves_of_the_state(tmp_path):
    state = {"game": game_state(4)._replace(generator={"w": jnp.ones((8, 2))}), "layers": [jnp.zeros(2), jnp.ones(3)]}
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(4, state)
        checkpoints.wait()
        found = checkpoints.restore_leaves(4, abstract_of(state), ["game/average/w"])
        assert found.keys() == {"game/average/w"}
        np.testing.assert_array_equal(found["game/average/w"], game_state(4).average["w"])
        inside = checkpoints.restore_leaves(4, abstract_of(state), ["layers/1", "game/average/w"])  # of a list: the whole is read
        np.testing.assert_array_equal(inside["layers/1"], np.ones(3))
        assert {"game/generator/w", "game/step", "layers/0"} <= checkpoints.restore_raw(4).keys()
        with pytest.raises(FileNotFoundError, match=r"expected one of the steps \[4\]"):
            checkpoints.restore_leaves(5, abstract_of(state), ["game/average/w"])


@pytest.mark.parametrize("lower_is_better", [True, False])
def test_the_best_by_either_direction(tmp_path, lower_is_better):
    with Checkpoints(tmp_path, keep=1) as checkpoints:
        for step, score in ((1, 2.0), (2, 1.0), (3, 3.0), (4, 1.5)):
            checkpoints.save(step, {"w": jnp.ones(2)}, score, lower_is_better)
            checkpoints.wait()
        best = 2 if lower_is_better else 3
        assert checkpoints.best_step() == best and set(checkpoints.steps()) == {best, 4}
        assert checkpoints.scores()[4] == 1.5


def test_other_devices_than_at_saving(tmp_path):
    state = {"w": jnp.arange(16, dtype=jnp.float32)}

    def on(n):
        return jax.tree.map(
            lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=NamedSharding(data_mesh(jax.devices()[:n]), PartitionSpec("data"))),
            state,
        )

    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, jax.tree.map(lambda x, a: jax.device_put(x, a.sharding), state, on(8)))
        checkpoints.wait()
        for n in (1, 2, 8):
            restored = checkpoints.restore_latest(lambda step, n=n: on(n))[1]
            assert len(restored["w"].sharding.device_set) == n
            assert_equal(restored, state)


def test_a_donated_state_is_saved_as_it_was(tmp_path):
    state = {"w": jnp.ones((1000,), jnp.float32)}
    abstract = abstract_of(state)
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, state)
        jax.block_until_ready(jax.jit(lambda s: jax.tree.map(lambda x: x * 7, s), donate_argnums=0)(state))
        checkpoints.wait()
        np.testing.assert_array_equal(checkpoints.restore_latest(lambda step: abstract)[1]["w"], np.ones(1000, np.float32))


def test_a_folder_that_cannot_be_written_is_warned_about(tmp_path):
    path = tmp_path / "checkpoints"
    with Checkpoints(path) as checkpoints:
        checkpoints.save(1, game_state(1))
        checkpoints.wait()
        path.rename(tmp_path / "away")
        path.write_text("a file in the way")
        with pytest.warns(UserWarning, match=r"checkpoints are not saved \(step 2\): NotADirectoryError.*training goes on"):
            checkpoints.save(2, game_state(2))
        path.unlink()
        (tmp_path / "away").rename(path)
        assert "NotADirectoryError" in checkpoints.why_unsaved(2)
        checkpoints.save(3, game_state(3))
        assert checkpoints.why_unsaved(3) is None
        assert checkpoints.steps() == [1, 3]


def test_a_full_disk_is_warned_about_and_cleaned_up_after(tmp_path):
    result = python(
        """
        import resource, sys, warnings
        import jax.numpy as jnp, numpy as np
        from jgan.run.checkpoints import Checkpoints, quiet_orbax
        quiet_orbax()
        state = {name: jnp.asarray(np.random.default_rng(0).normal(size=50_000), jnp.float32) for name in "abcdefgh"}
        with Checkpoints(sys.argv[1]) as checkpoints, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for step, limit in [(1, 10**9), (2, 10_000), (3, 10_000), (4, 10**9)]:
                checkpoints.wait()
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, 10**9))
                checkpoints.save(step, state)
            checkpoints.wait()
        print(checkpoints.steps(), *[w.message for w in caught], sep="\\n")
        """,
        tmp_path,
    )
    steps, *messages = result.stdout.splitlines()
    assert steps == "[1, 4]" and messages == ["checkpoints are not completed (step 2): [Errno 27] File too large; training goes on"]
    assert result.stderr == ""
    assert not list(tmp_path.glob("*tmp*"))


def test_kill_during_a_save(tmp_path):
    result = python(
        """
        import os, signal, sys, jax.numpy as jnp
        from jgan.run.checkpoints import Checkpoints
        checkpoints = Checkpoints(sys.argv[1])
        checkpoints.save(1, {"w": jnp.full((4_000_000,), 1.0)})
        checkpoints.save(2, {"w": jnp.full((4_000_000,), 2.0)})
        os.kill(os.getpid(), signal.SIGKILL)
        """,
        tmp_path,
    )
    assert result.returncode == -signal.SIGKILL
    abstract = abstract_of({"w": jnp.zeros((4_000_000,))})
    with Checkpoints(tmp_path) as checkpoints:
        step, state = checkpoints.restore_latest(lambda step: abstract)
        assert step in (1, 2) and bool((state["w"] == step).all())
        checkpoints.save(3, {"w": jnp.full((4_000_000,), 3.0)})
    assert not list(tmp_path.glob("*tmp*"))
    shutil.rmtree(tmp_path)


def test_what_cannot_be_asked_for_is_no_damage(tmp_path):
    def abstract(step):
        if step == 2:
            raise OSError("the data of the second stage are away")
        return abstract_of(game_state())

    with Checkpoints(tmp_path) as checkpoints:
        for step in (1, 2):
            checkpoints.save(step, game_state(step))
        checkpoints.wait()
        with pytest.raises(OSError, match="second stage"):
            checkpoints.restore_latest(abstract)
        assert checkpoints.steps() == [1, 2] and not list(tmp_path.glob("*unreadable*"))


def test_a_score_that_is_no_number_is_never_the_best(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        for step, score in ((1, float("nan")), (2, 3.0), (3, float("inf"))):
            checkpoints.save(step, game_state(step), score)
        checkpoints.wait()
        assert checkpoints.best_step() == 2 and checkpoints.scores() == {2: 3.0}
