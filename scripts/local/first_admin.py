"""Creates the first account of an admin, through `database-migrate`. An account that exists is left as it is.

Whoever may invoke that function may create admins: give the permission to nobody but the pipeline and operators. Admins
log in like everybody, and change their password there.
"""

import argparse
import json
import os
import re
import secrets
import string
import sys
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

import catalog
import config
import progress
from config import ScriptError

FUNCTION = "database-migrate"
# As long as the function may run, and some seconds more.
TIMEOUT_S = 330


def new_password() -> str:
    """A random password of about 140 bits, with the classes of characters that the password policy wants."""
    letters = string.ascii_letters + string.digits
    return "Aa1-" + "".join(secrets.choice(letters) for _ in range(24))


def username(email: str) -> str:
    """A user name from the local part of the address."""
    name = re.sub("[^a-z0-9]", "", email.partition("@")[0].lower())
    return f"admin{name}"[:30]


def create(client: Any, function: str, email: str, password: str) -> bool:
    """Invokes the function. Returns whether it created the account."""
    account = {"email": email, "username": username(email), "password": password, "role": "admin"}
    response = client.invoke(FunctionName=function, Payload=json.dumps({"accounts": [account]}).encode())
    body = response["Payload"].read().decode(errors="replace")
    if "FunctionError" in response:
        raise ScriptError(f"{function} failed: {body[:400]}")
    return bool(json.loads(body)["accounts"])


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/first-admin", description=__doc__)
    parser.add_argument("--email", required=True)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--stage", help="name of the environment, such as dev or prod")
    where.add_argument("--local", action="store_true", help="the local stack")
    parser.add_argument("--region", help="instead of the AWS CLI's")
    return parser.parse_args()


def main() -> int:
    arguments = read_arguments()
    if arguments.local:
        os.environ.update(config.aws_env())
    stage = config.STAGE if arguments.local else arguments.stage
    password = new_password()
    try:
        client = botocore.session.get_session().create_client(
            "lambda",
            region_name=arguments.region,
            config=Config(read_timeout=TIMEOUT_S, retries={"total_max_attempts": 1}),
        )
        created = create(client, f"{catalog.prefix()}-{stage}-{FUNCTION}", arguments.email, password)
    except (BotoCoreError, ClientError) as error:
        progress.fail(f"{FUNCTION} cannot be invoked: {error}")
        return 1
    except ScriptError as error:
        progress.fail(str(error))
        return 1
    if not created:
        progress.fail(f"{arguments.email} or its user name has an account already; it was left as it is")
        return 1
    progress.done(f"{arguments.email} is an admin")
    print(password)
    return 0


if __name__ == "__main__":
    os.chdir(config.ROOT)
    sys.exit(main())
