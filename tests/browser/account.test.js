// What customers change about their accounts. scripts/browser runs this file.
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { after, test } from "node:test";
import { eventually } from "./eventually.js";
import { browser, call, fillAddress, hasFocus, inspect, logIn, mailedToken, newCustomer, onPage, placeOrder, register, shop, status, toCheckout, token } from "./support.js";

const { PRODUCT_ID: product, AWS_ENDPOINT_URL: cloud } = process.env;

after(() => browser.close());

const sectionOf = (page, name) => page.locator("section", { has: page.getByRole("heading", { name, exact: true }) });

/** The first text message to a number that matches. */
async function texted(number, pattern) {
  return eventually(`a text message to ${number} like ${pattern}`, async () => {
    const { sms_messages: messages } = await (await fetch(`${cloud}/_ministack/sns/sms-messages`)).json();
    return (messages[number] ?? []).map(({ Message: text }) => pattern.exec(text)?.[0]).find(Boolean);
  });
}

test("a customer verifies a phone number, and is written to by channel and language", async () => {
  const customer = await register();
  const number = `+499${String(randomInt(100_000_000_000)).padStart(11, "0")}`;
  const accessToken = await token(customer);
  await onPage(async (page) => {
    await call("POST", "/users/verify", { token: await mailedToken(customer.email, /./) });
    await page.goto(`${shop}/account`);
    await logIn(page, customer);
    await page.getByLabel("Phone number").fill(number);
    await sectionOf(page, "Profile").getByRole("button", { name: "Save" }).click();
    const verification = sectionOf(page, "Verify your phone number");
    await verification.getByRole("button", { name: "Send a code" }).click();
    await verification.getByText("The message is on its way.").waitFor();
    await inspect(page, "account-phone-unverified");
    await verification.getByLabel("Code").fill(await texted(number, /\b([0-9A-HJKMNP-TV-Z]{5}-){3}[0-9A-HJKMNP-TV-Z]{5}\b/));
    await verification.getByRole("button", { name: "Verify" }).click();
    await page.getByRole("status").getByText("Your phone number is verified.").waitFor();

    const messages = sectionOf(page, "Messages");
    await messages.getByLabel("E-mail").uncheck();
    await messages.getByLabel("Text message").check();
    await messages.getByLabel("Language of the messages").selectOption("de");
    await messages.getByRole("button", { name: "Save" }).click();
    await messages.getByText("Saved.").waitFor();
    const isKept = async () => {
      await messages.getByLabel("Text message").waitFor();
      assert.deepEqual([await messages.getByLabel("E-mail").isChecked(), await messages.getByLabel("Text message").isChecked()], [false, true]);
      assert.equal(await messages.getByLabel("Language of the messages").inputValue(), "de");
    };
    await page.getByRole("link", { name: "Orders", exact: true }).click();
    await page.getByText("You have not ordered anything yet.").waitFor();
    await page.getByRole("link", { name: "Account", exact: true }).click();
    await isKept();
    await page.reload();
    await isKept();
  });
  await placeOrder(accessToken, product, "pm_card_visa");
  await texted(number, /Bestellung/);
});

test("a customer reads about the last try to verify an address, not the one before", async () => {
  const customer = await register();
  const address = "**/api/v1/users/*/verification";
  const tooMany = { type: "/problems/too-many-verifications", title: "Too many requests", status: 429, detail: "Too many verification messages were requested." };
  await onPage(async (page) => {
    await page.goto(`${shop}/account`);
    await logIn(page, customer);
    const verification = sectionOf(page, "Verify your e-mail address");
    const [wrong, many, send] = [verification.getByText(/^is wrong, was used already or has expired/), verification.getByText("Too many messages were requested."), verification.getByRole("button", { name: "Send another code" })];
    const asked = [];
    page.on("request", (request) => request.url().endsWith("/verification") && asked.push(request.url()));
    const { promise: isAnswered, resolve: answer } = Promise.withResolvers();
    await page.route("**/api/v1/users/verify", (route) => isAnswered.then(() => route.continue()));
    await verification.getByLabel("Code").fill("00000-00000-00000-00000");
    await verification.getByRole("button", { name: "Verify" }).click();
    // Nothing else is done before this has an answer, which would not be shown otherwise.
    await send.click({ force: true });
    answer();
    await wrong.waitFor();
    assert.deepEqual(asked, []);
    await page.route(address, (route) => route.fulfill({ status: 429, contentType: "application/problem+json", json: tooMany }));
    await send.click();
    await many.waitFor();
    await wrong.waitFor({ state: "detached" });
    await page.unroute(address);
    await call("POST", "/users/verify", { token: await mailedToken(customer.email, /./) });
    await send.click();
    const verified = page.getByRole("status").getByText("Your address is verified.");
    await verified.waitFor();
    await verification.waitFor({ state: "detached" });
    // Another address is another one to verify.
    await page.getByLabel("E-mail address (verified)").fill(newCustomer().email);
    await sectionOf(page, "Profile").getByLabel("Current password").fill(customer.password);
    await sectionOf(page, "Profile").getByRole("button", { name: "Save" }).click();
    await verification.waitFor();
    await verified.waitFor({ state: "detached" });
  }, { expected: [/422.*\/users\/verify$/, /429.*\/verification$/, /409.*\/verification$/] });
});

test("a customer whose number is already verified reads that once", async () => {
  const customer = await register();
  const known = { type: "/problems/already-verified", title: "Conflict with the current state", status: 409, detail: "The address or number is verified already, or the account has none." };
  await onPage(async (page) => {
    await page.goto(`${shop}/account`);
    await logIn(page, customer);
    await page.getByLabel("Phone number").fill("+4940123456");
    await sectionOf(page, "Profile").getByRole("button", { name: "Save" }).click();
    await page.route("**/api/v1/users/*/verification", (route) => route.fulfill({ status: 409, contentType: "application/problem+json", json: known }));
    await page.getByRole("button", { name: "Send a code" }).click();
    await page.getByRole("status").getByText("Your phone number is verified.").waitFor();
    assert.equal(await page.getByText("already verified").count(), 0);
  }, { expected: [/409.*\/verification$/] });
});

test("a customer saves cards, pays with the one that is offered first, and deletes one", async () => {
  const customer = await register();
  await onPage(async (page) => {
    await page.goto(`${shop}/account`);
    await logIn(page, customer);
    const cards = sectionOf(page, "Saved cards");
    await cards.getByText("You have no saved card.").waitFor();
    await cards.getByText("Save a card").first().click();
    const saved = cards.locator("li", { hasText: /^Visa ending in 4242 / });
    for (const count of [1, 2]) {
      await cards.getByRole("button", { name: "Save a card" }).click();
      await saved.nth(count - 1).waitFor();
      await cards.getByRole("status").getByText("The card is saved.").waitFor();
    }
    const [first, other] = [saved.filter({ hasText: "(offered first)" }), saved.filter({ hasNotText: "(offered first)" })];
    await first.waitFor();
    await other.getByRole("button", { name: /^Offer first: / }).click();
    await cards.getByRole("status").getByText("Visa ending in 4242 is offered first.").waitFor();
    assert.equal(await first.count(), 1);
    await inspect(page, "account-cards");

    await toCheckout(page, product);
    await fillAddress(page);
    assert.ok(await page.getByLabel("Visa ending in 4242").first().isChecked());
    await page.getByRole("button", { name: "Order and pay" }).click();
    await status(page, "Confirmed");

    await page.getByRole("link", { name: "Account", exact: true }).click();
    await other.getByRole("button", { name: /^Delete: / }).click();
    await page.getByRole("dialog", { name: "Delete" }).getByRole("button", { name: "Delete" }).click();
    await cards.getByRole("status").getByText("Visa ending in 4242 is deleted.").waitFor();
    await other.waitFor({ state: "detached" });
    await first.waitFor();
  });
});

test("a customer who gets no code asks for another without typing the address again", async () => {
  const customer = await register();
  await onPage(async (page) => {
    const [email, code] = [page.getByLabel("E-mail address", { exact: true }), page.getByLabel("Code from the message")];
    await page.goto(`${shop}/password`);
    await email.fill(customer.email);
    await page.getByRole("button", { name: "Send me a message" }).click();
    await hasFocus(code);
    await page.getByRole("button", { name: "I need another code" }).click();
    await hasFocus(email);
    assert.equal(await email.inputValue(), customer.email);
    await page.getByRole("button", { name: "Send me a message" }).click();
    await page.getByRole("status").getByText("a message with a code is on its way").waitFor();
    await hasFocus(code);
    await inspect(page, "password-again");
  });
});
