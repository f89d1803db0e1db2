"""jgan push RUN user/name"""

from pathlib import Path

import tyro

from jgan.ranges import CountOrZero
from jgan.run import hub
from jgan.run.system import System
from jgan.run.trained import load


def push(
    system: System,
    run: tyro.conf.Positional[Path],
    name: tyro.conf.Positional[str],
    private: bool = False,
    step: CountOrZero | None = None,
) -> None:
    """Puts the weights and a model card on the Hugging Face hub, where anyone takes them with `jgan pull`; needs an account.

    Args:
        run: The folder of the run.
        name: Of the repository, user/name; made if there is none.
        private: Make the repository one that others cannot see.
        step: The checkpoint to use; the best if not given.
    """
    hub.check_name(name)
    print(hub.push(load(run, step, system), run, name, private=private))
