"""report.html: what a run was, what it made and how its numbers went, in one file."""

from jgan.run.report.page import write_report

__all__ = ["write_report"]
