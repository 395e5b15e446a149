"""Writes the bill of materials (CycloneDX) of the functions and the web pages: each crate, font and npm package, with
version, licence and hash.
"""

import argparse
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

import fonts
import npm_packages

ROOT = Path(__file__).resolve().parents[2]


def normal_dependencies(metadata: dict[str, Any], roots: list[str]) -> dict[str, set[str]]:
    """Packages that `roots` contain, each with what it depends on: without build scripts and tests."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    found: dict[str, set[str]] = {}
    waiting = list(roots)
    while waiting:
        package = waiting.pop()
        if package in found:
            continue
        dependencies = nodes[package]["deps"]
        found[package] = {one["pkg"] for one in dependencies if any(kind["kind"] is None for kind in one["dep_kinds"])}
        waiting.extend(found[package])
    return found


def font_components() -> list[Component]:
    """The font files in the package of the function that prints invoices."""
    licences = LicenseFactory()
    return [
        Component(
            type=ComponentType.FILE,
            name=font.file,
            version=font.version,
            bom_ref=font.file,
            licenses=[licences.make_from_string(font.licence)],
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=font.sha256)],
        )
        for font in fonts.FONTS
    ]


def npm_component(lock: dict[str, Any], path: str) -> Component:
    """The web pages, or an npm package in them."""
    if path == npm_packages.PAGES:
        return Component(type=ComponentType.APPLICATION, name=lock["name"], bom_ref=lock["name"])
    package = npm_packages.package(lock, path)
    namespace, _, name = package.name.rpartition("/")
    purl = PackageURL("npm", namespace or None, name, package.version)
    return Component(
        type=ComponentType.LIBRARY,
        name=name,
        group=namespace or None,
        version=package.version,
        bom_ref=purl.to_string(),
        purl=purl,
        licenses=[LicenseFactory().make_from_string(package.licence)],
        hashes=[HashType(alg=HashAlgorithm.SHA_512, content=package.sha512)],
    )


def add_pages(bom: Bom, lock: dict[str, Any]) -> None:
    """Adds the web pages and the npm packages in them."""
    found = npm_packages.dependencies(lock)
    components = {path: npm_component(lock, path) for path in sorted(found)}
    bom.components.update(components.values())
    for path, dependencies in found.items():
        bom.register_dependency(components[path], [components[one] for one in dependencies])


def bill(metadata: dict[str, Any], checksums: dict[tuple[str, str], str]) -> Bom:
    """The bill of materials of the packages under `functions/`."""
    packages = {package["id"]: package for package in metadata["packages"]}
    roots = [one for one, package in packages.items() if "/functions/" in package["manifest_path"]]
    if not roots:
        raise SystemExit("sbom: cargo metadata lists no package under functions/")
    found = normal_dependencies(metadata, roots)
    licences = LicenseFactory()
    components = {}
    for identity in sorted(found):
        package = packages[identity]
        name, version = package["name"], package["version"]
        checksum = checksums.get((name, version))
        components[identity] = Component(
            type=ComponentType.APPLICATION if identity in roots else ComponentType.LIBRARY,
            name=name,
            version=version,
            bom_ref=f"{name}@{version}",
            purl=PackageURL("cargo", None, name, version) if package["source"] else None,
            licenses=[licences.make_from_string(package["license"])] if package["license"] else [],
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=checksum)] if checksum else [],
        )
    bom = Bom(components=[*components.values(), *font_components()])
    for identity, dependencies in found.items():
        bom.register_dependency(components[identity], [components[one] for one in dependencies])
    return bom


def main() -> None:
    """Writes the file, and fails if it does not conform to CycloneDX's schema."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "target" / "sbom.cdx.json")
    output: Path = parser.parse_args().output
    command = ["cargo", "metadata", "--format-version=1", "--locked", "--filter-platform=aarch64-unknown-linux-gnu"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    checksums = {(one["name"], one["version"]): one["checksum"] for one in lock["package"] if "checksum" in one}
    bom = bill(metadata, checksums)
    add_pages(bom, json.loads(npm_packages.LOCK.read_text()))
    text = JsonV1Dot6(bom).output_as_string(indent=1)
    invalid = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if invalid:
        sys.exit(f"sbom: the file does not conform to CycloneDX 1.6: {invalid}")
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text)
    print(f"sbom: {len(bom.components)} components in {output}")


if __name__ == "__main__":
    main()
