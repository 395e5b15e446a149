"""Messages as webhook-deliver signs them, verified with the library of Standard Webhooks for Python.

In `shared/adapters-http`, `message_in_the_shared_file_is_signed_as_there` compares the file with the code that signs,
and `every_vector_of_outgoing_signatures_has_its_result` runs the same vectors as here.
"""

import datetime
import json
import pathlib
import unittest
import unittest.mock

from standardwebhooks import Webhook, WebhookVerificationError

SHARED = pathlib.Path(__file__).parents[2] / "shared"
SIGNED = SHARED / "adapters-http/src/webhooks/signed.json"
VECTORS = SHARED / "adapters-testkit/signatures.json"


class WebhooksTest(unittest.TestCase):
    def setUp(self) -> None:
        self.signed = json.loads(SIGNED.read_text())
        clock = unittest.mock.patch("standardwebhooks.webhooks.datetime", wraps=datetime.datetime)
        self.clock = clock.start()
        self.addCleanup(clock.stop)
        self.receive_at(int(self.signed["headers"]["webhook-timestamp"]))

    def receive_at(self, seconds: int) -> None:
        self.clock.now.return_value = datetime.datetime.fromtimestamp(seconds, datetime.UTC)

    def test_message_is_verified_with_either_secret(self) -> None:
        for secret in self.signed["secrets"]:
            event = Webhook(secret).verify(self.signed["body"], self.signed["headers"])
            self.assertEqual(event["type"], "OrderPlaced.v1")

    def test_changed_body_id_or_time_is_refused(self) -> None:
        library, headers, body = Webhook(self.signed["secrets"][0]), self.signed["headers"], self.signed["body"]
        later = str(int(headers["webhook-timestamp"]) + 1)
        for changed_headers, changed_body in (
            (headers, body.replace("OrderPlaced", "OrderShipped")),
            ({**headers, "webhook-id": "another"}, body),
            ({**headers, "webhook-timestamp": later}, body),
        ):
            with self.assertRaises(WebhookVerificationError):
                library.verify(changed_body, changed_headers)

    def test_every_vector_of_outgoing_signatures_has_its_result(self) -> None:
        outgoing = json.loads(VECTORS.read_text())["outgoing"]
        results = set()
        for vector in outgoing["tests"]:
            sent = outgoing["defaults"] | vector
            self.receive_at(sent["timestamp"])
            headers = {
                "webhook-id": sent["id"],
                "webhook-timestamp": str(sent["timestamp"]),
                "webhook-signature": sent["signature"],
            }
            for secret in sent["secrets"]:
                with self.subTest(vector["comment"], secret=secret):
                    accepted = is_accepted(Webhook(secret), sent["body"], headers)
                    self.assertEqual(accepted, vector["result"] == "valid")
            results.add(vector["result"])
        self.assertEqual(results, {"valid", "invalid"})


def is_accepted(library: Webhook, body: str, headers: dict[str, str]) -> bool:
    """Whether the library verifies a message. It takes a header that it cannot read for a mistake of its caller."""
    try:
        library.verify(body, headers, json_parse=False)
    except (WebhookVerificationError, ValueError):
        return False
    return True


if __name__ == "__main__":
    unittest.main()
