"""The local payment gateway: localstripe with a front of ours. For development and tests only.

localstripe keeps payments as Stripe does but ignores `Idempotency-Key`. The front adds Stripe's documented rules for that key and
the faults that tests need. `gateway_stripe` sets right what differs from Stripe's documentation, among it refunds, balance
transactions and search; `gateway_webhooks` signs, sends and repeats webhooks; `gateway_state` keeps all that, with the answers
to the keys, in the directory that `--state` names, before an answer leaves. Without `--state` nothing is kept.

    PUT /_local/faults {"mode": "none|slow|unreachable|error|replayed_error|drop_response",
                        "count": n?, "seconds": s?, "path": prefix?}
    GET /_local/faults     the fault in force
    GET /_local/requests   what came in, oldest first; DELETE forgets it
    GET /_local/charges    every charge that was attempted, with the metadata of its payment intent
    PUT /_local/webhooks {"url": …, "secret": …}    where events go from now on; DELETE: nowhere
    GET /_local/webhooks   the url, and deliveries: [{"id": event, "type", "attempts", "status": of the last answer, "delivered"}]
    POST /_local/webhooks/resend    sends every event again
    DELETE /_config/data   forgets everything, kept state too, but for the endpoint of webhooks

Modes: `slow` answers after some seconds (10 when not told), `unreachable` hangs up before anything is done, `error`
answers 500 before anything is done, `replayed_error` does so to any POST and keeps that under its key, as Stripe does with a fault
of its own, and `drop_response` does the work of any POST and hangs up instead of answering. With
`count` the fault strikes so many requests and is over; with `path` it strikes only paths that begin so. GATEWAY_FAULTS sets the
first one, as `mode` or `mode:count`. Faults strike Stripe's API alone. They and the list of requests do not outlive the process.
"""

import argparse
import asyncio
import hashlib
import json
import logging
import os
import time
import urllib.parse

import aiohttp
from aiohttp import web
from localstripe import server
from localstripe.resources import store

import gateway_stripe
from gateway_state import ANSWER, State
from gateway_stripe import error
from gateway_webhooks import Webhooks

MODES = ("none", "slow", "unreachable", "error", "replayed_error", "drop_response")
# What strikes only what would change something.
OF_POSTS = ("replayed_error", "drop_response")
KEY_LIMIT = 255
# Stripe keeps no result where "no API endpoint began the execution": the parameters or the credentials were refused.
NEVER_BEGAN = {400, 401, 404, 409, 429}
# Refused for what the charge was found to be, not for the parameters.
BEGAN = {"charge_already_refunded", "amount_too_large"}


class Fault:
    """The fault in force, for a number of requests or until told otherwise."""

    def __init__(self, mode="none", count=None, seconds=10.0, path="/"):
        if mode not in MODES:
            raise ValueError(f"mode is one of {', '.join(MODES)}")
        if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 1):
            raise ValueError("count is a number from 1")
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or seconds < 0:
            raise ValueError("seconds is a number from 0")
        if not isinstance(path, str) or not path.startswith("/"):
            raise ValueError("path begins with a slash")
        self.mode, self.count, self.seconds, self.path = mode, count, seconds, path

    @classmethod
    def parse(cls, text):
        mode, _, count = text.partition(":")
        return cls(mode or "none", int(count) if count else None)

    def strike(self, method, path):
        """The mode for one more request."""
        mode = self.mode
        if mode == "none" or not path.startswith(self.path) or (mode in OF_POSTS and method != "POST"):
            return "none"
        if self.count is not None:
            self.count -= 1
            if self.count == 0:
                self.mode, self.count = "none", None
        return mode

    def view(self):
        return {"mode": self.mode, "count": self.count, "seconds": self.seconds, "path": self.path}


def fingerprint(request, body):
    """Path and parameters. The order in which a form names its parameters does not matter."""
    try:
        form = sorted(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body)))
    except ValueError:
        form = body.hex()
    return json.dumps([request.path, form])


def slot_of(request):
    """What stands for a key. Keys of different accounts do not meet, and no account's secret is kept."""
    whose = [request.headers.get("Authorization"), request.headers["Idempotency-Key"]]
    return hashlib.sha256(json.dumps(whose).encode()).hexdigest()


def is_kept(answer):
    if answer.status not in NEVER_BEGAN:
        return True
    return answer.status == 400 and json.loads(answer.body)["error"].get("code") in BEGAN


class Front:
    """Stands before localstripe's handlers, in the same process."""

    def __init__(self, state, webhooks, fault):
        self.state, self.webhooks, self.fault = state, webhooks, fault
        self.answers = state.notes[ANSWER]
        self.requests = []
        self.in_flight = set()

    # ---- Stripe's API -----------------------------------------------------------------------------------------

    @web.middleware
    async def middleware(self, request, handler):
        if request.path.startswith("/_local/"):
            # Without the rest of localstripe's chain, which wants an account's key.
            return await request.match_info.handler(request)
        if request.path.startswith("/_config/"):
            return await self.configure(request, handler)
        return await self.stripe(request, handler)

    async def stripe(self, request, handler):
        body = await request.read()
        mode, seconds = self.fault.strike(request.method, request.path), self.fault.seconds
        entry = {
            "at": time.time(), "method": request.method, "path": request.path, "fault": mode, "replayed": False,
            "idempotency_key": request.headers.get("Idempotency-Key"), "status": None,
            "params": dict(urllib.parse.parse_qsl(body.decode(errors="replace"))),
        }
        self.requests.append(entry)
        if mode == "unreachable":
            return self.hang_up(request)
        if mode == "slow":
            await asyncio.sleep(seconds)
        if mode == "error":
            answer = await self.fail(request)
        elif mode == "replayed_error":
            answer = await self.once(request, self.fail, body, entry)
        else:
            answer = await self.once(request, handler, body, entry)
        if mode == "drop_response":
            return self.hang_up(request)
        entry["status"] = answer.status
        return answer

    @staticmethod
    async def fail(_request):
        return error(500, "api_error", "An error occurred internally with the payment gateway (a fault that was asked for).")

    @staticmethod
    def hang_up(request):
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

    async def once(self, request, handler, body, entry):
        """Stripe's rules for the key: same key and parameters, same answer; a key belongs to the first parameters."""
        key = request.headers.get("Idempotency-Key")
        if request.method != "POST" or not key:
            return await self.work(request, handler)
        if len(key) > KEY_LIMIT:
            return error(400, "invalid_request_error", f"Idempotency keys are at most {KEY_LIMIT} characters long.")
        slot, asked = slot_of(request), fingerprint(request, body)
        if slot in self.answers:
            first, (status, content, content_type) = self.answers[slot]
            if first != asked:
                return error(400, "idempotency_error",
                             "Keys for idempotent requests can only be used with the same parameters they were first "
                             f"used with. Try using a key other than '{key}' if you meant to execute a different request.")
            entry["replayed"] = True
            return web.Response(status=status, body=content, content_type=content_type, headers={"Idempotent-Replayed": "true"})
        if slot in self.in_flight:
            return error(409, "invalid_request_error", code="idempotency_key_in_use", message=(
                "There is currently another in-progress request using this Idempotent Key (that probably means you "
                f"submitted twice, and the other request is still going through): {key}. Please try again later."))
        self.in_flight.add(slot)
        # Shielded: a client that hangs up does not undo a charge, and its key has to remember it.
        return await asyncio.shield(self.first_time(request, handler, slot, asked))

    async def first_time(self, request, handler, slot, asked):
        try:
            return await self.work(request, handler, slot, asked)
        finally:
            self.in_flight.discard(slot)

    async def work(self, request, handler, slot=None, asked=None):
        """localstripe's answer. When this ends, all that it changed is kept, and with that the answer to the key."""
        async with self.state.turn:
            try:
                answer = await handler(request)
            except web.HTTPException as refused:
                what = f"Unrecognized request URL ({request.method}: {request.path})."
                answer = error(refused.status, "invalid_request_error", what)
            except Exception:
                logging.exception("localstripe failed at %s %s", request.method, request.path)
                answer = error(500, "api_error", "localstripe failed; its log says why.")
            if slot and is_kept(answer):
                self.state.put(ANSWER, slot, (asked, (answer.status, answer.body, answer.content_type)))
            self.state.commit()
        return answer

    async def configure(self, request, handler):
        if request.path.startswith("/_config/webhooks"):
            return error(404, "invalid_request_error", "Webhooks are registered with PUT /_local/webhooks.")
        async with self.state.turn:
            answer = await handler(request)
            if request.method == "DELETE" and request.path == "/_config/data":
                self.webhooks.stop()
                self.state.forget()
        return answer

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
        charges = [{
            "id": item.id, "amount": item.amount, "currency": item.currency, "status": item.status, "created": item.created,
            "payment_intent": item.payment_intent, "refunded": item.amount_refunded, "metadata": dict(item.metadata),
        } for name, item in store.items() if name.startswith("charge:")]
        succeeded = sum(charge["status"] == "succeeded" for charge in charges)
        return web.json_response({"count": len(charges), "succeeded": succeeded, "charges": charges})


def add_front(app, front, webhooks):
    app.middlewares.insert(0, front.middleware)
    app.router.add_get("/_local/faults", front.show_fault)
    app.router.add_put("/_local/faults", front.set_fault)
    app.router.add_get("/_local/requests", front.list_requests)
    app.router.add_delete("/_local/requests", front.forget_requests)
    app.router.add_get("/_local/charges", front.list_charges)
    app.router.add_get("/_local/webhooks", webhooks.show)
    app.router.add_put("/_local/webhooks", webhooks.register)
    app.router.add_delete("/_local/webhooks", webhooks.unregister)
    app.router.add_post("/_local/webhooks/resend", webhooks.resend)


async def serve(port, fault, directory=None):
    """Runs localstripe and the front on loopback; its port, which is any free one for 0."""
    # localstripe writes all it knows to a fixed file in /tmp after each request, where two clones would meet,
    # and its own start listens on every interface: so it is run from here.
    store.dump_to_disk = lambda: None
    gateway_stripe.set_right()
    state = State(directory)
    webhooks = Webhooks(state, aiohttp.ClientSession())
    add_front(server.app, Front(state, webhooks, fault), webhooks)
    runner = web.AppRunner(server.app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    webhooks.resume()
    return runner.addresses[0][1]


async def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--state", metavar="DIR", help="keep everything here, for the next start")
    asked = arguments.parse_args()
    port = await serve(asked.port, Fault.parse(os.environ.get("GATEWAY_FAULTS", "none")), asked.state)
    print(f"listening on 127.0.0.1:{port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
