"""Compares the documents of the API and of the events with their baseline, and fails on a breaking change.

The baseline is the contract that clients rely on. oasdiff decides what breaks it: a request that was accepted and would
be rejected, or a response that a client of the baseline cannot read. Routes and members that are not in the baseline
may change until the baseline is replaced.
"""

import argparse
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import config
import progress
from config import ScriptError

Json = dict[str, Any]

DOCS = config.ROOT / "docs"
BASELINE = DOCS / "baseline"
OPENAPI, ASYNCAPI = "openapi.json", "asyncapi.json"


def breaking_changes(base: Path, revision: Path) -> str:
    """What breaks clients of an OpenAPI document; empty if nothing does."""
    command = [
        str(config.tools()["oasdiff"]),
        "breaking",
        str(base),
        str(revision),
        "--fail-on",
        "WARN",
        "--flatten-allof",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    if done.returncode == 1:
        return done.stdout
    raise ScriptError(f"oasdiff cannot compare {base} with {revision}: {done.stderr.strip()}")


def breaking_api_changes(base: Path, revision: Path) -> str:
    """What breaks clients of the API: roles that lose a route, which oasdiff does not know, and what it finds."""
    changes = breaking_changes(base, revision)
    lost = lost_roles(json.loads(base.read_text()), json.loads(revision.read_text()))
    return "\n".join([*lost, changes]).strip()


def lost_roles(base: Json, revision: Json) -> list[str]:
    """The roles that may not call a route any longer. A route without roles is for everybody."""
    found = []
    for path, operations in base["paths"].items():
        for method, operation in operations.items():
            now = revision["paths"].get(path, {}).get(method, {}).get("x-roles")
            lost = set(operation.get("x-roles", ["everybody"])) - set(now or []) if now is not None else set()
            found += [f"error\t{role} may not call {method.upper()} {path} any longer" for role in sorted(lost)]
    return found


def breaking_event_changes(base: Path, revision: Path) -> str:
    """What breaks readers of the events of an AsyncAPI document, new ones that read old events included."""
    with tempfile.TemporaryDirectory() as directory:
        wrapped = [Path(directory) / f"{name}.json" for name in ("baseline", "events")]
        for document, file in zip((base, revision), wrapped, strict=True):
            file.write_text(json.dumps(events_as_routes(json.loads(document.read_text()))))
        return breaking_changes(*wrapped)


def events_as_routes(document: Json) -> Json:
    """An OpenAPI document with a route for each message of each channel.

    The message is the response, because consumers of the baseline read what is published now, and the request, because
    consumers of today read what the archive has and what a producer publishes that is not replaced yet.
    """
    paths = {}
    for channel, content in document["channels"].items():
        for name, message in content["messages"].items():
            payload = _message(document, message)["payload"]
            body = {"content": {"application/json": {"schema": payload}}}
            response = {"description": name, **body}
            operation = {"requestBody": {"required": True, **body}, "responses": {"200": response}}
            paths[f"/{channel}/{name}"] = {"post": operation}
    components = {"schemas": document["components"]["schemas"]}
    return {"openapi": "3.1.0", "info": document["info"], "paths": paths, "components": components}


def _message(document: Json, message: Json) -> Json:
    while "$ref" in message:
        found: Json = document
        for step in message["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        message = found
    return message


COMPARED = {OPENAPI: breaking_api_changes, ASYNCAPI: breaking_event_changes}


def compare(baseline: Path, docs: Path) -> dict[str, str]:
    """What breaks clients, by document."""
    found = {name: changes(baseline / name, docs / name) for name, changes in COMPARED.items()}
    return {name: changes for name, changes in found.items() if changes}


def check(baseline: Path, docs: Path, advice: str) -> None:
    broken = compare(baseline, docs)
    if broken:
        print(*broken.values(), sep="\n")
        raise ScriptError(f"{' and '.join(broken)} would break clients of the baseline: {advice}")


def accept(baseline: Path, docs: Path, *, released: bool) -> None:
    """Replaces the baseline. After a release it takes additions only."""
    if released:
        check(baseline, docs, "a released contract needs a new version of the route or the event")
    baseline.mkdir(exist_ok=True)
    for name in COMPARED:
        shutil.copyfile(docs / name, baseline / name)


def is_released() -> bool:
    tags = subprocess.run(["git", "tag", "--list", "v*"], cwd=config.ROOT, capture_output=True, text=True, check=True)
    return bool(tags.stdout.strip())


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/compatibility", description=__doc__)
    parser.add_argument("--accept", action="store_true", help="replace the baseline by the documents of this tree")
    options = parser.parse_args()
    if options.accept:
        accept(BASELINE, DOCS, released=is_released())
    else:
        check(
            BASELINE,
            DOCS,
            "before the first release, scripts/compatibility --accept makes the change part of the contract",
        )


if __name__ == "__main__":
    progress.run(main)
