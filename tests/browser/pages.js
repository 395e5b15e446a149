// Every page of the shop and of the console, with the examples of the contract as the API's answers, at a fixed time and in a fixed font:
// what a page looks like then depends on the page alone.
import { browser, DEADLINE_MS, shop } from "./support.js";

const { FONT: font, API_URL: api } = process.env;
// A quarter of an hour after the times of the examples.
const NOW = new Date("2026-11-21T12:30:00Z");
const ID = "0192f0c1-0000-7000-8000-0000000000b1";

/** By name: who looks at it, a role or nobody, its address, and whether something is in the basket. */
export const PAGES = {
  products: ["customer", "/"],
  product: ["customer", `/products/${ID}`],
  basket: ["nobody", "/basket", "filled"],
  "checkout-login": ["nobody", "/checkout", "filled"],
  checkout: ["customer", "/checkout", "filled"],
  orders: ["customer", "/orders"],
  order: ["customer", `/orders/${ID}`],
  account: ["customer", "/account"],
  login: ["nobody", "/login"],
  register: ["nobody", "/register"],
  password: ["nobody", "/password"],
  verify: ["nobody", "/verify"],
  "not-found": ["nobody", "/nothing/here"],
  "console-login": ["nobody", "/console/"],
  "console-customer": ["customer", "/console/"],
  "console-admins-only": ["staff", "/console/settings"],
  "console-orders": ["admin", "/console/"],
  "console-order": ["admin", `/console/orders/${ID}`],
  "console-products": ["admin", "/console/products"],
  "console-product-new": ["admin", "/console/products/new"],
  "console-product": ["admin", `/console/products/${ID}`],
  "console-transfers": ["admin", "/console/products/transfers"],
  "console-import": ["admin", `/console/products/imports/${ID}`],
  "console-export": ["admin", `/console/products/exports/${ID}`],
  "console-customers": ["admin", "/console/customers?q=eve"],
  "console-customer-page": ["admin", `/console/customers/${ID}`],
  "console-payments": ["admin", "/console/payments"],
  "console-payment": ["admin", `/console/payments/${ID}`],
  "console-ledger": ["admin", "/console/ledger"],
  "console-analytics": ["admin", "/console/analytics?period=hour"],
  "console-summary": ["admin", "/console/summary?day=2026-11-21"],
  "console-templates": ["admin", "/console/templates"],
  "console-template": ["admin", "/console/templates/order_shipped/en"],
  "console-webhooks": ["admin", "/console/webhooks"],
  "console-webhook": ["admin", `/console/webhooks/${ID}`],
  "console-records": ["admin", "/console/records"],
  "console-record": ["admin", `/console/records/${ID}`],
  "console-source": ["admin", "/console/sources/greenhouse"],
  "console-operations": ["admin", "/console/operations"],
  "console-dead-letters": ["admin", "/console/operations/payment-charge"],
  "console-replay": ["admin", "/console/operations/replay"],
  "console-clients": ["admin", "/console/clients"],
  "console-settings": ["admin", "/console/settings"],
  "console-security": ["admin", "/console/security"],
};

const contract = await (await fetch(`${api}/openapi.json`)).json();
// Paths without parameters come first.
const paths = Object.keys(contract.paths).sort((one, other) => one.split("{").length - other.split("{").length);

/** The example of the response to a request. */
function exampleOf(method, address) {
  const path = paths.find((one) => new RegExp(`^${one.replaceAll(/\{[^}]+\}/g, "[^/]+")}$`).test(address));
  const responses = contract.paths[path]?.[method.toLowerCase()]?.responses ?? {};
  const status = Object.keys(responses).find((code) => code.startsWith("2"));
  return { status: Number(status ?? 404), json: responses[status]?.content?.["application/json"]?.example };
}

const [{ id, name: product, price }] = exampleOf("GET", "/api/v1/products").json.items;
const LINES = [{ id, name: product, price, quantity: 2 }];

const part = (claims) => Buffer.from(JSON.stringify(claims)).toString("base64url");

/** Answers by examples, and a session of somebody with this role. */
async function answer(context, role) {
  await context.route("**/*", async (route, request) => {
    const { pathname } = new URL(request.url());
    const headers = { Date: NOW.toUTCString(), ETag: '"1"' };
    if (pathname === "/snapshot.ttf") return route.fulfill({ path: font });
    if (!pathname.startsWith("/api/")) return route.continue();
    if (request.resourceType() === "image") return route.fulfill({ status: 404 });
    const token = `${part({ alg: "none" })}.${part({ sub: ID, role })}.x`;
    if (pathname.endsWith("/token/refresh")) return route.fulfill({ json: { access_token: token, expires_in: 900 }, headers });
    const { status, json } = exampleOf(request.method(), pathname);
    return route.fulfill({ status, headers, ...(json === undefined ? {} : { json }) });
  });
}

/** Opens a page by its name in a browser context of its own, and hands it over when everything of it is there. */
export async function onDrawn(name, options, use) {
  const [role, address, basket] = PAGES[name];
  const context = await browser.newContext({ locale: "en-GB", timezoneId: "UTC", colorScheme: "light", reducedMotion: "reduce", bypassCSP: true, ...options });
  try {
    await answer(context, role);
    const stored = { basket: JSON.stringify(basket ? LINES : []), ...(role === "nobody" ? {} : { "signed-in": "yes" }) };
    await context.addInitScript((values) => Object.entries(values).forEach(([key, value]) => localStorage.setItem(key, value)), stored);
    const page = await context.newPage();
    page.setDefaultTimeout(DEADLINE_MS);
    await page.clock.setFixedTime(NOW);
    await page.goto(`${shop}${address}`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.addStyleTag({ content: '@font-face { font-family: Snapshot; src: url("/snapshot.ttf"); } * { font-family: Snapshot !important; }' });
    await page.waitForLoadState("networkidle");
    await page.locator(".loading").first().waitFor({ state: "detached" });
    await page.evaluate(() => document.fonts.ready);
    await use(page);
  } finally {
    await context.unrouteAll({ behavior: "ignoreErrors" });
    await context.close();
  }
}
