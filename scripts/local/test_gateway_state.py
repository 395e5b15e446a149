"""What a kill with -9 leaves of charges, keys and webhooks: all of it. Run with the tools' Python."""

import asyncio
import tempfile
import unittest

import aiohttp

from testing_gateway import DECLINED, Client, Process, WithReceiver, eventually


class Durability(WithReceiver, Client, unittest.IsolatedAsyncioTestCase):
    """Each test has a gateway of its own, which is killed with -9 and started over what it kept."""

    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.directory = tempfile.TemporaryDirectory()
        await self.start()

    async def asyncTearDown(self):
        self.process.kill()
        self.directory.cleanup()
        await super().asyncTearDown()

    async def start(self):
        self.process = await asyncio.to_thread(Process, "--state", self.directory.name)
        self.url = self.process.url

    async def restart(self):
        self.process.kill()
        await self.start()

    async def test_the_same_key_gives_the_same_answer_after_a_kill(self):
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
        # What was restored goes on living.
        self.assertEqual((await self.refund(first[1]))[1]["amount"], 1499)

    async def test_a_kill_in_the_midst_of_charges_loses_and_doubles_none(self):
        asked, answered = [], {}
        async def pay_until_it_dies():
            while True:
                asked.append(key := f"k-{len(asked)}")
                answered[key] = (await self.pay(key, order=key))[1]
                if len(answered) == 50:
                    self.process.running.kill()
        ended = await asyncio.gather(*(pay_until_it_dies() for _ in range(4)), return_exceptions=True)
        self.assertTrue(all(isinstance(end, aiohttp.ClientError) for end in ended), ended)
        await self.restart()
        self.assertGreaterEqual((await self.charges())["count"], len(answered))
        for key in asked:
            status, paid, _ = await self.pay(key, order=key)
            self.assertEqual((status, paid), (200, answered.get(key, paid)))
        charges = (await self.charges())["charges"]
        self.assertEqual(sorted(charge["metadata"]["order"] for charge in charges), sorted(asked))

    async def test_a_charge_whose_answer_was_cut_off_is_kept_with_its_key(self):
        await self.fault(mode="drop_response")
        with self.assertRaises(aiohttp.ClientError):
            await self.pay("k-1")
        await self.restart()
        status, _, headers = await self.pay("k-1")
        self.assertEqual((status, headers["Idempotent-Replayed"], (await self.charges())["count"]), (200, "true", 1))

    async def test_webhooks_are_delivered_after_their_receiver_and_the_gateway_were_down(self):
        await self.register()
        await self.receiver.close()
        intent = await self.paid()
        async def tried():
            return [delivery for delivery in await self.deliveries() if delivery["attempts"]]
        self.assertEqual([(d["status"], d["delivered"]) for d in await eventually(tried)], [(None, False)])
        self.process.kill()
        await self.receiver.open()
        await self.start()
        await self.delivered(1)
        self.assertEqual([event["data"]["object"]["id"] for event in self.receiver.events()], [intent["id"]])
        await self.restart()
        self.assertEqual(len(await self.delivered(1)), 1)
        self.assertEqual(len(self.receiver.taken), 1)

    async def test_what_was_forgotten_stays_forgotten(self):
        await self.register()
        await self.pay("k-1")
        await self.delivered(1)
        await self.ask("DELETE", "/_config/data")
        await self.restart()
        self.assertEqual((await self.charges())["count"], 0)
        self.assertEqual(await self.get("/_local/webhooks"), (200, {"url": self.receiver.url, "deliveries": []}))
        self.assertNotIn("Idempotent-Replayed", (await self.pay("k-1"))[2])

    async def test_an_object_that_was_deleted_stays_deleted(self):
        _, customer, _ = await self.post("/v1/customers", email="ann@example.com")
        _, other, _ = await self.post("/v1/customers", email="bob@example.com")
        await self.ask("DELETE", f"/v1/customers/{customer['id']}")
        await self.restart()
        self.assertEqual((await self.get(f"/v1/customers/{customer['id']}"))[0], 404)
        self.assertEqual((await self.get(f"/v1/customers/{other['id']}"))[1]["email"], "bob@example.com")


if __name__ == "__main__":
    unittest.main()
