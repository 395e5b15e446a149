"""The mailbox, over SMTP and HTTP. `scripts/test local` runs these tests."""

import asyncio
import email.message
import smtplib
import unittest

import aiohttp

import mailbox_server


class MailboxTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.smtp, http, self.stop = await mailbox_server.serve(0, 0)
        self.url = f"http://127.0.0.1:{http}/"

    async def asyncTearDown(self) -> None:
        await self.stop()

    def send(self, to: str) -> None:
        message = email.message.EmailMessage()
        message["Subject"] = "Ihre Bestellung – bestätigt"
        message["From"], message["To"] = "orders@quayside.example", to
        message.set_content("Danke für 2 × Tee.")
        message.add_alternative("<p>Danke</p>", subtype="html")
        message.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="invoice.pdf")
        with smtplib.SMTP("127.0.0.1", self.smtp, timeout=5) as server:
            server.send_message(message)

    async def test_messages_are_listed_by_recipient_and_deleted_on_request(self) -> None:
        for to in ("ann@example.com", "bob@example.com"):
            await asyncio.to_thread(self.send, to)
        async with aiohttp.ClientSession() as client:
            async with client.get(self.url, params={"to": "ann@example.com"}) as response:
                messages = await response.json()
            self.assertEqual(len(messages), 1)
            message = messages[0]
            self.assertEqual((message["from"], message["to"]), ("orders@quayside.example", ["ann@example.com"]))
            self.assertEqual(
                (message["subject"], message["text"]), ("Ihre Bestellung – bestätigt", "Danke für 2 × Tee.")
            )
            self.assertIn("<p>Danke</p>", message["html"])
            self.assertEqual(
                (message["attachments"][0]["filename"], message["attachments"][0]["content_base64"]),
                ("invoice.pdf", "JVBERi0xLjc="),
            )
            async with client.delete(self.url) as response:
                self.assertEqual(response.status, 204)
            async with client.get(self.url) as response:
                self.assertEqual(await response.json(), [])

    async def test_webhooks_are_listed_by_name_with_headers_and_body(self) -> None:
        async with aiohttp.ClientSession() as client:
            for query, status in (("", 204), ("?status=410", 410)):
                url = f"{self.url}webhooks/one{query}"
                async with client.post(url, data='{"a": 1}', headers={"webhook-id": "w-1"}) as response:
                    self.assertEqual(response.status, status)
            async with client.get(f"{self.url}webhooks/one") as response:
                received = await response.json()
            async with client.get(f"{self.url}webhooks/other") as response:
                self.assertEqual(await response.json(), [])
        self.assertEqual([one["body"] for one in received], ['{"a": 1}'] * 2)
        self.assertEqual(received[0]["headers"]["webhook-id"], "w-1")


if __name__ == "__main__":
    unittest.main()
