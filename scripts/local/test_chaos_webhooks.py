"""The webhook endpoint and the imports of scripts/chaos: what they do without a stack."""

import datetime
import json
import unittest
from typing import Any
from unittest import mock

from standardwebhooks import Webhook

import chaos
import chaos_imports
import chaos_webhooks
import config
from config import ScriptError

Json = dict[str, Any]


class MessagesTest(unittest.TestCase):
    def test_signature_is_verified_however_old_the_message_is(self) -> None:
        secret, sent_at = "whsec_" + "c2VjcmV0" * 4, datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
        signature = Webhook(secret).sign("e1", sent_at, "{}")
        headers = {
            "webhook-id": "e1",
            "webhook-timestamp": str(int(sent_at.timestamp())),
            "webhook-signature": f"v1,AAAA {signature}",
        }
        self.assertTrue(chaos_webhooks.is_signed(secret, {"headers": headers, "body": "{}"}))
        self.assertFalse(chaos_webhooks.is_signed(secret, {"headers": headers, "body": "{ }"}))
        self.assertFalse(chaos_webhooks.is_signed("whsec_" + "T3RoZXIx" * 4, {"headers": headers, "body": "{}"}))

    def test_webhook_is_postponed_by_the_delay_after_a_third_failed_attempt(self) -> None:
        schedule = (config.ROOT / "shared/domain/src/webhook/schedule.rs").read_text()
        self.assertIn("DELAYS: [i64; 11] = [5, 300, 1_800,", schedule)
        self.assertEqual(chaos_webhooks.POSTPONED_S, 1_800)


class ImportsTest(unittest.TestCase):
    def imports(self, *results: Any) -> chaos_imports.Imports:
        """Run with these results of its uploads, and asked to stop from the beginning."""
        imports = chaos_imports.Imports(mock.Mock(), "t")
        imports.stopping.set()
        with mock.patch.object(imports, "make", side_effect=results):
            imports.run()
        return imports

    def test_file_of_products_has_each_sku_and_two_invalid_lines(self) -> None:
        wanted = chaos_imports.skus("t", 0)
        lines = chaos_imports.file_of(wanted).decode().splitlines()
        self.assertEqual(len(lines), len(wanted) + chaos_imports.INVALID_LINES)
        self.assertEqual({json.loads(line)["sku"] for line in lines if line != "{"}, set(wanted))

    def test_import_without_a_response_is_followed_by_another(self) -> None:
        made = {"id": "i", "skus": []}
        imports = self.imports(None, made, made)
        self.assertEqual((imports.made, imports.error), ([made], None))

    def test_any_exception_is_reported(self) -> None:
        self.assertEqual(self.imports(KeyError("upload")).error, "an import failed: KeyError('upload')")


class EndpointTest(unittest.TestCase):
    ENV: Json = {"API_URL": "", "STAFF_EMAIL": "", "STAFF_PASSWORD": ""}  # noqa: RUF012 never changed

    def deleted(self, *results: Any) -> bool:
        staff = mock.Mock()
        staff.delete.side_effect = results
        with mock.patch("chaos_webhooks.ApiClient") as client, mock.patch("time.sleep"):
            client.return_value.login.return_value = staff
            return chaos_webhooks.delete(self.ENV, {"id": "w"})

    def test_endpoint_is_deleted_by_one_of_several_attempts(self) -> None:
        unavailable = mock.Mock(status=503)
        self.assertTrue(self.deleted(unavailable, ScriptError("no response"), mock.Mock(status=204)))
        self.assertTrue(self.deleted(unavailable, mock.Mock(status=404)))
        self.assertFalse(self.deleted(*[unavailable] * chaos_webhooks.DELETE_ATTEMPTS))


class CheckTest(unittest.TestCase):
    def test_run_of_an_earlier_version_is_not_checked(self) -> None:
        with (
            mock.patch("config.read_json", return_value={"since": "", "placed": []}),
            self.assertRaisesRegex(ScriptError, "run scripts/chaos again"),
        ):
            chaos.check_again(mock.Mock())


if __name__ == "__main__":
    unittest.main()
