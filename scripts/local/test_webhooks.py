"""Messages as webhook-deliver signs them, verified with the library of Standard Webhooks for Python.

In `shared/adapters-http`, `message_in_the_shared_file_is_signed_as_there` compares the file with the code that signs.
"""

import datetime
import json
import pathlib
import unittest
import unittest.mock

from standardwebhooks import Webhook, WebhookVerificationError

SIGNED = pathlib.Path(__file__).parents[2] / "shared/adapters-http/src/webhooks/signed.json"


class WebhooksTest(unittest.TestCase):
    def setUp(self) -> None:
        self.signed = json.loads(SIGNED.read_text())
        sent_at = datetime.datetime.fromtimestamp(int(self.signed["headers"]["webhook-timestamp"]), datetime.UTC)
        clock = unittest.mock.patch("standardwebhooks.webhooks.datetime", wraps=datetime.datetime)
        clock.start().now.return_value = sent_at
        self.addCleanup(clock.stop)

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


if __name__ == "__main__":
    unittest.main()
