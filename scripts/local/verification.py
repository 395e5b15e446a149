"""Verifies the addresses of customers, as they would: with the token that the mailbox received."""

import re
from collections.abc import Mapping
from uuid import UUID

import config
import services
from api_client import ApiClient, eventually, fetch_json

TOKEN = re.compile(r"\b(?:[0-9A-HJKMNP-TV-Z]{5}-){3}[0-9A-HJKMNP-TV-Z]{5}\b")


def token_in(text: str) -> str | None:
    found = TOKEN.search(text)
    return found.group(0) if found else None


def verify_email(env: Mapping[str, str], public: ApiClient, user_id: str, email: str) -> None:
    """Verifies the e-mail address, and waits until notifications know, so that news of orders are sent to it."""

    def received() -> str | None:
        tokens = [token_in(message["text"]) for message in fetch_json(f"{env['MAILBOX_URL']}?to={email}")]
        # A message that was sent twice has two tokens, of which the last one counts.
        return next((token for token in reversed(tokens) if token), None)

    token = eventually("e-mail with a token", received)
    public.post("/users/verify", {"token": token}).expect(204)
    eventually("verified address", lambda: is_known(user_id))


def is_known(user_id: str) -> bool:
    query = f"select count(*) from notifications.verified_addresses where user_id = '{UUID(user_id)}'"
    return services.psql(config.DATABASE, query).stdout.strip() not in {"", "0"}
