"""The nested stacks: which of them are deployed, what each depends on, and the parent of some of them."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import catalog
import config
from cloudformation import STACK, Json, load
from config import ScriptError

TEMPLATE = config.ROOT / "template.yaml"
# A parent with some of the stacks.
PARTIAL = config.RUN / "template.json"
PACKAGES = config.ROOT / "target" / "lambda"
# What every other stack refers to.
SHARED = "shared"


def _path(stack: str) -> Path:
    return config.ROOT / "stacks" / f"{stack}.yaml"


def check_names(names: Iterable[str]) -> None:
    known = catalog.stacks()
    for name in names:
        if name not in known:
            raise ScriptError(f"there is no stack {name!r}: choose from {', '.join(known)}")


def fingerprint(stack: str, inputs: Json) -> str:
    """A hash of everything that a stack's deployment depends on: templates, inputs, its functions' packages."""
    digest = hashlib.sha256()
    for template in (TEMPLATE, _path(stack)):
        if not template.exists():
            raise ScriptError(f"{template.relative_to(config.ROOT)} is missing: run `cargo xtask codegen`")
        digest.update(template.read_bytes())
    for function in catalog.functions(stack):
        package = PACKAGES / function / "bootstrap.zip"
        if not package.exists():
            raise ScriptError(f"{package.relative_to(config.ROOT)} is missing: run scripts/build")
        digest.update(hashlib.sha256(package.read_bytes()).digest())
    digest.update(json.dumps(inputs, sort_keys=True).encode())
    return digest.hexdigest()


def _logical_id(resources: Json, stack: str) -> str:
    """The parent's resource that nests a stack."""
    url = str(_path(stack).relative_to(config.ROOT))
    return next(name for name, resource in resources.items() if resource["Properties"].get("TemplateURL") == url)


def deployed(parent: Json | None) -> set[str]:
    """Names of the stacks that the deployed parent nests."""
    if parent is None:
        return set()
    known = load(TEMPLATE)["Resources"]
    ids = {_logical_id(known, stack): stack for stack in catalog.stacks()}
    return {ids[name] for name, resource in parent["Resources"].items() if resource["Type"] == STACK and name in ids}


def write_partial(chosen: Iterable[str], parent: Json | None, fetch: Callable[[str], bytes]) -> Path:
    """Writes a parent that deploys the chosen stacks and leaves the others of the deployed parent as they are."""
    template = load(TEMPLATE)
    every, resources = template["Resources"], dict((parent or {}).get("Resources", {}))
    # The paths in template.yaml are relative to it, and this parent is in another directory.
    new = {_logical_id(every, stack): _path(stack) for stack in chosen}
    for name, resource in resources.items():
        if name not in new:
            # `sam deploy` accepts URLs of AWS only. It uploads equal content to the same URL, so that nothing changes.
            copy = PARTIAL.with_name(f"{name}.yaml")
            copy.write_bytes(fetch(resource["Properties"]["TemplateURL"]))
            resource["Properties"]["TemplateURL"] = str(copy)
    for name, path in new.items():
        resources[name] = every[name]
        resources[name]["Properties"]["TemplateURL"] = str(path)
    missing = set(every) - set(resources)
    outputs = {name: output for name, output in template["Outputs"].items() if not missing & _words(output)}
    config.write_json(PARTIAL, {**template, "Resources": resources, "Outputs": outputs})
    return PARTIAL


def _words(value: object) -> set[str]:
    return set(re.findall(r"\w+", json.dumps(value)))
