import assert from "node:assert/strict";
import { test } from "node:test";
import { orderNumber } from "./order-number.ts";

test("the number of an order is the last part of its id, as in the messages about it", () => {
  assert.equal(orderNumber("01234567-89ab-7cde-8f01-23456789abcd"), "23456789ABCD");
});
