"""The local cloud's command line behind scripts/up, scripts/down and scripts/service."""

import argparse
import os
import shutil
import subprocess
import sys
import time

import deploy
import config
import services
import process
import progress
from config import ScriptError


def up(arguments):
    if arguments.only:
        for name in arguments.only:
            _start_one(services.named(name))
        return
    started = time.monotonic()
    if subprocess.run([config.ROOT / "scripts" / "setup"], check=False).returncode != 0:
        raise ScriptError("setup failed: its reason stands above")
    progress.heading("local cloud")
    if not any(process.alive(name) for name in services.ALL):
        # What a crash left of functions would hold connections and ports.
        process.stop_stragglers()
    begun = [part for part in services.BASE if services.begin(part, fresh=True)]
    for part in services.BASE:
        if part in begun:
            with progress.step(part.title):
                services.await_ready(part)
        else:
            services.await_ready(part)
    if not begun:
        progress.done("all parts run")
    if not arguments.services_only:
        deploy.bring_up()
        progress.note(f"API     {deploy.api_url()}")
        progress.note(f"mail    {config.mailbox_url()}")
        progress.note(f"values  {config.STACK_ENV.relative_to(config.ROOT)}; scripts/down stops it all")
    progress.done("up", time.monotonic() - started)


def down(arguments):
    if arguments.only:
        for name in arguments.only:
            _stop_one(services.named(name))
        return
    started = time.monotonic()
    # The trigger and the functions first: they would complain of parts that are gone.
    order = [services.TRIGGER, services.AWS, *(p for p in services.BASE if p is not services.AWS)]
    stopped = [part.title for part in order if services.stop(part)]
    left = process.stop_stragglers()
    if left:
        raise ScriptError(f"these processes will not end: {sorted(left)}; end them by hand")
    for path in (config.STACK_ENV, config.STACK_STATE, config.RUN / "signing-keys"):
        path.unlink(missing_ok=True)
    if not arguments.keep_data:
        config.drop_data()
    if arguments.wipe:
        for path in config.LOCAL.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    progress.done("down" if stopped else "nothing was running", time.monotonic() - started)


def _start_one(part):
    with progress.step(f"{part.title} runs"):
        services.start(part)


def _stop_one(part, kill=False):
    ran = services.stop(part, kill)
    progress.done(f"{part.title} {('killed' if kill else 'stopped') if ran else 'was not running'}")


def part(arguments):
    if arguments.action == "status":
        for one in [services.named(arguments.name)] if arguments.name else services.ALL.values():
            pid = process.alive(one.name)
            ports = " ".join(f"{name}={config.port(name)}" for name in one.ports) if pid else ""
            print(f"{one.name:14} {'runs, process ' + str(pid) if pid else 'stopped':22} {ports}".rstrip())
        return
    if not arguments.name:
        raise ScriptError(f"which part? one of {', '.join(services.ALL)}")
    one = services.named(arguments.name)
    if arguments.action in ("stop", "restart", "kill"):
        _stop_one(one, kill=arguments.action == "kill")
    if arguments.action in ("start", "restart"):
        _start_one(one)
        if one is services.AWS:
            progress.note("the emulator starts empty: scripts/up deploys again")


def read_arguments():
    parser = argparse.ArgumentParser(prog="scripts", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    names = ", ".join(services.ALL)
    verb = verbs.add_parser("up", help="start the local cloud, build, deploy; again: only what changed")
    verb.add_argument("--services-only", action="store_true", help="start the parts and deploy nothing")
    verb.add_argument("--only", action="append", metavar="PART", help=f"start this part alone: {names}")
    verb.set_defaults(run=up)
    verb = verbs.add_parser("down", help="stop everything and drop its data")
    verb.add_argument("--only", action="append", metavar="PART", help="stop this part alone and keep its data")
    verb.add_argument("--keep-data", action="store_true", help="leave .local/data for the next up")
    verb.add_argument("--wipe", action="store_true", help="forget ports, secrets and logs as well")
    verb.set_defaults(run=down)
    verb = verbs.add_parser("part", help="one part alone")
    verb.add_argument("action", choices=("start", "stop", "restart", "kill", "status"))
    verb.add_argument("name", nargs="?", help=names)
    verb.set_defaults(run=part)
    return parser.parse_args()


def main():
    arguments = read_arguments()
    try:
        with config.lock():
            arguments.run(arguments)
    except ScriptError as trouble:
        progress.fail(str(trouble))
        return 1
    except KeyboardInterrupt:
        progress.fail("interrupted; scripts/down stops what has started")
        return 130
    return 0


if __name__ == "__main__":
    os.chdir(config.ROOT)
    sys.exit(main())
