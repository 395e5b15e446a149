//! The budget of each function of the saga in round trips to PostgreSQL, counted by a proxy between its stores and the server, and in
//! calls of another context.
//!
//! A round trip is one wait for the server, however many statements are sent together. Latency makes it the cost of a command, and
//! one is added easily: by a new read, by preparing a statement, by a transaction around two statements.

mod measured;
mod reads;
mod writes;

use adapters::{Wiring, config::Config};
use adapters_postgres::{PgOrders, PgPayments, PgStock};
use adapters_testkit::postgres::{TestDatabase, database_url, fresh_database};
use adapters_testkit::proxy::CountingProxy;
use catalog::{Context, Function};
use domain::{
    Event,
    event::ProductCreated,
    order::{OrderLimits, Rates, ShortfallPolicy},
    product::Product,
};
use edge::{
    Clock,
    testing::{HttpEvent, delivery, http_event},
};
use kernel::{Failure, Timestamp};
use ports::{Bus, StockStore as _};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use testkit::{Platform, WebhookVerifier, build, ids};

/// The step, its round trips if the bus rejects its event, and if the bus accepts it and the outbox marks it as published. A transition
/// of an order or a payment costs two: it is read, decided by the domain, and written. The last figure is the calls of another context.
///
/// A process that has seen the price of every product of an order places it in one round trip. Otherwise it reads the prices first.
const BUDGET: [(&str, u64, u64, usize); 25] = [
    ("order-place, price unknown to the copy", 2, 3, 1),
    ("product-price-track", 1, 1, 0),
    ("order-place, price not remembered", 2, 3, 0),
    ("order-place", 1, 2, 0),
    ("order-place, repeated", 1, 1, 0),
    ("stock-reserve", 1, 2, 0),
    ("stock-reserve, redelivered", 1, 1, 0),
    ("order-advance, stock reserved", 2, 2, 0),
    ("payment-charge", 2, 3, 0),
    ("payment-charge, redelivered", 1, 1, 0),
    ("stock-allocate", 1, 2, 0),
    ("order-advance, stock allocated", 2, 3, 0),
    ("order-status-update, shipped", 2, 3, 0),
    ("stock-ship", 1, 2, 0),
    ("refund-request", 2, 3, 0),
    ("payment-refund", 2, 3, 0),
    ("order-place, second order", 1, 2, 0),
    ("stock-reserve, second order", 1, 2, 0),
    ("payment-charge, declined", 2, 3, 0),
    ("order-advance, declined", 2, 3, 0),
    ("payment-process", 3, 4, 0),
    ("payment-webhook", 2, 3, 0),
    ("order-cancel", 2, 3, 0),
    ("stock-release", 1, 2, 0),
    ("payment-close", 2, 3, 0),
];

#[tokio::test]
async fn every_function_stays_within_its_round_trip_budget() {
    let (rejected, accepted) = (saga(false).await.costs, saga(true).await.costs);
    let costs: Vec<_> = rejected
        .iter()
        .zip(accepted)
        .map(|((step, without, calls), (_, with, _))| (*step, *without, with, *calls))
        .collect();
    assert_eq!(costs, BUDGET);
}

/// A bus that records events, and accepts all or none.
#[derive(Debug, Clone)]
struct RecordingBus {
    accepts: bool,
    published: Arc<Mutex<Vec<Event>>>,
}

impl Bus for RecordingBus {
    async fn publish(&self, events: &[Event]) -> Result<Vec<bool>, Failure> {
        self.published.lock().unwrap().extend(events.iter().cloned());
        Ok(vec![self.accepts; events.len()])
    }
}

/// The real stores over the counting proxy; everything else is in memory.
struct Fixture {
    platform: Platform,
    clock: Clock,
    proxy: CountingProxy,
    bus: RecordingBus,
    database: TestDatabase,
    orders: PgOrders<RecordingBus>,
    stock: PgStock<RecordingBus>,
    payments: PgPayments<RecordingBus>,
    costs: Vec<(&'static str, u64, usize)>,
}

impl Fixture {
    fn last_event(&self) -> Event {
        self.bus.published.lock().unwrap().last().expect("an event").clone()
    }

    /// Delivers an event to the function that `step` names.
    async fn deliver(&mut self, step: &'static str, event: &Event) {
        let (platform, before) = (&self.platform, self.proxy.traffic.round_trips());
        let delivery = delivery(function(step), event.clone(), &self.clock);
        let (gateway, breaker) = (platform.gateway(), platform.circuit_breaker());
        let done = match function(step) {
            "order-advance" => order_advance::handle(&self.orders, ShortfallPolicy::Refund, delivery).await,
            "stock-reserve" => stock_reserve::handle(&self.stock, delivery).await,
            "stock-allocate" => stock_allocate::handle(&self.stock, delivery).await,
            "stock-ship" => stock_ship::handle(&self.stock, delivery).await,
            "stock-release" => stock_release::handle(&self.stock, delivery).await,
            "payment-charge" => {
                payment_charge::handle(
                    &self.payments,
                    &gateway,
                    &breaker,
                    domain::payment::AttemptLimit::default(),
                    delivery,
                )
                .await
            }
            "payment-refund" => payment_refund::handle(&self.payments, &gateway, &breaker, delivery).await,
            "payment-close" => payment_close::handle(&self.payments, delivery).await,
            "product-price-track" => product_price_track::handle(&self.orders, delivery).await,
            other => panic!("{other} consumes no event here"),
        };
        done.unwrap_or_else(|failure| panic!("{step}: {failure}"));
        self.costs.push((step, self.proxy.traffic.round_trips() - before, 0));
    }

    /// Sends a request to the function that `step` names.
    async fn call(&mut self, step: &'static str, row: &'static Function, request: HttpEvent) -> Value {
        let (before, calls_before) =
            (self.proxy.traffic.round_trips(), self.platform.product_snapshots().request_count());
        let route = Wiring::new(row, Config::from_vars([])).route().expect("a route");
        let (clock, request, offers) = (&self.clock, request.build(), self.platform.product_snapshots());
        let (orders, payments, mail) = (&self.orders, &self.payments, self.platform.webhook_verifier());
        let gateway = self.platform.gateway();
        let response = match function(step) {
            "order-place" => {
                let handler = async |call| {
                    order_place::handle(orders, &offers, (OrderLimits::default(), &Rates::default()), call).await
                };
                edge::http::respond(&route, request, clock, &handler).await
            }
            "order-cancel" => {
                let handler = async |call| order_cancel::handle(orders, call).await;
                edge::http::respond(&route, request, clock, &handler).await
            }
            "order-status-update" => {
                let handler = async |call| order_status_update::handle(orders, call).await;
                edge::http::respond(&route, request, clock, &handler).await
            }
            "payment-process" => {
                let handler = async |call| {
                    payment_process::handle(payments, domain::payment::AttemptLimit::default(), call).await
                };
                edge::http::respond(&route, request, clock, &handler).await
            }
            "refund-request" => {
                let handler =
                    async |call| refund_request::handle(payments, domain::payment::RefundLimit::default(), call).await;
                edge::http::respond(&route, request, clock, &handler).await
            }
            "payment-webhook" => {
                let handler = async |call| payment_webhook::handle(payments, &mail, &gateway, call).await;
                edge::http::respond(&route, request, clock, &handler).await
            }
            other => panic!("{other} gets no request here"),
        };
        assert!(response["statusCode"].as_u64().is_some_and(|status| status < 300), "{step}: {response}");
        let calls = self.platform.product_snapshots().request_count() - calls_before;
        self.costs.push((step, self.proxy.traffic.round_trips() - before, calls));
        serde_json::from_str(response["body"].as_str().unwrap_or_default()).unwrap_or_default()
    }
}

/// The function in a step of the budget.
fn function(step: &str) -> &str {
    step.split(',').next().unwrap_or_default()
}

fn http_request(row: &Function, role: &str) -> HttpEvent {
    http_event("POST", &row.path_of("1")).principal(ids::user(1).0, role)
}

/// One order is paid, shipped and refunded; a second is declined, paid again and cancelled.
async fn saga(accepts: bool) -> Fixture {
    let database = fresh_database(&database_url()).await;
    let proxy = CountingProxy::start(database.server().1, Duration::ZERO).expect("a port");
    let bus = RecordingBus { accepts, published: Arc::default() };
    let through = |context| database.through_proxy(context, proxy.port);
    let mut fixture = Fixture {
        orders: PgOrders::new(through(Context::Orders), bus.clone()),
        stock: PgStock::new(through(Context::Inventory), bus.clone()),
        payments: PgPayments::new(through(Context::Payments), bus.clone()),
        platform: Platform::new(),
        clock: Clock::at(Timestamp::now(), 7),
        proxy,
        bus,
        database,
        costs: Vec::new(),
    };
    let product = build::product().number(1).stock(10);
    for number in 1..=3 {
        fixture.platform.products().put(&build::product().number(number).created());
    }
    let created: ProductCreated = product.event();
    let opened = build::event(1, domain::event::StockOpened { levels: vec![] });
    fixture.stock.open(testkit::a_claim("budget", 1), &created, &opened).await.expect("opened");
    priced(&mut fixture, &product.created()).await;
    paid_and_shipped(&mut fixture).await;
    declined_and_cancelled(&mut fixture).await;
    fixture
}

/// Orders of products that the copy lacks, and of one that it has and the process has not seen.
async fn priced(fixture: &mut Fixture, product: &Product) {
    let place = |key: &str, items: &[(u64, i64)]| {
        let request = http_request(catalog::ORDER_PLACE, catalog::role::CUSTOMER).key(key);
        request.body(build::place_order_json(items))
    };
    let unknown = place("unknown", &[(2, 1), (3, 1)]);
    fixture.call("order-place, price unknown to the copy", catalog::ORDER_PLACE, unknown).await;
    fixture.deliver("product-price-track", &build::event(2, product.created())).await;
    let first = place("not-remembered", &[(1, 1)]);
    fixture.call("order-place, price not remembered", catalog::ORDER_PLACE, first).await;
}

async fn paid_and_shipped(fixture: &mut Fixture) {
    let place = http_request(catalog::ORDER_PLACE, catalog::role::CUSTOMER)
        .key("first")
        .body(build::place_order_json(&[(1, 2)]));
    let order = fixture.call("order-place", catalog::ORDER_PLACE, place.clone()).await["id"].clone();
    let placed = fixture.last_event();
    fixture.call("order-place, repeated", catalog::ORDER_PLACE, place).await;
    fixture.deliver("stock-reserve", &placed).await;
    let reserved = fixture.last_event();
    fixture.deliver("stock-reserve, redelivered", &placed).await;
    fixture.deliver("order-advance, stock reserved", &reserved).await;
    fixture.deliver("payment-charge", &reserved).await;
    let paid = fixture.last_event();
    fixture.deliver("payment-charge, redelivered", &reserved).await;
    fixture.deliver("stock-allocate", &paid).await;
    let allocated = fixture.last_event();
    fixture.deliver("order-advance, stock allocated", &allocated).await;
    let ship =
        http_request(catalog::ORDER_STATUS_UPDATE, catalog::role::ADMIN).path_param("id", text(&order)).if_match(3);
    let ship = ship.body(json!({ "status": "shipped" }));
    fixture.call("order-status-update, shipped", catalog::ORDER_STATUS_UPDATE, ship).await;
    let shipped = fixture.last_event();
    fixture.deliver("stock-ship", &shipped).await;
    let refund = http_request(catalog::REFUND_REQUEST, catalog::role::ADMIN).key("refund");
    let refund = refund.body(json!({ "payment_id": payment(&paid), "reason": "requested_by_customer" }));
    fixture.call("refund-request", catalog::REFUND_REQUEST, refund).await;
    let requested = fixture.last_event();
    fixture.deliver("payment-refund", &requested).await;
}

async fn declined_and_cancelled(fixture: &mut Fixture) {
    let mut body = build::place_order_json(&[(1, 2)]);
    body["payment_method"] = "pm_card_visa_chargeDeclined".into();
    let place = http_request(catalog::ORDER_PLACE, catalog::role::CUSTOMER).key("second").body(body);
    let order = fixture.call("order-place, second order", catalog::ORDER_PLACE, place).await["id"].clone();
    let placed = fixture.last_event();
    fixture.deliver("stock-reserve, second order", &placed).await;
    let reserved = fixture.last_event();
    fixture.deliver("payment-charge, declined", &reserved).await;
    let declined = fixture.last_event();
    fixture.deliver("order-advance, declined", &declined).await;
    let again = http_request(catalog::PAYMENT_PROCESS, catalog::role::CUSTOMER).key("again");
    let again = again.body(json!({ "order_id": order, "payment_method": "pm_card_visa" }));
    fixture.call("payment-process", catalog::PAYMENT_PROCESS, again).await;
    let webhook = json!({
        "id": ids::event(9), "payment_id": payment(&declined), "attempt": 2, "charged": "pi_000002",
        "stated": serde_json::to_value(&declined).expect("an event in JSON")["data"]["amount"],
    });
    let webhook = http_event("POST", &catalog::PAYMENT_WEBHOOK.path_of(""))
        .header("stripe-signature", WebhookVerifier::VALID_SIGNATURE)
        .body(webhook);
    fixture.call("payment-webhook", catalog::PAYMENT_WEBHOOK, webhook).await;
    let cancel = http_request(catalog::ORDER_CANCEL, catalog::role::CUSTOMER).path_param("id", text(&order));
    fixture.call("order-cancel", catalog::ORDER_CANCEL, cancel).await;
    let cancelled = fixture.last_event();
    fixture.deliver("stock-release", &cancelled).await;
    fixture.deliver("payment-close", &cancelled).await;
}

fn payment(event: &Event) -> Value {
    serde_json::to_value(event).expect("an event in JSON")["data"]["payment_id"].clone()
}

fn text(id: &Value) -> &str {
    id.as_str().expect("an id")
}
