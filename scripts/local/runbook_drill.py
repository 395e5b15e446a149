"""Injects faults into the running stack, sees the rule of each alarm fire, and runs its runbook until it is inactive.

For each fault the metrics are read before, with the fault, after the runbook's commands, and after another order. The
generated rule of the alarm has to be inactive, to fire, and to be inactive again over these readings (`alarm_rules.py`:
nobody waits for its periods). The commands are those of the page, as they are written there. At the end it shows what
the audit says of all that, and how long each fault took; `--write` puts that into docs/measurements.md.
"""

import argparse
import datetime
import time
from contextlib import ExitStack
from typing import NamedTuple

import alarm_rules
import config
import operate
import operate_access
import operate_lists
import progress
from alarm_rules import Reading, Samples
from config import ScriptError
from runbook_faults import ALL, REASON, Fault
from runbook_stack import Readings, Stack

DOCUMENT = config.ROOT / "docs/measurements.md"
BEGIN, END = "<!-- runbook_drill.py --write writes from here -->", "<!-- to here -->"


class Result(NamedTuple):
    """How long a fault took, in seconds."""

    name: str
    title: str
    alarm: str
    # From the start of its injection until the rule fires over the metrics.
    to_alarm: float
    # From the first command of the runbook until the commands have shown what is wrong.
    diagnosis: float
    # From the first command until the proof that the fault is fixed, and the metrics are below the threshold.
    to_clear: float


def table(results: list[Result]) -> str:
    lines = ["| fault | alarm | to the alarm, s | diagnosis, s | first command to clear, s |", "|---|---|--:|--:|--:|"]
    lines += [
        f"| {one.title} | `{one.alarm}` | {one.to_alarm:.1f} | {one.diagnosis:.1f} | {one.to_clear:.1f} |"
        for one in results
    ]
    return "\n".join(lines)


def written(document: str, results: list[Result]) -> str:
    """The document with these results in place of the former ones."""
    head, _, rest = document.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{table(results)}\n\n{END}{tail}"


class Drill:
    def __init__(self) -> None:
        self.readings = Readings()
        with progress.step("A customer, a product, and an order that is confirmed"):
            self.stack = Stack()
            self.healthy = self.settled()
        with progress.step("Another order"):
            self.settled_samples = self.settled()

    def settled(self) -> Samples:
        """The metrics after the stack did what it does when nothing is wrong."""
        self.stack.work()
        return self.readings.now()

    def run(self, kind: type[Fault]) -> Result:
        progress.heading(f"{kind.title}: {kind.alarm}, docs/runbooks/{kind.page}.md")
        watched = alarm_rules.alarm(kind.alarm)
        readings = [Reading("before", self.healthy, False), Reading("before the fault", self.settled_samples, False)]
        alarm_rules.play(watched, readings)
        with ExitStack() as undo:
            fault, injected = kind(self.stack, undo), time.monotonic()
            with progress.step("The fault is injected, and the rule fires"):
                fault.inject()
                firing = self.readings.firing(watched, self.settled_samples)
                readings.append(Reading("with the fault", firing, True))
                alarm_rules.play(watched, readings)
            fired = time.monotonic()
            with progress.step("The runbook shows what is wrong"):
                fault.diagnose()
            diagnosed = time.monotonic()
            with progress.step("The runbook fixes it"):
                fault.fix()
                fixed = self.readings.inactive(watched)
            clear = time.monotonic()
        with progress.step("Another order is confirmed, and the rule is inactive"):
            self.healthy, self.settled_samples = fixed, self.settled()
            readings += [Reading("fixed", fixed, None), Reading("settled", self.settled_samples, False)]
            alarm_rules.play(watched, readings)
        return Result(kind.name, kind.title, kind.alarm, fired - injected, diagnosed - fired, clear - fired)


def show_audit(since: str) -> None:
    """What the audit has of this drill."""
    progress.heading("Audit of the drill")
    actions = operate_lists.listed(operate_access.admin(), "/ops/audit", "actions", argparse.Namespace(notes=[]))
    operate.print_audit([one for one in actions if one["reason"] == REASON and one["at"] >= since])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    names = [kind.name for kind in ALL]
    parser.add_argument("faults", nargs="*", metavar="FAULT", help=f"only these: {', '.join(names)}")
    parser.add_argument("--write", action="store_true", help="write the times to docs/measurements.md")
    arguments = parser.parse_args()
    if arguments.write and arguments.faults:
        parser.error("--write needs all faults")
    unknown = set(arguments.faults) - set(names)
    if unknown:
        raise ScriptError(f"there is no fault {', '.join(sorted(unknown))}: choose from {', '.join(names)}")
    started, since = time.monotonic(), datetime.datetime.now(datetime.UTC).isoformat()[:19]
    drill = Drill()
    results = [drill.run(kind) for kind in ALL if not arguments.faults or kind.name in arguments.faults]
    show_audit(since)
    progress.heading("Faults that were fixed")
    for one in results:
        to_alarm, to_clear = progress.duration(one.to_alarm), progress.duration(one.to_clear)
        progress.done(f"{one.name}: {one.alarm} after {to_alarm}, fixed {to_clear} after the first command")
    progress.done(f"{len(results)} faults", time.monotonic() - started)
    if arguments.write:
        DOCUMENT.write_text(written(DOCUMENT.read_text(), results))
    return 0


if __name__ == "__main__":
    progress.run(main)
