// What was sold, as staff see it. scripts/browser runs this file.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { browser, DESKTOP, enterConsole, go, inspect, onPage, placeOrder, register, token } from "./support.js";

const { PRODUCT_ID: product } = process.env;
const staff = { email: process.env.STAFF_EMAIL, password: process.env.STAFF_PASSWORD };
const WIDE = { viewport: DESKTOP };

after(() => browser.close());

test("staff see what was sold: orders, revenue, products and regions, as charts and as tables", async () => {
  await placeOrder(await token(await register()), product, "pm_card_visa");
  await onPage(async (page) => {
    await enterConsole(page, staff);
    await go(page, "Analytics");
    await page.getByRole("img", { name: /^Revenue \(USD\): / }).waitFor();
    await page.getByRole("link", { name: "Storm lantern" }).first().waitFor();
    await page.getByLabel("Period").selectOption("Last hour");
    await page.getByText("Show the figures").first().click();
    assert.equal(await page.getByRole("table", { name: "Orders" }).getByRole("row").count(), 13);
    await inspect(page, "console-analytics");
  }, WIDE);
});
