//! The budget of each route that writes to PostgreSQL, in round trips of one successful call.

mod identity;
mod notifications;

use super::{
    BUDGET, Fixture, function, http_request,
    measured::{body, measured, routes_on_postgres},
    payment, saga,
};
use crate::functions::{
    operators::{A, dead_letter},
    sample,
};
use adapters_postgres::{PgEventHistory, PgEventRecords, PgJobs, PgOperatorActions, PgRecords, PgSources};
use adapters_schemas::JsonSchemas;
use catalog::{Context, Function, Method};
use domain::payment::RefundLimit;
use edge::http::{Body, Call, Reply};
use kernel::Failure;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use testkit::{build, ids};

/// The round trips of each route that [`BUDGET`] lacks. The bus accepts what a call publishes, so that one of them marks it as published.
const WRITES: [(&str, u64); 53] = [
    ("client-create", 1),
    ("client-delete", 1),
    ("client-secret-rotate", 2),
    ("consumer-state-update", 2),
    ("contact-verify", 3),
    ("device-register", 1),
    ("device-remove", 1),
    ("event-replay", 3),
    ("notification-send", 3),
    ("order-address-update", 2),
    ("order-note-add", 1),
    ("password-change", 4),
    ("password-reset-confirm", 2),
    ("password-reset-request", 2),
    ("payment-method-add", 5),
    ("payment-method-choose", 1),
    ("payment-method-delete", 2),
    ("preferences-update", 1),
    ("product-export-create", 1),
    ("product-import-create", 1),
    ("queue-redrive", 2),
    ("record-create", 1),
    ("recovery-code-renew", 5),
    ("refund-approval-decide", 3),
    ("session-end", 1),
    ("session-revoke", 1),
    ("source-close", 1),
    ("source-create", 1),
    ("source-schema-add", 3),
    ("stock-adjust", 3),
    ("template-update", 2),
    ("token-issue", 2),
    ("token-refresh", 1),
    ("totp-begin", 4),
    ("totp-confirm", 2),
    ("totp-remove", 8),
    ("user-delete", 3),
    ("user-erase", 5),
    ("user-invite", 2),
    ("user-login", 2),
    ("user-login-mfa", 6),
    ("user-logout", 1),
    ("user-register", 3),
    ("user-role-update", 3),
    ("user-status-update", 3),
    ("user-update", 3),
    ("verification-request", 3),
    ("webhook-delivery-retry", 4),
    ("webhook-endpoint-create", 1),
    ("webhook-endpoint-delete", 1),
    ("webhook-endpoint-test", 4),
    ("webhook-endpoint-update", 2),
    ("webhook-secret-rotate", 2),
];

#[test]
fn every_route_that_writes_to_postgresql_has_a_budget() {
    let writing: BTreeSet<_> = routes_on_postgres(|method| !matches!(method, Method::Get)).collect();
    let of_the_saga = BUDGET.iter().map(|(step, ..)| function(step)).filter(|name| writing.contains(name));
    let budgets: BTreeSet<_> = of_the_saga.chain(WRITES.iter().map(|(name, _)| *name)).collect();
    assert_eq!(budgets, writing);
}

#[tokio::test]
async fn every_route_that_writes_stays_within_its_round_trip_budget() {
    let mut fixture = saga(true).await;
    let (order, payment) = paid(&mut fixture).await;
    let mut calls = Calls { fixture: &fixture, costs: BTreeMap::new() };
    orders(&mut calls, &order).await;
    payments(&mut calls, &payment).await;
    payment_methods(&mut calls).await;
    products(&mut calls).await;
    records(&mut calls).await;
    operations(&mut calls).await;
    notifications::calls(&mut calls).await;
    identity::calls(&mut calls).await;
    assert_eq!(calls.costs, BTreeMap::from(WRITES));
}

/// Calls of routes over one database, and what they cost.
struct Calls<'a> {
    fixture: &'a Fixture,
    costs: BTreeMap<&'static str, u64>,
}

impl Calls<'_> {
    /// Calls a route once, which succeeds. Returns the body of the response.
    async fn call<B, T, F>(&mut self, row: &'static Function, event: Value, handler: F) -> Value
    where
        B: Body,
        T: Serialize,
        F: AsyncFn(Call<B>) -> Result<Reply<T>, Failure>,
    {
        let (response, trips) = measured(self.fixture, row, event, handler).await;
        assert!(response["statusCode"].as_u64().is_some_and(|status| status < 300), "{}: {response}", row.name);
        assert_eq!(self.costs.insert(row.name, trips), None, "{} is called once", row.name);
        body(&response)
    }
}

/// The sample of a route that is about `id`.
fn about(row: &Function, id: &Value) -> Value {
    let mut event = sample(row, "ok");
    event["pathParameters"]["id"] = id.clone();
    event
}

/// With the precondition that the version is `version`.
fn if_match(mut event: Value, version: u64) -> Value {
    event["headers"]["if-match"] = json!(format!("\"{version}\""));
    event
}

/// An order that is pending and whose payment has succeeded, with the payment.
async fn paid(fixture: &mut Fixture) -> (Value, Value) {
    let request = http_request(catalog::ORDER_PLACE, catalog::role::CUSTOMER).key("paid");
    let request = request.body(build::place_order_json(&[(1, 1)]));
    let order = fixture.call("order-place, third order", catalog::ORDER_PLACE, request).await["id"].clone();
    let placed = fixture.last_event();
    fixture.deliver("stock-reserve, third order", &placed).await;
    let reserved = fixture.last_event();
    fixture.deliver("payment-charge, third order", &reserved).await;
    (order, payment(&fixture.last_event()))
}

async fn orders(calls: &mut Calls<'_>, order: &Value) {
    let orders = &calls.fixture.orders;
    let note = about(catalog::ORDER_NOTE_ADD, order);
    calls.call(catalog::ORDER_NOTE_ADD, note, async |call| order_note_add::handle(orders, call).await).await;
    let mut address = if_match(about(catalog::ORDER_ADDRESS_UPDATE, order), 1);
    address["requestContext"]["authorizer"]["lambda"]["role"] = json!(catalog::role::STAFF);
    let handler = async |call| order_address_update::handle(orders, call).await;
    calls.call(catalog::ORDER_ADDRESS_UPDATE, address, handler).await;
}

async fn payments(calls: &mut Calls<'_>, payment: &Value) {
    let (fixture, payments) = (calls.fixture, &calls.fixture.payments);
    let refund = http_request(catalog::REFUND_REQUEST, catalog::role::STAFF).key("waits");
    let refund = refund.body(json!({ "payment_id": payment, "reason": "duplicate" })).build();
    let handler = async |call| refund_request::handle(payments, RefundLimit { units: 1 }, call).await;
    let (waiting, _) = measured(fixture, catalog::REFUND_REQUEST, refund, handler).await;
    let mut decision = about(catalog::REFUND_APPROVAL_DECIDE, payment);
    decision["pathParameters"]["refund_id"] = body(&waiting)["refund_approvals"][0]["id"].clone();
    let handler = async |call| refund_approval_decide::handle(payments, call).await;
    calls.call(catalog::REFUND_APPROVAL_DECIDE, decision, handler).await;
}

async fn payment_methods(calls: &mut Calls<'_>) {
    let (payments, vault) = (&calls.fixture.payments, calls.fixture.platform.gateway());
    let row = catalog::PAYMENT_METHOD_ADD;
    let handler = async |call| payment_method_add::handle(payments, &vault, call).await;
    let method = calls.call(row, sample(row, "ok"), handler).await["id"].clone();
    let row = catalog::PAYMENT_METHOD_CHOOSE;
    calls.call(row, about(row, &method), async |call| payment_method_choose::handle(payments, call).await).await;
    let row = catalog::PAYMENT_METHOD_DELETE;
    let handler = async |call| payment_method_delete::handle(payments, &vault, call).await;
    calls.call(row, about(row, &method), handler).await;
}

async fn products(calls: &mut Calls<'_>) {
    let fixture = calls.fixture;
    let jobs = PgJobs::new(fixture.database.through_proxy(Context::Catalogue, fixture.proxy.port));
    let files = fixture.platform.product_files();
    let row = catalog::PRODUCT_IMPORT_CREATE;
    let handler = async |call| product_import_create::handle(&jobs, &files, call).await;
    calls.call(row, sample(row, "ok"), handler).await;
    let row = catalog::PRODUCT_EXPORT_CREATE;
    calls.call(row, sample(row, "ok"), async |call| product_export_create::handle(&jobs, call).await).await;
    let adjustment = about(catalog::STOCK_ADJUST, &json!(ids::product(1)));
    let handler = async |call| stock_adjust::handle(&fixture.stock, call).await;
    calls.call(catalog::STOCK_ADJUST, adjustment, handler).await;
}

async fn records(calls: &mut Calls<'_>) {
    let fixture = calls.fixture;
    let database = || fixture.database.through_proxy(Context::Records, fixture.proxy.port);
    let (sources, records, schemas) = (PgSources::new(database()), PgRecords::new(database()), JsonSchemas::default());
    let log = fixture.platform.record_topic();
    let row = catalog::SOURCE_CREATE;
    let handler = async |call| source_create::handle(&sources, &schemas, call).await;
    calls.call(row, sample(row, "ok"), handler).await;
    let row = catalog::RECORD_CREATE;
    let mut record = sample(row, "ok");
    let now = fixture.clock.now();
    record["body"] =
        json!({ "source": "greenhouse", "recorded_at": now, "payload": { "temperature": 21.5 } }).to_string().into();
    let handler = async |call| record_create::handle(&sources, &log, &schemas, 200_000, call).await;
    calls.call(row, record, handler).await;
    let row = catalog::SOURCE_SCHEMA_ADD;
    let handler = async |call| source_schema_add::handle(&sources, &records, &schemas, call).await;
    calls.call(row, sample(row, "ok"), handler).await;
    let row = catalog::SOURCE_CLOSE;
    calls.call(row, sample(row, "ok"), async |call| source_close::handle(&sources, call).await).await;
}

async fn operations(calls: &mut Calls<'_>) {
    let fixture = calls.fixture;
    let database = || fixture.database.through_proxy(Context::Operations, fixture.proxy.port);
    let (actions, statuses) = (PgOperatorActions::new(database()), PgEventRecords::new(database()));
    let (queues, log) = (fixture.platform.queues(), fixture.platform.event_log());
    let row = catalog::CONSUMER_STATE_UPDATE;
    let handler = async |call| consumer_state_update::handle(&queues, &actions, call).await;
    calls.call(row, sample(row, "ok"), handler).await;
    queues.put(catalog::STOCK_RESERVE.name, dead_letter(A));
    let row = catalog::QUEUE_REDRIVE;
    let handler = async |call| queue_redrive::handle(&queues, &log, &actions, &statuses, call).await;
    let moved = calls.call(row, sample(row, "ok"), handler).await;
    assert_eq!(moved["redriven"], 1);
    let row = catalog::EVENT_REPLAY;
    let mut replay = sample(row, "ok");
    replay["body"] = json!({
        "reason": "A defect in the stock.", "consumer": catalog::STOCK_RESERVE.name,
        "from": "2026-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z", "max": 2,
    })
    .to_string()
    .into();
    let history = PgEventHistory::new(database());
    let handler = async |call| event_replay::handle(&history, &queues, &actions, call).await;
    let replayed = calls.call(row, replay, handler).await;
    assert_eq!(replayed["replayed"], 2);
}
