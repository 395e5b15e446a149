"""Runs the programs of tests/browser against the running stack, in Debian's Chromium."""

import argparse
import json
import os
import secrets
import shutil
import subprocess
import urllib.request
import uuid
from pathlib import Path
from subprocess import PIPE, STDOUT

import api_client
import aws
import clients
import config
import progress
import unusual_sales
from api_client import ApiClient, eventually, fetch, new_key
from config import ScriptError
from progress import note, step

SOURCES = config.ROOT / "tests/browser"
# Pictures that the pages are compared with.
SNAPSHOTS = SOURCES / "snapshots"
WORKSPACE = config.LOCAL / "browser"
PICTURES = WORKSPACE / "pictures"
# Pictures of the pages as other people see them.
MATRIX = config.ROOT / "target/browser-matrix"
# The pictures of the documents.
PUBLISHED = config.ROOT / "docs/pictures"
LIGHTHOUSE = config.ROOT / "tests/lighthouse"
REPORTS = WORKSPACE / "lighthouse"
# As many as the first page shows at once on a phone.
PICTURED = 6


# Texts that would run as scripts if a page took them for markup.
HOSTILE_TEXT = "<img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}\"'`"
# What the handler says of a template that there is none of.
UNKNOWN_TEMPLATE = "/data/template is not known: expected another word"


def product_in_stock(staff: ApiClient, tag: str, name: str = "Storm lantern", description: str = "") -> str:
    product = {
        "sku": f"{name[:3].strip('<').upper()}-{tag.upper()}",
        "name": name,
        "description": description,
        "category": "lighting",
        "price": {"amount": 1999, "currency": "USD"},
        "stock_quantity": 100,
    }
    created = str(staff.post("/products", product, new_key()).expect(201)["id"])
    eventually("stock of the product", lambda: staff.get(f"/products/{created}/stock").expect(200)["available"])
    eventually("product in the list", lambda: staff.get(f"/products?q={tag}").expect(200)["items"])
    return created


def customer(public: ApiClient, tag: str) -> ApiClient:
    email, password = f"eve-{tag}@example.com", f"Harbour-{tag}-1843"
    account = {"email": email, "username": f"eve{tag}", "password": password}
    public.post("/users/register", account).expect(201)
    return public.login(email, password)


def dead_letter(public: ApiClient, tag: str, template: str, reason: str, detail: str) -> str:
    """Id of a new dead letter of message-send, with this template in its event."""
    account = {"email": f"dee-{tag}@example.com", "username": f"dee{tag}", "password": f"Harbour-{tag}-1843"}
    recipient = public.post("/users/register", account).expect(201)["id"]
    sample = config.read_json(config.ROOT / "events/message-send/ok.json")["Records"][0]["body"]
    event = json.loads(sample)["detail"]
    data = event["data"] | {"user_id": recipient, "template": template}
    event |= {"id": str(uuid.uuid4()), "subject": recipient, "data": data}
    why = {"reason": reason, "detail": detail, "attempt": "41"}
    return aws.send(aws.queues()["message-send-dlq"], json.dumps(event), why)


def run(env: dict[str, str], *arguments: str) -> str:
    node = config.tools()["node"] / "bin/node"
    return clients.run(WORKSPACE, node, *arguments, env=env | {"BROWSER": chromium(), "PICTURES": str(PICTURES)})


def order_on_the_documentation_page(env: dict[str, str]) -> None:
    public, tag = ApiClient(env["API_URL"]), secrets.token_hex(6)
    product = product_in_stock(public.login(env["STAFF_EMAIL"], env["STAFF_PASSWORD"]), tag)
    token = str(customer(public, tag).token)
    values = {"API_URL": env["API_URL"], "ACCESS_TOKEN": token, "PRODUCT_ID": product}
    with step('Place an order by "Try it out" on /docs'):
        placed = run(values, "swagger.js")
    note(placed.strip())


def invoice_and_credit_note(public: ApiClient, staff: ApiClient) -> None:
    """Pictures of the invoice of an order with tax and shipping, and of the credit note of a refund of a part of it."""
    ada = customer(public, secrets.token_hex(6))
    products = [product_in_stock(staff, secrets.token_hex(6), name) for name in ("Storm lantern", "Brass compass")]
    address = {
        "name": "Ada Lovelace",
        "line1": "12 Harbour Way",
        "city": "New York",
        "region": "NY",
        "postal_code": "10004",
        "country": "US",
    }
    order = {
        "items": [{"product_id": product, "quantity": quantity} for quantity, product in enumerate(products, start=1)],
        "shipping_address": address,
        "shipping_method": "express",
        "payment_method": "pm_card_visa",
    }
    placed = str(ada.post("/orders", order, new_key()).expect(201)["id"])
    invoice = eventually("invoice", lambda: ada.get(f"/orders/{placed}/invoice").expect(200))
    payment = ada.get(f"/payments/order/{placed}").expect(200)["id"]
    refund = {"payment_id": payment, "amount": {"amount": 1999, "currency": "USD"}, "reason": "requested_by_customer"}
    staff.post("/payments/refund", refund, new_key()).expect(202)
    notes = eventually("credit note", lambda: ada.get(f"/orders/{placed}/credit-notes").expect(200)["items"])
    picture_of_document(invoice["url"], "invoice")
    picture_of_document(notes[0]["url"], "credit-note")


def picture_of_document(link: str, name: str) -> None:
    """The first page of a PDF as docs/pictures/<name>.png."""
    document = eventually("document", lambda: fetch(link)[0])
    page = ["pdftoppm", "-png", "-gray", "-r", "80", "-singlefile", "-", str(PUBLISHED / name)]
    subprocess.run(page, input=document, check=True)


def accept(env: dict[str, str]) -> None:
    """Replaces the snapshots of the pages, with which the stories compare them."""
    shutil.rmtree(SNAPSHOTS, ignore_errors=True)
    SNAPSHOTS.mkdir()
    with step("Replace the snapshots of the pages"):
        run({**env, "FONT": str(font()), "ACCEPT": str(SNAPSHOTS)}, "--test", "appearance.test.js")
    note(f"look at the changes: git diff --stat {SNAPSHOTS.relative_to(config.ROOT)}")


def matrix(env: dict[str, str]) -> None:
    """Inspects every page in the dark, in German, in forced colours, enlarged and on a phone."""
    shutil.rmtree(MATRIX, ignore_errors=True)
    with step("Look at every page as other people see it"):
        follow({**env, "FONT": str(font()), "MATRIX": str(MATRIX)}, "--test", "--test-reporter=spec", "matrix.js")
    note(f"pictures in {MATRIX.relative_to(config.ROOT)}")


def follow(env: dict[str, str], *arguments: str) -> None:
    """Runs a program of tests, and prints the result of each when it is there. What failed is told at the end."""
    command = [str(config.tools()["node"] / "bin/node"), *arguments]
    env = os.environ | env | {"BROWSER": chromium(), "PICTURES": str(PICTURES)}
    failures: list[str] = []
    last = ""
    with subprocess.Popen(command, cwd=WORKSPACE, env=env, stdout=PIPE, stderr=STDOUT, text=True) as tests:
        for line in tests.stdout or ():
            if failures or line.startswith("✖ failing tests"):
                failures.append(line)
            elif line.lstrip().startswith(("▶", "✔", "✖", "ℹ duration")):
                note(line.rstrip())
            last = line
    if tests.returncode:
        raise ScriptError(f"{arguments[-1]} failed in {WORKSPACE}:\n{''.join(failures) or last}")


def show(report: str) -> None:
    for line in report.splitlines():
        if line.startswith(("✔", "ℹ duration")):
            note(line)


def font() -> Path:
    """The font of the snapshots, which is the same on every machine."""
    return config.tools()["fonts"] / "FiraGO-Regular.ttf"


def stories(env: dict[str, str], pattern: str) -> None:
    """The stories of customers and staff, each on a page of its own."""
    public, tag = ApiClient(env["API_URL"]), secrets.token_hex(6)
    staff = public.login(env["STAFF_EMAIL"], env["STAFF_PASSWORD"])
    values = {
        **env,
        "PRODUCT_ID": product_in_stock(staff, tag, description="Burns for twelve hours.\nOf brass."),
        "PRODUCT_WORD": tag,
        "HOSTILE_PRODUCT_ID": product_in_stock(staff, f"{tag}-2", f"{HOSTILE_TEXT} lamp", HOSTILE_TEXT),
        "HOSTILE_TEXT": HOSTILE_TEXT,
        "FONT": str(font()),
        # One that a redrive does not help, one that it does, and one that nobody needs.
        "DEAD_LETTER_ID": dead_letter(public, tag, "mesage", "newer-event", UNKNOWN_TEMPLATE),
        "REDRIVABLE_ID": dead_letter(public, f"{tag}2", "message", "unavailable", "the provider does not respond"),
        "DISCARDABLE_ID": dead_letter(public, f"{tag}3", "message", "unavailable", "the provider does not respond"),
    }
    with step("Click through the shop and the console"):
        report = run(
            values, "--test", "--test-reporter=spec", "--test-concurrency=3", f"--test-name-pattern={pattern or '.'}"
        )
    show(report)


def add_picture(staff: ApiClient, product: str) -> None:
    """Gives a product an image, and waits until its variants are made."""
    body = (PUBLISHED / "shop.png").read_bytes()
    link = staff.post(f"/products/{product}/images", {"content_type": "image/png", "size": len(body)}).expect(201)
    request = urllib.request.Request(link["upload_url"], body, link["headers"], method="PUT")
    urllib.request.urlopen(request, timeout=20).close()
    eventually("image of the product", lambda: staff.get(f"/products/{product}").expect(200)["images"])


def lighthouse(env: dict[str, str]) -> None:
    """Prints what Lighthouse says of the shop's first page and of a product's, each with pictures."""
    staff = ApiClient(env["API_URL"]).login(env["STAFF_EMAIL"], env["STAFF_PASSWORD"])
    with step("Add products with pictures"):
        products = [product_in_stock(staff, secrets.token_hex(6), description="Of brass.") for _ in range(PICTURED)]
        for product in products:
            add_picture(staff, product)
    shop = env["WEB_URL"].rstrip("/")
    pages = {"first-page": f"{shop}/", "product": f"{shop}/products/{products[0]}"}
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    with step(f"Measure the pages (load of this machine: {load}; {os.cpu_count()} cores)"):
        report = run({**env, "PAGES": json.dumps(pages), "REPORTS": str(REPORTS)}, "lighthouse.js")
    for line in report.splitlines():
        note(line)
    note(f"reports in {REPORTS.relative_to(config.ROOT)}")


def prepare(sources: Path, tool: str) -> None:
    """A copy of the programs beside their packages."""
    shutil.rmtree(WORKSPACE, ignore_errors=True)
    shutil.copytree(sources, WORKSPACE)
    PICTURES.mkdir()
    (WORKSPACE / "node_modules").symlink_to(config.tools()[tool] / "node_modules")


def chromium() -> str:
    found = shutil.which("chromium")
    if not found:
        raise ScriptError("Chromium is not installed: run scripts/setup --clients")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/browser", description=__doc__)
    parser.add_argument("pattern", nargs="?", default="", help="only the stories whose names match this expression")
    parser.add_argument("--pictures", action="store_true", help="make the pictures of docs/pictures instead")
    parser.add_argument("--accept", action="store_true", help="replace the snapshots of the pages instead")
    parser.add_argument("--matrix", action="store_true", help="inspect every page in other colours and sizes")
    parser.add_argument("--lighthouse", action="store_true", help="measure the shop's pages by Lighthouse instead")
    arguments = parser.parse_args()
    env = api_client.stack_env()
    if arguments.lighthouse:
        prepare(LIGHTHOUSE, "npm-lighthouse")
        lighthouse(env)
        return
    prepare(SOURCES, "npm-browser")
    if arguments.accept:
        accept(env)
        return
    if arguments.matrix:
        matrix(env)
        return
    if arguments.pictures:
        staff = ApiClient(env["API_URL"]).login(env["STAFF_EMAIL"], env["STAFF_PASSWORD"])
        with step("Sell for an hour, with one unusual window, and for the weeks before"):
            currency = unusual_sales.make(staff)
        with step("Make the pictures of the shop and the console"):
            run({**env, "TARGET": str(PUBLISHED), "UNUSUAL_CURRENCY": currency}, "pictures.js")
        order_on_the_documentation_page(env)
        shutil.copy(PICTURES / "order-placed.png", PUBLISHED / "try-it-out.png")
        with step("Make the pictures of an invoice and a credit note"):
            invoice_and_credit_note(ApiClient(env["API_URL"]), staff)
        note(f"pictures in {PUBLISHED.relative_to(config.ROOT)}")
        return
    if not arguments.pattern:
        order_on_the_documentation_page(env)
    stories(env, arguments.pattern)
    note(f"pictures in {PICTURES.relative_to(config.ROOT)}")


if __name__ == "__main__":
    progress.run(main)
