// The shop, clicked through as customers do. scripts/browser runs this file.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { ADDRESS, browser, call, fillAddress, hasFocus, inspect, logIn, newCustomer, onPage, placeOrder, register, shop, status, toCheckout, token } from "./support.js";

const { PRODUCT_ID: product, HOSTILE_PRODUCT_ID: hostile, HOSTILE_TEXT: hostileText, PRODUCT_WORD: word } = process.env;
const PAYS = "Visa test card that pays";
const IS_DECLINED = "Visa test card that is declined";

after(() => browser.close());

test("a visitor finds a product, registers, orders it, and sees it confirmed", async () => {
  await onPage(async (page) => {
    await page.goto(`${shop}/`);
    await page.getByLabel("Search").fill(word);
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByRole("link", { name: "Storm lantern" }).first().waitFor();
    await inspect(page, "products");
    await page.getByRole("link", { name: "Storm lantern" }).first().click();
    await page.getByLabel("Quantity").fill("2");
    await page.getByRole("button", { name: "Add to basket" }).click();
    await inspect(page, "product");
    await page.getByRole("link", { name: "Go to the basket" }).click();
    await page.getByText("$39.98").first().waitFor();
    await inspect(page, "basket");
    await page.getByRole("link", { name: "Go to checkout" }).click();
    await inspect(page, "checkout-login");
    await page.getByRole("link", { name: "Create an account" }).click();
    const customer = newCustomer();
    await page.getByLabel("E-mail address", { exact: true }).fill(customer.email);
    await page.getByLabel("User name", { exact: true }).fill(customer.username);
    await page.getByRole("textbox", { name: "Password" }).fill(customer.password);
    await inspect(page, "register");
    await page.getByRole("button", { name: "Create the account" }).click();
    await fillAddress(page);
    await page.getByLabel(PAYS, { exact: true }).check();
    await inspect(page, "checkout");
    await page.getByRole("button", { name: "Order and pay" }).click();
    await page.getByRole("heading", { name: "Thank you for your order" }).waitFor();
    await status(page, "Confirmed");
    await page.getByRole("link", { name: "Invoice (PDF)" }).waitFor();
    await inspect(page, "order");
    const link = await page.getByRole("link", { name: "Invoice (PDF)" }).getAttribute("href");
    const invoice = await fetch(link);
    assert.equal((await invoice.text()).slice(0, 5), "%PDF-");
    await page.getByRole("button", { name: "Change the delivery address" }).click();
    await page.getByLabel("Street and number").fill("Speicherstadt 1");
    await page.getByLabel("Postal code").fill("");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Please fill in this field.").waitFor();
    await inspect(page, "change-address");
    await page.getByLabel("Postal code").fill("20457");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("The order goes to the new address.").waitFor();
    await page.locator("address").getByText("Speicherstadt 1").waitFor();
    await page.getByRole("link", { name: "Orders", exact: true }).click();
    await page.getByRole("link", { name: /^Order / }).waitFor();
    await inspect(page, "orders");
  });
});

test("a declined card is replaced, and the order is confirmed and cancelled", async () => {
  const customer = await register();
  await onPage(async (page) => {
    await toCheckout(page, product);
    await logIn(page, customer);
    await fillAddress(page);
    await page.getByLabel(IS_DECLINED).check();
    await page.getByRole("button", { name: "Order and pay" }).click();
    await page.getByRole("heading", { name: "Pay again" }).waitFor();
    await inspect(page, "declined");
    await page.getByLabel(PAYS, { exact: true }).check();
    await page.getByRole("button", { name: "Pay again" }).click();
    await status(page, "Confirmed");
    await page.getByRole("button", { name: "Cancel the order" }).click();
    await inspect(page, "cancel");
    await page.getByRole("button", { name: "Yes, cancel it" }).click();
    await status(page, "Cancelled");
    await page.getByText(/^Refunded: /).waitFor();
  });
});

test("texts of customers and staff are shown and never run", async () => {
  const customer = await register(newCustomer(hostileText));
  await onPage(async (page) => {
    await toCheckout(page, hostile);
    await logIn(page, customer);
    // The name of the account is the recipient's.
    assert.equal(await page.getByLabel("Name of the recipient").inputValue(), hostileText);
    await fillAddress(page);
    for (const field of ["Street and number", "Apartment, floor, company", "City", "State or region"]) await page.getByLabel(field).fill(hostileText);
    await page.getByRole("button", { name: "Order and pay" }).click();
    await status(page, "Confirmed");
    await page.getByText(`1 × ${hostileText} lamp`).waitFor();
    assert.equal(await page.locator("address").getByText(hostileText, { exact: true }).count(), 3);
    await page.locator("address").getByText(`${ADDRESS.postal_code} ${hostileText} ${hostileText}`, { exact: true }).waitFor();
    await inspect(page, "hostile-order");
    await page.goto(`${shop}/account`);
    await page.getByRole("heading", { name: "Profile" }).waitFor();
    await page.getByText(hostileText, { exact: true }).waitFor();
    await inspect(page, "account");
    await page.getByRole("link", { name: "Orders", exact: true }).click();
    await page.getByText(`${hostileText} lamp`).waitFor();
    await page.goto(`${shop}/?q=${encodeURIComponent(hostileText)}&category=${encodeURIComponent(hostileText)}`);
    assert.equal(await page.getByRole("searchbox", { name: "Search" }).inputValue(), hostileText);
    await page.goto(`${shop}/products/${hostile}`);
    await page.getByRole("heading", { name: `${hostileText} lamp` }).waitFor();
    // A category that is none may be refused before the page is left.
  }, { expected: [/422.*\/products\?q=/] });
});

test("what is typed survives the end of the session, for an order after a new login", async () => {
  const customer = await register();
  const ended = await token(customer);
  await onPage(async (page) => {
    await page.goto(`${shop}/login`);
    await inspect(page, "login");
    await logIn(page, customer);
    await page.getByRole("link", { name: "Account", exact: true }).waitFor();
    await toCheckout(page, product);
    await fillAddress(page);
    const { sub } = JSON.parse(Buffer.from(ended.split(".")[1], "base64url").toString());
    await call("DELETE", `/users/${sub}/sessions`, undefined, { Authorization: `Bearer ${ended}` });
    await page.getByRole("button", { name: "Order and pay" }).click();
    const dialog = page.getByRole("dialog", { name: "Please log in again" });
    await dialog.waitFor();
    await inspect(page, "expired");
    await logIn(dialog, customer);
    await page.getByRole("heading", { name: "Thank you for your order" }).waitFor();
    await page.getByText(ADDRESS.line1).waitFor();
  }, { expected: [/401/] });
});

test("rejected fields are marked and named, and the first of them has the focus", async () => {
  await onPage(async (page) => {
    await page.goto(`${shop}/register`);
    await page.getByRole("button", { name: "Create the account" }).click();
    await page.getByText("Please correct the marked fields.").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.name), "/email");
    await page.getByLabel("E-mail address", { exact: true }).fill("eve@example.com");
    await page.getByLabel("User name", { exact: true }).fill("eve");
    await page.getByRole("textbox", { name: "Password" }).fill("aaaaaaaaaaaa");
    await page.getByRole("button", { name: "Create the account" }).click();
    // The rules of passwords are the API's.
    await page.getByText("is too easy to guess").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.name), "/password");
    await inspect(page, "rejected");
  }, { expected: [/422/] });
});

test("a page whose data cannot be read says so, and goes on when the API is back", async () => {
  await onPage(async (page) => {
    let isDown = true;
    const problem = { type: "/problems/unavailable", title: "Unavailable", status: 503, detail: "…", instance: "/", trace_id: "1-2" };
    await page.route("**/api/v1/products?**", (route) =>
      isDown ? route.fulfill({ status: 503, contentType: "application/problem+json", headers: { "Retry-After": "0" }, body: JSON.stringify(problem) }) : route.continue(),
    );
    await page.goto(`${shop}/`);
    await page.getByText("The shop is not available at the moment.").waitFor();
    await inspect(page, "unavailable");
    isDown = false;
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("link", { name: /lantern|lamp/i }).first().waitFor();
    await page.context().setOffline(true);
    await page.getByText("You are offline.").waitFor();
    await inspect(page, "offline");
    await page.context().setOffline(false);
    await page.getByText("You are offline.").waitFor({ state: "detached" });
  }, { expected: [/503/, /ERR_INTERNET_DISCONNECTED/] });
});

test("an order at another price than the one that was shown is not placed", async () => {
  const customer = await register();
  await onPage(async (page) => {
    await toCheckout(page, product);
    await logIn(page, customer);
    await fillAddress(page);
    await page.evaluate(() => {
      const lines = JSON.parse(localStorage.getItem("basket"));
      lines[0].price.amount = 1;
      localStorage.setItem("basket", JSON.stringify(lines));
    });
    await page.reload();
    await fillAddress(page);
    await page.getByRole("button", { name: "Order and pay" }).click();
    await page.getByText("A price has changed since you looked.").waitFor();
    await page.getByRole("main").getByRole("link", { name: "Go to the basket" }).click();
    await page.getByText("The price was $0.01 when you chose it.").waitFor();
    await inspect(page, "price-changed");
  }, { expected: [/409/] });
});

test("prices of the filter are sent in the currency of the products, with its decimals", async () => {
  await onPage(async (page) => {
    const { items: [found] } = await call("GET", `/products?q=${word}`);
    const yen = { items: [{ ...found, price: { amount: 1999, currency: "JPY" } }], next_cursor: null };
    const { promise: isAnswered, resolve: answer } = Promise.withResolvers();
    await page.route("**/api/v1/products?**", async (route) => {
      await isAnswered;
      return route.fulfill({ json: yen });
    });
    await page.goto(`${shop}/`);
    await page.getByText("Filters", { exact: true }).click();
    // Nobody knows the currency yet.
    await page.getByLabel("Price from (optional)").fill("500");
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByText("The currency is known when the products are shown.").waitFor();
    answer();
    await page.getByText("¥1,999").waitFor();
    const [least, most] = [page.getByLabel("Price from (JPY)"), page.getByLabel("Price to (JPY)")];
    await least.fill("500");
    await most.fill("20.50");
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByText("Write a price such as 1250.").waitFor();
    await most.fill("499");
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByText("It must not be less than the amount in the field before.").waitFor();
    await most.fill("2000");
    const isAsked = page.waitForRequest("**/api/v1/products?**");
    await page.getByRole("button", { name: "Search" }).click();
    const { searchParams: asked } = new URL((await isAsked).url());
    assert.deepEqual(["min_price", "max_price", "currency"].map((name) => asked.get(name)), ["500", "2000", "JPY"]);
    await page.getByText("¥1,999").waitFor();
    await page.reload();
    await page.getByText("¥1,999").waitFor();
    assert.deepEqual([await least.inputValue(), await most.inputValue()], ["500", "2000"]);
    await inspect(page, "products-filtered");
  });
});

test("the shop speaks German to those who prefer it, on a wide screen", async () => {
  await onPage(async (page) => {
    await page.goto(`${shop}/products/${product}`);
    await page.getByRole("button", { name: "In den Warenkorb" }).click();
    await page.getByText("19,99\u00a0$").first().waitFor();
    await page.getByRole("link", { name: "Zum Warenkorb" }).click();
    await inspect(page, "german");
    assert.equal(await page.evaluate(() => document.documentElement.lang), "de");
    await page.getByLabel("Sprache").selectOption("en");
    await page.getByRole("heading", { name: "Basket" }).waitFor();
  }, { locale: "de-DE", viewport: { width: 1280, height: 900 } });
});

test("a German page says in German what the browser or the API finds wrong in a field", async () => {
  await onPage(async (page) => {
    await page.goto(`${shop}/register`);
    await page.getByLabel("E-Mail-Adresse", { exact: true }).fill("eve");
    await page.getByLabel("Benutzername", { exact: true }).fill("eve");
    await page.getByRole("textbox", { name: "Passwort" }).fill("aaaaaaaaaaaa");
    await page.getByRole("button", { name: "Konto anlegen" }).click();
    await page.getByText("Bitte geben Sie eine E-Mail-Adresse ein, etwa name@example.com.").waitFor();
    await page.getByLabel("E-Mail-Adresse", { exact: true }).fill("eve@example.com");
    await page.getByRole("button", { name: "Konto anlegen" }).click();
    await page.getByText("Das ist zu leicht zu erraten. Nehmen Sie mindestens fünf verschiedene Zeichen.").waitFor();
    await hasFocus(page.getByRole("textbox", { name: "Passwort" }));
    await page.goto(`${shop}/products/${product}`);
    await page.getByLabel("Menge").fill("0");
    await page.getByRole("button", { name: "In den Warenkorb" }).click();
    await page.getByText("Bitte geben Sie mindestens 1 ein.").waitFor();
  }, { locale: "de-DE", expected: [/422/] });
});

test("a wrong current password is tried once, and the session goes on", async () => {
  const customer = await register();
  await onPage(async (page) => {
    let attempts = 0;
    page.on("request", (request) => request.url().endsWith("/password") && request.method() === "POST" && attempts++);
    await page.goto(`${shop}/account`);
    await logIn(page, customer);
    const section = page.locator("section", { has: page.getByRole("heading", { name: "Password", exact: true }) });
    await section.getByLabel("Current password").fill("not the password");
    await section.getByLabel("New password").fill(`${customer.password}-new`);
    await section.getByRole("button", { name: "Change the password" }).click();
    await section.getByText("must be your password").waitFor();
    assert.equal(attempts, 1);
    await section.getByLabel("Current password").fill(customer.password);
    await section.getByRole("button", { name: "Change the password" }).click();
    await section.getByText("Your password has been changed.").waitFor();
  }, { expected: [/422/] });
});

test("the session of another browser is ended, and the one of this browser goes on", async () => {
  const customer = await register();
  const other = await token(customer);
  await onPage(async (page) => {
    await page.goto(`${shop}/account`);
    await logIn(page, customer);
    const section = page.locator("section", { has: page.getByRole("heading", { name: "Sessions", exact: true }) });
    await section.getByText("(this one)").waitFor();
    await section.getByRole("button", { name: /^End:/ }).click();
    await section.getByRole("status").getByText("The session has ended.").waitFor();
    await section.getByRole("listitem").filter({ hasNotText: "(this one)" }).waitFor({ state: "detached" });
    await hasFocus(section.getByRole("heading"));
    await section.getByText("(this one)").waitFor();
  });
  const { sub } = JSON.parse(Buffer.from(other.split(".")[1], "base64url").toString());
  const refused = call("GET", `/users/${sub}/sessions`, undefined, { Authorization: `Bearer ${other}` });
  await assert.rejects(refused, /401/);
});

test("the first page of the shop needs at most 100 kB of compressed script", async () => {
  await onPage(async (page) => {
    const scripts = [];
    page.on("requestfinished", (request) => request.resourceType() === "script" && scripts.push(request.sizes()));
    await page.goto(`${shop}/`);
    await page.locator(".card").first().waitFor();
    const sizes = await Promise.all(scripts);
    const total = sizes.reduce((sum, { responseBodySize }) => sum + responseBodySize, 0);
    assert.ok(sizes.length > 0 && total <= 100_000, `${total} bytes in ${sizes.length} files`);
    console.log(`${total} bytes of script in ${sizes.length} files`);
  });
});

test("two tabs share one session, and a logout in one of them is one in both", async () => {
  const customer = await register();
  await onPage(async (page) => {
    await page.goto(`${shop}/login`);
    await logIn(page, customer);
    await page.getByRole("link", { name: "Account", exact: true }).waitFor();
    const other = await page.context().newPage();
    // Both need the cookie at the same time: a refresh token that is used twice would end the session.
    await Promise.all([page.reload(), other.goto(`${shop}/account`)]);
    for (const tab of [page, other]) await tab.getByRole("link", { name: "Account", exact: true }).waitFor();
    await other.getByRole("button", { name: "Log out" }).click();
    for (const tab of [page, other]) await tab.getByRole("link", { name: "Log in" }).waitFor();
    // What either tab was reading when the session ended.
  }, { expected: [/401.*\/api\//] });
});

test("an address of no page, and an order of somebody else, are not found", async () => {
  const [customer, other] = [await register(), await register()];
  const order = await placeOrder(await token(other), product, "pm_card_visa");
  await onPage(async (page) => {
    await page.goto(`${shop}/nothing/here`);
    await page.getByRole("heading", { name: "This page does not exist" }).waitFor();
    await inspect(page, "not-found");
    await page.goto(`${shop}/orders/${order.id}`);
    await logIn(page, customer);
    await page.getByRole("heading", { name: "This page does not exist" }).waitFor();
  }, { expected: [/404/] });
});
