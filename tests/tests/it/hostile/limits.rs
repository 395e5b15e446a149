//! Customers who take goods off the market without paying, and those who test stolen cards.

use super::totals::settle_after;
use crate::functions::{USER, sample_time};
use domain::{
    order::{self, OrderLimits, Rates},
    payment::{AttemptLimit, Status, TOO_MANY_ATTEMPTS},
};
use edge::{
    Clock,
    http::{Access, Route},
    testing,
};
use kernel::Uuid;
use ports::Bus as _;
use serde_json::{Value, json};
use std::{cell::Cell, time::Duration};
use testkit::{
    Platform,
    build::{self, usd},
};

const CUSTOMER: Access = Access::Roles(&[catalog::role::CUSTOMER]);
const PLACE: Route = Route::new(catalog::ORDER_PLACE.name, CUSTOMER).idempotent();
const PAY_AGAIN: Route = Route::new(catalog::PAYMENT_PROCESS.name, CUSTOMER).idempotent();
const DECLINED_CARD: &str = "pm_card_visa_chargeDeclined";

/// A shop with one product.
struct OrderClient {
    platform: Platform,
    limits: OrderLimits,
    calls: Cell<u64>,
}

impl OrderClient {
    fn new() -> Self {
        let platform = Platform::new();
        let lamp = build::product().number(1).price(usd(1_999)).created();
        platform.products().put(&lamp);
        platform.orders().put_price(&lamp.snapshot());
        let limits = OrderLimits { unpaid_orders: 3, unpaid_units: 10, ..OrderLimits::default() };
        Self { platform, limits, calls: Cell::default() }
    }

    /// Status and code of the response to an order of `units`.
    async fn order(&self, customer: Uuid, units: i64) -> (u64, Value) {
        self.calls.set(self.calls.get() + 1);
        let body = build::place_order_json(&[(1, units)]);
        let request =
            testing::http_event("POST", "/api/v1/orders").key(&format!("key-{}", self.calls.get())).body(body);
        let request = request.principal(customer, catalog::role::CUSTOMER).build();
        let (orders, catalogue) = (self.platform.orders(), self.platform.product_snapshots());
        let clock = Clock::at(sample_time(), 5_000 + self.calls.get());
        let handler =
            async |call| order_place::handle(&orders, &catalogue, (self.limits, &Rates::default()), call).await;
        let response = edge::http::respond(&PLACE, request, &clock, &handler).await;
        let body: Value = serde_json::from_str(response["body"].as_str().unwrap_or("null")).expect("JSON");
        (response["statusCode"].as_u64().expect("a status"), body["type"].clone())
    }

    fn state(&self) -> [usize; 2] {
        [self.platform.orders().all().len(), self.platform.bus().published().len()]
    }
}

#[tokio::test]
async fn unpaid_orders_are_refused_above_the_limit_and_accepted_after_a_cancellation() {
    let shop = OrderClient::new();
    for _ in 0..3 {
        assert_eq!(shop.order(USER.0, 1).await.0, 201);
    }
    assert_eq!(shop.order(USER.0, 1).await, (409, json!("/problems/too-many-unpaid-orders")));
    assert_eq!(shop.state(), [3, 3]);
    assert_eq!(shop.order(testkit::ids::user(77).0, 1).await.0, 201, "another customer");
    let open = shop.platform.orders().all().into_iter().find(|order| order.user_id == USER).expect("an order");
    let cancelled = order::advance(&open, order::Input::CancelByCustomer.into(), sample_time());
    shop.platform.orders().put(&cancelled.expect("allowed").expect("a transition").0);
    assert_eq!(shop.order(USER.0, 1).await.0, 201);
}

#[tokio::test]
async fn orders_are_refused_while_too_many_wait_and_the_key_stays_free() {
    let mut shop = OrderClient::new();
    shop.limits.delayed_orders = 2;
    let waiting: Vec<_> = (1..=2_u8)
        .map(|number| {
            let order = build::order().id(testkit::ids::order(number.into())).owner(testkit::ids::user(number.into()));
            order.at(sample_time() - order::DELAY).placed()
        })
        .collect();
    for order in &waiting {
        shop.platform.orders().put(order);
    }
    assert_eq!(shop.order(USER.0, 1).await, (503, json!("/problems/orders-delayed")));
    assert_eq!(shop.state(), [2, 0], "nothing is stored");
    let cancelled = order::advance(&waiting[0], order::Input::CancelByCustomer.into(), sample_time());
    shop.platform.orders().put(&cancelled.expect("allowed").expect("a transition").0);
    shop.calls.set(0);
    assert_eq!(shop.order(USER.0, 1).await.0, 201, "the key is free");
}

#[tokio::test]
async fn units_of_unpaid_orders_are_refused_above_the_limit() {
    let shop = OrderClient::new();
    assert_eq!(shop.order(USER.0, 11).await, (409, json!("/problems/too-many-unpaid-units")));
    assert_eq!(shop.order(USER.0, 8).await.0, 201);
    assert_eq!(shop.order(USER.0, 3).await, (409, json!("/problems/too-many-unpaid-units")));
    assert_eq!(shop.order(USER.0, 2).await.0, 201);
    assert_eq!(shop.state(), [2, 2]);
}

#[tokio::test]
async fn parallel_orders_do_not_exceed_the_limit() {
    let shop = OrderClient::new();
    shop.platform.faults().interleave();
    let answers = futures_util::future::join_all((0..8).map(|_| shop.order(USER.0, 1))).await;
    assert_eq!(answers.iter().filter(|(status, _)| *status == 201).count(), 3, "{answers:?}");
    assert_eq!(shop.state(), [3, 3]);
}

/// Places `count` orders that are paid with a card which the gateway declines.
async fn declined_orders(platform: &Platform, numbers: std::ops::Range<u64>) {
    for n in numbers {
        let order = build::order().number(n).owner(USER).method(DECLINED_CARD).at(sample_time());
        let placed = order.placed();
        platform.orders().put(&placed);
        placed.lines.iter().for_each(|line| platform.stock().put(line.product_id, 10));
        let event = build::event(100 + n, order.order_placed());
        settle_after(platform, async || drop(platform.bus().publish(&[event]).await.expect("published"))).await;
    }
}

#[tokio::test]
async fn card_tester_who_places_orders_is_declined_without_the_gateway_above_the_limit() {
    let (platform, limit) = (Platform::new(), u64::from(AttemptLimit::default().failed));
    declined_orders(&platform, 1..limit + 4).await;
    assert_eq!(platform.gateway().request_count(), limit, "the gateway saw no card above the limit");
    let payments = platform.payments().all();
    let refused = payments.iter().filter(|payment| payment.decline_code.as_deref() == Some(TOO_MANY_ATTEMPTS));
    let refused: Vec<_> = refused.map(|payment| (payment.status, payment.attempts)).collect();
    assert_eq!(refused, [(Status::Failed, 0); 3]);
    let is_declined = |order: &order::Order| order.reason == Some(order::Reason::PaymentDeclined);
    assert!(platform.orders().all().iter().all(is_declined), "the customer may pay later");
}

/// The response to paying order `number` again, `seconds` after it was placed.
async fn pay_again(platform: &Platform, number: u64, seconds: u64) -> Value {
    let body = json!({ "order_id": testkit::ids::order(number), "payment_method": "pm_card_visa" });
    let request = testing::http_event("POST", "/api/v1/payments/process").key(&format!("again-{number}")).body(body);
    let request = request.principal(USER.0, catalog::role::CUSTOMER).build();
    let (payments, clock) = (platform.payments(), Clock::at(sample_time() + Duration::from_secs(seconds), 6_000));
    let handler = async |call| payment_process::handle(&payments, AttemptLimit::default(), call).await;
    edge::http::respond(&PAY_AGAIN, request, &clock, &handler).await
}

#[tokio::test]
async fn further_attempt_above_the_limit_is_429_with_retry_after_and_accepted_after_it() {
    let (platform, limit) = (Platform::new(), u64::from(AttemptLimit::default().failed));
    declined_orders(&platform, 1..limit + 1).await;
    let before = platform.payments().all();
    let response = pay_again(&platform, 1, 600).await;
    assert_eq!(
        (&response["statusCode"], &response["headers"]["retry-after"]),
        (&json!(429), &json!("3000")),
        "{response}"
    );
    assert!(response["body"].as_str().expect("a body").contains("/problems/too-many-payment-attempts"), "{response}");
    assert_eq!(platform.payments().all(), before, "nothing is written");
    settle_after(&platform, async || {
        let response = pay_again(&platform, 1, 3_600).await;
        assert_eq!(response["statusCode"], 202, "the same request, under the same key: {response}");
    })
    .await;
    let paid = platform.payments().for_order(testkit::ids::order(1)).expect("a payment");
    assert_eq!((paid.status, paid.attempts), (Status::Succeeded, 2));
}
