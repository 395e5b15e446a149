"""The local payment gateway's webhooks: signed and repeated as Stripe documents it, in the place of localstripe's sender."""

import asyncio
import hashlib
import hmac
import json
import time

import aiohttp
from aiohttp import web
from localstripe import resources
from localstripe.resources import store

from gateway_state import DELIVERY, ENDPOINT
from gateway_stripe import error

# The version of Stripe's API whose shapes our events have.
API_VERSION = "2025-03-31.basil"
TRIES = 12
LONGEST_WAIT_S = 60
AT_ONCE = 4
PATIENCE = aiohttp.ClientTimeout(total=20)


def wait_after(attempts):
    """Seconds from one failed attempt to the next."""
    return min(2 ** (attempts - 1), LONGEST_WAIT_S)


def signature(secret, at, payload):
    """The header `Stripe-Signature` of an attempt at that Unix time."""
    digest = hmac.new(secret.encode(), b"%d.%s" % (at, payload), hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Webhooks:
    """One endpoint, and for each event what became of its delivery."""

    def __init__(self, state, client):
        self.state, self.client = state, client
        self.deliveries = state.notes[DELIVERY]
        self.slots = asyncio.Semaphore(AT_ONCE)
        self.tasks = {}
        resources.schedule_webhook = self.happened

    @property
    def endpoint(self):
        return self.state.notes[ENDPOINT].get("")

    def happened(self, event):
        """Takes an event of localstripe's. It is sent once what it tells of is kept."""
        # A copy to the bottom: what happens to the object later is not this event's.
        event.data = json.loads(json.dumps(event.data))
        event.api_version = API_VERSION
        if self.endpoint:
            self._due(event)
            self._begin(event.id)

    def resume(self):
        """Goes on with what was not delivered before the restart, at once."""
        for name, delivery in self.deliveries.items():
            if not delivery["delivered"] and delivery["attempts"] < TRIES:
                self._begin(name)

    def stop(self):
        for task in self.tasks.values():
            task.cancel()
        self.tasks.clear()

    def _due(self, event):
        self.state.put(DELIVERY, event.id, {"id": event.id, "type": event.type, "attempts": 0, "status": None, "delivered": False})

    def _begin(self, name):
        task = asyncio.create_task(self._deliver(name))
        self.tasks[name] = task
        task.add_done_callback(lambda done: self.tasks.pop(name) if self.tasks.get(name) is done else None)

    async def _deliver(self, name):
        # Waits for the turn of the request that it happened in, which commits; what happened outside of any is kept here.
        async with self.state.turn:
            self.state.commit()
        delivery = self.deliveries[name]
        while True:
            async with self.slots:
                status = await self._attempt(name)
            async with self.state.turn:
                delivery.update(attempts=delivery["attempts"] + 1, status=status,
                                delivered=status is not None and 200 <= status < 300)
                self.state.put(DELIVERY, name, delivery)
                self.state.commit()
            if delivery["delivered"] or delivery["attempts"] >= TRIES:
                return
            await asyncio.sleep(wait_after(delivery["attempts"]))

    async def _attempt(self, name):
        """The status of the answer, None if there was none."""
        payload = json.dumps(store[f"event:{name}"]._export(), indent=2, sort_keys=True).encode()
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Stripe/1.0",
                   "Stripe-Signature": signature(self.endpoint["secret"], int(time.time()), payload)}
        try:
            async with self.client.post(self.endpoint["url"], data=payload, headers=headers, timeout=PATIENCE,
                                        allow_redirects=False) as answer:
                return answer.status
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError):
            return None

    # ---- for tests and for `scripts/up` -----------------------------------------------------------------------

    async def show(self, _request):
        url = self.endpoint["url"] if self.endpoint else None
        return web.json_response({"url": url, "deliveries": list(self.deliveries.values())})

    async def register(self, request):
        try:
            asked = await request.json()
            url, secret = asked.pop("url"), asked.pop("secret")
            if asked or not isinstance(secret, str) or not secret:
                raise ValueError("url and secret are needed, and nothing else")
            if not isinstance(url, str) or not url.startswith(("http://", "https://")):
                raise ValueError("url is an address of HTTP")
        except (ValueError, KeyError, AttributeError, TypeError) as refused:
            return error(400, "invalid_request_error", f"no endpoint: {refused}")
        async with self.state.turn:
            self.state.put(ENDPOINT, "", {"url": url, "secret": secret})
            self.state.commit()
        return web.json_response({"url": url})

    async def unregister(self, _request):
        self.stop()
        async with self.state.turn:
            self.state.drop(ENDPOINT, "")
            self.state.commit()
        return web.Response(status=204)

    async def resend(self, _request):
        """Every event that was ever kept, whether it was delivered or not."""
        if not self.endpoint:
            return error(409, "invalid_request_error", "no endpoint is registered")
        self.stop()
        async with self.state.turn:
            events = [item for name, item in store.items() if name.startswith("event:")]
            for event in events:
                self._due(event)
            self.state.commit()
        for event in events:
            self._begin(event.id)
        return web.json_response({"count": len(events)})
