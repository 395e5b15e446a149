// Two tabs of one browser in the console, and a console whose API is slow, fails or cannot be reached. scripts/browser runs this file.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { eventually } from "./eventually.js";
import { browser, call, createProduct, DESKTOP, enterConsole, go, hasFocus, inspect, logIn, onPage, shop, token } from "./support.js";

const staff = { email: process.env.STAFF_EMAIL, password: process.env.STAFF_PASSWORD };
const WIDE = { viewport: DESKTOP };

after(() => browser.close());

const asStaff = async () => ({ Authorization: `Bearer ${await token(staff)}` });
const editOf = (page) => page.locator("section", { has: page.getByRole("heading", { name: "Edit", exact: true }) });

test("of two tabs that edit a product, the second shows what the first has saved", async () => {
  const product = await createProduct(await asStaff(), 7);
  await onPage(async (page) => {
    await enterConsole(page, staff);
    const address = `${shop}/console/products/${product}`;
    await page.goto(address);
    const other = await page.context().newPage();
    await other.goto(address);
    const [first, second] = [editOf(page), editOf(other)];
    await second.getByLabel("Description").fill("Cast in one piece.");
    await first.getByLabel("Name").fill("Ship's bell");
    await first.getByLabel("Price").fill("13.75");
    await first.getByRole("button", { name: "Save" }).click();
    await first.getByText("Saved.").waitFor();

    // As the browser does when somebody returns to the tab: the page reads again.
    const [response] = await Promise.all([other.waitForResponse(`**/api/v1/products/${product}`), other.evaluate(() => dispatchEvent(new Event("visibilitychange")))]);
    assert.equal((await response.json()).name, "Ship's bell");
    await other.getByRole("heading", { name: "Ship's bell" }).waitFor();
    await second.getByRole("button", { name: "Save" }).click();
    const notice = second.getByRole("status").filter({ hasText: "Somebody else has changed this in the meantime." });
    await notice.getByText("Ship's bell").waitFor();
    await notice.getByText("$13.75").waitFor();
    assert.equal(await second.getByLabel("Description").inputValue(), "Cast in one piece.");
    assert.equal(await second.getByLabel("Name").inputValue(), "Ship's bell");
    await inspect(other, "console-product-changed");
    await second.getByRole("button", { name: "Save" }).click();
    await second.getByText("Saved.").waitFor();
    const { name, description, price } = await call("GET", `/products/${product}`);
    assert.deepEqual([name, description, price.amount], ["Ship's bell", "Cast in one piece.", 1375]);
    // The fields of the first tab were edited before: they follow what the second one has saved, too.
    await Promise.all([page.waitForResponse(`**/api/v1/products/${product}`), page.evaluate(() => dispatchEvent(new Event("visibilitychange")))]);
    await eventually("the description in the first tab", async () => (await first.getByLabel("Description").inputValue()) === "Cast in one piece.");
  }, { ...WIDE, expected: [/412.*\/products\//] });
});

test("a logout in one tab of the console ends the other one, which says why", async () => {
  await onPage(async (page) => {
    await enterConsole(page, staff);
    const other = await page.context().newPage();
    await other.goto(`${shop}/console/products`);
    await other.getByRole("heading", { name: "Products" }).waitFor();
    await page.getByRole("button", { name: "Log out" }).click();
    await other.getByRole("status").getByText("You have logged out in another tab.").waitFor();
    assert.equal(await other.getByRole("navigation").getByRole("link").count(), 0);
    await inspect(other, "console-ended");
    await page.getByRole("button", { name: "Log in" }).waitFor();
    assert.equal(await page.getByText("You have logged out in another tab.").count(), 0);
    await logIn(other, staff);
    await other.getByRole("heading", { name: "Products" }).waitFor();
    await page.getByRole("heading", { name: "Orders", exact: true }).waitFor();
    // What either tab was reading when the session ended.
  }, { ...WIDE, expected: [/401.*\/api\//] });
});

test("a logout that fails says so, and the session stays until one succeeds", async () => {
  await onPage(async (page) => {
    await enterConsole(page, staff);
    const logout = "**/api/v1/users/logout";
    await page.route(logout, (route) => route.fulfill({ status: 503, body: "" }));
    const button = page.getByRole("button", { name: "Log out" });
    await button.click();
    await page.getByRole("alert").getByText("You are still logged in.").waitFor();
    await inspect(page, "console-not-logged-out");
    await page.unroute(logout);
    await page.reload();
    await page.getByRole("heading", { name: "Orders", exact: true }).waitFor();
    await button.click();
    await page.getByRole("button", { name: "Log in" }).waitFor();
    await page.reload();
    await page.getByRole("button", { name: "Log in" }).waitFor();
  }, { ...WIDE, expected: [/503/] });
});

test("the console says that a list is late, cannot be read, or is outdated", async () => {
  await onPage(async (page) => {
    await enterConsole(page, staff);
    const { promise: isAnswered, resolve: answer } = Promise.withResolvers();
    let isDown = true;
    await page.route("**/api/v1/products?**", async (route) => {
      await isAnswered;
      return isDown ? route.fulfill({ status: 503, headers: { "Retry-After": "0" }, body: "" }) : route.continue();
    });
    await go(page, "Products");
    await page.getByRole("status").getByText("Loading …").waitFor();
    answer();
    await page.getByRole("alert").getByText("Something went wrong on our side.").waitFor();
    await inspect(page, "console-failed");
    isDown = false;
    await page.getByRole("button", { name: "Try again" }).click();
    const lantern = page.getByRole("link", { name: "Storm lantern" }).first();
    await lantern.waitFor();
    // As the browser does when somebody returns to the tab: the page reads again.
    const returnTo = () => page.evaluate(() => dispatchEvent(new Event("visibilitychange")));
    isDown = true;
    await returnTo();
    const old = page.getByRole("status").getByText(/^This could not be updated\. It was last read on .+\.$/);
    await old.waitFor();
    await lantern.waitFor();
    await inspect(page, "console-old");
    isDown = false;
    await returnTo();
    await old.waitFor({ state: "detached" });
  }, { ...WIDE, expected: [/503/] });
});

test("a product edited offline, and then while the API fails, is saved once", async () => {
  const product = await createProduct(await asStaff(), 3);
  await onPage(async (page) => {
    await enterConsole(page, staff);
    await page.goto(`${shop}/console/products/${product}`);
    const edit = editOf(page);
    const save = edit.getByRole("button", { name: "Save" });
    await edit.getByLabel("Name").fill("Fog bell");
    await page.context().setOffline(true);
    await page.getByRole("status").getByText("You are offline.").waitFor();
    await save.click();
    await edit.getByRole("alert").getByText("There is no connection to the shop.").waitFor();
    await inspect(page, "console-offline");
    await page.context().setOffline(false);
    await page.getByText("You are offline.").waitFor({ state: "detached" });
    let saves = 0;
    await page.route(`**/api/v1/products/${product}`, (route, request) => {
      if (request.method() !== "PUT") return route.continue();
      saves++;
      return saves === 1 ? route.fulfill({ status: 503, headers: { "Retry-After": "0" }, body: "" }) : route.continue();
    });
    await save.click();
    await edit.getByRole("alert").getByText("Something went wrong on our side.").waitFor();
    assert.equal(await edit.getByLabel("Name").inputValue(), "Fog bell");
    await save.click();
    await edit.getByText("Saved.").waitFor();
    await hasFocus(save);
    await page.getByRole("heading", { name: "Fog bell" }).waitFor();
    assert.equal(saves, 2);
    assert.equal((await call("GET", `/products/${product}`)).version, 2);
  }, { ...WIDE, expected: [/503/, /ERR_INTERNET_DISCONNECTED/] });
});
