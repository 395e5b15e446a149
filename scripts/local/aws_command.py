"""`aws` for the commands of the runbooks, on the local cloud: the AWS CLI is none of its tools.

Operations, parameters and their types are those of botocore's models, which the AWS CLI uses, too. Of what the AWS CLI
adds there are `--query`, `--output`, `logs tail`, and the file that `lambda invoke` writes to.
"""

import json
import re
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import botocore.session
import jmespath
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError, UnknownServiceError

import aws
import config
import progress
from config import ScriptError

Json = dict[str, Any]
# Options of the AWS CLI itself: with a value, and without one.
GLOBAL = {"query", "output", "region", "profile", "cli-binary-format"}
UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
BOOLEANS = {"true": True, "false": False}


class Command(NamedTuple):
    service: str
    # Of a client of botocore: `rotate_secret`.
    operation: str
    parameters: Json
    options: dict[str, str]
    # Where `lambda invoke` writes the response.
    outfile: str | None = None


def read(words: Sequence[str]) -> Command:
    """Parses what follows `aws`. Raises a `ScriptError` for what the service does not have."""
    if len(words) < 2:
        raise ScriptError("aws: a service and an operation are required")
    service, operation, *rest = words
    if (service, operation) == ("logs", "tail"):
        return _tail(rest)
    reader = _Reader(model_of(service, operation), takes_file=(service, operation) == ("lambda", "invoke"))
    for option, values in _grouped(rest):
        left = reader.take(option, values)
        if left:
            raise ScriptError(f"aws: {service} {operation} does not take {' '.join(left)}")
    missing = [f"--{xform_name(name, '-')}" for name in reader.required if name not in reader.parameters]
    if missing:
        raise ScriptError(f"aws: {service} {operation} lacks {', '.join(missing)}")
    return Command(service, xform_name(reader.model.name), reader.parameters, reader.options, reader.outfile)


class _Reader:
    """Collects the parameters of one operation."""

    def __init__(self, model: Any, *, takes_file: bool) -> None:
        self.model, self._takes_file = model, takes_file
        members = model.input_shape.members if model.input_shape else {}
        self.required = model.input_shape.required_members if model.input_shape else []
        self._known = {xform_name(name, "-"): (name, shape) for name, shape in members.items()}
        self.parameters: Json = {}
        self.options: dict[str, str] = {}
        self.outfile: str | None = None

    def take(self, option: str, values: list[str]) -> list[str]:
        """Reads an option with the words behind it. Returns the words that it does not take."""
        left = self._take_option(option, values)
        if left and self._takes_file and self.outfile is None:
            self.outfile, left = left[0], left[1:]
        return left

    def _take_option(self, option: str, values: list[str]) -> list[str]:
        if option in self._known:
            name, shape = self._known[option]
            kept = _words_of(shape.type_name, values)
            self.parameters[name] = _value(option, shape, values[:kept])
            return values[kept:]
        positive = option.removeprefix("no-")
        if positive in self._known:
            self.parameters[self._known[positive][0]] = False
            return values
        if option in GLOBAL and values:
            self.options[option] = values[0]
            return values[1:]
        if option:
            raise ScriptError(
                f"aws: {self.model.service_model.service_name} {self.model.name} has no option --{option}"
            )
        return values


def model_of(service: str, operation: str) -> Any:
    """The model of an operation, which is named as on the command line."""
    try:
        described = botocore.session.get_session().get_service_model(service)
    except UnknownServiceError:
        raise ScriptError(f"aws: there is no service {service}") from None
    for name in described.operation_names:
        if xform_name(name, "-") == operation:
            return described.operation_model(name)
    raise ScriptError(f"aws: {service} has no operation {operation}")


def _grouped(words: Sequence[str]) -> Iterable[tuple[str, list[str]]]:
    """Each option with the words behind it; words before the first one belong to the option ``."""
    option, values = "", list[str]()
    for word in words:
        if word.startswith("--"):
            if option or values:
                yield option, values
            option, values = word.removeprefix("--"), []
        else:
            values.append(word)
    if option or values:
        yield option, values


def _words_of(kind: str, values: Sequence[str]) -> int:
    """How many words are the value of an option of this kind."""
    if kind == "boolean":
        return int(values[:1] in (["true"], ["false"]))
    return len(values) if kind == "list" else min(1, len(values))


def _value(option: str, shape: Any, words: list[str]) -> Any:
    kind = shape.type_name
    if kind == "boolean" and not words:
        return True
    if not words:
        raise ScriptError(f"aws: --{option} needs a value")
    if words[0][:1] in {"{", "["} and kind in {"structure", "map", "list"}:
        return json.loads(words[0])
    if kind == "list":
        return [_value(option, shape.member, [word]) for word in words]
    if kind in {"structure", "map"}:
        return dict(pair.split("=", 1) for pair in words[0].split(","))
    scalar: dict[str, Callable[[str], Any]] = {
        "boolean": lambda word: BOOLEANS[word],
        "integer": int,
        "long": int,
        "float": float,
        "double": float,
        "blob": str.encode,
    }
    return scalar.get(kind, str)(words[0])


def _tail(words: Sequence[str]) -> Command:
    """`logs tail GROUP --since 15m`, as the operation that it stands for."""
    group, *rest = words
    parameters: Json = {"logGroupName": group}
    for option, values in _grouped(rest):
        if option == "since" and (period := re.fullmatch(r"(\d+)([smhdw])", values[0])):
            parameters["startTime"] = int((time.time() - int(period[1]) * UNITS_S[period[2]]) * 1000)
        elif option == "filter-pattern":
            parameters["filterPattern"] = values[0]
        else:
            raise ScriptError(f"aws: logs tail does not take --{option} {' '.join(values)}")
    return Command("logs", "filter_log_events", parameters, {"query": "events[].message", "output": "text"})


def run(command: Command) -> str:
    """Calls the emulator. Returns what the AWS CLI would print."""
    client = aws.client(command.service, config.aws_env())
    try:
        response: Json = getattr(client, command.operation)(**command.parameters)
    except (BotoCoreError, ClientError) as error:
        raise ScriptError(f"aws: {error}") from None
    response.pop("ResponseMetadata", None)
    payload = response.pop("Payload", None)
    if payload is not None and command.outfile:
        with open(command.outfile, "wb") as file:  # noqa: PTH123 /dev/null among others
            file.write(payload.read())
    if "FunctionError" in response:
        raise ScriptError(f"aws: the function failed: {json.dumps(response, default=str)}")
    found = jmespath.search(command.options["query"], response) if "query" in command.options else response
    if command.options.get("output") == "text":
        return as_text(found)
    return json.dumps(found, indent=4, default=str) if found else ""


def as_text(found: Any) -> str:
    """A text as it is, a list of texts line by line, and nothing as the AWS CLI does."""
    if found is None:
        return "None"
    if isinstance(found, list):
        return "\n".join(str(one).rstrip("\n") for one in found)
    return str(found)


def main() -> None:
    with progress.output():
        printed = run(read(sys.argv[1:]))
        if printed:
            print(printed)


if __name__ == "__main__":
    progress.run(main)
