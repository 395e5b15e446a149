// Two people who edit the texts of one message. scripts/browser runs this file.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { browser, call, confirm, DESKTOP, enterConsole, hasFocus, inspect, onPage, shop, token } from "./support.js";

const { PRODUCT_WORD: word } = process.env;
const admin = { email: process.env.ADMIN_EMAIL, password: process.env.ADMIN_PASSWORD };
// Texts that no other story reads.
const PATH = "/message-templates/order_waiting/de";
const BUILT_IN = { subject: null, txt: null, html: null, short: null };
const AGAIN = "Use the built-in texts again";

after(() => browser.close());

test("an admin is asked before a version replaces what is typed, and sees what somebody else has saved", async () => {
  const headers = { Authorization: `Bearer ${await token(admin)}` };
  const { subject: before, txt, html } = await call("GET", PATH, undefined, headers);
  const edit = (texts) => call("PUT", PATH, { ...texts, reason: `A story of ${word}` }, { ...headers, "If-Match": "*" });
  await edit({ subject: before, txt, html, short: "Erste Fassung" });
  try {
    await onPage(async (page) => {
      const [subject, short, reason] = [page.getByLabel("Subject"), page.getByLabel("SMS and push"), page.getByLabel("Reason", { exact: true })];
      const [again, save, question] = [page.getByRole("button", { name: AGAIN }), page.getByRole("button", { name: "Save" }), page.getByRole("dialog", { name: AGAIN })];
      await enterConsole(page, admin);
      await page.goto(`${shop}/console${PATH.replace("message-templates", "templates")}`);
      await subject.fill(`Es dauert noch (${word})`);
      await again.click();
      await question.getByText("What you have typed is replaced by the texts of this version.").waitFor();
      await question.getByRole("button", { name: "Cancel" }).click();
      assert.equal(await subject.inputValue(), `Es dauert noch (${word})`);

      await edit({ subject: before, txt, html, short: "Zweite Fassung" });
      await reason.fill("Another subject");
      await save.click();
      const notice = page.getByRole("status").filter({ hasText: "Somebody else has changed it meanwhile." });
      await notice.getByText("Zweite Fassung").waitFor();
      assert.deepEqual([await subject.inputValue(), await short.inputValue()], [`Es dauert noch (${word})`, "Zweite Fassung"]);
      await inspect(page, "console-template-changed");
      await save.click();
      await page.getByRole("status").getByText("Saved.").waitFor();
      const saved = await call("GET", PATH, undefined, headers);
      assert.deepEqual([saved.subject, saved.short], [`Es dauert noch (${word})`, "Zweite Fassung"]);

      await short.fill("Dritte Fassung");
      await again.click();
      await confirm(page, AGAIN);
      await page.getByText("These are the built-in texts. Save them with a reason.").waitFor();
      await hasFocus(subject);
      // Nothing is typed now that could be lost.
      await again.click();
      await page.getByText("These are the built-in texts. Save them with a reason.").waitFor();
      assert.notEqual(await short.inputValue(), "Dritte Fassung");
    }, { viewport: DESKTOP, expected: [/412.*\/message-templates\//] });
  } finally {
    await edit(BUILT_IN);
  }
});
