// A browser with one page for each test, which fails on anything that the page complains about, and accounts of its own.
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import axe from "axe-core";
import { chromium } from "playwright-core";
import { eventually } from "./eventually.js";

const { BROWSER: executablePath, PICTURES: pictures, WEB_URL, API_URL, MAILBOX_URL: mailbox } = process.env;
export const shop = WEB_URL.replace(/\/$/, "");

export const PHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1280, height: 900 };
export const DEADLINE_MS = 60_000;
// An invoice is made a moment after the confirmation of its order, and an event is recorded a moment after it occurred; a page of the
// order asks until they are there.
const NOT_YET = /404.*\/(invoice$|timeline\?)/;

export const browser = await chromium.launch({ executablePath });

/** Runs a test on a page of a new browser context. `expected` are complaints that the test provokes. */
export async function onPage(use, { viewport = PHONE, locale = "en-US", expected = [] } = {}) {
  const context = await browser.newContext({ viewport, locale, colorScheme: "light", reducedMotion: "reduce" });
  context.setDefaultTimeout(DEADLINE_MS);
  const complaints = [];
  const complain = (text) => [NOT_YET, ...expected].some((pattern) => pattern.test(text)) || complaints.push(text);
  // Every page, also what a test opens as a second tab.
  context.on("page", (one) => {
    one.on("pageerror", (error) => complain(`error: ${error.message}`));
    one.on("console", (message) => message.type() === "error" && complain(`console: ${message.text()} ${message.location().url}`));
    // A script that a text smuggled in would most likely call this.
    one.on("dialog", (dialog) => (complain(`dialog: ${dialog.message()}`), dialog.dismiss()));
  });
  const page = await context.newPage();
  try {
    await use(page);
    assert.deepEqual(complaints, []);
  } catch (error) {
    await page.screenshot({ path: `${pictures}/failed-${randomUUID().slice(0, 8)}.png`, fullPage: true }).catch(() => null);
    throw new Error(await stateOf(page, complaints), { cause: error });
  } finally {
    // A request that is being answered when the context closes would fail the next test.
    for (const one of context.pages()) await one.unrouteAll({ behavior: "ignoreErrors" });
    await context.unrouteAll({ behavior: "ignoreErrors" });
    await context.close();
  }
}

/** What a log without pictures needs to know of the page of a failed test. */
async function stateOf(page, complaints) {
  const text = await page.locator("body").innerText({ timeout: 1000 }).catch(() => "");
  return [`failed on ${page.url()}`, ...complaints, "the page says:", text].join("\n");
}

/** Checks a page for accessibility as far as axe can tell. */
export async function checkAccessibility(page, name) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  const found = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(" ")}`);
  assert.deepEqual(found, [], `axe on ${name}`);
}

/** Checks that a page is no wider than its window. */
export async function checkWidth(page, name) {
  const [width, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(width <= room, `${name} scrolls sideways: it is ${width} pixels wide, and the window ${room}`);
}

/** Checks a page for accessibility, and keeps pictures of it at phone and desktop width. */
export async function inspect(page, name) {
  await page.locator(".loading").first().waitFor({ state: "detached" });
  await checkAccessibility(page, name);
  const before = page.viewportSize();
  for (const [width, viewport] of Object.entries({ phone: PHONE, desktop: DESKTOP })) {
    await page.setViewportSize(viewport);
    await checkWidth(page, name);
    await page.screenshot({ path: `${pictures}/${name}-${width}.png`, fullPage: true });
  }
  await page.setViewportSize(before);
}

export async function call(method, path, body, headers = {}) {
  const response = await fetch(`${API_URL}/api/v1${path}`, { method, headers: { "Content-Type": "application/json", ...headers }, body: body && JSON.stringify(body) });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
  return text && JSON.parse(text);
}

export function newCustomer(fullName = null) {
  const tag = randomBytes(6).toString("hex");
  return { email: `eve-${tag}@example.com`, username: `eve${tag}`, password: `Harbour-${tag}-1843`, full_name: fullName };
}

export async function register(account = newCustomer()) {
  await call("POST", "/users/register", account);
  return account;
}

export async function token({ email, password }) {
  return (await call("POST", "/users/login", { email, password })).access_token;
}

/** An order of a customer, placed without the browser. */
export async function placeOrder(accessToken, product, payment_method, { quantity = 1, address = ADDRESS } = {}) {
  const body = { items: [{ product_id: product, quantity }], shipping_address: address, payment_method };
  return call("POST", "/orders", body, { Authorization: `Bearer ${accessToken}`, "Idempotency-Key": randomUUID() });
}

/** The token of the message with such a subject. */
export async function mailedToken(to, subject) {
  return eventually(`a token in a message to ${to} with the subject ${subject}`, async () => {
    const received = await (await fetch(`${mailbox}?to=${to}`)).json();
    const messages = received.filter((message) => subject.test(message.subject));
    return messages.map(({ text }) => /\b([0-9A-HJKMNP-TV-Z]{5}-){3}[0-9A-HJKMNP-TV-Z]{5}\b/.exec(text)?.[0]).find(Boolean);
  });
}

export const ADDRESS = { line1: "Hafenstraße 12", city: "Hamburg", postal_code: "20457", country: "DE" };

export async function logIn(page, { email, password }) {
  await page.getByLabel("E-mail address or user name").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
}

export async function enterConsole(page, account) {
  await page.goto(`${shop}/console/`);
  await logIn(page, account);
  await page.getByRole("heading", { name: "Orders", exact: true }).waitFor();
}

/** Confirms what a button of this name asks. */
export const confirm = (page, name) => page.getByRole("dialog", { name, exact: true }).getByRole("button", { name, exact: true }).click();

export const go = (page, name) => page.getByRole("navigation").getByRole("link", { name, exact: true }).click();

export async function fillAddress(page) {
  await page.getByLabel("Country").selectOption("DE");
  await page.getByLabel("Street and number").fill(ADDRESS.line1);
  await page.getByLabel("Postal code").fill(ADDRESS.postal_code);
  await page.getByLabel("City").fill(ADDRESS.city);
}

/** Puts a product into the basket and goes to the checkout. */
export async function toCheckout(page, product) {
  await page.goto(`${shop}/products/${product}`);
  await page.getByRole("button", { name: "Add to basket" }).click();
  await page.getByRole("link", { name: "Go to the basket" }).click();
  await page.getByRole("link", { name: "Go to checkout" }).click();
}

/** Waits until a control or a heading has the focus. */
export const hasFocus = (locator) => locator.and(locator.page().locator(":focus")).waitFor();

export const status = (page, text) => page.getByRole("status").getByText(text, { exact: true }).waitFor();

/** A product with so much stock, which staff create and may change at once. */
export async function createProduct(headers, stock, name = "Brass bell") {
  const tag = randomBytes(6).toString("hex");
  const body = { sku: `BELL-${tag.toUpperCase()}`, name, category: "brass", price: { amount: 1250, currency: "USD" }, stock_quantity: stock };
  const { id } = await call("POST", "/products", body, { ...headers, "Idempotency-Key": randomUUID() });
  // The inventory opens the stock by an event, too: until then there is none to change.
  await eventually(`the stock of ${id}`, async () => (await fetch(`${API_URL}/api/v1/products/${id}/stock`)).ok);
  await hasStock(id, stock);
  return id;
}

/** Waits until the shop knows that a product has so much stock. */
export const hasStock = (id, stock) => eventually(`${stock} units of ${id}`, async () => (await call("GET", `/products/${id}`)).stock_quantity === stock);
