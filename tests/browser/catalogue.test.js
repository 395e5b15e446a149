// What staff do with all products at once, and what was sold of them. scripts/browser runs this file.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { browser, createProduct, DESKTOP, enterConsole, go, inspect, onPage, placeOrder, register, shop, token } from "./support.js";

const { PRODUCT_ID: product, HOSTILE_TEXT: hostileText, PRODUCT_WORD: word } = process.env;
const staff = { email: process.env.STAFF_EMAIL, password: process.env.STAFF_PASSWORD };
const WIDE = { viewport: DESKTOP };
// Files are processed once a minute.
const JOB_MS = 100_000;
const WINDOW_MS = 300_000;

after(() => browser.close());

test("staff import products, see why lines are rejected, and export all products", async () => {
  const line = (sku, more) => JSON.stringify({ sku, name: "Signal flag", description: "", category: "signals", price: { amount: 1250, currency: "USD" }, stock_quantity: 5, ...more });
  const tag = word.toUpperCase();
  const lines = [line(`FLAG-${tag}`), line(`FLAG-${tag}-2`, { price: { amount: -1, currency: "USD" } }), `{"sku": "${hostileText.replaceAll('"', '\\"')}"}`];
  await onPage(async (page) => {
    await enterConsole(page, staff);
    await go(page, "Products");
    await page.getByRole("link", { name: "Import and export" }).click();
    await page.getByRole("button", { name: "Upload" }).click();
    await page.getByText("Please correct the marked fields.").waitFor();
    await page.getByLabel("File").setInputFiles({ name: "products.jsonl", mimeType: "application/x-ndjson", buffer: Buffer.from(lines.join("\n")) });
    await page.getByRole("button", { name: "Upload" }).click();
    await page.getByRole("heading", { name: "Import of products" }).waitFor();
    const imported = page.url();

    await page.getByRole("link", { name: "Import and export" }).click();
    await inspect(page, "console-transfers");
    await page.getByRole("button", { name: "Start an export" }).click();
    await page.getByRole("heading", { name: "Export of products" }).waitFor();
    const link = page.getByRole("link", { name: "Download the file" });
    await link.waitFor({ timeout: JOB_MS });
    await inspect(page, "console-export");
    const exported = (await (await fetch(await link.getAttribute("href"))).text()).trim().split("\n");
    assert.ok(exported.some((text) => JSON.parse(text).name === "Storm lantern"));

    await page.goto(imported);
    await page.getByRole("status").getByText("Completed with rejected lines").waitFor({ timeout: JOB_MS });
    await page.getByText("/price/amount").waitFor();
    await page.getByRole("link", { name: "All 2 rejected lines as a file" }).waitFor();
    await inspect(page, "console-import");
  }, WIDE);
});

test("no other image can be chosen while one is being uploaded", async () => {
  const bell = await createProduct({ Authorization: `Bearer ${await token(staff)}` }, 1);
  await onPage(async (page) => {
    await enterConsole(page, staff);
    await page.goto(`${shop}/console/products/${bell}`);
    const { promise: isSent, resolve: send } = Promise.withResolvers();
    await page.route(`**/api/v1/products/${bell}/images`, async (route, request) => {
      if (request.method() === "POST") await isSent;
      return route.continue();
    });
    const input = page.getByLabel("Add an image");
    await input.setInputFiles({ name: "bell.png", mimeType: "image/png", buffer: await page.screenshot() });
    await page.getByRole("status").getByText("Uploading …").waitFor();
    let choosers = 0;
    page.on("filechooser", () => choosers++);
    await input.click({ force: true });
    await inspect(page, "console-image-uploading");
    assert.equal(choosers, 0);
    send();
    await page.getByRole("img", { name: "Image of Brass bell" }).waitFor();
    await Promise.all([page.waitForEvent("filechooser"), input.click()]);
  }, WIDE);
});

test("staff see orders, revenue, products and regions, as charts and as tables", async () => {
  await placeOrder(await token(await register()), product, "pm_card_visa");
  await onPage(async (page) => {
    await enterConsole(page, staff);
    await go(page, "Analytics");
    await page.getByRole("img", { name: /^Revenue \(USD\): / }).waitFor();
    await page.getByRole("link", { name: "Storm lantern" }).first().waitFor();
    await page.getByLabel("Period").selectOption("Last hour");
    await page.getByText("Show the figures").first().click();
    assert.equal(await page.getByRole("table", { name: "Orders" }).getByRole("row").count(), 13);
    await inspect(page, "console-analytics");
  }, WIDE);
});

test("staff see that all payments of a period were declined", async () => {
  await onPage(async (page) => {
    // Orders of other stories are paid: this is what the API answers when no card is accepted.
    const sum = (amount) => ({ amount, currency: "USD" });
    const payments = { paid: { count: 0, amount: sum(0) }, declined: { count: 7, amount: sum(13993) }, refunded: { count: 0, amount: sum(0) } };
    const [start, end] = [-WINDOW_MS, 0].map((offset) => new Date(Math.floor(Date.now() / WINDOW_MS) * WINDOW_MS + offset).toISOString());
    const window = { start, end, orders: 0, revenue: sum(0), average_order_value: sum(0), units: 0, first_orders: 0, repeat_orders: 0, payments, cancellations: [], top_products: [], by_region: [], is_complete: false, revision: 1 };
    await page.route("**/api/v1/analytics/windows?**", (route) => route.fulfill({ json: { items: [window], next_cursor: null } }));
    await enterConsole(page, staff);
    await page.goto(`${shop}/console/analytics?period=hour`);
    await page.getByText("No order was confirmed in this period.").waitFor();
    await page.getByRole("table", { name: "Payments (USD)" }).getByRole("row", { name: "Declined 7 $139.93" }).waitFor();
    await inspect(page, "console-analytics-declined");
  }, WIDE);
});

test("an unusual window has a mark in the charts of its figure and a row in the table", async () => {
  await placeOrder(await token(await register()), product, "pm_card_visa");
  await onPage(async (page) => {
    let metrics = [];
    // A stack that is new has no weeks to compare with: this is what the API lists of one that has.
    await page.route("**/api/v1/analytics/anomalies?**", (route, request) => {
      const start = Math.ceil(Date.parse(new URL(request.url()).searchParams.get("from")) / WINDOW_MS) * WINDOW_MS;
      const [since, until] = [start, start + WINDOW_MS].map((time) => new Date(time).toISOString());
      const found = { id: randomUUID(), start: since, end: until, found_at: until, currency: "USD", observed: 4, expected: 40, least: 11, most: 69 };
      return route.fulfill({ json: { items: metrics.map((metric) => ({ ...found, metric })), next_cursor: null } });
    });
    await enterConsole(page, staff);
    await page.goto(`${shop}/console/analytics?period=hour`);
    await page.getByRole("img", { name: /^Revenue \(USD\): / }).waitFor();
    await page.getByText("No window of this period is unusual.").waitFor();
    metrics = ["orders"];
    await page.reload();
    await page.getByRole("row", { name: /Orders \(USD\) 4 40 11 to 69$/ }).waitFor();
    const chart = (name) => page.locator("figure", { has: page.getByRole("heading", { name, exact: true }) });
    assert.equal(await chart("Orders").locator("svg svg.sign").count(), 1);
    assert.equal(await chart("Revenue (USD)").locator("svg svg.sign").count(), 0);
    await chart("Orders").getByText("Show the figures").click();
    await chart("Orders").getByRole("row").nth(1).getByText("(Unusual)").waitFor();
    await inspect(page, "console-anomaly");
    metrics = ["revenue"];
    await page.reload();
    await page.getByRole("row", { name: /Revenue \(USD\) \$0\.04 \$0\.40 \$0\.11 to \$0\.69$/ }).waitFor();
    assert.equal(await chart("Revenue (USD)").locator("svg svg.sign").count(), 1);
    assert.equal(await chart("Orders").locator("svg svg.sign").count(), 0);
  }, WIDE);
});

test("staff see the figures of a day, or why they are missing", async () => {
  await placeOrder(await token(await register()), product, "pm_card_visa");
  await onPage(async (page) => {
    await enterConsole(page, staff);
    const { promise: isAnswered, resolve: answer } = Promise.withResolvers();
    await page.route("**/api/v1/analytics/summary?**", (route) => isAnswered.then(() => route.continue()));
    await go(page, "Summary");
    await page.getByRole("heading", { name: "Summary", exact: true }).waitFor();
    await page.getByRole("status").getByText("Loading …").waitFor();
    answer();
    await page.getByRole("img", { name: /^Revenue \(USD\), seven days: \$/ }).waitFor();
    const peakHour = page.locator(".figures div", { hasText: "Peak hour in UTC (USD)" });
    assert.match(await peakHour.locator("dd").innerText(), /^\d+:00.+\d+:00/);
    await page.getByText("First orders (USD)").waitFor();
    await page.getByText("Repeat orders (USD)").waitFor();
    await page.getByText("Show the figures").first().click();
    assert.equal(await page.getByRole("table", { name: "Orders, seven days" }).getByRole("row").count(), 8);
    await inspect(page, "console-summary");

    await page.getByLabel("Day (UTC)").fill("2020-02-29");
    await page.getByRole("button", { name: "Show", exact: true }).click();
    await page.getByRole("heading", { name: "Feb 29, 2020" }).waitFor();
    await page.getByText("No order was confirmed on this day.").waitFor();
    await inspect(page, "console-summary-empty");

    let isDown = true;
    await page.unroute("**/api/v1/analytics/summary?**");
    await page.route("**/api/v1/analytics/summary?**", (route) => (isDown ? route.fulfill({ status: 503, headers: { "Retry-After": "0" }, body: "" }) : route.continue()));
    await page.getByLabel("Day (UTC)").fill("2020-03-01");
    await page.getByRole("button", { name: "Show", exact: true }).click();
    await page.getByRole("alert").getByText("Something went wrong on our side.").waitFor();
    await inspect(page, "console-summary-failed");
    isDown = false;
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByText("No order was confirmed on this day.").waitFor();
    await page.getByLabel("Language").selectOption("de");
    await page.getByText("An diesem Tag wurde keine Bestellung bestätigt.").waitFor();
    await page.getByRole("heading", { name: "01.03.2020" }).waitFor();
  }, { ...WIDE, expected: [/503/] });
});
