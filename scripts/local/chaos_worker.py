"""A thread of scripts/chaos that repeats one kind of request while services are killed."""

import itertools
import threading
from abc import ABC, abstractmethod
from typing import Any

from chaos_load import Load

Json = dict[str, Any]


class Worker(threading.Thread, ABC):
    """Calls `make` until `stopping` is set and `is_enough`, and at most `most` times.

    `made` has what it returned, `error` says what ended the thread early.
    """

    # What failed, if something does.
    what: str
    pause_s: float
    most: int | None = None

    def __init__(self, load: Load) -> None:
        super().__init__(daemon=True)
        self.load = load
        self.stopping = threading.Event()
        self.made: list[Json] = []
        self.error: str | None = None

    def run(self) -> None:
        try:
            for number in itertools.islice(itertools.count(), self.most):
                made = self.make(number)
                self.made += [made] if made else []
                if self.stopping.wait(self.pause_s) and self.is_enough(number):
                    return
        except Exception as error:
            # Reported by the run: an exception must not get lost in its thread.
            self.error = f"{self.what} failed: {error!r}"

    @abstractmethod
    def make(self, number: int) -> Json | None:
        """What is remembered of it. None if no attempt had a definite response."""

    @abstractmethod
    def is_enough(self, number: int) -> bool:
        """Whether the thread may end after this number."""
