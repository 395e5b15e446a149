"""Sends generated requests to every route of the running stack and compares the responses with the OpenAPI document.

Schemathesis makes valid and invalid requests from docs/openapi.json. A response fails the check if its status is 5xx,
if the document does not have its status or media type for the route, or if its body differs from the schema. Each role
makes the requests once, since the same request has other responses for another role.
"""

import argparse
import json
import re
import subprocess
import tempfile
import urllib.parse
from pathlib import Path

import api_client
import config
import progress
import sample_data
from config import ScriptError

DOCUMENT = config.ROOT / "docs/openapi.json"
ROLES = ("anonymous", "customer", "staff", "admin", "service")

# They end the session or the account that the other requests need.
EXCLUDED = (
    "password-change",
    "session-end",
    "session-revoke",
    "user-delete",
    "user-erase",
    "user-logout",
    "user-role-update",
    "user-status-update",
)

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)

# The resource that `{id}` means below a path, as the sample events name it.
RESOURCES = {
    "/api/v1/orders/": sample_data.ORDER,
    "/api/v1/payments/": sample_data.PAYMENT,
    "/api/v1/products/": sample_data.PRODUCT,
    "/api/v1/users/": sample_data.CUSTOMER,
}


def settings(data: sample_data.StackData, role: str) -> str:
    """The configuration of Schemathesis: ids that exist, and the routes that are left out."""
    document = json.loads(DOCUMENT.read_text())
    # An account of its own would not be anonymous.
    lines = ["[auth]", "auto-signup = false"]
    for path, operations in document["paths"].items():
        ids = [sample for prefix, sample in RESOURCES.items() if path.startswith(f"{prefix}{{id}}")]
        for operation in operations.values():
            overrides = []
            if operation["operationId"] in EXCLUDED and role != "anonymous":
                overrides.append("enabled = false")
            if ids:
                overrides.append(f'parameters = {{ "path.id" = "{data.replacements[ids[0]]}" }}')
            if overrides:
                lines += ["[[operations]]", f'include-operation-id = "{operation["operationId"]}"', *overrides]
    return "\n".join(lines) + "\n"


def token(role: str, data: sample_data.StackData, url: str) -> str:
    """An access token, which is valid for an hour: longer than the requests of one role take."""
    api = api_client.ApiClient(url)
    if role != "service":
        return str(api.login(*data.accounts[role]).token)
    form = urllib.parse.urlencode({"grant_type": "client_credentials"} | data.client).encode()
    issued = api.send("POST", "/api/v1/oauth/token", form, {"content-type": "application/x-www-form-urlencoded"})
    return str(issued.expect(200)["access_token"])


def table_row(role: str, output: str, *, is_conformant: bool) -> str:
    """A role's row in the report, from the summary at the end of Schemathesis' output."""
    tested = re.search(r"^API Operations:$.*?^  Tested: (\d+)$", output, re.MULTILINE | re.DOTALL)
    cases = re.search(r"^Test cases:$\n^  (.+)$", output, re.MULTILINE)
    result = "as documented" if is_conformant else "**differs**"
    return f"| {role} | {tested[1] if tested else ''} | {cases[1] if cases else 'no summary'} | {result} |"


def report(rows: list[str], options: argparse.Namespace) -> str:
    return "\n".join(
        (
            f"Phases: {options.phases.replace(',', ', ')}; {options.examples} requests of each kind for a route.",
            f"Without {', '.join(EXCLUDED)}, which end the session or the account of the other requests.",
            "",
            "| role | operations | requests | responses |",
            "|---|--:|---|---|",
            *rows,
            "",
        )
    )


def check(role: str, data: sample_data.StackData, options: argparse.Namespace) -> tuple[bool, str]:
    """Whether every response to the requests of this role is as documented, and the role's row in the report."""
    env = api_client.stack_env()
    arguments = [
        str(config.tools()["contract"] / "bin/schemathesis"),
        "run",
        str(DOCUMENT),
        f"--url={env['API_URL']}",
        f"--max-examples={options.examples}",
        f"--seed={options.seed}",
        f"--phases={options.phases}",
        f"--checks={','.join(CHECKS)}",
        "--request-timeout=30",
        "--continue-on-failure",
        "--no-color",
        "--warnings=off",
        "--generation-database=none",
    ]
    if role != "anonymous":
        arguments.append(f"--header=Authorization: Bearer {token(role, data, env['API_URL'])}")
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "schemathesis.toml"
        file.write_text(settings(data, role))
        arguments[1:1] = [f"--config-file={file}"]
        done = subprocess.run(arguments, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout, done.stderr, sep="\n")
    is_conformant = done.returncode == 0
    return is_conformant, table_row(role, done.stdout, is_conformant=is_conformant)


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/contract", description="Compares responses with docs/openapi.json.")
    parser.add_argument("--role", choices=ROLES, action="append", help="may be repeated; the default is every role")
    parser.add_argument("--examples", type=int, default=3, help="generated requests of each kind for a route")
    parser.add_argument("--phases", default="examples,fuzzing", help="of Schemathesis; also coverage and stateful")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--write", type=Path, metavar="FILE", help="write a table of the roles there, as Markdown")
    options = parser.parse_args()
    data = sample_data.create()
    failed, rows = [], []
    for role in options.role or ROLES:
        with progress.step(f"Compare the responses to {role} with the document"):
            is_conformant, row = check(role, data, options)
            rows.append(row)
            if not is_conformant:
                failed.append(role)
    if options.write:
        options.write.write_text(report(rows, options))
    if failed:
        raise ScriptError(f"responses to {', '.join(failed)} differ from docs/openapi.json: see above")


if __name__ == "__main__":
    progress.run(main)
