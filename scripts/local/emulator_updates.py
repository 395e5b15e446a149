"""Invocations that run while their function is updated. Only the emulator's environment can import this module.

ministack 1.5.33 ends every execution environment of a function whose code or configuration changes, also in the middle
of an invocation. Lambda lets the invocation finish in its environment, which then gets no other one; the next
invocation has a new environment.
"""

import weakref
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

# Environments that end after their invocation, guarded by the lock of the emulator. Weak, because the emulator releases
# none whose invocation failed.
_retired: weakref.WeakSet[Any] = weakref.WeakSet()


def _is_of(key: str, function: str, qualifier: str | None) -> bool:
    """Whether a pool, `<account>:<region>:<function>:<qualifier>`, belongs to a function. There is one account here."""
    *_, of_function, of_qualifier = key.split(":")
    return of_function == function and qualifier in {None, of_qualifier}


def _retire_working(func_name: str, qualifier: str | None = None, **_scope: str | None) -> None:
    """Takes the environments of a function out of its pools. Those in which an invocation runs or waits for their start
    end after it, and the others at once.
    """
    idle = []
    with lambda_runtime._lock:
        for key in [key for key in lambda_runtime._workers if _is_of(key, func_name, qualifier)]:
            for worker in lambda_runtime._workers.pop(key, []):
                if worker.in_use:
                    _retired.add(worker)
                else:
                    idle.append(worker)
    # Outside of the lock, as the emulator does: it waits until they have ended.
    lambda_runtime.kill_workers(idle)


def _release(worker: Any) -> None:
    """Ends a retired environment after its invocation."""
    # The emulator drops one whose invocation failed; a `provided` environment that failed to start has ended itself.
    if worker is None:
        return
    # At once: the next invocation may take an environment as soon as it is not in use, and an update retire it then.
    with lambda_runtime._lock:
        worker.in_use = False
        is_retired = worker in _retired
        _retired.discard(worker)
    if is_retired:
        lambda_runtime.kill_workers([worker])


def install() -> None:
    """Replaces what the emulator calls at each update, and at the end of each invocation."""
    lambda_svc.invalidate_worker, lambda_svc.release_worker = _retire_working, _release
