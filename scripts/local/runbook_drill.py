"""Injects faults into the running stack, sees the rule of each alarm fire, and runs its runbook until it is inactive.

For each fault the metrics are read before, with the fault, after the runbook's commands, and after another order. The
generated rule of the alarm has to be inactive, to fire, and to be inactive again over these readings (`alarm_rules.py`:
nobody waits for its periods). The commands are those of the page, as they are written there. At the end it shows what
the audit says of all that.
"""

import argparse
import datetime
import time
from contextlib import ExitStack
from typing import NamedTuple

import alarm_rules
import operate
import operate_access
import operate_lists
import progress
from alarm_rules import Reading, Samples
from config import ScriptError
from runbook_faults import ALL, REASON, Fault
from runbook_stack import Readings, Stack


class Result(NamedTuple):
    """How long a fault took, from its injection to the proof that it is fixed."""

    name: str
    alarm: str
    seconds: float


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
            fault, started = kind(self.stack, undo), time.monotonic()
            with progress.step("The fault is injected, and the rule fires"):
                fault.inject()
                firing = self.readings.firing(watched, self.settled_samples)
                readings.append(Reading("with the fault", firing, True))
                alarm_rules.play(watched, readings)
            with progress.step("The runbook shows what is wrong"):
                fault.diagnose()
            with progress.step("The runbook fixes it"):
                fault.fix()
                fixed = self.readings.inactive(watched)
            seconds = time.monotonic() - started
        with progress.step("Another order is confirmed, and the rule is inactive"):
            self.healthy, self.settled_samples = fixed, self.settled()
            readings += [Reading("fixed", fixed, None), Reading("settled", self.settled_samples, False)]
            alarm_rules.play(watched, readings)
        return Result(kind.name, kind.alarm, seconds)


def show_audit(since: str) -> None:
    """What the audit has of this drill."""
    progress.heading("Audit of the drill")
    actions = operate_lists.listed(operate_access.admin(), "/ops/audit", "actions", argparse.Namespace(notes=[]))
    operate.print_audit([one for one in actions if one["reason"] == REASON and one["at"] >= since])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    names = [kind.name for kind in ALL]
    parser.add_argument("faults", nargs="*", metavar="FAULT", help=f"only these: {', '.join(names)}")
    arguments = parser.parse_args()
    unknown = set(arguments.faults) - set(names)
    if unknown:
        raise ScriptError(f"there is no fault {', '.join(sorted(unknown))}: choose from {', '.join(names)}")
    started, since = time.monotonic(), datetime.datetime.now(datetime.UTC).isoformat()[:19]
    drill = Drill()
    results = [drill.run(kind) for kind in ALL if not arguments.faults or kind.name in arguments.faults]
    show_audit(since)
    progress.heading("Faults that were fixed")
    for one in results:
        progress.done(f"{one.name}: {one.alarm}", one.seconds)
    progress.done(f"{len(results)} faults", time.monotonic() - started)
    return 0


if __name__ == "__main__":
    progress.run(main)
