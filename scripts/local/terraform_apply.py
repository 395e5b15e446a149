"""Applies Terraform to an AWS emulator of its own, twice: the second time changes nothing, and the API responds.

    scripts/local/run terraform_apply.py WORK [--write FILE]

WORK is an initialized copy of terraform/; scripts/terraform makes it. terraform/local/scope.json says which modules are
applied, of which a part is not compared in the second apply (terraform/local/unchanged), which are replaced by fixed
outputs (terraform/local/<module>.tf) and which are left out, and why. The steps are those of docs/deploy.md: the bucket
of the packages, the packages, the rest.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.session

import catalog
import config
import process
import progress
from config import ScriptError
from emulator_process import emulator

TERRAFORM = config.ROOT / "terraform"
SCOPE = TERRAFORM / "local" / "scope.json"
PACKAGES = config.ROOT / "target" / "lambda"
ENVIRONMENT, REGION, ACCOUNT = "dev", "eu-west-1", "000000000000"
ARTIFACTS, CONSUMER = "module.artifacts", "module.consumer"
# The provider waits 25 s for each queue and each policy of one, until its attributes have stayed the same; there are a
# hundred and fifty of these, so that most operations only wait.
PARALLELISM = 40
START_S, RESPONSE_S = 60, 60
# Paths instead of host names, which do not resolve everywhere.
OVERRIDE = 'terraform {\n  backend "local" {}\n}\n\nprovider "aws" {\n  s3_use_path_style = true\n}\n'
CHANGES = re.compile(r"^Apply complete! Resources: (\d+) added, (\d+) changed, (\d+) destroyed\.$", re.MULTILINE)


@dataclass(frozen=True)
class Scope:
    """What is applied, and why the rest is not. Addresses are of modules, or of resources in a module."""

    applied: list[str]
    # Modules of which something is not compared.
    unchanged: dict[str, str]
    replaced: dict[str, str]
    left_out: dict[str, str]


def scope() -> Scope:
    return Scope(**json.loads(SCOPE.read_text()))


def replace_modules(work: Path, replaced: Iterable[str]) -> None:
    """Replaces the content of modules by outputs with fixed values. Their variables stay, since they are passed."""
    for address in replaced:
        name = address.removeprefix("module.")
        module = work / "modules" / name.replace("_", "-")
        for file in module.glob("*.tf"):
            if file.name not in {"variables.tf", "versions.tf"}:
                file.unlink()
        shutil.copy(TERRAFORM / "local" / f"{name}.tf", module / "outputs.tf")


def keep_unchanged(work: Path, modules: Iterable[str]) -> None:
    """Overrides resources of modules, so that what the emulator forgets of them is no change."""
    for address in modules:
        name = address.removeprefix("module.")
        shutil.copy(TERRAFORM / "local" / "unchanged" / f"{name}.tf", work / "modules" / name / "local_override.tf")


def targets(applied: Iterable[str]) -> list[str]:
    """What Terraform is told to apply: of the mappings, those that the emulator takes."""
    mappings = [
        f'{CONSUMER}["{function}/{mapping["name"]}"]'
        for function in catalog.functions()
        for mapping in catalog.row(function)["mappings"]
        if mapping["source"] != "kafka"
    ]
    return [target for address in applied for target in (mappings if address == CONSUMER else [address])]


def prepare(source: Path, chosen: Scope) -> Path:
    """A copy of the initialized directory, beside it, that Terraform can apply to the emulator."""
    work = source.with_name("local")
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(source, work, symlinks=True, ignore=shutil.ignore_patterns("*.tfstate*", "local", "*_override.tf"))
    replace_modules(work, chosen.replaced)
    keep_unchanged(work, chosen.unchanged)
    (work / "local_override.tf").write_text(OVERRIDE)
    return work


class Terraform:
    """Terraform in a directory, against an endpoint. Its output goes to a log beside the directory."""

    def __init__(self, work: Path, endpoint: str) -> None:
        self.work, self.log = work, work.with_suffix(".log")
        self.log.write_text("")
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}
        self.env = {**os.environ, **keys, "AWS_ENDPOINT_URL": endpoint, "AWS_REGION": REGION}

    def run(self, verb: str, *options: str) -> str:
        argv = ["terraform", f"-chdir={self.work}", verb, *options]
        done = subprocess.run(
            argv, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        with self.log.open("a") as log:
            log.write(done.stdout)
        if done.returncode != 0:
            errors = [line for line in done.stdout.splitlines() if line.startswith("Error: ")]
            raise ScriptError(f"terraform {verb} failed: {'; '.join(errors[:3]) or 'no error'} (log: {self.log})")
        return done.stdout

    def apply(self, targets: Sequence[str]) -> tuple[int, int, int]:
        """Applies these addresses. Returns how many resources were added, changed and destroyed."""
        architecture = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
        variables = {"account_id": ACCOUNT, "architecture": architecture}
        output = self.run(
            "apply",
            "-no-color",
            "-input=false",
            "-auto-approve",
            "-lock=false",
            f"-parallelism={PARALLELISM}",
            f"-var-file=envs/{ENVIRONMENT}/terraform.tfvars",
            *(f"-var={name}={value}" for name, value in variables.items()),
            *(f"-target={address}" for address in targets),
        )
        return changes(output)

    def resources(self) -> Counter[str]:
        """Number of managed resources by module of the root."""
        return by_module(self.run("state", "list").splitlines())


def changes(output: str) -> tuple[int, int, int]:
    """How many resources an apply added, changed and destroyed."""
    found = CHANGES.search(output)
    if not found:
        raise ScriptError("terraform apply printed no summary")
    added, changed, destroyed = (int(number) for number in found.groups())
    return added, changed, destroyed


def by_module(addresses: Iterable[str]) -> Counter[str]:
    """Counts the managed resources of each module of the root."""
    managed = (address for address in addresses if not re.search(r"(^|\.)data\.", address))
    return Counter(re.sub(r"\[.*", "", ".".join(address.split(".")[:2])) for address in managed)


def publish(endpoint: str, packages: Path) -> None:
    """Uploads the package of each function, as scripts/publish does with the AWS CLI."""
    missing = [name for name in catalog.functions() if not (packages / name / "bootstrap.zip").exists()]
    if missing:
        raise ScriptError(f"{len(missing)} packages are missing, such as {missing[0]}: run scripts/build")
    s3 = client("s3", endpoint)
    for name in catalog.functions():
        body = (packages / name / "bootstrap.zip").read_bytes()
        bucket = f"{catalog.prefix()}-{ENVIRONMENT}-artifacts-{ACCOUNT}"
        s3.put_object(Bucket=bucket, Key=f"initial/{name}.zip", Body=body)


def client(service: str, endpoint: str) -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return botocore.session.get_session().create_client(service, region_name=REGION, endpoint_url=endpoint, **keys)


def responds(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def health_url(endpoint: str) -> str:
    """GET /health of the only API that was applied."""
    (api,) = client("apigatewayv2", endpoint).get_apis()["Items"]
    return f"{endpoint}/_aws/execute-api/{api['ApiId']}/health"


def report(resources: Mapping[str, int], chosen: Scope) -> str:
    """Tables of what was applied, replaced and left out."""
    applied = [f"| `{name}` | {count} |" for name, count in sorted(resources.items())]
    rest = [
        f"| `{name}` | {kind} | {reason} |"
        for kind, rows in (
            ("not compared", chosen.unchanged),
            ("replaced", chosen.replaced),
            ("left out", chosen.left_out),
        )
        for name, reason in sorted(rows.items())
    ]
    total = sum(resources.values())
    return "\n".join(
        [
            f"{total} resources were applied; a second apply changed nothing, and `GET /health` responded.",
            "",
            "| applied | resources |",
            "|---|--:|",
            *applied,
            "",
            "| not as on AWS | | why |",
            "|---|---|---|",
            *rest,
        ]
    )


def apply_twice(source: Path, packages: Path) -> str:
    """Does all steps. Returns the report."""
    chosen = scope()
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_ENDPOINT_URL": "{url}"}
    with emulator({**keys, "MINISTACK_REGION": REGION, "AWS_REGION": REGION}) as running:
        terraform = Terraform(prepare(source, chosen), running.url)
        if not process.wait_until(lambda: responds(f"{running.url}/_ministack/health"), START_S, 0.5):
            raise ScriptError("the emulator does not respond")
        terraform.run("init", "-no-color", "-input=false", "-reconfigure")
        with progress.step("The bucket of the packages, and the packages"):
            terraform.apply([ARTIFACTS])
            publish(running.url, packages)
        with progress.step("The rest"):
            terraform.apply(targets(chosen.applied))
        with progress.step("GET /health responds"):
            url = health_url(running.url)
            if not process.wait_until(lambda: responds(url), RESPONSE_S, 0.5):
                raise ScriptError(f"{url} does not respond with 200")
        with progress.step("A second apply changes nothing"):
            changed = terraform.apply(targets(chosen.applied))
            if any(changed):
                raise ScriptError(f"it added, changed and destroyed {changed} resources (log: {terraform.log})")
        return report(terraform.resources(), chosen)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--packages", type=Path, default=PACKAGES, help="packages of the functions, for this machine")
    parser.add_argument("--write", type=Path, help="file for the tables, too")
    arguments = parser.parse_args()
    tables = apply_twice(arguments.work.resolve(), arguments.packages)
    print(tables)
    if arguments.write:
        arguments.write.parent.mkdir(parents=True, exist_ok=True)
        arguments.write.write_text(tables + "\n")
    return 0


if __name__ == "__main__":
    os.chdir(config.ROOT)
    progress.run(main)
