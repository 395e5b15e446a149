"""What to look at in the running stack: the end of `scripts/demo`."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

SHARED_SESSION = "best opened in a private window: the shop and the console have one session"


class Place(NamedTuple):
    """Something to open, and what to know about it."""

    name: str
    where: str
    hints: tuple[str, ...] = ()


def account(role: str, email: str, password: str) -> str:
    return f"{role}: {email}, password {password}"


def places(env: Mapping[str, str], customer: tuple[str, str], product: str, dashboards: str | None) -> list[Place]:
    """Pages of the stack, with an account for each role. `dashboards` is the address of their page if it is served."""
    api, shop = env["API_URL"], env["WEB_URL"]
    staff = account("staff", env["STAFF_EMAIL"], env["STAFF_PASSWORD"])
    admin = account("admin", env["ADMIN_EMAIL"], env["ADMIN_PASSWORD"])
    return [
        Place("shop", shop, (account("customer", *customer),)),
        Place("console", f"{shop}console/", (staff, f"{admin}; sees operations and settings, too", SHARED_SESSION)),
        Place("Swagger", f"{api}/docs", ("every route, to try",)),
        Place("API", api, (f"curl {api}{product}",)),
        Place("mailbox", env["MAILBOX_URL"], ("every e-mail that was sent",)),
        Place("gateway", f"{env['GATEWAY_URL']}/_local/charges", ("every charge that was made",)),
        Place("dashboards", dashboards or "scripts/observe starts Prometheus, and a page with them"),
    ]


def lines(shown: Iterable[Place]) -> list[str]:
    """Places as lines, their hints below them."""
    shown = list(shown)
    width = max(len(place.name) for place in shown) + 2
    return [
        line
        for place in shown
        for line in (place.name.ljust(width) + place.where, *(" " * width + hint for hint in place.hints))
    ]
