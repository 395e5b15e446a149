"""Sets up the synthetic canary: an account with a new password, a test product, and the secret that holds both.

The product is looked up in the secret of an earlier call; a new one is created if there is none. Staff of the
environment, in STAFF_EMAIL and STAFF_PASSWORD, creates it; STAFF_CODE is the code of its second factor.
"""

import argparse
import json
import os
import sys
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

import catalog
import config
import first_admin
import progress
from api_client import ApiClient, StaffLogin, eventually, new_key, stack_env, staff_login
from config import ScriptError

Json = dict[str, Any]

# The function waits up to two minutes, and database-migrate five.
TIMEOUT_S = 330
CARD, CURRENCY, STOCK = "pm_card_visa", "USD", 1_000_000
SKU, USERNAME = "CANARY", "canary"
PAUSED: Json = {}


class Canary:
    """The canary of one environment."""

    def __init__(self, stage: str, region: str | None = None) -> None:
        self.prefix = f"{catalog.prefix()}-{stage}"
        row = catalog.section("canary")
        self.product_name, self.function = str(row["product"]), str(row["function"])
        self.secret_id = f"{catalog.prefix()}/{stage}/{row['secret']}"
        session = botocore.session.get_session()
        once = Config(read_timeout=TIMEOUT_S, retries={"total_max_attempts": 1})
        self.functions = session.create_client("lambda", region_name=region, config=once)
        self.secrets = session.create_client("secretsmanager", region_name=region)

    def invoke(self, function: str, payload: object) -> Any:
        response = self.functions.invoke(FunctionName=f"{self.prefix}-{function}", Payload=json.dumps(payload).encode())
        body = response["Payload"].read().decode(errors="replace")
        if "FunctionError" in response:
            raise ScriptError(f"{function} failed: {body[:400]}")
        return json.loads(body)

    def account(self) -> Json:
        """What the secret holds; empty before the first call and while the canary is paused."""
        try:
            found: Json = json.loads(self.secrets.get_secret_value(SecretId=self.secret_id)["SecretString"])
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            return PAUSED
        return found

    def store(self, account: Json) -> None:
        self.secrets.put_secret_value(SecretId=self.secret_id, SecretString=json.dumps(account))

    def renew_login(self, email: str) -> str:
        """Creates the account, or replaces its password. Returns the password."""
        password = first_admin.new_password()
        login = {"email": email, "username": USERNAME, "password": password}
        self.invoke("database-migrate", {"canary": login})
        return password

    def run(self) -> str:
        """Lets the canary order once. Returns the outcome."""
        return str(self.invoke(self.function, {})["outcome"])


def create_product(staff: ApiClient, name: str, price: int) -> str:
    """Creates the test product, and waits for its stock."""
    row = {
        # The SKU of a withdrawn product stays taken.
        "sku": f"{SKU}-{new_key()[:8].upper()}",
        "name": name,
        "category": "canary",
        "price": {"amount": price, "currency": CURRENCY},
        "stock_quantity": STOCK,
    }
    product = str(staff.post("/products", row, new_key()).expect(201)["id"])
    eventually("stock of the product", lambda: staff.get(f"/products/{product}/stock").expect(200)["available"])
    return product


def is_priced(public: ApiClient, product: str | None, price: int) -> bool:
    """Whether the product exists and has this price."""
    if product is None:
        return False
    seen = public.get(f"/products/{product}")
    return bool(seen.status == 200 and seen.body["price"] == {"amount": price, "currency": CURRENCY})


def set_up(canary: Canary, api_url: str, staff: StaffLogin, email: str, price: int) -> None:
    """Puts a working account into the secret. Until then the canary works with what it had."""
    public = ApiClient(api_url.rstrip("/"))
    product = canary.account().get("product_id")
    if not is_priced(public, product, price):
        product = create_product(public.login(*staff), canary.product_name, price)
    password = canary.renew_login(email)
    canary.store({"email": email, "password": password, "product_id": product, "payment_method": CARD})


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/canary", description=__doc__)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--stage", help="name of the environment, such as dev or prod")
    where.add_argument("--local", action="store_true", help="the local stack")
    parser.add_argument("--api-url", help="base URL of the API; needed with --stage")
    parser.add_argument(
        "--email", default="canary@quayside.example", help="address of its account; nothing is sent to it"
    )
    parser.add_argument("--price", type=int, default=0, help="price of its product in cents; 0: nothing is charged")
    parser.add_argument("--pause", action="store_true", help="disable its orders until it is set up again")
    parser.add_argument("--region", help="instead of the AWS CLI's")
    return parser.parse_args()


def main() -> int:
    arguments = read_arguments()
    try:
        if arguments.local:
            os.environ.update(config.aws_env())
        canary = Canary(config.STAGE if arguments.local else arguments.stage, arguments.region)
        if arguments.pause:
            canary.store(PAUSED)
            progress.done("the canary is paused")
            return 0
        known = {**stack_env(), **os.environ} if arguments.local else dict(os.environ)
        api_url = arguments.api_url or (known["API_URL"] if arguments.local else "")
        staff = staff_login(known)
        if not api_url or not all(staff[:2]):
            raise ScriptError("give --api-url, and STAFF_EMAIL and STAFF_PASSWORD of an account of staff")
        set_up(canary, api_url, staff, arguments.email, arguments.price)
        outcome = canary.run()
    except (BotoCoreError, ClientError, ScriptError) as error:
        progress.fail(str(error))
        return 1
    if outcome != "passed":
        progress.fail(f"the canary is set up, and its order {outcome}: see the log of {canary.function}")
        return 1
    progress.done("the canary is set up, and ordered and cancelled once")
    return 0


if __name__ == "__main__":
    os.chdir(config.ROOT)
    sys.exit(main())
