// What operators do in the console: look at queues and dead letters, redrive, replay, pause and resume. scripts/browser runs this file.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { eventually } from "./eventually.js";
import { browser, call, DESKTOP, enterConsole as enter, go, hasFocus, inspect, onPage, placeOrder, register, shop, token } from "./support.js";

const { PRODUCT_ID: product, PRODUCT_WORD: word, DEAD_LETTER_ID: deadLetter, REDRIVABLE_ID: redrivable, DISCARDABLE_ID: discardable } = process.env;
const admin = { email: process.env.ADMIN_EMAIL, password: process.env.ADMIN_PASSWORD };
// A consumer that no other story waits for.
const PAUSED = "stock-alert";
// The audit names people by their accounts, of which an erased one is not found.
const WIDE = { viewport: DESKTOP, expected: [/404.*\/api\/v1\/users\/[\da-f-]{36}$/] };

after(() => browser.close());

test("an admin sees the timeline of an order, the queues, and the audit", async () => {
  const order = await placeOrder(await token(await register()), product, "pm_card_visa");
  await onPage(async (page) => {
    await enter(page, admin);
    await page.getByLabel("Order id").fill(order.id);
    await page.getByRole("button", { name: "Show", exact: true }).click();
    await page.getByRole("heading", { name: "Timeline" }).waitFor();
    await page.getByText("OrderPlaced.v1").click();
    await page.getByText(`"${order.id}"`).first().waitFor();
    assert.equal(await page.getByText(/\d{4,} ms/).count(), 0, "lengths of time are in units that people read");
    await inspect(page, "console-timeline");
    await go(page, "Operations");
    await page.getByLabel("Also queues without messages").check();
    await page.getByRole("region", { name: "Queues" }).getByRole("cell", { name: "payment-charge", exact: true }).waitFor();
    await page.getByRole("heading", { name: "Actions of operators" }).waitFor();
    await inspect(page, "console-operations");
    await go(page, "Settings");
    await page.getByRole("cell", { name: "Lines of an order" }).waitFor();
    await inspect(page, "console-settings");
    await page.goto(`${shop}/console/operations/payment-charge`);
    await page.getByRole("heading", { name: "Dead letters of payment-charge" }).waitFor();
    await page.getByRole("button", { name: "Pause" }).waitFor();
    await inspect(page, "console-dead-letters");
    for (const path of ["operations/nix", "customers/abc"]) {
      await page.goto(`${shop}/console/${path}`);
      await page.getByRole("heading", { name: "This page does not exist" }).waitFor();
    }
    // The browser reports the refused reading of a consumer that there is not.
  }, { ...WIDE, expected: [...WIDE.expected, /422.*\/ops\/dead-letters/] });
});

test("an admin reads in the audit what came of an action, or that it was not finished", async () => {
  await onPage(async (page) => {
    const change = { id: randomUUID(), at: "2026-11-21T12:10:00Z", operator_id: randomUUID(), operator_role: "staff", action: "StockAdjusted.v1", target: product, order_id: null, reason: null, request: {} };
    const action = { ...change, id: randomUUID(), operator_role: null, action: "redrive", target: "payment-charge", reason: "The gateway is back.", outcome: null };
    const refund = { ...change, id: randomUUID(), action: "RefundRequested.v1", target: randomUUID(), order_id: randomUUID(), outcome: { amount: { amount: 4800, currency: "USD" }, refund_id: "r-1" } };
    const outcome = { product_id: product, delta: -2, reason: "damaged", levels: [{ product_id: product, available: 5 }] };
    await page.route("**/api/v1/ops/audit?**", (route) => route.fulfill({ json: { items: [{ ...change, outcome }, refund, action], next_cursor: null } }));
    await page.route(/\/api\/v1\/users\/[0-9a-f-]{36}$/, (route) => route.fulfill({ status: 404, contentType: "application/problem+json", json: { type: "/problems/not-found", title: "Not found", status: 404, detail: "…" } }));
    await enter(page, admin);
    await go(page, "Operations");
    const adjusted = page.getByRole("row").filter({ has: page.getByRole("cell", { name: "Stock adjusted", exact: true }) });
    await adjusted.getByRole("cell", { name: /Change in units -2 Reason Damaged/ }).waitFor();
    assert.equal(await adjusted.getByRole("link", { name: product }).first().getAttribute("href"), `/console/products/${product}`);
    const refunded = page.getByRole("row").filter({ has: page.getByRole("cell", { name: "Refund requested", exact: true }) });
    await refunded.getByRole("cell", { name: /Amount \$48\.00/ }).waitFor();
    await refunded.getByRole("link", { name: refund.order_id }).waitFor();
    await page.getByRole("cell", { name: "Not finished: it may have been done in part." }).waitFor();
    assert.equal(await page.getByText("null").count(), 0);
    await inspect(page, "console-audit");
    // The accounts are erased.
  }, { ...WIDE, expected: [/404.*\/users\//] });
});

test("stuck orders are read again, and one that goes on leaves the list", async () => {
  const times = Object.fromEntries(["placed_at", "updated_at", "cancelled_at"].map((name) => [name, "2026-11-21T12:10:00Z"]));
  const order = { id: randomUUID(), user_id: randomUUID(), status_reason: "awaiting_payment", next_step: "charge_payment", functions: ["payment-charge"], ...times, cancellation_reason: "payment_unreachable" };
  await onPage(async (page) => {
    let stuck = [order];
    await page.route("**/api/v1/ops/stuck-orders?**", (route) => route.fulfill({ json: { items: stuck, next_cursor: null } }));
    await enter(page, admin);
    await go(page, "Operations");
    await page.getByRole("row").filter({ has: page.getByRole("link", { name: order.id }) }).getByRole("cell", { name: /:10:00 .*[A-Z]{3}/ }).first().waitFor();
    stuck = [];
    await page.getByText("No order is stuck.").waitFor();
  }, WIDE);
});

test("an admin reads of a dead letter what is recorded of its event", async () => {
  await onPage(async (page) => {
    const letter = { id: randomUUID(), dead_since: "2026-11-21T12:10:00Z", reason: "unavailable", detail: "", event: null, editable: [] };
    const [retried, handled] = [{ outcome: "would_retry", failed_attempts: 3, last_failure: "timed-out" }, { outcome: "already_handled", handled_at: "2026-11-21T12:11:00Z" }];
    const forecasts = [retried, handled].map((one) => ({ detail: "", handled_at: null, failed_attempts: 0, last_failure: null, ...one }));
    await page.route("**/api/v1/ops/dead-letters?**", (route) => route.fulfill({ json: { items: forecasts.map((forecast, index) => ({ ...letter, id: `${index}`, forecast })), next_cursor: null } }));
    await enter(page, admin);
    await page.goto(`${shop}/console/operations/${PAUSED}`);
    await page.getByRole("cell", { name: "Runs again 3 failed, last timed-out" }).waitFor();
    await page.getByRole("cell", { name: /^Already handled: nothing changes .*:11:00/ }).waitFor();
  }, WIDE);
});

test("an admin edits the event of a dead letter, sees the result, and redrives that", async () => {
  await onPage(async (page) => {
    await enter(page, admin);
    await page.goto(`${shop}/console/operations/message-send`);
    await page.getByLabel(`Choose ${deadLetter}`).check();
    const form = page.locator("section", { has: page.getByRole("heading", { name: "Edit and redrive" }) });
    const [value, reason] = [form.getByLabel("New value"), form.getByLabel("Reason")];
    const [show, redrive] = ["Show the edited events", "Redrive 1 edited"].map((name) => form.getByRole("button", { name }));
    assert.equal(await form.getByLabel("Member of the event").inputValue(), "/data/template", "what is wrong comes first");
    await show.click();
    await hasFocus(value);
    await value.fill("letter");
    await reason.fill("A misspelled template");
    await show.click();
    await form.getByText("/data/template is not known: expected").waitFor();
    await hasFocus(value);
    await inspect(page, "console-dead-letter-refused");
    await value.fill("message");
    await show.click();
    await form.getByRole("status").getByText("1 would be redriven.").waitFor();
    await form.getByRole("cell", { name: '"template": "message"' }).waitFor();
    await hasFocus(show);
    await inspect(page, "console-dead-letter-edited");
    await reason.fill(`The template of ${deadLetter} was misspelled`);
    await redrive.waitFor({ state: "detached" });
    await show.click();
    await redrive.click();
    await page.getByRole("status").getByText("1 redriven.").waitFor();
    await page.getByLabel(`Choose ${deadLetter}`).waitFor({ state: "detached" });
    await hasFocus(page.getByRole("heading", { name: "Dead letters of message-send" }));
    await go(page, "Operations");
    const action = page.getByRole("row").filter({ has: page.getByRole("cell", { name: `The template of ${deadLetter} was misspelled` }) });
    await action.getByRole("link", { name: admin.email }).waitFor();
    await action.getByRole("cell", { name: "Redrive", exact: true }).waitFor();
  }, WIDE);
});

test("an admin discards a dead letter that nobody needs, and is asked before", async () => {
  await onPage(async (page) => {
    await enter(page, admin);
    await page.goto(`${shop}/console/operations/message-send`);
    const letter = page.getByLabel(`Choose ${discardable}`);
    await letter.check();
    const form = page.locator("section", { has: page.getByRole("heading", { name: "Discard", exact: true }) });
    const [discard, dialog] = [form.getByRole("button", { name: "Discard", exact: true }), page.getByRole("dialog")];
    await form.getByLabel("Reason").fill(`Sent by hand: ${discardable}`);
    await discard.click();
    await dialog.getByText("Delete 1 dead letter? This cannot be undone.").waitFor();
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await dialog.waitFor({ state: "hidden" });
    await discard.click();
    await dialog.getByRole("button", { name: "Discard" }).click();
    await page.getByRole("status").getByText("1 discarded.").waitFor();
    await letter.waitFor({ state: "detached" });
    await go(page, "Operations");
    const action = page.getByRole("row").filter({ has: page.getByRole("cell", { name: `Sent by hand: ${discardable}` }) });
    await action.getByRole("cell", { name: "Discard", exact: true }).waitFor();
  }, WIDE);
});

test("an admin redrives one dead letter as it is, after a dry run that moves nothing", async () => {
  await onPage(async (page) => {
    await enter(page, admin);
    await page.goto(`${shop}/console/operations/message-send`);
    await page.getByLabel(`Choose ${redrivable}`).check();
    const form = page.locator("section", { has: page.getByRole("heading", { name: "Redrive", exact: true }) });
    await form.getByText("The chosen dead letter goes back to the queue.").waitFor();
    await form.getByRole("button", { name: "Redrive" }).click();
    await form.getByText("Please fill in this field.").waitFor();
    await form.getByLabel("Reason").fill(`The provider is back: ${redrivable}`);
    await form.getByLabel("At most so many a second").fill("5");
    await form.getByLabel("Only show what would be redriven").check();
    await form.getByRole("button", { name: "Redrive" }).click();
    const shown = form.getByRole("status").getByText("1 would be redriven.");
    await shown.waitFor();
    // What is shown is about another choice then.
    await page.getByLabel(`Choose ${redrivable}`).uncheck();
    await shown.waitFor({ state: "detached" });
    await page.reload();
    await page.getByLabel(`Choose ${redrivable}`).check();
    await form.getByLabel("Reason").fill(`The provider is back: ${redrivable}`);
    await form.getByRole("button", { name: "Redrive" }).click();
    await page.getByRole("status").getByText("1 redriven.").waitFor();
    await page.getByLabel(`Choose ${redrivable}`).waitFor({ state: "detached" });
    await go(page, "Operations");
    await page.getByRole("cell", { name: `The provider is back: ${redrivable}` }).waitFor();
  }, WIDE);
});

/** Answers for a consumer with so many dead letters, which no stack has; a second request waits. Returns the keys of the requests. */
async function withDeadLetters(page, count, isContinued) {
  const keys = [];
  let left = count;
  const list = (items) => ({ json: { items, next_cursor: null } });
  const letter = { id: randomUUID(), dead_since: new Date().toISOString(), reason: "unavailable", detail: "the provider does not respond", event: null, editable: ["/data/template"], forecast: { outcome: "unknown", detail: "Its body is no event.", handled_at: null, failed_attempts: 0, last_failure: null } };
  await page.route("**/api/v1/ops/queues", (route) => route.fulfill(list([{ name: PAUSED, state: "running", has_queue: true, waiting: 0, in_flight: 0, delayed: 0, dead_letters: left }])));
  await page.route("**/api/v1/ops/dead-letters?**", (route) => route.fulfill(list(left > 0 ? [letter] : [])));
  await page.route(`**/api/v1/ops/queues/${PAUSED}/redrive`, async (route, request) => {
    const { dry_run: isDry } = request.postDataJSON();
    const found = Math.min(100, left);
    const message_ids = Array.from({ length: found }, () => randomUUID());
    const answer = { queue: PAUSED, discarded: 0, message_ids, edited: [], refused: [] };
    const forecasts = message_ids.map((message_id) => ({ message_id, forecast: letter.forecast }));
    if (isDry) return route.fulfill({ json: { ...answer, action_id: null, redriven: 0, has_more: left > found, forecasts } });
    if (keys.push(request.headers()["idempotency-key"]) === 2) await isContinued;
    left -= found;
    return route.fulfill({ json: { ...answer, action_id: randomUUID(), redriven: found, has_more: null, forecasts: [] } });
  });
  return keys;
}

test("an admin redrives all dead letters of a consumer, and stops and resumes that", async () => {
  await onPage(async (page) => {
    const { promise: isContinued, resolve: goOn } = Promise.withResolvers();
    const keys = await withDeadLetters(page, 230, isContinued);
    await enter(page, admin);
    await page.goto(`${shop}/console/operations/${PAUSED}`);
    const form = page.locator("section", { has: page.getByRole("heading", { name: "Redrive", exact: true }) });
    await form.getByText(/^All dead letters go back to the queue, a hundred at a time\./).waitFor();
    await form.getByLabel("Reason").fill("The provider is back");
    await form.getByLabel("At most so many a second").fill("100");
    await form.getByRole("button", { name: "Redrive" }).click();
    await hasFocus(page.getByRole("heading", { name: `Redrive to ${PAUSED}` }));
    await page.getByRole("status").getByText("100 redriven so far.").waitFor();
    await inspect(page, "console-redriving");
    await eventually("the second page", () => keys.length === 2);
    await page.getByRole("button", { name: "Stop after this page" }).click();
    goOn();
    await page.getByRole("status").getByText("200 redriven so far.").waitFor();
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByRole("status").getByText("230 redriven.").waitFor();
    await page.getByText("There are no dead letters.").waitFor();
    assert.equal(keys.length, 3);
    assert.equal(new Set(keys).size, 3);
  }, WIDE);
});

test("what is typed into another form stays while all are redriven", async () => {
  await onPage(async (page) => {
    const { promise: isContinued, resolve: goOn } = Promise.withResolvers();
    const keys = await withDeadLetters(page, 300, isContinued);
    await enter(page, admin);
    await page.goto(`${shop}/console/operations/${PAUSED}`);
    const [form, edit] = ["Redrive", "Edit and redrive"].map((name) => page.locator("section", { has: page.getByRole("heading", { name, exact: true }) }));
    const dryRun = form.getByLabel("Only show what would be redriven");
    await edit.getByLabel("New value").fill("message");
    await edit.getByLabel("Reason").fill("A misspelled template");
    await form.getByLabel("Reason").fill("The provider is back");
    await form.getByLabel("At most so many a second").fill("100");
    await dryRun.check();
    await form.getByRole("button", { name: "Redrive" }).click();
    await form.getByRole("status").getByText("100 or more would be redriven.").waitFor();
    await dryRun.uncheck();
    await form.getByRole("button", { name: "Redrive" }).click();
    await eventually("the second page", () => keys.length === 2);
    await page.getByRole("button", { name: "Stop after this page" }).click();
    goOn();
    await page.getByRole("status").getByText("200 redriven so far.").waitFor();
    await page.getByRole("button", { name: "Leave the rest" }).click();
    await page.getByRole("status").getByText("200 redriven.", { exact: true }).waitFor();
    assert.deepEqual([await edit.getByLabel("New value").inputValue(), await edit.getByLabel("Reason").inputValue()], ["message", "A misspelled template"]);
    // Another click would be another action.
    assert.equal(await form.getByLabel("Reason").inputValue(), "");
    await form.getByLabel("Reason").fill("The provider is back");
    await dryRun.check();
    await form.getByRole("button", { name: "Redrive" }).click();
    await form.getByRole("status").getByText("100 would be redriven.", { exact: true }).waitFor();
  }, WIDE);
});

test("an admin pauses a consumer, sees it among the queues, and resumes it", async () => {
  const reason = `A pause of ${word}`;
  await onPage(async (page) => {
    await enter(page, admin);
    await page.goto(`${shop}/console/operations/${PAUSED}`);
    const box = page.locator("section", { has: page.getByRole("heading", { name: "State", exact: true }) });
    try {
      await box.getByLabel("Reason").fill(reason);
      await box.getByRole("button", { name: "Pause" }).click();
      await page.getByRole("status").getByText("The state was changed.").waitFor();
      // Lambda takes a while; the page asks again.
      await box.getByRole("button", { name: "Resume" }).waitFor();
      await box.getByText("Paused", { exact: true }).waitFor();
      await inspect(page, "console-paused");
      await go(page, "Operations");
      const row = page.getByRole("row").filter({ has: page.getByRole("link", { name: PAUSED, exact: true }) }).filter({ hasText: "Paused" });
      await row.first().getByRole("link", { name: PAUSED }).click();
      await box.getByLabel("Reason").fill(reason);
      await box.getByRole("button", { name: "Resume" }).click();
      await page.getByRole("status").getByText("The state was changed.").waitFor();
      await box.getByText("Running", { exact: true }).waitFor();
    } finally {
      const headers = { Authorization: `Bearer ${await token(admin)}` };
      await call("PUT", `/ops/consumers/${PAUSED}/state`, { state: "running", reason: "The story is over." }, headers);
    }
    await go(page, "Operations");
    for (const action of ["Pause", "Resume"]) {
      const done = page.getByRole("row").filter({ has: page.getByRole("cell", { name: reason }) }).filter({ has: page.getByRole("cell", { name: action, exact: true }) });
      await done.getByRole("link", { name: admin.email }).waitFor();
    }
  }, WIDE);
});

/** A product that was changed twice: three events about it, all published. */
async function changedProduct() {
  const headers = { Authorization: `Bearer ${await token({ email: process.env.STAFF_EMAIL, password: process.env.STAFF_PASSWORD })}` };
  const fields = { name: "Tide table", description: "", category: "navigation", price: { amount: 900, currency: "USD" } };
  const { id } = await call("POST", "/products", { sku: `TIDE-${randomUUID().slice(0, 8).toUpperCase()}`, ...fields, stock_quantity: 1 }, { ...headers, "Idempotency-Key": randomUUID() });
  for (const amount of [1000, 1100]) await call("PUT", `/products/${id}`, { ...fields, price: { amount, currency: "USD" } }, { ...headers, "If-Match": "*" });
  await published(id, 3);
  return id;
}

/** Waits until so many events about a product are published. */
async function published(subject, count) {
  const headers = { Authorization: `Bearer ${await token(admin)}` };
  const [from, to] = [-1, 1].map((hours) => new Date(Date.now() + hours * 3_600_000).toISOString());
  const body = { consumer: "product-index", subject, from, to, reason: "Are the events published?", dry_run: true };
  await eventually(`${count} published events about ${subject}`, async () => (await call("POST", "/ops/replay", body, headers)).event_ids.length >= count);
}

test("an admin replays events after a dry run, and goes on where a failure stopped it", async () => {
  const subject = await changedProduct();
  const reason = `A defect of ${word}`;
  await onPage(async (page) => {
    const sent = [];
    let isDown = false;
    // Pages of one event, so that three events are three pages; what the API does is its own.
    await page.route("**/api/v1/ops/replay", (route, request) => {
      const body = request.postDataJSON();
      if (isDown) return route.fulfill({ status: 503, headers: { "Retry-After": "0" }, body: "" });
      if (!body.dry_run) sent.push({ key: request.headers()["idempotency-key"], cursor: body.cursor });
      isDown = !body.dry_run && sent.length === 1;
      return route.continue({ postData: JSON.stringify({ ...body, max: 1 }) });
    });
    await enter(page, admin);
    await go(page, "Operations");
    await page.getByRole("link", { name: "Replay events" }).click();
    await page.getByLabel("Consumer").selectOption("product-index");
    // It has a queue, and its messages are no events.
    await page.getByRole("option", { name: "email-feedback-track" }).waitFor({ state: "detached" });
    await page.getByLabel("Id of an order, a payment, a product or a user").fill(subject);
    await page.getByLabel("Reason").fill(reason);
    await page.getByLabel("Types of events").fill("OrderPlaced.v1");
    const show = page.getByRole("button", { name: "Show what would be delivered" });
    await show.click();
    await page.getByText("is no type of event that the consumer receives").waitFor();
    await hasFocus(page.getByLabel("Types of events"));
    await inspect(page, "console-replay-refused");
    await page.getByLabel("Types of events").fill("ProductCreated.v1 ProductUpdated.v1");
    await show.click();
    await page.getByRole("status").getByText("3 would be delivered to product-index; none was.").waitFor();
    await page.getByRole("status").getByText("The consumer handles such events again; only what is missing or out of date is updated.").waitFor();
    assert.deepEqual(sent, []);
    await inspect(page, "console-replay");
    await page.getByRole("button", { name: "Deliver 3" }).click();
    await page.getByRole("alert").getByText("Something went wrong on our side.").waitFor();
    await page.getByRole("status").getByText("1 of 3 delivered.").waitFor();
    await inspect(page, "console-replay-stopped");
    await page.reload();
    await page.getByRole("status").getByText("1 of 3 delivered.").waitFor();
    isDown = false;
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByRole("status").getByText("3 delivered to product-index.").waitFor();
    assert.equal(sent.length, 3);
    assert.equal(sent[0].cursor, undefined);
    for (const member of ["key", "cursor"]) assert.equal(new Set(sent.map((one) => one[member])).size, 3, member);
    await go(page, "Operations");
    const rows = page.getByRole("row").filter({ has: page.getByRole("cell", { name: reason }) });
    await rows.nth(2).waitFor();
    assert.equal(await rows.count(), 3);
  }, { ...WIDE, expected: [...WIDE.expected, /422.*\/ops\/replay/, /503.*\/ops\/replay/] });
});

test("a dry run of a replay says what the consumer does with events it has handled", async () => {
  await onPage(async (page) => {
    const answer = { action_id: null, consumer: "payment-charge", policy: "claims", replayed: 0, event_ids: [randomUUID()], next_cursor: null };
    await page.route("**/api/v1/ops/replay", (route) => route.fulfill({ json: answer }));
    await enter(page, admin);
    await page.goto(`${shop}/console/operations/replay`);
    await page.getByLabel("Consumer").selectOption("payment-charge");
    await page.getByLabel("Reason").fill("Which are they?");
    await page.getByRole("button", { name: "Show what would be delivered" }).click();
    await page.getByRole("status").getByText("The consumer recognizes events that it has handled and does nothing: no card is charged and no mail is sent twice.").waitFor();
    await page.getByLabel("Language").selectOption("de");
    const claims = page.getByRole("status").getByText("Der Empfänger erkennt Ereignisse, die er schon verarbeitet hat, und überspringt sie:");
    await claims.waitFor();
    answer.event_ids = [];
    await page.getByRole("button", { name: "Zeigen, was geliefert würde" }).click();
    await page.getByRole("status").getByText("0 würden an payment-charge geliefert; noch wurde keines geliefert.").waitFor();
    assert.equal(await claims.count(), 0);
  }, WIDE);
});
