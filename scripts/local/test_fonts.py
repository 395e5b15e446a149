"""Tests of the font files: only the pinned content is written."""

import hashlib
import tempfile
import unittest
from pathlib import Path

import fonts


class Pins(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)

    def font(self, content: bytes) -> fonts.Font:
        return fonts.Font("a.ttf", "1", "OFL-1.1", hashlib.sha256(b"glyphs").hexdigest(), lambda: content)

    def test_pinned_content_is_written(self) -> None:
        fonts.write(self.directory, [self.font(b"glyphs")])
        self.assertEqual((self.directory / "a.ttf").read_bytes(), b"glyphs")

    def test_another_version_is_refused(self) -> None:
        with self.assertRaisesRegex(SystemExit, "a.ttf has the SHA-256 .* another version"):
            fonts.write(self.directory, [self.font(b"other")])
        self.assertFalse((self.directory / "a.ttf").exists())

    def test_licences_name_every_font_and_version(self) -> None:
        text = (Path(__file__).resolve().parents[2] / "shared" / "adapters-pdf" / "FONTS.txt").read_text()
        for font in fonts.FONTS:
            self.assertIn(f"version {font.version}\n", text, font.file)
