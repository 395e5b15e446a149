"""Proves, against the running stack, that each permission of a function is needed and that nothing else is allowed.

A statement is needed if a request that the function makes is denied without it:

- removed: the statement was removed from the role in the running stack, and the emulator denied the function's call;
- replayed: the function made the call before, and the policy without the statement denies it;
- simulated: Lambda or another service makes the request, which no API of the emulator receives, and the policy without
  the statement denies it.

Nothing else is allowed: calls that a row does not grant are made with the credentials of its role in the running stack,
and every request that any statement of the platform allows is decided by every policy.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import api_client
import catalog
import iam_forbidden
import iam_policies
import iam_services
import iam_triggers
import progress
import sample_data
import samples
from config import ScriptError
from iam_simulator import Request, decide
from sample_data import StackData

Json = dict[str, Any]

NOT_NEEDED = "not needed"


class Row(NamedTuple):
    """One statement of one function, and how it is known to be needed."""

    function: str
    sid: str
    proof: str


def is_called(function: str, statement: Json) -> bool:
    """Whether the code itself takes an action of the statement."""
    return bool(iam_policies.actions(statement) & iam_policies.recorded().get(function, set()))


def remove(function: str, sid: str, data: StackData) -> bool:
    """Whether the emulator denies an action of the statement once the role lacks it."""
    statement = iam_policies.statement_of(iam_policies.deployed(function), sid)
    sids = [sid]
    shape = iam_policies.shape(sid)
    if shape == "OwnQueue":
        # A message is retried, and its visibility changed, if it cannot be sent to the dead-letter queue either.
        rows = iam_policies.deployed(function)["Statement"]
        sids += [row["Sid"] for row in rows if iam_policies.shape(row["Sid"]) == "OwnDeadLetters"]
    invoke = iam_triggers.invoke_sample
    if shape in {"OwnQueue", "OwnDeadLetters"}:
        invoke = iam_triggers.invoke_unreadable
    known = iam_triggers.denials(function)
    with iam_policies.removed(function, sids):
        invoke(function, data)
        return bool(iam_triggers.denied_since(function, known) & iam_policies.actions(statement))


def removals(functions: list[str], data: StackData) -> Iterator[Row]:
    """Removes each statement that the code needs, one at a time."""
    for function in samples.in_order(functions):
        started = time.monotonic()
        statements = iam_policies.deployed(function)["Statement"]
        called = [statement["Sid"] for statement in statements if is_called(function, statement)]
        rows = [Row(function, sid, "removed") for sid in called if remove(function, sid, data)]
        if rows:
            names = ", ".join(row.sid for row in rows)
            progress.note(f"{function}: {names} ({progress.duration(time.monotonic() - started)})")
        yield from rows


def replays(functions: list[str]) -> Iterator[Row]:
    """The statements without which a call that a function made before would be denied."""
    policies, questions, rows = {}, [], []
    for function in functions:
        document = iam_policies.deployed(function)
        for statement in document["Statement"]:
            sid = statement["Sid"]
            policies[f"{function} {sid}"] = iam_policies.without(document, [sid])
            for decision in iam_triggers.decisions(function):
                if decision.allowed and decision.action in iam_policies.actions(statement):
                    keys = iam_triggers.keys_of(decision)
                    questions.append((f"{function} {sid}", Request(decision.action, decision.resource, keys)))
                    rows.append(Row(function, sid, "replayed"))
    yield from _denied(rows, policies, questions)


def simulations() -> Iterator[Row]:
    """The statements without which a request of a service would be denied, with the values of a real account."""
    policies, questions, rows = {}, [], []
    for function, document in iam_policies.on_aws().items():
        policies[function] = document
        for statement in document["Statement"]:
            sid = statement["Sid"]
            policies[f"{function} {sid}"] = iam_policies.without(document, [sid])
            taken = iam_services.taken(catalog.row(function))
            grant = iam_policies.grants(function)[iam_policies.number(sid)]
            for request in iam_policies.requests(statement, grant):
                if request.action in taken:
                    questions.append((f"{function} {sid}", request))
                    rows.append(Row(function, sid, "simulated"))
    yield from _denied(rows, policies, questions)


def _denied(rows: list[Row], policies: dict[str, Json], questions: list[tuple[str, Request]]) -> Iterator[Row]:
    for row, allowed in zip(rows, decide(policies, questions), strict=True):
        if not allowed:
            yield row


def proofs(functions: list[str], data: StackData) -> list[Row]:
    """The strongest proof of each statement of every function. Only these functions lose statements in the stack."""
    best: dict[tuple[str, str], str] = {}
    for found in (simulations(), replays(functions), removals(functions, data)):
        best |= {(row.function, row.sid): row.proof for row in found}
    statements = [(name, row["Sid"]) for name, policy in iam_policies.on_aws().items() for row in policy["Statement"]]
    return [Row(*statement, best.get(statement, NOT_NEEDED)) for statement in statements]


def idle_actions() -> list[str]:
    """Actions within statements that neither the code calls nor a service takes, and actions that are missing."""
    complaints = []
    for function, document in iam_policies.on_aws().items():
        granted = set().union(*(iam_policies.actions(statement) for statement in document["Statement"]))
        row = catalog.row(function)
        called = iam_policies.recorded().get(function, set()) - iam_services.of_scram(row)
        used = iam_services.taken(row) | called
        complaints += [f"{function}: nothing takes {action}" for action in sorted(granted - used)]
        complaints += [f"{function}: {action} is not granted" for action in sorted(used - granted)]
    return complaints


def table(rows: list[Row], forbidden: dict[str, int]) -> str:
    text = "| function | removed | replayed | simulated | forbidden calls denied |\n|---|---|---|---|--:|\n"
    for function in sorted(forbidden):
        own = [row for row in rows if row.function == function]
        cells = [
            ", ".join(row.sid for row in own if row.proof == proof) for proof in ("removed", "replayed", "simulated")
        ]
        idle = [row.sid for row in own if row.proof == NOT_NEEDED]
        if idle:
            cells[0] += f" **not needed: {', '.join(idle)}**"
        text += f"| {function} | {' | '.join(cells)} | {forbidden.get(function, '')} |\n"
    counts = {proof: sum(row.proof == proof for row in rows) for proof in ("removed", "replayed", "simulated")}
    said = ", ".join(f"{count} {proof}" for proof, count in counts.items())
    return text + f"\n{len(rows)} statements: {said}. {sum(forbidden.values())} forbidden calls were denied.\n"


def check_record(everything: bool) -> list[str]:
    """Differences between the committed actions and those that the emulator allowed since it started."""
    called, committed = iam_triggers.called(), iam_policies.recorded()
    complaints = []
    for function in catalog.functions():
        now, then = called.get(function, set()), committed.get(function, set())
        complaints += [f"{function} calls {action}, which is not recorded" for action in sorted(now - then)]
        if everything:
            complaints += [f"{function} did not call {action}" for action in sorted(then - now)]
    return complaints


def exercise(data: StackData) -> None:
    """Makes every function take its actions, with all of its statements. Consumers reject and retry a record, too."""
    for function in catalog.functions():
        policy = iam_policies.deployed(function)
        shapes = {iam_policies.shape(row["Sid"]): row["Sid"] for row in policy["Statement"]}
        if "OwnDeadLetters" in shapes:
            iam_triggers.invoke_unreadable(function, data)
            with iam_policies.removed(function, [shapes["OwnDeadLetters"]]):
                iam_triggers.invoke_unreadable(function, data)
        iam_triggers.invoke_sample(function, data)


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/iam", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="FUNCTION", help="remove statements of these alone")
    parser.add_argument("--functions", type=int, default=4, metavar="N", help="how many functions lose statements; 4")
    parser.add_argument("--seed", type=int, default=7, metavar="S", help="chooses them; 7")
    parser.add_argument("--all", action="store_true", help="every function")
    parser.add_argument("--record", action="store_true", help="write which actions the code of each function calls")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table to a file as well")
    return parser.parse_args()


def chosen(arguments: argparse.Namespace) -> list[str]:
    every = catalog.functions()
    unknown = set(arguments.names) - set(every)
    if unknown:
        raise ScriptError(f"there is no function {', '.join(sorted(unknown))}")
    if arguments.all:
        return every
    # Of those whose code calls an AWS API.
    calling = [name for name in every if name in iam_policies.recorded()]
    return arguments.names or random.Random(arguments.seed).sample(calling, min(arguments.functions, len(calling)))


def check(functions: list[str], arguments: argparse.Namespace, data: StackData) -> list[str]:
    with progress.step("Decide every request by every policy"):
        complaints = iam_forbidden.check_matrix(decide) + idle_actions()
    progress.note("Remove statements one at a time")
    rows = proofs(functions, data)
    # What no sample event needs has to be replayed, which needs the journeys: a run of some functions is about these.
    wanted = [row for row in rows if arguments.all or row.function in functions]
    complaints += [f"{row.function}: {row.sid} is not needed" for row in wanted if row.proof == NOT_NEEDED]
    forbidden = {}
    with progress.step("Make forbidden calls with each role"):
        calls = iam_forbidden.calls()
        for function in functions:
            own = calls if arguments.all else iam_forbidden.sample(calls, f"{arguments.seed} {function}")
            forbidden[function], open_ones = iam_forbidden.breaches(function, own)
            complaints += open_ones
    if arguments.all:
        with progress.step("Call every function with all of its statements"):
            exercise(data)
    complaints += check_record(arguments.all)
    text = table(rows if arguments.all else wanted, forbidden)
    if arguments.write:
        arguments.write.write_text(text)
    progress.done(text.strip().splitlines()[-1])
    return complaints


def main() -> int:
    arguments = read_arguments()
    try:
        functions = chosen(arguments)
        api_client.stack_env()
        progress.heading("Permissions of functions")
        with progress.step("Place the orders that the samples name"):
            data = sample_data.create()
        try:
            if arguments.record:
                with progress.step("Record what every function calls"):
                    exercise(data)
                    iam_policies.write_recorded(iam_triggers.called())
            complaints = check(functions, arguments, data)
        finally:
            iam_triggers.purge_dead_letters(functions)
    except ScriptError as error:
        progress.fail(str(error))
        return 1
    for complaint in complaints:
        progress.fail(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
