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

# After the first unreadable array, others still arrive in the event loop that orbax has closed: noise on standard error, at any later time.
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


def test_an_unreadable_checkpoint_is_set_aside_for_the_one_before(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, game_state(1))
        checkpoints.save(2, game_state(2))
        checkpoints.wait()
        damage(tmp_path / "00000002")
        with pytest.warns(UserWarning, match="step 2 cannot be read and was set aside"):
            step, state = checkpoints.restore_latest(lambda step: abstract_of(game_state()))
        assert step == 1
        assert_equal(state, game_state(1))
        checkpoints.save(2, game_state(3))
        checkpoints.wait()
        assert_equal(checkpoints.restore_latest(lambda step: abstract_of(game_state()))[1], game_state(3))


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
        with pytest.warns(UserWarning, match="step 2 was not saved: NotADirectoryError.*training goes on"):
            checkpoints.save(2, game_state(2))
        path.unlink()
        (tmp_path / "away").rename(path)
        checkpoints.save(3, game_state(3))
        checkpoints.wait()
        assert checkpoints.steps() == [1, 3]


def test_a_full_disk_is_warned_about_and_cleaned_up_after(tmp_path):
    result = python(
        """
        import resource, sys, warnings
        import jax.numpy as jnp, numpy as np
        from jgan.run.checkpoints import Checkpoints
        state = {"w": jnp.asarray(np.random.default_rng(0).normal(size=50_000), jnp.float32)}
        with Checkpoints(sys.argv[1]) as checkpoints, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for step, limit in [(1, 10**9), (2, 10_000), (3, 10_000), (4, 10**9)]:
                checkpoints.wait()
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, 10**9))
                checkpoints.save(step, state)
            checkpoints.wait()
            messages = [str(w.message) for w in caught if "training goes on" in str(w.message)]
        print(len(messages), all("not completed" in m for m in messages), checkpoints.steps())
        """,
        tmp_path,
    )
    assert result.stdout.splitlines()[-1:] == ["2 True [1, 4]"], result.stderr
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
