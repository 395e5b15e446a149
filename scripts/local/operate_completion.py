"""Completion of scripts/ops in a shell: a function of bash that is made from the command line's own arguments."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

import catalog

if TYPE_CHECKING:
    from operate_arguments import Parser

COMMAND = "completion"

HINT = """The script for your shell: . <(scripts/ops completion) in ~/.bashrc. In zsh, put
autoload -U +X bashcompinit && bashcompinit before it."""

TEMPLATE = """# Completion of scripts/ops, made by `scripts/ops completion`.
_quayside_ops() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} command='' words='' index
  for ((index = 1; index < COMP_CWORD; index++)); do
    if [[ ${{COMP_WORDS[index]}} != -* ]]; then command=${{COMP_WORDS[index]}} && break; fi
  done
  case $command in
    '') words='{commands}' ;;
{cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -F _quayside_ops ops
"""


def add_command(commands: "argparse._SubParsersAction[Parser]") -> None:
    commands.add_parser(
        COMMAND,
        help="print a script that completes commands in bash and zsh",
        description=HINT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def script(parser: argparse.ArgumentParser) -> str:
    """The script for bash. Consumers are completed where a command takes one."""
    choices = dict(commands(parser))
    cases = "\n".join(f"    {name}) words='{' '.join(_words(command))}' ;;" for name, command in choices.items())
    return TEMPLATE.format(commands=" ".join(choices), cases=cases)


def commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def _words(command: argparse.ArgumentParser) -> Iterator[str]:
    for action in command._actions:
        yield from (option for option in action.option_strings if option.startswith("--"))
        if action.metavar == "CONSUMER":
            yield from _consumers()


def _consumers() -> list[str]:
    """Functions that something else than a request or a clock starts."""
    return [name for name in catalog.functions() if catalog.trigger(name)["kind"] not in {"http", "schedule"}]
