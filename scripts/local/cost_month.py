"""What an environment costs a month before the first order, from its variables and the catalog."""

from typing import Any

import hcl2

import catalog
import config
import cost_model

ENVIRONMENTS = ("dev", "prod")
MINUTES_PER_MONTH = 60
# Metrics of each function by its trigger: invocations, cold starts, latency, and errors by kind or records by result.
SERIES = {"http": 5, "authorizer": 3, "schedule": 3, "operator": 3, "default_route": 5}
SERIES_OF_CONSUMERS = 4
PROXY_ACU = 8


def variables(environment: str) -> dict[str, Any]:
    """The variables of an environment."""
    path = config.ROOT / "terraform" / "envs" / environment / "terraform.tfvars"
    with path.open() as file:
        return {name: _plain(value) for name, value in hcl2.load(file).items()}


def _plain(value: Any) -> Any:
    """Values without the quotes that the parser keeps."""
    if isinstance(value, dict):
        return {name.strip('"'): _plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_plain(member) for member in value]
    return value.strip('"') if isinstance(value, str) else value


def series() -> int:
    kinds = [catalog.trigger(name)["kind"] for name in catalog.functions()]
    return sum(SERIES.get(kind, SERIES_OF_CONSUMERS) for kind in kinds)


def secrets() -> int:
    """Secrets of the catalog, and one for each database role."""
    rows = [catalog.row(name) for name in catalog.functions()]
    roles = {row["environment"]["DATABASE_USER"]["name"] for row in rows if "DATABASE_USER" in row["environment"]}
    return len(catalog.section("secrets")) + len(roles)


def keys() -> int:
    """Keys of the concerns, of the audit trail and of the alarms' topics."""
    with (config.ROOT / "terraform" / "modules" / "keys" / "main.tf").open() as file:
        (concerns,) = [one["concerns"] for one in hcl2.load(file)["locals"] if "concerns" in one]
    return len(concerns) + 2


def fixed(environment: str) -> dict[str, float]:
    """US dollars a month, by line."""
    given, table = variables(environment), cost_model.prices()
    hours, price = table["assumptions"]["hours_per_month"], table["monthly"]
    zones = len(given["availability_zones"])
    nats = zones if given["network"]["nat_gateways"] == "per_zone" else 1
    database, cache, kafka = given["database"], given["cache"], given["kafka"]
    minutes = hours * MINUTES_PER_MONTH
    queues = sum(catalog.row(name)["has_queue"] for name in catalog.functions())
    polls = queues * table["assumptions"]["idle_receives_per_queue_minute"] * minutes
    ticks = [minutes / one["minutes"] for one in map(catalog.trigger, catalog.functions()) if one["kind"] == "schedule"]
    variable = table["variable"]
    return {
        "database": database["capacity"]["min"] * database["instances"] * hours * price["database_acu_hour"]["usd"],
        "database proxy": PROXY_ACU * hours * price["proxy_acu_hour"]["usd"],
        "Kafka": kafka["brokers"] * hours * price["broker_hour"][kafka["instance_type"]]
        + kafka["brokers"] * kafka["volume_gib"] * price["broker_gib"]["usd"],
        "cache": cache["nodes"] * hours * price["cache_hour"][cache["node_type"]],
        "NAT gateways": nats * hours * price["nat_hour"]["usd"],
        "interface endpoints": len(given["network"]["interface_endpoints"])
        * zones
        * hours
        * price["endpoint_hour"]["usd"],
        "streams": len(catalog.section("streams")) * hours * price["stream_hour"]["usd"],
        "keys": keys() * price["key"]["usd"],
        "secrets": secrets() * price["secret"]["usd"],
        "custom metrics": series() * price["metric"]["usd"],
        "alarms": len(catalog.section("alarms")) * price["alarm"]["usd"] + price["burn_rates"][environment],
        "dashboards": price["dashboard"]["usd"],
        "polls of idle queues": polls / variable["queue_request"]["per"] * variable["queue_request"]["usd"],
        "schedules": sum(ticks) / variable["invocation"]["per"] * variable["invocation"]["usd"],
        # Lambda records the first request of a second, so every tick.
        "traces of schedules": given.get("xray", False)
        * sum(ticks)
        / variable["trace"]["per"]
        * variable["trace"]["usd"],
    }
