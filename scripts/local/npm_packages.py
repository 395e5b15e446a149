"""The npm packages in the scripts of the web pages, without what only builds and checks them; run as a program, it
fails if one has a licence that deny.toml does not allow.
"""

import base64
import json
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "shared/web/package-lock.json"
RULES = ROOT / "deny.toml"
# The pages themselves, among the paths of a lock file.
PAGES = ""


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    # Empty if the package states none.
    licence: str
    # Of the archive in the registry, in hexadecimal.
    sha512: str


def _resolve(entries: dict[str, Any], at: str, name: str) -> str:
    """The path of what the package at `at` imports as `name`: Node.js looks in its own packages first, then above."""
    while True:
        path = f"{at}/node_modules/{name}".removeprefix("/")
        if path in entries:
            return path
        if at == PAGES:
            sys.exit(f"{LOCK.relative_to(ROOT)} lacks {name}: run `npm install` in {LOCK.parent.relative_to(ROOT)}")
        at = at.rpartition("/node_modules/")[0]


def dependencies(lock: dict[str, Any]) -> dict[str, set[str]]:
    """The paths of the packages, and of the pages, each with those of what it imports."""
    entries = lock["packages"]
    found: dict[str, set[str]] = {}
    waiting = [PAGES]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found[path] = {_resolve(entries, path, name) for name in entries[path].get("dependencies", {})}
            waiting.extend(found[path])
    return found


def package(lock: dict[str, Any], path: str) -> Package:
    """The package at a path of a lock file."""
    entry = lock["packages"][path]
    content = base64.b64decode(entry["integrity"].removeprefix("sha512-"))
    return Package(path.rpartition("node_modules/")[2], entry["version"], entry.get("license", ""), content.hex())


def refused(packages: list[Package], allowed: list[str]) -> list[str]:
    """Those whose licence is not one of the allowed ones. A choice between several is refused: nothing reads it."""
    return [
        f"{one.name} {one.version} has the licence {one.licence or '(none)'}"
        for one in packages
        if one.licence not in allowed
    ]


def main() -> None:
    """Compares the licences of the packages with the allowed ones."""
    lock = json.loads(LOCK.read_text())
    packages = [package(lock, path) for path in sorted(dependencies(lock)) if path != PAGES]
    wrong = refused(packages, tomllib.loads(RULES.read_text())["licenses"]["allow"])
    if wrong:
        sys.exit(f"npm-packages: {RULES.name} does not allow: {'; '.join(wrong)}")
    print(f"npm-packages: the licences of {len(packages)} packages in the web pages are allowed")


if __name__ == "__main__":
    main()
