"""The proof of permissions, without a stack: policies of template.yaml and rows of the catalog.

`scripts/test local` runs these tests.
"""

import copy
import unittest
from functools import partial
from typing import Any
from unittest import mock

import catalog
import iam
import iam_forbidden
import iam_policies
import iam_services
import iam_triggers
import samples
from iam_simulator import Request, decide

Json = dict[str, Any]


def policies(function: str, change: Any) -> dict[str, Json]:
    """The policies of all functions, one of them changed."""
    changed = copy.deepcopy(iam_policies.on_aws())
    change(changed[function]["Statement"])
    return changed


class ForbiddenTest(unittest.TestCase):
    def test_every_policy_decides_every_request_as_the_rows_do(self) -> None:
        self.assertEqual(iam_forbidden.check_matrix(decide), [])

    def test_a_statement_too_many_or_too_few_is_found(self) -> None:
        def opened(statements: list[Json]) -> None:
            secret = next(row for row in iam_policies.on_aws()["key-rotate"]["Statement"] if "Secret" in row["Sid"])
            # Not part of the row.
            statements.append({**copy.deepcopy(secret), "Sid": "Secret0"})

        with mock.patch.object(iam_policies, "on_aws", return_value=policies("order-get", opened)):
            found = iam_forbidden.check_matrix(decide)
        self.assertTrue(any(row.startswith("order-get: secretsmanager:PutSecretValue") for row in found), found)

        with mock.patch.object(iam_policies, "on_aws", return_value=policies("order-get", lambda rows: rows.pop())):
            found = iam_forbidden.check_matrix(decide)
        self.assertEqual({row.split(" on ")[0] for row in found}, {"order-get: elasticache:Connect"})

    def test_conditions_on_the_bus_forbid_events_of_others(self) -> None:
        put = partial(iam_forbidden.Call, "events:PutEvents", "bus", catalog.bus(), "events", "put_events", {})
        own = put(("quayside.orders", "OrderPlaced.v1"))
        other = put(("quayside.payments", "PaymentSucceeded.v1"))
        self.assertTrue(iam_forbidden.may("order-place", own))
        self.assertFalse(iam_forbidden.may("order-place", other))
        self.assertTrue(iam_forbidden.may("outbox-sweep", other))
        policy = {"order-place": iam_policies.on_aws()["order-place"]}
        (bus,) = next(
            iam_policies.as_list(row["Resource"])
            for row in policy["order-place"]["Statement"]
            if "events:PutEvents" in row["Action"]
        )[:1]
        questions = [
            ("order-place", Request("events:PutEvents", bus, {"events:source": source, "events:detail-type": kind}))
            for source, kind in (("quayside.orders", "OrderPlaced.v1"), ("quayside.payments", "PaymentSucceeded.v1"))
        ]
        self.assertEqual(decide(policy, questions), [True, False])


class NeedTest(unittest.TestCase):
    def test_every_action_is_called_by_the_code_or_taken_by_a_service(self) -> None:
        self.assertEqual(iam.idle_actions(), [])

    def test_an_idle_action_is_found(self) -> None:
        def widened(statements: list[Json]) -> None:
            statements[0]["Action"] = [*statements[0]["Action"], "logs:CreateLogGroup"]

        with mock.patch.object(iam_policies, "on_aws", return_value=policies("order-get", widened)):
            self.assertEqual(iam.idle_actions(), ["order-get: nothing takes logs:CreateLogGroup"])

    def test_a_statement_that_repeats_another_is_not_needed(self) -> None:
        def doubled(statements: list[Json]) -> None:
            statements.append({**statements[0], "Sid": "Logs0"})

        rows = policies("order-get", doubled)
        rows["order-get"]["Statement"][-1]["Sid"] = "Again0"
        with mock.patch.object(iam_policies, "on_aws", return_value=rows):
            needed = {row.sid for row in iam.simulations() if row.function == "order-get"}
        self.assertNotIn("Logs0", needed)
        self.assertNotIn("Again0", needed)
        self.assertIn("Traces1", needed)

    def test_what_services_take_follows_from_the_row(self) -> None:
        rows = (catalog.row(name) for name in ("stock-open", "product-relay", "health-get"))
        queue, stream, plain = (iam_services.taken(row) for row in rows)
        self.assertIn("sqs:ReceiveMessage", queue)
        self.assertNotIn("sqs:SendMessage", queue)
        self.assertIn("sqs:SendMessage", stream)
        self.assertIn("ec2:CreateNetworkInterface", stream)
        self.assertNotIn("ec2:CreateNetworkInterface", plain)


class TriggerTest(unittest.TestCase):
    def test_records_of_every_source_become_unreadable(self) -> None:
        for function in ("stock-open", "product-relay", "window-aggregate", "event-archive", "image-resize"):
            event = samples.event(function)
            changed = iam_triggers.unreadable(event)
            self.assertNotEqual(changed, event)
            self.assertEqual(len(changed.get("Records", [])), len(event.get("Records", [])))


if __name__ == "__main__":
    unittest.main()
