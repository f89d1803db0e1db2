"""Ends a run when it is asked to: by SIGTERM, as schedulers do before they take a machine back, by Ctrl-C, or with its terminal."""

import contextlib
import signal
import threading
from collections.abc import Iterator

import jax

from jgan.compat import multihost_utils

SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)]  # Windows has no SIGHUP


class Stop:
    """Whether the run was asked to end, and by which signal."""

    def __init__(self):
        self.signal: int | None = None

    def __bool__(self):
        return self.signal is not None

    @property
    def status(self) -> int:
        """The exit status: 130 after Ctrl-C and 129 after SIGHUP, as in shells; 0 after SIGTERM, since all was saved."""
        return 0 if self.signal in (None, signal.SIGTERM) else 128 + self.signal

    def poll(self, before: int, step: int) -> bool:
        """Asks whether to end: called by all processes after every call, which led from `before` to `step`; all get the same answer."""
        if jax.process_count() > 1:
            # JAX agrees on one step at which all stop, which need not be the last of a call: all have to be asked about.
            if any([multihost_utils.reached_preemption_sync_point(s) for s in range(before + 1, step + 1)]):
                self.signal = signal.SIGTERM
        return bool(self)


@contextlib.contextmanager
def stop_requests() -> Iterator[Stop]:
    """Takes SIGTERM, SIGINT and SIGHUP while it lasts, but no SIGHUP that is ignored, as under nohup; a second one of them has its ordinary
    effect.

    With several processes they are left to JAX, whose preemption service has all of them stop at the same step.
    """
    stop, before = Stop(), {}

    def ask(number, frame):
        stop.signal = number
        for n, handler in before.items():
            signal.signal(n, handler)

    if jax.process_count() == 1 and threading.current_thread() is threading.main_thread():
        taken = [n for n in SIGNALS if n in (signal.SIGTERM, signal.SIGINT) or signal.getsignal(n) != signal.SIG_IGN]
        before = {n: signal.signal(n, ask) for n in taken}
    try:
        yield stop
    finally:
        for n, handler in before.items():
            signal.signal(n, handler)
