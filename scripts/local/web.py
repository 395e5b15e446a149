"""Builds the web pages of shared/web into target/web. Fast if nothing has changed."""

import argparse
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import config
import process
import progress
from config import ScriptError
from progress import note, step

SOURCES = config.ROOT / "shared/web"
HEADERS = SOURCES / "headers.json"
DOCUMENT = config.ROOT / "docs/openapi.json"
BUILT = config.ROOT / "target/web"
# What the last build was made of, and by which packages.
MARK = config.ROOT / "target/web.mark"
# Files of shared/web that are made, not written.
MADE = ("node_modules", "src/api")


def _sources() -> Iterator[Path]:
    for path in sorted(SOURCES.rglob("*")):
        relative = path.relative_to(SOURCES).as_posix()
        if path.is_file() and not relative.startswith(MADE):
            yield path


def _fingerprint(packages: Path) -> str:
    digest = hashlib.sha256(str(packages).encode())
    for path in (DOCUMENT, *_sources()):
        digest.update(f"{path.relative_to(config.ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _link_packages(packages: Path) -> None:
    link = SOURCES / "node_modules"
    if link.is_symlink() and link.resolve() == packages.resolve():
        return
    # A directory is that of a developer's own `npm install`.
    if link.is_symlink() or not link.exists():
        link.unlink(missing_ok=True)
        link.symlink_to(packages)


def build() -> None:
    """Generates the types of the API, checks the types of the pages, and bundles them."""
    tools = config.tools()
    packages = tools["npm-web"] / "node_modules"
    _link_packages(packages)
    wanted = _fingerprint(packages)
    if MARK.exists() and MARK.read_text() == wanted and (BUILT / "index.html").exists():
        progress.done("the web pages are up to date")
        return
    MARK.unlink(missing_ok=True)
    path = f"{tools['node'] / 'bin'}{os.pathsep}{os.environ['PATH']}"
    with step("Build the web pages") as shown:
        shown.status = lambda: process.last_line(config.LOGS / "web-build.log")
        npm = tools["node"] / "bin/npm"
        command = [npm, "--prefix", SOURCES, "run", "build"]
        code, log = process.run("web-build", command, {**os.environ, "PATH": path})
        if code != 0:
            for line in process.tail(log, 30):
                note(f"| {line}")
            raise ScriptError(f"the web pages cannot be built: correct the errors above (log: {log})")
    MARK.write_text(wanted)


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/web", description=__doc__)
    parser.add_argument("--clean", action="store_true", help="build even if nothing has changed")
    if parser.parse_args().clean:
        shutil.rmtree(BUILT, ignore_errors=True)
    config.make_dirs()
    build()
    size = sum(len(file.read_bytes()) for file in (BUILT / "assets").glob("*.js"))
    note(f"{BUILT.relative_to(config.ROOT)}: {size // 1024} KiB of scripts, before compression")


if __name__ == "__main__":
    progress.run(main)
