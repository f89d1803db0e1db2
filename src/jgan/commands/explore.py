"""jgan explore RUN"""

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import tyro

from jgan import outputs
from jgan.commands.views import Control, Shown, View, views
from jgan.outputs.report import STYLE
from jgan.ranges import CountOrZero, Port
from jgan.run.system import System
from jgan.run.trained import load

CSS = """
.shown img { width: 100%; max-height: 85vh; object-fit: contain; object-position: left top; image-rendering: pixelated }
footer { display: none !important }
"""


def explore(
    system: System,
    run: tyro.conf.Positional[Path],
    port: Port = 7860,
    browser: bool = True,
    step: CountOrZero | None = None,
) -> None:
    """Opens a page in the browser on which the run is tried out: seeds, truncation, classes, directions, walks, images; until Ctrl-C.

    The page is served on this machine, to this machine alone.

    Args:
        run: The folder of the run.
        port: Of the page, http://127.0.0.1:7860.
        browser: Open it in the browser.
        step: The checkpoint to use; the best if not given.
    """
    gradio = _gradio()
    trained = load(run, step, system)
    title = f"{system.name}, step {trained.about['step']} of {trained.about.get('run', run.name)}"
    with tempfile.TemporaryDirectory() as folder:
        plain = gradio.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])  # none of another server
        blocks = page(title, views(trained, run), Path(folder))
        print(f"http://127.0.0.1:{port} until Ctrl-C", flush=True)
        blocks.launch(server_name="127.0.0.1", server_port=port, inbrowser=browser, share=False, quiet=True, theme=plain, css=STYLE + CSS)


def page(title: str, offered: list[View], folder: Path) -> Any:
    """Returns the page, of Gradio: a tab for each view.

    Args:
      title: of the page.
      offered: the views.
      folder: for files to download.
    """
    gradio = _gradio()
    with gradio.Blocks(title=title, analytics_enabled=False) as blocks:
        gradio.Markdown(f"## {title}")
        for number, view in enumerate(offered):
            with gradio.Tab(view.title), gradio.Row():
                with gradio.Column(scale=1, min_width=260):
                    with gradio.Row():
                        button = gradio.Button("Draw", variant="primary", min_width=100)
                        download = gradio.DownloadButton("Download", interactive=False, min_width=100)
                    controls = [_component(gradio, control) for control in view.controls.values()]
                with gradio.Column(scale=3):
                    shown = gradio.HTML(elem_classes="shown")
                answer = partial(_answer, gradio, view, folder / f"{number}")
                triggers = [button.click]
                if all(control.value is not None for control in view.controls.values()):  # nothing has to be uploaded before
                    triggers += [*map(_changed, controls), *([blocks.load] if number == 0 else [])]
                gradio.on(triggers, answer, controls, [shown, download], show_progress="minimal", trigger_mode="always_last")
    return blocks


def render(shown: Shown, folder: Path, title: str) -> tuple[str, Path]:
    """Returns what a view shows as HTML, and as the file that is downloaded, which replaces the one before."""
    outputs.write(folder, 0, outputs.render(shown.found, shown.kinds, shown.columns))
    path = folder.with_name(f"{folder.name}-{title.lower()}") / f"{title.lower()}{outputs.endings(shown.kinds)[0]}"
    outputs.save(path, shown.found, shown.kinds, shown.columns)
    return outputs.figures(folder, 0), path


def _answer(gradio, view, folder, *values):
    try:
        html, path = render(view.draw(**dict(zip(view.controls, values, strict=True))), folder, view.title)
    except (ValueError, OSError) as error:
        raise gradio.Error(str(error)) from error
    return html, gradio.DownloadButton("Download", value=str(path), interactive=True)


def _component(gradio, control: Control) -> Any:
    if control.value is None:
        return gradio.Image(label=control.label, type="numpy", image_mode="RGB", sources=["upload", "clipboard"])
    if isinstance(control.value, tuple):
        return gradio.CheckboxGroup(list(control.among), value=[], label=control.label)
    if control.among:
        return gradio.Dropdown(list(control.among), value=control.value, label=control.label)
    if isinstance(control.value, float):
        low, high, step = control.span
        return gradio.Slider(low, high, control.value, step=step, label=control.label)
    return gradio.Textbox(control.value, label=control.label)


def _changed(component):
    """When somebody has set a control: let go of a slider, entered a text, chosen one of several."""
    return next(getattr(component, name) for name in ("release", "submit", "input") if hasattr(component, name))


def _gradio() -> Any:
    try:
        import gradio  # pyright: ignore[reportMissingImports]  of an extra
    except ModuleNotFoundError as error:
        message = f"`jgan explore` needs the package {error.name}: pip install 'jgan[explore]'"
        raise ModuleNotFoundError(message, name=error.name) from None
    return gradio
