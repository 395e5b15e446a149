"""The command line of scripts/ops: what an argument may be, and how one that is refused is named."""

import argparse
import json
import re
from typing import Any, NoReturn

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NUMBER = re.compile(r"[0-9a-f]{12}")
KEY = re.compile(r"[!-~]{1,255}")


class Parser(argparse.ArgumentParser):
    """Refuses arguments in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} ({self.prog} --help)\n")


def lowered(text: str) -> str:
    """An id as the API writes it; other text as it is."""
    return text.lower() if UUID.fullmatch(text.lower()) else text


def resource_id(text: str) -> str:
    if not UUID.fullmatch(text.lower()):
        raise argparse.ArgumentTypeError(f"{text} is not an id, such as 01936d6e-0000-7000-8000-000000000000")
    return text.lower()


def order_reference(text: str) -> str:
    """The id of an order, or its number: the last 12 characters of the id, as e-mails name the order."""
    number = "".join(text.split()).lower()
    if NUMBER.fullmatch(number):
        return number
    if not UUID.fullmatch(text.lower()):
        example = "01936d6e-0000-7000-8000-000000000000"
        raise argparse.ArgumentTypeError(f"{text} is neither an id, such as {example}, nor 12 hexadecimal digits")
    return text.lower()


def consumer_name(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("the name of the function is empty")
    return text


def idempotency_key(text: str) -> str:
    if not KEY.fullmatch(text):
        raise argparse.ArgumentTypeError("it must be 1 to 255 visible ASCII characters")
    return text


def json_patch(text: str) -> Any:
    try:
        patch = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"it is not JSON: {error}") from None
    # The API reads null as no patch, and would move the messages as they are.
    if patch is None:
        raise argparse.ArgumentTypeError("it is null, which is not a JSON Patch")
    return patch
