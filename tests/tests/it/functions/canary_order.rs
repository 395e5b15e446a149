//! canary-order: what a run does, what it leaves, and what others do with its orders.

use super::{assert_all_samples_run, clock, confirmed, sample};
use canary_order::MAX_POLLS;
use domain::{DomainEvent, canary, message_limits::MessageLimits, order::Status};
use edge::Delivery;
use kernel::Uuid;
use ports::Storefront as _;
use serde_json::{Value, json};
use testkit::{Dependency, FaultPoint, Occurrence, Platform, build};

/// A platform where the canary is set up.
fn set_up() -> Platform {
    let (platform, account) = (Platform::new(), build::canary_account());
    platform.storefront().register(&account);
    let secret = json!({
        "email": account.email, "password": account.password,
        "product_id": account.product_id, "payment_method": account.payment_method,
    });
    platform.canary_accounts().put(&secret.to_string());
    platform
}

async fn run(platform: &Platform) -> Value {
    run_on(platform, "ok").await
}

async fn run_on(platform: &Platform, case: &str) -> Value {
    let handler = async |tick| canary_order::handle(&platform.canary_accounts(), &platform.storefront(), tick).await;
    let event = sample(catalog::CANARY_ORDER, case);
    edge::schedule::tick(catalog::CANARY_ORDER.name, event, &clock(), &handler).await.expect("a run never fails")
}

#[tokio::test]
async fn run_orders_waits_for_the_confirmation_and_cancels() {
    let cases = ["ok", "bad_not_a_schedule"];
    assert_all_samples_run(catalog::CANARY_ORDER, &cases);
    // It orders whatever its input is.
    for case in cases {
        let platform = set_up();
        assert_eq!(run_on(&platform, case).await, json!({"outcome": "passed", "cancelled_leftovers": 0}));
        assert_eq!(platform.storefront().orders(), [Status::Cancelled]);
    }
}

#[tokio::test]
async fn run_without_an_account_orders_nothing_and_is_no_failure() {
    let platform = Platform::new();
    assert_eq!(run(&platform).await["outcome"], "not_set_up");
    platform.canary_accounts().put("{}");
    assert_eq!(run(&platform).await["outcome"], "not_set_up");
    assert!(platform.storefront().orders().is_empty());
}

#[tokio::test]
async fn stuck_order_fails_the_run_and_is_cancelled() {
    let platform = set_up();
    platform.storefront().stand_still();
    assert_eq!(run(&platform).await["outcome"], "failed");
    assert_eq!(platform.storefront().orders(), [Status::Cancelled]);
    assert!(MAX_POLLS * 2 + 60 <= catalog::CANARY_ORDER.timeout_s, "two waits of a second a look, and the requests");
}

#[tokio::test]
async fn order_that_an_earlier_run_left_is_cancelled_by_the_next() {
    let platform = set_up();
    let (shop, account) = (platform.storefront(), build::canary_account());
    let token = shop.log_in(&account).await.expect("a token");
    shop.place(&token, &account, Uuid::from_u128(1)).await.expect("placed");
    assert_eq!(run(&platform).await, json!({"outcome": "passed", "cancelled_leftovers": 1}));
    assert_eq!(shop.orders(), [Status::Cancelled; 2]);
}

#[tokio::test]
async fn wrong_secret_and_an_api_that_is_down_fail_the_run() {
    let platform = set_up();
    platform.faults().fail(Dependency::Database, Occurrence::First(1), FaultPoint::Before);
    assert_eq!(run(&platform).await["outcome"], "failed");
    platform.faults().take_down(Dependency::Keys);
    assert_eq!(run(&platform).await["outcome"], "failed");
    platform.faults().restore_all();
    platform.canary_accounts().put("no JSON");
    assert_eq!(run(&platform).await["outcome"], "failed");
    assert!(platform.storefront().orders().is_empty());
}

/// The confirmation of an order that the canary placed.
fn confirmed_by_canary() -> domain::Event {
    let mut event = confirmed().1;
    let DomainEvent::OrderConfirmed(order) = &mut event.event else { panic!("{event:?}") };
    order.user_id = canary::CUSTOMER;
    event
}

fn delivery(function: &'static catalog::Function) -> Delivery<DomainEvent> {
    edge::testing::delivery(function.name, confirmed_by_canary(), &clock())
}

#[tokio::test]
async fn analytics_do_not_see_the_orders_of_the_canary() {
    let platform = Platform::new();
    let stream = platform.analytics_stream();
    assert_eq!(analytics_feed::handle(&stream, delivery(catalog::ANALYTICS_FEED)).await, Ok(()));
    assert!(stream.records().is_empty());
    let customers = edge::testing::delivery(catalog::ANALYTICS_FEED.name, confirmed().1, &clock());
    assert_eq!(analytics_feed::handle(&stream, customers).await, Ok(()));
    assert_eq!(stream.records().len(), 1);
}

#[tokio::test]
async fn orders_of_the_canary_have_no_invoice_and_no_notification() {
    let platform = Platform::new();
    let calendar = domain::invoice::Calendar::utc();
    let (invoices, documents) = (platform.invoices(), platform.documents());
    let invoice = delivery(catalog::INVOICE_ISSUE);
    let issued = invoice_issue::handle(
        &invoices,
        &documents,
        &platform.invoice_renderer(),
        (&calendar, &domain::invoice::Seller::default()),
        invoice,
    )
    .await;
    assert_eq!((issued, invoices.all().len(), documents.keys().len()), (Ok(()), 0, 0));
    // It has no contact, which of a customer's would be waited for.
    let (contacts, templates) = (platform.contacts(), platform.message_templates());
    let (email, sms, push) = (&platform.email_sender(), &platform.sms_sender(), &platform.push_sender());
    let channels = services::Channels { email, sms, push, limits: &MessageLimits::default() };
    let sent = update_send::handle(&contacts, &templates, channels, delivery(catalog::UPDATE_SEND)).await;
    assert_eq!((sent, email.sent().len(), sms.sent().len(), push.sent().len()), (Ok(()), 0, 0, 0));
}
