"""W&B (https://wandb.ai): the numbers and the samples of a run in its service, or in files where WANDB_MODE=offline says so."""

import contextlib
import html
import os
import tempfile
import uuid
from pathlib import Path

from jgan.outputs.events import tagged
from jgan.outputs.files import write_atomic

ID = "jgan-id"  # in wandb/: by which a resumed run goes on in the same curves
ADVICE = "log in with `wandb login`, set WANDB_MODE=offline, or leave it out"


class WeightsAndBiases:
    """Shows a run in the project `jgan`, or the one that the environment variable WANDB_PROJECT names, under the name of its folder.

    Args:
      folder: of the run; wandb/ in it keeps what is sent.
      config: of the run, plain.

    Raises:
      ValueError: if W&B refuses, for want of an account say.
    """

    def __init__(self, folder: Path, config):
        import wandb  # pyright: ignore[reportMissingImports]  of an extra

        self._wandb, known = wandb, folder / "wandb" / ID
        if not known.exists():
            write_atomic(known, uuid.uuid4().hex)
        about = {"id": known.read_text(), "name": folder.name, "dir": str(folder), "config": dict(config), "resume": "allow"}
        quiet = wandb.Settings(console="off", silent=True)
        try:
            self._run = wandb.init(project=os.environ.get("WANDB_PROJECT", "jgan"), settings=quiet, **about)
        except wandb.Error as error:
            raise ValueError(f"W&B refused the run: {error}; {ADVICE}") from error

    def scalars(self, record):
        values = {name: value for name, value in record.items() if name != "step" and value is not None}
        with self._trouble_as_oserror():
            self._run.log(values, step=record["step"])

    def samples(self, step, rendered):
        with self._trouble_as_oserror(), tempfile.TemporaryDirectory() as aside:
            shown = {tag: self._value(ending, content, Path(aside)) for tag, (ending, content) in tagged(rendered).items()}
            self._run.log(shown, step=step)

    def close(self):
        with self._trouble_as_oserror():
            self._run.finish()

    def _value(self, ending, content, aside):
        if ending == "txt":
            return self._wandb.Html(f"<pre>{html.escape(content.decode())}</pre>")
        path = aside / f"{uuid.uuid4().hex}.{ending}"
        path.write_bytes(content)
        return {"png": self._wandb.Image, "wav": self._wandb.Audio}[ending](str(path))

    @contextlib.contextmanager
    def _trouble_as_oserror(self):
        try:
            yield
        except self._wandb.Error as error:
            raise OSError(f"W&B: {error}") from error
