"""Customers of scripts/chaos: each order under its own key, sent again under that key until there is a definite answer.

What a customer will do is drawn from the seed before anything is sent. How requests meet kills is not: that is chance.
"""

import http.client
import json
import random
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import api_client
from config import ScriptError
from api_client import PREFIX, Client

CARD, DECLINED = "pm_card_visa", "pm_card_visa_chargeDeclined"
ADDRESS = {"line1": "1 Harbour Way", "city": "Oakland", "region": "CA", "postal_code": "94607", "country": "US"}
# What customers do, and how many in a hundred of them.
HABITS = {
    "buys": 50, "buys twice at once": 6, "hangs up": 5, "pays again": 11, "pays again twice at once": 3, "leaves it declined": 5,
    "cancels at once": 6, "cancels later": 7, "is sent the goods": 5, "orders too much": 2,
}
DECLINING = {"pays again", "pays again twice at once", "leaves it declined"}
CROWD, LULL_S = (10, 40), (4, 11)
TRIES = 14
LONGEST_WAIT_S = 5
# A customer who hangs up asks once and does not wait for the answer.
HUNG_UP_S = 0.15
# How long a customer looks at an order before leaving it as it is.
PATIENCE_S = 240


def plans(rng, orders, customers, products):
    """What is ordered, by whom and how: a list of plans."""
    made = []
    for _ in range(orders):
        habit = rng.choices(list(HABITS), list(HABITS.values()))[0]
        wanted = rng.sample(products, rng.choice((1, 1, 1, 2, 2, 3)))
        quantity = {one: rng.randint(1, 3) for one in wanted}
        if habit == "orders too much":
            quantity[wanted[0]] = 1000
        made.append({
            "habit": habit, "customer": rng.randrange(customers), "key": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            "body": {"items": [{"product_id": one, "quantity": quantity[one]} for one in wanted], "shipping_address": ADDRESS,
                     "payment_method": DECLINED if habit in DECLINING else CARD},
            "pause_s": rng.uniform(0, 4),
        })
    return made


def waves(rng, plans_of):
    """Customers come in crowds: the plans of each, and the seconds until the next."""
    while plans_of:
        size = rng.randint(*CROWD)
        yield plans_of[:size], rng.uniform(*LULL_S)
        plans_of = plans_of[size:]


class Tally:
    """What the requests met."""

    def __init__(self):
        self.lock = threading.Lock()
        self.requests, self.retried, self.tries = 0, 0, 0
        self.statuses = Counter()
        self.faults = Counter()
        # When the last request ended that was to change something.
        self.last = 0.0

    def request(self, method, statuses):
        with self.lock:
            if method != "GET":
                self.last = time.monotonic()
            self.requests += 1
            self.tries += len(statuses)
            self.retried += len(statuses) > 1
            self.statuses.update(statuses)

    def fault(self, method, raw):
        """A 500 is nobody's plan: what it said is told."""
        with self.lock:
            self.faults[f"{method} {raw[:120].decode(errors='replace')}"] += 1


def once(client, method, path, body, headers):
    """Status, body and headers of one try; status "none" where no answer came."""
    try:
        got = client.call(method, PREFIX + path, body, **headers)
        return got.status, got.raw, got.headers
    except (ScriptError, http.client.HTTPException, OSError, ValueError):
        return "none", b"", {}


def ask(client, tally, method, path, body=None, key=None, tries=TRIES, **headers):
    """One request, repeated as it is while there is no definite answer: none at all, 429, or 5xx."""
    if key:
        headers["Idempotency_Key"] = key
    statuses = []
    for attempt in range(tries):
        status, raw, got = once(client, method, path, body, headers)
        statuses.append(status)
        if status == 500:
            tally.fault(method, raw)
        if status != "none" and status != 429 and status < 500:
            break
        if attempt + 1 < tries:
            wait = min(LONGEST_WAIT_S, 0.25 * 2 ** attempt)
            time.sleep(wait * random.uniform(0.7, 1.3))
    tally.request(method, statuses)
    return status, raw, got


def definite(status):
    return status != "none" and status != 429 and status < 500


class Load:
    """Sends all plans with some clients at once; `placed` says what became of each."""

    def __init__(self, env, customers, staff, tally):
        self.env, self.customers, self.staff, self.tally = env, customers, staff, tally
        self.placed, self.lock, self.trouble = [], threading.Lock(), []
        self.done = Counter()

    def run(self, rng, plans_of, clients):
        """Follow-ups wait for the platform, so they have hands of their own."""
        with ThreadPoolExecutor(clients) as placing, ThreadPoolExecutor(4 * clients) as following:
            futures = []
            for crowd, lull in waves(rng, plans_of):
                futures += [placing.submit(self.place, plan, following) for plan in crowd]
                time.sleep(lull)
            for future in futures:
                future.result()

    def place(self, plan, following):
        client, habit = self.customers[plan["customer"]], plan["habit"]
        if habit == "hangs up":
            hasty = Client(client.base, client.token, HUNG_UP_S)
            answers = [ask(hasty, self.tally, "POST", "/orders", plan["body"], plan["key"], tries=1)]
        elif habit == "buys twice at once":
            answers = self.at_once(lambda: ask(client, self.tally, "POST", "/orders", plan["body"], plan["key"]))
        else:
            answers = [ask(client, self.tally, "POST", "/orders", plan["body"], plan["key"])]
        entry = outcome(plan, answers)
        with self.lock:
            self.placed.append(entry)
        if entry["outcome"] == "accepted":
            following.submit(self.follow, plan, client, entry["order_id"])

    @staticmethod
    def at_once(work):
        with ThreadPoolExecutor(2) as two:
            return [future.result() for future in [two.submit(work), two.submit(work)]]

    # ---- afterwards -------------------------------------------------------------------------------------------

    def follow(self, plan, client, order):
        habit = plan["habit"]
        try:
            if habit in ("pays again", "pays again twice at once"):
                self.pay_again(plan, client, order)
            elif habit.startswith("cancels"):
                time.sleep(plan["pause_s"] if habit == "cancels later" else 0)
                self.note(habit, ask(client, self.tally, "DELETE", f"/orders/{order}")[0])
            elif habit == "is sent the goods":
                self.ship(client, order)
        except Exception as trouble:
            with self.lock:
                self.trouble.append(f"order {order}, {habit}: {trouble!r}")

    def note(self, habit, status):
        with self.lock:
            self.done[f"{habit}: {status}"] += 1

    def seen(self, client, order, states):
        """The order once it is in one of these states, or wherever it ends; None when patience ends."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            status, raw, headers = ask(client, self.tally, "GET", f"/orders/{order}")
            if status == 200:
                view = json.loads(raw)
                if view.get("status_reason") in states or view["status"] in (*states, "cancelled"):
                    return view, headers
            time.sleep(1)
        return None, {}

    def pay_again(self, plan, client, order):
        view, _ = self.seen(client, order, ("payment_declined",))
        if view is None or view["status"] == "cancelled":
            return self.note(plan["habit"], "no need")
        body, key = {"order_id": order, "payment_method": CARD}, f"again-{plan['key']}"
        if plan["habit"] == "pays again":
            return self.note(plan["habit"], ask(client, self.tally, "POST", "/payments/process", body, key)[0])
        # Two tabs: each has a key of its own, and only one may charge.
        with ThreadPoolExecutor(2) as two:
            both = [two.submit(ask, client, self.tally, "POST", "/payments/process", body, f"{key}-{tab}") for tab in "ab"]
        statuses = [future.result()[0] for future in both]
        return self.note(plan["habit"], " and ".join(map(str, sorted(statuses, key=str))))

    def ship(self, client, order):
        view, headers = self.seen(client, order, ("processing",))
        if view is None or view["status"] != "processing":
            return self.note("is sent the goods", "never ready")
        shipped = ask(self.staff, self.tally, "PATCH", f"/orders/{order}/status", {"status": "shipped"}, If_Match=headers["ETag"])
        return self.note("is sent the goods", shipped[0])

    # ---- when all is quiet ------------------------------------------------------------------------------------

    def replay(self, plans_of, clients):
        """Each accepted request once more: the first answer, byte for byte, is due."""
        first = {one["key"]: one for one in self.placed if one["outcome"] == "accepted"}

        def again(plan):
            status, raw, _ = ask(self.customers[plan["customer"]], self.tally, "POST", "/orders", plan["body"], plan["key"])
            same = status == 201 and raw == first[plan["key"]]["raw"]
            return {"key": plan["key"], "same": same, "said": f"{status} {raw[:200].decode(errors='replace')}"}

        with ThreadPoolExecutor(clients) as pool:
            return list(pool.map(again, [plan for plan in plans_of if plan["key"] in first]))


def outcome(plan, answers):
    """What became of a key: accepted, refused with a status, or given up. Two answers to one key have to be the same."""
    entry = {"key": plan["key"], "habit": plan["habit"], "order_id": None, "raw": b"",
             "status": answers[0][0], "outcome": "given up"}
    decided = [(status, raw) for status, raw, _ in answers if definite(status)]
    if decided:
        status, raw = decided[0]
        entry.update(status=status, raw=raw, outcome="accepted" if status == 201 else "refused")
        if status == 201:
            entry["order_id"] = json.loads(raw)["id"]
        # Another answer to the same key shows as a request that was not answered the same.
        entry["differing"] = [one for one in decided[1:] if one != decided[0]]
    return entry


def people(env, number, tag):
    """Registered customers, logged in, with their ids."""
    public = Client(env["API_URL"])

    def one(index):
        name, password = f"chaos{tag}n{index}", f"Storm-{tag}-{index}-Xy7"
        account = public.post("/users/register", {"email": f"{name}@example.com", "username": name, "password": password,
                                                  "full_name": f"Customer {index}"}).expect(201)
        return account["id"], public.login(f"{name}@example.com", password)

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(one, range(number)))


def products(env, staff, tag, expected):
    """Products whose stock is opened: half have plenty, of the others there is half of what will be asked for."""
    received = {}
    for index in range(8):
        stock = max(3, int(expected / 8 * (3 if index % 2 else 0.6)))
        made = staff.post("/products", {
            "sku": f"CHAOS-{tag}-{index}", "name": f"Lantern {index}", "category": "lighting",
            "price": {"amount": 1500 + 100 * index, "currency": "USD"}, "stock_quantity": stock}, api_client.new_key()).expect(201)
        received[made["id"]] = stock
    for one in received:
        api_client.eventually("stock of a product", lambda one=one: Client(env["API_URL"]).get(f"/products/{one}/stock").status == 200)
    return received
