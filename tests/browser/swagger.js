// Places an order by "Try it out" on the page at /docs, as a reader of the documentation does, and saves pictures of it.
// scripts/browser runs this file.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { chromium } from "playwright-core";

const { API_URL: api, BROWSER: executablePath, PICTURES: pictures, ACCESS_TOKEN: token, PRODUCT_ID: product } = process.env;

const browser = await chromium.launch({ executablePath });
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("requestfailed", (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
  const hosts = new Set();
  page.on("request", (request) => hosts.add(new URL(request.url()).origin));

  await page.goto(`${api}/docs`);
  await page.getByRole("heading", { name: "Quayside" }).waitFor();
  await page.screenshot({ path: `${pictures}/docs.png` });

  await page.getByRole("button", { name: "Authorize" }).click();
  // The other scheme is the cookie of browser sessions.
  const dialog = page.locator(".dialog-ux");
  await dialog.getByRole("textbox", { name: "auth-bearer-value" }).fill(token);
  await dialog.getByRole("button", { name: "Apply credentials" }).first().click();
  await dialog.getByRole("button", { name: "Close" }).first().click();

  const operation = page.locator("#operations-orders-order-place");
  await operation.locator(".opblock-summary-control").click();
  await operation.getByRole("button", { name: "Try it out" }).click();
  await operation.getByPlaceholder("Idempotency-Key").fill(randomUUID());
  const request = operation.locator("textarea.body-param__text");
  const example = JSON.parse(await request.inputValue());
  example.items[0].product_id = product;
  await request.fill(JSON.stringify(example, null, 2));
  await operation.getByRole("button", { name: "Execute" }).click();

  const response = operation.locator(".live-responses-table");
  await response.waitFor();
  assert.equal((await response.locator("tbody .response-col_status").first().innerText()).split("\n")[0], "201");
  const order = JSON.parse(await response.locator("tbody .highlight-code code").first().innerText());
  assert.equal(order.items[0].product_id, product);
  await response.scrollIntoViewIfNeeded();
  await page.screenshot({ path: `${pictures}/order-placed.png` });
  await operation.screenshot({ path: `${pictures}/order-place.png` });

  assert.deepEqual(complaints, [], "the page reports errors");
  assert.deepEqual([...hosts].filter((host) => host.startsWith("http")), [new URL(api).origin]);
  console.log(`order ${order.id} is ${order.status}`);
} finally {
  await browser.close();
}
