//! Every route that reads from PostgreSQL waits for it once, however many items it returns.

use super::{
    Fixture,
    measured::{body, measured, routes_on_postgres},
    saga,
};
use crate::functions::operators::{A, dead_letter};
use adapters_postgres::{
    NoEvents, PgContacts, PgEventRecords, PgInvoices, PgJobs, PgLedger, PgOperatorActions, PgProductIndex, PgRecords,
    PgSources, PgUsers, PgWebhooks, PgWindows,
};
use catalog::{Auth, Context, Method, Trigger};
use edge::testing::http_event;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use testkit::ids;

#[tokio::test]
async fn every_route_that_reads_waits_for_postgresql_once() {
    let fixture = saga(true).await;
    let costs = reads(&fixture).await;
    let reading = routes_on_postgres(|method| matches!(method, Method::Get));
    let expected: BTreeMap<_, _> = reading.map(|name| (name, 1)).collect();
    assert_eq!(costs, expected);
}

const RECORD: &str = "01a1fd49-93a0-7000-8000-000000000001";

/// The round trips of each route, over the orders of the saga. An answer without content costs as much.
async fn reads(fixture: &Fixture) -> BTreeMap<&'static str, u64> {
    let through = |context| fixture.database.through_proxy(context, fixture.proxy.port);
    let users = PgUsers::new(through(Context::Identity), NoEvents);
    let data = personal_data(fixture);
    let contacts = PgContacts::new(through(Context::Notifications), NoEvents);
    let webhooks = PgWebhooks::new(through(Context::Notifications), NoEvents);
    let invoices = PgInvoices::new(through(Context::Invoices), NoEvents);
    let (index, windows) =
        (PgProductIndex::new(through(Context::Catalogue)), PgWindows::new(through(Context::Analytics)));
    let (orders, payments, stock) = (&fixture.orders, &fixture.payments, &fixture.stock);
    let (products, documents) = (fixture.platform.products(), fixture.platform.documents());
    let mut costs = BTreeMap::new();
    macro_rules! read {
        ($row:ident, $id:expr, |$call:ident| $handled:expr) => {{
            let row = catalog::$row;
            let Trigger::Http { path, auth, .. } = row.trigger else { panic!("{} has no route", row.name) };
            let id: &str = $id;
            let request = http_event("GET", &row.path_of(id)).principal(ids::user(1).0, role_for(auth));
            let mut event = request.path_param("name", "order_shipped").path_param(parameter(path), id).build();
            event["requestContext"]["authorizer"]["lambda"][ports::SESSION_CLAIM] = json!(ids::event(1));
            event["rawQueryString"] =
                json!(format!("query=ada&source=greenhouse&queue=stock-reserve&order_id={}", ids::order(1)));
            let (answer, trips) = measured(fixture, row, event, async |$call| $handled.await).await;
            assert!(matches!(answer["statusCode"].as_u64(), Some(200 | 404)), "{}: {answer}", row.name);
            costs.insert(row.name, trips);
            answer
        }};
    }
    let (user, product) = (ids::user(1).to_string(), ids::product(1).to_string());
    let listed = read!(ORDER_LIST_USER, &user, |call| order_list_user::handle(orders, call));
    let order = first(&listed);
    read!(ORDER_LIST, "", |call| order_list::handle(orders, call));
    read!(ORDER_GET, &order, |call| order_get::handle(orders, call));
    let records = PgEventRecords::new(fixture.database.reader_through_proxy(Context::Operations, fixture.proxy.port));
    read!(ORDER_TIMELINE_GET, &order, |call| order_timeline_get::handle(&records, call));
    let queues = fixture.platform.queues();
    queues.put(catalog::STOCK_RESERVE.name, dead_letter(A));
    read!(DEAD_LETTER_LIST, "", |call| dead_letter_list::handle(&queues, &records, call));
    let log = PgOperatorActions::new(fixture.database.reader_through_proxy(Context::Operations, fixture.proxy.port));
    read!(OPERATOR_ACTION_LIST, "", |call| operator_action_list::handle(&log, call));
    read!(ORDER_STUCK_LIST, "", |call| order_stuck_list::handle(orders, call));
    read!(ORDER_NOTE_LIST, &order, |call| order_note_list::handle(orders, call));
    let payment = read!(PAYMENT_GET_ORDER, &order, |call| payment_get_order::handle(payments, call));
    let payment = body(&payment)["id"].as_str().expect("a payment").to_owned();
    read!(PAYMENT_GET, &payment, |call| payment_get::handle(payments, call));
    read!(PAYMENT_METHOD_LIST, "", |call| payment_method_list::handle(payments, call));
    read!(DISPUTE_LIST, &payment, |call| dispute_list::handle(payments, call));
    read!(MISMATCH_LIST, "", |call| mismatch_list::handle(payments, call));
    let ledger = PgLedger::new(through(Context::Payments), NoEvents);
    read!(LEDGER_GET, "", |call| ledger_get::handle(&ledger, call));
    read!(REFUND_APPROVAL_LIST, "", |call| refund_approval_list::handle(payments, call));
    read!(STOCK_GET, &product, |call| stock_get::handle(stock, call));
    read!(STOCK_MOVEMENT_LIST, &product, |call| stock_movement_list::handle(stock, call));
    read!(PRODUCT_LIST, "", |call| product_list::handle(&products, &index, call));
    read!(CLIENT_LIST, "", |call| client_list::handle(&users, call));
    read!(CATEGORY_LIST, "", |call| category_list::handle(&index, call));
    read!(PRODUCT_PRICE_LIST, &product, |call| product_price_list::handle(&index, call));
    let (jobs, files) = (PgJobs::new(through(Context::Catalogue)), fixture.platform.product_files());
    read!(PRODUCT_IMPORT_LIST, "", |call| product_import_list::handle(&jobs, call));
    read!(PRODUCT_IMPORT_GET, &product, |call| product_import_get::handle(&jobs, &files, call));
    read!(PRODUCT_EXPORT_LIST, "", |call| product_export_list::handle(&jobs, call));
    read!(PRODUCT_EXPORT_GET, &product, |call| product_export_get::handle(&jobs, &files, call));
    read!(NOTIFICATION_LIST, &order, |call| notification_list::handle(&contacts, call));
    read!(PREFERENCES_GET, &user, |call| preferences_get::handle(&contacts, call));
    let texts = fixture.platform.message_templates();
    read!(TEMPLATE_GET, "en", |call| template_get::handle(&contacts, &texts, call));
    read!(WEBHOOK_ENDPOINT_LIST, "", |call| webhook_endpoint_list::handle(&webhooks, call));
    read!(WEBHOOK_ENDPOINT_GET, &user, |call| webhook_endpoint_get::handle(&webhooks, call));
    read!(WEBHOOK_DELIVERY_LIST, &user, |call| webhook_delivery_list::handle(&webhooks, call));
    read!(INVOICE_GET, &order, |call| invoice_get::handle(&invoices, &documents, call));
    read!(INVOICE_LIST, "", |call| invoice_list::handle(&invoices, &documents, call));
    read!(CREDIT_NOTE_LIST, &order, |call| credit_note_list::handle(&invoices, &documents, call));
    read!(SESSION_LIST, &user, |call| session_list::handle(&users, call));
    read!(USER_GET, &user, |call| user_get::handle(&users, call));
    read!(USER_EXPORT, &user, |call| user_export::handle(&data, call));
    read!(USER_SEARCH, "", |call| user_search::handle(&users, call));
    let records = PgRecords::new(fixture.database.reader_through_proxy(Context::Records, fixture.proxy.port));
    let sources = PgSources::new(fixture.database.reader_through_proxy(Context::Records, fixture.proxy.port));
    let (cache, archive) = (fixture.platform.cache(), fixture.platform.records());
    read!(RECORD_GET, RECORD, |call| record_get::handle(&records, &cache, &archive, call));
    read!(RECORD_LIST, "", |call| record_list::handle(&records, &archive, call));
    read!(RECORD_ROLLUP_LIST, "greenhouse", |call| record_rollup_list::handle(&records, call));
    read!(SOURCE_LIST, "", |call| source_list::handle(&sources, call));
    read!(SOURCE_GET, "greenhouse", |call| source_get::handle(&sources, call));
    read!(ANALYTICS_SUMMARY_GET, "", |call| analytics_summary_get::handle(&windows, call));
    read!(ANOMALY_LIST, "", |call| anomaly_list::handle(&windows, call));
    read!(WINDOW_LIST, "", |call| window_list::handle(&windows, call));
    costs
}

/// The store as the role that may export.
fn personal_data(fixture: &Fixture) -> PgUsers<NoEvents> {
    PgUsers::new(fixture.database.reader_through_proxy(Context::Identity, fixture.proxy.port), NoEvents)
}

/// An admin where one may call the route, since most routes show admins what is anybody's.
fn role_for(auth: Auth) -> &'static str {
    match auth {
        Auth::Roles(roles) if !roles.contains(&catalog::role::ADMIN) => roles[0],
        _ => catalog::role::ADMIN,
    }
}

/// The last parameter of a path, which names what is read.
fn parameter(path: &str) -> &str {
    path.rsplit_once('{').and_then(|(_, rest)| rest.split_once('}')).map_or("id", |(name, _)| name)
}

/// The id of the first item of a list.
fn first(answer: &Value) -> String {
    body(answer)["items"][0]["id"].as_str().expect("an item").to_owned()
}
