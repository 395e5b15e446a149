import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const SOURCES = fileURLToPath(new URL("../", import.meta.url));
const CONTRACT = fileURLToPath(new URL("../../../../docs/openapi.json", import.meta.url));
const SECRETS = ["secret", "recovery_codes"];

interface Contract {
  paths: Record<string, Record<string, { responses?: Record<string, { content?: Record<string, { schema?: { $ref?: string } }> }> }>>;
  components: { schemas: Record<string, { properties?: object }> };
}

/** Requests whose response has a secret, as sources write them. */
function secretRequests({ paths, components }: Contract): string[] {
  const hasSecret = ({ responses = {} }): boolean => {
    const names = [...JSON.stringify(responses).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name = ""]) => name);
    return names.some((name) => SECRETS.some((secret) => secret in (components.schemas[name]?.properties ?? {})));
  };
  return Object.entries(paths).flatMap(([path, routes]) => Object.keys(routes).filter((method) => hasSecret(routes[method] ?? {})).map((method) => `${method.toUpperCase()}("${path}"`));
}

test("no mutation returns a secret, which the cache of mutations would keep", () => {
  const requests = secretRequests(JSON.parse(readFileSync(CONTRACT, "utf8")) as Contract);
  assert.ok(requests.includes('POST("/api/v1/users/{id}/totp"'));
  const lines = readdirSync(SOURCES, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".tsx"))
    .flatMap((name) => readFileSync(SOURCES + name, "utf8").split("\n"));
  const returned = lines.filter((line) => /(mutationFn:|useKeyed\().*=> unwrap\(/.test(line) && requests.some((request) => line.includes(request)));
  assert.deepEqual(returned, []);
});
