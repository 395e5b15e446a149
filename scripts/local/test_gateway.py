"""Idempotency keys and faults of the gateway. `scripts/test local` runs these tests."""

import asyncio
import unittest

import aiohttp

import gateway
from testing_gateway import DECLINED, SharedGatewayTest


class MiddlewareTest(SharedGatewayTest):
    async def test_same_key_and_parameters_replay_the_first_response(self) -> None:
        first_status, first, first_headers = await self.pay("k-1")
        again_status, again, again_headers = await self.pay("k-1")
        self.assertEqual((first_status, first["status"]), (200, "succeeded"))
        self.assertEqual((again_status, again), (first_status, first))
        self.assertNotIn("Idempotent-Replayed", first_headers)
        self.assertEqual(again_headers["Idempotent-Replayed"], "true")
        charges = await self.charges()
        self.assertEqual(charges["succeeded"], 1)
        self.assertEqual(charges["charges"][0]["metadata"], {"order": "o-1"})

    async def test_decline_is_replayed(self) -> None:
        status, declined, _ = await self.pay("k-2", card=DECLINED)
        again_status, again, headers = await self.pay("k-2", card=DECLINED)
        self.assertEqual(
            (status, declined["error"]["code"], declined["error"]["type"]), (402, "card_declined", "card_error")
        )
        self.assertEqual((again_status, again), (status, declined))
        self.assertEqual(headers["Idempotent-Replayed"], "true")
        self.assertEqual((await self.charges())["count"], 1)

    async def test_key_with_other_parameters_is_rejected(self) -> None:
        await self.pay("k-3", amount=100)
        status, refused, _ = await self.pay("k-3", amount=200)
        self.assertEqual((status, refused["error"]["type"]), (400, "idempotency_error"))
        self.assertEqual((await self.charges())["count"], 1)

    async def test_key_in_flight_conflicts(self) -> None:
        await self.set_fault(mode="slow", seconds=0)
        responses = await asyncio.gather(*(self.pay("k-4") for _ in range(5)))
        statuses = sorted(status for status, _, _ in responses)
        self.assertEqual(statuses[0], 200)
        self.assertTrue(set(statuses) <= {200, 409}, statuses)
        self.assertTrue(
            all(body["error"]["code"] == "idempotency_key_in_use" for status, body, _ in responses if status == 409)
        )
        self.assertEqual((await self.charges())["succeeded"], 1)

    async def test_rejected_request_does_not_use_up_its_key(self) -> None:
        self.assertEqual((await self.pay("k-5", amount=-1))[0], 400)
        self.assertEqual((await self.pay("k-5"))[0], 200)

    async def test_keys_are_scoped_to_the_account(self) -> None:
        _, first, _ = await self.pay("k-6")
        _, other, _ = await self.pay("k-6", account="sk_test_other")
        self.assertNotEqual(first["id"], other["id"])

    async def test_key_of_256_characters_is_rejected(self) -> None:
        self.assertEqual((await self.pay("k" * 255))[0], 200)
        self.assertEqual((await self.pay("k" * 256))[0], 400)

    async def test_requests_without_a_key_are_all_executed(self) -> None:
        await self.pay(None)
        await self.pay(None)
        self.assertEqual((await self.charges())["succeeded"], 2)

    async def test_drop_response_charges_once_and_the_retry_is_replayed(self) -> None:
        self.assertEqual(await self.set_fault(mode="drop_response", count=1), 200)
        with self.assertRaises(aiohttp.ClientError):
            await self.pay("k-7")
        self.assertEqual((await self.charges())["succeeded"], 1)
        status, paid, headers = await self.pay("k-7")
        self.assertEqual((status, paid["status"], headers["Idempotent-Replayed"]), (200, "succeeded", "true"))
        self.assertEqual((await self.charges())["succeeded"], 1)

    async def test_unreachable_and_error_execute_nothing_and_end_after_their_count(self) -> None:
        for mode in ("unreachable", "error"):
            with self.subTest(mode):
                await self.set_fault(mode=mode, count=2)
                for _ in range(2):
                    if mode == "error":
                        self.assertEqual((await self.pay(f"k-{mode}"))[0], 500)
                    else:
                        with self.assertRaises(aiohttp.ClientError):
                            await self.pay(f"k-{mode}")
                before = (await self.charges())["count"]
                self.assertEqual((await self.pay(f"k-{mode}"))[0], 200)
                self.assertEqual((await self.charges())["count"], before + 1)

    async def test_replayed_error_is_replayed_and_its_key_never_executes(self) -> None:
        await self.set_fault(mode="replayed_error", count=1)
        status, first, headers = await self.pay("k-error")
        self.assertEqual((status, first["error"]["type"]), (500, "api_error"))
        self.assertNotIn("Idempotent-Replayed", headers)
        for _ in range(2):
            status, again, headers = await self.pay("k-error")
            self.assertEqual((status, again, headers["Idempotent-Replayed"]), (500, first, "true"))
        self.assertEqual((await self.charges())["count"], 0)
        self.assertEqual((await self.pay("k-next"))[0], 200)

    async def test_refund_with_a_replayed_error_needs_another_key(self) -> None:
        intent = await self.paid()
        await self.set_fault(mode="replayed_error", count=1, path="/v1/refunds")
        self.assertEqual((await self.refund(intent, "r-error", amount=500))[0], 500)
        self.assertEqual((await self.refund(intent, "r-error", amount=500))[0], 500)
        self.assertEqual((await self.get("/v1/refunds", ("payment_intent", intent["id"])))[1]["data"], [])
        self.assertEqual((await self.refund(intent, "r-new", amount=500))[0], 200)

    async def test_slow_responses_late(self) -> None:
        await self.set_fault(mode="slow", seconds=0.3)
        loop = asyncio.get_running_loop()
        started = loop.time()
        self.assertEqual((await self.pay("k-8"))[0], 200)
        self.assertGreaterEqual(loop.time() - started, 0.3)

    async def test_invalid_fault_is_rejected(self) -> None:
        for fault in (
            {"mode": "sideways"},
            {"mode": "slow", "count": 0},
            {"mode": "slow", "seconds": "1"},
            {"path": "v1"},
            {"speed": 1},
        ):
            with self.subTest(fault=fault):
                self.assertEqual(await self.set_fault(**fault), 400)

    async def test_requests_are_listed_and_cleared(self) -> None:
        await self.pay("k-9")
        await self.pay("k-9")
        _, seen = await self.get("/_local/requests")
        self.assertEqual(
            [(r["idempotency_key"], r["status"], r["replayed"]) for r in seen],
            [("k-9", 200, False), ("k-9", 200, True)],
        )
        self.assertEqual(seen[0]["params"]["metadata[order]"], "o-1")
        self.assertEqual((await self.call("DELETE", "/_local/requests"))[0], 204)

    async def test_drop_response_applies_to_every_post_and_to_no_get(self) -> None:
        intent = await self.paid()
        await self.set_fault(mode="drop_response", count=1)
        self.assertEqual((await self.get("/v1/balance_transactions"))[0], 200)
        with self.assertRaises(aiohttp.ClientError):
            await self.refund(intent, "r-1", amount=500)
        self.assertEqual((await self.refund(intent, "r-1", amount=500))[0], 200)
        self.assertEqual((await self.charges())["charges"][0]["refunded"], 500)

    async def test_fault_with_a_path_applies_to_that_path_only(self) -> None:
        await self.set_fault(mode="error", count=1, path="/v1/refunds")
        intent = await self.paid()
        self.assertEqual((await self.refund(intent))[0], 500)
        self.assertEqual((await self.refund(intent))[0], 200)

    async def test_unknown_route_and_unknown_object_are_not_found(self) -> None:
        status, body = await self.get("/v1/nothing")
        self.assertEqual(
            (status, body["error"]["type"], body["error"].get("code")), (404, "invalid_request_error", None)
        )
        status, body = await self.get("/v1/payment_intents/pi_nothing")
        self.assertEqual((status, body["error"]["code"]), (404, "resource_missing"))

    async def test_fault_is_parsed_from_the_environment(self) -> None:
        self.assertEqual(
            gateway.Fault.parse("error:3").view(), {"mode": "error", "count": 3, "seconds": 10.0, "path": "/"}
        )
        self.assertEqual(gateway.Fault.parse("").mode, "none")


if __name__ == "__main__":
    unittest.main()
