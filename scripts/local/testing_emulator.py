"""A running AWS emulator for the tests of what the scripts change in it."""

import socket
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

import config
import process

DEADLINE_S = 60
ROOT_KEYS = ("test", "test")


class EmulatorTest(unittest.TestCase):
    """Starts an emulator of its own for each test."""

    # Environment of the emulator, besides its address.
    environment: dict[str, str] = {}  # noqa: RUF012 subclasses replace it

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        env = config.clean_env(
            GATEWAY_PORT=self.url.rsplit(":", 1)[1],
            BIND_HOST="127.0.0.1",
            TMPDIR=directory.name,
            MINISTACK_HOST="localhost",
            **{name: value.format(directory=directory.name) for name, value in self.environment.items()},
        )
        python = config.tools()["emulator"] / "bin" / "python"
        with (self.directory / "log").open("wb") as log:
            emulator = subprocess.Popen(
                [python, Path(__file__).with_name("emulator.py")], env=env, stdout=log, stderr=subprocess.STDOUT
            )
        self.addCleanup(emulator.wait)
        self.addCleanup(emulator.terminate)
        self.s3 = self.client("s3")
        self.assertTrue(process.wait_until(self.has_bucket, DEADLINE_S), "the emulator does not respond")

    def client(self, service: str, keys: tuple[str, ...] = ROOT_KEYS) -> Any:
        """A client with an access key, its secret, and perhaps a session token."""
        names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
        return botocore.session.get_session().create_client(
            service,
            region_name=config.REGION,
            endpoint_url=self.url,
            config=Config(retries={"total_max_attempts": 1}),
            **dict(zip(names, keys, strict=False)),
        )

    def has_bucket(self) -> bool:
        try:
            self.s3.create_bucket(Bucket="templates")
        except (BotoCoreError, ClientError):
            return False
        return True
