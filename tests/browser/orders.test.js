// What staff do about one order: refund it, keep it, and read what it says. scripts/browser runs this file.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { browser, confirm, DESKTOP, enterConsole, hasFocus, inspect, onPage, placeOrder, register, shop, status, token } from "./support.js";

const { PRODUCT_ID: product } = process.env;
const staff = { email: process.env.STAFF_EMAIL, password: process.env.STAFF_PASSWORD };
const WIDE = { viewport: DESKTOP };

after(() => browser.close());

test("a refund is asked for first, a double click refunds once, and the form is empty after it", async () => {
  const order = await placeOrder(await token(await register()), product, "pm_card_visa", { quantity: 2 });
  await onPage(async (page) => {
    const requested = [];
    page.on("request", (request) => request.url().endsWith("/payments/refund") && requested.push(request.postDataJSON().amount));
    await enterConsole(page, staff);
    await page.goto(`${shop}/console/orders/${order.id}`);
    await status(page, "Confirmed");
    await page.getByText("Refund", { exact: true }).first().click();
    const [amount, refund, question] = [page.getByLabel("Amount (USD)"), page.getByRole("button", { name: "Refund", exact: true }), page.getByRole("dialog", { name: "Refund" })];
    await amount.fill("5.00");
    await refund.dblclick();
    await question.getByText("Refund $5.00?").waitFor();
    await hasFocus(question.getByRole("button", { name: "Cancel" }));
    assert.deepEqual(requested, []);
    await inspect(page, "console-refund-question");
    await question.getByRole("button", { name: "Cancel" }).click();
    await question.waitFor({ state: "hidden" });
    assert.equal(await amount.inputValue(), "5.00");
    await refund.click();
    await question.getByRole("button", { name: "Refund" }).dblclick();
    await page.getByRole("status").getByText("The refund is requested.").waitFor();
    await page.getByRole("cell", { name: "$5.00" }).waitFor();
    assert.equal(await amount.inputValue(), "");
    assert.deepEqual(requested, [{ amount: 500, currency: "USD" }]);
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
