"""What a person sees: a step, a tick, the time it took. Long steps say that they live; colour only on a terminal."""

import sys
import threading
import time

# Without a terminal a long step says so once in this many seconds.
STILL_EVERY_S = 15


def _tty():
    return sys.stdout.isatty()


def _paint(code, text):
    return f"\033[{code}m{text}\033[0m" if _tty() else text


def took(seconds):
    return f"{int(seconds // 60)} min {int(seconds % 60)} s" if seconds >= 60 else f"{seconds:.1f} s"


def heading(text):
    print(_paint("1", text), flush=True)


def note(text):
    print(f"    {text}", flush=True)


def fail(text):
    sys.stdout.flush()
    print(f"{_paint('31', '✗')} {text}", file=sys.stderr, flush=True)


def done(text, seconds=None):
    tail = f" {_paint('2', '(' + took(seconds) + ')')}" if seconds is not None else ""
    print(f"  {_paint('32', '✓')} {text}{tail}", flush=True)


class step:
    """`with step("deploying") as s:` prints the tick when it ends well; `s.status` may tell what it is at."""

    def __init__(self, text):
        self.text = text
        self.status = lambda: ""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        self.started = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, kind, _error, _trace):
        self._over.set()
        self._thread.join()
        if _tty():
            print("\r\033[K", end="")
        if kind is None:
            done(self.text, time.monotonic() - self.started)

    def _watch(self):
        said = time.monotonic()
        # Nothing at all for what is over at once.
        if self._over.wait(1.0 if not _tty() else 0.2):
            return
        if not _tty():
            print(f"  … {self.text}", flush=True)
        while not self._over.wait(0.2):
            now = time.monotonic()
            if _tty():
                line = f"  … {self.text} ({took(now - self.started)}) {self.status()}"
                print("\r\033[K" + line[:110], end="", flush=True)
            elif now - said >= STILL_EVERY_S:
                said = now
                print(f"    {self.text}: {took(now - self.started)} {self.status()}".rstrip(), flush=True)
