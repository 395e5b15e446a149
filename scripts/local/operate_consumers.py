"""What an operator asks and does about consumers: how many messages wait for each, pausing and resuming them.

`operate.py` has the commands.
"""

import argparse
from collections.abc import Callable
from typing import Any

from rich.table import Table

import progress
from api_client import ApiClient, escaped
from operate_arguments import consumer_name, idempotency_key

Json = dict[str, Any]

COUNTS = ("dead_letters", "waiting", "in_flight", "delayed")


def queues(api: ApiClient, arguments: argparse.Namespace) -> list[Json]:
    """The consumers that have messages or do not run; all of them if asked for."""
    listed = api.get("/ops/queues").expect(200)["items"]
    return [one for one in listed if arguments.all or is_stopped(one) or any(one[count] for count in COUNTS)]


def is_stopped(consumer: Json) -> bool:
    return consumer["state"] not in {None, "running"}


def print_queues(listed: list[Json]) -> None:
    table = Table("consumer", "state", "dead letters", "waiting", "in flight", "delayed", box=None, pad_edge=False)
    for one in listed:
        table.add_row(one["name"], one["state"] or "-", *(str(one[name]) for name in COUNTS))
    progress.table(table, "all queues are empty, and all consumers run")


def pause(api: ApiClient, arguments: argparse.Namespace) -> Json:
    """Stops the deliveries to a consumer."""
    return _switch(api, arguments, "paused")


def resume(api: ApiClient, arguments: argparse.Namespace) -> Json:
    """Starts the deliveries to a consumer again."""
    return _switch(api, arguments, "running")


def _switch(api: ApiClient, arguments: argparse.Namespace, state: str) -> Json:
    body = {"state": state, "reason": arguments.reason}
    switched: Json = api.put(f"/ops/consumers/{escaped(arguments.consumer)}/state", body, arguments.key).expect(200)
    return switched


def print_state(switched: Json) -> None:
    table = Table("consumer", "state", "mappings changed", "action in the audit", box=None, pad_edge=False)
    changed = str(switched["changed"]) if switched["changed"] else "none: it had this state"
    table.add_row(switched["consumer"], switched["state"], changed, switched["action_id"])
    progress.table(table)


def add_commands(command: Callable[..., argparse.ArgumentParser]) -> None:
    """The commands that change the state of a consumer."""
    for name, what, look in (
        ("pause", "stop the deliveries to a consumer; its messages wait", pause),
        ("resume", "start the deliveries to a consumer again", resume),
    ):
        added = command(name, what, look, print_state)
        added.add_argument("consumer", type=consumer_name, metavar="CONSUMER", help="the function")
        added.add_argument("--reason", required=True, help="why; it is kept in the audit")
        added.add_argument(
            "--key", type=idempotency_key, help="a command that is repeated with this key does nothing again"
        )
