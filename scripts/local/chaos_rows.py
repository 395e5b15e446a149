"""A row of the invariants of scripts/chaos."""

from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_SHOWN = 5


@dataclass
class Row:
    """An equation: the number on the left equals the sum of the terms on the right. Violations break it as well."""

    what: str
    left: int
    right: list[tuple[str, int]]
    violations: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return self.left == sum(number for _, number in self.right) and not self.violations

    def lines(self) -> Iterator[str]:
        right = " + ".join(f"{name} {number}" for name, number in self.right)
        yield f"{'ok    ' if self.ok else 'BROKEN'}  {self.what} {self.left} = {right}"
        for violation in self.violations[:MAX_SHOWN]:
            yield f"          {violation}"
        if len(self.violations) > MAX_SHOWN:
            yield f"          and {len(self.violations) - MAX_SHOWN} more"
