"""Where the emulator resumes a stream after a partial batch response. `scripts/test local` runs these tests."""

import io
import json
import zipfile
from typing import Any

import emulator_records
import process
from testing_emulator import DEADLINE_S, EmulatorTest

# Fails at the second record of a batch of three.
PARTIAL = """
def number_of(record):
    if "dynamodb" in record:
        return record["dynamodb"]["SequenceNumber"]
    return record["kinesis"]["sequenceNumber"]

def handler(event, context):
    numbers = [number_of(record) for record in event["Records"]]
    print("received", len(numbers))
    failed = numbers[1:2] if len(numbers) == 3 else []
    return {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}
"""


class PartialResponse(EmulatorTest):
    environment = {emulator_records.VARIABLE: "{directory}"}  # noqa: RUF012 as in the base class

    def setUp(self) -> None:
        super().setUp()
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("index.py", PARTIAL)
        self.functions = self.client("lambda")
        self.functions.create_function(
            FunctionName="reader",
            Runtime="python3.11",
            Role="arn:aws:iam::000000000000:role/reader",
            Handler="index.handler",
            Code={"ZipFile": archive.getvalue()},
        )

    def sizes(self) -> list[int]:
        """Of the batches that the function got."""
        lines, _ = emulator_records.read(self.directory / emulator_records.LINES)
        messages = [line["message"].split() for line in lines if line["message"].startswith("received ")]
        return [int(size) for _, size in messages]

    def read(self, source: str) -> None:
        """Reads a source that has three records."""
        self.functions.create_event_source_mapping(
            FunctionName="reader",
            EventSourceArn=source,
            StartingPosition="TRIM_HORIZON",
            BatchSize=3,
            FunctionResponseTypes=["ReportBatchItemFailures"],
        )
        process.wait_until(lambda: len(self.sizes()) > 1, DEADLINE_S)
        self.assertEqual(self.sizes(), [3, 2])

    def test_table_is_read_on_from_the_record_that_failed(self) -> None:
        tables = self.client("dynamodb")
        created: dict[str, Any] = tables.create_table(
            TableName="work",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )
        for number in range(3):
            tables.put_item(TableName="work", Item={"id": {"S": str(number)}})
        self.read(created["TableDescription"]["LatestStreamArn"])

    def test_shard_is_read_on_from_the_record_that_failed(self) -> None:
        streams = self.client("kinesis")
        streams.create_stream(StreamName="work", ShardCount=1)
        status = streams.describe_stream(StreamName="work")["StreamDescription"]["StreamStatus"]
        self.assertEqual(status, "ACTIVE")
        for number in range(3):
            streams.put_record(StreamName="work", Data=json.dumps(number).encode(), PartitionKey="one")
        self.read(streams.describe_stream(StreamName="work")["StreamDescription"]["StreamARN"])
