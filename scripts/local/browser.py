"""Runs the programs of tests/browser against the running stack, in Debian's Chromium."""

import argparse
import secrets
import shutil

import api_client
import clients
import config
import progress
from api_client import ApiClient, eventually, new_key
from config import ScriptError
from progress import note, step

SOURCES = config.ROOT / "tests/browser"
WORKSPACE = config.LOCAL / "browser"
PICTURES = WORKSPACE / "pictures"


def product_in_stock(staff: ApiClient, tag: str) -> str:
    product = {
        "sku": f"LANTERN-{tag.upper()}",
        "name": "Storm lantern",
        "category": "lighting",
        "price": {"amount": 1999, "currency": "USD"},
        "stock_quantity": 10,
    }
    created = str(staff.post("/products", product, new_key()).expect(201)["id"])
    eventually("stock of the product", lambda: staff.get(f"/products/{created}/stock").expect(200)["available"])
    return created


def customer(public: ApiClient, tag: str) -> ApiClient:
    email, password = f"eve-{tag}@example.com", f"Harbour-{tag}-1843"
    account = {"email": email, "username": f"eve{tag}", "password": password}
    public.post("/users/register", account).expect(201)
    return public.login(email, password)


def order_on_the_documentation_page(env: dict[str, str]) -> None:
    public, tag = ApiClient(env["API_URL"]), secrets.token_hex(6)
    product = product_in_stock(public.login(env["STAFF_EMAIL"], env["STAFF_PASSWORD"]), tag)
    token = str(customer(public, tag).token)
    values = {"API_URL": env["API_URL"], "PICTURES": str(PICTURES), "ACCESS_TOKEN": token, "PRODUCT_ID": product}
    with step('Place an order by "Try it out" on /docs'):
        node = config.tools()["node"] / "bin/node"
        placed = clients.run(WORKSPACE, node, "swagger.js", env=values | {"BROWSER": chromium()})
    note(placed.strip())
    note(f"pictures in {PICTURES.relative_to(config.ROOT)}")


def chromium() -> str:
    found = shutil.which("chromium")
    if not found:
        raise ScriptError("Chromium is not installed: run scripts/setup --clients")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/browser", description=__doc__)
    parser.parse_args()
    env = api_client.stack_env()
    shutil.rmtree(WORKSPACE, ignore_errors=True)
    shutil.copytree(SOURCES, WORKSPACE)
    PICTURES.mkdir()
    (WORKSPACE / "node_modules").symlink_to(config.tools()["npm-browser"] / "node_modules")
    order_on_the_documentation_page(env)


if __name__ == "__main__":
    progress.run(main)
