"""Accounts of the running stack for samples that change, close or log in to one."""

import base64
import hmac
import json
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import samples
from api_client import ApiClient

# Registrations at once: each has a process of the function, which hashes a password.
PARALLEL = 4


class Account(NamedTuple):
    id: str
    email: str
    password: str


def register(public: ApiClient, name: str) -> Account:
    """A new account, whose e-mail address begins with the name, with the password that the samples have."""
    unique = f"{name}{secrets.token_hex(6)}"
    email, password = f"{unique}@example.com", str(json.loads(samples.event("user-login")["body"])["password"])
    wanted = {"email": email, "username": unique, "password": password, "full_name": "Ada Lovelace"}
    return Account(str(public.post("/users/register", wanted).expect(201)["id"]), email, password)


def register_each(public: ApiClient, functions: tuple[str, ...]) -> dict[str, Account]:
    """A new account for each function."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        return dict(zip(functions, pool.map(partial(register, public), ["eve"] * len(functions)), strict=True))


def with_second_factor(public: ApiClient) -> tuple[Account, str]:
    """A new account with a second factor, and one of its recovery codes."""
    account = register(public, "kim")
    owner = public.login(account.email, account.password)
    begun = owner.post(f"/users/{account.id}/totp", {"current_password": account.password}).expect(200)
    code = {"code": one_time_password(str(begun["secret"]))}
    confirmed = owner.post(f"/users/{account.id}/totp/confirm", code).expect(200)
    return account, str(confirmed["recovery_codes"][0])


def waiting_login(public: ApiClient) -> dict[str, str]:
    """A login of a new account with a second factor, after its password was proven: it waits for a few minutes."""
    account, recovery_code = with_second_factor(public)
    waiting = public.post("/users/login", {"email": account.email, "password": account.password}).expect(401)
    return {"mfa_token": str(waiting["mfa_token"]), "recovery_code": recovery_code}


def refreshable_login(public: ApiClient, account: Account) -> dict[str, str]:
    """The refresh token of a new login, which is valid once."""
    tokens = public.post("/users/login", {"email": account.email, "password": account.password}).expect(200)
    return {"refresh_token": str(tokens["refresh_token"])}


def one_time_password(secret: str) -> str:
    """The code of RFC 6238 for this moment."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, (int(time.time()) // 30).to_bytes(8, "big"), "sha1")
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"
