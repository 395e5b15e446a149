// What staff do about one order: refund it, keep it, and read what it says. scripts/browser runs this file.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { ADDRESS, browser, confirm, DESKTOP, enterConsole, go, hasFocus, inspect, newCustomer, onPage, placeOrder, register, shop, status, token } from "./support.js";

const { PRODUCT_ID: product, PRODUCT_WORD: word } = process.env;
const staff = { email: process.env.STAFF_EMAIL, password: process.env.STAFF_PASSWORD };
const admin = { email: process.env.ADMIN_EMAIL, password: process.env.ADMIN_PASSWORD };
const WIDE = { viewport: DESKTOP };

after(() => browser.close());

test("a refund is confirmed, refunded once by a double click, and empties its form", async () => {
  const order = await placeOrder(await token(await register()), product, "pm_card_visa", { quantity: 2 });
  await onPage(async (page) => {
    const requested = [];
    page.on("request", (request) => request.url().endsWith("/payments/refund") && requested.push(request.method()));
    await enterConsole(page, staff);
    await page.goto(`${shop}/console/orders/${order.id}`);
    await status(page, "Confirmed");
    await page.getByText("Refund", { exact: true }).first().click();
    const [amount, refund, question] = [page.getByLabel("Amount (USD)"), page.getByRole("button", { name: "Refund", exact: true }), page.getByRole("dialog", { name: "Refund" })];
    await amount.fill("5.00");
    await refund.dblclick();
    await question.getByText("Refund $5.00?").waitFor();
    assert.deepEqual(requested, []);
    await inspect(page, "console-refund-question");
    await question.getByRole("button", { name: "Cancel" }).click();
    await question.waitFor({ state: "hidden" });
    assert.equal(await amount.inputValue(), "5.00");
    await refund.click();
    await hasFocus(question.getByRole("button", { name: "Cancel" }));
    await question.getByRole("button", { name: "Refund" }).dblclick();
    await page.getByRole("status").getByText("The refund is requested.").waitFor();
    await page.getByRole("cell", { name: "$5.00" }).waitFor();
    assert.equal(await amount.inputValue(), "");
    assert.deepEqual(requested, ["POST"]);
    // Another click asks about another refund.
    await refund.click();
    await question.getByText(/^Refund the whole remaining amount of \$[\d.]+\?$/).waitFor();
    await question.getByRole("button", { name: "Cancel" }).click();
    assert.equal(requested.length, 1);
  }, WIDE);
});

test("the question before a cancellation says which button keeps the order", async () => {
  const order = await placeOrder(await token(await register()), product, "pm_card_visa");
  await onPage(async (page) => {
    await enterConsole(page, staff);
    await page.goto(`${shop}/console/orders/${order.id}`);
    await status(page, "Confirmed");
    const [cancel, question] = [page.getByRole("button", { name: "Cancel the order" }), page.getByRole("dialog", { name: "Cancel the order" })];
    await cancel.click();
    assert.deepEqual(await question.getByRole("button").allInnerTexts(), ["Cancel the order", "Keep it"]);
    await inspect(page, "console-cancel-question");
    await question.getByRole("button", { name: "Keep it" }).click();
    await hasFocus(cancel);
    await status(page, "Confirmed");
    await cancel.click();
    await confirm(page, "Cancel the order");
    await status(page, "Cancelled");
  }, WIDE);
});

test("staff find an order by its number in an e-mail, and its customer by the address", async () => {
  const name = `Eve Anchor ${word}`;
  const customer = await register(newCustomer(name));
  const order = await placeOrder(await token(customer), product, "pm_card_visa", { address: { ...ADDRESS, name } });
  const number = order.id.slice(-12).toUpperCase();
  await onPage(async (page) => {
    await enterConsole(page, staff);
    const [field, show] = [page.getByLabel("Order id or number"), page.getByRole("button", { name: "Show", exact: true })];
    await field.fill("nothing");
    await show.click();
    await page.getByText("Write the 12 characters of the number, 0 to 9 and A to F, or the whole id.").waitFor();
    await hasFocus(field);
    await field.fill("0000 0000 0000");
    await show.click();
    await page.getByText("No order has this number.").waitFor();
    await hasFocus(field);
    await inspect(page, "console-order-not-found");
    await field.fill(` ${number.slice(0, 4)} ${number.slice(4)}`);
    await show.click();
    await page.getByRole("heading", { name: `Order ${order.id}` }).waitFor();
    await page.getByRole("link", { name: "Customer", exact: true }).click();
    await page.getByText("Only admins can open an account by its id.").waitFor();
    await page.locator("address").getByText(name).waitFor();
    await page.getByRole("link", { name: order.id }).waitFor();
    await inspect(page, "console-customer-by-id");
    await page.getByRole("link", { name: `Search for ${name}` }).click();
    await page.getByRole("link", { name: customer.email }).click();
    await page.getByRole("heading", { name }).waitFor();
    await page.getByText(`${customer.email} (not verified)`).waitFor();
  }, WIDE);
});

test("an admin sees who wrote a note, and events of an order once they are recorded", async () => {
  const order = await placeOrder(await token(await register()), product, "pm_card_visa");
  await onPage(async (page) => {
    let isRecorded = false;
    const notYet = { status: 404, contentType: "application/problem+json", json: { type: "/problems/not-found", title: "Not found", status: 404, detail: "There is no such event of this order." } };
    await page.route(`**/api/v1/ops/orders/${order.id}/timeline?**`, (route) => (isRecorded ? route.continue() : route.fulfill(notYet)));
    await enterConsole(page, admin);
    await page.goto(`${shop}/console/orders/${order.id}`);
    await page.getByText("No event of this order is recorded yet.").waitFor();
    assert.equal(await page.getByRole("alert").getByText("This does not exist.").count(), 0);
    await page.getByLabel("Note", { exact: true }).fill("Called about the delivery.");
    await page.getByRole("button", { name: "Add the note" }).click();
    await page.locator(".note", { hasText: "Called about the delivery." }).getByRole("link", { name: admin.email }).waitFor();
    await inspect(page, "console-order-new");
    isRecorded = true;
    await page.getByText("OrderPlaced.v1").waitFor();
  }, WIDE);
});

test("staff read amounts at the gateway, in minor units if the currency is unknown", async () => {
  await onPage(async (page) => {
    const mismatch = (transaction_id, answered) => ({ movement: "charge", transaction_id, refund_id: null, asked: { amount: 4900, currency: "USD" }, answered, seen_at: "2026-11-21T12:00:00Z" });
    const mismatches = [mismatch("ch_1", { amount: 4800, currency: "USD" }), mismatch("ch_2", { amount: 4800, currency: "ZZZ" })];
    // A gateway that answers as it was asked has none.
    await page.route("**/api/v1/ops/payments/mismatches?**", (route) => route.fulfill({ json: { items: [{ payment_id: randomUUID(), order_id: randomUUID(), status: "succeeded", mismatches }], next_cursor: null } }));
    await enterConsole(page, staff);
    await go(page, "Payments");
    await page.getByRole("row", { name: /\$49\.00 \$48\.00 ch_1$/ }).waitFor();
    await page.getByRole("row", { name: /\$49\.00 4,800 minor units of ZZZ ch_2$/ }).waitFor();
    await inspect(page, "console-mismatches");
  }, WIDE);
});
