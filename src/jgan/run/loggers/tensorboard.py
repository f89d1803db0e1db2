"""TensorBoard: the numbers and the samples of a run as events."""

import math
import os
import time
from pathlib import Path

from jgan import outputs

ABOUT = ("step", "images", "seconds")  # of a record, beside its values


class TensorBoard:
    """Writes event files in tensorboard/ of the folder of a run, one for each start; they replace events of the same steps."""

    def __init__(self, folder: Path):
        self._folder, self._writer = folder / "tensorboard", None

    def scalars(self, record):
        from tensorboardX.summary import Summary  # pyright: ignore[reportAttributeAccessIssue]

        values = {name: math.nan if value is None else value for name, value in record.items() if name not in ABOUT}
        self._write(record["step"], [Summary.Value(tag=name, simple_value=value) for name, value in values.items()])

    def samples(self, step, rendered):
        self._write(step, outputs.events(rendered))

    def close(self):
        if self._writer is not None:
            self._writer.close()

    def _write(self, step, values):
        # Written at once: the queue of tensorboardX's SummaryWriter blocks for good when its thread meets a full disk.
        from tensorboardX.proto.event_pb2 import Event  # pyright: ignore[reportAttributeAccessIssue]
        from tensorboardX.summary import Summary  # pyright: ignore[reportAttributeAccessIssue]

        writer, self._writer = self._writer or _open(self._folder, step), None  # a failed file is not used again
        writer.write_event(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))
        writer.flush()
        self._writer = writer


def _open(folder, step):
    """A new file of events, which replace those of earlier files from this step on."""
    from tensorboardX.event_file_writer import EventsWriter
    from tensorboardX.proto.event_pb2 import Event, SessionLog  # pyright: ignore[reportAttributeAccessIssue]

    folder.mkdir(exist_ok=True)
    writer = EventsWriter(str(folder / "events"), f".{step}-{os.getpid()}-{time.monotonic_ns()}")
    writer.write_event(Event(wall_time=time.time(), step=step, session_log=SessionLog(status=SessionLog.START)))
    return writer
