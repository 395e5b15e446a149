// Load on the HTTP API, run by load.py with k6. PLAN names a JSON file with the profile, its scenario, thresholds and data.
import { check, sleep } from 'k6';
import exec from 'k6/execution';
import http from 'k6/http';

const plan = JSON.parse(open(__ENV.PLAN));

export const options = {
  scenarios: { [plan.profile]: plan.scenario },
  thresholds: plan.thresholds,
  summaryTrendStats: ['avg', 'med', 'p(95)', 'p(99)', 'max'],
  // The user agent says what the requests are for, in the logs of the API.
  userAgent: 'quayside-load',
};

const pick = (list) => list[exec.scenario.iterationInTest % list.length];

function headers(token, name) {
  const sent = { 'Content-Type': 'application/json', 'Idempotency-Key': crypto.randomUUID() };
  return { headers: { ...sent, Authorization: `Bearer ${token}` }, tags: { name } };
}

const profiles = {
  // A visitor looks at a product and its stock.
  browse() {
    const product = `${plan.api}/products/${pick(plan.products)}`;
    const seen = http.get(product, { tags: { name: 'product' } });
    check(seen, { 'the product is shown': (response) => response.status === 200 });
    const stock = http.get(`${product}/stock`, { tags: { name: 'stock' } });
    check(stock, { 'its stock is shown': (response) => response.status === 200 });
  },
  // A customer orders one unit and looks at the order.
  order() {
    const token = pick(plan.customers);
    const order = {
      items: [{ product_id: pick(plan.products), quantity: 1 }],
      shipping_address: { line1: 'Hafenstraße 12', city: 'Hamburg', postal_code: '20457', country: 'DE' },
      payment_method: 'pm_card_visa',
    };
    const placed = http.post(`${plan.api}/orders`, JSON.stringify(order), headers(token, 'order'));
    if (check(placed, { 'the order is placed': (response) => response.status === 201 })) {
      const seen = http.get(`${plan.api}/orders/${placed.json('id')}`, headers(token, 'order status'));
      check(seen, { 'the order is shown': (response) => response.status === 200 });
    }
  },
  // A sensor sends one record, and somebody reads another.
  ingest() {
    const record = { source: plan.source, recorded_at: new Date().toISOString(), payload: { depth: Math.random() } };
    const sent = http.post(`${plan.api}/data`, JSON.stringify(record), headers(plan.staff, 'record'));
    check(sent, { 'the record is accepted': (response) => response.status === 202 });
    const seen = http.get(`${plan.api}/data/${pick(plan.records)}`, headers(plan.staff, 'stored record'));
    check(seen, { 'a record is shown': (response) => response.status === 200 });
  },
};

export default function () {
  profiles[plan.profile]();
  if (plan.think_s > 0) {
    // Users read what they see.
    sleep(plan.think_s * (0.5 + Math.random()));
  }
}

export function handleSummary(data) {
  return { [plan.summary]: JSON.stringify(data.metrics) };
}
