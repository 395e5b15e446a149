"""A running AWS emulator for the tests of what the scripts change in it."""

import unittest
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

import config
import process
from emulator_process import emulator

DEADLINE_S = 60
ROOT_KEYS = ("test", "test")


class EmulatorTest(unittest.TestCase):
    """Starts an emulator of its own for each test."""

    # Environment of the emulator, besides its address.
    environment: dict[str, str] = {}  # noqa: RUF012 subclasses replace it

    def setUp(self) -> None:
        running = self.enterContext(emulator(self.environment))
        self.url, self.directory = running.url, running.directory
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
