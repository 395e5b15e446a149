// The texts of messages: two people who edit one, and what its preview shows. scripts/browser runs this file.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { eventually } from "./eventually.js";
import { browser, call, confirm, DESKTOP, enterConsole, hasFocus, inspect, onPage, shop, token } from "./support.js";

const { PRODUCT_WORD: word } = process.env;
const admin = { email: process.env.ADMIN_EMAIL, password: process.env.ADMIN_PASSWORD };
// Texts that no other story reads.
const PATH = "/message-templates/order_waiting/de";
const BUILT_IN = { subject: null, txt: null, html: null, short: null };
const AGAIN = "Use the built-in texts again";

after(() => browser.close());

test("restoring a version is confirmed, and shows what others have saved", async () => {
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
      const notice = page.getByRole("status").filter({ hasText: "Somebody else has changed this in the meantime." });
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

// What would run, load, send or lead away, where somebody has found a way to write it.
const HOSTILE = [
  '<p style="color: rgb(1, 2, 3)">Tinted',
  '<p style="background: url(/loaded.png)">Painted</p>',
  "<script>alert(1)</script>",
  '<img src="x" alt="A lamp" onerror="alert(2)">',
  '<svg onload="alert(3)"><text>drawn</text></svg>',
  '<a href="https://example.com/" onclick="alert(4)">Led away</a>',
  '<form action="https://example.com/"><button>Sent</button></form>',
  '<iframe src="https://example.com/"></iframe><style>p { display: none }</style></p>',
].join("");

test("the preview shows the HTML of a message, and nothing in it runs or loads", async () => {
  await onPage(async (page) => {
    await enterConsole(page, admin);
    await page.goto(`${shop}/console${PATH.replace("message-templates", "templates")}`);
    const html = page.getByLabel("HTML", { exact: true });
    await html.fill((await html.inputValue()).replace("{% block body %}", `{% block body %}${HOSTILE}`));
    const asked = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.getByRole("button", { name: "Preview" }).click();
    await page.getByRole("status").getByText("The preview is shown below.").waitFor();
    const frame = page.locator("iframe.mail");
    assert.equal(await frame.getAttribute("sandbox"), "allow-same-origin");
    // No script runs in the frame: its page reads what is in it.
    const shown = () =>
      frame.evaluate((element) => {
        const { body, documentElement } = element.contentDocument;
        const [content] = body.children;
        // The frame loads after the status is shown.
        if (!content) return { isWhole: false };
        const colorOf = (text) => element.contentWindow.getComputedStyle([...body.querySelectorAll("p")].find((one) => one.textContent.includes(text))).color;
        return {
          language: documentElement.lang,
          text: body.innerText,
          color: colorOf("Tinted"),
          isWhole: Math.abs(element.clientHeight - content.scrollHeight) <= 1,
          others: body.querySelectorAll("script, img, svg, form, button, iframe, style, [href], [src], [action], [onclick]").length,
        };
      });
    await eventually("the preview in its whole height", async () => (await shown()).isWhole);
    const { language, text, color, others } = await shown();
    assert.deepEqual([language, color, others], ["de", "rgb(1, 2, 3)", 0]);
    for (const part of ["QUAYSIDE", "Tinted", "A lamp", "Led away", "Sent"]) assert.ok(text.includes(part), part);
    for (const part of ["alert", "drawn", "display"]) assert.ok(!text.includes(part), part);
    assert.deepEqual(asked.filter((url) => !url.includes("/api/")), []);
    await page.getByText("Source of the HTML").click();
    await page.getByText("<script>alert(1)</script>").waitFor();
    await inspect(page, "console-template-preview");
  }, { viewport: DESKTOP });
});
