"""Verifies the addresses of customers, as they would: with the token that the mailbox or the phone received."""

import re
from collections.abc import Callable, Mapping
from uuid import UUID

import config
import postgres_server
from api_client import ApiClient, eventually, fetch_json

TOKEN = re.compile(r"\b(?:[0-9A-HJKMNP-TV-Z]{5}-){3}[0-9A-HJKMNP-TV-Z]{5}\b")


def token_in(text: str) -> str | None:
    found = TOKEN.search(text)
    return found.group(0) if found else None


def verify_email(env: Mapping[str, str], public: ApiClient, user_id: str, email: str) -> None:
    """Verifies the e-mail address, and waits until notifications know, so that order notifications are sent to it."""

    def emails() -> list[str]:
        return [message["text"] for message in fetch_json(f"{env['MAILBOX_URL']}?to={email}")]

    use_token("e-mail", emails, public, user_id)


def verify_phone(customer: ApiClient, user_id: str, texts: Callable[[], list[str]]) -> None:
    """Requests a token for the phone number and verifies it; `texts` are the messages that the number received."""
    customer.post(f"/users/{user_id}/verification", {"channel": "phone"}).expect(202)
    use_token("text message", texts, customer, user_id)


def use_token(what: str, messages: Callable[[], list[str]], client: ApiClient, user_id: str) -> None:
    def received() -> str | None:
        # A message that was sent twice has two tokens, of which the last one counts.
        return next((token for token in map(token_in, reversed(messages())) if token), None)

    before = verified(user_id)
    token = eventually(f"{what} with a token", received)
    client.post("/users/verify", {"token": token}).expect(204)
    eventually("verified address", lambda: verified(user_id) > before)


def verified(user_id: str) -> int:
    """How many addresses of the customer notifications know to be verified."""
    query = f"select count(*) from notifications.verified_addresses where user_id = '{UUID(user_id)}'"
    return int(postgres_server.psql(config.DATABASE, query).stdout.strip() or 0)
