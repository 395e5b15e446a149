"""Sends generated requests to every route of the running stack and compares the responses with the OpenAPI document.

Schemathesis makes valid and invalid requests from docs/openapi.json. A response fails the check if its status is 5xx,
if the document does not have its status or media type for the route, or if its body differs from the schema. Each role
makes the requests once, since the same request has other responses for another role.
"""

import argparse
import json
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


def check(role: str, data: sample_data.StackData, options: argparse.Namespace) -> bool:
    """Whether every response to the requests of this role is as documented."""
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
    return done.returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/contract", description="Compares responses with docs/openapi.json.")
    parser.add_argument("--role", choices=ROLES, action="append", help="may be repeated; the default is every role")
    parser.add_argument("--examples", type=int, default=3, help="generated requests of each kind for a route")
    parser.add_argument("--phases", default="examples,fuzzing", help="of Schemathesis; also coverage and stateful")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    data = sample_data.create()
    failed = []
    for role in options.role or ROLES:
        with progress.step(f"Compare the responses to {role} with the document"):
            if not check(role, data, options):
                failed.append(role)
    if failed:
        raise ScriptError(f"responses to {', '.join(failed)} differ from docs/openapi.json: see above")


if __name__ == "__main__":
    progress.run(main)
