"""The local payment gateway: localstripe with idempotency keys, faults and webhooks. For development and tests only.

localstripe stores payments like Stripe but ignores `Idempotency-Key`. The middleware here applies Stripe's documented
rules for that key and injects faults. `gateway_stripe` corrects what differs from Stripe's documentation, including
refunds, balance transactions and search, and `gateway_cancel` what cancels an intent. `gateway_webhooks` signs, sends
and retries webhooks. `gateway_state` stores all of that, including the responses to idempotency keys, in the directory
of `--state` before a response is sent. Without `--state` nothing survives the process.

    PUT /_local/faults {"mode": "none|slow|unreachable|error|replayed_error|drop_response",
                        "count": n?, "seconds": s?, "path": prefix?}
    GET /_local/faults     the current fault
    GET /_local/requests   received requests, oldest first; DELETE clears the list
    GET /_local/charges    every attempted charge, with the metadata of its payment intent
    PUT /_local/webhooks {"url": …, "secret": …}    registers the webhook endpoint; DELETE removes it
    GET /_local/webhooks   the url, and the id, type, attempts, last status and outcome of each delivery
    POST /_local/webhooks/resend    sends every event again
    DELETE /_config/data   deletes all data, including stored state, except the webhook endpoint

Modes: `slow` responds after `seconds` (default 10). `unreachable` closes the connection before anything is done.
`error` returns 500 before anything is done. `replayed_error` does so for POST requests and stores the error under the
idempotency key, as Stripe does with its own errors. `drop_response` executes a POST request and closes the connection
instead of responding. With `count` the fault ends after that many requests. With `path` it applies to paths with that
prefix. GATEWAY_FAULTS sets the first fault, as `mode` or `mode:count`. Faults apply to Stripe's API only. The fault and
the list of requests do not survive the process.
"""

import argparse
import asyncio
import hashlib
import json
import logging
import os
import time
import urllib.parse
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler
from localstripe import server
from localstripe.resources import store

import gateway_cancel
import gateway_stripe
from gateway_state import RESPONSE, State
from gateway_stripe import error
from gateway_webhooks import Webhooks

MODES = ("none", "slow", "unreachable", "error", "replayed_error", "drop_response")
# Modes that apply only to requests that change something.
POST_MODES = ("replayed_error", "drop_response")
MAX_KEY_LENGTH = 255
# Stripe stores no result if "no API endpoint began the execution": it rejected the parameters or the credentials.
NOT_EXECUTED = {400, 401, 404, 409, 429}
# Rejections because of the state of the charge. These are results, and stored.
EXECUTED_CODES = {"charge_already_refunded", "amount_too_large"}


class Fault:
    """The fault to inject, for a number of requests or until the next one is set."""

    def __init__(self, mode: str = "none", count: int | None = None, seconds: float = 10.0, path: str = "/") -> None:
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}")
        if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 1):
            raise ValueError("count must be an integer of at least 1")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
            raise ValueError("seconds must be a number of at least 0")
        if not isinstance(path, str) or not path.startswith("/"):
            raise ValueError("path must begin with a slash")
        self.mode, self.count, self.seconds, self.path = mode, count, seconds, path

    @classmethod
    def parse(cls, text: str) -> "Fault":
        """Parses `mode` or `mode:count`."""
        mode, _, count = text.partition(":")
        return cls(mode or "none", int(count) if count else None)

    def apply(self, method: str, path: str) -> str:
        """The mode for one more request; counts it."""
        mode = self.mode
        if mode == "none" or not path.startswith(self.path) or (mode in POST_MODES and method != "POST"):
            return "none"
        if self.count is not None:
            self.count -= 1
            if self.count == 0:
                self.mode, self.count = "none", None
        return mode

    def view(self) -> dict[str, Any]:
        return {"mode": self.mode, "count": self.count, "seconds": self.seconds, "path": self.path}


def fingerprint(request: web.Request, body: bytes) -> str:
    """Path and parameters. The order of a form's parameters does not matter."""
    form: object
    try:
        form = sorted(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body)))
    except ValueError:
        form = body.hex()
    return json.dumps([request.path, form])


def stored_key(request: web.Request) -> str:
    """The name that an idempotency key is stored under: scoped to the account, without the account's secret."""
    scope = [request.headers.get("Authorization"), request.headers["Idempotency-Key"]]
    return hashlib.sha256(json.dumps(scope).encode()).hexdigest()


def _body(response: web.StreamResponse) -> bytes:
    body = response.body if isinstance(response, web.Response) else None
    return bytes(body) if isinstance(body, bytes | bytearray) else b""


def is_replayed(response: web.StreamResponse) -> bool:
    """Whether Stripe stores this response for the idempotency key."""
    if response.status not in NOT_EXECUTED:
        return True
    return response.status == 400 and json.loads(_body(response))["error"].get("code") in EXECUTED_CODES


class Middleware:
    """Idempotency keys, faults and the `/_local` routes, in front of localstripe's handlers."""

    def __init__(self, state: State, webhooks: Webhooks, fault: Fault) -> None:
        self.state, self.webhooks, self.fault = state, webhooks, fault
        self.responses = state.records[RESPONSE]
        self.requests: list[dict[str, Any]] = []
        self.in_flight: set[str] = set()

    # ---- Stripe's API -----------------------------------------------------------------------------------------

    @web.middleware
    async def handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/_local/"):
            # Bypasses localstripe's other middleware, which requires an account's key.
            return await request.match_info.handler(request)
        if request.path.startswith("/_config/"):
            return await self.configure(request, handler)
        return await self.stripe(request, handler)

    async def stripe(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        body = await request.read()
        mode, seconds = self.fault.apply(request.method, request.path), self.fault.seconds
        entry = {
            "at": time.time(),
            "method": request.method,
            "path": request.path,
            "fault": mode,
            "replayed": False,
            "idempotency_key": request.headers.get("Idempotency-Key"),
            "status": None,
            "params": dict(urllib.parse.parse_qsl(body.decode(errors="replace"))),
        }
        self.requests.append(entry)
        if mode == "unreachable":
            return self.close_connection(request)
        if mode == "slow":
            await asyncio.sleep(seconds)
        if mode == "error":
            response = await self.fail(request)
        elif mode == "replayed_error":
            response = await self.execute_once(request, self.fail, body, entry)
        else:
            response = await self.execute_once(request, handler, body, entry)
        if mode == "drop_response":
            return self.close_connection(request)
        entry["status"] = response.status
        return response

    @staticmethod
    async def fail(_request: web.Request) -> web.StreamResponse:
        return error(500, "api_error", "An error occurred internally with the payment gateway (an injected fault).")

    @staticmethod
    def close_connection(request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

    async def execute_once(
        self, request: web.Request, handler: Handler, body: bytes, entry: dict[str, Any]
    ) -> web.StreamResponse:
        """Stripe's rules: the first response is replayed for the same key and parameters, others are rejected."""
        key = request.headers.get("Idempotency-Key")
        if request.method != "POST" or not key:
            return await self.execute(request, handler)
        if len(key) > MAX_KEY_LENGTH:
            return error(
                400, "invalid_request_error", f"Idempotency keys are at most {MAX_KEY_LENGTH} characters long."
            )
        name, parameters = stored_key(request), fingerprint(request, body)
        if name in self.responses:
            first, (status, content, content_type) = self.responses[name]
            if first != parameters:
                message = (
                    "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                    f"Try using a key other than '{key}' if you meant to execute a different request."
                )
                return error(400, "idempotency_error", message)
            entry["replayed"] = True
            headers = {"Idempotent-Replayed": "true"}
            return web.Response(status=status, body=content, content_type=content_type, headers=headers)
        if name in self.in_flight:
            message = (
                "There is currently another in-progress request using this Idempotent Key (that probably means you "
                f"submitted twice, and the other request is still going through): {key}. Please try again later."
            )
            return error(409, "invalid_request_error", message, code="idempotency_key_in_use")
        self.in_flight.add(name)
        # Shielded: a client that disconnects does not stop a charge, and its response has to be stored.
        return await asyncio.shield(self.execute_first(request, handler, name, parameters))

    async def execute_first(
        self, request: web.Request, handler: Handler, name: str, parameters: str
    ) -> web.StreamResponse:
        try:
            return await self.execute(request, handler, name, parameters)
        finally:
            self.in_flight.discard(name)

    async def execute(
        self, request: web.Request, handler: Handler, name: str | None = None, parameters: str | None = None
    ) -> web.StreamResponse:
        """Runs localstripe's handler, then commits its changes together with the response to the key."""
        async with self.state.lock:
            try:
                response = await handler(request)
            except web.HTTPException as rejected:
                message = f"Unrecognized request URL ({request.method}: {request.path})."
                response = error(rejected.status, "invalid_request_error", message)
            except Exception:
                logging.exception("localstripe failed at %s %s", request.method, request.path)
                response = error(500, "api_error", "localstripe failed; see its log.")
            if name and is_replayed(response):
                stored = (parameters, (response.status, _body(response), response.content_type))
                self.state.put(RESPONSE, name, stored)
            self.state.commit()
        return response

    async def configure(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/_config/webhooks"):
            return error(404, "invalid_request_error", "Webhooks are registered with PUT /_local/webhooks.")
        async with self.state.lock:
            response = await handler(request)
            if request.method == "DELETE" and request.path == "/_config/data":
                self.webhooks.stop()
                self.state.clear()
        return response

    # ---- for tests --------------------------------------------------------------------------------------------

    async def get_fault(self, _request: web.Request) -> web.Response:
        return web.json_response(self.fault.view())

    async def set_fault(self, request: web.Request) -> web.Response:
        try:
            self.fault = Fault(**await request.json())
        except (ValueError, TypeError) as rejected:
            return error(400, "invalid_request_error", f"not a fault: {rejected}")
        return web.json_response(self.fault.view())

    async def list_requests(self, _request: web.Request) -> web.Response:
        return web.json_response(self.requests)

    async def clear_requests(self, _request: web.Request) -> web.Response:
        self.requests.clear()
        return web.Response(status=204)

    async def list_charges(self, _request: web.Request) -> web.Response:
        charges = [
            {
                "id": item.id,
                "amount": item.amount,
                "currency": item.currency,
                "status": item.status,
                "created": item.created,
                "payment_intent": item.payment_intent,
                "refunded": item.amount_refunded,
                "metadata": dict(item.metadata),
            }
            for name, item in store.items()
            if name.startswith("charge:")
        ]
        succeeded = sum(charge["status"] == "succeeded" for charge in charges)
        return web.json_response({"count": len(charges), "succeeded": succeeded, "charges": charges})


def install(app: web.Application, middleware: Middleware, webhooks: Webhooks) -> None:
    app.middlewares.insert(0, middleware.handle)
    app.router.add_get("/_local/faults", middleware.get_fault)
    app.router.add_put("/_local/faults", middleware.set_fault)
    app.router.add_get("/_local/requests", middleware.list_requests)
    app.router.add_delete("/_local/requests", middleware.clear_requests)
    app.router.add_get("/_local/charges", middleware.list_charges)
    app.router.add_get("/_local/webhooks", webhooks.show)
    app.router.add_put("/_local/webhooks", webhooks.register)
    app.router.add_delete("/_local/webhooks", webhooks.unregister)
    app.router.add_post("/_local/webhooks/resend", webhooks.resend)


async def serve(port: int, fault: Fault, directory: str | None = None) -> int:
    """Serves localstripe with the middleware on the loopback interface. Port 0 chooses a free one; returns the port."""
    # localstripe's own start listens on every interface, and dumps its data to a fixed file in /tmp after each request.
    store.dump_to_disk = lambda: None
    gateway_stripe.install()
    gateway_cancel.install()
    state = State(directory)
    webhooks = Webhooks(state, aiohttp.ClientSession())
    install(server.app, Middleware(state, webhooks, fault), webhooks)
    runner = web.AppRunner(server.app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    webhooks.resume()
    bound: int = runner.addresses[0][1]
    return bound


async def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", metavar="DIR", help="store all data here, for the next start")
    arguments = parser.parse_args()
    port = await serve(arguments.port, Fault.parse(os.environ.get("GATEWAY_FAULTS", "none")), arguments.state)
    print(f"listening on 127.0.0.1:{port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
