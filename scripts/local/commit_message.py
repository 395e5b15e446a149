"""Checks the form of a commit message: a subject of at most 72 characters, a blank line, and a body that says why.

Git calls it as the hook commit-msg, with the file of the message, if `pre-commit install` was run.
"""

import sys
from pathlib import Path

MAX_SUBJECT = 72
# Git writes these itself, and a fixup disappears in the commit that it belongs to.
WITHOUT_BODY = ("Merge ", "Revert ", "fixup! ", "squash! ", "amend! ")
# With `git commit --verbose`, the changes follow.
SCISSORS = "# ------------------------ >8 ------------------------"


def complaints(message: str) -> list[str]:
    """What is wrong with a message."""
    lines = [line.rstrip() for line in message.split(SCISSORS, maxsplit=1)[0].splitlines() if not line.startswith("#")]
    subject, *rest = lines or [""]
    if subject.startswith(WITHOUT_BODY):
        return []
    found = []
    if not subject:
        found.append("the first line, the subject, is empty")
    if len(subject) > MAX_SUBJECT:
        found.append(f"the subject has {len(subject)} characters, more than {MAX_SUBJECT}")
    if subject.endswith("."):
        found.append("the subject ends with a full stop")
    if rest and rest[0]:
        found.append("the second line is not blank")
    if not any(rest[1:]):
        found.append("there is no body that says why")
    return found


def main() -> int:
    found = complaints(Path(sys.argv[1]).read_text())
    for one in found:
        print(f"commit message: {one}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
