"""The conservation table: a sound run adds up, and each defect breaks the row that is about it."""

import copy
import random
import unittest

import chaos_checks
from chaos_load import definite, outcome, plans, waves

LINES = [{"product_id": "p", "quantity": 2}]


def order(name, status, reason=None):
    return {"id": name, "status": status, "reason": reason, "total": 200, "lines": LINES}


def charge(name, of, refunded=0, status="succeeded"):
    return {"id": f"ch_{name}", "payment_intent": f"pi_{name}", "order_id": of, "amount": 200, "refunded": refunded, "status": status}


def transfer(purpose, reference):
    return {"purpose": purpose, "reference": reference, "amount": 200}


def sent(key, order_id, said="accepted", status=201):
    return {"key": key, "outcome": said, "status": status, "order_id": order_id}


def news(event, type_of, of):
    return {"id": event, "type": type_of, "order_id": of}


# An order that is confirmed, one that was confirmed, shipped, one cancelled after it was paid, one declined, which waits.
SOUND = {
    "placed": [sent("k1", "confirmed"), sent("k2", "shipped"), sent("k3", "cancelled"), sent("k4", "declined"),
               sent("k5", None, "given up", "none"), sent("k6", None, "refused", 422), sent("k7", None, "given up", "none")],
    "answers": {"k1": "confirmed", "k2": "shipped", "k3": "cancelled", "k4": "declined", "k5": "late"},
    "replays": [{"key": "k1", "same": True, "said": ""}],
    "orders": [order("confirmed", "processing"), order("shipped", "shipped"), order("cancelled", "cancelled", "customer_request"),
               order("declined", "pending", "payment_declined"), order("late", "cancelled", "insufficient_stock")],
    "received": {"p": 10},
    "products": [{"id": "p", "sku": "P", "available": 4, "reserved": 4, "committed": 2}],
    "holds": [{"order_id": "confirmed", "state": "allocated"}, {"order_id": "shipped", "state": "shipped"},
              {"order_id": "cancelled", "state": "released"}, {"order_id": "declined", "state": "reserved"}],
    "charges": [charge("1", "confirmed"), charge("2", "shipped"), charge("3", "cancelled", 200), charge("4", "declined", 0, "failed")],
    "transfers": [transfer("charge", "pi_1"), transfer("charge", "pi_2"), transfer("charge", "pi_3"), transfer("refund", "re_3")],
    "ledger_sum": 0,
    "news": [news("e1", "OrderConfirmed.v1", "confirmed"), news("e2", "OrderConfirmed.v1", "shipped"),
             news("e3", "OrderShipped.v1", "shipped"), news("e4", "OrderCancelled.v1", "cancelled")],
    "notes": [{"template": "order_confirmed", "order_id": "confirmed"}, {"template": "order_confirmed", "order_id": "shipped"},
              {"template": "order_shipped", "order_id": "shipped"}, {"template": "order_cancelled", "order_id": "cancelled"}],
    "mails": [{"subject": "", "orders": ["confirmed"]}, {"subject": "", "orders": ["shipped"]}, {"subject": "", "orders": ["cancelled"]},
              {"subject": "", "orders": ["late"]}],
    "invoices": [{"order_id": "confirmed", "document": "1.pdf"}, {"order_id": "shipped", "document": "2.pdf"}],
    "series": {"2026": {"last": 2, "positions": [1, 2]}},
    "documents": ["1.pdf", "2.pdf"],
    "counted": ["e1", "e2"],
    "outbox": {"e1", "e2", "e3", "e4"},
    "archived": {"e1": "OrderConfirmed.v1", "e2": "OrderConfirmed.v1", "e3": "OrderShipped.v1", "e4": "OrderCancelled.v1",
                 "x": "ProductCreated.v1"},
    "dead": [],
}


def broken(spoil=lambda facts: None):
    """The names of the rows that do not add up, once something is spoilt."""
    facts = copy.deepcopy(SOUND)
    spoil(facts)
    return [row.what for row in chaos_checks.judge(facts) if not row.ok]


class Table(unittest.TestCase):
    def breaks(self, spoil, *rows):
        self.assertEqual(sorted(broken(spoil)), sorted(rows))

    def test_a_sound_run_adds_up(self):
        self.assertEqual(broken(), [])

    def test_a_lost_order_is_found(self):
        def spoil(facts):
            facts["orders"] = [one for one in facts["orders"] if one["id"] != "declined"]
        self.breaks(spoil, "orders in the database", "units held")

    def test_a_doubled_order_is_found(self):
        self.breaks(lambda facts: facts["orders"].append(order("twice", "cancelled")), "orders in the database", "orders that ended")

    def test_a_refused_key_with_an_order_is_found(self):
        self.breaks(lambda facts: facts["answers"].update(k6="confirmed"), "orders in the database")

    def test_another_answer_to_a_key_is_found(self):
        self.breaks(lambda facts: facts["replays"].append({"key": "k2", "same": False, "said": "201 {}"}), "accepted requests sent again")

    def test_an_order_that_stands_still_is_found(self):
        self.breaks(lambda facts: facts["orders"][3].update(reason="awaiting_payment"), "orders", "units held")

    def test_stock_that_went_missing_is_found(self):
        self.breaks(lambda facts: facts["products"][0].update(available=3), "P: received")

    def test_stock_held_for_nobody_is_found(self):
        self.breaks(lambda facts: facts["products"][0].update(available=2, reserved=6), "units held")

    def test_a_cancelled_order_that_holds_stock_is_found(self):
        self.breaks(lambda facts: facts["holds"][2].update(state="allocated"), "units held")

    def test_overselling_is_found_by_the_orders_alone(self):
        self.breaks(lambda facts: facts.update(received={"p": 3}), "P: received", "units sold beyond what was received")

    def test_a_second_charge_is_found(self):
        def spoil(facts):
            facts["charges"].append(charge("5", "confirmed"))
        self.breaks(spoil, "charges at the gateway", "money kept (minor units)")

    def test_a_charge_for_no_order_is_found(self):
        self.breaks(lambda facts: facts["charges"].append(charge("5", "nobody")), "charges at the gateway")

    def test_a_missing_refund_is_found(self):
        def spoil(facts):
            facts["charges"][2]["refunded"] = 0
        self.breaks(spoil, "refunds at the gateway", "money kept (minor units)")

    def test_a_transfer_that_is_not_booked_is_found(self):
        self.breaks(lambda facts: facts["transfers"].pop(0), "charges at the gateway")

    def test_money_taken_for_an_order_that_waits_is_found(self):
        def spoil(facts):
            facts["charges"].append(charge("5", "declined"))
            facts["transfers"].append(transfer("charge", "pi_5"))
        self.breaks(spoil, "money kept (minor units)")

    def test_a_ledger_that_does_not_balance_is_found(self):
        self.breaks(lambda facts: facts.update(ledger_sum=1), "sum of the ledger's accounts")

    def test_a_letter_noted_twice_or_never_is_found(self):
        self.breaks(lambda facts: facts["notes"].append(facts["notes"][0]), "news to tell")
        self.breaks(lambda facts: facts["notes"].pop(), "news to tell")

    def test_a_customer_who_was_not_told_is_found(self):
        self.breaks(lambda facts: facts["mails"].pop(), "orders that ended")

    def test_a_gap_in_the_numbers_and_a_missing_document_are_found(self):
        self.breaks(lambda facts: facts["series"]["2026"].update(last=3), "last numbers of the invoices' series")
        self.breaks(lambda facts: facts["documents"].pop(), "invoices of this run")

    def test_an_order_with_two_invoices_is_found(self):
        self.breaks(lambda facts: facts["invoices"].append(facts["invoices"][0]), "orders ever confirmed", )

    def test_a_confirmation_that_is_not_counted_is_found(self):
        self.breaks(lambda facts: facts["counted"].pop(), "confirmations")

    def test_a_missing_and_a_strange_event_are_found(self):
        self.breaks(lambda facts: facts["archived"].pop("e4"), "events committed (outbox)")
        self.breaks(lambda facts: facts["archived"].update(e9="OrderPlaced.v1"), "events archived and never committed")

    def test_a_dead_letter_is_found(self):
        self.breaks(lambda facts: facts["dead"].append({"queue": "q-dlq", "reason": "not-found", "detail": ""}), "dead letters")

    def test_a_row_names_what_is_wrong_and_not_all_of_it(self):
        row = chaos_checks.Row("orders", 3, [("a", 1), ("b", 2)], [f"order {n}" for n in range(8)])
        lines = list(row.lines())
        self.assertEqual(lines[0], "BROKEN  orders 3 = a 1 + b 2")
        self.assertEqual((lines[1].strip(), lines[-1].strip()), ("order 0", "and 3 more"))


class Outcomes(unittest.TestCase):
    PLAN = {"key": "k", "habit": "buys"}

    def test_a_key_is_accepted_refused_or_given_up(self):
        for answers, due in (
            ([(201, b'{"id": "o"}', {})], ("accepted", "o")), ([(422, b"{}", {})], ("refused", None)),
            ([("none", b"", {})], ("given up", None)), ([(503, b"", {})], ("given up", None)),
            ([("none", b"", {}), (201, b'{"id": "o"}', {})], ("accepted", "o")),
        ):
            entry = outcome(self.PLAN, answers)
            self.assertEqual((entry["outcome"], entry["order_id"]), due)

    def test_two_answers_to_one_key_are_noticed(self):
        same, other = (201, b'{"id": "o"}', {}), (201, b'{"id": "p"}', {})
        self.assertEqual(outcome(self.PLAN, [same, same])["differing"], [])
        self.assertEqual(outcome(self.PLAN, [same, other])["differing"], [(201, b'{"id": "p"}')])

    def test_only_no_answer_too_many_and_server_errors_are_not_definite(self):
        self.assertEqual([one for one in (201, 404, 422, 429, 500, 503, "none") if definite(one)], [201, 404, 422])

    def test_a_seed_draws_the_same_plans(self):
        def draw():
            return plans(random.Random(7), 50, 3, ["a", "b", "c"])
        self.assertEqual(draw(), draw())
        self.assertEqual(len({plan["key"] for plan in draw()}), 50)

    def test_crowds_are_of_all_customers_and_each_once(self):
        crowds = [crowd for crowd, _ in waves(random.Random(7), list(range(100)))]
        self.assertEqual([one for crowd in crowds for one in crowd], list(range(100)))


if __name__ == "__main__":
    unittest.main()
