"""Lists of the API for scripts/ops, as far as one reads them."""

import argparse
import itertools
from typing import Any

import api_client
from api_client import ApiClient

# The most that a command lists.
MOST = 1000


def listed(api: ApiClient, path: str, what: str, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """The first items of a list. Adds a note to `arguments.notes` if there are more."""
    items = list(itertools.islice(api_client.pages(api, path), MOST + 1))
    if len(items) > MOST:
        arguments.notes.append(f"only the first {MOST} {what} are listed")
    return items[:MOST]
