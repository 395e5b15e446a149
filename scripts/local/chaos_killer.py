"""Kills parts of the local cloud with -9 and starts them again, in turn, while others send orders.

The AWS emulator itself is left out: it keeps queues, tables, buckets and functions in memory and loses accepted messages when it
is killed, which no service of AWS that it stands for does. Its function processes are killed instead, at any moment of their work.
"""

import json
import os
import random
import signal
import threading
import time
import urllib.request
from collections import Counter
from pathlib import Path

import config
import services
import process
from config import ScriptError

FUNCTIONS = "function processes"
EACH = (services.POSTGRES, services.REDIS, services.KAFKA, services.GATEWAY, services.TRIGGER)
# A round; an empty turn strikes functions alone, the last one everything at once.
ROUND = ((services.POSTGRES,), (), (services.REDIS,), (services.KAFKA,), (), (services.GATEWAY,), (services.TRIGGER,), EACH)
DOWN_S, PAUSE_S, SNIPING_S = (0.5, 6), (1, 4), (2, 5)
# How often who is at work is looked at, and the share of those that die for it.
LOOK_S, SHARE = 0.015, 0.4


def workers(emulator):
    """Processes of functions, by process id, with the nanoseconds that each has run: children of the emulator."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            name, rest = (Path("/proc") / entry / "stat").read_text().rsplit(")", 1)
            state, parent = rest.split()[:2]
            if name.endswith("(bootstrap") and int(parent) == emulator and state not in "ZX":
                found[int(entry)] = int((Path("/proc") / entry / "schedstat").read_text().split()[0])
        except (OSError, IndexError, ValueError):
            continue
    return found


def function_of(pid):
    """The name of the function that a process runs."""
    try:
        environment = (Path("/proc") / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return "?"
    named = (one.partition(b"=")[2].decode() for one in environment if one.startswith(b"AWS_LAMBDA_FUNCTION_NAME="))
    return next(named, "?").removeprefix(f"quayside-{config.STAGE}-")


class Killer(threading.Thread):
    """Goes round until told to stop, and at least round once. What it did is in `done`, what stopped it in `trouble`."""

    def __init__(self, seed, gateway_url, say):
        super().__init__(daemon=True)
        self.rng, self.gateway_url, self.say = random.Random(seed), gateway_url, say
        self.stopping, self.trouble = threading.Event(), None
        self.done, self.rounds, self.functions = Counter(), 0, Counter()
        self.last = 0.0

    def run(self):
        try:
            while not (self.stopping.is_set() and self.rounds):
                for struck in ROUND:
                    if self.stopping.is_set() and self.rounds:
                        return
                    if struck:
                        self.kill(struck)
                    else:
                        self.say(f"{self.snipe(self.rng.uniform(*SNIPING_S))} function processes killed at their work")
                    self.last = time.monotonic()
                    time.sleep(self.rng.uniform(*PAUSE_S))
                self.rounds += 1
        except (ScriptError, OSError) as trouble:
            self.trouble = str(trouble)

    def kill(self, struck):
        """While they are down, functions die too every other time: what comes back meets what comes back."""
        if services.GATEWAY in struck:
            self.lose_answers()
        down, functions = self.rng.uniform(*DOWN_S), 0
        with config.lock():
            for part in struck:
                services.stop(part, kill=True)
            if len(struck) > 1 or self.rng.random() < 0.5:
                functions = self.snipe(down)
            else:
                time.sleep(down)
            for part in struck:
                services.begin(part)
            for part in struck:
                services.await_ready(part)
        self.done.update(part.name for part in struck)
        self.say(f"{', '.join(part.name for part in struck)} killed, {down:.1f} s down"
                 + (f", and {functions} function processes" if functions else ""))

    def lose_answers(self):
        """The last that the gateway does before it dies is to charge, or give back, without an answer."""
        asked = json.dumps({"mode": "drop_response", "count": 5}).encode()
        request = urllib.request.Request(f"{self.gateway_url}/_local/faults", data=asked, method="PUT")
        with urllib.request.urlopen(request, timeout=10) as got:
            got.read()
        time.sleep(self.rng.uniform(0.2, 2))

    def snipe(self, seconds):
        """Kills processes that have just been seen at work, and so in the middle of it. How many."""
        emulator, struck, end = process.alive(services.AWS.name), 0, time.monotonic() + seconds
        before = workers(emulator)
        while time.monotonic() < end:
            time.sleep(LOOK_S)
            now = workers(emulator)
            # One that was not there a moment ago is starting, or at its first work.
            for pid in [pid for pid, ran in now.items() if before.get(pid, 0) != ran]:
                if self.rng.random() < SHARE:
                    name = function_of(pid)
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        continue
                    struck += 1
                    self.functions[name] += 1
            before = now
        self.done[FUNCTIONS] += struck
        return struck
