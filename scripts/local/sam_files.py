"""The files that `sam local` needs beside the template, written from the running stack: see samconfig.toml."""

import json
import re
from pathlib import Path

import aws
import catalog
import config
import engine
from config import ScriptError

DIRECTORY = config.LOCAL / "sam"
VARIABLES = DIRECTORY / "variables.json"
TEMPLATE = config.ROOT / "template.yaml"
LOCAL_TEMPLATE = DIRECTORY / "template.yaml"
SHELL = DIRECTORY / "shell.env"


def program() -> Path:
    return config.tools()["sam"] / "bin" / "sam"


def write() -> None:
    """Writes the variables of every function, the template of `sam local start-api`, and the settings for a shell."""
    variables = {catalog.logical_id(name): aws.variables(name) for name in catalog.functions()}
    config.write_private(VARIABLES, json.dumps(variables, indent=2) + "\n")
    write_template(TEMPLATE, LOCAL_TEMPLATE)
    lines = {**engine.client_environment(), "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": config.REGION}
    path = f"PATH={program().parent}:$PATH\n"
    config.write_private(SHELL, "".join(f"{name}={value}\n" for name, value in lines.items()) + path)


def write_template(source: Path, target: Path) -> None:
    """Writes a template as `sam local start-api` can read it, and the templates that it nests."""
    text, nested = localized(source.read_text(), source.parent)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    for name in nested:
        write_template(source.parent / name, target.parent / name)


def localized(text: str, directory: Path) -> tuple[str, list[str]]:
    """The template with literal function names and absolute paths of packages, and the paths of the templates it nests.

    `sam local start-api` finds the function of an integration by its ARN, and builds that only from a literal name.
    """
    names = re.compile(rf"FunctionName:\s+Fn::Sub: {re.escape(catalog.prefix())}-\$\{{Stage\}}-(\S+)")
    text = names.sub(lambda found: f"FunctionName: {config.physical_name(found[1])}", text)
    text = re.sub(
        r"(Code(?:Uri)?: )(\S*target/\S+)", lambda found: found[1] + str((directory / found[2]).resolve()), text
    )
    return text, re.findall(r"TemplateURL: (\S+)", text)


def check_names(functions: list[str]) -> None:
    unknown = sorted(set(functions) - set(catalog.functions()))
    if unknown:
        raise ScriptError(f"there is no function {unknown[0]!r}: choose from {', '.join(catalog.functions())}")
