"""An hour of sales with one unusual window, and the four weeks that it is compared with, for pictures of the console.

The events go through the deployed functions, so that what the console shows of them is found as on AWS. They are of a
currency that the stack has not sold in: windows are compared within a currency.
"""

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import api_client
import aws
import function_windows
import samples
from api_client import ApiClient
from config import ScriptError
from stream_events import WINDOW_S, Generator, Json, Order

# Each with a country that pays in it.
CURRENCIES = {"GBP": "GB", "CHF": "CH", "SEK": "SE", "NOK": "NO", "DKK": "DK", "PLN": "PL"}
WEEK_S = 7 * 86_400
# `domain::window::anomaly`: no verdict with less than four weeks. Windows beside the same time are compared, too.
WEEKS, BESIDE = 4, 6
USUAL, UNUSUAL = (36, 46), 9
# Windows of the hour that is shown, and the one that is unusual: complete, and not closed without orders before.
SHOWN, BACK = 12, 6


def windows_before(now: float) -> tuple[int, list[int], list[int]]:
    """Starts of the unusual window, of the others of the hour, and of those that the unusual one is compared with."""
    current = int(now) - int(now) % WINDOW_S
    unusual = current - BACK * WINDOW_S
    hour = [current - back * WINDOW_S for back in range(SHOWN) if back != BACK]
    beside = range(-BESIDE, BESIDE + 1)
    return unusual, hour, [unusual - week * WEEK_S + n * WINDOW_S for week in range(1, WEEKS + 1) for n in beside]


def confirmations(
    generator: Generator, starts: Iterable[int], currency: str, count: Callable[[], int], now: float
) -> list[Json]:
    """Confirmed orders in each of the windows, none of them later than now."""
    begun = len(generator.generated.events)
    for start in starts:
        length = min(WINDOW_S, now - start)
        for _ in range(round(count() * length / WINDOW_S)):
            at = datetime.fromtimestamp(start + generator.rng.uniform(0, length), UTC)
            units, price = generator.rng.randint(1, 3), generator.rng.randint(800, 4_000)
            product, user = generator.rng.choice(generator.products), generator.rng.choice(generator.customers)
            line = (product, units, units * price)
            order = Order(generator.identifier(), user, CURRENCIES[currency], currency, (line,), at)
            generator.event("OrderConfirmed.v1", order.order_id, at, generator.confirmation(order, None))
    return generator.generated.events[begun:]


def feed(events: list[Json], currency: str, before: int) -> int:
    """Sends events through the functions, and waits until all are counted. Returns how many orders are."""
    feeding = function_windows.Feeding(events)
    feeding.start()
    feeding.thread.join()
    if feeding.failed:
        raise ScriptError(f"analytics-feed failed: {feeding.failed[:3]}")
    wanted = before + len(events)
    api_client.eventually("orders in their windows", lambda: counted(currency) >= wanted, deadline_s=120)
    return wanted


def rfc3339(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def counted(currency: str) -> int:
    return sum(values[0] for key, values in function_windows.read().items() if key[1:3] == (currency, "total"))


def make(staff: ApiClient) -> str:
    """Makes the sales. Returns their currency."""
    used = {key[1] for key in function_windows.read()}
    for currency in CURRENCIES:
        if currency not in used and _is_found(staff, currency):
            return currency
    raise ScriptError("all currencies are used: begin with a new stack (scripts/down, scripts/up)")


def _is_found(staff: ApiClient, currency: str) -> bool:
    now = time.time()
    generator = Generator(f"unusual {currency}")
    unusual, hour, before = windows_before(now)

    def usual() -> int:
        return generator.rng.randint(*USUAL)

    # The hour first: without weeks to compare with, a run of window-close in between finds nothing.
    count = feed(confirmations(generator, hour, currency, usual, now), currency, 0)
    count = feed(confirmations(generator, before, currency, usual, now), currency, count)
    feed(confirmations(generator, [unusual], currency, lambda: UNUSUAL, now), currency, count)
    aws.invoke("window-close", {**samples.event("window-close"), "time": rfc3339(time.time())})
    start = rfc3339(unusual)
    found = staff.get(f"/analytics/anomalies?from={start}").expect(200)["items"]
    return any(one["currency"] == currency for one in found)
