"""The local payment gateway: localstripe with a thin front of ours. For development and tests only.

localstripe keeps payments as Stripe does but ignores `Idempotency-Key`. The front adds Stripe's documented
rules for that key and the faults that tests need, sets three answers right (`set_right`), and does nothing else:

    PUT /_local/faults {"mode": "none|slow|unreachable|error|dead_after_charge", "count": n?, "seconds": s?}
    GET /_local/faults     the fault in force
    GET /_local/requests   what came in, oldest first; DELETE forgets it
    GET /_local/charges    every charge that was attempted, with the metadata of its payment intent

Modes: `slow` answers after some seconds (10 when not told), `unreachable` hangs up before anything is done, `error`
answers 500 before anything is done, `dead_after_charge` does the work and hangs up instead of answering. With
`count` the fault strikes so many requests and is over. GATEWAY_FAULTS sets the first one, as `mode` or `mode:count`.
"""

import argparse
import asyncio
import json
import os
import time
import urllib.parse

import aiohttp
from aiohttp import web
from localstripe import server
from localstripe.errors import UserError
from localstripe.resources import PaymentMethod, store

MODES = ("none", "slow", "unreachable", "error", "dead_after_charge")
KEY_LIMIT = 255
# Stripe keeps no result where "no API endpoint began the execution": the parameters or the credentials were refused.
NEVER_BEGAN = {400, 401, 404, 409, 429}


def error(status, kind, message, **more):
    return web.json_response({"error": {"type": kind, "message": message, **more}}, status=status)


class Fault:
    """The fault in force, for a number of requests or until told otherwise."""

    def __init__(self, mode="none", count=None, seconds=10.0):
        if mode not in MODES:
            raise ValueError(f"mode is one of {', '.join(MODES)}")
        if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 1):
            raise ValueError("count is a number from 1")
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or seconds < 0:
            raise ValueError("seconds is a number from 0")
        self.mode, self.count, self.seconds = mode, count, seconds

    @classmethod
    def parse(cls, text):
        mode, _, count = text.partition(":")
        return cls(mode or "none", int(count) if count else None)

    def strike(self):
        """The mode for one more request."""
        mode = self.mode
        if mode != "none" and self.count is not None:
            self.count -= 1
            if self.count == 0:
                self.mode, self.count = "none", None
        return mode

    def view(self):
        return {"mode": self.mode, "count": self.count, "seconds": self.seconds}


def fingerprint(request, body):
    """Path and parameters. The order in which a form names its parameters does not matter."""
    try:
        form = sorted(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body)))
    except ValueError:
        form = body.hex()
    return json.dumps([request.path, form])


class Front:
    def __init__(self, upstream, fault):
        self.upstream, self.fault = upstream, fault
        self.requests = []
        self.kept = {}
        self.in_flight = set()

    # ---- Stripe's API -----------------------------------------------------------------------------------------

    async def stripe(self, request):
        body = await request.read()
        mode = self.fault.strike()
        entry = {
            "at": time.time(), "method": request.method, "path": request.path, "fault": mode, "replayed": False,
            "idempotency_key": request.headers.get("Idempotency-Key"), "status": None,
            "params": dict(urllib.parse.parse_qsl(body.decode(errors="replace"))),
        }
        self.requests.append(entry)
        if mode == "unreachable":
            return self.hang_up(request)
        if mode == "slow":
            await asyncio.sleep(self.fault.seconds)
        if mode == "error":
            answer = error(500, "api_error", "An error occurred internally with the payment gateway (a fault that was asked for).")
        else:
            answer = await self.once(request, body, entry)
        if mode == "dead_after_charge":
            return self.hang_up(request)
        entry["status"] = answer.status
        return answer

    @staticmethod
    def hang_up(request):
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

    async def once(self, request, body, entry):
        """Stripe's rules for the key: same key and parameters, same answer; a key belongs to the first parameters."""
        key = request.headers.get("Idempotency-Key")
        if request.method != "POST" or not key:
            return await self.forward(request, body)
        if len(key) > KEY_LIMIT:
            return error(400, "invalid_request_error", f"Idempotency keys are at most {KEY_LIMIT} characters long.")
        # Keys of different accounts do not meet.
        slot = (request.headers.get("Authorization"), key)
        asked = fingerprint(request, body)
        if slot in self.kept:
            first, answer = self.kept[slot]
            if first != asked:
                return error(400, "idempotency_error",
                             "Keys for idempotent requests can only be used with the same parameters they were first "
                             f"used with. Try using a key other than '{key}' if you meant to execute a different request.")
            entry["replayed"] = True
            return self.answer(*answer, replayed=True)
        if slot in self.in_flight:
            return error(409, "invalid_request_error", code="idempotency_key_in_use", message=(
                "There is currently another in-progress request using this Idempotent Key (that probably means you "
                f"submitted twice, and the other request is still going through): {key}. Please try again later."))
        self.in_flight.add(slot)
        # Shielded: a client that hangs up does not undo a charge, and its key has to remember it.
        return await asyncio.shield(self.first_time(request, body, slot, asked))

    async def first_time(self, request, body, slot, asked):
        try:
            answer = await self.forward(request, body)
            if answer.status not in NEVER_BEGAN:
                self.kept[slot] = (asked, (answer.status, answer.body, answer.content_type))
            return answer
        finally:
            self.in_flight.discard(slot)

    @staticmethod
    def answer(status, body, content_type, replayed=False):
        return web.Response(status=status, body=body, content_type=content_type,
                            headers={"Idempotent-Replayed": "true"} if replayed else {})

    async def forward(self, request, body):
        headers = {name: request.headers[name] for name in ("Authorization", "Content-Type", "Stripe-Version")
                   if name in request.headers}
        url = self.upstream["url"] + request.path_qs
        async with self.upstream["client"].request(request.method, url, data=body, headers=headers) as got:
            return self.answer(got.status, await got.read(), got.content_type)

    # ---- for tests --------------------------------------------------------------------------------------------

    async def show_fault(self, _request):
        return web.json_response(self.fault.view())

    async def set_fault(self, request):
        try:
            asked = await request.json()
            self.fault = Fault(**asked)
        except (ValueError, TypeError) as refused:
            return error(400, "invalid_request_error", f"not a fault: {refused}")
        return web.json_response(self.fault.view())

    async def list_requests(self, _request):
        return web.json_response(self.requests)

    async def forget_requests(self, _request):
        self.requests.clear()
        return web.Response(status=204)

    async def list_charges(self, _request):
        charges = []
        for name, item in store.items():
            if not name.startswith("charge:"):
                continue
            intent = store.get(f"payment_intent:{item.payment_intent}")
            charges.append({
                "id": item.id, "amount": item.amount, "currency": item.currency, "status": item.status,
                "created": item.created, "payment_intent": item.payment_intent,
                "refunded": item.amount_refunded,
                "metadata": dict(intent.metadata) if intent else dict(item.metadata or {}),
            })
        succeeded = sum(charge["status"] == "succeeded" for charge in charges)
        return web.json_response({"count": len(charges), "succeeded": succeeded, "charges": charges})


def set_right():
    """Where localstripe's answers differ from Stripe's documentation in what an adapter must rely on."""
    # The card of `pm_card_visa_chargeDeclined` declines every charge; localstripe refuses only to attach it.
    declined = PaymentMethod._charging_is_declined
    PaymentMethod._charging_is_declined = lambda method: (
        declined(method) or (method.type == "card" and method._card_number == "4000000000000002"))
    # A decline is an error of the card, not of the request.
    respond = UserError.to_response

    def to_response(problem):
        if problem.code == 402:
            problem.body["error"]["type"] = "card_error"
            problem.body["error"].setdefault("decline_code", "generic_decline")
        # What does not exist is named by its code.
        if problem.code == 404:
            problem.body["error"].setdefault("code", "resource_missing")
        return respond(problem)

    UserError.to_response = to_response


def front_app(front):
    app = web.Application()
    app.router.add_get("/_local/faults", front.show_fault)
    app.router.add_put("/_local/faults", front.set_fault)
    app.router.add_get("/_local/requests", front.list_requests)
    app.router.add_delete("/_local/requests", front.forget_requests)
    app.router.add_get("/_local/charges", front.list_charges)
    app.router.add_route("*", "/{path:.*}", front.stripe)
    return app


async def serve(port, fault):
    """Runs localstripe and the front on loopback; the front's port, which is any free one for 0."""
    # localstripe writes all it knows to a fixed file in /tmp after each request, where two clones would meet,
    # and its own start listens on every interface: so it is run from here.
    store.dump_to_disk = lambda: None
    set_right()
    inner = web.AppRunner(server.app)
    await inner.setup()
    site = web.TCPSite(inner, "127.0.0.1", 0)
    await site.start()
    client = aiohttp.ClientSession()
    upstream = {"url": f"http://127.0.0.1:{inner.addresses[0][1]}", "client": client}
    outer = web.AppRunner(front_app(Front(upstream, fault)))
    await outer.setup()
    await web.TCPSite(outer, "127.0.0.1", port).start()
    return outer.addresses[0][1]


async def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--port", type=int, required=True)
    port = await serve(arguments.parse_args().port, Fault.parse(os.environ.get("GATEWAY_FAULTS", "none")))
    print(f"listening on 127.0.0.1:{port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
