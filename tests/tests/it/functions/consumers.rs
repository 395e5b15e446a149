//! Consumers: each sample event is delivered twice, since every message may be redelivered.

use super::{
    ORDER, PAYMENT, PRODUCT, USER, assert_all_samples_run, clock, lantern, placed, sample, sample_time, seeded_platform,
};
use crate::hostile::newer_events::extend;
use catalog::Function;
use domain::{
    invoice::{Calendar, Seller},
    order::{Reason, ShortfallPolicy, Status},
    verification::ContactKind,
};
use edge::{Clock, Consumer, Delivery};
use kernel::Failure;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Dependency, Platform, build};

/// Delivers every sample event twice, and once more as a newer writer publishes it, with members that nobody knows yet. Samples named `ok…`
/// produce no dead letter, samples named `bad…` one per delivery; none
/// reports a batch item failure.
pub(super) async fn deliver<E, F>(function: &'static Function, cases: &[&str], platform: &Platform, handler: F)
where
    E: DeserializeOwned,
    F: AsyncFn(Delivery<E>) -> Result<(), Failure>,
{
    assert_all_samples_run(function, cases);
    for case in cases {
        redeliver(function, case, platform, &handler).await;
    }
    let dead_letters = platform.dead_letters();
    assert!(dead_letters.messages().iter().all(|one| one.function == function.name && !one.reason.is_empty()));
}

/// Delivers a sample event twice, and once more as a newer writer publishes it.
pub(super) async fn redeliver<E, F>(function: &'static Function, case: &str, platform: &Platform, handler: &F)
where
    E: DeserializeOwned,
    F: AsyncFn(Delivery<E>) -> Result<(), Failure>,
{
    let dead_letters = platform.dead_letters();
    for run in 1..=3 {
        let before = dead_letters.messages().len();
        let consumer = Consumer::new(function.name, catalog::MAX_RECEIVES);
        let event = if run == 3 { newer(sample(function, case)) } else { sample(function, case) };
        let response = edge::queue::batch(&consumer, event, &clock(), &dead_letters, handler).await;
        assert_eq!(response.expect("a batch"), json!({"batchItemFailures": []}), "{} {case} {run}", function.name);
        let dead_lettered = dead_letters.messages().len() - before;
        assert_eq!(dead_lettered, usize::from(case.starts_with("bad")), "{} {case} {run}", function.name);
    }
}

/// The messages as a newer writer sends them: every object of every event has one more member. What is not JSON stays as it is.
fn newer(mut sent: Value) -> Value {
    for record in sent["Records"].as_array_mut().expect("records") {
        let Ok(mut body) = serde_json::from_str::<Value>(record["body"].as_str().expect("a body")) else { continue };
        // SNS carries the event as text.
        if let Some(mut carried) = body["Message"].as_str().and_then(|text| serde_json::from_str(text).ok()) {
            extend(&mut carried);
            body["Message"] = carried.to_string().into();
        }
        extend(&mut body);
        record["body"] = body.to_string().into();
    }
    sent
}

pub(super) const USUAL: [&str; 3] = ["ok", "bad_mixed_batch", "bad_unexpected_event"];

#[tokio::test]
async fn stock_open_opens_an_account_once() {
    let platform = Platform::new();
    let stock = platform.stock();
    deliver(catalog::STOCK_OPEN, &USUAL, &platform, async |delivery| stock_open::handle(&stock, delivery).await).await;
    let levels = stock.levels();
    assert_eq!((levels.len(), levels[0].available), (1, i64::from(lantern().stock_quantity)));
    assert_eq!(platform.bus().published().len(), 1);
}

#[tokio::test]
async fn stock_reserve_reserves_the_lines_of_an_order_once() {
    let platform = seeded_platform();
    let stock = platform.stock();
    deliver(catalog::STOCK_RESERVE, &USUAL, &platform, async |delivery| stock_reserve::handle(&stock, delivery).await)
        .await;
    let level = &stock.levels()[0];
    assert_eq!((level.available, level.reserved), (3, 2));
    assert_eq!(platform.bus().published().len(), 1);
}

#[tokio::test]
async fn stock_release_releases_a_reservation_once() {
    let platform = seeded_platform();
    let stock = platform.stock();
    let reserve = sample(catalog::STOCK_RESERVE, "ok");
    let reserved = async |delivery| stock_reserve::handle(&stock, delivery).await;
    let consumer = Consumer::new(catalog::STOCK_RESERVE.name, catalog::MAX_RECEIVES);
    edge::queue::batch(&consumer, reserve, &clock(), &platform.dead_letters(), &reserved).await.expect("a batch");
    assert_eq!(stock.levels()[0].reserved, 2);
    deliver(catalog::STOCK_RELEASE, &USUAL, &platform, async |delivery| stock_release::handle(&stock, delivery).await)
        .await;
    assert_eq!((stock.levels()[0].available, stock.levels()[0].reserved), (5, 0));
}

#[tokio::test]
async fn order_advance_applies_events_and_dead_letters_contradictory_ones() {
    let (platform, orders) = (seeded_platform(), seeded_platform().orders());
    orders.put(&placed());
    let cases = ["ok", "bad_mixed_batch", "bad_unexpected_event", "ok_declined", "ok_requested", "ok_allocated"];
    let handler = async |delivery| order_advance::handle(&orders, ShortfallPolicy::Refund, delivery).await;
    let consumer = Consumer::new(catalog::ORDER_ADVANCE.name, catalog::MAX_RECEIVES);
    let elsewhere = ["ok_allocation_failed", "ok_refunded", "ok_partially_refunded"];
    assert_all_samples_run(catalog::ORDER_ADVANCE, &[&cases[..], &elsewhere].concat());
    for case in cases {
        for _ in 1..=2 {
            let event = sample(catalog::ORDER_ADVANCE, case);
            let response = edge::queue::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await;
            assert_eq!(response.expect("a batch"), json!({"batchItemFailures": []}), "{case}");
        }
    }
    let order = &orders.all()[0];
    assert_eq!((order.status, order.version), (Status::Processing, 5), "reserved, declined, paid again, allocated");
    // The failed allocation is older than what the order records.
    let late = sample(catalog::ORDER_ADVANCE, "ok_allocation_failed");
    edge::queue::batch(&consumer, late, &clock(), &platform.dead_letters(), &handler).await.expect("a batch");
    assert_eq!(orders.all()[0].version, 5);
    // Stock that is allocated although its reservation failed is a contradiction, and becomes a dead letter.
    let before = platform.dead_letters().messages().len();
    let short = domain::event::StockReservationFailed { order_id: ORDER, lines: vec![] };
    let event = edge::testing::sqs_event(&[&build::event(77, short)]);
    edge::queue::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await.expect("a batch");
    let dead_lettered = platform.dead_letters().messages();
    assert_eq!((dead_lettered.len(), dead_lettered[before].reason.as_str()), (before + 1, "invalid-order-transition"));
    assert_eq!(orders.all()[0].status, Status::Processing);
}

#[tokio::test]
async fn order_advance_leaves_a_declined_order_open_for_another_attempt() {
    let platform = seeded_platform();
    platform.orders().put(&placed());
    let handler = async |delivery| order_advance::handle(&platform.orders(), ShortfallPolicy::Refund, delivery).await;
    let (consumer, event) = (
        Consumer::new(catalog::ORDER_ADVANCE.name, catalog::MAX_RECEIVES),
        sample(catalog::ORDER_ADVANCE, "ok_declined"),
    );
    edge::queue::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await.expect("a batch");
    let order = &platform.orders().all()[0];
    assert_eq!((order.status, order.reason), (Status::Pending, Some(Reason::PaymentDeclined)));
}

#[tokio::test]
async fn order_advance_cancels_a_fully_refunded_order_permanently() {
    for policy in [ShortfallPolicy::Backorder, ShortfallPolicy::Review] {
        let platform = seeded_platform();
        platform.orders().put(&placed());
        let handler = async |delivery| order_advance::handle(&platform.orders(), policy, delivery).await;
        let consumer = Consumer::new(catalog::ORDER_ADVANCE.name, catalog::MAX_RECEIVES);
        let mut states = vec![];
        for case in ["ok_allocation_failed", "ok_partially_refunded", "ok_refunded", "ok_refunded", "ok_allocated"] {
            let event = sample(catalog::ORDER_ADVANCE, case);
            let response = edge::queue::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await;
            assert_eq!(response.expect("a batch"), json!({"batchItemFailures": []}), "{case}");
            states.push((platform.orders().all()[0].status, platform.orders().all()[0].reason));
        }
        assert_eq!(states[0], states[1], "a partial refund changes nothing");
        assert_eq!(states[2..], [(Status::Cancelled, Some(Reason::Refunded)); 3], "{policy:?}");
        assert!(platform.dead_letters().messages().is_empty());
    }
}

#[tokio::test]
async fn order_advance_applies_the_shortfall_policy_to_a_paid_order() {
    for (policy, status, reason) in [
        (ShortfallPolicy::Refund, Status::Cancelled, Reason::InsufficientStock),
        (ShortfallPolicy::Backorder, Status::Pending, Reason::Backordered),
        (ShortfallPolicy::Review, Status::Pending, Reason::UnderReview),
    ] {
        let platform = seeded_platform();
        platform.orders().put(&placed());
        let handler = async |delivery| order_advance::handle(&platform.orders(), policy, delivery).await;
        let consumer = Consumer::new(catalog::ORDER_ADVANCE.name, catalog::MAX_RECEIVES);
        let event = sample(catalog::ORDER_ADVANCE, "ok_allocation_failed");
        edge::queue::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await.expect("a batch");
        let order = &platform.orders().all()[0];
        assert_eq!((order.status, order.reason, order.payment_id), (status, Some(reason), Some(PAYMENT)), "{policy:?}");
        assert_eq!(platform.bus().published().len(), 1, "{policy:?}");
    }
}

#[tokio::test]
async fn payment_charge_charges_an_order_once_and_stores_a_decline() {
    let cases = ["ok", "ok_declined", "bad_mixed_batch", "bad_unexpected_event"];
    let platform = seeded_platform();
    deliver(catalog::PAYMENT_CHARGE, &cases, &platform, async |delivery| {
        payment_charge::handle(
            &platform.payments(),
            &platform.gateway(),
            &platform.circuit_breaker(),
            domain::payment::AttemptLimit::default(),
            delivery,
        )
        .await
    })
    .await;
    // All samples are about one order: one payment, one charge, one event.
    assert_eq!((platform.gateway().charges().len(), platform.bus().published().len()), (1, 1));
    assert!(platform.payments().for_order(ORDER).is_some());
}

#[tokio::test]
async fn charge_without_a_response_is_retried_under_the_same_key() {
    let platform = seeded_platform();
    platform.faults().take_down(Dependency::Gateway);
    let handler = async |delivery| {
        payment_charge::handle(
            &platform.payments(),
            &platform.gateway(),
            &platform.circuit_breaker(),
            domain::payment::AttemptLimit::default(),
            delivery,
        )
        .await
    };
    let consumer = Consumer::new(catalog::PAYMENT_CHARGE.name, catalog::MAX_RECEIVES);
    let run = async || {
        let event = sample(catalog::PAYMENT_CHARGE, "ok");
        edge::queue::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await.expect("a batch")
    };
    assert_eq!(run().await["batchItemFailures"].as_array().map(Vec::len), Some(1));
    platform.faults().restore_all();
    assert_eq!(run().await, json!({"batchItemFailures": []}));
    assert_eq!(platform.gateway().charges().len(), 1);
}

#[tokio::test]
async fn charge_older_than_23_hours_is_dead_lettered_without_a_gateway_call() {
    let platform = seeded_platform();
    let handler = async |delivery| {
        payment_charge::handle(
            &platform.payments(),
            &platform.gateway(),
            &platform.circuit_breaker(),
            domain::payment::AttemptLimit::default(),
            delivery,
        )
        .await
    };
    let consumer = Consumer::new(catalog::PAYMENT_CHARGE.name, catalog::MAX_RECEIVES);
    let run = async |clock: &Clock| {
        let event = sample(catalog::PAYMENT_CHARGE, "ok");
        edge::queue::batch(&consumer, event, clock, &platform.dead_letters(), &handler).await.expect("a batch")
    };
    platform.faults().take_down(Dependency::Gateway);
    assert_eq!(run(&clock()).await["batchItemFailures"].as_array().map(Vec::len), Some(1));
    platform.faults().restore_all();
    let a_day_later = Clock::at(sample_time() + Duration::from_secs(24 * 3600), 8);
    assert_eq!(run(&a_day_later).await, json!({"batchItemFailures": []}));
    assert_eq!(platform.gateway().request_count(), 0);
    let reasons: Vec<String> = platform.dead_letters().messages().into_iter().map(|message| message.reason).collect();
    assert_eq!(reasons, ["charge-too-old"]);
}

#[tokio::test]
async fn contact_track_stores_the_contact_and_its_verified_addresses() {
    let platform = Platform::new();
    let cases = ["ok_verified", "ok_updated", "ok", "ok_deleted"];
    let track = async |delivery| contact_track::handle(&platform.contacts(), delivery).await;
    for case in cases {
        redeliver(catalog::CONTACT_TRACK, case, &platform, &track).await;
    }
    let known = ports::ContactStore::find(&platform.contacts(), USER).await.expect("a response").expect("a contact");
    assert_eq!(known.verified, [ContactKind::Email].into());
    assert_eq!(known.contact.name.expect("a name").as_str(), "Ada King", "of the later version");
}

#[tokio::test]
async fn contact_track_erases_the_contact_for_good() {
    let platform = Platform::new();
    let cases =
        ["ok_updated", "ok_erased", "ok", "ok_verified", "ok_deleted", "bad_mixed_batch", "bad_unexpected_event"];
    deliver(catalog::CONTACT_TRACK, &cases, &platform, async |delivery| {
        contact_track::handle(&platform.contacts(), delivery).await
    })
    .await;
    assert_eq!(ports::ContactStore::find(&platform.contacts(), USER).await, Ok(None));
}

#[tokio::test]
async fn invoice_issue_stores_one_document_under_one_number() {
    let platform = seeded_platform();
    deliver(catalog::INVOICE_ISSUE, &USUAL, &platform, async |delivery| {
        let (invoices, documents, renderer) = (platform.invoices(), platform.documents(), platform.invoice_renderer());
        invoice_issue::handle(&invoices, &documents, &renderer, (&Calendar::utc(), &Seller::default()), delivery).await
    })
    .await;
    let invoices = platform.invoices().all();
    assert_eq!((invoices.len(), invoices[0].number().as_str()), (1, "2026-000001"));
    assert_eq!(platform.documents().keys(), [invoices[0].key()]);
}

#[tokio::test]
async fn failed_invoice_upload_is_retried_under_the_same_number() {
    let platform = seeded_platform();
    let handler = async |delivery| {
        let (invoices, documents, renderer) = (platform.invoices(), platform.documents(), platform.invoice_renderer());
        invoice_issue::handle(&invoices, &documents, &renderer, (&Calendar::utc(), &Seller::default()), delivery).await
    };
    let consumer = Consumer::new(catalog::INVOICE_ISSUE.name, catalog::MAX_RECEIVES);
    let run = async || {
        let event = sample(catalog::INVOICE_ISSUE, "ok");
        edge::queue::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await.expect("a batch")
    };
    platform.faults().take_down(Dependency::Documents);
    assert_eq!(run().await["batchItemFailures"].as_array().map(Vec::len), Some(1));
    assert!(platform.documents().keys().is_empty());
    // So that the event is published again, even if its message ends as a dead letter.
    assert!(!platform.handled_events().are_there_of(catalog::INVOICE_ISSUE.name));
    platform.faults().restore_all();
    assert_eq!(run().await, json!({"batchItemFailures": []}));
    assert_eq!((platform.invoices().all().len(), platform.documents().keys().len()), (1, 1));
}

#[tokio::test]
async fn analytics_feed_forwards_every_event_to_the_stream() {
    let platform = Platform::new();
    // The feed forwards whatever its queue delivers; the reader of the stream ignores events that are not its own.
    let cases = ["ok", "bad_mixed_batch"];
    let handler = async |delivery| analytics_feed::handle(&platform.analytics_stream(), delivery).await;
    assert_all_samples_run(catalog::ANALYTICS_FEED, &cases);
    deliver(catalog::ANALYTICS_FEED, &cases, &platform, handler).await;
    assert!(
        platform
            .analytics_stream()
            .records()
            .iter()
            .all(|record| record.id == platform.analytics_stream().records()[0].id)
    );
}

#[tokio::test]
async fn product_stock_track_shows_the_newest_level_and_evicts_the_cache() {
    let platform = seeded_platform();
    deliver(catalog::PRODUCT_STOCK_TRACK, &USUAL, &platform, async |delivery| {
        product_stock_track::handle(&platform.products(), &platform.cache(), delivery).await
    })
    .await;
    let product =
        ports::ProductStore::get(&platform.products(), PRODUCT).await.expect("a response").expect("a product");
    assert_eq!((product.stock_quantity, product.stock_version), (5, 1));
}

#[tokio::test]
async fn product_stock_track_evicts_the_cache_after_a_crashed_update() {
    let platform = seeded_platform();
    let event = sample(catalog::PRODUCT_STOCK_TRACK, "ok");
    let handler = async |delivery: Delivery<domain::DomainEvent>| {
        for level in delivery.event.event.stock_levels().expect("levels") {
            ports::ProductStore::set_stock(&platform.products(), level).await?;
        }
        product_stock_track::handle(&platform.products(), &platform.cache(), delivery).await
    };
    let (cache, key) = (platform.cache(), ports::product_cache_key(PRODUCT));
    ports::Cache::put(&cache, &key, "what it was", 300).await;
    let consumer = Consumer::new(catalog::PRODUCT_STOCK_TRACK.name, catalog::MAX_RECEIVES);
    edge::queue::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await.expect("a batch");
    assert_eq!(ports::Cache::get(&cache, &key).await, None);
}
