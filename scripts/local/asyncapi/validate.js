// Validates an AsyncAPI document with the parser of the AsyncAPI Initiative: node validate.js docs/asyncapi.json.
const { readFileSync } = require("node:fs");
const { Parser } = require("@asyncapi/parser");

const WARNING = 1; // Spectral's severities: 0 is an error, 2 and 3 are advice.
const [file] = process.argv.slice(2);

new Parser().parse(readFileSync(file, "utf8")).then(({ diagnostics }) => {
  const wrong = diagnostics.filter(({ severity }) => severity <= WARNING);
  for (const { code, path, message } of wrong) console.error(`${file}: ${path.join(".")}: ${message} (${code})`);
  if (wrong.length === 0) console.log(`${file}: OK`);
  process.exitCode = Math.min(wrong.length, 1);
});
