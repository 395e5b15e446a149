"""What scheduled functions can do: the outbox sweep with its delivery check and its deletions, and the other sweeps.

Nothing of this is on an order's way, so that counting orders does not show it; it follows from figures of
docs/measurements.md, from the limits of a run, which are read from the sources of the functions, and from what the
functions of an order's way take for the same change. Work of a run's own, such as counting, is left out: the rates are
upper bounds.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import catalog
import config
import cost
import cost_model
from capacity_model import MILLISECONDS, TARGET, Use, record_ms
from config import ScriptError

# Of docs/measurements.md: events a second of three sweepers at five million pending events; rows a second that a run
# deletes; milliseconds of the statements of a round of the delivery check.
PUBLISHED_PER_S, SWEEPERS = 3_142, 3
DELETED_PER_S = 139_000
CHECK_ROUND_MS = 43
# An idempotency key.
OTHER_ROWS = 1
# Consumers of every event, and of every event of the inventory: no outbox has more events of an order than that one.
EVERY_EVENT, FULLEST_OUTBOX = "event-forward", "stock-alert"
MINUTE_S = 60

OUTBOX = "shared/services/src/outbox.rs"
# Sweeps that process one item after another, each with the function that makes the same change of an item.
SWEEPS = {"order-sweep": "order-advance", "stock-sweep": "stock-allocate", "payment-reconcile": "payment-charge"}
# Every order passes these, so that they have to sustain the target.
NEEDED = {"delivery check", "deletions", "ledger-reconcile"}
# What is known not to sustain the target, with the reason.
KNOWN = {
    "ledger-reconcile": "it reads pages of a hundred one after another, for 210 of 300 seconds",
}
# Scheduled functions whose work does not grow with orders.
OF_NO_ORDER = {
    "canary-order",
    "product-export-run",
    "product-import-run",
    "record-partition",
    "revocation-sweep",
    "window-close",
}


@dataclass(frozen=True)
class Work:
    """Scheduled work. `of_order` is how many of its items an order makes, or 0 if only some orders make one."""

    name: str
    items: str
    items_per_s: float
    of_order: float

    @property
    def orders_per_s(self) -> float:
        return self.items_per_s / (self.of_order or 1)


def constant(path: str, pattern: str) -> int:
    """A number of a source file, such as the size of a page. `pattern` has one group."""
    found = re.search(pattern, (config.ROOT / path).read_text())
    if not found:
        raise ScriptError(f"{path} has no {pattern} any more: correct scripts/local/capacity_schedules.py")
    return int(found[1].replace("_", ""))


def _source(function: str) -> str:
    return f"functions/{function}/src/lib.rs"


def _seconds(function: str, name: str) -> int:
    return constant(_source(function), rf"const {name}: Duration = Duration::from_secs\((\d+)\)")


def _every_s(function: str) -> int:
    return int(catalog.trigger(function)["minutes"]) * MINUTE_S


def _timeout_s(function: str) -> int:
    return int(catalog.row(function)["timeout_s"])


def outbox_sweep(uses: Mapping[str, Use]) -> list[Work]:
    """Publishing after an outage, the delivery check, and deletions."""
    name, page = "outbox-sweep", constant(OUTBOX, r"const PAGE: u32 = (\d+)")
    deleting_s, reserve_s = _seconds(name, "FOR_DELETING"), _seconds(name, "TIME_RESERVE")
    # Runs overlap while there is a backlog.
    at_once = (_timeout_s(name) - deleting_s) / _every_s(name)
    events = uses[EVERY_EVENT].records
    # One statement for each outbox after another. Checks that run at once look at the same events.
    waits_ms = len(catalog.outbox_schemas()) * cost_model.prices()["assumptions"]["wait_ms"]["database"]
    claims = sum(use.records for function, use in uses.items() if catalog.row(function)["consumes"])
    return [
        Work("publishing", "pending events", PUBLISHED_PER_S / SWEEPERS * at_once, events),
        Work(
            "delivery check",
            "events of an outbox",
            page / (waits_ms + CHECK_ROUND_MS) * MILLISECONDS,
            uses[FULLEST_OUTBOX].records,
        ),
        Work(
            "deletions", "rows", DELETED_PER_S * (deleting_s - reserve_s) / _every_s(name), events + claims + OTHER_ROWS
        ),
    ]


def sweeps(uses: Mapping[str, Use]) -> list[Work]:
    """Stuck orders, expired reservations, payments without a result, late webhooks, changed products; the ledger."""
    found = []
    for function, same in SWEEPS.items():
        source = _source(function)
        most = constant(source, r"const PAGE: u32 = (\d+)") * constant(
            source, r"(?:const MAX_PAGES: u32 =|max_pages:) (\d+)"
        )
        # What a run leaves: for other work, or for its end.
        left_s = constant(source, r"const (?:FOR_BACKORDERS|TIME_RESERVE): Duration = Duration::from_secs\((\d+)\)")
        in_time = (_timeout_s(function) - left_s) * MILLISECONDS / record_ms(function, uses[same])
        found.append(Work(function, "orders that need it", min(most, in_time) / _every_s(function), 0))
    function = "webhook-deliver"
    source = _source(function)
    claims = constant(source, r"const CLAIMS: u32 = (\d+)") / _every_s(function)
    # Also first attempts, if more than webhook-enqueue makes at once are due.
    for items, limit in (("attempts left to the sweep", "total"), ("of these, for one endpoint", "per_endpoint")):
        found.append(Work(function, items, claims * constant(source, rf"{limit}: (\d+)"), 0))
    function = "product-sweep"
    time_s = _timeout_s(function) - _seconds(function, "TIME_RESERVE")
    products = time_s * MILLISECONDS / record_ms(function, uses["product-index"])
    found.append(Work(function, "changed products", products / _every_s(function), 0))
    return [*found, ledger()]


def ledger() -> Work:
    """Reads the statement: for each page a request to the gateway, and progress before and after. Then it compares."""
    function = "ledger-reconcile"
    wait_ms = cost_model.prices()["assumptions"]["wait_ms"]
    page = constant("shared/adapters-stripe/src/lib.rs", r'const PAGE_LIMIT: &str = "(\d+)"')
    run_s = _timeout_s(function) - _seconds(function, "TIME_RESERVE")
    per_run = run_s * MILLISECONDS / (wait_ms["gateway"] + 2 * wait_ms["database"]) * page
    return Work(function, "transactions of the gateway", per_run / _every_s(function), 1)


def work(uses: Mapping[str, Use]) -> list[Work]:
    return [*outbox_sweep(uses), *sweeps(uses)]


def behind(found: Iterable[Work]) -> list[str]:
    """What every order needs and does not sustain the target, without what is known."""
    return [
        f"{each.name} sustains {each.items_per_s:,.0f} {each.items} a second: "
        f"{each.orders_per_s:,.0f} orders of {TARGET}"
        for each in found
        if each.name in NEEDED - set(KNOWN) and each.orders_per_s < TARGET
    ]


def hours_to_publish(found: Iterable[Work], outage_s: float) -> float:
    """How long the events of an outage of the bus at the target wait after its end, at most."""
    publishing = next(each for each in found if each.name == "publishing")
    return TARGET * publishing.of_order * outage_s / publishing.items_per_s / 3600


def table(found: list[Work]) -> str:
    def cells(each: Work) -> list[str]:
        if each.of_order:
            share = f"{each.orders_per_s / TARGET:.2f}"
            return [each.name, each.items, f"{each.of_order:.0f}", f"{each.items_per_s:,.1f}", share]
        return [each.name, each.items, "some", f"{each.items_per_s:,.1f}", ""]

    header = ["scheduled work", "items", "of an order", "items/s", "of the target"]
    stuck, expired = (_rate(found, name) * 100 / TARGET for name in ("order-sweep", "stock-sweep"))
    lines = [
        f"An hour without the bus at the target is published within {hours_to_publish(found, 3600):.1f} hours.",
        f"At the target, sweeps cancel {stuck:.1f} % of the orders, and expire the reservations of {expired:.1f} %.",
        *(f"{name} is known not to sustain the target: {why}." for name, why in KNOWN.items()),
    ]
    return cost.table(header, map(cells, found)) + "\n" + "\n".join(lines) + "\n"


def _rate(found: Iterable[Work], name: str) -> float:
    return next(each.items_per_s for each in found if each.name == name)
