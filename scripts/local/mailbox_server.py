"""Takes every mail that the local cloud sends and shows it as JSON. For development and tests only.

    GET /       what was received, oldest first; ?to=address keeps that recipient's
    DELETE /    forgets it
"""

import argparse
import asyncio
import base64
import datetime
import email
import email.policy

from aiohttp import web
from aiosmtpd.smtp import SMTP


def text_of(part):
    return part.get_content().strip() if part is not None else None


def read(sender, recipients, raw):
    """One received mail as it is listed."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    mail = {
        "from": sender, "to": recipients, "subject": str(message["Subject"] or ""),
        "text": text_of(message.get_body(("plain",))) or "",
        "attachments": [
            {
                "filename": part.get_filename(), "content_type": part.get_content_type(),
                "content_base64": base64.b64encode(part.get_payload(decode=True) or b"").decode(),
            }
            for part in message.iter_attachments()
        ],
        "received_at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds"),
    }
    html = text_of(message.get_body(("html",)))
    return {**mail, "html": html} if html else mail


class Mailbox:
    def __init__(self):
        self.mails = []

    async def handle_DATA(self, _server, _session, envelope):  # the name is aiosmtpd's
        self.mails.append(read(envelope.mail_from, envelope.rcpt_tos, envelope.original_content))
        return "250 kept"

    async def show(self, request):
        wanted = request.query.get("to")
        return web.json_response([mail for mail in self.mails if wanted is None or wanted in mail["to"]])

    async def forget(self, _request):
        self.mails.clear()
        return web.Response(status=204)


async def serve(smtp_port, http_port):
    """Listens on loopback; both ports, of which 0 asks for any."""
    mailbox = Mailbox()
    loop = asyncio.get_running_loop()
    smtp = await loop.create_server(lambda: SMTP(mailbox, enable_SMTPUTF8=True, hostname="quayside.local"), "127.0.0.1", smtp_port)
    app = web.Application()
    app.router.add_get("/", mailbox.show)
    app.router.add_delete("/", mailbox.forget)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", http_port).start()

    async def end():
        smtp.close()
        await smtp.wait_closed()
        await runner.cleanup()

    return smtp.sockets[0].getsockname()[1], runner.addresses[0][1], end


async def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--smtp-port", type=int, required=True)
    arguments.add_argument("--http-port", type=int, required=True)
    asked = arguments.parse_args()
    smtp, http, _end = await serve(asked.smtp_port, asked.http_port)
    print(f"SMTP on 127.0.0.1:{smtp}, HTTP on 127.0.0.1:{http}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
