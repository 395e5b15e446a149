// The clients of services, and the records that they send, in the console. scripts/browser runs this file.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { eventually } from "./eventually.js";
import { browser, call, DESKTOP, enterConsole as enter, go, hasFocus, inspect, onPage, shop, token } from "./support.js";

const { PRODUCT_WORD: word, HOSTILE_TEXT: hostileText, API_URL: api } = process.env;
const staff = { email: process.env.STAFF_EMAIL, password: process.env.STAFF_PASSWORD };
const admin = { email: process.env.ADMIN_EMAIL, password: process.env.ADMIN_PASSWORD };
const WIDE = { viewport: DESKTOP };

after(() => browser.close());

/** The status of a request for an access token with these credentials. */
async function authenticate(client_id, client_secret) {
  const body = new URLSearchParams({ grant_type: "client_credentials", client_id, client_secret });
  return (await fetch(`${api}/api/v1/oauth/token`, { method: "POST", body })).status;
}

test("an admin creates a service client, replaces its secret, and deletes the client", async () => {
  const name = `Warehouse ${word}`;
  await onPage(async (page) => {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: shop });
    const issued = page.getByRole("dialog", { name: "Secret of the client" });
    const close = async () => {
      const [id, secret] = await issued.locator("code").allInnerTexts();
      await issued.getByRole("button", { name: "Close" }).click();
      await issued.waitFor({ state: "detached" });
      assert.equal(await page.getByText(secret).count(), 0);
      return [id, secret];
    };
    await enter(page, admin);
    await go(page, "Service clients");
    await page.getByText("New service client", { exact: true }).click();
    const create = page.getByRole("button", { name: "Create the client" });
    await create.click();
    await page.getByText("Please fill in this field.").waitFor();
    await page.getByLabel("Name", { exact: true }).fill(name);
    await create.click();
    const copy = issued.getByRole("button", { name: "Copy the secret" });
    await hasFocus(copy);
    await copy.click();
    await issued.getByRole("status").getByText("The secret is copied.").waitFor();
    await inspect(page, "console-client-secret");
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    const [id, first] = await close();
    assert.equal(copied, first);
    assert.equal(await authenticate(id, first), 200);

    const row = page.getByRole("row").filter({ has: page.getByRole("cell", { name, exact: true }) });
    const rotate = row.getByRole("button", { name: `New secret: ${name}` });
    await rotate.click();
    await page.getByRole("dialog", { name: "New secret" }).getByRole("button", { name: "New secret" }).click();
    await issued.waitFor();
    const [, second] = await close();
    await hasFocus(rotate);
    assert.notEqual(second, first);
    for (const secret of [first, second]) assert.equal(await authenticate(id, secret), 200);
    await row.getByRole("cell", { name: "–", exact: true }).waitFor({ state: "detached" });
    await inspect(page, "console-clients");

    const remove = row.getByRole("button", { name: `Delete the client: ${name}` });
    const question = page.getByRole("dialog", { name: "Delete the client" });
    await remove.click();
    await question.getByRole("button", { name: "Cancel" }).click();
    await hasFocus(remove);
    await remove.click();
    await question.getByRole("button", { name: "Delete the client" }).click();
    await page.getByRole("status").getByText(`The client ${name} is deleted.`).waitFor();
    await row.waitFor({ state: "detached" });
    await hasFocus(page.getByRole("heading", { name: "Service clients" }));
    assert.equal(await authenticate(id, second), 401);
  }, WIDE);
});

/** Sends records of yesterday at noon, so that midnight comes between nothing, and waits until they are written. */
async function written(source, payloads) {
  const day = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
  const headers = { Authorization: `Bearer ${await token(staff)}` };
  const records = payloads.map((payload) => ({ source, recorded_at: `${day}T12:00:00Z`, payload }));
  const { ids } = await call("POST", "/data", { records }, { ...headers, "Idempotency-Key": randomUUID() });
  const period = new URLSearchParams({ source, from: `${day}T00:00:00Z`, to: `${day}T23:00:00Z` });
  await eventually(`${ids.length} records of ${source}`, async () => (await call("GET", `/data?${period}`, undefined, headers)).items.length >= ids.length);
  return { day, ids };
}

test("staff create a source of records, read it, replace its schema, and close it", async () => {
  const name = `berth-${word}`;
  const schema = { type: "object", properties: { depth: { type: "number" } }, required: ["depth"] };
  await onPage(async (page) => {
    await enter(page, staff);
    await go(page, "Records");
    await page.getByText("New source", { exact: true }).click();
    await page.getByLabel("Name", { exact: true }).fill(name);
    await page.getByLabel("Service clients that may send and read").fill("nobody");
    await page.getByLabel("JSON Schema").fill("[]");
    await page.getByRole("button", { name: "Create the source" }).click();
    await page.getByText("This is not an id.").waitFor();
    await page.getByText("Write an object as JSON.").waitFor();
    await inspect(page, "console-source-new");
    await page.getByLabel("Service clients that may send and read").fill("");
    await page.getByLabel("JSON Schema").fill(JSON.stringify(schema));
    await page.getByRole("button", { name: "Create the source" }).click();
    await page.getByRole("heading", { name: `Source ${name}` }).waitFor();
    await page.getByText("There are no records of this period.").waitFor();

    const { day, ids } = await written(name, [{ depth: 4.5, note: hostileText }, { depth: 5 }]);
    await page.getByLabel("First day (UTC)").fill(day);
    await page.getByLabel("Last day (UTC)").fill(day);
    const show = page.getByRole("button", { name: "Show", exact: true });
    await show.click();
    await page.getByRole("heading", { name: "Records by hour (UTC)" }).waitFor();
    await page.getByText("2 entries are shown.", { exact: true }).waitFor();
    await hasFocus(show);
    await page.getByText(/^Records: 2, payload: \d+ bytes$/).waitFor();
    await page.getByRole("cell", { name: '{"depth":5}' }).waitFor();
    await inspect(page, "console-source");
    await page.getByRole("link", { name: ids[0] }).click();
    await page.getByRole("heading", { name: `Record ${ids[0]}` }).waitFor();
    await page.getByText('"depth": 4.5').waitFor();
    await inspect(page, "console-record");
    await go(page, "Records");
    await page.getByLabel("Record id").fill(ids[1]);
    await page.getByRole("button", { name: "Show", exact: true }).click();
    await page.getByRole("heading", { name: `Record ${ids[1]}` }).waitFor();
    await page.getByRole("link", { name, exact: true }).click();

    await page.getByText("Next version of the schema", { exact: true }).click();
    await page.getByLabel("JSON Schema").fill(JSON.stringify({ ...schema, required: ["depth", "tide"] }));
    await page.getByRole("button", { name: "Register the version" }).click();
    await page.getByRole("alert").getByText(/^The schema rejects records that the source already has\./).waitFor();
    await page.getByLabel("Breaking change: register it even if it rejects existing records").check();
    await page.getByRole("button", { name: "Register the version" }).click();
    await page.getByRole("status").getByText("Version 2 is the current one.").waitFor();
    await page.getByText("Schema, version 2", { exact: true }).waitFor();

    await page.getByRole("button", { name: "Close the source" }).click();
    const question = page.getByRole("dialog", { name: "Close the source" });
    await question.getByRole("button", { name: "Close the source" }).click();
    await page.getByRole("status").getByText("The source is closed.").waitFor();
    await page.getByRole("button", { name: "Register the version" }).waitFor({ state: "detached" });
    await hasFocus(page.getByRole("heading", { name: `Source ${name}` }));
    await inspect(page, "console-source-closed");
  }, { ...WIDE, expected: [/409.*\/schemas/] });
});
