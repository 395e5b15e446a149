//! Orders whose total is below what the gateway charges, or nothing at all.

use crate::functions::{USER, sample_time};
use domain::{
    invoice::{Calendar, Seller},
    order::{self, OrderLimits, Rates, ShortfallPolicy},
    payment::Status,
};
use edge::{
    Clock,
    http::{Access, Route},
    testing,
};
use ports::Bus;
use std::sync::atomic::{AtomicU64, Ordering};
use testkit::{
    Platform,
    build::{self, OrderBuilder},
    deliver::Dispatcher,
};

/// Ids of one step are those of no other.
static SEED: AtomicU64 = AtomicU64::new(1_000);

/// Runs `step`, and then delivers every event that follows from it, as far as it concerns the saga.
pub(super) async fn settle_after(platform: &Platform, step: impl AsyncFnOnce()) {
    settle(platform, false, step).await;
}

/// The same, and refunds are made and get their credit notes.
pub(super) async fn settle_refunds_after(platform: &Platform, step: impl AsyncFnOnce()) {
    settle(platform, true, step).await;
}

async fn settle(platform: &Platform, makes_refunds: bool, step: impl AsyncFnOnce()) {
    let clock = Clock::at(sample_time(), SEED.fetch_add(1, Ordering::Relaxed));
    let deliver = |consumer: &'static catalog::Function, event| testing::delivery(consumer.name, event, &clock);
    let mut dispatcher = Dispatcher::new(platform)
        .subscribe(catalog::STOCK_RESERVE, async |event| {
            stock_reserve::handle(&platform.stock(), deliver(catalog::STOCK_RESERVE, event)).await
        })
        .subscribe(catalog::STOCK_RELEASE, async |event| {
            stock_release::handle(&platform.stock(), deliver(catalog::STOCK_RELEASE, event)).await
        })
        .subscribe(catalog::PAYMENT_CHARGE, async |event| {
            let delivery = deliver(catalog::PAYMENT_CHARGE, event);
            let (gateway, breaker) = (platform.gateway(), platform.circuit_breaker());
            payment_charge::handle(
                &platform.payments(),
                &gateway,
                &breaker,
                domain::payment::AttemptLimit::default(),
                delivery,
            )
            .await
        })
        .subscribe(catalog::PAYMENT_CLOSE, async |event| {
            payment_close::handle(&platform.payments(), deliver(catalog::PAYMENT_CLOSE, event)).await
        })
        .subscribe(catalog::STOCK_ALLOCATE, async |event| {
            stock_allocate::handle(&platform.stock(), deliver(catalog::STOCK_ALLOCATE, event)).await
        })
        .subscribe(catalog::ORDER_ADVANCE, async |event| {
            let delivery = deliver(catalog::ORDER_ADVANCE, event);
            order_advance::handle(&platform.orders(), ShortfallPolicy::Refund, delivery).await
        })
        .subscribe(catalog::INVOICE_ISSUE, async |event| {
            let (documents, renderer) = (platform.documents(), platform.invoice_renderer());
            let delivery = deliver(catalog::INVOICE_ISSUE, event);
            invoice_issue::handle(
                &platform.invoices(),
                &documents,
                &renderer,
                (&Calendar::utc(), &Seller::default()),
                delivery,
            )
            .await
        });
    if makes_refunds {
        dispatcher = with_refunds(dispatcher, platform, &clock);
    }
    step().await;
    let report = dispatcher.run_until_idle().await;
    assert_eq!(report.failed, [], "{:?}", report.delivered);
}

fn with_refunds<'a>(dispatcher: Dispatcher<'a>, platform: &'a Platform, clock: &'a Clock) -> Dispatcher<'a> {
    dispatcher
        .subscribe(catalog::PAYMENT_REFUND, async move |event| {
            let delivery = testing::delivery(catalog::PAYMENT_REFUND.name, event, clock);
            let (payments, gateway) = (platform.payments(), platform.gateway());
            payment_refund::handle(&payments, &gateway, &platform.circuit_breaker(), delivery).await
        })
        .subscribe(catalog::CREDIT_NOTE_ISSUE, async move |event| {
            let delivery = testing::delivery(catalog::CREDIT_NOTE_ISSUE.name, event, clock);
            let (invoices, documents) = (platform.invoices(), platform.documents());
            credit_note_issue::handle(&invoices, &documents, &platform.invoice_renderer(), &Calendar::utc(), delivery)
                .await
        })
}

/// Places an order, and delivers every event that follows from it. Its products have ten units each.
pub(super) async fn place(platform: &Platform, order: &OrderBuilder) {
    let placed = order.placed();
    platform.orders().put(&placed);
    placed.lines.iter().for_each(|line| platform.stock().put(line.product_id, 10));
    let event = build::event(1, order.order_placed());
    settle_after(platform, async || drop(Bus::publish(&platform.bus(), &[event]).await.expect("published"))).await;
}

#[tokio::test]
async fn order_that_costs_nothing_is_confirmed_without_a_charge_and_invoiced() {
    let platform = Platform::new();
    let builder = build::order().line_of(testkit::ids::product(1), 2, build::usd(0));
    place(&platform, &builder).await;
    let order = &platform.orders().all()[0];
    assert_eq!((order.status, order.total), (order::Status::Processing, build::usd(0)), "{:?}", order.history);
    let payment = platform.payments().for_order(order.id).expect("a payment");
    assert_eq!((payment.status, payment.transaction_id), (Status::NoPaymentRequired, None));
    assert_eq!((platform.gateway().request_count(), platform.ledger().transfers().len()), (0, 0));
    assert_eq!(platform.invoices().all().len(), 1);
}

#[tokio::test]
async fn total_below_the_minimum_of_its_currency_is_rejected_with_that_minimum() {
    const PLACE: Route = Route::new(catalog::ORDER_PLACE.name, Access::Roles(&[catalog::role::CUSTOMER])).idempotent();
    for (minor, currency, status, minimum) in [
        (50, "MXN", 422, "10.00 MXN"),
        (50, "CZK", 422, "15.00 CZK"),
        (50, "HKD", 422, "4.00 HKD"),
        (50, "DKK", 422, "2.50 DKK"),
        (29, "GBP", 422, "0.30 GBP"),
        (30, "GBP", 201, ""),
        (49, "JPY", 422, "50 JPY"),
        (50, "USD", 201, ""),
        (0, "USD", 201, ""),
    ] {
        let platform = Platform::new();
        let price = domain::Money::new(minor, currency).expect("valid");
        platform.products().put(&build::product().number(1).price(price).stock(5).created());
        let body = build::place_order_json(&[(1, 1)]);
        let request = testing::http_event("POST", "/api/v1/orders").key("k").body(body);
        let request = request.principal(USER.0, catalog::role::CUSTOMER).build();
        let (orders, offers, clock) = (platform.orders(), platform.product_snapshots(), Clock::at(sample_time(), 7));
        let handler =
            async |call| order_place::handle(&orders, &offers, (OrderLimits::default(), &Rates::default()), call).await;
        let response = edge::http::respond(&PLACE, request, &clock, &handler).await;
        assert_eq!(response["statusCode"], status, "{minor} {currency}: {response}");
        let stored = usize::from(status == 201);
        assert_eq!((orders.all().len(), platform.bus().published().len()), (stored, stored), "{minor} {currency}");
        assert!(response["body"].as_str().expect("a body").contains(minimum), "{minor} {currency}: {response}");
    }
}
