"""jgan report RUN RUN ..."""

from pathlib import Path

import tyro

from jgan.outputs import check_place
from jgan.run.report import write_comparison, write_report


def report(runs: tyro.conf.Positional[tuple[Path, ...]], out: Path | None = None) -> None:
    """Writes the report of a run anew, or one page on which several runs are compared.

    Args:
        runs: Their folders.
        out: The page on which several are compared; compare.html if not given. The page of one is report.html in its folder.
    """
    if not runs or (len(runs) == 1 and out is not None):
        raise ValueError(f"expected one run, or several with --out, found {len(runs)}; the report of one is report.html in its folder")
    if len(set(map(Path.resolve, runs))) < len(runs):
        raise ValueError("expected different runs, found one twice; leave it out")
    if len(runs) == 1:
        write_report(runs[0])
        print(runs[0] / "report.html")
        return
    out = out or Path("compare.html")
    check_place(out)
    write_comparison(runs, out)
    print(out)
