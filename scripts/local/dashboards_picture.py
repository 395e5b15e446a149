"""Makes the picture of the page with the dashboards that docs/observability.md shows, in Debian's Chromium."""

import os
import shutil
import subprocess
from pathlib import Path

import config
from config import ScriptError

PROGRAM = Path(__file__).with_suffix(".cjs")
TARGET = config.ROOT / "docs/pictures/dashboards.png"


def make(page: str, minutes: int, target: Path = TARGET) -> None:
    """Keeps a picture of the top of the page, with so many minutes up to now."""
    chromium, tools = shutil.which("chromium"), config.tools()
    if not chromium or "npm-browser" not in tools:
        raise ScriptError("Chromium is not installed: run scripts/setup --clients")
    env = {
        **os.environ,
        "NODE_PATH": str(tools["npm-browser"] / "node_modules"),
        "BROWSER": chromium,
        "PAGE": f"{page}?minutes={minutes}",
        "TARGET": str(target),
    }
    argv = [str(tools["node"] / "bin/node"), str(PROGRAM)]
    ended = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise ScriptError(f"there is no picture: {ended.stderr.strip()}")
