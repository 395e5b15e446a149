"""The invariants of scripts/chaos: a sound run passes, and each defect breaks its own row."""

import random
import unittest
from typing import Any
from unittest import mock

import chaos_images
import chaos_observer
from chaos_load import NO_RESPONSE, Attempt, bursts, outcome, plans
from chaos_rows import Row
from testing_chaos import SoundRunTest, broken_rows, charge, message, order, transfer

Json = dict[str, Any]

RESERVED, OVERSOLD, CHARGED = "units reserved:", "units oversold:", "charged less refunded, in minor units:"
IN_DATABASE, AT_GATEWAY = "orders in the database:", "charges at the gateway:"
RECEIVED, IMPORTED = "events that the webhook endpoint subscribed to:", "products in imported files:"
UPLOADED = "uploaded images:"
NOTIFICATIONS, ENDED = "events to notify customers of:", "orders confirmed or ended:"


class InvariantsTest(SoundRunTest):
    def test_sound_run_passes(self) -> None:
        self.assertEqual(broken_rows(lambda _: None), [])

    def test_lost_order_is_found(self) -> None:
        self.assert_breaks(lambda observed: observed["orders"].pop(3), IN_DATABASE, RESERVED)

    def test_duplicate_order_is_found(self) -> None:
        duplicate = order("twice", "cancelled")
        self.assert_breaks(lambda observed: observed["orders"].append(duplicate), IN_DATABASE, ENDED)

    def test_rejected_key_with_an_order_is_found(self) -> None:
        self.assert_breaks(lambda observed: observed["stored_responses"].update(k6="confirmed"), IN_DATABASE)

    def test_replay_with_another_response_is_found(self) -> None:
        replay = {"key": "k2", "same": False, "response": "201 {}"}
        self.assert_breaks(lambda observed: observed["replays"].append(replay), "accepted requests sent again:")

    def test_stuck_order_is_found(self) -> None:
        self.assert_breaks(
            lambda observed: observed["orders"][3].update(reason="awaiting_payment"), "orders:", RESERVED
        )

    def test_missing_stock_is_found(self) -> None:
        self.assert_breaks(lambda observed: observed["products"][0].update(available=3), "units of P received:")

    def test_stock_reserved_for_no_order_is_found(self) -> None:
        self.assert_breaks(lambda observed: observed["products"][0].update(available=2, reserved=6), RESERVED)

    def test_cancelled_order_with_allocated_stock_is_found(self) -> None:
        self.assert_breaks(lambda observed: observed["reservations"][2].update(state="allocated"), RESERVED)

    def test_overselling_is_found_from_the_orders_alone(self) -> None:
        self.assert_breaks(lambda observed: observed.update(received={"p": 3}), "units of P received:", OVERSOLD)

    def test_second_charge_is_found(self) -> None:
        second = charge("5", "confirmed")
        self.assert_breaks(lambda observed: observed["charges"].append(second), AT_GATEWAY, CHARGED)

    def test_charge_without_an_order_is_found(self) -> None:
        unknown = charge("5", "nobody")
        self.assert_breaks(lambda observed: observed["charges"].append(unknown), AT_GATEWAY)

    def test_missing_refund_is_found(self) -> None:
        self.assert_breaks(
            lambda observed: observed["charges"][2].update(refunded=0), "refunds at the gateway:", CHARGED
        )

    def test_charge_that_is_not_in_the_ledger_is_found(self) -> None:
        self.assert_breaks(lambda observed: observed["transfers"].pop(0), AT_GATEWAY)

    def test_charge_for_a_waiting_order_is_found(self) -> None:
        def damage(observed: Json) -> None:
            observed["charges"].append(charge("5", "declined"))
            observed["transfers"].append(transfer("charge", "pi_5"))

        self.assert_breaks(damage, CHARGED)

    def test_unbalanced_ledger_is_found(self) -> None:
        self.assert_breaks(lambda observed: observed.update(ledger_sum=1), "sum of the ledger's accounts:")

    def test_duplicate_and_missing_notification_are_found(self) -> None:
        self.assert_breaks(
            lambda observed: observed["sent_notifications"].append(observed["sent_notifications"][0]), NOTIFICATIONS
        )
        self.assert_breaks(lambda observed: observed["sent_notifications"].pop(), NOTIFICATIONS)

    def test_missing_email_is_found(self) -> None:
        self.assert_breaks(lambda observed: observed["emails"].pop(), ENDED)

    def test_gap_in_the_invoice_numbers_and_missing_document_are_found(self) -> None:
        series = "last numbers of the invoice series:"
        self.assert_breaks(lambda observed: observed["series"]["2026"].update(last=3), series)
        self.assert_breaks(lambda observed: observed["documents"].pop(), "invoices of this run:")

    def test_order_with_two_invoices_is_found(self) -> None:
        self.assert_breaks(
            lambda observed: observed["invoices"].append(observed["invoices"][0]), "orders ever confirmed:"
        )

    def test_uncounted_confirmation_is_found(self) -> None:
        self.assert_breaks(lambda observed: observed["counted"].pop(), "confirmations:")

    def test_units_that_windows_miss_or_count_twice_are_found(self) -> None:
        units = "units of orders ever confirmed:"
        for counted in ({}, {"p": 2}, {"p": 6}, {"p": 3, "q": 1}):
            self.assert_breaks(lambda observed: observed.update(window_units=counted), units)  # noqa: B023 called at once

    def test_missing_and_uncommitted_archived_events_are_found(self) -> None:
        self.assert_breaks(lambda observed: observed["archived"].pop("e4"), "events committed to outboxes:")
        self.assert_breaks(
            lambda observed: observed["archived"].update(e9="OrderPlaced.v1"), "events archived but never committed:"
        )

    def test_webhook_that_is_missing_unsigned_or_changed_is_found(self) -> None:
        self.assert_breaks(lambda observed: observed["webhooks"].pop(2), RECEIVED)
        self.assert_breaks(lambda observed: observed["webhooks"][1].update(is_signed=False), RECEIVED)
        self.assert_breaks(
            lambda observed: observed["webhooks"][0].update(body='{"type":"OrderConfirmed.v1"}'), RECEIVED
        )
        self.assert_breaks(lambda observed: observed["webhooks"][2].update(message("e3", "OrderPlaced.v1")), RECEIVED)

    def test_postponed_webhook_may_come_or_not(self) -> None:
        late = message("e4", "OrderCancelled.v1")
        self.assertEqual(broken_rows(lambda observed: observed["webhooks"].append(late)), [])
        self.assert_breaks(lambda observed: observed["subscribed_events"][2].update(is_postponed=False), RECEIVED)

    def test_line_of_an_import_that_is_lost_or_repeated_is_found(self) -> None:
        for what in ("announced", "listed", "stocked"):
            for number in (0, 2):
                self.assert_breaks(lambda observed: observed["imported"]["B"].update({what: number}), IMPORTED)  # noqa: B023 called at once
        self.assert_breaks(lambda observed: observed["imports"][0].update(rejected=1), IMPORTED)
        self.assert_breaks(lambda observed: observed["imports"][0].update(status="failed"), IMPORTED)
        self.assert_breaks(lambda observed: observed["imports"][0].update(chaos_observer.import_result(None)), IMPORTED)

    def test_run_without_an_import_is_found(self) -> None:
        self.assert_breaks(lambda observed: observed.update(imports=[], imported={}), IMPORTED)

    def test_image_that_stays_pending_or_lacks_a_variant_is_found(self) -> None:
        self.assert_breaks(lambda observed: observed["images"][0].update(status="pending"), UPLOADED)
        self.assert_breaks(lambda observed: observed["images"][0].update(status="missing"), UPLOADED)
        self.assert_breaks(lambda observed: observed["images"][0].update(objects={"images": 5}), UPLOADED)
        self.assert_breaks(lambda observed: observed["images"][0]["objects"].update(uploads=1), UPLOADED)

    def test_image_that_is_shown_or_refused_for_another_reason_is_found(self) -> None:
        shown = {"status": "ready", "reason": None, "objects": {"images": 6}}
        self.assert_breaks(lambda observed: observed["images"][1].update(shown), UPLOADED)
        self.assert_breaks(lambda observed: observed["images"][1].update(reason="too_large"), UPLOADED)
        self.assert_breaks(lambda observed: observed["images"][0].update(status="refused"), UPLOADED)

    def test_run_without_an_image_is_found(self) -> None:
        self.assert_breaks(lambda observed: observed.update(images=[]), UPLOADED)

    def test_dead_letter_is_found(self) -> None:
        dead = {"queue": "q-dlq", "reason": "not-found", "detail": ""}
        self.assert_breaks(lambda observed: observed["dead_letters"].append(dead), "dead letters:")

    def test_row_shows_its_first_violations(self) -> None:
        row = Row("orders:", 3, [("a", 1), ("b", 2)], [f"order {n}" for n in range(8)])
        lines = list(row.lines())
        self.assertEqual(lines[0], "BROKEN  orders: 3 = a 1 + b 2")
        self.assertEqual((lines[1].strip(), lines[-1].strip()), ("order 0", "and 3 more"))


class ImagesTest(unittest.TestCase):
    def test_every_fourth_upload_is_to_be_refused_for_each_reason_in_turn(self) -> None:
        uploads = [chaos_images.upload_of(random.Random(7), number) for number in range(16)]
        reasons = [reason for reason, *_ in uploads]
        self.assertEqual(reasons[3::4], [reason for reason, *_ in chaos_images.REFUSED])
        self.assertEqual(sum(reason is None for reason in reasons), 12)

    def test_seed_determines_the_image(self) -> None:
        rng = random.Random(7)
        first, second = chaos_images.png(rng), chaos_images.png(rng)
        self.assertEqual(chaos_images.png(random.Random(7)), first)
        self.assertNotEqual(first, second)

    def test_two_runs_with_the_same_seed_have_no_key_in_common(self) -> None:
        keys = list[str]()
        for product in ("p", "q"):
            load = mock.Mock()
            load.send.return_value = Attempt(NO_RESPONSE)
            images = chaos_images.Images(load, 7, [product])
            for number in range(2):
                images.make(number)
            keys += [call.args[4] for call in load.send.call_args_list]
        self.assertEqual(len(set(keys)), 4)


class LoadTest(unittest.TestCase):
    PLAN: Json = {"key": "k", "scenario": "buys"}  # noqa: RUF012 never changed

    def test_key_is_accepted_rejected_or_unknown(self) -> None:
        created = Attempt(201, b'{"id": "o"}')
        for responses, expected in (
            ([created], ("accepted", "o")),
            ([Attempt(422, b"{}")], ("rejected", None)),
            ([Attempt(NO_RESPONSE)], ("unknown", None)),
            ([Attempt(503)], ("unknown", None)),
            ([Attempt(NO_RESPONSE), created], ("accepted", "o")),
        ):
            entry = outcome(self.PLAN, responses)
            self.assertEqual((entry["outcome"], entry["order_id"]), expected)

    def test_different_responses_to_one_key_are_recorded(self) -> None:
        first, other = Attempt(201, b'{"id": "o"}'), Attempt(201, b'{"id": "p"}')
        self.assertEqual(outcome(self.PLAN, [first, first])["differing"], [])
        self.assertEqual(outcome(self.PLAN, [first, other])["differing"], [(201, b'{"id": "p"}')])

    def test_only_429_5xx_and_no_response_are_retried(self) -> None:
        statuses: list[int | str] = [201, 404, 422, 429, 500, 503, NO_RESPONSE]
        self.assertEqual([status for status in statuses if Attempt(status).is_definite], [201, 404, 422])

    def test_seed_determines_the_plans(self) -> None:
        def draw() -> list[Json]:
            return plans(random.Random(7), 50, 3, ["a", "b", "c"])

        self.assertEqual(draw(), draw())
        self.assertEqual(len({plan["key"] for plan in draw()}), 50)

    def test_bursts_have_every_item_once(self) -> None:
        split = [burst for burst, _ in bursts(random.Random(7), list(range(100)))]
        self.assertEqual([item for burst in split for item in burst], list(range(100)))


if __name__ == "__main__":
    unittest.main()
