"""Sends orders through the whole local cloud while its parts are killed with -9, and adds everything up when it is quiet.

It starts the local cloud if it is not up, makes customers and products (half of them too short for what is asked), sends the
orders over HTTP with several clients at once, and meanwhile kills and restarts, in turn: PostgreSQL, Redis, Kafka, the payment
gateway, the processes of the functions, the Kafka trigger, and all of these at once. The AWS emulator is not killed: it keeps everything
in memory. Killed once to see that, it came back without the message that it had accepted, without the queue and without the stack,
which is no behaviour of AWS. Then it waits until nothing moves, without pushing anything, and prints the conservation table. It exits
with 0 if every row adds up, with 1 if a row is broken or quiet did not come.

How long it takes: some minutes of orders; then as long as the platform's own schedules need. A message whose function was killed comes
again when its visibility times out (one to three minutes); a payment whose function was killed and whose order was cancelled meanwhile is
looked after by payment-reconcile, ten to fifteen minutes later.

When a row is broken: the ids under the row are what to look for. `select history from orders.orders where id = …` says what the order
went through; the lines of `.local/logs/aws.log` with the event's correlation id say what the consumers did (routes log to the
emulator's CloudWatch); docs/runbooks says what a dead letter's reason means. The stack is left running for that. `--check` adds a run up again, after a look or a mend.
"""

import argparse
import datetime
import json
import random
import re
import subprocess
import sys
import time
from collections import Counter

import chaos_observer
import chaos_load
import chaos_quiescence
import chaos_checks
import config
import process
import services
import progress
import api_client
from chaos_killer import Killer
from config import ScriptError

LAST = config.LOCAL / "chaos.json"
CUSTOMERS = 12
UNITS_AN_ORDER = 1.7 * 2


def ensure_up():
    """The stack, started if need be. It is left running at the end: scripts/down stops it."""
    running = all(process.alive(name) for name in services.ALL) and config.STACK_ENV.exists()
    if not running and subprocess.run([config.ROOT / "scripts" / "up"], check=False).returncode != 0:
        raise ScriptError("the local cloud does not come up: its reason stands above")
    return api_client.stack_env()


class Storm:
    """One run."""

    def __init__(self, arguments):
        self.asked, self.rng = arguments, random.Random(arguments.seed)
        self.env = ensure_up()
        self.tally = chaos_load.Tally()

    def prepare(self):
        tag = time.strftime("%y%m%d%H%M%S")
        with progress.step(f"{CUSTOMERS} customers register, 8 products go on sale"):
            self.since = chaos_observer.now()
            before = chaos_observer.Run(self.env, self.since, [], []).before
            people = chaos_load.people(self.env, CUSTOMERS, tag)
            staff = api_client.Client(self.env["API_URL"]).login(self.env["STAFF_EMAIL"], self.env["STAFF_PASSWORD"])
            self.received = chaos_load.products(self.env, staff, tag, self.asked.orders * UNITS_AN_ORDER)
        self.run = chaos_observer.Run(self.env, self.since, [user for user, _ in people], list(self.received), before)
        self.load = chaos_load.Load(self.env, [client for _, client in people], staff, self.tally)
        self.plans = chaos_load.plans(self.rng, self.asked.orders, CUSTOMERS, list(self.received))

    def blow(self):
        """Orders and kills at once. The killer ends its first round in any case."""
        self.killer = Killer(self.asked.seed, self.env["GATEWAY_URL"], progress.note)
        progress.heading(f"{self.asked.orders} orders by {self.asked.clients} clients, seed {self.asked.seed}")
        started = time.monotonic()
        if not self.asked.no_kills:
            self.killer.start()
        try:
            self.load.run(self.rng, self.plans, self.asked.clients)
        finally:
            self.killer.stopping.set()
            if not self.asked.no_kills:
                self.killer.join()
        self.blown_s = time.monotonic() - started
        if self.killer.trouble:
            raise ScriptError(f"a part did not come back: {self.killer.trouble}")
        if self.load.trouble:
            raise ScriptError(f"a customer failed: {self.load.trouble[0]}")

    def settle(self):
        progress.heading("waiting until nothing moves")
        status = [""]
        with progress.step("quiet") as step:
            step.status = lambda: status[0]
            since = max(self.tally.last, self.killer.last)
            quiet_at, self.calm, self.last = chaos_quiescence.await_quiet(
                self.run, self.asked.quiet_timeout, lambda text: status.__setitem__(0, text))
        self.quiet_s = quiet_at - since
        with progress.step("every accepted request sent again"):
            self.replays = self.load.replay(self.plans, self.asked.clients)
        self.replays += [{"key": one["key"], "same": False, "said": f"two answers at once: {one['differing']}"}
                         for one in self.load.placed if one.get("differing")]

    def keep(self):
        """What a later `--check` needs to know of this run."""
        placed = [{name: value for name, value in one.items() if name not in ("raw", "differing")} for one in self.load.placed]
        LAST.write_text(json.dumps({
            "since": self.since, "users": self.run.users, "received": self.received, "before": self.run.before, "placed": placed, "replays": self.replays}))
        return placed

    def story(self, facts):
        """What the run was, beside the table."""
        statuses = ", ".join(f"{status}: {number}" for status, number in sorted(self.tally.statuses.items(), key=str))
        yield f"duration: {progress.took(self.blown_s)} of orders and kills; quiet {progress.took(self.quiet_s)} after the last request or kill"
        yield f"the last that moved: {', '.join(self.last) or 'nothing'}; "\
              f"the slowest confirmation came {slowest(facts)} s after its order"
        yield f"requests: {self.tally.requests} in {self.tally.tries} tries, {self.tally.retried} of them sent again ({statuses})"
        if self.tally.faults:
            yield f"answers 500: {tell(self.tally.faults)}"
        yield f"customers: {tell(Counter(one['habit'] for one in self.load.placed))}"
        yield f"  of these: {tell(self.load.done)}"
        yield f"kills: {tell(self.killer.done)}; AWS emulator: 0, it would lose what it accepted (see --help)"
        yield f"  functions most often: {tell(dict(self.killer.functions.most_common(8)))}"
        yield f"orders: {tell(Counter(one['status'] + (': ' + one['reason'] if one['reason'] else '') for one in facts['orders']))}"
        yield from extras(self.run, facts)


def slowest(facts):
    """Seconds from placing to the confirmation that took longest."""
    took = [(entry["at"], order["history"][0]["at"]) for order in facts["orders"] for entry in order["history"]
            if entry["status"] == "processing"]
    return max((int((moment(there) - moment(here)).total_seconds()) for there, here in took), default=0)


def moment(text):
    # Microseconds at most: older Pythons read no more digits.
    return datetime.datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text).replace("Z", "+00:00"))


def tell(counted):
    return ", ".join(f"{name} {number}" for name, number in counted.items()) or "none"


def extras(run, facts):
    """What may happen and is no fault: at least once is at least once."""
    twice = sum(run.archived[one][2] - 1 for one in facts["archived"])
    ours = {order["id"] for order in facts["orders"]}
    letters = Counter((mail["subject"], order) for mail in facts["mails"] for order in mail["orders"] if order in ours)
    copies = sum(number - 1 for number in letters.values())
    yield f"at least once: {twice} lines of the archive are there again, {copies} letters were sent again"
    yield f"dead letters: {tell(Counter((one['queue'] + ': ' + one['reason']) for one in facts['dead']))}"


def report(facts, unrest, story):
    """Prints it all; whether it holds."""
    table = chaos_checks.judge(facts)
    progress.heading("conservation")
    for row in table:
        for line in row.lines():
            print(f"  {line}")
    if unrest:
        print(f"  BROKEN  quiet did not come: {', '.join(unrest)}")
    progress.heading("the run")
    for line in story:
        progress.note(line)
    broken = sum(not row.ok for row in table) + bool(unrest)
    if broken:
        progress.fail(f"{broken} of {len(table) + 1} rows are broken; the stack is left as it is: scripts/chaos --help says how to look")
    else:
        progress.done(f"all {len(table)} rows add up: nothing lost, nothing doubled, nothing oversold")
    return not broken


def storm(arguments):
    one = Storm(arguments)
    one.prepare()
    one.blow()
    one.settle()
    facts = one.run.facts(one.keep(), one.replays, one.received)
    return report(facts, not one.calm and one.last, one.story(facts))


def check(arguments):
    """Adds the last run up again."""
    if not LAST.exists():
        raise ScriptError("there is no run to check: run scripts/chaos")
    kept = json.loads(LAST.read_text())
    run = chaos_observer.Run(api_client.stack_env(), kept["since"], kept["users"], list(kept["received"]), kept["before"])
    _, calm, last = chaos_quiescence.await_quiet(run, arguments.quiet_timeout, lambda _: None)
    facts = run.facts(kept["placed"], kept["replays"], kept["received"])
    return report(facts, not calm and last, extras(run, facts))


def read_arguments():
    parser = argparse.ArgumentParser(prog="scripts/chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=300, help="how many (300)")
    parser.add_argument("--clients", type=int, default=12, help="how many at once (12)")
    parser.add_argument("--seed", type=int, default=None, help="what customers do and what is killed when; the run says which it took")
    parser.add_argument("--quiet-timeout", type=int, default=1200,
                        help="seconds until quiet at most (1200: a payment without an answer is looked after in ten to fifteen minutes)")
    parser.add_argument("--no-kills", action="store_true", help="kill nothing")
    parser.add_argument("--check", action="store_true", help="send nothing: add the last run up again")
    arguments = parser.parse_args()
    if arguments.seed is None:
        arguments.seed = random.randrange(1_000_000)
    return arguments


def main():
    arguments = read_arguments()
    try:
        return 0 if (check if arguments.check else storm)(arguments) else 1
    except ScriptError as trouble:
        progress.fail(str(trouble))
        return 1
    except KeyboardInterrupt:
        progress.fail("interrupted; the stack goes on running, scripts/down stops it")
        return 130


if __name__ == "__main__":
    sys.exit(main())
