"""Ctrl-C while a program is still importing: one line and status 130 in place of a traceback through other people's modules."""

import sys
import traceback
from pathlib import Path
from types import TracebackType


def one_line_while_importing() -> None:
    """Makes an interrupt during an import end the program with one line; all other exceptions are shown as before."""
    before = sys.excepthook

    def show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt) and _within_import(trace):
            print(f"{Path(sys.argv[0]).name}: interrupted", file=sys.stderr)
            raise SystemExit(130)
        before(kind, error, trace)

    sys.excepthook = show


def _within_import(trace):
    frames = [frame.f_code for frame, _ in traceback.walk_tb(trace)][1:]  # the first is the program itself
    return any(code.co_name == "<module>" or code.co_filename.startswith("<frozen importlib") for code in frames)


one_line_while_importing()
