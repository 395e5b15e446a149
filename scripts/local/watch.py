"""Runs `cargo lambda watch` with the stack's environment and routes the stack's invocations to it.

Every function has its own variables (database role, queue), so the deployed values are read back and `watch-runner`
passes them to each function. The functions on the command line also receive their invocations in the stack: requests to
API_URL, after the authorizer, and events. When watch ends, the deployed functions receive them again.
"""

import argparse
import os
import re
import shlex
import signal
import subprocess

import api_client
import aws
import catalog
import config
import deploy
import progress
from config import ScriptError

VARIABLES = config.LOCAL / "watch"
# The emulator sends a function's invocations to the URL in this variable.
PROXY = "MINISTACK_LAMBDA_PROXY_URL"


def write_variables(names: list[str]) -> None:
    """Writes each function's deployed variables for `watch-runner`, with the root keys: permissions are not checked."""
    keys = {name: value for name, value in config.aws_env().items() if name.startswith("AWS_")}
    for name in names:
        variables = {**aws.variables(name), **keys}
        variables.pop(PROXY, None)
        text = "".join(f"export {key}={shlex.quote(value)}\n" for key, value in variables.items())
        config.write_private(VARIABLES / f"{name}.env", text)


def runner_variable() -> str:
    """Cargo's variable for the program that runs binaries of this machine's target."""
    version = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    host = re.search(r"^host: (.*)$", version, re.MULTILINE)
    if host is None:
        raise ScriptError("`rustc -vV` does not say which host it is for")
    return f"CARGO_TARGET_{host[1].upper().replace('-', '_')}_RUNNER"


def watch(functions: list[str]) -> int:
    port = config.port("watch")
    if not config.is_free(port):
        port = config.renew_port("watch")
    url = f"http://127.0.0.1:{port}"
    directory = config.tools()["cargo-lambda"] / "bin"
    # Without the local cloud's marker, because watch belongs to its terminal and not to scripts/down.
    env = {
        **os.environ,
        "PATH": f"{directory}:{os.environ['PATH']}",
        runner_variable(): str(config.ROOT / "scripts" / "local" / "watch-runner"),
        "QUAYSIDE_WATCH_VARIABLES": str(VARIABLES),
    }
    address = ["--invoke-address", "127.0.0.1", "--invoke-port", str(port)]
    try:
        for name in functions:
            aws.set_variables(name, {PROXY: f"{url}/2015-03-31/functions/{name}/invocations"})
            progress.note(f"{name}: receives the requests and events of the stack")
        progress.note(f"routes at {url}; the first call compiles, a change recompiles; end with Ctrl-C")
        # Ctrl-C reaches cargo too. Wait for it to end, then restore the stack.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        child = subprocess.Popen(
            [directory / "cargo-lambda", "lambda", "watch", "--wait", *address],
            env=env,
            cwd=config.ROOT,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 there are no threads
        )
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        return child.wait()
    finally:
        for name in functions:
            aws.set_variables(name, {PROXY: None})


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/watch", description=(__doc__ or "").splitlines()[0])
    help_text = "also receives the requests and events of the stack"
    parser.add_argument("functions", nargs="*", metavar="FUNCTION", help=help_text)
    chosen = parser.parse_args().functions
    api_client.stack_env()
    known = deploy.deployed_functions()
    for name in chosen:
        if name not in known:
            hint = "scripts/up deploys it" if name in catalog.functions() else f"choose from {', '.join(known)}"
            raise ScriptError(f"there is no function {name!r} in the stack: {hint}")
    progress.heading("Watch")
    with progress.step("Read the deployed variables"):
        write_variables(known)
    return watch(chosen)


if __name__ == "__main__":
    progress.run(main)
