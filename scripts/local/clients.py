"""Generates clients from docs/openapi.json, type-checks a program with each, and places an order on the running stack.

The programs are in tests/clients. What is generated is not committed: it takes seconds, and a client in another
repository is generated from the document that a deployment serves.
"""

import argparse
import os
import shutil
import subprocess
from pathlib import Path

import api_client
import config
import progress
from config import ScriptError
from progress import note, step

DOCUMENT = config.ROOT / "docs/openapi.json"
SOURCES = config.ROOT / "tests/clients"
CLIENTS = config.LOCAL / "clients"
PYTHON_PACKAGE = "quayside_client"


def run(directory: Path, *command: str | Path, env: dict[str, str] | None = None) -> str:
    """Output of a program; its failure is an error that shows the output."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=directory,
        env=os.environ | (env or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ScriptError(f"{Path(command[0]).name} failed in {directory}:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def workspace(name: str) -> Path:
    """An empty directory with the program in this language."""
    directory = CLIENTS / name
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(SOURCES / name, directory)
    return directory


def typescript(env: dict[str, str]) -> None:
    tools = config.tools()
    node, packages = tools["node"] / "bin/node", tools["npm-typescript"] / "node_modules"
    directory = workspace("typescript")
    (directory / "node_modules").symlink_to(packages)
    with step("Generate a TypeScript client with openapi-typescript"):
        run(directory, node, packages / "openapi-typescript/bin/cli.js", DOCUMENT, "--output", "api.d.ts")
    with step("Type-check a TypeScript program"):
        run(directory, node, packages / "typescript/bin/tsc", "--project", ".")
    with step("Place an order with the TypeScript client"):
        placed = run(directory, node, "order.ts", env=env)
    note(placed.strip())


def python(env: dict[str, str]) -> None:
    programs = config.tools()["clients"] / "bin"
    directory = workspace("python")
    with step("Generate a Python client with openapi-python-client"):
        options = ["--meta", "none", "--output-path", PYTHON_PACKAGE, "--fail-on-warning"]
        # It formats what it generates with the ruff that it finds in PATH.
        path = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
        run(directory, programs / "openapi-python-client", "generate", "--path", DOCUMENT, *options, env=path)
    with step("Type-check a Python program"):
        run(directory, programs / "mypy", "order.py", PYTHON_PACKAGE)
    with step("Place an order with the Python client"):
        placed = run(directory, programs / "python", "order.py", env=env)
    note(placed.strip())


LANGUAGES = {"typescript": typescript, "python": python}


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/clients", description=__doc__)
    names = f"{{{','.join(LANGUAGES)}}}"
    parser.add_argument("language", nargs="*", choices=[*LANGUAGES, []], metavar=names, help="the default is both")
    options = parser.parse_args()
    env = api_client.stack_env()
    for language in options.language or LANGUAGES:
        LANGUAGES[language](env)


if __name__ == "__main__":
    progress.run(main)
