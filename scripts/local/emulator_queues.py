"""What CloudWatch would know of the emulator's queues, which of them hold a text, and messages that are made older than
they are. Only the emulator's environment can import this module.

    GET /_local/queues    by name: the visible messages, and the age of the oldest message in seconds, as the metrics
                          ApproximateNumberOfMessagesVisible and ApproximateAgeOfOldestMessage have them
    PUT /_local/queues {"queue": name, "older_by_s": n}    makes the messages of a queue older
    POST /_local/queues {"holding": [text, ...]}    the names of queues with a message that has one of the texts, be it
                          visible, received or delayed; receiving them would hide them from their consumer

Like SQS, a message that was received more than three times does not count for the age.
"""

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from ministack import app
from ministack.services import sqs

PATH = "/_local/queues"
MAX_RECEIVES = 3

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_app = app.app


def _queues() -> dict[str, dict[str, Any]]:
    return {url.rsplit("/", 1)[1]: queue for (*_, url), queue in sqs._queues.all_items()}


def _messages(queue: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages of a queue with all members: those that other services send lack some until they are received."""
    messages: list[dict[str, Any]] = queue["messages"]
    for message in messages:
        sqs._ensure_msg_fields(message)
    return messages


def measured(queue: dict[str, Any], now: float) -> dict[str, float]:
    messages = _messages(queue)
    sent = [one["sent_at"] for one in messages if one["receive_count"] <= MAX_RECEIVES]
    visible = sum(one["visible_at"] <= now for one in messages)
    return {"visible": visible, "oldest_s": max(0.0, now - min(sent, default=now))}


def holding(queues: dict[str, dict[str, Any]], texts: list[str]) -> list[str]:
    def has_one(queue: dict[str, Any]) -> bool:
        messages = [f"{one['body']} {one['message_attributes']}" for one in _messages(queue)]
        return any(text in message for text in texts for message in messages)

    return sorted(name for name, queue in queues.items() if has_one(queue))


def make_older(queue: dict[str, Any], seconds: float) -> None:
    for message in _messages(queue):
        message["sent_at"] -= seconds
        message["sys"]["SentTimestamp"] = str(int(message["sent_at"] * 1000))


async def _body(receive: Receive) -> bytes:
    body, is_more = b"", True
    while is_more:
        part = await receive()
        body, is_more = body + part.get("body", b""), part.get("more_body", False)
    return body


async def _respond(send: Send, status: int, content: object) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(content).encode()})


async def _with_queues(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http" or scope["path"] != PATH:
        await _app(scope, receive, send)
        return
    queues = _queues()
    if scope["method"] == "POST":
        await _respond(send, 200, holding(queues, json.loads(await _body(receive))["holding"]))
        return
    if scope["method"] == "PUT":
        wanted = json.loads(await _body(receive))
        if wanted["queue"] not in queues:
            await _respond(send, 404, {"error": f"there is no queue {wanted['queue']}"})
            return
        make_older(queues[wanted["queue"]], float(wanted["older_by_s"]))
    now = time.time()
    await _respond(send, 200, {name: measured(queue, now) for name, queue in queues.items()})


def install() -> None:
    """Replaces the ASGI application, which the emulator looks up when it starts."""
    app.app = _with_queues
