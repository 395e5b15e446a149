"""Webhooks: what is told, how it is signed, when it is sent again. Run with the tools' Python."""

import hashlib
import hmac
import json
import unittest

import gateway_webhooks
from testing_gateway import DECLINED, SECRET, SharedGateway, WithReceiver, eventually


class Webhooks(WithReceiver, SharedGateway):
    async def test_an_event_is_signed_and_carries_the_intent(self):
        await self.register()
        intent = await self.paid(payment_id="p-1")
        delivery, = await self.delivered(1)
        self.assertEqual((delivery["type"], delivery["attempts"], delivery["status"]), ("payment_intent.succeeded", 1, 200))
        signature, payload = self.receiver.taken[0]
        at, v1 = (part.partition("=")[2] for part in signature.split(","))
        self.assertEqual(v1, hmac.new(SECRET.encode(), at.encode() + b"." + payload, hashlib.sha256).hexdigest())
        event = json.loads(payload)
        self.assertEqual((event["object"], event["type"], event["id"]), ("event", "payment_intent.succeeded", delivery["id"]))
        told = event["data"]["object"]
        self.assertEqual((told["id"], told["status"], told["metadata"]), (intent["id"], "succeeded", {"payment_id": "p-1"}))

    async def test_declines_and_refunds_are_told(self):
        await self.register()
        await self.pay(None, card=DECLINED, payment_id="p-1")
        intent = await self.paid(payment_id="p-2")
        await self.refund(intent, amount=500, **{"metadata[refund_id]": "f-1"})
        await self.delivered(4)
        failed, = self.receiver.events("payment_intent.payment_failed")
        self.assertEqual(failed["data"]["object"]["metadata"], {"payment_id": "p-1"})
        self.assertEqual(failed["data"]["object"]["last_payment_error"]["decline_code"], "generic_decline")
        refunded, = self.receiver.events("charge.refunded")
        told = refunded["data"]["object"]
        self.assertEqual((told["payment_intent"], told["amount_refunded"], told["metadata"]),
                         (intent["id"], 500, {"payment_id": "p-2"}))
        updated, = self.receiver.events("refund.updated")
        told = updated["data"]["object"]
        self.assertEqual((told["status"], told["amount"], told["metadata"]), ("succeeded", 500, {"refund_id": "f-1"}))

    async def test_an_event_is_sent_again_as_it_was_then(self):
        await self.register()
        intent = await self.paid()
        await self.refund(intent, amount=500)
        await self.delivered(3)
        await self.refund(intent, amount=500)
        await self.delivered(5)
        first = {event["id"]: event for event in self.receiver.events()}
        self.receiver.taken.clear()
        self.assertEqual((await self.ask("POST", "/_local/webhooks/resend"))[1], {"count": 5})
        await self.delivered(5)
        self.assertEqual({event["id"]: event for event in self.receiver.events()}, first)
        told = [event["data"]["object"] for event in self.receiver.events("charge.refunded")]
        self.assertEqual(sorted(charge["amount_refunded"] for charge in told), [500, 1000])

    async def test_a_delivery_is_tried_until_it_is_answered_well(self):
        await self.register()
        self.receiver.status = 503
        await self.paid()
        async def refused():
            return [delivery for delivery in await self.deliveries() if delivery["status"] == 503]
        self.assertEqual([(d["attempts"], d["delivered"]) for d in await eventually(refused)], [(1, False)])
        self.receiver.status = 204
        self.assertEqual([(d["attempts"], d["status"]) for d in await self.delivered(1)], [(2, 204)])

    async def test_the_wait_doubles_up_to_a_minute(self):
        waits = [gateway_webhooks.wait_after(attempt) for attempt in range(1, gateway_webhooks.TRIES)]
        self.assertEqual(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60])

    async def test_without_an_endpoint_nothing_is_sent_until_it_is_asked_for(self):
        await self.paid()
        self.assertEqual((await self.ask("POST", "/_local/webhooks/resend"))[0], 409)
        await self.register()
        self.assertEqual(await self.deliveries(), [])
        await self.ask("POST", "/_local/webhooks/resend")
        await self.delivered(1)

    async def test_what_is_no_endpoint_is_refused(self):
        for asked in ({}, {"url": "http://127.0.0.1/"}, {"url": "ftp://host/", "secret": "s"}, {"url": "http://host/", "secret": ""},
                      {"url": "http://host/", "secret": "s", "events": []}, [], 1):
            self.assertEqual((await self.ask("PUT", "/_local/webhooks", json=asked))[0], 400, asked)
        self.assertEqual((await self.post("/_config/webhooks/1", url="http://host/", secret="s"))[0], 404)


if __name__ == "__main__":
    unittest.main()
