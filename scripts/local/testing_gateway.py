"""What the tests of the gateway share: a gateway process, a client, and a receiver of webhooks."""

import asyncio
import json
import subprocess
import sys
import unittest
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import aiohttp
from aiohttp import web

Json = dict[str, Any]
T = TypeVar("T")

ACCOUNT = "sk_test_unittest"
VISA, DECLINED = "pm_card_visa", "pm_card_visa_chargeDeclined"
SECRET = "whsec_unittest"
PROGRAM = Path(__file__).resolve().parent / "gateway.py"


class Process:
    """A gateway in its own process, because localstripe is bound to one event loop."""

    def __init__(self, *arguments: str) -> None:
        argv = [sys.executable, str(PROGRAM), "--port", "0", *arguments]
        self.child = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        assert self.child.stdout is not None
        self.url = "http://" + self.child.stdout.readline().split()[-1]

    def kill(self) -> None:
        """Ends the process with SIGKILL, so that it cannot clean up."""
        self.child.kill()
        self.child.communicate(timeout=10)


async def eventually(look: Callable[[], Awaitable[T]]) -> T:
    """Calls `look` until it returns something true, and returns that."""
    async with asyncio.timeout(10):
        while not (found := await look()):  # noqa: ASYNC110 the state is in another process
            await asyncio.sleep(0.01)
        return found


class GatewayTest(unittest.IsolatedAsyncioTestCase):
    """A test with a client of the gateway at `self.url`."""

    url: str

    async def asyncSetUp(self) -> None:
        self.client = aiohttp.ClientSession(headers={"Authorization": f"Bearer {ACCOUNT}"})

    async def asyncTearDown(self) -> None:
        await self.client.close()

    async def call(self, method: str, path: str, **more: Any) -> tuple[int, Any, Mapping[str, str]]:
        async with self.client.request(method, self.url + path, **more) as response:
            body = await response.json() if response.content_type == "application/json" else None
            return response.status, body, response.headers

    async def get(self, path: str, *parameters: tuple[str, Any]) -> tuple[int, Any]:
        status, body, _ = await self.call("GET", path, params=parameters)
        return status, body

    async def post(
        self, path: str, key: str | None = None, account: str = ACCOUNT, **form: object
    ) -> tuple[int, Any, Mapping[str, str]]:
        headers = {"Authorization": f"Bearer {account}", **({"Idempotency-Key": key} if key else {})}
        return await self.call("POST", path, data={name: str(value) for name, value in form.items()}, headers=headers)

    async def pay(
        self, key: str | None, amount: int = 1999, card: str = VISA, account: str = ACCOUNT, **metadata: str
    ) -> tuple[int, Any, Mapping[str, str]]:
        fields = {f"metadata[{name}]": value for name, value in (metadata or {"order": "o-1"}).items()}
        intent: Json = {"amount": amount, "currency": "usd", "payment_method": card, "confirm": "true", **fields}
        return await self.post("/v1/payment_intents", key, account, **intent)

    async def paid(self, **more: Any) -> Json:
        """A payment intent that succeeded."""
        status, intent, _ = await self.pay(None, **more)
        self.assertEqual((status, intent["status"]), (200, "succeeded"))
        paid: Json = intent
        return paid

    async def refund(self, intent: Json, key: str | None = None, **form: Any) -> tuple[int, Any]:
        status, body, _ = await self.post("/v1/refunds", key, payment_intent=intent["id"], **form)
        return status, body

    async def set_fault(self, **fault: object) -> int:
        return (await self.call("PUT", "/_local/faults", json=fault))[0]

    async def charges(self) -> Json:
        listed: Json = (await self.get("/_local/charges"))[1]
        return listed

    async def deliveries(self) -> list[Json]:
        deliveries: list[Json] = (await self.get("/_local/webhooks"))[1]["deliveries"]
        return deliveries


class SharedGatewayTest(GatewayTest):
    """One gateway process for all tests of a class, emptied before each test."""

    process: ClassVar[Process]

    @classmethod
    def setUpClass(cls) -> None:
        cls.process = Process()
        cls.url = cls.process.url

    @classmethod
    def tearDownClass(cls) -> None:
        cls.process.kill()

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        await self.set_fault(mode="none")
        await self.call("DELETE", "/_local/webhooks")
        await self.call("DELETE", "/_config/data")
        await self.call("DELETE", "/_local/requests")


class Receiver:
    """Receives webhooks and responds with `status`. It can be closed and opened again at the same address."""

    def __init__(self) -> None:
        self.status, self.port = 200, 0
        # Signature and payload.
        self.received: list[tuple[str, bytes]] = []

    async def open(self) -> None:
        app = web.Application()
        app.router.add_post("/hooks", self.receive)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", self.port).start()
        self.port = self.runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}/hooks"

    async def close(self) -> None:
        await self.runner.cleanup()

    async def receive(self, request: web.Request) -> web.Response:
        self.received.append((request.headers["Stripe-Signature"], await request.read()))
        return web.Response(status=self.status)

    def events(self, event_type: str | None = None) -> list[Json]:
        events = [json.loads(payload) for _, payload in self.received]
        return [event for event in events if event_type in {None, event["type"]}]


class WithReceiver(GatewayTest):
    """A test with a receiver of webhooks."""

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.receiver = Receiver()
        await self.receiver.open()

    async def asyncTearDown(self) -> None:
        await self.receiver.close()
        await super().asyncTearDown()

    async def register(self) -> None:
        endpoint = {"url": self.receiver.url, "secret": SECRET}
        self.assertEqual((await self.call("PUT", "/_local/webhooks", json=endpoint))[0], 200)

    async def delivered(self, count: int) -> list[Json]:
        """Waits until that many events are delivered."""

        async def all_delivered() -> list[Json] | None:
            found = [delivery for delivery in await self.deliveries() if delivery["delivered"]]
            return found if len(found) == count else None

        found = await eventually(all_delivered)
        assert found is not None
        return found
