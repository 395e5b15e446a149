// What somebody does without a mouse, or without seeing the page: where the focus is after each step, and what is announced.
// scripts/browser runs this file.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { browser, call, DESKTOP, enterConsole, hasFocus, inspect, logIn, newCustomer, onPage, placeOrder, register, shop, status, token } from "./support.js";

const { PRODUCT_ID: product, PRODUCT_WORD: word } = process.env;
const staff = { email: process.env.STAFF_EMAIL, password: process.env.STAFF_PASSWORD };

after(() => browser.close());

/** Presses a control with the keyboard. */
async function press(control, key = "Enter") {
  await control.focus();
  await control.press(key);
}

test("a search keeps the focus, and the last page of a list leaves it at the end", async () => {
  await onPage(async (page) => {
    await page.goto(`${shop}/`);
    await page.locator(".card").first().waitFor();
    const search = page.getByRole("searchbox", { name: "Search" });
    await search.fill(`nothing ${word}`);
    await search.press("Enter");
    await page.getByText("No product matches.").waitFor();
    await page.getByRole("status").getByText("0 products").waitFor();
    await hasFocus(search);
    // Another address fills the form again.
    await page.goBack();
    await page.locator(".card").first().waitFor();
    assert.equal(await search.inputValue(), "");

    await page.route("**/api/v1/products?**", async (route, request) => {
      if (new URL(request.url()).searchParams.has("cursor")) return route.fulfill({ json: { items: [], next_cursor: null } });
      const response = await route.fetch();
      return route.fulfill({ response, json: { ...(await response.json()), next_cursor: "more" } });
    });
    await page.reload();
    await press(page.getByRole("button", { name: "Show more" }));
    await hasFocus(page.getByText(/^\d+ entr(y is|ies are) shown\.$/));
  });
});

test("the heading gets the focus when what had it disappears", async () => {
  const customer = await register();
  const order = await placeOrder(await token(customer), product, "pm_card_visa");
  await onPage(async (page) => {
    await page.goto(`${shop}/products/${product}`);
    await press(page.getByRole("button", { name: "Add to basket" }));
    await page.getByRole("status").getByText("Added to the basket.").waitFor();
    await press(page.getByRole("link", { name: "Go to the basket" }));
    await hasFocus(page.getByRole("heading", { name: "Basket" }));
    await press(page.getByRole("button", { name: "Remove Storm lantern" }));
    await page.getByRole("status").getByText("Storm lantern was removed.").waitFor();
    await hasFocus(page.getByRole("heading", { name: "Basket" }));

    await page.goto(`${shop}/orders/${order.id}`);
    await logIn(page, customer);
    await status(page, "Confirmed");
    const cancel = page.getByRole("button", { name: "Cancel the order" });
    await press(cancel);
    await hasFocus(page.getByRole("button", { name: "Keep the order" }));
    await page.keyboard.press("Escape");
    await hasFocus(cancel);
    await press(cancel);
    await press(page.getByRole("button", { name: "Yes, cancel it" }));
    await status(page, "Cancelled");
    await cancel.waitFor({ state: "detached" });
    await hasFocus(page.getByRole("heading", { name: /^Order / }));
  });
});

test("after a rejection the focus goes to the field, once", async () => {
  const known = await register();
  await onPage(async (page) => {
    await page.goto(`${shop}/register`);
    await page.getByLabel("E-mail address", { exact: true }).fill(known.email);
    const { username } = newCustomer();
    await page.getByLabel("User name", { exact: true }).fill(username);
    await page.getByRole("textbox", { name: "Password" }).fill(known.password);
    await press(page.getByRole("button", { name: "Create the account" }));
    await page.getByText("An account with this e-mail address already exists.").waitFor();
    await hasFocus(page.getByLabel("E-mail address", { exact: true }));
    const show = page.getByLabel("Show the password");
    await press(show, "Space");
    await page.locator("input[name='/password'][type=text]").waitFor();
    await hasFocus(show);
    assert.equal(await page.getByLabel("User name", { exact: true }).inputValue(), username);
  }, { expected: [/409/] });
});

test("a note survives the end of the session, and its button keeps the focus", async () => {
  const order = await placeOrder(await token(await register()), product, "pm_card_visa");
  const problem = { type: "/problems/unauthenticated", title: "Unauthenticated", status: 401, detail: "…", instance: "/", trace_id: "1-2" };
  const refuse = (route) => route.fulfill({ status: 401, contentType: "application/problem+json", body: JSON.stringify(problem) });
  await onPage(async (page) => {
    await enterConsole(page, staff);
    await page.goto(`${shop}/console/orders/${order.id}`);
    const note = page.getByLabel("Note", { exact: true });
    const add = page.getByRole("button", { name: "Add the note" });
    await note.fill("Call before delivery");
    let isEnded = true;
    await page.route("**/api/v1/users/token/refresh", (route) => (isEnded ? refuse(route) : route.continue()));
    await page.route("**/api/v1/orders/*/notes", (route, request) => (isEnded && request.method() === "POST" ? refuse(route) : route.continue()));
    await press(add);
    const dialog = page.getByRole("dialog", { name: "Please log in again" });
    await hasFocus(dialog.getByLabel("E-mail address or user name"));
    assert.equal(await note.inputValue(), "Call before delivery");
    isEnded = false;
    await logIn(dialog, staff);
    await page.locator(".note", { hasText: "Call before delivery" }).getByRole("link", { name: "you", exact: true }).waitFor();
    await page.getByRole("status").getByText("Saved.").waitFor();
    await hasFocus(add);
    assert.equal(await note.inputValue(), "");
  }, { viewport: DESKTOP, expected: [/401/] });
});

test("Escape neither closes the login over a page nor loses what was typed", async () => {
  const customer = await register();
  await onPage(async (page) => {
    await page.goto(`${shop}/account`);
    await logIn(page, customer);
    const name = page.getByLabel("Full name");
    await name.fill("Eve Quay");
    const accessToken = await token(customer);
    const { sub } = JSON.parse(Buffer.from(accessToken.split(".")[1], "base64url").toString());
    await call("DELETE", `/users/${sub}/sessions`, undefined, { Authorization: `Bearer ${accessToken}` });
    await name.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Please log in again" });
    const first = dialog.getByLabel("E-mail address or user name");
    await hasFocus(first);
    await first.fill(customer.email);
    // The browser lets the page prevent the first one alone.
    for (let times = 0; times < 3; times++) await page.keyboard.press("Escape");
    await hasFocus(first);
    assert.deepEqual([await first.inputValue(), await name.inputValue()], [customer.email, "Eve Quay"]);
    await press(dialog.getByRole("button", { name: "Log out instead" }));
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("heading", { name: "Log in" }).waitFor();
  }, { expected: [/401/] });
});

test("a page that cannot be read has a heading that says so, with the focus", async () => {
  await onPage(async (page) => {
    await page.goto(`${shop}/?q=${word}`);
    await page.route(`**/api/v1/products/${product}`, (route) => route.fulfill({ status: 500, body: "" }));
    await press(page.getByRole("link", { name: "Storm lantern" }).first());
    await hasFocus(page.getByRole("heading", { name: "This page cannot be shown" }));
    assert.equal(await page.title(), "This page cannot be shown – Quayside");
    await inspect(page, "page-failed");
    await page.unroute(`**/api/v1/products/${product}`);
    await press(page.getByRole("button", { name: "Try again" }));
    await hasFocus(page.getByRole("heading", { name: "Storm lantern" }));
  }, { expected: [/500/] });
});
