"""The mailbox, over real SMTP. Run with the tools' Python."""

import asyncio
import email.message
import smtplib
import unittest

import aiohttp

import mailbox_server


class MailboxTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.smtp, http, self.end = await mailbox_server.serve(0, 0)
        self.url = f"http://127.0.0.1:{http}/"

    async def asyncTearDown(self):
        await self.end()

    def send(self, to):
        message = email.message.EmailMessage()
        message["Subject"] = "Ihre Bestellung – bestätigt"
        message["From"], message["To"] = "orders@quayside.example", to
        message.set_content("Danke für 2 × Tee.")
        message.add_alternative("<p>Danke</p>", subtype="html")
        message.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="invoice.pdf")
        with smtplib.SMTP("127.0.0.1", self.smtp, timeout=5) as server:
            server.send_message(message)

    async def test_what_was_sent_is_listed_by_recipient_and_forgotten_on_request(self):
        for to in ("ann@example.com", "bob@example.com"):
            await asyncio.to_thread(self.send, to)
        async with aiohttp.ClientSession() as client:
            async with client.get(self.url, params={"to": "ann@example.com"}) as answer:
                mails = await answer.json()
            self.assertEqual(len(mails), 1)
            mail = mails[0]
            self.assertEqual((mail["from"], mail["to"]), ("orders@quayside.example", ["ann@example.com"]))
            self.assertEqual((mail["subject"], mail["text"]), ("Ihre Bestellung – bestätigt", "Danke für 2 × Tee."))
            self.assertIn("<p>Danke</p>", mail["html"])
            self.assertEqual((mail["attachments"][0]["filename"], mail["attachments"][0]["content_base64"]), ("invoice.pdf", "JVBERi0xLjc="))
            async with client.delete(self.url) as answer:
                self.assertEqual(answer.status, 204)
            async with client.get(self.url) as answer:
                self.assertEqual(await answer.json(), [])


if __name__ == "__main__":
    unittest.main()
