// The shop when the API is slow, fails or cannot be reached, and in a browser whose clock is wrong. scripts/browser runs this file.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { browser, call, DESKTOP, enterConsole, fillAddress, hasFocus, inspect, logIn, onPage, placeOrder, register, shop, status, toCheckout, token } from "./support.js";

const { PRODUCT_ID: product } = process.env;
const admin = { email: process.env.ADMIN_EMAIL, password: process.env.ADMIN_PASSWORD };
const staff = { email: process.env.STAFF_EMAIL, password: process.env.STAFF_PASSWORD };

after(() => browser.close());

/** Lets `answer` decide about each request that places an order, and gathers their keys. */
async function onPlacing(page, answer) {
  const keys = [];
  await page.route("**/api/v1/orders", (route, request) => {
    if (request.method() !== "POST") return route.continue();
    keys.push(request.headers()["idempotency-key"]);
    return answer(route, keys.length);
  });
  return keys;
}

async function ordersOf(customer) {
  return (await call("GET", "/orders", undefined, { Authorization: `Bearer ${await token(customer)}` })).items;
}

async function readyToOrder(page, customer) {
  await toCheckout(page, product);
  await logIn(page, customer);
  await fillAddress(page);
}

test("while the API is slow the page says so, and orders once, also after going back", async () => {
  const customer = await register();
  await onPage(async (page) => {
    await readyToOrder(page, customer);
    const { promise: isAnswered, resolve: answer } = Promise.withResolvers();
    const keys = await onPlacing(page, (route) => isAnswered.then(() => route.continue()));
    await page.getByRole("button", { name: "Order and pay" }).click();
    const button = page.getByRole("button", { name: "Placing the order …" });
    await button.click({ force: true });
    await page.getByLabel("City").press("Enter");
    await inspect(page, "placing");
    answer();
    await page.getByRole("heading", { name: "Thank you for your order" }).waitFor();
    await page.goBack();
    await page.getByText("Your basket is empty.").waitFor();
    await page.goForward();
    await page.getByRole("heading", { name: "Thank you for your order" }).waitFor();
    await page.reload();
    await status(page, "Confirmed");
    assert.equal(keys.length, 1);
    assert.equal((await ordersOf(customer)).length, 1);
  });
});

test("a page whose data is late says that it loads, and shows it when it is there", async () => {
  await onPage(async (page) => {
    const { promise: isAnswered, resolve: answer } = Promise.withResolvers();
    await page.route(`**/api/v1/products/${product}`, (route) => isAnswered.then(() => route.continue()));
    await page.goto(`${shop}/products/${product}`);
    await page.getByRole("status").getByText("Loading …").waitFor();
    answer();
    await page.getByRole("heading", { name: "Storm lantern" }).waitFor();
  });
});

test("a page whose script cannot be loaded says so, and is there on the next load", async () => {
  await onPage(async (page) => {
    await page.goto(`${shop}/`);
    await page.locator(".card").first().waitFor();
    await page.route("**/assets/*.js", (route) => route.abort());
    await page.getByRole("navigation").getByRole("link", { name: "Basket" }).click();
    await hasFocus(page.getByRole("heading", { name: "This page cannot be shown" }));
    await page.getByRole("alert").getByText("It could not be loaded.").waitFor();
    await inspect(page, "page-not-loaded");
    await page.unroute("**/assets/*.js");
    await page.getByRole("button", { name: "Load the page again" }).click();
    await page.getByText("Your basket is empty.").waitFor();
  }, { expected: [/ERR_FAILED.*\/assets\//] });
});

test("an order placed offline, and then with a lost answer, is placed once", async () => {
  const customer = await register();
  await onPage(async (page) => {
    await readyToOrder(page, customer);
    await page.getByLabel("Apartment, floor, company").fill("Third floor");
    await page.context().setOffline(true);
    await page.getByRole("button", { name: "Order and pay" }).click();
    await page.getByRole("alert").getByText("There is no connection to the shop.").waitFor();
    await inspect(page, "checkout-offline");
    await page.context().setOffline(false);
    const keys = await onPlacing(page, async (route, tries) => {
      if (tries === 1) return route.fulfill({ status: 503, headers: { "Retry-After": "0" }, body: "" });
      const response = await route.fetch();
      // The API has placed the order, and the answer does not arrive.
      return tries === 2 ? route.abort("connectionreset") : route.fulfill({ response });
    });
    await page.getByRole("button", { name: "Order and pay" }).click();
    await page.getByRole("heading", { name: "Thank you for your order" }).waitFor();
    await page.getByText("Third floor").waitFor();
    assert.equal(keys.length, 3);
    assert.equal(new Set(keys).size, 1);
    assert.equal((await ordersOf(customer)).length, 1);
  }, { expected: [/503/, /ERR_INTERNET_DISCONNECTED/, /ERR_CONNECTION_RESET/] });
});

test("a checkout that the API refuses for now says so, and goes on when it is back", async () => {
  const customer = await register();
  await onPage(async (page) => {
    await readyToOrder(page, customer);
    let isDown = true;
    await onPlacing(page, (route) => (isDown ? route.fulfill({ status: 503, headers: { "Retry-After": "0" }, body: "" }) : route.continue()));
    await page.getByRole("button", { name: "Order and pay" }).click();
    await page.getByRole("alert").getByText("Something went wrong on our side.").waitFor();
    assert.deepEqual(await ordersOf(customer), []);
    isDown = false;
    await page.getByRole("button", { name: "Order and pay" }).click();
    await page.getByRole("heading", { name: "Thank you for your order" }).waitFor();
    assert.equal((await ordersOf(customer)).length, 1);
  }, { expected: [/503/] });
});

/** Answers requests with a failure once it is told to. */
async function failLater(page, url) {
  const { promise: isTold, resolve: fail } = Promise.withResolvers();
  await page.route(url, (route) => isTold.then(() => route.fulfill({ status: 503, headers: { "Retry-After": "0" }, body: "" })));
  return fail;
}

const WENT_WRONG = "Something went wrong on our side.";

test("a failed change of an address says so in its dialog, also after that was closed", async () => {
  const customer = await register();
  const order = await placeOrder(await token(customer), product, "pm_card_visa");
  await onPage(async (page) => {
    await page.goto(`${shop}/orders/${order.id}`);
    await logIn(page, customer);
    await status(page, "Confirmed");
    const name = "Change the delivery address";
    const [open, dialog] = [page.getByRole("button", { name }), page.getByRole("dialog", { name })];
    const fail = await failLater(page, "**/shipping-address");
    await open.click();
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await open.click();
    fail();
    await dialog.getByRole("alert").getByText(WENT_WRONG).waitFor();
  }, { expected: [/503/] });
});

test("a redrive that fails says so, also if its form was edited meanwhile", async () => {
  const [name, id] = ["stock-alert", randomUUID()];
  const list = (item) => (route) => route.fulfill({ json: { items: [item], next_cursor: null } });
  const letter = { id, dead_since: new Date().toISOString(), reason: "unavailable", detail: "", event: null, editable: [], forecast: { outcome: "unknown", detail: "", handled_at: null, failed_attempts: 0, last_failure: null } };
  await onPage(async (page) => {
    await page.route("**/api/v1/ops/queues", list({ name, state: "running", has_queue: true, waiting: 0, in_flight: 0, delayed: 0, dead_letters: 1 }));
    await page.route("**/api/v1/ops/dead-letters?**", list(letter));
    const fail = await failLater(page, `**/api/v1/ops/queues/${name}/redrive`);
    await enterConsole(page, admin);
    await page.goto(`${shop}/console/operations/${name}`);
    const form = page.locator("section", { has: page.getByRole("heading", { name: "Redrive", exact: true }) });
    await page.getByLabel(`Choose ${id}`).check();
    await form.getByLabel("Reason").fill("The provider is back");
    await form.getByRole("button", { name: "Redrive" }).click();
    await form.getByLabel("At most so many a second").fill("100");
    fail();
    await form.getByRole("alert").getByText(WENT_WRONG).waitFor();
  }, { viewport: DESKTOP, expected: [/503/] });
});

const DAY_MS = 86_400_000;

/** Moves the clock of all pages of a context. */
const moveClock = (context, offset) =>
  context.addInitScript((by) => {
    const Real = Date;
    globalThis.Date = class extends Real {
      constructor(...given) {
        if (given.length > 0) super(...given);
        else super(Real.now() + by);
      }
      static now() {
        return Real.now() + by;
      }
    };
  }, offset);

for (const [name, offset] of [["slow", -DAY_MS], ["fast", DAY_MS]]) {
  test(`a clock that is a day ${name} ends no session and moves no sales`, async () => {
    const customer = await register();
    await onPage(async (page) => {
      await moveClock(page.context(), offset);
      let refreshes = 0;
      page.on("request", (request) => request.url().endsWith("/token/refresh") && refreshes++);
      await page.goto(`${shop}/login`);
      await logIn(page, customer);
      await page.getByRole("link", { name: "Orders", exact: true }).click();
      await page.getByText("You have not ordered anything yet.").waitFor();
      await page.reload();
      await page.getByText("You have not ordered anything yet.").waitFor();
      // A token is renewed when a page is loaded, and not before each request.
      assert.equal(refreshes, 1);
    });
    await placeOrder(await token(customer), product, "pm_card_visa");
    await onPage(async (page) => {
      await moveClock(page.context(), offset);
      await enterConsole(page, staff);
      await page.goto(`${shop}/console/analytics?period=hour`);
      await page.getByRole("link", { name: "Storm lantern" }).first().waitFor();
    }, { viewport: DESKTOP });
  });
}
