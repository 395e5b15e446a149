import assert from "node:assert/strict";
import { test } from "node:test";
import { toMinor, toText } from "./money.ts";

test("amounts are read with a point, a comma or no fraction, and never rounded", () => {
  assert.equal(toMinor("12.50", 2), 1250);
  assert.equal(toMinor(" 12,5 ", 2), 1250);
  assert.equal(toMinor("12", 2), 1200);
  assert.equal(toMinor("90071992547.40", 2), 9007199254740);
  assert.equal(toMinor("500", 0), 500);
});

test("what is no amount of the currency is refused", () => {
  for (const text of ["", "-1", "1.234", "1,234.50", "1e3", "twelve", "1.", ".5"]) assert.equal(toMinor(text, 2), null, text);
  assert.equal(toMinor("1.5", 0), null);
});

test("an amount is written as it is read", () => {
  for (const amount of [0, 5, 99, 100, 123456789]) assert.equal(toMinor(toText(amount, 2), 2), amount);
  assert.deepEqual([toText(-5, 2), toText(-4800, 2), toText(-48, 0)], ["-0.05", "-48.00", "-48"]);
});

test("an amount below zero keeps its sign and its zeros", () => {
  for (const [amount, text] of [[-1, "-0.01"], [-5, "-0.05"], [-9, "-0.09"], [-10, "-0.10"], [-99, "-0.99"], [-100, "-1.00"], [-123456, "-1234.56"]] as const) {
    assert.equal(toText(amount, 2), text);
    assert.equal(Number(toText(amount, 2)), amount / 100);
  }
  assert.deepEqual([toText(-5, 0), toText(-5, 3)], ["-5", "-0.005"]);
});
