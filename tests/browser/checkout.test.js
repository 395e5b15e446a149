// What may come between a basket and its order. scripts/browser runs this file.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { ADDRESS, browser, call, createProduct, fillAddress, hasStock, inspect, logIn, onPage, placeOrder, register, shop, status, toCheckout, token } from "./support.js";

const { PRODUCT_ID: product, GATEWAY_URL: gateway } = process.env;
const staff = { email: process.env.STAFF_EMAIL, password: process.env.STAFF_PASSWORD };
const ASKS_FOR_CONSENT = "pm_card_authenticationRequired";
const CONSENT = "The confirmation takes place in your bank's app or on its page.";

after(() => browser.close());

test("an order of what has sold out is cancelled unpaid, and can be ordered again", async () => {
  const headers = { Authorization: `Bearer ${await token(staff)}` };
  const [scarce, customer] = [await createProduct(headers, 1), await register()];
  await onPage(async (page) => {
    await toCheckout(page, scarce);
    await logIn(page, customer);
    await fillAddress(page);
    // Whether the catalogue knows that by the time of the order makes no difference: placing an order looks at no stock, its reservation does.
    await call("PATCH", `/products/${scarce}/stock`, { delta: -1, reason: "damaged" }, { ...headers, "Idempotency-Key": randomUUID() });
    await page.getByRole("button", { name: "Order and pay" }).click();
    await status(page, "Cancelled");
    await page.getByRole("status").getByText("At least one product is out of stock. What was paid is refunded.").waitFor();
    assert.equal(await page.getByText("Thank you for your order").count(), 0);
    await inspect(page, "order-out-of-stock");
    await hasStock(scarce, 0);
    await page.getByRole("button", { name: "Add to the basket again" }).click();
    await page.getByRole("heading", { name: "Basket" }).waitFor();
    await page.getByText("Sold out at the moment.").waitFor();
    await page.goto(`${shop}/products/${scarce}`);
    await page.getByText("Sold out", { exact: true }).waitFor();
    assert.equal(await page.getByRole("button", { name: "Add to basket" }).count(), 0);
  });
});

test("the way back from the checkout to the basket loses nothing that was typed", async () => {
  const customer = await register();
  await onPage(async (page) => {
    await toCheckout(page, product);
    await logIn(page, customer);
    await fillAddress(page);
    await page.getByLabel("Apartment, floor, company").fill("Third floor");
    await page.getByLabel("Express").check();
    await page.getByLabel("Visa test card that is declined").check();
    await page.goBack();
    await page.getByRole("spinbutton", { name: "Quantity of Storm lantern" }).fill("2");
    await page.getByRole("link", { name: "Go to checkout" }).click();
    await page.getByText("2 × Storm lantern").waitFor();
    assert.equal(await page.getByLabel("Street and number").inputValue(), ADDRESS.line1);
    assert.equal(await page.getByLabel("Country").inputValue(), ADDRESS.country);
    for (const choice of ["Express", "Visa test card that is declined"]) assert.ok(await page.getByLabel(choice).isChecked(), choice);
    await page.getByLabel("Visa test card that pays", { exact: true }).check();
    await page.getByRole("button", { name: "Order and pay" }).click();
    await status(page, "Confirmed");
    await page.locator("address").getByText("Third floor").waitFor();
    await page.getByText("Shipping (Express)").waitFor();
    // What was ordered is not typed into the next order.
    await toCheckout(page, product);
    await page.getByLabel("Street and number").waitFor();
    assert.equal(await page.getByLabel("Street and number").inputValue(), "");
  });
});

/** What the customer tells the bank about a payment. */
async function tellBank(order, accessToken, consents) {
  const { next_action: { client_secret } } = await call("GET", `/payments/order/${order.id}`, undefined, { Authorization: `Bearer ${accessToken}` });
  const [intent] = client_secret.split("_secret");
  const body = new URLSearchParams({ client_secret, success: String(consents) });
  const response = await fetch(`${gateway.replace(/\/$/, "")}/v1/payment_intents/${intent}/_authenticate`, { method: "POST", headers: { Authorization: "Bearer sk_test_bank" }, body });
  assert.equal(response.status, 200, await response.text());
}

test("a card that needs the customer's consent waits for it, and the page follows", async () => {
  const customer = await register();
  const accessToken = await token(customer);
  const [agreed, refused] = [await placeOrder(accessToken, product, ASKS_FOR_CONSENT), await placeOrder(accessToken, product, ASKS_FOR_CONSENT)];
  await onPage(async (page) => {
    await page.goto(`${shop}/orders/${agreed.id}`);
    await logIn(page, customer);
    await page.getByRole("status").getByText("Your bank asks you to confirm the payment.").waitFor();
    await page.getByText(CONSENT).waitFor();
    await inspect(page, "consent");
    assert.equal(await page.getByRole("heading", { name: "Pay again" }).count(), 0);
    await tellBank(agreed, accessToken, true);
    await status(page, "Confirmed");
    await page.getByText(CONSENT).waitFor({ state: "detached" });

    await page.goto(`${shop}/orders/${refused.id}`);
    await page.getByText(CONSENT).waitFor();
    await tellBank(refused, accessToken, false);
    await page.getByRole("heading", { name: "Pay again" }).waitFor();
    // The order and its payment are read one after the other.
    await page.getByText(CONSENT).waitFor({ state: "detached" });
    await page.getByLabel("Visa test card that pays", { exact: true }).check();
    await page.getByRole("button", { name: "Pay again" }).click();
    await status(page, "Confirmed");
  });
});

test("a card that is declined again is replaced again, and each outcome is shown", async () => {
  const customer = await register();
  const order = await placeOrder(await token(customer), product, "pm_card_visa_chargeDeclined");
  await onPage(async (page) => {
    await page.goto(`${shop}/orders/${order.id}`);
    await logIn(page, customer);
    await page.getByRole("heading", { name: `Order ${order.id.split("-").pop().toUpperCase()}`, exact: true }).waitFor();
    const again = page.getByRole("button", { name: "Pay again" });
    const declined = page.getByRole("status").getByText("Your payment was declined.");
    await again.waitFor();
    // What the order and its payment have come to is not read yet when the page says that the payment is in progress.
    const { promise: isShown, resolve: read } = Promise.withResolvers();
    await page.route((url) => url.pathname.startsWith("/api/v1/") && url.pathname.endsWith(order.id), (route) => isShown.then(() => route.continue()));
    await page.getByLabel("Visa test card that is declined").check();
    await again.click();
    await page.getByRole("status").getByText("The payment is in progress.").waitFor();
    await page.getByText(/: In progress$/).waitFor();
    assert.deepEqual([await again.count(), await declined.count()], [0, 0]);
    await inspect(page, "paying-again");
    read();
    await declined.waitFor();
    await page.getByText(/: Declined$/).waitFor();
    await page.getByText("No reason was given.").waitFor();
    await page.getByLabel("Visa test card that pays", { exact: true }).check();
    await again.click();
    await status(page, "Confirmed");
    await page.getByText(/: Paid$/).waitFor();
    assert.equal(await declined.count(), 0);
  });
});

test("the page of the bank is a link if the gateway names one, and nothing else is", async () => {
  const customer = await register();
  const order = await placeOrder(await token(customer), product, ASKS_FOR_CONSENT);
  await onPage(async (page) => {
    let bank = "https://bank.example/consent";
    await page.route("**/api/v1/payments/order/*", async (route) => {
      const response = await route.fetch();
      const payment = await response.json();
      if (payment.next_action) payment.next_action.redirect_url = bank;
      return route.fulfill({ response, json: payment });
    });
    await page.goto(`${shop}/orders/${order.id}`);
    await logIn(page, customer);
    const link = page.getByRole("link", { name: "Confirm at your bank" });
    await link.waitFor();
    assert.equal(await link.getAttribute("href"), bank);
    bank = "javascript:alert(1)";
    await page.reload();
    await page.getByText(CONSENT).waitFor();
    assert.equal(await link.count(), 0);
  });
});

/** Answers orders with the error that `refusal` has by then. */
async function refuse(page, refusal) {
  const problem = () => ({ type: "/problems/validation", title: "Unprocessable content", status: 422, detail: "A member is invalid.", errors: [refusal] });
  await page.route("**/api/v1/orders", (route, request) => (request.method() === "POST" ? route.fulfill({ status: 422, contentType: "application/problem+json", json: problem() }) : route.continue()));
}

test("an order that is refused because of its products leads back to the basket", async () => {
  const customer = await register();
  await onPage(async (page) => {
    await toCheckout(page, product);
    await logIn(page, customer);
    await fillAddress(page);
    await refuse(page, { pointer: "/items/0/product_id", detail: "is not a product on sale" });
    await page.getByRole("button", { name: "Order and pay" }).click();
    await page.getByRole("alert").getByText("Storm lantern: is not a product on sale").waitFor();
    await page.getByRole("link", { name: "Go to the basket" }).click();
    await page.getByRole("heading", { name: "Basket" }).waitFor();
  }, { expected: [/422.*\/orders$/] });
});

test("a refused order names the product that was sent, whatever the basket has now", async () => {
  const bell = await createProduct({ Authorization: `Bearer ${await token(staff)}` }, 5);
  const customer = await register();
  await onPage(async (page) => {
    await page.goto(`${shop}/products/${bell}`);
    await page.getByRole("button", { name: "Add to basket" }).click();
    await page.getByRole("status").getByText("Added to the basket.").waitFor();
    await toCheckout(page, product);
    await logIn(page, customer);
    await fillAddress(page);
    await refuse(page, { pointer: "/items/1/product_id", detail: "is not a product on sale" });
    await page.getByRole("button", { name: "Order and pay" }).click();
    const refused = page.getByRole("alert").getByText("Storm lantern: is not a product on sale");
    await refused.waitFor();
    const other = await page.context().newPage();
    await other.goto(`${shop}/basket`);
    await other.getByRole("button", { name: "Remove Brass bell" }).click();
    await page.getByText("1 × Brass bell").waitFor({ state: "detached" });
    await refused.waitFor();
  }, { expected: [/422.*\/orders$/] });
});

test("an order whose basket is refused as a whole says why", async () => {
  const customer = await register();
  const refusal = { pointer: "/items", detail: "must have 1 to 100 items" };
  const isCheap = "total 0.01 USD; the minimum that can be charged is 0.50 USD";
  await onPage(async (page) => {
    await toCheckout(page, product);
    await logIn(page, customer);
    await fillAddress(page);
    await refuse(page, refusal);
    await page.getByRole("button", { name: "Order and pay" }).click();
    await page.getByRole("alert").getByText("Basket: must have 1 to 100 items").waitFor();
    await page.getByLabel("Language").selectOption("de");
    await page.getByRole("alert").getByText("Warenkorb: Es müssen 1 bis 100 sein.").waitFor();
    refusal.detail = isCheap;
    await page.getByRole("button", { name: "Zahlungspflichtig bestellen" }).click();
    await page.getByRole("alert").getByText(`Warenkorb: ${isCheap}`).waitFor();
    assert.deepEqual(await page.getByRole("alert").locator("[lang=en]").allTextContents(), [isCheap]);
    await inspect(page, "order-refused");
  }, { expected: [/422.*\/orders$/] });
});
