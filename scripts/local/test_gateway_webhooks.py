"""Content, signature and retries of webhooks. `scripts/test local` runs these tests."""

import hashlib
import hmac
import json
import unittest
from typing import Any

import gateway_webhooks
from testing_gateway import DECLINED, SECRET, Json, SharedGatewayTest, WithReceiver, eventually


class WebhooksTest(WithReceiver, SharedGatewayTest):
    async def test_event_is_signed_and_has_the_intent(self) -> None:
        await self.register()
        intent = await self.paid(payment_id="p-1")
        (delivery,) = await self.delivered(1)
        self.assertEqual(
            (delivery["type"], delivery["attempts"], delivery["status"]), ("payment_intent.succeeded", 1, 200)
        )
        signature, payload = self.receiver.received[0]
        at, v1 = (part.partition("=")[2] for part in signature.split(","))
        self.assertEqual(v1, hmac.new(SECRET.encode(), at.encode() + b"." + payload, hashlib.sha256).hexdigest())
        event = json.loads(payload)
        self.assertEqual(
            (event["object"], event["type"], event["id"]), ("event", "payment_intent.succeeded", delivery["id"])
        )
        published = event["data"]["object"]
        self.assertEqual(
            (published["id"], published["status"], published["metadata"], published["amount_received"]),
            (intent["id"], "succeeded", {"payment_id": "p-1"}, intent["amount"]),
        )

    async def test_declines_and_refunds_are_published(self) -> None:
        await self.register()
        await self.pay(None, card=DECLINED, payment_id="p-1")
        intent = await self.paid(payment_id="p-2")
        await self.refund(intent, amount=500, **{"metadata[refund_id]": "f-1"})
        await self.delivered(5)
        (failed,) = self.receiver.events("payment_intent.payment_failed")
        self.assertEqual(failed["data"]["object"]["metadata"], {"payment_id": "p-1"})
        self.assertEqual(failed["data"]["object"]["last_payment_error"]["decline_code"], "generic_decline")
        (refunded,) = self.receiver.events("charge.refunded")
        published = refunded["data"]["object"]
        self.assertEqual(
            (published["payment_intent"], published["amount_refunded"], published["metadata"]),
            (intent["id"], 500, {"payment_id": "p-2"}),
        )
        (updated,) = self.receiver.events("refund.updated")
        published = updated["data"]["object"]
        self.assertEqual(
            (published["status"], published["amount"], published["metadata"]), ("succeeded", 500, {"refund_id": "f-1"})
        )
        (created,) = self.receiver.events("refund.created")
        self.assertEqual(created["data"]["object"]["payment_intent"], intent["id"])

    async def test_resent_event_is_unchanged(self) -> None:
        await self.register()
        intent = await self.paid()
        await self.refund(intent, amount=500)
        await self.delivered(4)
        await self.refund(intent, amount=500)
        await self.delivered(7)
        first = {event["id"]: event for event in self.receiver.events()}
        self.receiver.received.clear()
        self.assertEqual((await self.call("POST", "/_local/webhooks/resend"))[1], {"count": 7})
        await self.delivered(7)
        self.assertEqual({event["id"]: event for event in self.receiver.events()}, first)
        published = [event["data"]["object"] for event in self.receiver.events("charge.refunded")]
        self.assertEqual(sorted(charge["amount_refunded"] for charge in published), [500, 1000])

    async def test_delivery_is_retried_until_it_succeeds(self) -> None:
        await self.register()
        self.receiver.status = 503
        await self.paid()

        async def failed() -> list[Json]:
            return [delivery for delivery in await self.deliveries() if delivery["status"] == 503]

        self.assertEqual([(d["attempts"], d["delivered"]) for d in await eventually(failed)], [(1, False)])
        self.receiver.status = 204
        self.assertEqual([(d["attempts"], d["status"]) for d in await self.delivered(1)], [(2, 204)])

    async def test_backoff_doubles_up_to_a_minute(self) -> None:
        waits = [gateway_webhooks.backoff(attempt) for attempt in range(1, gateway_webhooks.MAX_ATTEMPTS)]
        self.assertEqual(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60])

    async def test_events_without_an_endpoint_are_sent_by_resend(self) -> None:
        await self.paid()
        self.assertEqual((await self.call("POST", "/_local/webhooks/resend"))[0], 409)
        await self.register()
        self.assertEqual(await self.deliveries(), [])
        await self.call("POST", "/_local/webhooks/resend")
        await self.delivered(1)

    async def test_invalid_endpoint_is_rejected(self) -> None:
        endpoints: tuple[Any, ...] = (
            {},
            {"url": "http://127.0.0.1/"},
            {"url": "ftp://host/", "secret": "s"},
            {"url": "http://host/", "secret": ""},
            {"url": "http://host/", "secret": "s", "events": []},
            [],
            1,
        )
        for endpoint in endpoints:
            self.assertEqual((await self.call("PUT", "/_local/webhooks", json=endpoint))[0], 400, endpoint)
        self.assertEqual((await self.post("/_config/webhooks/1", url="http://host/", secret="s"))[0], 404)


if __name__ == "__main__":
    unittest.main()
