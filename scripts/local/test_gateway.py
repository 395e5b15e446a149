"""The front's rules: keys and faults. Run with the tools' Python: `python -m unittest` in this directory."""

import asyncio
import unittest

import aiohttp

import gateway
from testing_gateway import DECLINED, SharedGateway


class Front(SharedGateway):
    async def test_the_same_key_and_parameters_give_the_first_answer_and_one_charge(self):
        first_status, first, first_headers = await self.pay("k-1")
        again_status, again, again_headers = await self.pay("k-1")
        self.assertEqual((first_status, first["status"]), (200, "succeeded"))
        self.assertEqual((again_status, again), (first_status, first))
        self.assertNotIn("Idempotent-Replayed", first_headers)
        self.assertEqual(again_headers["Idempotent-Replayed"], "true")
        charges = await self.charges()
        self.assertEqual(charges["succeeded"], 1)
        self.assertEqual(charges["charges"][0]["metadata"], {"order": "o-1"})

    async def test_a_decline_is_replayed_too(self):
        status, declined, _ = await self.pay("k-2", card=DECLINED)
        again_status, again, headers = await self.pay("k-2", card=DECLINED)
        self.assertEqual((status, declined["error"]["code"], declined["error"]["type"]), (402, "card_declined", "card_error"))
        self.assertEqual((again_status, again), (status, declined))
        self.assertEqual(headers["Idempotent-Replayed"], "true")
        self.assertEqual((await self.charges())["count"], 1)

    async def test_a_key_belongs_to_the_parameters_it_came_with_first(self):
        await self.pay("k-3", amount=100)
        status, refused, _ = await self.pay("k-3", amount=200)
        self.assertEqual((status, refused["error"]["type"]), (400, "idempotency_error"))
        self.assertEqual((await self.charges())["count"], 1)

    async def test_a_key_in_flight_conflicts(self):
        await self.fault(mode="slow", seconds=0)
        answers = await asyncio.gather(*(self.pay("k-4") for _ in range(5)))
        statuses = sorted(status for status, _, _ in answers)
        self.assertEqual(statuses[0], 200)
        self.assertTrue(set(statuses) <= {200, 409}, statuses)
        self.assertTrue(all(body["error"]["code"] == "idempotency_key_in_use" for status, body, _ in answers if status == 409))
        self.assertEqual((await self.charges())["succeeded"], 1)

    async def test_a_refused_request_keeps_nothing(self):
        self.assertEqual((await self.pay("k-5", amount=-1))[0], 400)
        self.assertEqual((await self.pay("k-5"))[0], 200)

    async def test_keys_of_different_accounts_do_not_meet(self):
        _, first, _ = await self.pay("k-6")
        _, other, _ = await self.pay("k-6", account="sk_test_other")
        self.assertNotEqual(first["id"], other["id"])

    async def test_a_key_of_256_characters_is_refused(self):
        self.assertEqual((await self.pay("k" * 255))[0], 200)
        self.assertEqual((await self.pay("k" * 256))[0], 400)

    async def test_without_a_key_every_request_is_its_own(self):
        await self.pay(None)
        await self.pay(None)
        self.assertEqual((await self.charges())["succeeded"], 2)

    async def test_dead_after_charge_charges_once_and_the_retry_learns_of_it(self):
        self.assertEqual(await self.fault(mode="drop_response", count=1), 200)
        with self.assertRaises(aiohttp.ClientError):
            await self.pay("k-7")
        self.assertEqual((await self.charges())["succeeded"], 1)
        status, paid, headers = await self.pay("k-7")
        self.assertEqual((status, paid["status"], headers["Idempotent-Replayed"]), (200, "succeeded", "true"))
        self.assertEqual((await self.charges())["succeeded"], 1)

    async def test_unreachable_and_error_do_nothing_and_end_with_their_count(self):
        for mode in ("unreachable", "error"):
            with self.subTest(mode):
                await self.fault(mode=mode, count=2)
                for _ in range(2):
                    if mode == "error":
                        self.assertEqual((await self.pay(f"k-{mode}"))[0], 500)
                    else:
                        with self.assertRaises(aiohttp.ClientError):
                            await self.pay(f"k-{mode}")
                before = (await self.charges())["count"]
                self.assertEqual((await self.pay(f"k-{mode}"))[0], 200)
                self.assertEqual((await self.charges())["count"], before + 1)

    async def test_a_kept_error_is_told_again_and_nothing_is_ever_done_under_its_key(self):
        await self.fault(mode="replayed_error", count=1)
        status, first, headers = await self.pay("k-kept")
        self.assertEqual((status, first["error"]["type"]), (500, "api_error"))
        self.assertNotIn("Idempotent-Replayed", headers)
        for _ in range(2):
            status, again, headers = await self.pay("k-kept")
            self.assertEqual((status, again, headers["Idempotent-Replayed"]), (500, first, "true"))
        self.assertEqual((await self.charges())["count"], 0)
        self.assertEqual((await self.pay("k-next"))[0], 200)

    async def test_a_kept_error_of_a_refund_leaves_no_refund_and_another_key_makes_one(self):
        intent = await self.paid()
        await self.fault(mode="replayed_error", count=1, path="/v1/refunds")
        self.assertEqual((await self.refund(intent, "r-kept", amount=500))[0], 500)
        self.assertEqual((await self.refund(intent, "r-kept", amount=500))[0], 500)
        self.assertEqual((await self.get("/v1/refunds", ("payment_intent", intent["id"])))[1]["data"], [])
        self.assertEqual((await self.refund(intent, "r-anew", amount=500))[0], 200)

    async def test_slow_answers_late(self):
        await self.fault(mode="slow", seconds=0.3)
        loop = asyncio.get_running_loop()
        started = loop.time()
        self.assertEqual((await self.pay("k-8"))[0], 200)
        self.assertGreaterEqual(loop.time() - started, 0.3)

    async def test_what_is_not_a_fault_is_refused(self):
        for asked in ({"mode": "sideways"}, {"mode": "slow", "count": 0}, {"mode": "slow", "seconds": "1"}, {"path": "v1"},
                      {"speed": 1}):
            with self.subTest(asked):
                self.assertEqual(await self.fault(**asked), 400)

    async def test_requests_are_listed_and_forgotten(self):
        await self.pay("k-9")
        await self.pay("k-9")
        _, seen = await self.get("/_local/requests")
        self.assertEqual([(r["idempotency_key"], r["status"], r["replayed"]) for r in seen],
                         [("k-9", 200, False), ("k-9", 200, True)])
        self.assertEqual(seen[0]["params"]["metadata[order]"], "o-1")
        self.assertEqual((await self.ask("DELETE", "/_local/requests"))[0], 204)

    async def test_dead_after_charge_strikes_whatever_is_posted_and_nothing_that_is_read(self):
        intent = await self.paid()
        await self.fault(mode="drop_response", count=1)
        self.assertEqual((await self.get("/v1/balance_transactions"))[0], 200)
        with self.assertRaises(aiohttp.ClientError):
            await self.refund(intent, "r-1", amount=500)
        self.assertEqual((await self.refund(intent, "r-1", amount=500))[0], 200)
        self.assertEqual((await self.charges())["charges"][0]["refunded"], 500)

    async def test_a_fault_of_a_path_leaves_the_others_alone(self):
        await self.fault(mode="error", count=1, path="/v1/refunds")
        intent = await self.paid()
        self.assertEqual((await self.refund(intent))[0], 500)
        self.assertEqual((await self.refund(intent))[0], 200)

    async def test_what_is_not_there_is_not_found(self):
        status, body = await self.get("/v1/nothing")
        self.assertEqual((status, body["error"]["type"], body["error"].get("code")), (404, "invalid_request_error", None))
        status, body = await self.get("/v1/payment_intents/pi_nothing")
        self.assertEqual((status, body["error"]["code"]), (404, "resource_missing"))

    async def test_the_fault_in_the_environment_is_read(self):
        self.assertEqual(gateway.Fault.parse("error:3").view(), {"mode": "error", "count": 3, "seconds": 10.0, "path": "/"})
        self.assertEqual(gateway.Fault.parse("").mode, "none")


if __name__ == "__main__":
    unittest.main()
