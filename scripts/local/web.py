"""Builds the web pages of shared/web into target/web. Fast if nothing has changed."""

import argparse
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import config
import process
import progress
from config import ScriptError
from progress import note, step

SOURCES = config.ROOT / "shared/web"
# Security headers of every page.
HEADERS = config.ROOT / "terraform/modules/edge/pages.json"
DOCUMENT = config.ROOT / "docs/openapi.json"
BUILT = config.ROOT / "target/web"
# What the last build was made of, and by which packages.
MARK = config.ROOT / "target/web.mark"
# As deep below the root as shared/web, for its relative paths.
WORKSPACE = config.ROOT / "target/web-build"
# Directories that a developer's own `npm install` and `npm run dev` make in shared/web.
MADE = ("node_modules", "api")


def _sources() -> Iterator[Path]:
    for path in sorted(SOURCES.rglob("*")):
        if path.is_file() and not set(path.relative_to(SOURCES).parts) & set(MADE):
            yield path


def _fingerprint(packages: Path) -> str:
    digest = hashlib.sha256(str(packages).encode())
    for path in (DOCUMENT, *_sources()):
        digest.update(f"{path.relative_to(config.ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _workspace(packages: Path) -> None:
    """A copy of the sources beside their packages, so that shared/web has nothing that is not committed."""
    shutil.rmtree(WORKSPACE, ignore_errors=True)
    shutil.copytree(SOURCES, WORKSPACE, ignore=shutil.ignore_patterns(*MADE))
    (WORKSPACE / "node_modules").symlink_to(packages)


def build() -> None:
    """Generates the types of the API, checks the types of the pages, runs their unit tests, and bundles them."""
    tools = config.tools()
    packages = tools["npm-web"] / "node_modules"
    wanted = _fingerprint(packages)
    if MARK.exists() and MARK.read_text() == wanted and (BUILT / "index.html").exists():
        progress.done("the web pages are up to date")
        return
    MARK.unlink(missing_ok=True)
    _workspace(packages)
    path = f"{tools['node'] / 'bin'}{os.pathsep}{os.environ['PATH']}"
    with step("Build the web pages") as shown:
        shown.status = lambda: process.last_line(config.LOGS / "web-build.log")
        npm = tools["node"] / "bin/npm"
        command = [npm, "--prefix", WORKSPACE, "run", "build"]
        code, log = process.run("web-build", command, {**os.environ, "PATH": path})
        if code != 0:
            for line in process.tail(log, 30):
                note(f"| {line}")
            raise ScriptError(f"the web pages cannot be built: correct the errors above (log: {log})")
    MARK.write_text(wanted)


def publish(bucket: str) -> None:
    script, built = str(config.ROOT / "scripts/publish"), str(BUILT.relative_to(config.ROOT))
    command = [script, "--pages", built, "--bucket", bucket]
    if subprocess.run(command, check=False).returncode:
        raise ScriptError(f"the pages cannot be uploaded to {bucket}: see the message above")


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/web", description=__doc__)
    parser.add_argument("--clean", action="store_true", help="build even if nothing has changed")
    parser.add_argument("--publish", metavar="BUCKET", help="then upload the pages, with the AWS CLI")
    arguments = parser.parse_args()
    if arguments.clean:
        shutil.rmtree(BUILT, ignore_errors=True)
    config.make_dirs()
    build()
    if arguments.publish:
        publish(arguments.publish)
    size = sum(len(file.read_bytes()) for file in (BUILT / "assets").glob("*.js"))
    note(f"{BUILT.relative_to(config.ROOT)}: {size // 1024} KiB of scripts, before compression")


if __name__ == "__main__":
    progress.run(main)
