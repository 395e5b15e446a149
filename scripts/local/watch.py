"""`cargo lambda watch` with the stack's environment, and events of the local cloud for the watched functions.

Every function has variables of its own (its database role, its queue), so what the stack deployed is read back and
handed to each one by `watch-runner`. The functions named on the command line also get what reaches them in the stack:
requests to API_URL, with the authorizer before them, and events. When watch ends they are the deployed ones again.
"""

import argparse
import os
import re
import shlex
import signal
import subprocess
import sys

import aws
import config
import progress
import api_client
from config import ScriptError

HERE = config.ROOT / "scripts" / "local"
VARIABLES = config.LOCAL / "watch"
# The emulator sends a function's invocations to this URL instead of a process of its own.
PROXY = "MINISTACK_LAMBDA_PROXY_URL"


def functions():
    """The catalog's functions, by their directories: those two are the same, a test sees to it."""
    return sorted(path.parent.name for path in (config.ROOT / "functions").glob("*/Cargo.toml"))


def write_variables(names):
    """What the stack gave each function, for `watch-runner`. The root keys: permissions are not checked here."""
    keys = {name: value for name, value in config.aws_env().items() if name.startswith("AWS_")}
    for name in names:
        variables = {**aws.variables(name), **keys}
        variables.pop(PROXY, None)
        text = "".join(f"export {key}={shlex.quote(value)}\n" for key, value in variables.items())
        config.write_private(VARIABLES / f"{name}.env", text)


def runner_variable():
    """Cargo's variable for the program that runs what `cargo run` built for this machine."""
    version = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    target = re.search(r"^host: (.*)$", version, re.MULTILINE)[1]
    return f"CARGO_TARGET_{target.upper().replace('-', '_')}_RUNNER"


def main():
    parser = argparse.ArgumentParser(prog="scripts/watch", description=__doc__.splitlines()[0])
    parser.add_argument("functions", nargs="*", metavar="FUNCTION", help="gets the stack's requests and events as well")
    asked = parser.parse_args().functions
    api_client.stack_env()
    known = functions()
    for name in asked:
        if name not in known:
            raise ScriptError(f"there is no function {name!r}: choose from {', '.join(known)}")
    progress.heading("watch")
    with progress.step("the stack's variables read"):
        write_variables(known)
    port = config.port("watch")
    if not config.is_free(port):
        port = config.renew_port("watch")
    url = f"http://127.0.0.1:{port}"
    tool = config.tools()["cargo-lambda"] / "bin"
    # Without the marker of the local cloud: watch belongs to its terminal, not to scripts/down.
    env = {**os.environ, "PATH": f"{tool}:{os.environ['PATH']}", runner_variable(): str(HERE / "watch-runner"),
           "QUAYSIDE_WATCH_VARIABLES": str(VARIABLES)}
    try:
        for name in asked:
            aws.configure(name, {PROXY: f"{url}/2015-03-31/functions/{name}/invocations"})
            progress.note(f"{name}: requests and events of the stack come here")
        progress.note(f"routes at {url}; a first call compiles, a change recompiles; Ctrl-C ends it")
        # Ctrl-C reaches cargo as well; we wait for it to end and then put the stack right.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        child = subprocess.Popen(
            [tool / "cargo-lambda", "lambda", "watch", "--wait", "--invoke-address", "127.0.0.1", "--invoke-port", str(port)],
            env=env, cwd=config.ROOT, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        return child.wait()
    finally:
        for name in asked:
            aws.configure(name, {PROXY: None})


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ScriptError as trouble:
        progress.fail(str(trouble))
        sys.exit(1)
