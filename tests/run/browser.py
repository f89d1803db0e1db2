"""A page in headless Chromium, as its user would see it; tests that need one are skipped where there is none."""

import shutil
import subprocess

import pytest

OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
OPTIONS += ("--disable-component-update", "--disable-sync", "--virtual-time-budget=1000")


def needs_chromium():
    return pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Chromium: apt-get install chromium")


def after(page, script, folder, *options):
    """The document that Chromium has of a page after a script of a test has run in it."""
    path = folder / "page.html"
    path.write_text(page.replace("</body>", f"<script>{script}</script></body>"))
    command = ["chromium", *OPTIONS, *options, f"--user-data-dir={folder / 'profile'}", "--dump-dom", path.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=True).stdout
