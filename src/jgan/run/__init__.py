"""The shell: what a system is, the loop that all share, what a run leaves behind, and the command line."""

import jgan.run.interrupt as _  # noqa: F401  first, since the others take seconds to import
from jgan.run.main import main
from jgan.run.settings import Settings, changeable
from jgan.run.system import Sampling, System
from jgan.run.trained import Trained, load

__all__ = ["Sampling", "Settings", "System", "Trained", "changeable", "load", "main"]
