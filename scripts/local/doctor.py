"""Checks an AWS account and region before a deployment. It reads and changes nothing.

Each check prints a line and, if something is missing, what to do. The exit status is 1 if a check failed, and 0 with
mere warnings. What the account's endpoint does not support, an emulator's for instance, is said and counts as neither.
"""

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

import config
import doctor_checks
import progress
from config import ScriptError
from doctor_checks import FAILED, OK, UNSUPPORTED, Finding, Target

# Error codes of an endpoint that does not know an operation, and of emulators for the same.
UNKNOWN = {"UnknownOperationException", "UnknownOperation", "InvalidAction", "NotImplemented", "InternalFailure", "404"}
MARKS = {OK: "✓", FAILED: "✗", UNSUPPORTED: "–"}


@dataclass
class Clients:
    """Clients of one account and region, made when a check needs them."""

    session: Any
    region: str
    endpoint: str | None

    def __call__(self, service: str) -> Any:
        options = Config(connect_timeout=5, read_timeout=15, retries={"total_max_attempts": 2})
        return self.session.create_client(service, region_name=self.region, endpoint_url=self.endpoint, config=options)


def examine(check: Callable[[Any, Target], Finding], clients: Any, target: Target) -> Finding:
    """The finding of a check. An operation that the endpoint lacks, or that is not allowed, is a finding, too."""
    try:
        return check(clients, target)
    except ClientError as error:
        code = str(error.response["Error"].get("Code", ""))
        # An emulator may answer with a bare status.
        if code in UNKNOWN or (target.is_local and code.isdigit()):
            return Finding(UNSUPPORTED, f"{error.operation_name} is not supported by this endpoint")
        what = f"{error.operation_name}: {code}: {error.response['Error'].get('Message', '')}".strip(": ")
        return Finding(FAILED, what, "give these credentials the policy ReadOnlyAccess, or look it up in the console")
    except NoCredentialsError:
        return Finding(FAILED, "there are no AWS credentials", "set AWS_PROFILE, or run aws sso login")
    except BotoCoreError as error:
        # An emulator may answer in a form that the client cannot read.
        status = UNSUPPORTED if target.is_local else FAILED
        return Finding(status, str(error), "" if target.is_local else "check the network and the region")


def diagnose(clients: Any, target: Target) -> int:
    """Runs all checks and returns how many failed."""
    counts = dict.fromkeys((*MARKS, doctor_checks.WARNING), 0)
    for title, check in doctor_checks.CHECKS:
        finding = examine(check, clients, target)
        counts[finding.status] += 1
        mark = MARKS.get(finding.status, "!")
        print(f"{mark} {title}: {finding.text}")
        if finding.fix and finding.status != OK:
            print(f"    → {finding.fix}")
        if title == doctor_checks.CREDENTIALS and finding.status == FAILED:
            print("  Nothing else can be checked without credentials.")
            break
    print(
        f"{counts[OK]} passed, {counts[doctor_checks.WARNING]} to consider, {counts[FAILED]} failed, "
        f"{counts[UNSUPPORTED]} not supported by this endpoint"
    )
    return counts[FAILED]


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/doctor", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--environment", default="dev", help="directory under terraform/envs; default: dev")
    parser.add_argument("--region", help="instead of the environment's")
    parser.add_argument("--email-from", default="", help="sender address of e-mail, to see whether SES may use it")
    parser.add_argument("--local", action="store_true", help="examine the emulator of the local stack")
    return parser.parse_args()


def main() -> int:
    arguments = read_arguments()
    try:
        target = doctor_checks.read_target(arguments.environment, arguments.email_from, arguments.local)
        if arguments.local:
            os.environ.update(config.aws_env())
        region = arguments.region or (config.REGION if arguments.local else target.region)
        clients = Clients(botocore.session.get_session(), region, config.endpoint() if arguments.local else None)
        print(f"Environment {arguments.environment}, region {region}")
        return 1 if diagnose(clients, target) else 0
    except NoRegionError:
        progress.fail("no region: name one with --region")
        return 2
    except ScriptError as error:
        progress.fail(str(error))
        return 2


if __name__ == "__main__":
    os.chdir(config.ROOT)
    sys.exit(main())
