// The console, clicked through as staff do. scripts/browser runs this file.
import assert from "node:assert/strict";
import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { eventually } from "./eventually.js";
import { browser, call, confirm, DESKTOP, enterConsole as enter, go, hasFocus, inspect, logIn, mailedToken, newCustomer, onPage, placeOrder, register, shop, status, token } from "./support.js";

const { PRODUCT_ID: product, HOSTILE_PRODUCT_ID: hostile, HOSTILE_TEXT: hostileText, PRODUCT_WORD: word } = process.env;
const staff = { email: process.env.STAFF_EMAIL, password: process.env.STAFF_PASSWORD };
const admin = { email: process.env.ADMIN_EMAIL, password: process.env.ADMIN_PASSWORD };
// Names of carriers are short.
const shortHostileText = "<img src=x onerror=alert(3)>";
const WIDE = { viewport: DESKTOP };

after(() => browser.close());

test("staff find an order, add a note, ship it, deliver it and refund a part", async () => {
  const customer = await register(newCustomer(hostileText));
  const address = { line1: hostileText, line2: hostileText, city: hostileText, region: hostileText, postal_code: "20457", country: "DE" };
  const order = await placeOrder(await token(customer), hostile, "pm_card_visa", { address });
  await onPage(async (page) => {
    await page.goto(`${shop}/console/`);
    await inspect(page, "console-login");
    await enter(page, staff);
    await inspect(page, "console-orders");
    await page.getByLabel("Order id").fill(order.id);
    await page.getByRole("button", { name: "Show", exact: true }).click();
    await status(page, "Confirmed");
    assert.equal(await page.locator("address").getByText(hostileText, { exact: true }).count(), 2);
    await page.locator("address").getByText(`20457 ${hostileText} ${hostileText}`, { exact: true }).waitFor();
    await page.getByLabel("Note", { exact: true }).fill(hostileText);
    await page.getByRole("button", { name: "Add the note" }).click();
    await page.locator(".note").getByText(hostileText).waitFor();
    await inspect(page, "console-order");
    await page.getByLabel("Carrier").fill(shortHostileText);
    await page.getByLabel("Tracking number").fill("JD0002");
    await page.getByRole("button", { name: "Mark as shipped" }).click();
    await status(page, "Shipped");
    await page.getByText(`Tracking: ${shortHostileText} JD0002`).waitFor();
    await page.getByText("Refund", { exact: true }).first().click();
    await page.getByLabel("Amount (USD)").fill("50000");
    await page.getByRole("button", { name: "Refund" }).click();
    await page.getByText(/^The amount must be \$0\.01 to \$/).waitFor();
    await hasFocus(page.getByLabel("Amount (USD)"));
    await page.getByLabel("Amount (USD)").fill("5,00");
    await page.getByRole("button", { name: "Refund" }).click();
    await confirm(page, "Refund");
    await page.getByText("The refund is requested.").waitFor();
    await page.getByRole("cell", { name: "$5.00" }).waitFor();
    await page.getByRole("button", { name: "Mark as delivered" }).click();
    await status(page, "Delivered");
    await inspect(page, "console-delivered");
    await go(page, "Customers");
    await page.getByLabel("E-mail address, user name or full name").fill(customer.email);
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByRole("cell", { name: hostileText, exact: true }).waitFor();
    await page.getByRole("link", { name: customer.email }).click();
    await page.getByRole("cell", { name: `1 × ${hostileText} lamp` }).waitFor();
  }, WIDE);
});

test("a large refund waits until an admin approves it who did not request it", async () => {
  const order = await placeOrder(await token(await register()), product, "pm_card_visa", { quantity: 30 });
  await onPage(async (page) => {
    await enter(page, staff);
    await page.goto(`${shop}/console/orders/${order.id}`);
    await status(page, "Confirmed");
    await page.getByText("Refund", { exact: true }).first().click();
    await page.getByRole("button", { name: "Refund" }).click();
    await page.getByRole("dialog").getByText(/^Refund the whole remaining amount of \$[\d,.]+\?$/).waitFor();
    await confirm(page, "Refund");
    await page.getByText("The refund waits for the approval of another admin.").waitFor();
    await page.getByRole("cell", { name: "Waiting for another admin" }).waitFor();
  }, WIDE);
  await onPage(async (page) => {
    await enter(page, admin);
    await go(page, "Payments");
    await page.getByRole("table", { name: "Refunds that need an approval" }).waitFor();
    await page.goto(`${shop}/console/orders/${order.id}`);
    await page.getByRole("button", { name: /^Approve: / }).click();
    await page.getByRole("dialog").getByLabel("Reason").fill("The parcel is lost.");
    await page.getByRole("dialog").getByRole("button", { name: "Approve" }).click();
    await page.getByRole("status").getByText(/^The refund of .* is approved\.$/).waitFor();
    await page.getByRole("cell", { name: "Approved: The parcel is lost." }).waitFor();
    await inspect(page, "console-refund-approved");
  }, WIDE);
});

test("an admin hears of an earlier decision on a refund, and confirms a rejection", async () => {
  const customer = await token(await register());
  const [byStaff, byAdmin] = (await Promise.all([token(staff), token(admin)])).map((one) => ({ Authorization: `Bearer ${one}` }));
  const order = await placeOrder(customer, product, "pm_card_visa", { quantity: 30 });
  await onPage(async (page) => {
    const payment = await paymentOf(order, customer);
    const request = async () => {
      const { refund_approvals: approvals } = await call("POST", "/payments/refund", { payment_id: payment, reason: "duplicate" }, { ...byStaff, "Idempotency-Key": randomUUID() });
      return approvals.at(-1).id;
    };
    const first = await request();
    await enter(page, admin);
    await page.goto(`${shop}/console/payments/${payment}`);
    await page.getByRole("button", { name: /^Reject: / }).click();
    await page.getByRole("dialog", { name: "Reject" }).waitFor();
    await call("PATCH", `/payments/${payment}/refund-approvals/${first}`, { verdict: "rejected" }, { ...byAdmin, "Idempotency-Key": randomUUID() });
    await page.getByRole("dialog").getByRole("button", { name: "Reject" }).click();
    await page.getByRole("alert").getByText(/Somebody else has already decided on this refund\.$/).waitFor();
    await page.getByRole("cell", { name: "Rejected" }).waitFor();
    await inspect(page, "console-refund-decided");
    await request();
    await page.reload();
    await page.getByRole("button", { name: /^Reject: / }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Reject" }).click();
    await page.getByRole("status").getByText(/^The refund of .* is rejected\.$/).waitFor();
  }, { ...WIDE, expected: [/409.*\/refund-approvals\//] });
});

test("staff create a product, change it, adjust its stock and add an image", async () => {
  await onPage(async (page) => {
    await enter(page, staff);
    await go(page, "Products");
    await page.getByRole("link", { name: "New product" }).click();
    await page.getByLabel("SKU").fill(`BELL-${word.toUpperCase()}`);
    await page.getByLabel("Name").fill("Ship's bell");
    await page.getByLabel("Category").fill("brass");
    await page.getByLabel("Price").fill("twelve");
    await page.getByRole("button", { name: "New product" }).click();
    await page.getByText("Write a price such as 12.50.").waitFor();
    await page.getByLabel("Price").fill("12.50");
    await page.getByLabel("Currency").fill("US");
    await page.getByRole("button", { name: "New product" }).click();
    await hasFocus(page.getByLabel("Currency"));
    await page.getByText("Write a currency as three letters, such as USD.").waitFor();
    await page.getByLabel("Currency").fill("USD");
    await page.getByLabel("Initial stock").fill("7");
    await inspect(page, "console-product-new");
    const notYet = { status: 404, contentType: "application/problem+json", json: { type: "/problems/not-found", title: "Not found", status: 404, detail: "There is no such stock." } };
    await page.route("**/stock", (route) => route.fulfill(notYet), { times: 1 });
    await page.getByRole("button", { name: "New product" }).click();
    await page.getByText("Available: 7").waitFor();
    await page.getByText(/BELL-.*\$12\.50/).waitFor();
    await page.getByLabel("Description").fill("Cast brass.");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved.").waitFor();
    await page.getByLabel("Units").fill("-2");
    await page.getByLabel("Reason").selectOption("damaged");
    await page.getByRole("button", { name: "Adjust the stock" }).click();
    await page.getByRole("cell", { name: "Damaged" }).waitFor();
    await page.getByLabel("Add an image").setInputFiles({ name: "bell.png", mimeType: "image/png", buffer: await page.screenshot() });
    const image = page.getByRole("img", { name: "Image of Ship's bell" });
    await image.waitFor();
    await inspect(page, "console-product");
    await page.getByRole("button", { name: /^Delete: Ship's bell/ }).click();
    await page.getByRole("dialog").getByText("The image is deleted permanently.").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    await image.waitFor();
    await page.getByRole("button", { name: /^Delete: Ship's bell/ }).click();
    await confirm(page, "Delete");
    await image.waitFor({ state: "detached" });
    await go(page, "Products");
    await page.getByRole("searchbox", { name: "Search" }).fill(word);
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByRole("link", { name: "Storm lantern" }).waitFor();
    await page.getByRole("combobox", { name: "Stock" }).selectOption("Low: five units or fewer");
    await page.getByRole("button", { name: "Search" }).click();
    const bell = page.getByRole("row").filter({ has: page.getByRole("cell", { name: `BELL-${word.toUpperCase()}` }) });
    await bell.getByRole("cell", { name: "5", exact: true }).waitFor();
    await page.getByRole("link", { name: "Storm lantern" }).waitFor({ state: "detached" });
    await inspect(page, "console-products");
    await page.getByRole("combobox", { name: "Stock" }).selectOption("Sold out");
    await page.getByRole("button", { name: "Search" }).click();
    await bell.waitFor({ state: "detached" });
    await page.goBack();
    await bell.waitFor();
    // Stock and prices of a new product follow a moment later; the page asks until they are there.
  }, { ...WIDE, expected: [/404.*\/products\/[^/]+\/(stock|prices)/] });
});

test("staff find a customer, see the orders, and look at payments and webhooks", async () => {
  const customer = await register(newCustomer("Eve Harbour"));
  const accessToken = await token(customer);
  const order = await placeOrder(accessToken, product, "pm_card_visa");
  await onPage(async (page) => {
    await enter(page, staff);
    await go(page, "Customers");
    await page.getByLabel("E-mail address, user name or full name").fill(customer.email);
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByRole("link", { name: customer.email }).waitFor();
    await inspect(page, "console-customers");
    await page.getByRole("link", { name: customer.email }).click();
    await page.getByRole("cell", { name: "1 × Storm lantern" }).waitFor();
    await inspect(page, "console-customer");
    await go(page, "Payments");
    await page.getByRole("heading", { name: "Amounts that do not match" }).waitFor();
    await page.getByLabel("Payment id").fill("nothing");
    await page.getByRole("button", { name: "Show", exact: true }).click();
    await page.getByText("This is not an id.").waitFor();
    await inspect(page, "console-payments");
    await page.getByLabel("Payment id").fill(await paymentOf(order, accessToken));
    await page.getByRole("button", { name: "Show", exact: true }).click();
    await page.getByText("Paid, $19.99").waitFor();
    await inspect(page, "console-payment");
    await go(page, "Ledger");
    await page.getByRole("cell", { name: "Balance at the gateway" }).first().waitFor();
    await page.getByRole("heading", { name: "Reconciliation with the gateway" }).waitFor();
    await inspect(page, "console-ledger");
    await page.getByLabel("First day (UTC)").fill("2026-01-01");
    await page.getByLabel("Last day (UTC)").fill("2026-02-01");
    await page.getByRole("button", { name: "Show", exact: true }).click();
    await page.getByText("These are more than 31 days.").waitFor();
    await hasFocus(page.getByLabel("Last day (UTC)"));
    await inspect(page, "console-ledger-refused");
    await go(page, "Webhooks");
    await page.getByText("New endpoint").click();
    const url = `https://hooks.example.com/${word}`;
    await page.getByLabel("URL").fill(url);
    await page.getByLabel("OrderPlaced.v1").check();
    await page.getByRole("button", { name: "Create the endpoint" }).click();
    await page.getByRole("dialog", { name: "Signing secret" }).getByText(/^whsec_/).waitFor();
    await page.getByRole("button", { name: "Close" }).click();
    await page.getByRole("link", { name: url }).waitFor();
    await inspect(page, "console-webhooks");
    await page.getByRole("link", { name: url }).click();
    await page.getByRole("heading", { name: url }).waitFor();
    await inspect(page, "console-webhook");
    await page.getByRole("button", { name: "Disable" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    await page.getByText("Enabled", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Disable" }).click();
    await confirm(page, "Disable");
    await page.getByText("Disabled", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Delete the endpoint" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete the endpoint" }).click();
    await page.getByRole("heading", { name: "Webhook endpoints" }).waitFor();
    await page.getByRole("link", { name: url }).waitFor({ state: "detached" });
    // Orders of other stories are delivered to the endpoint meanwhile: the page then repeats a change that names an older version.
  }, { ...WIDE, expected: [/412.*\/webhook-endpoints\//] });
});

/** The id of an order's payment, once there is one. */
async function paymentOf({ id }, accessToken) {
  return eventually(`the payment of order ${id}`, async () => {
    const { payment_id, status: reached } = await call("GET", `/orders/${id}`, undefined, { Authorization: `Bearer ${accessToken}` });
    return reached === "processing" && payment_id;
  });
}

/** The code of a secret (RFC 6238) for the time step that many steps from now. */
function codeOf(secret, steps) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret.replace(/[^A-Z2-7]/g, "")].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const hash = createHmac("sha1", key).update(counter).digest();
  const number = hash.readUInt32BE(hash[hash.length - 1] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

test("a colleague is invited, chooses a password, and logs in with a second factor", async () => {
  const tag = randomBytes(5).toString("hex");
  const colleague = { email: `colleague-${tag}@example.com`, username: `mate${tag}`, password: `Harbour-${tag}-1843` };
  await onPage(async (page) => {
    await enter(page, admin);
    await go(page, "Customers");
    await page.getByText("Invite a colleague").first().click();
    await page.getByLabel("E-mail address", { exact: true }).fill(colleague.email);
    await page.getByLabel("User name", { exact: true }).fill(colleague.username);
    await page.getByRole("button", { name: "Invite a colleague" }).click();
    await page.getByText("The invitation is on its way.").waitFor();
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByRole("button", { name: "Log in" }).waitFor();

    await page.goto(`${shop}/verify`);
    await page.getByLabel("Code").waitFor();
    await inspect(page, "verify");
    await page.getByLabel("Code").fill(await mailedToken(colleague.email, /code/));
    await page.getByRole("button", { name: "Verify" }).click();
    await page.getByText("Your address is verified.").waitFor();
    await page.getByRole("link", { name: "New password" }).click();
    await page.getByLabel("E-mail address", { exact: true }).fill(colleague.email);
    await inspect(page, "password");
    await page.getByRole("button", { name: "Send me a message" }).click();
    await page.getByLabel("Code from the message").fill(await mailedToken(colleague.email, /password/));
    await inspect(page, "password-code");
    await page.getByLabel("New password").fill(colleague.password);
    await page.getByRole("button", { name: "Set the password" }).click();
    await page.getByText("Your password has been changed.").waitFor();

    await enter(page, colleague);
    await go(page, "Security");
    await page.getByLabel("Your password").first().fill(colleague.password);
    await page.getByRole("button", { name: "Set up a second factor" }).click();
    const secret = await page.locator("code").innerText();
    await inspect(page, "console-security");
    await page.getByLabel("Code that the app shows").first().fill(codeOf(secret, 0));
    await page.getByRole("button", { name: "Activate" }).click();
    const codes = page.getByRole("heading", { name: "Recovery codes" });
    await hasFocus(codes);
    await page.getByRole("button", { name: "I have saved them" }).click();
    const renewal = page.locator("section", { has: page.getByRole("heading", { name: "New recovery codes" }) });
    // A code is accepted once, and the next one is needed for the login: this is how the API answers to a right one.
    await page.route("**/totp/recovery-codes", (route) => route.fulfill({ json: { recovery_codes: ["ABCDE-FGHJK"] } }));
    await renewal.getByLabel("Code that the app shows").fill("123456");
    await renewal.getByRole("button", { name: "New recovery codes" }).click();
    await hasFocus(codes);
    await page.getByText("ABCDE-FGHJK").waitFor();
    await page.getByRole("button", { name: "Log out" }).click();
    await logIn(page, colleague);
    await hasFocus(page.getByLabel("Code of your second factor"));
    await page.getByLabel("Code of your second factor").fill("000000");
    await page.getByRole("button", { name: "Finish the login" }).click();
    await page.getByText("This code is wrong or has already been used.").waitFor();
    // A code is accepted once: the one of the next half minute is accepted already.
    await page.getByLabel("Code of your second factor").fill(codeOf(secret, 1));
    await page.getByRole("button", { name: "Finish the login" }).click();
    await page.getByRole("heading", { name: "Security" }).waitFor();
  }, { ...WIDE, expected: [/401/] });
});

test("an admin edits, previews and corrects a message, and restores the text before", async () => {
  await onPage(async (page) => {
    await enter(page, admin);
    await go(page, "Messages");
    await page.getByRole("heading", { name: "Texts of messages" }).waitFor();
    await inspect(page, "console-templates");
    await page.getByRole("link", { name: "Order delivered, German" }).click();
    await page.getByRole("heading", { name: "Order delivered, German" }).waitFor();
    const [subject, short, reason] = [page.getByLabel("Subject"), page.getByLabel("SMS and push"), page.getByLabel("Reason", { exact: true })];
    const before = await short.inputValue();
    await subject.fill(`{{ number }} ist da (${word})`);
    await short.fill("Da: {{ number|safe }}");
    await page.getByRole("button", { name: "Preview" }).click();
    await page.getByText(/^line 1: unknown filter/).waitFor();
    await hasFocus(short);
    await inspect(page, "console-template-refused");
    await short.fill("Da: {{ number }}");
    await page.getByRole("button", { name: "Preview" }).click();
    await page.getByText(`0123456789AB ist da (${word})`).waitFor();
    await page.getByText("Da: 0123456789AB").waitFor();
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download the HTML" }).click()]);
    assert.equal(file.suggestedFilename(), "order_delivered.de.html");
    await page.getByRole("button", { name: "Save" }).click();
    await hasFocus(reason);
    await reason.fill(`Shorter ${word}`);
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved.").waitFor();
    await page.getByRole("cell", { name: `Shorter ${word}` }).waitFor();
    await inspect(page, "console-template");
    await page.getByRole("button", { name: "Use the built-in texts again" }).click();
    await page.getByText("These are the built-in texts. Save them with a reason.").waitFor();
    await hasFocus(subject);
    assert.equal(await short.inputValue(), before);
    await reason.fill(`As before ${word}`);
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("The built-in texts apply.").waitFor();
    await page.getByRole("cell", { name: `As before ${word} (built-in texts)` }).waitFor();
    await page.getByRole("button", { name: /^Use this version again: \d+$/ }).nth(1).click();
    await page.getByText(/^These are the texts of version/).waitFor();
    assert.equal(await short.inputValue(), "Da: {{ number }}");
    // The browser reports the preview that is refused.
  }, { ...WIDE, expected: [/422.*\/preview/] });
});

test("a customer sees nothing of the console", async () => {
  const customer = await register();
  await onPage(async (page) => {
    await page.goto(`${shop}/console/`);
    await logIn(page, customer);
    await page.getByText("Logging out here ends the session in the shop, too.").waitFor();
    assert.equal(await page.getByRole("navigation").getByRole("link").count(), 0);
    await inspect(page, "console-customer-account");
  });
});

test("staff are told which pages are for admins, and have no links to them", async () => {
  await onPage(async (page) => {
    await enter(page, staff);
    const offered = await page.getByRole("navigation").getByRole("link").evaluateAll((links) => links.map((link) => link.pathname));
    for (const path of ["operations", "operations/replay", "operations/payment-charge", "clients", "settings"]) {
      assert.ok(!offered.includes(`/console/${path}`), path);
      await page.goto(`${shop}/console/${path}`);
      await page.getByRole("heading", { name: "This page is for admins" }).waitFor();
    }
    await inspect(page, "console-admins-only");
    await page.getByRole("link", { name: "Go to the orders" }).click();
    await hasFocus(page.getByRole("heading", { name: "Orders", exact: true }));
    // What the API refuses to a role that was changed meanwhile.
    const problem = { type: "/problems/forbidden", title: "Forbidden", status: 403, detail: "…", instance: "/", trace_id: "1-2" };
    await page.route("**/api/v1/webhook-endpoints?**", (route) => route.fulfill({ status: 403, contentType: "application/problem+json", body: JSON.stringify(problem) }));
    await go(page, "Webhooks");
    await page.getByRole("alert").getByText("Your account does not have permission for that.").waitFor();
    assert.equal(await page.getByRole("button", { name: "Try again" }).count(), 0);
  }, { ...WIDE, expected: [/403.*\/webhook-endpoints/] });
});
