"""What the tests of the gateway share: its process, what a test asks of it, and somebody who takes its webhooks."""

import asyncio
import json
import subprocess
import sys
import unittest
from pathlib import Path

import aiohttp
from aiohttp import web

ACCOUNT = "sk_test_unittest"
VISA, DECLINED = "pm_card_visa", "pm_card_visa_chargeDeclined"
SECRET = "whsec_unittest"
PROGRAM = Path(__file__).resolve().parent / "gateway.py"


class Process:
    """A gateway in a process of its own: localstripe keeps to the event loop that it met first."""

    def __init__(self, *arguments):
        self.running = subprocess.Popen(
            [sys.executable, PROGRAM, "--port", "0", *arguments], stdout=subprocess.PIPE, text=True)
        self.url = "http://" + self.running.stdout.readline().split()[-1]

    def kill(self):
        """With -9: nothing is tidied up."""
        self.running.kill()
        self.running.communicate(timeout=10)


async def eventually(check):
    """Waits until the check gives something, and gives that."""
    async with asyncio.timeout(10):
        while not (found := await check()):
            await asyncio.sleep(0.01)
        return found


class Client:
    """What a test asks of the gateway that it has at `self.url`."""

    async def asyncSetUp(self):
        self.client = aiohttp.ClientSession(headers={"Authorization": f"Bearer {ACCOUNT}"})

    async def asyncTearDown(self):
        await self.client.close()

    async def ask(self, method, path, **more):
        async with self.client.request(method, self.url + path, **more) as answer:
            return answer.status, await answer.json() if answer.content_type == "application/json" else None, answer.headers

    async def get(self, path, *parameters):
        status, body, _ = await self.ask("GET", path, params=parameters)
        return status, body

    async def post(self, path, key=None, account=ACCOUNT, **form):
        headers = {"Authorization": f"Bearer {account}", **({"Idempotency-Key": key} if key else {})}
        return await self.ask("POST", path, data={name: str(value) for name, value in form.items()}, headers=headers)

    async def pay(self, key, amount=1999, card=VISA, account=ACCOUNT, **metadata):
        metadata = {f"metadata[{name}]": value for name, value in (metadata or {"order": "o-1"}).items()}
        return await self.post("/v1/payment_intents", key, account, amount=amount, currency="usd", payment_method=card,
                               confirm="true", **metadata)

    async def paid(self, **more):
        status, intent, _ = await self.pay(None, **more)
        self.assertEqual((status, intent["status"]), (200, "succeeded"))
        return intent

    async def refund(self, intent, key=None, **form):
        status, body, _ = await self.post("/v1/refunds", key, payment_intent=intent["id"], **form)
        return status, body

    async def fault(self, **asked):
        return (await self.ask("PUT", "/_local/faults", json=asked))[0]

    async def charges(self):
        return (await self.get("/_local/charges"))[1]

    async def deliveries(self):
        return (await self.get("/_local/webhooks"))[1]["deliveries"]


class SharedGateway(Client, unittest.IsolatedAsyncioTestCase):
    """One gateway for all tests of a class, emptied before each."""

    @classmethod
    def setUpClass(cls):
        cls.process = Process()
        cls.url = cls.process.url

    @classmethod
    def tearDownClass(cls):
        cls.process.kill()

    async def asyncSetUp(self):
        await super().asyncSetUp()
        await self.fault(mode="none")
        await self.ask("DELETE", "/_local/webhooks")
        await self.ask("DELETE", "/_config/data")
        await self.ask("DELETE", "/_local/requests")


class Receiver:
    """Takes webhooks, answers with `status`, and can be closed and opened again at the same address."""

    def __init__(self):
        self.status, self.port, self.taken = 200, 0, []

    async def open(self):
        app = web.Application()
        app.router.add_post("/hooks", self.take)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", self.port).start()
        self.port = self.runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}/hooks"

    async def close(self):
        await self.runner.cleanup()

    async def take(self, request):
        self.taken.append((request.headers["Stripe-Signature"], await request.read()))
        return web.Response(status=self.status)

    def events(self, kind=None):
        events = [json.loads(payload) for _, payload in self.taken]
        return [event for event in events if kind in (None, event["type"])]


class WithReceiver:
    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.receiver = Receiver()
        await self.receiver.open()

    async def asyncTearDown(self):
        await self.receiver.close()
        await super().asyncTearDown()

    async def register(self):
        self.assertEqual((await self.ask("PUT", "/_local/webhooks", json={"url": self.receiver.url, "secret": SECRET}))[0], 200)

    async def delivered(self, count):
        """Waits until so many events are delivered."""
        async def all_of_them():
            found = [delivery for delivery in await self.deliveries() if delivery["delivered"]]
            return found if len(found) == count else None
        return await eventually(all_of_them)
