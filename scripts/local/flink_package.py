"""Packages the Flink job with its SQL files and libraries as one jar, as Managed Service for Apache Flink takes it.

What the service has itself stays out: Flink with its table API and its JSON format. The same sources make the same jar.
"""

import argparse
import zipfile
from collections.abc import Iterator
from pathlib import Path

import config
import flink_job
import progress

DEFAULT = config.ROOT / "target" / "flink" / "windows.jar"
# The earliest time that a zip can have.
TIME = (1980, 1, 1, 0, 0, 0)
MANIFEST = f"Manifest-Version: 1.0\nMain-Class: {flink_job.MAIN}\n\n"
# Signatures and indexes are of the jar that a file comes from; modules are of a later Java than the service's.
LEFT_OUT = (".SF", ".DSA", ".RSA", "META-INF/MANIFEST.MF", "META-INF/INDEX.LIST", "module-info.class")
# The service has a logger.
SKIPPED_LIBRARIES = ("slf4j-api",)


def _files(directory: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(directory)), path.read_bytes()


def _libraries(directory: Path) -> Iterator[tuple[str, bytes]]:
    for jar in sorted(directory.glob("*.jar")):
        if jar.name.startswith(SKIPPED_LIBRARIES):
            continue
        with zipfile.ZipFile(jar) as library:
            for name in library.namelist():
                if not name.endswith("/"):
                    yield name, library.read(name)


def collect(sources: Iterator[tuple[str, bytes]]) -> dict[str, bytes]:
    """The entries of the jar. Lists of services are joined; of other entries with one name the first stays."""
    entries: dict[str, bytes] = {}
    for name, content in sources:
        if name.endswith(LEFT_OUT):
            continue
        if name.startswith("META-INF/services/") and name in entries:
            entries[name] = entries[name].rstrip() + b"\n" + content
        else:
            entries.setdefault(name, content)
    return entries


def write(path: Path, entries: dict[str, bytes]) -> None:
    """Writes the jar under another name first, so that an interrupted run leaves none that is incomplete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as jar:
        for name, content in {"META-INF/MANIFEST.MF": MANIFEST.encode(), **dict(sorted(entries.items()))}.items():
            entry = zipfile.ZipInfo(name, TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            jar.writestr(entry, content)
    draft.rename(path)


def _contents() -> Iterator[tuple[str, bytes]]:
    yield from _files(flink_job.DIRECTORY / "classes")
    for name, content in _files(flink_job.SOURCES / "sql"):
        yield f"sql/{name}", content
    yield from _libraries(flink_job.installed() / "packaged")


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/flink package", description=__doc__)
    parser.add_argument(
        "--output", type=Path, default=DEFAULT, help="path of the jar (default target/flink/windows.jar)"
    )
    output: Path = parser.parse_args().output
    with progress.step("Package the Flink job"):
        flink_job.compile_sources()
        write(output, collect(_contents()))
    progress.note(f"{output} ({output.stat().st_size / 1_000_000:.0f} MB)")


if __name__ == "__main__":
    progress.run(main)
