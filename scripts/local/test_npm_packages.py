"""Tests of the npm packages of the bill of materials: what the pages contain is listed, with an allowed licence."""

import json
import tomllib
import unittest
from typing import Any

import npm_packages
from npm_packages import PAGES, Package


def entry(version: str = "1.0.0", **more: Any) -> dict[str, Any]:
    return {"version": version, "license": "MIT", "integrity": "sha512-AAH/", **more}


class Packages(unittest.TestCase):
    def test_what_a_dependency_imports_is_listed_and_what_builds_the_pages_is_not(self) -> None:
        lock = {
            "packages": {
                PAGES: {"dependencies": {"a": "1"}, "devDependencies": {"vite": "8"}},
                "node_modules/a": entry(dependencies={"@scope/b": "1"}, peerDependencies={"peer": "1"}),
                "node_modules/@scope/b": entry(dependencies={"a": "1"}),
                "node_modules/peer": entry(peer=True),
                "node_modules/vite": entry(dev=True),
            }
        }
        found = npm_packages.dependencies(lock)
        self.assertEqual(
            found,
            {
                PAGES: {"node_modules/a"},
                "node_modules/a": {"node_modules/@scope/b"},
                "node_modules/@scope/b": {"node_modules/a"},
            },
        )
        self.assertEqual(
            npm_packages.package(lock, "node_modules/@scope/b"), Package("@scope/b", "1.0.0", "MIT", "0001ff")
        )

    def test_a_package_imports_the_version_that_is_nearest_to_it(self) -> None:
        lock = {
            "packages": {
                PAGES: {"dependencies": {"a": "1", "b": "1"}},
                "node_modules/a": entry(dependencies={"c": "2"}),
                "node_modules/a/node_modules/c": entry("2.0.0", dependencies={"b": "1", "d": "2"}),
                "node_modules/a/node_modules/d": entry("2.0.0"),
                "node_modules/d": entry(),
                "node_modules/b": entry(dependencies={"c": "1"}),
                "node_modules/c": entry(),
            }
        }
        found = npm_packages.dependencies(lock)
        self.assertEqual(found["node_modules/a"], {"node_modules/a/node_modules/c"})
        self.assertEqual(found["node_modules/a/node_modules/c"], {"node_modules/b", "node_modules/a/node_modules/d"})
        self.assertEqual(found["node_modules/b"], {"node_modules/c"})

    def test_a_package_that_the_lock_file_lacks_is_named(self) -> None:
        with self.assertRaisesRegex(SystemExit, "package-lock.json lacks a: run `npm install`"):
            npm_packages.dependencies({"packages": {PAGES: {"dependencies": {"a": "1"}}}})

    def test_a_licence_that_is_not_allowed_a_choice_of_them_and_none_are_refused(self) -> None:
        packages = [Package(name, "1", name, "") for name in ("MIT", "GPL-3.0-only", "(MIT OR GPL-3.0-only)", "")]
        self.assertEqual(
            npm_packages.refused(packages, ["MIT"]),
            [
                "GPL-3.0-only 1 has the licence GPL-3.0-only",
                "(MIT OR GPL-3.0-only) 1 has the licence (MIT OR GPL-3.0-only)",
                " 1 has the licence (none)",
            ],
        )

    def test_the_pages_contain_what_they_import_in_versions_with_allowed_licences(self) -> None:
        lock = json.loads(npm_packages.LOCK.read_text())
        found = npm_packages.dependencies(lock)
        stated = json.loads((npm_packages.LOCK.parent / "package.json").read_text())["dependencies"]
        packages = {one.name: one for one in (npm_packages.package(lock, path) for path in found if path != PAGES)}
        self.assertEqual({name: packages[name].version for name in stated}, stated)
        self.assertIn("@preact/signals-core", packages)
        allowed = tomllib.loads(npm_packages.RULES.read_text())["licenses"]["allow"]
        self.assertEqual(npm_packages.refused(list(packages.values()), allowed), [])


if __name__ == "__main__":
    unittest.main()
