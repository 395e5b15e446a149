import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { de as consoleDe } from "../../console/texts/de.ts";
import { en as consoleEn } from "../../console/texts/en.ts";
import { de } from "./de.ts";
import { en } from "./en.ts";

const SOURCES = fileURLToPath(new URL("../../", import.meta.url));

/** Paths of all texts, such as `order.declines.expired_card`. */
function pathsOf(texts: object, parent = ""): string[] {
  return Object.entries(texts).flatMap(([name, value]) => (typeof value === "object" ? pathsOf(value as object, `${parent}${name}.`) : [parent + name]));
}

// By the function that pages read them with.
const TEXTS = [
  ["t", en, { ...de, fieldTexts: {} }],
  ["c", consoleEn, consoleDe],
] as const;

test("every text is there in both languages", () => {
  for (const [name, english, german] of TEXTS) assert.deepEqual(pathsOf(german).sort(), pathsOf(english).sort(), name);
});

/**
 * Whether the sources use a text: by its path, or as a part of a group that is handed over as a whole or read by a computed name, as in
 * `t().order.statuses[…]`, `texts={c().security}` and `const { title } = t().account`. Of such a group, the name has to occur.
 */
function isUsed(read: string, path: string, sources: string): boolean {
  const names = path.split(".");
  const has = (pattern: string): boolean => new RegExp(pattern).test(sources);
  const at = (depth: number): string => `\\b${read}\\(\\)\\.${names.slice(0, depth).join("\\.")}`;
  if (has(`${at(names.length)}\\b`)) return true;
  for (let depth = names.length - 1; depth > 0; depth--) {
    if (has(`(${at(depth)}\\[|Object\\.(entries|keys)\\(${at(depth)}\\))`)) return true;
    if (has(`${at(depth)}(?![\\w.[])`)) return has(`[.{, ]${names[depth]}\\b`);
  }
  return false;
}

// Numbers that count nothing.
const ORDINALS = new Set(["month", "number", "version", "year"]);

test("every count in a text is written as the language does", () => {
  for (const folder of ["core/i18n", "console/texts"]) {
    const [english = "", german = ""] = ["en", "de"].map((name) => readFileSync(`${SOURCES}${folder}/${name}.ts`, "utf8"));
    const counts = [...english.matchAll(/^ +(\w+): \((.*?)\) =>/gm)].flatMap(([, text, parameters = ""]) => [...parameters.matchAll(/(\w+): number/g)].map(([, name = ""]) => ({ text, name })));
    const raw = counts.filter(({ text, name }) => {
      // A text with its parameter, and the lines that go on with it.
      const pattern = new RegExp(`^( +)${text}: \\([^)]*\\b${name}\\b.*(\\n\\1 .*)*`, "gm");
      return !ORDINALS.has(name) && [english, german].some((source) => source.match(pattern)?.some((found) => found.includes(`\${${name}}`)));
    });
    assert.ok(counts.length >= 5);
    assert.deepEqual(raw, [], folder);
  }
});

test("every text is used", () => {
  const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter((name) => /\.tsx?$/.test(name) && !/(i18n|texts)\/(en|de)/.test(name) && !/\.test\.|^api/.test(name));
  const sources = files.map((name) => readFileSync(SOURCES + name, "utf8")).join("\n");
  const unused = TEXTS.flatMap(([read, texts]) => pathsOf(texts).filter((path) => !isUsed(read, path, sources)).map((path) => `${read}().${path}`));
  assert.deepEqual(unused, []);
});
