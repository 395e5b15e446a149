"""Puts load on a deployment with k6, and compares what it measured with the service levels of the catalog.

Profiles: `browse` reads products and stock, `order` places orders and reads them, `ingest` sends records and reads
others. Sizes: `small` is for a laptop; `users` grows to 10 000 users who read between their requests; `rate` sends
10 000 requests a second. The last two are for a deployment that is meant to take them, and cost money there. What is
beyond the limits of the deployment is refused with the reasons: it would measure 429.

It registers customers and creates products, or a source of records, and deletes none. STAFF_EMAIL and STAFF_PASSWORD
are of staff, and STAFF_CODE is the code of its second factor.
On the local stack, durations are reported and not required: the emulator is not Lambda.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import catalog
import config
import progress
from api_client import PREFIX, ApiClient, StaffLogin, eventually, new_key, stack_env, staff_login
from config import ScriptError
from load_limits import REGISTRATIONS, Load, exceeded, quotas

Json = dict[str, Any]

# The functions of the routes that an iteration asks, each once. The same in load.js.
FUNCTIONS = {
    "browse": ("product-get", "stock-get"),
    "order": ("order-place", "order-get"),
    "ingest": ("record-create", "record-get"),
}
# The journey of the catalog whose service level a profile has to meet.
JOURNEYS = {"browse": "browse", "order": "place-order", "ingest": "records"}
THINK_S = 10
# The exit status of k6 when a threshold was crossed.
CROSSED = 99
STOCK = 100_000


@dataclass(frozen=True)
class Size:
    """How much load. Either a rate of requests, or a number of users."""

    duration_s: int
    # Products, or records that are read.
    targets: int
    customers: int
    rate: int = 0
    users: int = 0


SIZES = {
    "small": Size(duration_s=20, targets=3, customers=3, rate=5),
    "users": Size(duration_s=600, targets=200, customers=500, users=10_000),
    "rate": Size(duration_s=300, targets=200, customers=500, rate=10_000),
}


def iterations_per_s(profile: str, size: Size) -> int:
    """Iterations a second; of users, if responses took no time."""
    return size.users // THINK_S if size.users else max(1, size.rate // len(FUNCTIONS[profile]))


def customers(profile: str, size: Size) -> int:
    return size.customers if profile == "order" else 0


def load_of(profile: str, size: Size) -> Load:
    """What the deployment has to admit. All visitors have the address of this machine, and staff is one user."""
    return Load(
        functions=FUNCTIONS[profile],
        iterations_per_s=iterations_per_s(profile, size),
        duration_s=size.duration_s,
        clients=customers(profile, size) or 1,
        registrations=customers(profile, size),
    )


def scenario(profile: str, size: Size) -> Json:
    """The scenario of k6: iterations at a fixed rate whatever the responses take, or users who wait for them."""
    if size.users:
        ramp, rest = size.duration_s // 4, size.duration_s - size.duration_s // 4
        stages = [{"duration": f"{ramp}s", "target": size.users}, {"duration": f"{rest}s", "target": size.users}]
        return {"executor": "ramping-vus", "startVUs": 0, "stages": stages, "gracefulRampDown": "30s"}
    iterations = iterations_per_s(profile, size)
    return {
        "executor": "constant-arrival-rate",
        "rate": iterations,
        "timeUnit": "1s",
        "duration": f"{size.duration_s}s",
        # Enough for responses of one second; k6 reports iterations that it had to drop.
        "preAllocatedVUs": iterations + 5,
        "maxVUs": 4 * iterations + 20,
    }


def thresholds(journey: Json) -> dict[str, list[str]]:
    """The service level of a journey, as k6 writes it."""
    allowed = round(1 - journey["available"], 6)
    return {
        "http_req_failed": [f"rate<={allowed:g}"],
        "http_req_duration": [
            f"avg<{journey['mean_ms']}",
            f"p({journey['fast'] * 100:g})<{journey['within_ms']}",
        ],
        "checks": [f"rate>={1 - allowed:g}"],
        "dropped_iterations": ["count<=0"],
    }


def prepare(api: ApiClient, login: StaffLogin, profile: str, size: Size) -> Json:
    """Creates what the requests refer to. Tokens last an hour, longer than any size."""
    tag = time.strftime("%Y%m%d%H%M%S")
    staff = api.login(*login)
    found: Json = {"staff": staff.token}
    if profile == "ingest":
        return {**found, **create_records(staff, tag, size.targets)}
    found["products"] = create_products(staff, tag, size.targets)
    found["customers"] = [register(api, f"{tag}x{number}") for number in range(customers(profile, size))]
    return found


def create_products(staff: ApiClient, tag: str, count: int) -> list[str]:
    products = []
    for number in range(count):
        row = {
            "sku": f"LOAD-{tag}-{number}",
            "name": f"Load tea {number}",
            "category": "load",
            "price": {"amount": 500, "currency": "USD"},
            "stock_quantity": STOCK,
        }
        products.append(staff.post("/products", row, new_key()).expect(201)["id"])
    # Stock is opened by an event; requests before it would fail.
    await_all(staff, "stock of the products", [f"/products/{product}/stock" for product in products])
    return products


def create_records(staff: ApiClient, tag: str, count: int) -> Json:
    """A source of records, and the ids of records that it has."""
    source = f"load-{tag}"
    schema = {"type": "object", "properties": {"depth": {"type": "number"}}, "required": ["depth"]}
    staff.post("/data/sources", {"name": source, "schema": schema, "writers": []}).expect(201)
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    rows = [{"source": source, "recorded_at": now, "payload": {"depth": number}} for number in range(count)]
    records = staff.post("/data", {"records": rows}, new_key()).expect(202)["ids"]
    await_all(staff, "records", [f"/data/{record}" for record in records])
    return {"source": source, "records": records}


def register(api: ApiClient, tag: str) -> str | None:
    """The access token of a new customer."""
    email, password = f"success+load{tag}@simulator.amazonses.com", f"Load-{new_key()}"
    api.post("/users/register", {"email": email, "username": f"load{tag}", "password": password}).expect(201)
    return api.login(email, password).token


def await_all(api: ApiClient, what: str, paths: list[str]) -> None:
    waiting = set(paths)

    def found() -> bool:
        waiting.difference_update({path for path in waiting if api.get(path).status == 200})
        return not waiting

    eventually(what, found, deadline_s=120)


def run(plan: Json, scratch: Path) -> tuple[int, Json]:
    """Runs k6. Returns its exit status and metrics."""
    summary = Path(plan["summary"])
    summary.unlink(missing_ok=True)
    file = scratch / "plan.json"
    # It has access tokens.
    config.write_private(file, json.dumps(plan))
    script = Path(__file__).with_name("load.js")
    argv = [str(config.tools()["k6"]), "run", "--quiet", "--no-usage-report", "-e", f"PLAN={file}", str(script)]
    status = subprocess.run(argv, env={**os.environ, "K6_NO_COLOR": "true"}, check=False).returncode
    file.unlink()
    if not summary.exists():
        raise ScriptError(f"k6 ended with status {status} and without a summary")
    return status, json.loads(summary.read_text())


def report(metrics: Json, is_local: bool) -> bool:
    """Prints the figures and each threshold. Returns whether all that are required were met."""
    durations = metrics["http_req_duration"]["values"]
    sent = metrics["http_reqs"]["values"]
    progress.note(f"{sent['count']:.0f} requests, {sent['rate']:.1f} a second")
    progress.note("duration in ms: " + ", ".join(f"{name} {value:.0f}" for name, value in sorted(durations.items())))
    passed = True
    for name, metric in sorted(metrics.items()):
        for bound, outcome in metric.get("thresholds", {}).items():
            text = f"{name} {bound}: {', '.join(f'{key} {value:g}' for key, value in sorted(metric['values'].items()))}"
            if outcome["ok"]:
                progress.done(text)
            elif is_local and name in {"http_req_duration", "dropped_iterations"}:
                progress.note(f"not met, and not required of the local stack: {text}")
            else:
                progress.fail(f"not met: {text}")
                passed = False
    return passed


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/load", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--api-url", help="base URL of the API; default: that of the local stack")
    parser.add_argument("--profile", choices=tuple(FUNCTIONS), default="browse")
    parser.add_argument("--size", choices=tuple(SIZES), default="small")
    parser.add_argument("--seconds", type=int, help="instead of the duration of the size")
    parser.add_argument(
        "--rate-limits",
        metavar="CLASS:MINUTE,DAY",
        help="limits of clients that the deployment has instead of the default; as RateLimits",
    )
    parser.add_argument(
        "--registrations",
        type=int,
        default=REGISTRATIONS,
        help="registrations of an address in an hour that the deployment admits",
    )
    return parser.parse_args()


def main() -> int:
    arguments = read_arguments()
    size = SIZES[arguments.size]
    if arguments.seconds:
        size = Size(**{**vars(size), "duration_s": arguments.seconds})
    try:
        known = os.environ if arguments.api_url else {**stack_env(), **os.environ}
        base = (arguments.api_url or stack_env()["API_URL"]).rstrip("/")
        login = staff_login(known)
        if not all(login[:2]):
            raise ScriptError("set STAFF_EMAIL and STAFF_PASSWORD: staff creates the products")
        is_local = urlsplit(base).hostname in {"127.0.0.1", "localhost"}
        if is_local and arguments.size != "small":
            raise ScriptError("the local stack takes --size small only: name a deployment with --api-url")
        limits = quotas(arguments.rate_limits)
        reasons = exceeded(load_of(arguments.profile, size), limits, arguments.registrations)
        if reasons:
            raise ScriptError("the deployment would respond 429 to most of it:\n  " + "\n  ".join(reasons))
        with progress.step("Create what the requests are about"):
            data = prepare(ApiClient(base), login, arguments.profile, size)
        scratch = config.LOCAL / "load"
        plan = {
            **data,
            "api": base + PREFIX,
            "profile": arguments.profile,
            "scenario": scenario(arguments.profile, size),
            "thresholds": thresholds(catalog.journey(JOURNEYS[arguments.profile])),
            "think_s": THINK_S if size.users else 0,
            "summary": str(scratch / "summary.json"),
        }
        with progress.step(f"{arguments.profile}, {arguments.size}: {size.duration_s} s"):
            status, metrics = run(plan, scratch)
        if status not in {0, CROSSED}:
            raise ScriptError(f"k6 ended with status {status}")
        return 0 if report(metrics, is_local) else 1
    except ScriptError as error:
        progress.fail(str(error))
        return 2
    except KeyboardInterrupt:
        progress.fail("interrupted")
        return 130


if __name__ == "__main__":
    os.chdir(config.ROOT)
    sys.exit(main())
