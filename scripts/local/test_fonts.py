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

    def test_pinned_content_is_written(self) -> None:
        digests = {"a.ttf": hashlib.sha256(b"glyphs").hexdigest()}
        fonts.write(self.directory, {"a.ttf": lambda: b"glyphs"}, digests)
        self.assertEqual((self.directory / "a.ttf").read_bytes(), b"glyphs")

    def test_another_version_is_refused(self) -> None:
        with self.assertRaisesRegex(SystemExit, "a.ttf has the SHA-256 .* another version"):
            fonts.write(self.directory, {"a.ttf": lambda: b"other"}, {"a.ttf": hashlib.sha256(b"glyphs").hexdigest()})
        self.assertFalse((self.directory / "a.ttf").exists())

    def test_every_font_is_pinned(self) -> None:
        self.assertEqual(fonts.SOURCES.keys(), fonts.DIGESTS.keys())
