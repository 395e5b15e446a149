"""Charges, keys and webhooks survive SIGKILL. `scripts/test local` runs these tests."""

import asyncio
import tempfile
import unittest

import aiohttp

from testing_gateway import DECLINED, Json, Process, WithReceiver, eventually


class DurabilityTest(WithReceiver):
    """Each test has its own gateway, which is killed with SIGKILL and started again with the same state."""

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.directory = tempfile.TemporaryDirectory()
        await self.start()

    async def asyncTearDown(self) -> None:
        self.process.kill()
        self.directory.cleanup()
        await super().asyncTearDown()

    async def start(self) -> None:
        self.process = await asyncio.to_thread(Process, "--state", self.directory.name)
        self.url = self.process.url

    async def restart(self) -> None:
        self.process.kill()
        await self.start()

    async def test_responses_are_replayed_after_a_kill(self) -> None:
        first = await self.pay("k-1")
        declined = await self.pay("k-2", card=DECLINED)
        refund = await self.refund(first[1], "k-3", amount=500)
        transactions = await self.get("/v1/balance_transactions", ("expand[]", "data.source"))
        await self.restart()
        self.assertEqual((await self.pay("k-1"))[:2], first[:2])
        self.assertEqual((await self.pay("k-2", card=DECLINED))[:2], declined[:2])
        self.assertEqual(await self.refund(first[1], "k-3", amount=500), refund)
        self.assertEqual(await self.get("/v1/balance_transactions", ("expand[]", "data.source")), transactions)
        self.assertEqual((await self.get(f"/v1/payment_intents/{first[1]['id']}"))[1], first[1])
        charges = (await self.charges())["charges"]
        self.assertEqual([(c["status"], c["refunded"]) for c in charges], [("succeeded", 500), ("failed", 0)])
        self.assertEqual((await self.pay("k-1", amount=1))[1]["error"]["type"], "idempotency_error")
        # Restored objects can change.
        self.assertEqual((await self.refund(first[1]))[1]["amount"], 1499)

    async def test_kill_during_charges_loses_and_duplicates_none(self) -> None:
        sent: list[str] = []
        responses: dict[str, Json] = {}

        async def pay_until_killed() -> None:
            while True:
                sent.append(key := f"k-{len(sent)}")
                responses[key] = (await self.pay(key, order=key))[1]
                if len(responses) == 50:
                    self.process.child.kill()

        ended = await asyncio.gather(*(pay_until_killed() for _ in range(4)), return_exceptions=True)
        self.assertTrue(all(isinstance(end, aiohttp.ClientError) for end in ended), ended)
        await self.restart()
        self.assertGreaterEqual((await self.charges())["count"], len(responses))
        for key in sent:
            status, paid, _ = await self.pay(key, order=key)
            self.assertEqual((status, paid), (200, responses.get(key, paid)))
        charges = (await self.charges())["charges"]
        self.assertEqual(sorted(charge["metadata"]["order"] for charge in charges), sorted(sent))

    async def test_charge_with_a_lost_response_is_stored_with_its_key(self) -> None:
        await self.set_fault(mode="drop_response")
        with self.assertRaises(aiohttp.ClientError):
            await self.pay("k-1")
        await self.restart()
        status, _, headers = await self.pay("k-1")
        self.assertEqual((status, headers["Idempotent-Replayed"], (await self.charges())["count"]), (200, "true", 1))

    async def test_webhooks_are_delivered_after_receiver_and_gateway_were_down(self) -> None:
        await self.register()
        await self.receiver.close()
        intent = await self.paid()

        async def attempted() -> list[Json]:
            return [delivery for delivery in await self.deliveries() if delivery["attempts"]]

        self.assertEqual([(d["status"], d["delivered"]) for d in await eventually(attempted)], [(None, False)])
        self.process.kill()
        await self.receiver.open()
        await self.start()
        await self.delivered(1)
        self.assertEqual([event["data"]["object"]["id"] for event in self.receiver.events()], [intent["id"]])
        await self.restart()
        self.assertEqual(len(await self.delivered(1)), 1)
        self.assertEqual(len(self.receiver.received), 1)

    async def test_deleted_data_stays_deleted(self) -> None:
        await self.register()
        await self.pay("k-1")
        await self.delivered(1)
        await self.call("DELETE", "/_config/data")
        await self.restart()
        self.assertEqual((await self.charges())["count"], 0)
        self.assertEqual(await self.get("/_local/webhooks"), (200, {"url": self.receiver.url, "deliveries": []}))
        self.assertNotIn("Idempotent-Replayed", (await self.pay("k-1"))[2])

    async def test_deleted_object_stays_deleted(self) -> None:
        _, customer, _ = await self.post("/v1/customers", email="ann@example.com")
        _, other, _ = await self.post("/v1/customers", email="bob@example.com")
        await self.call("DELETE", f"/v1/customers/{customer['id']}")
        await self.restart()
        self.assertEqual((await self.get(f"/v1/customers/{customer['id']}"))[0], 404)
        self.assertEqual((await self.get(f"/v1/customers/{other['id']}"))[1]["email"], "bob@example.com")


if __name__ == "__main__":
    unittest.main()
