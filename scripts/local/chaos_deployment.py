"""A rolling deployment of scripts/chaos: ten of the functions that an order, its messages or an image pass get a new
package, one after another, and then their former one again. The packages differ in a file that says so.

Lambda gives a function that is deployed new execution environments, while the former ones finish what they are doing.
Until the end of the deployment the functions with the new package and the others process each other's events.
"""

import hashlib
import io
import random
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import aws
import catalog
import chaos_processes

# What has to do with an order, from its placement to its invoice, and with a picture.
STACKS = ("orders", "inventory", "payments", "invoices", "notifications")
EVENTS, OTHERS = ("bus", "fanout"), ("order-place", "image-resize")
COUNT = 10
# Always the same, so that a function has one new package: the emulator keeps what it has unpacked.
MARK = zipfile.ZipInfo("deployment")
MARK.external_attr = 0o644 << 16


def candidates() -> list[str]:
    consumers = [
        name for stack in STACKS for name in catalog.functions(stack) if catalog.trigger(name)["kind"] in EVENTS
    ]
    return sorted([*consumers, *OTHERS])


def marked(package: bytes) -> bytes:
    """The package with one more file."""
    changed = io.BytesIO(package)
    with zipfile.ZipFile(changed, "a") as file:
        file.writestr(MARK, "")
    return changed.getvalue()


class Deployment:
    """Which packages are deployed, and which execution environments have been seen with them."""

    def __init__(self) -> None:
        # One with a new package is left by a former deployment.
        self.earlier = set(chaos_processes.cpu_times())
        self.new: set[str] = set()
        self.replaced: set[str] = set()
        self.started: set[int] = set()
        self.finishing: set[int] = set()

    def deploy(self, function: str, undo: ExitStack) -> None:
        """Deploys a new package, and the former one when `undo` is closed."""
        former = aws.package(function)
        changed = marked(former)
        undo.callback(self.replace, function, changed, former)
        self.new.add(digest(changed))
        self.replace(function, former, changed)

    def replace(self, function: str, before: bytes, after: bytes) -> None:
        aws.set_package(function, after)
        self.replaced = self.replaced - {digest(after)} | {digest(before)}
        self.look()

    def look(self) -> int:
        """Looks at the execution environments. Returns how many with a new package have been seen so far."""
        for pid in chaos_processes.cpu_times():
            code = chaos_processes.code_of(pid)
            if code in self.replaced:
                self.finishing.add(pid)
            elif code in self.new and pid not in self.earlier:
                self.started.add(pid)
        return len(self.started)


def digest(package: bytes) -> str:
    return hashlib.sha256(package).hexdigest()


@contextmanager
def rolling(rng: random.Random) -> Iterator[tuple[Deployment, list[str]]]:
    """Gives the deployment and its functions, once the last of them is deployed."""
    chosen, deployment = rng.sample(candidates(), COUNT), Deployment()
    with ExitStack() as undo:
        for function in chosen:
            deployment.deploy(function, undo)
        yield deployment, chosen
