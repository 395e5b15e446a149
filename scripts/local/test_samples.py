"""Tests of the sample events: order, results, and what is replaced for a running stack."""

import hashlib
import hmac
import json
import time
import unittest
from dataclasses import replace
from email.message import Message
from typing import Any
from unittest import mock

import api_client
import catalog
import sample_accounts
import sample_data
import samples

HTTP = {"requestContext": {"http": {"method": "GET"}}}
LOGINS = mock.Mock(side_effect=[{"mfa_token": "token-1"}, {"mfa_token": "token-2"}])
DATA = sample_data.StackData(
    replacements={
        sample_data.ORDER: "order-1",
        sample_data.PAYMENT: "payment-1",
        sample_data.EMAIL: "ada-1@example.com",
    },
    own={
        "stock-release": {sample_data.ORDER: "order-2"},
        "password-change": {sample_data.CUSTOMER: "customer-2"},
        "user-delete": {sample_data.CUSTOMER: "customer-3"},
        "image-delete": {sample_data.PRODUCT: "product-2", sample_data.IMAGE: "image-1"},
    },
    accounts={},
    owners={},
    transaction="pi_1",
    webhook_secret="whsec_1",
    client={"client_id": "client-1", "client_secret": "secret-1"},
    logins={"user-login-mfa": LOGINS},
    tag="00ab",
)


def evaluate(sample: Any, response: Any, dead_lettered: int = 0) -> tuple[str, bool]:
    return samples.evaluate(sample, json.dumps(response).encode(), dead_lettered)


class EvaluateTest(unittest.TestCase):
    def test_a_request_passes_when_it_was_read(self) -> None:
        for status, passed in (
            (200, True),
            (302, True),
            (409, True),
            (404, False),
            (401, False),
            (403, False),
            (500, False),
        ):
            self.assertEqual(evaluate(HTTP, {"statusCode": status}), (str(status), passed))

    def test_the_default_route_passes_when_it_says_that_nothing_is_there(self) -> None:
        for status, passed in ((404, True), (405, True), (200, False), (500, False)):
            event = {**HTTP, "routeKey": "$default"}
            self.assertEqual(evaluate(event, {"statusCode": status}), (str(status), passed))

    def test_a_batch_passes_without_failed_and_dead_lettered_records(self) -> None:
        self.assertEqual(evaluate({}, {"batchItemFailures": []}), ("all records processed", True))
        self.assertEqual(evaluate({}, {"batchItemFailures": [{}]}), ("1 records failed", False))
        self.assertEqual(evaluate({}, {"batchItemFailures": []}, 1), ("1 records dead-lettered", False))

    def test_an_error_of_the_function_does_not_pass(self) -> None:
        response = {"errorType": "Runtime.ExitError", "errorMessage": "the function ended"}
        self.assertEqual(evaluate(HTTP, response), ("error: the function ended", False))

    def test_a_response_that_is_not_json_does_not_pass(self) -> None:
        self.assertFalse(samples.evaluate(HTTP, b"Traceback", 0)[1])


class OrderTest(unittest.TestCase):
    def test_functions_that_others_need_run_first(self) -> None:
        chosen = ["key-rotate", "stock-get", "order-place", "product-create", "health-get"]
        expected = ["product-create", "order-place", "health-get", "stock-get", "key-rotate"]
        self.assertEqual(samples.in_order(chosen), expected)

    def test_every_function_has_a_sample(self) -> None:
        self.assertEqual([name for name in catalog.functions() if not samples.path(name).exists()], [])


class AccountTest(unittest.TestCase):
    def test_each_function_gets_an_account_of_its_own(self) -> None:
        registered: list[str] = []

        def post(_: str, wanted: dict[str, str]) -> api_client.Response:
            registered.append(wanted["email"])
            return api_client.Response("", 201, Message(), json.dumps({"id": wanted["email"]}).encode())

        accounts = sample_accounts.register_each(mock.Mock(post=post), sample_data.CLOSING)
        self.assertEqual(tuple(accounts), sample_data.CLOSING)
        self.assertEqual({account.id for account in accounts.values()}, set(registered))
        self.assertEqual(len(set(registered)), len(sample_data.CLOSING))

    def test_a_code_is_that_of_rfc_6238(self) -> None:
        with mock.patch.object(time, "time", return_value=59):
            self.assertEqual(sample_accounts.one_time_password("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), "287082")


class StackDataTest(unittest.TestCase):
    def test_a_sample_names_what_the_stack_has(self) -> None:
        event = DATA.event("order-get")
        self.assertEqual(event["rawPath"], "/api/v1/orders/order-1")

    def test_an_event_id_is_new_in_each_run(self) -> None:
        first, second = (json.dumps(replace(DATA, tag=tag).event("stock-reserve")) for tag in ("00ab", "00ac"))
        self.assertNotEqual(first, second)
        self.assertEqual(first.replace("-00ab-", "-00ac-"), second)

    def test_an_idempotency_key_is_new_in_each_run(self) -> None:
        self.assertTrue(DATA.event("order-place")["headers"]["idempotency-key"].endswith("-00ab"))

    def test_what_ends_an_order_has_one_of_its_own(self) -> None:
        self.assertIn("order-2", json.dumps(DATA.event("stock-release")))
        self.assertNotIn("order-2", json.dumps(DATA.event("stock-ship")))

    def test_what_closes_an_account_has_one_of_its_own(self) -> None:
        self.assertIn("customer-2", json.dumps(DATA.event("password-change")))
        self.assertIn("customer-3", json.dumps(DATA.event("user-delete")))
        self.assertNotIn("customer-", json.dumps(DATA.event("user-get")))

    def test_every_sample_that_closes_an_account_names_it_or_its_session(self) -> None:
        named = (sample_data.CUSTOMER in samples.path(function).read_text() for function in sample_data.CLOSING)
        self.assertTrue(all(named))

    def test_an_image_has_an_id_of_its_own(self) -> None:
        path = DATA.event("image-delete")["rawPath"]
        self.assertEqual(path, "/api/v1/products/product-2/images/image-1")

    def test_a_login_that_a_sample_uses_up_is_made_for_each_event(self) -> None:
        first, second = (json.loads(DATA.event("user-login-mfa")["body"])["mfa_token"] for _ in range(2))
        self.assertNotEqual(first, second)

    def test_a_token_is_requested_with_the_secret_of_the_client(self) -> None:
        body = "grant_type=client_credentials&client_id=client-1&client_secret=secret-1"
        self.assertEqual(DATA.event("token-issue")["body"], body)

    def test_the_webhook_is_signed_as_the_gateway_does(self) -> None:
        event = DATA.event("payment-webhook")
        at, digest = (part.split("=")[1] for part in event["headers"]["stripe-signature"].split(","))
        signed = hmac.new(b"whsec_1", f"{at}.{event['body']}".encode(), hashlib.sha256).hexdigest()
        self.assertEqual(digest, signed)
        intent = json.loads(event["body"])["data"]["object"]
        self.assertEqual((intent["id"], intent["metadata"]["payment_id"]), ("pi_1", "payment-1"))
