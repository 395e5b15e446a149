"""Messages of scripts/chaos that reach their last delivery: a consumer dies at start while its queue gives a message
three deliveries, a second apart. An operator then redrives what SQS has moved to the dead-letter queue.

Queues of the stack allow a thousand deliveries, 90 seconds apart or more, which a run does not reach.
"""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import api_client
import aws
from api_client import ApiClient
from config import ScriptError

DELIVERIES, VISIBILITY_S = 3, 1
TIMEOUT, POLICY = "VisibilityTimeout", "RedrivePolicy"
REASON = "chaos: the consumer starts again"


@dataclass
class Redelivery:
    """A consumer, the address of its dead-letter queue, and how many messages were redriven."""

    consumer: str
    dead_letters: str
    redriven: int = 0

    def dead(self) -> int:
        return aws.message_count(self.dead_letters)

    def redrive(self) -> None:
        """Moves all dead letters back, as an operator does, until there are none."""
        env = api_client.stack_env()

        def is_empty() -> bool:
            if not self.dead():
                return True
            admin = ApiClient(env["API_URL"]).login(env["ADMIN_EMAIL"], env["ADMIN_PASSWORD"])
            moved: dict[str, Any] = admin.post(f"/ops/queues/{self.consumer}/redrive", {"reason": REASON}).expect(200)
            self.redriven += moved["redriven"]
            return False

        api_client.eventually(f"redrive of the dead letters of {self.consumer}", is_empty)


def _without_dead_letters(consumers: Sequence[str], urls: dict[str, str]) -> list[str]:
    """Consumers that have none: those of an earlier run are not redriven."""
    return [name for name in consumers if not aws.message_count(urls[f"{name}-dlq"])]


@contextmanager
def last_deliveries(
    rng: random.Random, consumers: Sequence[str], break_one: Callable[[str, ExitStack], object]
) -> Iterator[Redelivery]:
    """Few deliveries for one of the consumers, which `break_one` breaks until its stack is closed."""
    urls = aws.queues()
    known = _without_dead_letters(consumers, urls)
    if not known:
        raise ScriptError(f"each of {', '.join(consumers)} has dead letters already: scripts/ops dead lists them")
    consumer = rng.choice(known)
    redelivery = Redelivery(consumer, urls[f"{consumer}-dlq"])
    former = aws.queue_attributes(urls[consumer], (TIMEOUT, POLICY))
    few = {**json.loads(former[POLICY]), "maxReceiveCount": DELIVERIES}
    with ExitStack() as last:
        # After the consumer starts again, and its queue allows as many deliveries as before.
        last.callback(redelivery.redrive)
        with ExitStack() as undo:
            undo.callback(aws.set_queue_attributes, urls[consumer], former)
            break_one(consumer, undo)
            aws.set_queue_attributes(urls[consumer], {TIMEOUT: str(VISIBILITY_S), POLICY: json.dumps(few)})
            yield redelivery
