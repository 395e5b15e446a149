"""Webhooks of the local payment gateway: signed and retried as Stripe documents it. Replaces localstripe's sender."""

import asyncio
import hashlib
import hmac
import json
import time
from typing import Any

import aiohttp
from aiohttp import web
from localstripe import resources
from localstripe.resources import store

from gateway_state import DELIVERY, ENDPOINT, State
from gateway_stripe import error

# The version of Stripe's API that the events follow.
API_VERSION = "2025-03-31.basil"
MAX_ATTEMPTS = 12
MAX_WAIT_S = 60
CONCURRENCY = 4
TIMEOUT = aiohttp.ClientTimeout(total=20)


def backoff(attempts: int) -> int:
    """Seconds between a failed attempt and the next one."""
    return min(int(2 ** (attempts - 1)), MAX_WAIT_S)


def signature(secret: str, at: int, payload: bytes) -> str:
    """The header `Stripe-Signature` for a payload sent at that Unix time."""
    digest = hmac.new(secret.encode(), b"%d.%s" % (at, payload), hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Webhooks:
    """One endpoint, and the delivery state of each event."""

    def __init__(self, state: State, client: aiohttp.ClientSession) -> None:
        self.state, self.client = state, client
        self.deliveries: dict[str, dict[str, Any]] = state.records[DELIVERY]
        self.concurrency = asyncio.Semaphore(CONCURRENCY)
        self.tasks: dict[str, asyncio.Task[None]] = {}
        resources.schedule_webhook = self.publish

    @property
    def endpoint(self) -> dict[str, str] | None:
        return self.state.records[ENDPOINT].get("")

    def publish(self, event: Any) -> None:
        """Schedules the delivery of an event of localstripe. It is sent after the request has committed."""
        # A deep copy: later changes of the object do not belong to this event.
        event.data = json.loads(json.dumps(event.data))
        event.api_version = API_VERSION
        if self.endpoint:
            self._add_delivery(event)
            self._start(event.id)

    def resume(self) -> None:
        """Continues the deliveries that a restart interrupted."""
        for name, delivery in self.deliveries.items():
            if not delivery["delivered"] and delivery["attempts"] < MAX_ATTEMPTS:
                self._start(name)

    def stop(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        self.tasks.clear()

    def _add_delivery(self, event: Any) -> None:
        delivery = {"id": event.id, "type": event.type, "attempts": 0, "status": None, "delivered": False}
        self.state.put(DELIVERY, event.id, delivery)

    def _start(self, name: str) -> None:
        task = asyncio.create_task(self._deliver(name))
        self.tasks[name] = task
        task.add_done_callback(lambda done: self._forget(name, done))

    def _forget(self, name: str, task: asyncio.Task[None]) -> None:
        # The event may have been sent again by another task.
        if self.tasks.get(name) is task:
            del self.tasks[name]

    async def _deliver(self, name: str) -> None:
        # Waits for the commit of the request that created the event. An event outside a request is committed here.
        async with self.state.lock:
            self.state.commit()
        delivery = self.deliveries[name]
        while True:
            async with self.concurrency:
                status = await self._attempt(name)
            async with self.state.lock:
                delivered = status is not None and 200 <= status < 300
                delivery.update(attempts=delivery["attempts"] + 1, status=status, delivered=delivered)
                self.state.put(DELIVERY, name, delivery)
                self.state.commit()
            if delivered or delivery["attempts"] >= MAX_ATTEMPTS:
                return
            await asyncio.sleep(backoff(delivery["attempts"]))

    async def _attempt(self, name: str) -> int | None:
        """Sends the event once. Returns the status of the response, or None if there was none."""
        endpoint = self.endpoint
        if endpoint is None:
            return None
        payload = json.dumps(store[f"event:{name}"]._export(), indent=2, sort_keys=True).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0",
            "Stripe-Signature": signature(endpoint["secret"], int(time.time()), payload),
        }
        try:
            async with self.client.post(
                endpoint["url"], data=payload, headers=headers, timeout=TIMEOUT, allow_redirects=False
            ) as response:
                return response.status
        except (TimeoutError, aiohttp.ClientError, OSError):
            return None

    # ---- for tests and scripts/up -----------------------------------------------------------------------------

    async def show(self, _request: web.Request) -> web.Response:
        url = self.endpoint["url"] if self.endpoint else None
        return web.json_response({"url": url, "deliveries": list(self.deliveries.values())})

    async def register(self, request: web.Request) -> web.Response:
        try:
            url, secret = _parse_endpoint(await request.json())
        except (ValueError, KeyError, AttributeError, TypeError) as rejected:
            return error(400, "invalid_request_error", f"not an endpoint: {rejected}")
        async with self.state.lock:
            self.state.put(ENDPOINT, "", {"url": url, "secret": secret})
            self.state.commit()
        return web.json_response({"url": url})

    async def unregister(self, _request: web.Request) -> web.Response:
        self.stop()
        async with self.state.lock:
            self.state.remove(ENDPOINT, "")
            self.state.commit()
        return web.Response(status=204)

    async def resend(self, _request: web.Request) -> web.Response:
        """Sends every stored event, delivered or not."""
        if not self.endpoint:
            return error(409, "invalid_request_error", "no endpoint is registered")
        self.stop()
        async with self.state.lock:
            events = [item for name, item in store.items() if name.startswith("event:")]
            for event in events:
                self._add_delivery(event)
            self.state.commit()
        for event in events:
            self._start(event.id)
        return web.json_response({"count": len(events)})


def _parse_endpoint(body: Any) -> tuple[str, str]:
    url, secret = body.pop("url"), body.pop("secret")
    if body or not isinstance(secret, str) or not secret:
        raise ValueError("url and secret are required, and nothing else is allowed")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise ValueError("url must be an http:// or https:// URL")
    return url, secret
