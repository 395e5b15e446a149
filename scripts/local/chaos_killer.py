"""Kills parts of the local cloud with -9 and starts them again, in turn, while others send orders.

The AWS emulator itself is left out: it keeps queues, tables, buckets and functions in memory and loses accepted messages when it
is killed, which no service of AWS that it stands for does. Its function processes are killed instead, at any moment of their work.
"""

import os
import random
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import layout
import parts
import process
from layout import Trouble

FUNCTIONS = "function processes"
KILLED = (parts.POSTGRES.name, FUNCTIONS, parts.REDIS.name, parts.KAFKA.name, FUNCTIONS, parts.GATEWAY.name, parts.TRIGGER.name)
DOWN_S, PAUSE_S = (0.5, 6), (1, 4)


def workers():
    """Processes of functions, by process id: children of the emulator that run a `bootstrap`."""
    emulator = process.alive(parts.AWS.name)
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = (Path("/proc") / entry / "stat").read_text().rsplit(")", 1)
            if not stat[0].endswith("(bootstrap") or int(stat[1].split()[1]) != emulator:
                continue
            environment = (Path("/proc") / entry / "environ").read_bytes().split(b"\0")
        except (OSError, IndexError):
            continue
        name = next((one.partition(b"=")[2].decode() for one in environment if one.startswith(b"AWS_LAMBDA_FUNCTION_NAME=")), "?")
        found[int(entry)] = name
    return found


class Killer(threading.Thread):
    """Goes round until told to stop, and at least once round. What it did is in `done`, what stopped it in `trouble`."""

    def __init__(self, seed, say):
        super().__init__(daemon=True)
        self.rng, self.say = random.Random(seed), say
        self.stopping, self.trouble = threading.Event(), None
        self.done, self.rounds, self.functions = Counter(), 0, Counter()

    def run(self):
        try:
            while not (self.stopping.is_set() and self.rounds):
                for name in KILLED:
                    if self.stopping.is_set() and self.rounds:
                        break
                    self.kill(name)
                    time.sleep(self.rng.uniform(*PAUSE_S))
                self.rounds += 1
        except Trouble as trouble:
            self.trouble = str(trouble)

    def kill(self, name):
        if name == FUNCTIONS:
            return self.kill_functions()
        part = parts.named(name)
        down = self.rng.uniform(*DOWN_S)
        with layout.lock():
            parts.stop(part, kill=True)
            time.sleep(down)
            parts.start(part)
        self.done[name] += 1
        self.say(f"{part.title} killed, {down:.1f} s down")

    def kill_functions(self):
        """Some of them or all, a few times in quick succession, so that those just started again die too."""
        struck = 0
        for _ in range(self.rng.randint(1, 4)):
            share = self.rng.choice((0.3, 0.6, 1))
            for pid, name in workers().items():
                if self.rng.random() < share:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        continue
                    struck += 1
                    self.functions[name] += 1
            time.sleep(self.rng.uniform(0.1, 0.8))
        self.done[FUNCTIONS] += struck
        self.say(f"{struck} function processes killed")
