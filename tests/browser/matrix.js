// Every page as other people see it: in the dark, in German, in forced colours, enlarged, on a phone. Each is inspected by axe, is no wider
// than the window, and leaves a picture. scripts/browser --matrix runs this file.
import { after, describe, test } from "node:test";
import { onDrawn, PAGES } from "./pages.js";
import { browser, checkAccessibility, checkWidth, DESKTOP, PHONE } from "./support.js";

const { MATRIX: target } = process.env;
// What a window of 1280 × 900 shows at 200 %, and one of 1280 × 1024 at 400 % (WCAG 2.2, 1.4.10).
const [ZOOM, REFLOW] = [{ width: 640, height: 450 }, { width: 320, height: 256 }];
const GERMAN = { locale: "de-DE" };

const COMBINATIONS = {
  dark: { viewport: DESKTOP, colorScheme: "dark" },
  "dark-phone": { viewport: PHONE, colorScheme: "dark" },
  german: { viewport: DESKTOP, ...GERMAN },
  "german-phone": { viewport: PHONE, ...GERMAN },
  "german-zoom": { viewport: ZOOM, deviceScaleFactor: 2, ...GERMAN },
  "german-reflow": { viewport: REFLOW, ...GERMAN },
  "forced-colors": { viewport: DESKTOP, forcedColors: "active" },
  "forced-colors-phone": { viewport: PHONE, forcedColors: "active", colorScheme: "dark" },
  zoom: { viewport: ZOOM, deviceScaleFactor: 2 },
  phone: { viewport: PHONE },
};

after(() => browser.close());

// Who follows the output sees how much is left.
const counted = (names) => names.map((name, index) => [name, `${name} (${index + 1} of ${names.length})`]);

for (const [combination, title] of counted(Object.keys(COMBINATIONS))) {
  const options = COMBINATIONS[combination];
  describe(title, { concurrency: 2 }, () => {
    for (const [name, counter] of counted(Object.keys(PAGES))) {
      test(counter, () =>
        onDrawn(name, options, async (page) => {
          await page.screenshot({ path: `${target}/${combination}/${name}.png`, fullPage: true });
          await checkWidth(page, name);
          await checkAccessibility(page, name);
        }));
    }
  });
}
