"""A running AWS emulator for the tests of what the scripts change in it."""

import io
import unittest
import zipfile
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

import config
import emulator_records
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

    def create_function(self, name: str, code: str, **settings: object) -> Any:
        """Makes a function of Python code with a `handler`. Returns a client of the functions."""
        functions = self.client("lambda")
        functions.create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=f"arn:aws:iam::000000000000:role/{name}",
            Handler="index.handler",
            Code={"ZipFile": package(code)},
            **settings,
        )
        return functions


def package(code: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", code)
    return archive.getvalue()


class StreamTest(EmulatorTest):
    """An emulator with a function `reader`, for tests of how it reads streams."""

    environment = {emulator_records.VARIABLE: "{directory}"}  # noqa: RUF012 as in the base class
    code: str

    def setUp(self) -> None:
        super().setUp()
        self.functions = self.create_function("reader", self.code)

    def map(self, source: str, start: str, batch: int) -> str:
        """The id of a mapping to the function, from the ARN of a table's stream or the name of a Kinesis stream."""
        if ":" not in source:
            source = self.client("kinesis").describe_stream(StreamName=source)["StreamDescription"]["StreamARN"]
        created = self.functions.create_event_source_mapping(
            FunctionName="reader",
            EventSourceArn=source,
            StartingPosition=start,
            BatchSize=batch,
            FunctionResponseTypes=["ReportBatchItemFailures"],
        )
        return str(created["UUID"])

    def open_shards(self, stream: str) -> list[str]:
        shards = self.client("kinesis").list_shards(StreamName=stream)["Shards"]
        return [each["ShardId"] for each in shards if "EndingSequenceNumber" not in each["SequenceNumberRange"]]

    def received(self) -> list[list[str]]:
        """What the function has printed."""
        lines, _ = emulator_records.read(self.directory / emulator_records.LINES)
        return [line["message"].split()[1:] for line in lines if line["message"].startswith("received ")]
