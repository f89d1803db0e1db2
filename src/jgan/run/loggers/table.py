"""A table for spreadsheets and data frames: metrics.csv."""

import csv
import io
from pathlib import Path

from jgan.outputs.files import append_whole, write_atomic
from jgan.run.metrics_log import FILE, read_records


class Table:
    """Writes metrics.csv in the folder of a run: a row for each record, a column for each name; what is not finite is left empty.

    At the start and where a name is new the table is made anew of all records, so it tells of the whole run, whenever it was asked for.
    """

    def __init__(self, folder: Path):
        self._path, self._records, self._names = folder / "metrics.csv", folder / FILE, ()

    def scalars(self, record):
        if record.keys() <= set(self._names):
            append_whole(self._path, _rows(self._names, [record]))
        else:
            records = read_records(self._records)
            names = tuple(dict.fromkeys(name for row in (*records, record) for name in row))
            write_atomic(self._path, _rows(names, [dict(zip(names, names, strict=True)), *records]))
            self._names = names

    def samples(self, step, rendered):
        pass

    def close(self):
        pass


def _rows(names, records):
    text = io.StringIO()
    csv.DictWriter(text, names, restval="", lineterminator="\n").writerows(records)
    return text.getvalue()
