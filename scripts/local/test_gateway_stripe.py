"""Refunds, search and balance transactions follow Stripe's documentation. `scripts/test local` runs these tests."""

import unittest
from typing import Any

import gateway_stripe
from testing_gateway import DECLINED, VISA, Json, SharedGatewayTest, WithReceiver


class ConsentTest(WithReceiver, SharedGatewayTest):
    async def wait(self, card: str) -> Json:
        status, intent, _ = await self.pay(None, card=card, payment_id="p-1")
        self.assertEqual((status, intent["status"], intent["amount_received"]), (200, "requires_action", 0))
        self.assertTrue(intent["client_secret"].startswith(intent["id"]))
        waiting: Json = intent
        return waiting

    async def authenticate(self, intent: Json, success: str) -> Json:
        path = f"/v1/payment_intents/{intent['id']}/_authenticate"
        status, changed, _ = await self.post(path, client_secret=intent["client_secret"], success=success)
        self.assertEqual(status, 200)
        authenticated: Json = changed
        return authenticated

    async def test_card_waits_for_the_customer_and_is_charged_with_consent(self) -> None:
        for card in gateway_stripe.CONSENT_CARDS:
            intent = await self.wait(card)
            changed = await self.authenticate(intent, "true")
            self.assertEqual((changed["status"], changed["amount_received"]), ("succeeded", intent["amount"]))

    async def test_consent_and_refusal_are_published(self) -> None:
        await self.register()
        intent = await self.wait("pm_card_authenticationRequired")
        changed = await self.authenticate(intent, "false")
        self.assertEqual(changed["status"], "requires_payment_method")
        await self.delivered(2)
        (asked,) = self.receiver.events("payment_intent.requires_action")
        self.assertEqual(asked["data"]["object"]["id"], intent["id"])
        (failed,) = self.receiver.events("payment_intent.payment_failed")
        last_error = failed["data"]["object"]["last_payment_error"]
        self.assertEqual(last_error["code"], "payment_intent_authentication_failure")


class CancelTest(WithReceiver, SharedGatewayTest):
    async def cancel(self, intent: Json, **form: str) -> tuple[int, Json]:
        status, body, _ = await self.post(f"/v1/payment_intents/{intent['id']}/cancel", **form)
        return status, body

    async def test_intent_that_waits_is_cancelled_once_and_cannot_be_authenticated(self) -> None:
        await self.register()
        _, intent, _ = await self.pay(None, card="pm_card_authenticationRequired")
        status, cancelled = await self.cancel(intent, cancellation_reason="abandoned")
        self.assertEqual(
            (status, cancelled["status"], cancelled["cancellation_reason"]), (200, "canceled", "abandoned")
        )
        await self.delivered(2)
        (event,) = self.receiver.events("payment_intent.canceled")
        self.assertEqual(event["data"]["object"]["id"], intent["id"])
        status, body = await self.cancel(intent)
        self.assertEqual((status, body["error"]["code"]), (400, "payment_intent_unexpected_state"))
        path = f"/v1/payment_intents/{intent['id']}/_authenticate"
        self.assertEqual((await self.post(path, client_secret=intent["client_secret"], success="true"))[0], 400)

    async def test_intent_without_a_method_takes_a_key_that_was_not_used(self) -> None:
        form: Json = {"amount": 1999, "currency": "usd", "payment_method_types[]": "card"}
        _, intent, _ = await self.post("/v1/payment_intents", "k-1", **form)
        self.assertEqual((intent["status"], intent["metadata"]), ("requires_payment_method", {}))
        self.assertEqual((await self.cancel(intent))[0], 200)
        status, late, _ = await self.pay("k-1")
        self.assertEqual((status, late["error"]["type"]), (400, "idempotency_error"))
        self.assertEqual((await self.pay("k-2"))[0], 200)
        status, used, _ = await self.post("/v1/payment_intents", "k-2", **form)
        self.assertEqual((status, used["error"]["type"]), (400, "idempotency_error"))

    async def test_charged_intent_and_unknown_reason_are_rejected(self) -> None:
        status, body = await self.cancel(await self.paid())
        self.assertEqual((status, body["error"]["code"]), (400, "payment_intent_unexpected_state"))
        _, intent, _ = await self.pay(None, card="pm_card_authenticationRequired")
        self.assertEqual((await self.cancel(intent, cancellation_reason="late"))[0], 400)
        self.assertEqual((await self.cancel(intent, other="x"))[0], 400)
        self.assertEqual((await self.cancel({"id": "pi_nothing"}))[0], 404)


class RefundsTest(SharedGatewayTest):
    async def test_refund_has_its_intent_and_metadata_and_is_made_once_per_key(self) -> None:
        intent = await self.paid()
        status, refund = await self.refund(intent, "r-1", amount=500, **{"metadata[refund_id]": "f-1"})
        self.assertEqual(status, 200)
        wanted = {
            "object": "refund",
            "status": "succeeded",
            "amount": 500,
            "currency": "usd",
            "payment_intent": intent["id"],
            "charge": intent["latest_charge"],
            "metadata": {"refund_id": "f-1"},
        }
        self.assertEqual({name: refund[name] for name in wanted}, wanted)
        self.assertEqual(await self.refund(intent, "r-1", amount=500, **{"metadata[refund_id]": "f-1"}), (200, refund))
        self.assertEqual((await self.charges())["charges"][0]["refunded"], 500)
        self.assertEqual((await self.refund(intent, "r-1", amount=600))[1]["error"]["type"], "idempotency_error")

    async def test_refund_without_an_amount_refunds_the_rest(self) -> None:
        intent = await self.paid(amount=1000)
        await self.refund(intent, amount=300)
        self.assertEqual((await self.refund(intent))[1]["amount"], 700)

    async def test_refund_cannot_exceed_the_rest(self) -> None:
        intent = await self.paid(amount=1000)
        await self.refund(intent, amount=300)
        status, body = await self.refund(intent, "r-2", amount=701)
        self.assertEqual(
            (status, body["error"]["type"], body["error"]["code"]), (400, "invalid_request_error", "amount_too_large")
        )
        self.assertEqual((await self.refund(intent, amount=700))[0], 200)
        # The request was executed, so its rejection is stored for the key.
        self.assertEqual(await self.refund(intent, "r-2", amount=701), (status, body))
        status, body = await self.refund(intent, amount=1)
        self.assertEqual((status, body["error"]["code"]), (400, "charge_already_refunded"))
        self.assertEqual((await self.charges())["charges"][0]["refunded"], 1000)

    async def test_refund_requires_a_succeeded_charge(self) -> None:
        await self.pay(None, card=DECLINED)
        self.assertEqual((await self.refund({"id": (await self.charges())["charges"][0]["payment_intent"]}))[0], 400)
        _, waiting, _ = await self.post("/v1/payment_intents", amount=100, currency="usd", payment_method=VISA)
        self.assertEqual((await self.refund(waiting))[0], 400)
        self.assertEqual((await self.refund({"id": "pi_nothing"}))[0], 404)
        self.assertEqual((await self.post("/v1/refunds", amount=1))[0], 400)
        intent = await self.paid()
        for amount in (0, -1, "much"):
            self.assertEqual((await self.refund(intent, amount=amount))[0], 400, amount)

    async def test_refunds_of_an_intent_are_listed_newest_first_in_pages(self) -> None:
        intent, other = await self.paid(amount=1000), await self.paid(amount=1000)
        await self.refund(other, amount=10)
        made = [(await self.refund(intent, amount=100, **{"metadata[refund_id]": f"f-{n}"}))[1]["id"] for n in range(3)]
        status, first = await self.get("/v1/refunds", ("payment_intent", intent["id"]), ("limit", "2"))
        self.assertEqual((status, first["has_more"], first["data"][0]["metadata"]), (200, True, {"refund_id": "f-2"}))
        _, second = await self.get(
            "/v1/refunds", ("payment_intent", intent["id"]), ("starting_after", first["data"][-1]["id"])
        )
        self.assertEqual((second["has_more"], [r["id"] for r in first["data"] + second["data"]]), (False, made[::-1]))
        self.assertEqual(
            (await self.get("/v1/refunds", ("payment_intent", intent["id"]), ("starting_after", "re_x")))[0], 400
        )


class SingleUseTest(SharedGatewayTest):
    async def create_method(self, number: str) -> str:
        card: Json = {"card[number]": number, "card[exp_month]": 12, "card[exp_year]": 2040, "card[cvc]": "123"}
        created = (await self.post("/v1/payment_methods", type="card", **card))[1]
        return str(created["id"])

    async def test_method_without_a_customer_pays_once(self) -> None:
        for number, expected in (("4242424242424242", 200), ("4000000000000002", 402)):
            method = await self.create_method(number)
            self.assertEqual((await self.pay("s-1" + number, card=method))[0], expected)
            self.assertEqual((await self.pay("s-1" + number, card=method))[0], expected, "the response is replayed")
            status, body, _ = await self.pay("s-2" + number, card=method)
            self.assertEqual(
                (status, body["error"]["type"], body["error"].get("code")), (400, "invalid_request_error", None)
            )
            self.assertIn("previously used", body["error"]["message"])

    async def test_test_tokens_pay_repeatedly(self) -> None:
        await self.paid()
        await self.paid()


class SearchTest(SharedGatewayTest):
    async def search(self, query: str, *more: tuple[str, str]) -> tuple[int, Any]:
        return await self.get("/v1/payment_intents/search", ("query", query), *more)

    async def test_intents_are_found_by_metadata(self) -> None:
        first = await self.paid(payment_id="p-1", attempt="1")
        second = await self.paid(payment_id="p-1", attempt="2")
        await self.paid(payment_id="p-2", attempt="1")
        status, found = await self.search("metadata['payment_id']:'p-1'")
        self.assertEqual(status, 200)
        self.assertEqual((found["object"], found["has_more"], found["next_page"]), ("search_result", False, None))
        self.assertEqual([intent["id"] for intent in found["data"]], [second["id"], first["id"]])
        _, found = await self.search("metadata['payment_id']:'p-1' AND metadata['attempt']:'1'")
        self.assertEqual(
            [(intent["id"], intent["metadata"]) for intent in found["data"]],
            [(first["id"], {"payment_id": "p-1", "attempt": "1"})],
        )
        self.assertEqual((await self.search("metadata['payment_id']:'p-3'"))[1]["data"], [])

    async def test_declined_intent_is_found_with_its_error(self) -> None:
        _, declined, _ = await self.pay(None, card=DECLINED, payment_id="p-1")
        intent = (await self.search("metadata['payment_id']:'p-1'"))[1]["data"][0]
        self.assertEqual(intent["status"], "requires_payment_method")
        for name in ("type", "code", "decline_code", "charge"):
            self.assertEqual(intent["last_payment_error"][name], declined["error"][name])

    async def test_search_pages_continue_after_the_last_one(self) -> None:
        made = [(await self.paid(order="o-1"))["id"] for _ in range(3)]
        query = "metadata['order']:'o-1'"
        _, first = await self.search(query, ("limit", "2"))
        self.assertTrue(first["has_more"])
        _, second = await self.search(query, ("limit", "2"), ("page", first["next_page"]))
        self.assertEqual((second["has_more"], [i["id"] for i in first["data"] + second["data"]]), (False, made[::-1]))

    async def test_unsupported_query_is_rejected(self) -> None:
        for query in (
            "",
            "status:'succeeded'",
            "metadata['a']:'1' OR metadata['b']:'2'",
            "-metadata['a']:'1'",
            "metadata['a']:'1' AND",
            "metadata['a']:1",
            "metadata['a']~'1'",
            "metadata['a']:'1\\''",
            "metadata['a']:'1' metadata['b']:'2'",
        ):
            self.assertEqual((await self.search(query))[0], 400, query)
        self.assertEqual((await self.get("/v1/payment_intents/search"))[0], 400)


class ListTest(SharedGatewayTest):
    async def test_intents_are_listed_by_time_newest_first_in_pages(self) -> None:
        made = [(await self.paid(attempt=str(n))) for n in range(3)]
        since = ("created[gte]", str(made[0]["created"]))
        status, first = await self.get("/v1/payment_intents", since, ("limit", "2"))
        self.assertEqual((status, first["has_more"]), (200, True))
        _, second = await self.get("/v1/payment_intents", since, ("starting_after", first["data"][-1]["id"]))
        listed = [intent["id"] for intent in first["data"] + second["data"]]
        self.assertEqual(listed[:3], [intent["id"] for intent in reversed(made)])
        self.assertEqual(first["data"][0]["metadata"]["attempt"], "2")
        _, later = await self.get("/v1/payment_intents", ("created[gt]", str(made[-1]["created"])))
        self.assertEqual(later["data"], [])


class BalanceTransactionsTest(SharedGatewayTest):
    async def list_page(self, *parameters: tuple[str, object]) -> Json:
        status, page = await self.get("/v1/balance_transactions", *parameters)
        self.assertEqual(status, 200, page)
        listed: Json = page
        return listed

    async def test_fee_is_the_standard_price_rounded_half_up(self) -> None:
        for amount, fee in ((1000, 59), (1999, 88), (500, 45), (50, 31), (1, 30), (1_000_000, 29_030)):
            self.assertEqual(gateway_stripe.fee(amount), fee, amount)

    async def test_transactions_are_listed_newest_first_with_their_source(self) -> None:
        intent = await self.paid(amount=1000, payment_id="p-1")
        await self.pay(None, card=DECLINED)
        _, refund = await self.refund(intent, amount=400, **{"metadata[refund_id]": "f-1"})
        page = await self.list_page(("limit", "100"), ("expand[]", "data.source"))
        self.assertFalse(page["has_more"])
        self.assertEqual(
            [(t["type"], t["amount"], t["fee"], t["net"], t["currency"]) for t in page["data"]],
            [("refund", -400, 0, -400, "usd"), ("charge", 1000, 59, 941, "usd")],
        )
        refunded, charged = (transaction["source"] for transaction in page["data"])
        self.assertEqual(
            (refunded["id"], refunded["metadata"], refunded["payment_intent"]),
            (refund["id"], {"refund_id": "f-1"}, intent["id"]),
        )
        self.assertEqual(
            (charged["id"], charged["metadata"], charged["payment_intent"], charged["amount_refunded"]),
            (intent["latest_charge"], {"payment_id": "p-1"}, intent["id"], 400),
        )
        self.assertEqual(
            [t["source"] for t in (await self.list_page())["data"]], [refund["id"], intent["latest_charge"]]
        )

    async def test_pages_have_no_gap_and_no_repetition(self) -> None:
        made = [(await self.paid())["latest_charge"] for _ in range(5)]
        seen: list[str] = []
        more: tuple[tuple[str, Any], ...] = ()
        while True:
            page = await self.list_page(("limit", "2"), *more)
            seen += [transaction["source"] for transaction in page["data"]]
            if not page["has_more"]:
                break
            more = (("starting_after", page["data"][-1]["id"]),)
        self.assertEqual(seen, made[::-1])

    async def test_time_range_includes_its_start_and_excludes_its_end(self) -> None:
        await self.paid()
        created = (await self.list_page())["data"][0]["created"]
        self.assertEqual(
            len((await self.list_page(("created[gte]", created), ("created[lt]", created + 1)))["data"]), 1
        )
        self.assertEqual((await self.list_page(("created[gte]", created + 1)))["data"], [])
        self.assertEqual((await self.list_page(("created[lt]", created)))["data"], [])

    async def test_invalid_parameter_is_rejected(self) -> None:
        for parameter in (
            ("limit", "0"),
            ("limit", "101"),
            ("created[from]", "1"),
            ("created[gte]", "now"),
            ("created", "1"),
            ("starting_after", "txn_nothing"),
            ("payout", "po_1"),
        ):
            self.assertEqual((await self.get("/v1/balance_transactions", parameter))[0], 400, parameter)


if __name__ == "__main__":
    unittest.main()
