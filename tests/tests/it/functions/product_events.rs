//! Events of products: from the changes of the table, and from the sweep of what the table's stream lost.

use super::{PRODUCT, assert_all_samples_run, clock, lantern, sample, sample_time};
use domain::{DomainEvent, id::ProductId, product::Product};
use edge::{Consumer, dynamodb::ChangeRecord};
use kernel::{Failure, Timestamp};
use serde_json::{Value, json};
use testkit::{Dependency, Platform, build};

fn relay(platform: &Platform) -> impl AsyncFn(ChangeRecord) -> Result<(), Failure> {
    let (events, cache) = (platform.events(), platform.cache());
    async move |change| product_relay::handle(&events, &cache, adapters_dynamodb::product_from_image, change).await
}

/// Relays an edited sample of a change by staff. Returns the published events and whether the cached product is still there.
async fn relayed(edits: &str) -> (Vec<domain::Event>, bool) {
    let platform = Platform::new();
    let (cache, key) = (platform.cache(), ports::product_cache_key(PRODUCT));
    ports::Cache::put(&cache, &key, "null", 60).await;
    let consumer = Consumer::new(catalog::PRODUCT_RELAY.name, catalog::MAX_RECEIVES);
    let base = sample(catalog::PRODUCT_RELAY, "ok_updated");
    let event = if edits.is_empty() { base } else { super::edits::apply(base, edits) };
    let response = edge::dynamodb::batch(&consumer, event, &clock(), &platform.dead_letters(), &relay(&platform)).await;
    assert_eq!(response.expect("a batch"), json!({"batchItemFailures": []}), "{edits}");
    (platform.bus().published(), ports::Cache::get(&cache, &key).await.is_some())
}

#[tokio::test]
async fn product_relay_publishes_changes_by_staff_and_evicts_the_cache() {
    let (published, is_cached) = relayed("").await;
    let [event] = &published[..] else { panic!("{published:?}") };
    let DomainEvent::ProductUpdated(product) = &event.event else { panic!("{event:?}") };
    assert_eq!((event.sequence, event.time.to_string().as_str()), (2, "2026-11-21T09:00:00Z"));
    assert_eq!((product.price, is_cached), (build::usd(2_499), false));

    let (published, is_cached) = relayed(r#"set /Records/0/dynamodb/NewImage/active = {"BOOL": false}"#).await;
    assert!(matches!(published[0].event, DomainEvent::ProductDeleted(_)) && !is_cached, "{published:?}");
    assert_eq!(published[0].id, event.id, "one id for each version");
}

#[tokio::test]
async fn product_relay_ignores_a_change_of_the_stock_figure() {
    let (published, is_cached) = relayed(r#"set /Records/0/dynamodb/NewImage/version = {"N": "1"}"#).await;
    assert!(published.is_empty() && is_cached, "{published:?}");
}

#[tokio::test]
async fn product_relay_publishes_products_with_stable_ids_and_dead_letters_others() {
    let platform = Platform::new();
    assert_all_samples_run(catalog::PRODUCT_RELAY, &["ok", "ok_updated", "bad_not_a_product"]);
    let handler = relay(&platform);
    let consumer = Consumer::new(catalog::PRODUCT_RELAY.name, catalog::MAX_RECEIVES);
    for case in ["ok", "ok", "bad_not_a_product"] {
        let event = sample(catalog::PRODUCT_RELAY, case);
        let response = edge::dynamodb::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await;
        assert_eq!(response.expect("a batch"), json!({"batchItemFailures": []}), "{case}");
    }
    let published = platform.bus().published();
    assert_eq!(published.len(), 1);
    let DomainEvent::ProductCreated(product) = &published[0].event else { panic!("{published:?}") };
    assert_eq!((product.product_id, product.stock_quantity), (PRODUCT, lantern().stock_quantity));
    assert_eq!(platform.dead_letters().messages().len(), 1);
}

/// The reasons of dead letters after a record with a word that is not known was delivered at an age of `hours`.
async fn dead_letters_of_a_newer_product(image: &str, hours: u64) -> Vec<String> {
    let platform = Platform::new();
    let consumer = Consumer::new(catalog::PRODUCT_RELAY.name, catalog::MAX_RECEIVES);
    let edit = format!(r#"set /Records/0/dynamodb/{image}/price/M/currency = {{"S": "XTS"}}"#);
    let event = super::edits::apply(sample(catalog::PRODUCT_RELAY, "ok_updated"), &edit);
    let clock = clock();
    clock.advance(std::time::Duration::from_secs(hours * 3600));
    drop(edge::dynamodb::batch(&consumer, event, &clock, &platform.dead_letters(), &relay(&platform)).await);
    assert!(platform.bus().published().is_empty());
    platform.dead_letters().messages().into_iter().map(|message| message.reason).collect()
}

#[tokio::test]
async fn product_relay_retries_a_product_with_an_unknown_word_for_a_day() {
    for image in ["NewImage", "OldImage"] {
        assert!(dead_letters_of_a_newer_product(image, 1).await.is_empty(), "{image}");
        assert_eq!(dead_letters_of_a_newer_product(image, 24).await, ["newer-item"], "{image}");
    }
}

/// What a run of product-sweep some hours after the sample's time returns.
async fn product_sweep(platform: &Platform, hours: i64) -> Option<Value> {
    let clock = edge::Clock::at(later(hours), 7);
    let (products, events) = (platform.products(), platform.events());
    let handler = async |tick| product_sweep::handle(&products, &events, &events, tick).await;
    edge::schedule::tick(catalog::PRODUCT_SWEEP.name, sample(catalog::PRODUCT_SWEEP, "ok"), &clock, &handler).await.ok()
}

fn later(hours: i64) -> Timestamp {
    kernel::seconds_after(sample_time(), hours * domain::product::HOUR_S).expect("a time")
}

/// A product of the sample's time, as the table has it.
fn stored(platform: &Platform, number: u128) -> Product {
    let id = ProductId(kernel::Uuid::from_u128(number));
    let product = build::product().id(id).at(sample_time()).created();
    platform.products().put(&product);
    product
}

#[tokio::test]
async fn product_sweep_publishes_what_the_relay_lost_once() {
    let platform = Platform::new();
    assert_all_samples_run(catalog::PRODUCT_SWEEP, &["ok", "bad_not_a_schedule"]);
    let (lost, relayed) = (stored(&platform, 1), stored(&platform, 2));
    ports::EventOutbox::commit(&platform.events(), &relayed.change_event()).await.expect("committed");
    let nothing = |hours| Some(json!({"hours": hours, "products": 0, "failed": 0}));
    assert_eq!(product_sweep(&platform, 0).await, nothing(72), "this hour is not over");
    assert_eq!(product_sweep(&platform, 2).await, Some(json!({"hours": 2, "products": 2, "failed": 0})));
    assert_eq!(product_sweep(&platform, 4).await, nothing(2));
    let committed: Vec<_> = platform.outbox().committed().iter().map(|event| event.subject.clone()).collect();
    assert_eq!(committed, [relayed.id.to_string(), lost.id.to_string()]);
}

#[tokio::test]
async fn product_sweep_publishes_the_creation_before_a_later_change() {
    let platform = Platform::new();
    let product = stored(&platform, 1);
    platform.products().put(&Product { version: 4, updated_at: later(1), ..product });
    product_sweep(&platform, 3).await.expect("a summary");
    let named = |event: &std::rc::Rc<domain::Event>| (event.event.row().name, event.sequence);
    let committed: Vec<_> = platform.outbox().committed().iter().map(named).collect();
    assert_eq!(committed, [("ProductCreated.v1", 1), ("ProductUpdated.v1", 4)]);
}

#[tokio::test]
async fn product_sweep_resumes_where_the_database_failed() {
    let platform = Platform::new();
    (1..=150).for_each(|number| drop(stored(&platform, number)));
    // After 72 hours without changes, a page of a hundred products and its position: in the middle of the second page.
    platform.faults().fail(Dependency::Database, testkit::Occurrence::Nth(321), testkit::FaultPoint::Before);
    assert_eq!(product_sweep(&platform, 2).await, None);
    platform.faults().restore_all();
    let resumed = product_sweep(&platform, 2).await.expect("a summary");
    assert_eq!((&resumed["products"], platform.outbox().committed().len()), (&json!(50), 150));
}

#[tokio::test]
async fn product_sweep_tries_products_that_cannot_be_read_for_a_day() {
    let platform = Platform::new();
    let (newer, other) = (stored(&platform, 1), stored(&platform, 2));
    let later_one = Product { updated_at: later(1), ..stored(&platform, 3) };
    platform.products().put(&later_one);
    platform.products().spoil(newer.id);
    let committed = || -> Vec<_> { platform.outbox().committed().iter().map(|one| one.subject.clone()).collect() };
    assert_eq!(product_sweep(&platform, 2).await, Some(json!({"hours": 71, "products": 2, "failed": 1})));
    assert_eq!(committed(), [other.id.to_string(), later_one.id.to_string()], "it delays no other");
    assert_eq!(product_sweep(&platform, 3).await, Some(json!({"hours": 2, "products": 2, "failed": 1})));
    // The version that can read it is deployed.
    platform.products().restore(newer.id);
    assert_eq!(product_sweep(&platform, 4).await, Some(json!({"hours": 4, "products": 3, "failed": 0})));
    assert_eq!(committed().last(), Some(&newer.id.to_string()));
    assert_eq!(product_sweep(&platform, 5).await, Some(json!({"hours": 1, "products": 0, "failed": 0})));
}

#[tokio::test]
async fn product_sweep_gives_up_a_product_that_cannot_be_read_after_a_day() {
    let platform = Platform::new();
    let broken = stored(&platform, 1);
    platform.products().spoil(broken.id);
    for (hours, failed) in [(2, 1), (23, 1), (25, 1), (26, 0)] {
        let summary = product_sweep(&platform, hours).await.expect("a summary");
        assert_eq!(summary["failed"], failed, "{hours} hours later: {summary}");
    }
}

#[tokio::test]
async fn product_sweep_resumes_before_a_product_that_cannot_be_read() {
    let platform = Platform::new();
    let products: Vec<Product> = (1..=250).map(|number| stored(&platform, number)).collect();
    platform.products().spoil(products[120].id);
    // After 70 hours without changes, the second page has a product that cannot be read, and the run fails at the third.
    platform.faults().fail(Dependency::Table, testkit::Occurrence::Nth(73), testkit::FaultPoint::Before);
    assert_eq!(product_sweep(&platform, 2).await, None);
    platform.faults().restore_all();
    platform.products().restore(products[120].id);
    product_sweep(&platform, 2).await.expect("a summary");
    assert_eq!(platform.outbox().committed().len(), 250);
}

/// An outbox that has lost a privilege.
struct Forbidden;

impl ports::EventOutbox for Forbidden {
    async fn commit(&self, _: &domain::Event) -> Result<(), Failure> {
        Err(Failure::internal("permission denied for table outbox"))
    }
}

#[tokio::test]
async fn product_sweep_stays_where_an_event_cannot_be_committed() {
    let platform = Platform::new();
    stored(&platform, 1);
    let (products, events, clock) = (platform.products(), platform.events(), edge::Clock::at(later(2), 7));
    let handler = async |tick| product_sweep::handle(&products, &Forbidden, &events, tick).await;
    let event = sample(catalog::PRODUCT_SWEEP, "ok");
    edge::schedule::tick(catalog::PRODUCT_SWEEP.name, event, &clock, &handler).await.expect_err("a failed run");
    assert_eq!(product_sweep(&platform, 2).await, Some(json!({"hours": 2, "products": 1, "failed": 0})));
}
