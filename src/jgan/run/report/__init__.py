"""report.html: what a run was, what it made and how its numbers went, in one file; several runs compared in another."""

from jgan.run.report.compare import write_comparison
from jgan.run.report.page import REAL, write_report

__all__ = ["REAL", "write_comparison", "write_report"]
