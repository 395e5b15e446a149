// Makes a picture of the page with the dashboards once its panels are drawn. dashboards_picture.py runs it.
const { chromium } = require("playwright-core");

const { BROWSER: executablePath, PAGE: address, TARGET: path } = process.env;
const DEADLINE_MS = 120_000;

async function main() {
  const browser = await chromium.launch({ executablePath });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 1200 }, colorScheme: "light" });
    await page.goto(address);
    await page.getByText(/^the last \d+ minutes/).waitFor({ timeout: DEADLINE_MS });
    await page.screenshot({ path });
  } finally {
    await browser.close();
  }
}

main();
