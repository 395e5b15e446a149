"""Data directories of the local cloud's services."""

import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import config
import postgres_server
import process


class PostgresData(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.data, clone = Path(directory.name) / "postgres", Path(directory.name) / "clone"
        self.calls: list[list[object]] = []
        for target, name, value in (
            (config, "postgres_data", lambda: self.data),
            (config, "postgres_bin", lambda: Path("bin")),
            (config, "secret", lambda _: "secret"),
            (config, "DATA", clone / "data"),
            (process, "run_as", self._run),
            (postgres_server, "account", lambda: None),
        ):
            patch = mock.patch.object(target, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def _run(self, _user: str | None, argv: list[object], *_: object) -> subprocess.CompletedProcess[str]:
        self.calls.append(argv)
        (self.data / "PG_VERSION").write_text("15")
        return subprocess.CompletedProcess([], 0, "", "")

    def test_directory_is_initialized_once(self) -> None:
        postgres_server.prepare()
        postgres_server.prepare()
        self.assertEqual(len(self.calls), 1)

    def test_directory_of_a_removed_clone_is_replaced(self) -> None:
        self.data.mkdir()
        (self.data / "PG_VERSION").write_text("15")
        (self.data / "foreign").touch()
        postgres_server.prepare()
        self.assertEqual(len(self.calls), 1)
        self.assertFalse((self.data / "foreign").exists())


if __name__ == "__main__":
    unittest.main()
