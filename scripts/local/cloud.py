"""The local cloud's command line behind scripts/up, scripts/down and scripts/part."""

import argparse
import os
import shutil
import subprocess
import sys
import time

import deploy
import layout
import parts
import process
import progress
from layout import Trouble


def up(arguments):
    if arguments.only:
        for name in arguments.only:
            _start_one(parts.named(name))
        return
    started = time.monotonic()
    if subprocess.run([layout.ROOT / "scripts" / "setup"], check=False).returncode != 0:
        raise Trouble("setup failed: its reason stands above")
    progress.heading("local cloud")
    if not any(process.alive(name) for name in parts.ALL):
        # What a crash left of functions would hold connections and ports.
        process.stop_stragglers()
    begun = [part for part in parts.BASE if parts.begin(part, fresh=True)]
    for part in parts.BASE:
        if part in begun:
            with progress.step(part.title):
                parts.await_ready(part)
        else:
            parts.await_ready(part)
    if not begun:
        progress.done("all parts run")
    if not arguments.parts_only:
        deploy.bring_up()
        progress.note(f"API     {deploy.api_url()}")
        progress.note(f"mail    {layout.mail_url()}")
        progress.note(f"values  {layout.STACK_ENV.relative_to(layout.ROOT)}; scripts/down stops it all")
    progress.done("up", time.monotonic() - started)


def down(arguments):
    if arguments.only:
        for name in arguments.only:
            _stop_one(parts.named(name))
        return
    started = time.monotonic()
    # The trigger and the functions first: they would complain of parts that are gone.
    order = [parts.TRIGGER, parts.AWS, *(p for p in parts.BASE if p is not parts.AWS)]
    stopped = [part.title for part in order if parts.stop(part)]
    left = process.stop_stragglers()
    if left:
        raise Trouble(f"these processes will not end: {sorted(left)}; end them by hand")
    for path in (layout.STACK_ENV, layout.STACK_STATE, layout.RUN / "signing-keys"):
        path.unlink(missing_ok=True)
    if not arguments.keep_data:
        layout.drop_data()
    if arguments.wipe:
        for path in layout.LOCAL.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    progress.done("down" if stopped else "nothing was running", time.monotonic() - started)


def _start_one(part):
    with progress.step(f"{part.title} runs"):
        parts.start(part)


def _stop_one(part, kill=False):
    ran = parts.stop(part, kill)
    progress.done(f"{part.title} {('killed' if kill else 'stopped') if ran else 'was not running'}")


def part(arguments):
    if arguments.action == "status":
        for one in [parts.named(arguments.name)] if arguments.name else parts.ALL.values():
            pid = process.alive(one.name)
            ports = " ".join(f"{name}={layout.port(name)}" for name in one.ports) if pid else ""
            print(f"{one.name:14} {'runs, process ' + str(pid) if pid else 'stopped':22} {ports}".rstrip())
        return
    if not arguments.name:
        raise Trouble(f"which part? one of {', '.join(parts.ALL)}")
    one = parts.named(arguments.name)
    if arguments.action in ("stop", "restart", "kill"):
        _stop_one(one, kill=arguments.action == "kill")
    if arguments.action in ("start", "restart"):
        _start_one(one)
        if one is parts.AWS:
            progress.note("the emulator starts empty: scripts/up deploys again")


def read_arguments():
    parser = argparse.ArgumentParser(prog="scripts", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    names = ", ".join(parts.ALL)
    verb = verbs.add_parser("up", help="start the local cloud, build, deploy; again: only what changed")
    verb.add_argument("--parts-only", action="store_true", help="start the parts and deploy nothing")
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
        with layout.lock():
            arguments.run(arguments)
    except Trouble as trouble:
        progress.fail(str(trouble))
        return 1
    except KeyboardInterrupt:
        progress.fail("interrupted; scripts/down stops what has started")
        return 130
    return 0


if __name__ == "__main__":
    os.chdir(layout.ROOT)
    sys.exit(main())
