"""Kills services of the local cloud with SIGKILL and starts them again, or disturbs them, in turn, while others send
orders.

The AWS emulator itself is not killed: it has queues, tables, buckets and functions in memory, and loses accepted
messages when it is killed, unlike the AWS services. Its function processes are killed instead, at any moment of their
work.
"""

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

import api_client
import chaos_disturbances
import chaos_processes
import config
import process
import services
from chaos_disturbances import Disturbance
from config import ScriptError
from services import Service

FUNCTIONS = "functions"
# Without one of these, no records are accepted.
NEEDED = {services.POSTGRES, services.KAFKA}
EACH = (services.POSTGRES, services.REDIS, services.KAFKA, services.GATEWAY, services.TRIGGER)
# A turn kills these services, or the processes of functions if it has none, or disturbs the stack.
Turn = tuple[Service, ...] | Disturbance
# One round. The turn before the last kills all services at once.
ROUND: tuple[Turn, ...] = (
    chaos_disturbances.SLOW,
    (services.POSTGRES,),
    (),
    chaos_disturbances.BUS,
    (services.REDIS,),
    chaos_disturbances.READ_ONLY,
    chaos_disturbances.DEPLOYMENT,
    (services.KAFKA,),
    (),
    chaos_disturbances.HANG,
    chaos_disturbances.SLOW_GATEWAY,
    (services.GATEWAY,),
    chaos_disturbances.RESHARDING,
    chaos_disturbances.BUS_ENTRIES,
    (services.TRIGGER,),
    EACH,
    chaos_disturbances.CONFIGURATION,
    chaos_disturbances.DEAD_LETTERS,
)
# What a run can do.
KINDS = (*(service.name for service in EACH), FUNCTIONS, *(each.name for each in chaos_disturbances.ALL))
DOWN_S, PAUSE_S, FUNCTIONS_S = (0.5, 6.0), (1.0, 4.0), (2.0, 5.0)
# How often a disturbance that has met nothing sends another order.
ORDER_S = 5
# How often function processes are looked at, and the share of the working ones that is killed.
INTERVAL_S, SHARE = 0.015, 0.4


def round_of(kinds: Sequence[str]) -> list[Turn]:
    """The turns of a round that are left if only these kinds are chosen."""
    left: list[Turn] = []
    for turn in ROUND:
        if isinstance(turn, Disturbance):
            left += [turn] if turn.name in kinds else []
            continue
        chosen = tuple(service for service in turn if service.name in kinds)
        if chosen or (not turn and FUNCTIONS in kinds):
            left.append(chosen)
    return left


class Killer(threading.Thread):
    """Repeats the round until `finish` is called, and finishes at least one, unless `abort` is called.

    `done` counts the kills, `outages` says from when to when no records were accepted, `error` what ended the thread
    early.
    """

    def __init__(
        self, seed: int, gateway_url: str, report: Callable[[str], None], kinds: Sequence[str] = KINDS
    ) -> None:
        super().__init__(daemon=True)
        self.round, self.kills_functions = round_of(kinds), FUNCTIONS in kinds
        self.rng, self.gateway_url, self.report = random.Random(seed), gateway_url, report
        self.stopping, self.aborted = threading.Event(), threading.Event()
        self.error: str | None = None
        self.done: Counter[str] = Counter()
        self.functions: Counter[str] = Counter()
        self.outages: list[tuple[float, float]] = []
        self.rounds, self.last = 0, 0.0
        # How long the bus is down at the beginning.
        self.bus_outage_s = 0
        # Sends an order for a disturbance to meet: the other orders may come in between, or have come before.
        self.order: Callable[[], None] = lambda: None

    def run(self) -> None:
        try:
            if self.bus_outage_s:
                self.disturb(chaos_disturbances.BUS, self.bus_outage_s)
            while not self._may_stop():
                for chosen in self.round:
                    if self._may_stop():
                        return
                    if isinstance(chosen, Disturbance):
                        self.disturb(chosen)
                    elif chosen:
                        self.kill(chosen)
                    else:
                        killed = self.kill_functions(self.rng.uniform(*FUNCTIONS_S))
                        self.report(f"{killed} function processes killed while working")
                    self.last = time.monotonic()
                    self.aborted.wait(self.rng.uniform(*PAUSE_S))
                self.rounds += 1
        # Whatever it is: the run would go on without disturbances, and show nothing.
        except Exception as error:
            self.error = str(error) if isinstance(error, ScriptError | OSError) else repr(error)

    def finish(self) -> None:
        """Ends the kills after the first round, or after the current turn of a later one, and waits for that."""
        self.stopping.set()
        if self.is_alive():
            self.join()

    def abort(self) -> None:
        """Ends the kills after the current turn, which is undone."""
        self.aborted.set()
        self.finish()

    def _may_stop(self) -> bool:
        return self.stopping.is_set() and (self.rounds > 0 or self.aborted.is_set())

    def kill(self, chosen: tuple[Service, ...]) -> None:
        """Kills services and starts them again. Every other time, function processes are killed in between."""
        if services.GATEWAY in chosen:
            self.drop_responses()
        down_s, functions = self.rng.uniform(*DOWN_S), 0
        with config.lock():
            for service in chosen:
                services.kill(service)
            began = time.monotonic()
            if self.kills_functions and (len(chosen) > 1 or self.rng.random() < 0.5):
                functions = self.kill_functions(down_s)
            else:
                time.sleep(down_s)
            for service in chosen:
                services.begin_start(service)
            for service in chosen:
                services.await_ready(service)
            if NEEDED.intersection(chosen):
                self.outages.append((began, time.monotonic()))
        names = [service.name for service in chosen]
        self.done.update(names)
        extra = f", and {functions} function processes" if functions else ""
        self.report(f"{', '.join(names)} killed, {down_s:.1f} s down{extra}")

    def disturb(self, chosen: Disturbance, lasts_s: float | None = None) -> None:
        """Lasts for some seconds, and until it has met something if it counts that."""
        lasts_s = lasts_s or self.rng.uniform(*DOWN_S)
        with config.lock(), chosen.apply(self.rng) as effect:
            began, hits = time.monotonic(), effect.hits
            self.order()
            self.aborted.wait(lasts_s)
            while hits and not process.wait_until(lambda: self.aborted.is_set() or hits() > 0, ORDER_S, 0.1):
                if time.monotonic() - began > chosen.within_s:
                    raise ScriptError(f"{chosen.name} met nothing within {chosen.within_s:.0f} s: {effect.what()}")
                self.order()
            lasted_s = time.monotonic() - began
        self.done[chosen.name] += 1
        self.report(f"{effect.what()} for {lasted_s:.1f} s")

    def drop_responses(self) -> None:
        """Lets the gateway's last charges or refunds before its end happen without a response."""
        api_client.put_json(f"{self.gateway_url}/_local/faults", {"mode": "drop_response", "count": 5})
        time.sleep(self.rng.uniform(0.2, 2))

    def kill_functions(self, seconds: float) -> int:
        """Kills function processes that used the CPU since the last look, so in the middle of their work."""
        killed, end = 0, time.monotonic() + seconds
        before = chaos_processes.cpu_times()
        while time.monotonic() < end:
            time.sleep(INTERVAL_S)
            now = chaos_processes.cpu_times()
            # A new process is starting, or at its first work.
            working = [pid for pid, ran in now.items() if before.get(pid, 0) != ran]
            for pid in working:
                if self.rng.random() < SHARE:
                    name = chaos_processes.function_of(pid)
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                        killed += 1
                        self.functions[name] += 1
            before = now
        self.done[FUNCTIONS] += killed
        return killed
