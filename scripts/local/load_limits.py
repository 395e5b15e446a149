"""What a profile of load asks for, compared with the limits of a deployment: beyond them, only 429 would be measured.

Limits are those of the catalog, but for what the deployment has otherwise. WAF has another one for each address, which
counts where the requests pass through CloudFront (`rate_limits` in terraform/edge.tf).
"""

import re
from dataclasses import dataclass

import catalog
from config import ScriptError

# `MaxRegistrationsPerSource` of template.yaml.
REGISTRATIONS = 20
RAISE = "raise the deployment's RateLimits and say so with --rate-limits"
QUOTAS = re.compile(r"([a-z_]+):([1-9][0-9]*),([1-9][0-9]*)")


@dataclass(frozen=True)
class Quota:
    """Requests of one client to all routes of a class."""

    minute: int
    day: int


@dataclass(frozen=True)
class Load:
    """What is sent: iterations of one request to each route, by so many clients. A client is a user, or an address."""

    functions: tuple[str, ...]
    iterations_per_s: int
    duration_s: int
    clients: int
    registrations: int = 0


def quotas(text: str | None = None) -> dict[str, Quota]:
    """The limits of clients by class, in the form of RateLimits. Classes that are not named have the default."""
    found = {}
    for part in [*catalog.rate_limits().split(";"), *(text.split(";") if text else [])]:
        match = QUOTAS.fullmatch(part.strip())
        if match is None or match[1] not in catalog.limited_classes():
            known = ", ".join(catalog.limited_classes())
            raise ScriptError(f"--rate-limits: {part!r} is not CLASS:MINUTE,DAY with a class of {known}")
        found[match[1]] = Quota(int(match[2]), int(match[3]))
    return found


def exceeded(load: Load, limits: dict[str, Quota], registrations: int = REGISTRATIONS) -> list[str]:
    """The limits that the load exceeds, and what to do about each."""
    reasons = []
    for function in load.functions:
        route, throttle = catalog.trigger(function)["route"], catalog.throttle_rate(function)
        if load.iterations_per_s > throttle:
            reasons.append(
                f"{route}: API Gateway admits {throttle} requests a second, this is {load.iterations_per_s}; "
                "the class is in the catalog"
            )
    for name in dict.fromkeys(catalog.trigger(function)["throttle"] for function in load.functions):
        routes = sum(catalog.trigger(function)["throttle"] == name for function in load.functions)
        # Rounded up: the clients take turns.
        each_minute = -(-60 * load.iterations_per_s * routes // load.clients)
        whole = -(-load.duration_s * load.iterations_per_s * routes // load.clients)
        for what, sent, quota in (("a minute", each_minute, limits[name].minute), ("a day", whole, limits[name].day)):
            if sent > quota:
                reasons.append(
                    f"class {name}: a client may send {quota} requests {what}, "
                    f"each of {load.clients} would send {sent}; {RAISE}"
                )
    if load.registrations > registrations:
        reasons.append(
            f"one address may register {registrations} customers an hour, this is {load.registrations}; "
            "raise the deployment's MaxRegistrationsPerSource and say so with --registrations"
        )
    # Each customer registers and logs in, one after another.
    if 2 * load.registrations > limits["public_write"].minute:
        reasons.append(
            f"class public_write: an address may send {limits['public_write'].minute} requests a minute, "
            f"{load.registrations} customers register and log in; {RAISE}"
        )
    return reasons
