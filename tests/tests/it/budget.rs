//! What each function of the saga may spend on the database: round trips, counted on the proxy between its stores and PostgreSQL.
//!
//! A round trip is a wait for the server, however many statements travel together. In a network it is what a command costs, and one
//! is added easily: a new read, a statement that is prepared, a transaction around two. Whoever means to adds it here.

use adapters::{Wiring, config::Config};
use adapters_postgres::{PgOrders, PgPayments, PgStock};
use adapters_testkit::postgres::{database_url, fresh_database};
use adapters_testkit::proxy::CountingProxy;
use catalog::{Context, Function};
use domain::{Event, event::ProductCreated, order::ShortfallPolicy};
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

/// What, the round trips until it is committed, and those with telling the outbox that the bus took what is told. A step of an order or
/// a payment begins with a read, for what becomes of it is decided here and not in SQL; its commit is the second.
const BUDGET: [(&str, u64, u64); 22] = [
    ("order-place", 1, 2),
    ("order-place, the same request again", 1, 1),
    ("stock-reserve", 1, 2),
    ("stock-reserve, the same event again", 1, 1),
    ("order-advance, its stock is held", 2, 2),
    ("payment-charge", 2, 3),
    ("payment-charge, the same event again", 1, 1),
    ("stock-allocate", 1, 2),
    ("order-advance, its stock is kept", 2, 3),
    ("order-status-update, shipped", 2, 3),
    ("stock-ship", 1, 2),
    ("refund-request", 2, 3),
    ("payment-refund", 2, 3),
    ("order-place, of another", 1, 2),
    ("stock-reserve, of another", 1, 2),
    ("payment-charge, declined", 2, 3),
    ("order-advance, its payment is declined", 2, 3),
    ("payment-process", 2, 3),
    ("payment-webhook", 2, 3),
    ("order-cancel", 2, 3),
    ("stock-release", 1, 2),
    ("payment-close", 2, 3),
];

#[tokio::test]
async fn no_function_makes_more_round_trips_than_its_budget() {
    let (alone, marked) = (saga(false).await, saga(true).await);
    let spent: Vec<_> = alone.iter().zip(marked).map(|((what, alone), (_, marked))| (*what, *alone, marked)).collect();
    assert_eq!(spent, BUDGET);
}

/// A bus that hears everything, and takes it or not.
#[derive(Debug, Clone)]
struct Hearing {
    takes: bool,
    heard: Arc<Mutex<Vec<Event>>>,
}

impl Bus for Hearing {
    async fn publish(&self, events: &[Event]) -> Result<Vec<bool>, Failure> {
        self.heard.lock().unwrap().extend(events.iter().cloned());
        Ok(vec![self.takes; events.len()])
    }
}

/// The real stores, each over a connection that is counted; all else in memory.
struct Fixture {
    platform: Platform,
    clock: Clock,
    proxy: CountingProxy,
    bus: Hearing,
    orders: PgOrders<Hearing>,
    stock: PgStock<Hearing>,
    payments: PgPayments<Hearing>,
    spent: Vec<(&'static str, u64)>,
}

impl Fixture {
    /// What was told last.
    fn told(&self) -> Event {
        self.bus.heard.lock().unwrap().last().expect("something was told").clone()
    }

    /// A function hears of an event.
    async fn hears(&mut self, what: &'static str, event: &Event) {
        let (platform, before) = (&self.platform, self.proxy.traffic.round_trips());
        let delivery = delivery(function(what), event.clone(), &self.clock);
        let (gateway, breaker) = (platform.gateway(), platform.circuit_breaker());
        let done = match function(what) {
            "order-advance" => order_advance::handle(&self.orders, ShortfallPolicy::Refund, delivery).await,
            "stock-reserve" => stock_reserve::handle(&self.stock, delivery).await,
            "stock-allocate" => stock_allocate::handle(&self.stock, delivery).await,
            "stock-ship" => stock_ship::handle(&self.stock, delivery).await,
            "stock-release" => stock_release::handle(&self.stock, delivery).await,
            "payment-charge" => payment_charge::handle(&self.payments, &gateway, &breaker, delivery).await,
            "payment-refund" => payment_refund::handle(&self.payments, &gateway, &breaker, delivery).await,
            "payment-close" => payment_close::handle(&self.payments, delivery).await,
            other => panic!("{other} hears nothing here"),
        };
        done.unwrap_or_else(|failure| panic!("{what}: {failure}"));
        self.spent.push((what, self.proxy.traffic.round_trips() - before));
    }

    /// Somebody asks a function.
    async fn asked(&mut self, what: &'static str, row: &'static Function, request: HttpEvent) -> Value {
        let before = self.proxy.traffic.round_trips();
        let route = Wiring::new(row, Config::from_vars([])).route().expect("a route");
        let (clock, request, offers) = (&self.clock, request.build(), self.platform.product_snapshots());
        let (orders, payments, mail) = (&self.orders, &self.payments, self.platform.webhook_verifier());
        let answer = match function(what) {
            "order-place" => {
                let handler = async |call| order_place::handle(orders, &offers, call).await;
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
                let handler = async |call| payment_process::handle(payments, call).await;
                edge::http::respond(&route, request, clock, &handler).await
            }
            "refund-request" => {
                let handler = async |call| refund_request::handle(payments, call).await;
                edge::http::respond(&route, request, clock, &handler).await
            }
            "payment-webhook" => {
                let handler = async |call| payment_webhook::handle(payments, &mail, call).await;
                edge::http::respond(&route, request, clock, &handler).await
            }
            other => panic!("nobody asks {other} here"),
        };
        assert!(answer["statusCode"].as_u64().is_some_and(|status| status < 300), "{what}: {answer}");
        self.spent.push((what, self.proxy.traffic.round_trips() - before));
        serde_json::from_str(answer["body"].as_str().unwrap_or_default()).unwrap_or_default()
    }
}

/// The function that a line of the budget is about.
fn function(what: &str) -> &str {
    what.split(',').next().unwrap_or_default()
}

fn request(row: &Function, role: &str) -> HttpEvent {
    http_event("POST", &row.path_of("1")).principal(ids::user(1).0, role)
}

/// One order that is paid, shipped and given back, and one whose card is declined, that is paid again, and cancelled.
async fn saga(takes: bool) -> Vec<(&'static str, u64)> {
    let database = fresh_database(&database_url()).await;
    let proxy = CountingProxy::start(database.server().1, Duration::ZERO).expect("a port");
    let bus = Hearing { takes, heard: Arc::default() };
    let through = |context| database.through_proxy(context, proxy.port);
    let mut shop = Fixture {
        orders: PgOrders::new(through(Context::Orders), bus.clone()),
        stock: PgStock::new(through(Context::Inventory), bus.clone()),
        payments: PgPayments::new(through(Context::Payments), bus.clone()),
        platform: Platform::new(),
        clock: Clock::at(Timestamp::now(), 7),
        proxy,
        bus,
        spent: Vec::new(),
    };
    let product = build::product().number(1).stock(10);
    shop.platform.products().put(&product.created());
    let created: ProductCreated = product.event();
    let opened = build::event(1, domain::event::StockOpened { levels: vec![] });
    shop.stock.open(testkit::a_claim("budget", 1), &created, &opened).await.expect("opened");
    paid_and_shipped(&mut shop).await;
    declined_and_cancelled(&mut shop).await;
    shop.spent
}

async fn paid_and_shipped(shop: &mut Fixture) {
    let place =
        request(catalog::ORDER_PLACE, catalog::role::CUSTOMER).key("first").body(build::place_order_json(&[(1, 2)]));
    let order = shop.asked("order-place", catalog::ORDER_PLACE, place.clone()).await["id"].clone();
    let placed = shop.told();
    shop.asked("order-place, the same request again", catalog::ORDER_PLACE, place).await;
    shop.hears("stock-reserve", &placed).await;
    let reserved = shop.told();
    shop.hears("stock-reserve, the same event again", &placed).await;
    shop.hears("order-advance, its stock is held", &reserved).await;
    shop.hears("payment-charge", &reserved).await;
    let paid = shop.told();
    shop.hears("payment-charge, the same event again", &reserved).await;
    shop.hears("stock-allocate", &paid).await;
    let kept = shop.told();
    shop.hears("order-advance, its stock is kept", &kept).await;
    let ship = request(catalog::ORDER_STATUS_UPDATE, catalog::role::ADMIN).path_param("id", text(&order)).if_match(3);
    let ship = ship.body(json!({ "status": "shipped" }));
    shop.asked("order-status-update, shipped", catalog::ORDER_STATUS_UPDATE, ship).await;
    let shipped = shop.told();
    shop.hears("stock-ship", &shipped).await;
    let refund = request(catalog::REFUND_REQUEST, catalog::role::ADMIN).key("refund");
    let refund = refund.body(json!({ "payment_id": payment(&paid), "reason": "requested_by_customer" }));
    shop.asked("refund-request", catalog::REFUND_REQUEST, refund).await;
    let asked = shop.told();
    shop.hears("payment-refund", &asked).await;
}

async fn declined_and_cancelled(shop: &mut Fixture) {
    let mut body = build::place_order_json(&[(1, 2)]);
    body["payment_method"] = "pm_card_visa_chargeDeclined".into();
    let place = request(catalog::ORDER_PLACE, catalog::role::CUSTOMER).key("second").body(body);
    let order = shop.asked("order-place, of another", catalog::ORDER_PLACE, place).await["id"].clone();
    let placed = shop.told();
    shop.hears("stock-reserve, of another", &placed).await;
    let reserved = shop.told();
    shop.hears("payment-charge, declined", &reserved).await;
    let declined = shop.told();
    shop.hears("order-advance, its payment is declined", &declined).await;
    let again = request(catalog::PAYMENT_PROCESS, catalog::role::CUSTOMER).key("again");
    let again = again.body(json!({ "order_id": order, "payment_method": "pm_card_visa" }));
    shop.asked("payment-process", catalog::PAYMENT_PROCESS, again).await;
    let news = json!({
        "id": ids::event(9), "payment_id": payment(&declined), "attempt": 2, "charged": "pi_000002"
    });
    let news = http_event("POST", &catalog::PAYMENT_WEBHOOK.path_of(""))
        .header("stripe-signature", WebhookVerifier::VALID_SIGNATURE)
        .body(news);
    shop.asked("payment-webhook", catalog::PAYMENT_WEBHOOK, news).await;
    let cancel = request(catalog::ORDER_CANCEL, catalog::role::CUSTOMER).path_param("id", text(&order));
    shop.asked("order-cancel", catalog::ORDER_CANCEL, cancel).await;
    let cancelled = shop.told();
    shop.hears("stock-release", &cancelled).await;
    shop.hears("payment-close", &cancelled).await;
}

/// The payment that an event tells of.
fn payment(event: &Event) -> Value {
    serde_json::to_value(event).expect("an event in JSON")["data"]["payment_id"].clone()
}

fn text(id: &Value) -> &str {
    id.as_str().expect("an id")
}
