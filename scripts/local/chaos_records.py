"""Records that are sent while scripts/chaos kills and disturbs, each request until it is accepted. Every fourth one is
then sent again.
"""

import datetime
import json
import time
from collections.abc import Iterable
from dataclasses import replace

import api_client
from api_client import ApiClient
from chaos_load import Attempt, Load
from chaos_worker import Json, Worker
from config import ScriptError

# Records of a request, and how far apart their times are: some hours, so that each request adds to several sums.
SIZE, APART_S = 20, 600
# The last request has records for each of the eight partitions of the topic: when they are written, all before are.
LAST_SIZE = 200
EVERY = 4
SCHEMA = {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]}


def create_source(staff: ApiClient, tag: str) -> str:
    wanted = {"name": f"chaos-{tag}", "schema": SCHEMA, "writers": []}
    return str(staff.post("/data/sources", wanted, api_client.new_key()).expect(201)["name"])


def body_of(source: str, first: int, size: int, now: datetime.datetime) -> Json:
    """A request with the records of these numbers."""
    times = [now - datetime.timedelta(seconds=APART_S * (line % SIZE)) for line in range(size)]
    return {
        "records": [
            {
                "source": source,
                "recorded_at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "payload": {"number": first + line},
            }
            for line, at in enumerate(times)
        ]
    }


class Records(Worker):
    """Sends requests with records until `stopping` is set, which is after the last kill, and then one more.

    `made` has for each request the number of its first record, the ids that it got, when it was under way, how many
    attempts it needed, and the response to its repetition.
    """

    what, pause_s = "a request with records", 0.5

    def __init__(self, load: Load, source: str) -> None:
        super().__init__(load)
        self.source = source
        self.has_sent_last = False

    def make(self, number: int) -> Json:
        is_last = self.stopping.is_set()
        first, size = number * SIZE, LAST_SIZE if is_last else SIZE
        key, body = f"{self.source}-{number}", body_of(self.source, first, size, datetime.datetime.now(datetime.UTC))
        began = time.monotonic()
        accepted = self.send(key, body)
        span = (began, time.monotonic())
        if accepted.status != 202:
            raise ScriptError(f"records were not accepted: {accepted.status} {accepted.raw[:200]!r}")
        again = None
        if number % EVERY == 0 and not is_last:
            again = repetition(accepted, self.send(key, body))
        self.has_sent_last = is_last
        ids = json.loads(accepted.raw)["ids"]
        return {
            "key": key,
            "first": first,
            "size": size,
            "ids": ids,
            "span": span,
            "attempts": accepted.number,
            "again": again,
        }

    def send(self, key: str, body: Json) -> Attempt:
        """Repeats a request until there is a definite response; after the last kill, only as often as any other."""
        attempts = 0
        while True:
            is_stopping = self.stopping.is_set()
            response = self.load.send(self.load.staff, "POST", "/data", body, key)
            attempts += response.number
            if response.is_definite or is_stopping:
                return replace(response, number=attempts)

    def is_enough(self, _number: int) -> bool:
        return self.has_sent_last


def repetition(accepted: Attempt, again: Attempt) -> Json:
    same = (again.status, again.raw) == (accepted.status, accepted.raw)
    return {"same": same, "response": f"{again.status} {again.raw[:200].decode(errors='replace')}"}


def hit(batches: Iterable[Json], outages: Iterable[tuple[float, float]]) -> int:
    """How many requests needed more than one attempt and were under way in an outage."""
    down, repeated = list(outages), [batch["span"] for batch in batches if batch["attempts"] > 1]
    return sum(any(began < up and gone < ended for gone, up in down) for began, ended in repeated)
