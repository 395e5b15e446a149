// Places an order with the client that openapi-typescript generates, and follows it until it is paid.
// scripts/clients generates the client, type-checks this file and runs it.
import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./api.d.ts";

type Schemas = components["schemas"];
type Client = ReturnType<typeof createClient<paths>>;

const POLL_MS = 200;
const DEADLINE_MS = 60_000;

const { API_URL: api = "", STAFF_EMAIL: staffEmail = "", STAFF_PASSWORD: staffPassword = "" } = process.env;

function connect(token?: string): Client {
  const client = createClient<paths>({ baseUrl: api });
  const authorization: Middleware = {
    onRequest({ request }) {
      request.headers.set("Authorization", `Bearer ${token}`);
    },
  };
  if (token) client.use(authorization);
  return client;
}

/** The body of a response, or an exception with the problem document. */
function body<T>(result: { data?: T; error?: Schemas["Problem"]; response: Response }): T {
  if (result.data === undefined) {
    throw new Error(`${result.response.status} ${result.error?.type}: ${result.error?.detail}`);
  }
  return result.data;
}

async function eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + DEADLINE_MS;
  while (Date.now() < deadline) {
    const found = await look();
    if (found !== undefined) return found;
    await setTimeout(POLL_MS);
  }
  throw new Error(`${what}: not within ${DEADLINE_MS} ms`);
}

async function login(email: string, password: string): Promise<Client> {
  const tokens = body(await connect().POST("/api/v1/users/login", { body: { email, password } }));
  return connect(tokens.access_token);
}

async function createProduct(staff: Client, tag: string): Promise<Schemas["ProductView"]> {
  const product: Schemas["CreateProduct"] = {
    sku: `TS-${tag.toUpperCase()}`,
    name: "Storm lantern",
    category: "lighting",
    price: { amount: 1999, currency: "USD" },
    stock_quantity: 3,
  };
  const header = { "Idempotency-Key": randomUUID() };
  const created = body(await staff.POST("/api/v1/products", { params: { header }, body: product }));
  const path = { id: created.id };
  await eventually("stock of the product", async () => {
    const { data } = await staff.GET("/api/v1/products/{id}/stock", { params: { path } });
    return data?.available || undefined;
  });
  return created;
}

async function register(tag: string): Promise<Client> {
  const account = { email: `ts-${tag}@example.com`, username: `ts${tag}`, password: `Harbour-${tag}-1843` };
  body(await connect().POST("/api/v1/users/register", { body: account }));
  return login(account.email, account.password);
}

const tag = randomUUID().slice(-12);
const product = await createProduct(await login(staffEmail, staffPassword), tag);
const customer = await register(tag);

const wanted: Schemas["PlaceOrder"] = {
  items: [{ product_id: product.id, quantity: 2, expected_unit_price: product.price }],
  shipping_address: { line1: "Hafenstraße 12", city: "Hamburg", postal_code: "20457", country: "DE" },
  payment_method: "pm_card_visa",
};
const header = { "Idempotency-Key": randomUUID() };
const order = body(await customer.POST("/api/v1/orders", { params: { header }, body: wanted }));
const repeated = body(await customer.POST("/api/v1/orders", { params: { header }, body: wanted }));
if (repeated.id !== order.id) throw new Error("the repeated request placed another order");

const another = { ...wanted, items: [{ product_id: product.id, quantity: 1 }] };
const { error } = await customer.POST("/api/v1/orders", { params: { header }, body: another });
if (!error?.type.endsWith("/problems/idempotency-key-reused")) throw new Error(`unexpected problem ${error?.type}`);

const paid = await eventually("paid order", async () => {
  const { data } = await customer.GET("/api/v1/orders/{id}", { params: { path: { id: order.id } } });
  return data?.status === "processing" ? data : undefined;
});
console.log(`order ${paid.id} is ${paid.status}: ${paid.total_amount.amount} ${paid.total_amount.currency}`);
