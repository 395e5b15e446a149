// What staff and admins do about one customer, and about an endpoint of webhooks. scripts/browser runs this file.
import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { after, test } from "node:test";
import { eventually } from "./eventually.js";
import { browser, call, confirm, DESKTOP, enterConsole as enter, go, hasFocus, inspect, logIn, mailedToken, newCustomer, onPage, placeOrder, register, shop, status, token } from "./support.js";

const { PRODUCT_ID: product, PRODUCT_WORD: word, MAILBOX_URL: mailbox } = process.env;
const staff = { email: process.env.STAFF_EMAIL, password: process.env.STAFF_PASSWORD };
const admin = { email: process.env.ADMIN_EMAIL, password: process.env.ADMIN_PASSWORD };
const WIDE = { viewport: DESKTOP };

after(() => browser.close());

const idOf = (accessToken) => JSON.parse(Buffer.from(accessToken.split(".")[1], "base64url").toString()).sub;

async function find(page, customer) {
  await go(page, "Customers");
  await page.getByLabel("E-mail address, user name or full name").fill(customer.email);
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByRole("link", { name: customer.email }).click();
}

test("staff filter a customer's orders by status, amount and time, in the address", async () => {
  const accessToken = await token(await register());
  const small = await placeOrder(accessToken, product, "pm_card_visa");
  const large = await placeOrder(accessToken, product, "pm_card_visa", { quantity: 3 });
  const cancelled = await placeOrder(accessToken, product, "pm_card_visa_chargeDeclined", { quantity: 2 });
  await call("DELETE", `/orders/${cancelled.id}`, undefined, { Authorization: `Bearer ${accessToken}` });
  await onPage(async (page) => {
    const shows = async (...orders) => {
      for (const one of [small, large, cancelled]) await page.getByRole("link", { name: one.id }).waitFor({ state: orders.includes(one) ? "visible" : "detached" });
    };
    await enter(page, staff);
    const form = page.locator("details", { hasText: "Filter" });
    await form.locator("summary").click();
    await form.getByLabel("Customer id").fill("nobody");
    await form.getByLabel("Total from").fill("40");
    await form.getByRole("button", { name: "Filter" }).click();
    await form.getByText("This is not an id.").waitFor();
    await form.getByText("Write a currency as three letters, such as USD.").waitFor();
    await form.getByLabel("Customer id").fill(idOf(accessToken));
    await form.getByLabel("Total from").fill("");
    await form.getByRole("button", { name: "Filter" }).click();
    await shows(small, large, cancelled);
    await form.getByLabel("Status").selectOption("cancelled");
    await form.getByRole("button", { name: "Filter" }).click();
    await shows(cancelled);
    await form.getByLabel("Status").selectOption("Any status");
    await form.getByLabel("Currency").fill("usd");
    await form.getByLabel("Total from").fill("39.99");
    await form.getByLabel("Sort by").selectOption("Lowest total");
    await form.getByRole("button", { name: "Filter" }).click();
    await shows(large);
    await inspect(page, "console-orders-filtered");
    await page.reload();
    await shows(large);
    assert.equal(await form.getByLabel("Total from").inputValue(), "39.99");
    await form.getByLabel("Total from").fill("");
    await form.getByLabel("To (exclusive)").fill("2020-01-01");
    await form.getByRole("button", { name: "Filter" }).click();
    await page.getByText("Nothing matches.").waitFor();
    await shows();
    await page.goBack();
    await shows(large);
    await form.getByRole("link", { name: "Reset" }).click();
    await page.getByRole("link", { name: small.id }).waitFor();
  }, WIDE);
});

async function isPdf(link) {
  const document = await fetch(await link.getAttribute("href"));
  return (await document.text()).startsWith("%PDF-");
}

test("staff find a customer's orders by name or e-mail address, with their documents", async () => {
  const name = `Eve Fairway ${word}`;
  const [customer, namesake] = await Promise.all([register(newCustomer(name)), register(newCustomer(name))]);
  const [order, other] = await Promise.all([customer, namesake].map(async (one) => placeOrder(await token(one), product, "pm_card_visa")));
  await onPage(async (page) => {
    await enter(page, staff);
    const who = page.getByLabel("Customer's e-mail or name");
    const search = async (text) => {
      await who.fill(text);
      await page.getByRole("button", { name: "Search", exact: true }).click();
    };
    await search("No");
    await page.getByText("Please enter at least 3 characters.").waitFor();
    await search(`Nobody ${word}`);
    await page.getByRole("status").getByText("No account matches.").waitFor();
    await search(name);
    await page.getByRole("status").getByText("Whose orders do you want to see?").waitFor();
    await inspect(page, "console-orders-customers");
    await page.getByRole("link", { name: `${name}, ${namesake.email}` }).click();
    await page.getByRole("link", { name: other.id }).waitFor();
    await page.getByRole("link", { name: order.id }).waitFor({ state: "detached" });
    await search(customer.email);
    await page.getByRole("link", { name: order.id }).waitFor();
    await page.getByRole("link", { name: other.id }).waitFor({ state: "detached" });
    await page.getByText(`Orders of ${name}, ${customer.email}`).waitFor();
    assert.equal(new URL(page.url()).searchParams.get("user_id"), idOf(await token(customer)));
    await inspect(page, "console-orders-customer");

    await page.getByRole("link", { name: order.id }).click();
    const invoice = page.getByRole("link", { name: "Invoice (PDF)" });
    await invoice.waitFor();
    assert.ok(await isPdf(invoice));
    await page.getByText("Refund", { exact: true }).first().click();
    await page.getByLabel("Amount (USD)").fill("5.00");
    await page.getByRole("button", { name: "Refund", exact: true }).click();
    await confirm(page, "Refund");
    await page.getByText("The refund is requested.").waitFor();
    const note = page.getByRole("link", { name: /^Credit note .* \(PDF\)$/ });
    await note.waitFor();
    assert.ok(await isPdf(note));
    await inspect(page, "console-order-documents");
  }, WIDE);
});

test("staff write to a customer, who gets the message", async () => {
  const customer = await register();
  const subject = `Your lantern ${word}`;
  await onPage(async (page) => {
    await call("POST", "/users/verify", { token: await mailedToken(customer.email, /./) });
    await enter(page, staff);
    await find(page, customer);
    const section = page.locator("section", { has: page.getByRole("heading", { name: "Write a message" }) });
    await section.getByRole("button", { name: "Send" }).click();
    await section.getByText("Please fill in this field.").first().waitFor();
    await section.getByLabel("Subject").fill(subject);
    await section.getByLabel("Text").fill("It is here.\nCome and get it.");
    await section.getByRole("button", { name: "Send" }).click();
    await section.getByRole("status").getByText("The message is on its way.").waitFor();
    assert.equal(await section.getByLabel("Text").inputValue(), "");
    await eventually(`the message "${subject}" to ${customer.email}`, async () => {
      const received = await (await fetch(`${mailbox}?to=${customer.email}`)).json();
      return received.some((message) => message.subject === subject && message.text.includes("Come and get it."));
    });
  }, WIDE);
});

test("an admin exports a customer's data, disables, enables and erases the account", async () => {
  const customer = await register(newCustomer("Eve Quay"));
  const order = await placeOrder(await token(customer), product, "pm_card_visa");
  await onPage(async (page) => {
    await enter(page, admin);
    await find(page, customer);
    await page.getByRole("link", { name: order.id }).waitFor();
    const saved = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download the personal data" }).click();
    const exported = await readFile(await (await saved).path(), "utf8");
    for (const part of [customer.email, "Eve Quay", order.id]) assert.ok(exported.includes(part), part);
    await page.getByRole("button", { name: "Remove the second factor" }).click();
    await page.getByRole("dialog").getByText(/^The password alone is then enough to log in\./).waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: "Disable the account" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    await page.getByText("Customer, active").waitFor();
    await page.getByRole("button", { name: "Disable the account" }).click();
    await confirm(page, "Disable the account");
    await page.getByText("Customer, disabled").waitFor();
    await inspect(page, "console-customer-disabled");
    await page.getByRole("button", { name: "Enable the account" }).click();
    await page.getByText("Customer, active").waitFor();
    await page.getByRole("button", { name: "Erase the personal data" }).click();
    const dialog = page.getByRole("dialog", { name: "Erase the personal data" });
    await inspect(page, "console-erase");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await page.getByText("Customer, active").waitFor();
    await page.getByRole("button", { name: "Erase the personal data" }).click();
    await dialog.getByRole("button", { name: "Erase the personal data" }).click();
    await page.getByText("There is no such account: it may have been erased.").waitFor();
    for (const text of [customer.email, "Eve Quay"]) assert.equal(await page.getByText(text).count(), 0, text);
    await inspect(page, "console-customer-erased");
  }, { ...WIDE, expected: [/404.*\/users\//] });
  await onPage(async (page) => {
    await page.goto(`${shop}/login`);
    await logIn(page, customer);
    await page.getByRole("alert").getByText("No account has this name and this password.").waitFor();
  }, { expected: [/401/] });
});

async function changeProfile({ email, username, password }, changed) {
  const accessToken = await token({ email, password });
  const body = { email, username, current_password: password, ...changed };
  await call("PUT", `/users/${idOf(accessToken)}`, body, { Authorization: `Bearer ${accessToken}`, "If-Match": "*" });
}

test("an admin sends another code to an address, unless it is verified or had too many", async () => {
  const customer = await register();
  const [name, address] = ["Send another code", "**/api/v1/users/*/verification"];
  const tooMany = { type: "/problems/too-many-verifications", title: "Too many requests", status: 429, detail: "Too many verification messages were requested." };
  const known = { type: "/problems/already-verified", title: "Conflict with the current state", status: 409, detail: "The address or number is verified already, or the account has none." };
  await onPage(async (page) => {
    await enter(page, admin);
    await find(page, customer);
    const [send, dialog] = [page.getByRole("button", { name: `${name}: ${customer.email}` }), page.getByRole("dialog", { name, exact: true })];
    await send.click();
    await dialog.getByText(`A message with a code goes to ${customer.email}.`).waitFor();
    await inspect(page, "console-customer-code");
    await confirm(page, name);
    await status(page, "The message is on its way.");
    await hasFocus(send);
    await eventually(`two codes to ${customer.email}`, async () => (await (await fetch(`${mailbox}?to=${customer.email}`)).json()).length === 2);

    await page.route(address, (route) => route.fulfill({ status: 429, contentType: "application/problem+json", json: tooMany }));
    await send.click();
    await confirm(page, name);
    await dialog.getByRole("alert").getByText("Too many messages were requested.").waitFor();
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await page.unroute(address);
    await send.click();
    await dialog.waitFor();
    assert.equal(await dialog.getByText("Too many messages were requested.").count(), 0, "another try says nothing of the last one");
    await dialog.getByRole("button", { name: "Cancel" }).click();

    await call("POST", "/users/verify", { token: await mailedToken(customer.email, /./) });
    await send.click();
    await confirm(page, name);
    await status(page, "This address is already verified.");
    await page.getByText(`${customer.email} (verified)`).waitFor();
    await send.waitFor({ state: "detached" });
    await hasFocus(page.getByRole("heading", { level: 1 }));

    // Nothing is said of another address, which the page reads after an action.
    const changed = { email: newCustomer().email, phone: "+4940123456" };
    await changeProfile(customer, changed);
    await page.getByRole("button", { name: "Disable the account" }).click();
    await confirm(page, "Disable the account");
    await page.getByText(`${changed.email} (not verified)`).waitFor();
    await page.getByText("This address is already verified.").waitFor({ state: "detached" });
    await page.route(address, (route) => route.fulfill({ status: 409, contentType: "application/problem+json", json: known }));
    await page.getByRole("button", { name: `${name}: ${changed.phone}` }).click();
    await confirm(page, name);
    await status(page, "This number is already verified.");
  }, { ...WIDE, expected: [/429.*\/verification$/, /409.*\/verification$/] });
  await onPage(async (page) => {
    await enter(page, staff);
    await find(page, await register());
    await page.getByText("(not verified)").waitFor();
    assert.equal(await page.getByRole("button", { name }).count(), 0, "only admins send codes");
  }, WIDE);
});

test("an admin gives an account another role, and its pages follow", async () => {
  const colleague = await register();
  await onPage(async (page) => {
    await enter(page, admin);
    await find(page, colleague);
    await page.getByText("Customer, active").waitFor();
    await page.getByText("Change the role", { exact: true }).first().click();
    await page.getByLabel("Role").selectOption("Staff");
    await page.getByRole("button", { name: "Change the role" }).click();
    await page.getByRole("status").getByText("The role is changed.").waitFor();
    await page.getByText("Staff, active").waitFor();
    await inspect(page, "console-role-changed");
  }, WIDE);
  await onPage((page) => enter(page, colleague), WIDE);
});

test("password and code are not kept in the form that has removed a second factor", async () => {
  await onPage(async (page) => {
    // Other stories log in as the same person: the API keeps the factor.
    await page.route("**/api/v1/users/*/totp", (route) => route.fulfill({ status: 204 }));
    await enter(page, staff);
    await go(page, "Security");
    const form = page.locator("section", { has: page.getByRole("heading", { name: "Remove the second factor" }) });
    const fields = ["Your password", "Code that the app shows"].map((name) => form.getByLabel(name));
    for (const field of fields) await field.fill("123456");
    await form.getByRole("button", { name: "Remove the second factor" }).click();
    await status(page, "The second factor is removed.");
    for (const field of fields) assert.equal(await field.inputValue(), "");
  }, WIDE);
});

/** Whether one of a message's signatures (Standard Webhooks) is by this secret. */
function isSignedBy(secret, { headers, body }) {
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  const signed = createHmac("sha256", key).update(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`).digest("base64");
  return headers["webhook-signature"].split(" ").includes(`v1,${signed}`);
}

test("staff send a test event to an endpoint twice, and give it another secret", async () => {
  const url = `${mailbox}webhooks/story-${randomUUID()}`;
  const headers = { Authorization: `Bearer ${await token(staff)}`, "Idempotency-Key": randomUUID() };
  // Of a type that no other story publishes.
  const endpoint = await call("POST", "/webhook-endpoints", { url, event_types: ["DisputeClosed.v1"] }, headers);
  await onPage(async (page) => {
    const received = (count) => eventually(`${count} deliveries to ${url}`, async () => {
      const messages = await (await fetch(url)).json();
      return messages.length >= count && messages;
    });
    await enter(page, staff);
    await page.goto(`${shop}/console/webhooks/${endpoint.id}`);
    await page.getByRole("heading", { name: "Deliveries" }).waitFor();
    await page.getByText("Nothing here.").waitFor();
    await page.getByRole("button", { name: "Send a test event" }).click();
    await page.getByRole("status").getByText("A test event is on its way.").waitFor();
    await page.getByRole("cell", { name: "Delivered", exact: true }).waitFor();
    const [first] = await received(1);
    assert.ok(isSignedBy(endpoint.secret, first));
    await inspect(page, "console-webhook-delivered");

    await page.getByRole("button", { name: "New secret" }).click();
    await page.getByRole("dialog").getByText(/^Messages are signed with both secrets for a day\./).waitFor();
    await confirm(page, "New secret");
    const dialog = page.getByRole("dialog", { name: "Signing secret" });
    const secret = await dialog.getByText(/^whsec_/).innerText();
    assert.notEqual(secret, endpoint.secret);
    await dialog.getByRole("button", { name: "Close" }).click();
    assert.equal(await page.getByText(secret).count(), 0);

    await page.getByRole("button", { name: /^Send again: / }).click();
    await page.locator("section", { has: page.getByRole("heading", { name: "Deliveries" }) }).getByRole("status").getByText("Done.").waitFor();
    const [, again] = await received(2);
    assert.equal(again.headers["webhook-id"], first.headers["webhook-id"]);
    assert.ok(isSignedBy(secret, again), "the new secret signs");
    await page.getByRole("cell", { name: "Delivered", exact: true }).waitFor();
  }, WIDE);
  await call("DELETE", `/webhook-endpoints/${endpoint.id}`, undefined, headers);
});
