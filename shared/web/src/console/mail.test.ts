import assert from "node:assert/strict";
import { test } from "node:test";
import { disarm } from "./mail.ts";

test("inline styles get another name, and handlers are removed, in tags alone", () => {
  assert.equal(disarm(`<p style="margin:0">a style="b" onload=c</p>`), `<p data-style="margin:0">a style="b" onload=c</p>`);
  assert.equal(disarm(`<td align='right' STYLE='color:red' width=1>`), `<td align='right' data-style='color:red' width=1>`);
  assert.equal(disarm(`<img src=x onerror="alert(1)" alt="a > b" onload=alert(2)>`), `<img src=x  alt="a > b" >`);
  assert.equal(disarm(`<p style="font-family: only sans" hidden>`), `<p data-style="font-family: only sans" hidden>`);
  assert.equal(disarm(`<svg/onload='alert(1)'><br style = "clear:both"/>`), `<svg ><br data-style = "clear:both"/>`);
});

test("comments and style sheets are removed, and what is no tag stays as it is", () => {
  assert.equal(disarm(`1<style type="text/css">p > a { color: red }</style >2<styled>3`), "12<styled>3");
  assert.equal(disarm(`1 < 2 <!-- <p style="x"> --> 3 > 2`), "1 < 2  3 > 2");
  assert.equal(disarm(`<!doctype html><html lang="de">`), `<!doctype html><html lang="de">`);
});
