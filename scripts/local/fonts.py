"""Writes the font files of invoices into a directory, and fails if one is not the pinned version.

FiraGO and Hind are in Python packages (pins/fonts.txt), Droid Sans Fallback in the Debian package
`fonts-droid-fallback`. Their licences are in shared/adapters-pdf/FONTS.txt.
"""

import argparse
import hashlib
import importlib
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

DROID = Path("/usr/share/fonts-droid-fallback/truetype/DroidSansFallback.ttf")


@dataclass(frozen=True)
class Font:
    """A font file, in the version that the invoices were looked at with."""

    file: str
    version: str
    licence: str
    sha256: str
    read: Callable[[], bytes]


def firago() -> bytes:
    content: bytes = importlib.import_module("pymupdf_fonts.FiraGO_Regular").fontbuffer
    return content


def hind() -> bytes:
    root: Path = importlib.import_module("fontpkg_hind").ROOT
    return (root / "files" / "Hind-Regular.ttf").read_bytes()


FONTS = (
    Font(
        "FiraGO-Regular.ttf",
        "1.001",
        "OFL-1.1",
        "495901c0c608ea265f4c31aa2a4c7a313e5cc2a3dd610da78a447fe8e07454a2",
        firago,
    ),
    Font(
        "Hind-Regular.ttf",
        "2.001",
        "OFL-1.1",
        "01de158022f53077b52303e46de3b0ab5fb245222a7ffe25a2a57fdd9e969162",
        hind,
    ),
    Font(
        "DroidSansFallback.ttf",
        "2.55b",
        "Apache-2.0",
        "56d3edfb377a8bc3c4b77f4476405c770173c0e31221ad7c77d0a8e1f3039a3e",
        DROID.read_bytes,
    ),
)


def write(directory: Path, fonts: Iterable[Font]) -> None:
    for font in fonts:
        content = font.read()
        digest = hashlib.sha256(content).hexdigest()
        if digest != font.sha256:
            raise SystemExit(f"fonts: {font.file} has the SHA-256 {digest} and not {font.sha256}: another version")
        (directory / font.file).write_bytes(content)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    directory: Path = parser.parse_args().directory
    try:
        write(directory, FONTS)
    except OSError as error:
        sys.exit(f"fonts: {error}")


if __name__ == "__main__":
    main()
