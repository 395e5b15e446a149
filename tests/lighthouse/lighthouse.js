// Measures pages as Lighthouse does: on the phone and the slow network that it simulates. scripts/browser --lighthouse runs this file.
import { mkdir, writeFile } from "node:fs/promises";
import { launch } from "chrome-launcher";
import lighthouse from "lighthouse";
import * as defaults from "lighthouse/core/config/constants.js";

const { BROWSER: chromePath, REPORTS: reports, PAGES: pages } = process.env;
// The machine's other work disturbs single runs: the median of three counts.
const RUNS = 3;
// Benchmark index of the phone that Lighthouse stands for (a Moto G Power of 2022), by which Chrome's own calibration slows a machine down.
const SLOW_PHONE = 264;
const onlyCategories = ["performance", "accessibility", "best-practices"];
const TIMES = { FCP: "first-contentful-paint", LCP: "largest-contentful-paint", TBT: "total-blocking-time" };

/** How many times this machine is as fast as the phone, with all else that it does. */
const slowdown = ({ lhr }) => Math.max(1, lhr.environment.benchmarkIndex / SLOW_PHONE);

async function measure(url, cpuSlowdownMultiplier) {
  const chrome = await launch({ chromePath, chromeFlags: ["--headless=new", "--no-sandbox"], logLevel: "silent" });
  try {
    const { lhr, report } = await lighthouse(url, { port: chrome.port, onlyCategories, output: "html", logLevel: "silent", throttling: { ...defaults.throttling.mobileSlow4G, cpuSlowdownMultiplier } });
    if (lhr.runtimeError) throw new Error(`${url}: ${lhr.runtimeError.message}`);
    return { lhr, report };
  } finally {
    chrome.kill();
  }
}

const score = ({ lhr }, category) => Math.round((lhr.categories[category].score ?? 0) * 100);

/** What costs points, with its own score. */
const weaknesses = ({ lhr }) =>
  onlyCategories.flatMap((category) =>
    lhr.categories[category].auditRefs
      .filter(({ id, weight }) => weight > 0 && lhr.audits[id].score !== null && lhr.audits[id].score < 0.9)
      .map(({ id }) => `${lhr.audits[id].title}: ${lhr.audits[id].displayValue ?? lhr.audits[id].score}`),
  );

await mkdir(reports, { recursive: true });
for (const [name, url] of Object.entries(JSON.parse(pages))) {
  const runs = [];
  // The first run fills the caches of the API and says how fast the machine is.
  let before = await measure(url, defaults.throttling.mobileSlow4G.cpuSlowdownMultiplier);
  for (let run = 0; run < RUNS; run++) runs.push((before = await measure(url, slowdown(before))));
  runs.sort((one, other) => score(one, "performance") - score(other, "performance"));
  const median = runs[Math.floor(RUNS / 2)];
  await writeFile(`${reports}/${name}.html`, median.report);
  const { audits, environment } = median.lhr;
  const scores = onlyCategories.map((category) => `${category} ${score(median, category)}`).join(", ");
  const times = Object.entries(TIMES).map(([short, id]) => `${short} ${Math.round(audits[id].numericValue)} ms`).join(", ");
  const kilobytes = Math.round(audits["total-byte-weight"].numericValue / 1000);
  console.log(`${name}: ${scores}`);
  console.log(`  ${times}, CLS ${audits["cumulative-layout-shift"].numericValue.toFixed(3)}, ${kilobytes} kB; performance of all runs: ${runs.map((one) => score(one, "performance")).join(", ")}`);
  console.log(`  this machine has a benchmark index of ${Math.round(environment.benchmarkIndex)} with all that runs on it, the phone ${SLOW_PHONE}`);
  for (const weakness of weaknesses(median)) console.log(`  ${weakness}`);
}
