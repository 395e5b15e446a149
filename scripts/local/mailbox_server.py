"""Receives every e-mail and webhook that the local cloud sends and shows them as JSON. For development and tests only.

GET /                   received messages, oldest first; ?to=address filters by recipient
DELETE /                deletes them
POST /webhooks/{name}   receives a webhook; responds with the status of ?status=, 204 by default
GET /webhooks/{name}    received webhooks, oldest first: headers and body
"""

import argparse
import asyncio
import base64
import datetime
import email
import email.policy
from collections.abc import Awaitable, Callable, Sequence
from email.message import MIMEPart
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP


def _text(part: MIMEPart | None) -> str:
    return str(part.get_content()).strip() if part is not None else ""


def parse(sender: str, recipients: Sequence[str], raw: bytes) -> dict[str, Any]:
    """A received message as it is listed."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    listed = {
        "from": sender,
        "to": list(recipients),
        "subject": str(message["Subject"] or ""),
        "text": _text(message.get_body(("plain",))),
        "attachments": [_attachment(part) for part in message.iter_attachments()],
        "received_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
    }
    html = _text(message.get_body(("html",)))
    return {**listed, "html": html} if html else listed


def _attachment(part: Any) -> dict[str, str | None]:
    return {
        "filename": part.get_filename(),
        "content_type": part.get_content_type(),
        "content_base64": base64.b64encode(part.get_payload(decode=True) or b"").decode(),
    }


class Mailbox:
    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.webhooks: dict[str, list[dict[str, Any]]] = {}

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 aiosmtpd's name
        self.messages.append(parse(envelope.mail_from, envelope.rcpt_tos, envelope.original_content))
        return "250 OK"

    async def show(self, request: web.Request) -> web.Response:
        to = request.query.get("to")
        return web.json_response([message for message in self.messages if to is None or to in message["to"]])

    async def receive_webhook(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        received = {"headers": headers, "body": await request.text()}
        self.webhooks.setdefault(request.match_info["name"], []).append(received)
        return web.Response(status=int(request.query.get("status", "204")))

    async def show_webhooks(self, request: web.Request) -> web.Response:
        return web.json_response(self.webhooks.get(request.match_info["name"], []))

    async def clear(self, _request: web.Request) -> web.Response:
        self.messages.clear()
        return web.Response(status=204)


async def serve(smtp_port: int, http_port: int) -> tuple[int, int, Callable[[], Awaitable[None]]]:
    """Listens on the loopback interface; port 0 chooses a free one. Returns both ports and a function that stops."""
    mailbox = Mailbox()
    loop = asyncio.get_running_loop()
    smtp = await loop.create_server(
        lambda: SMTP(mailbox, enable_SMTPUTF8=True, hostname="quayside.local"), "127.0.0.1", smtp_port
    )
    app = web.Application()
    app.router.add_get("/", mailbox.show)
    app.router.add_delete("/", mailbox.clear)
    app.router.add_post("/webhooks/{name}", mailbox.receive_webhook)
    app.router.add_get("/webhooks/{name}", mailbox.show_webhooks)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", http_port).start()

    async def stop() -> None:
        smtp.close()
        await smtp.wait_closed()
        await runner.cleanup()

    return smtp.sockets[0].getsockname()[1], runner.addresses[0][1], stop


async def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--http-port", type=int, required=True)
    arguments = parser.parse_args()
    smtp, http, _stop = await serve(arguments.smtp_port, arguments.http_port)
    print(f"SMTP on 127.0.0.1:{smtp}, HTTP on 127.0.0.1:{http}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
