// Makes the pictures of docs/pictures: a small catalogue with drawn images, an order, and the console. scripts/browser --pictures runs it.
import { randomBytes, randomUUID } from "node:crypto";
import { eventually } from "./eventually.js";
import { ADDRESS, browser, call, logIn, newCustomer, placeOrder, register, shop, status, token } from "./support.js";

const { STAFF_EMAIL: email, STAFF_PASSWORD: password, TARGET: target, UNUSUAL_CURRENCY: unusual } = process.env;
const PHONE = { width: 390, height: 844 };
const MARGIN = 16;

const PRODUCTS = [
  ["Signal flag", "signals", 1250, "#e8d9c0", '<path d="M60 30v140" stroke="#6b4b2a" stroke-width="8"/><path d="M64 36h90v64H64z" fill="#b3261e"/><path d="M64 36l90 64H64z" fill="#f4f1ea"/>'],
  ["Brass compass", "navigation", 8900, "#d9e4e6", '<circle cx="100" cy="100" r="62" fill="#c79a3a"/><circle cx="100" cy="100" r="50" fill="#fbf7ec"/><path d="M100 58l12 42h-24z" fill="#b3261e"/><path d="M100 142l12-42h-24z" fill="#31495a"/>'],
  ["Hemp rope, ten metres", "rigging", 2400, "#dfe6d8", '<g fill="none" stroke="#a9824c" stroke-width="14"><ellipse cx="100" cy="78" rx="56" ry="22"/><ellipse cx="100" cy="104" rx="56" ry="22"/><ellipse cx="100" cy="130" rx="56" ry="22"/></g>'],
  ["Enamel mug", "galley", 1400, "#e4dfe8", '<path d="M62 62h68v76a10 10 0 0 1-10 10H72a10 10 0 0 1-10-10z" fill="#21576b"/><path d="M130 80h14a18 18 0 0 1 0 40h-14" fill="none" stroke="#21576b" stroke-width="10"/><path d="M58 58h76v10H58z" fill="#f4f1ea"/>'],
  ["Ship's bell", "brass", 12500, "#f0e6cf", '<path d="M100 44c34 0 40 40 44 78l12 18H44l12-18c4-38 10-78 44-78z" fill="#c79a3a"/><circle cx="100" cy="152" r="11" fill="#8a6822"/><path d="M92 34h16v12H92z" fill="#8a6822"/>'],
  ["Storm lantern", "lighting", 1999, "#d6dde6", '<path d="M74 58h52v14H74zM66 146h68v16H66z" fill="#31495a"/><path d="M76 72h48l8 74H68z" fill="#f7e3a1"/><path d="M100 92c14 18 14 36 0 40-14-4-14-22 0-40z" fill="#e07b1f"/><path d="M78 58a22 22 0 0 1 44 0" fill="none" stroke="#31495a" stroke-width="7"/>'],
];

async function draw(page, background, shapes) {
  await page.setViewportSize({ width: 600, height: 600 });
  await page.setContent(`<body style="margin:0"><svg viewBox="0 0 200 200" width="600" height="600" style="background:${background}">${shapes}</svg></body>`);
  return page.screenshot();
}

async function create(page, headers, [name, category, amount, background, shapes]) {
  const tag = randomBytes(4).toString("hex").toUpperCase();
  const product = { sku: `${category.slice(0, 4).toUpperCase()}-${tag}`, name, category, price: { amount, currency: "USD" }, stock_quantity: 40 };
  const { id } = await call("POST", "/products", product, { ...headers, "Idempotency-Key": randomUUID() });
  const body = await draw(page, background, shapes);
  const upload = await call("POST", `/products/${id}/images`, { content_type: "image/png", size: body.length }, headers);
  await fetch(upload.upload_url, { method: "PUT", headers: upload.headers, body });
  return id;
}

const staff = { email, password };
const headers = { Authorization: `Bearer ${await token(staff)}` };
const page = await browser.newPage({ locale: "en-GB", colorScheme: "light" });
try {
  const ids = [];
  for (const product of PRODUCTS) ids.push(await create(page, headers, product));
  await eventually("image and stock of every product", async () => (await call("GET", `/products?ids=${ids.join(",")}`)).items.filter((one) => one.image_url && one.stock_quantity).length === ids.length);

  await page.setViewportSize(PHONE);
  await page.goto(shop);
  await page.getByRole("link", { name: "Storm lantern" }).first().waitFor();
  await page.waitForLoadState("networkidle");
  await page.screenshot({ path: `${target}/shop.png` });

  const customer = await register(newCustomer("Ada Lovelace"));
  const accessToken = await token(customer);
  const order = await placeOrder(accessToken, ids.at(-1), "pm_card_visa");
  await page.goto(`${shop}/orders/${order.id}`);
  await logIn(page, customer);
  await status(page, "Confirmed");
  await page.getByText(ADDRESS.line1).waitFor();
  await page.screenshot({ path: `${target}/order.png` });

  const context = await browser.newContext({ locale: "en-GB", colorScheme: "light", viewport: { width: 1280, height: 844 } });
  for (const [index, id] of ids.entries()) await placeOrder(accessToken, id, index === 1 ? "pm_card_visa_chargeDeclined" : "pm_card_visa");
  const console_ = await context.newPage();
  await console_.goto(`${shop}/console/`);
  await logIn(console_, staff);
  await console_.getByText("Payment declined").first().waitFor();
  await console_.screenshot({ path: `${target}/console.png` });

  await console_.goto(`${shop}/console/analytics?period=hour`);
  await console_.getByRole("row", { name: `Orders (${unusual})` }).waitFor();
  const [charts, table] = await Promise.all([console_.getByRole("figure").first().boundingBox(), console_.locator("section", { hasText: "Unusual windows" }).last().boundingBox()]);
  const top = Math.min(charts.y, table.y) - MARGIN;
  const clip = { x: charts.x - MARGIN, y: top, width: charts.width + 2 * MARGIN, height: table.y + table.height + MARGIN - top };
  await console_.screenshot({ path: `${target}/anomaly.png`, fullPage: true, clip });
} finally {
  await browser.close();
}
