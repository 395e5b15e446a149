"""The command line behind scripts/up, scripts/down, scripts/observe and scripts/service."""

import argparse
import os
import shutil
import sys
import time

import catalog
import config
import dashboards_picture
import deploy
import engine
import process
import progress
import services
import stacks
from config import ScriptError
from services import Service


def up(arguments: argparse.Namespace) -> None:
    stacks.check_names(arguments.only)
    started = time.monotonic()
    progress.heading("Local cloud")
    if not any(process.pid_of(name) for name in services.ALL):
        # Function processes that survived a crash would hold connections and ports.
        process.stop_leftovers()
    starting = [service for service in services.BASE if services.begin_update(service)]
    for service in services.BASE:
        if service in starting:
            with progress.step(f"Start {service.title}"):
                services.await_ready(service)
        else:
            services.await_ready(service)
    if not starting:
        progress.done("all services are running")
    if not arguments.services_only:
        deploy.bring_up(arguments.only)
        progress.note(f"API      {config.api_url()}")
        progress.note(f"shop     {config.web_url()}")
        progress.note(f"mailbox  {config.mailbox_url()}")
        progress.note(f"values   {config.STACK_ENV.relative_to(config.ROOT)} (addresses, accounts, passwords)")
        progress.note("Stop everything with scripts/down.")
    progress.done("up", time.monotonic() - started)


def observe(arguments: argparse.Namespace) -> None:
    if not process.pid_of(services.AWS.name):
        raise ScriptError("the local cloud is not up: run scripts/up")
    for service in services.OBSERVERS:
        services.begin_update(service)
        services.await_ready(service)
    progress.done("Prometheus scrapes the functions' metrics")
    progress.note(f"dashboards  {config.dashboards_url()}")
    progress.note(f"Prometheus  {config.prometheus_url()}")
    progress.note("Stop both with everything else: scripts/down.")
    if arguments.picture:
        dashboards_picture.make(config.dashboards_url(), arguments.picture)
        progress.note(f"picture     {dashboards_picture.TARGET.relative_to(config.ROOT)}")


def down(arguments: argparse.Namespace) -> None:
    if arguments.only:
        for name in arguments.only:
            _stop(services.named(name))
        return
    started = time.monotonic()
    # The trigger and the functions first: they would log errors about services that are gone.
    order = [
        *services.OBSERVERS,
        services.WEB,
        services.TRIGGER,
        services.AWS,
        *(service for service in services.BASE if service is not services.AWS),
    ]
    stopped = [service for service in order if services.stop(service)]
    engine.stop()
    left = process.stop_leftovers()
    if left:
        raise ScriptError(f"these processes do not end: {sorted(left)}; end them with kill -9")
    for path in (config.STACK_ENV, config.STACK_STATE, config.RUN / "keys"):
        path.unlink(missing_ok=True)
    if not arguments.keep_data:
        config.drop_data()
    if arguments.wipe:
        for path in config.LOCAL.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
    progress.done("down" if stopped else "nothing was running", time.monotonic() - started)


def _start(service: Service) -> None:
    with progress.step(f"Start {service.title}"):
        services.start(service)


def _stop(service: Service) -> None:
    was_running = services.stop(service)
    progress.done(f"{service.title} {'stopped' if was_running else 'was not running'}")


def _kill(service: Service) -> None:
    was_running = services.kill(service)
    progress.done(f"{service.title} {'killed' if was_running else 'was not running'}")


def service(arguments: argparse.Namespace) -> None:
    if arguments.action == "status":
        _print_status([services.named(arguments.name)] if arguments.name else list(services.ALL.values()))
        return
    if not arguments.name:
        raise ScriptError(f"name a service: {', '.join(services.ALL)}")
    chosen = services.named(arguments.name)
    if arguments.action in {"stop", "restart"}:
        _stop(chosen)
    if arguments.action == "kill":
        _kill(chosen)
    if arguments.action in {"start", "restart"}:
        _start(chosen)
        if chosen is services.AWS:
            progress.note("the emulator starts empty: deploy again with scripts/up")


def _print_status(chosen: list[Service]) -> None:
    for each in chosen:
        pid = process.pid_of(each.name)
        # The record of a service that was stopped is removed.
        has_ended = not pid and bool(process.record(each.name))
        state = f"running, process {pid}" if pid else "ended by itself" if has_ended else "stopped"
        ports = " ".join(f"{name}={config.port(name)}" for name in each.ports) if pid else ""
        print(f"{each.name:14} {state:24} {ports}".rstrip())
        if has_ended:
            services.print_tail(each)


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    names = ", ".join(services.ALL)

    command = commands.add_parser("up", prog="scripts/up", help="start the services, build and deploy what changed")
    command.add_argument("--services-only", action="store_true", help="start the services and deploy nothing")
    command.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="CONTEXT",
        help=f"deploy this stack, and the shared one if it is missing; may be repeated: {', '.join(catalog.stacks())}",
    )
    command.set_defaults(run=up)

    command = commands.add_parser("observe", prog="scripts/observe", help="start Prometheus and the dashboards")
    command.add_argument(
        "--picture",
        nargs="?",
        type=int,
        const=30,
        metavar="MINUTES",
        help=f"make {dashboards_picture.TARGET.relative_to(config.ROOT)}, with the last 30 or so many minutes",
    )
    command.set_defaults(run=observe)

    command = commands.add_parser("down", prog="scripts/down", help="stop everything and delete its data")
    command.add_argument("--only", action="append", metavar="SERVICE", help="stop this service alone; its data stays")
    command.add_argument("--keep-data", action="store_true", help="leave .local/data for the next scripts/up")
    command.add_argument("--wipe", action="store_true", help="delete ports, secrets and logs as well")
    command.set_defaults(run=down)

    command = commands.add_parser("service", prog="scripts/service", help="control one service")
    command.add_argument("action", choices=("start", "stop", "restart", "kill", "status"))
    command.add_argument("name", nargs="?", help=names)
    command.set_defaults(run=service)
    return parser.parse_args()


def main() -> int:
    arguments = read_arguments()
    try:
        with config.lock():
            arguments.run(arguments)
    except ScriptError as error:
        progress.fail(str(error))
        return 1
    except KeyboardInterrupt:
        progress.fail("interrupted; stop what has started with scripts/down")
        return 130
    return 0


if __name__ == "__main__":
    os.chdir(config.ROOT)
    sys.exit(main())
