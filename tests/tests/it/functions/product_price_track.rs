//! Processing of product-price-track's sample events.

use super::{PRODUCT, assert_all_samples_run, clock, sample};
use edge::Consumer;
use serde_json::json;
use testkit::{Platform, build};

/// Delivers a sample twice, because delivery is at least once. Returns the number of dead letters.
async fn deliver(platform: &Platform, case: &str) -> usize {
    let dead_letters = platform.dead_letters();
    for run in 1..=2 {
        let event = sample(catalog::PRODUCT_PRICE_TRACK, case);
        let handler = async |delivery| product_price_track::handle(&platform.orders(), delivery).await;
        let consumer = Consumer::new(catalog::PRODUCT_PRICE_TRACK.name, catalog::MAX_RECEIVES);
        let response = edge::queue::batch(&consumer, event, &clock(), &dead_letters, &handler).await;
        assert_eq!(response.expect("a batch"), json!({"batchItemFailures": []}), "{case}, run {run}");
    }
    dead_letters.messages().len()
}

#[tokio::test]
async fn product_price_track_processes_its_events_once() {
    assert_all_samples_run(catalog::PRODUCT_PRICE_TRACK, &["ok", "ok_changed", "bad_mixed_batch"]);
    let platform = Platform::new();
    assert_eq!(deliver(&platform, "ok").await, 0);
    let [price] = &platform.orders().prices()[..] else { panic!("{:?}", platform.orders().prices()) };
    assert_eq!((price.product_id, price.price, price.version, price.active), (PRODUCT, build::usd(1_999), 1, true));
}

#[tokio::test]
async fn product_price_track_dead_letters_an_unreadable_message() {
    let platform = Platform::new();
    assert_eq!(deliver(&platform, "bad_mixed_batch").await, 2);
}

#[tokio::test]
async fn product_price_track_takes_a_product_off_sale_in_any_order_of_events() {
    let platform = Platform::new();
    // The withdrawal comes first, then the change before it, then the creation.
    for case in ["ok_changed", "ok"] {
        assert_eq!(deliver(&platform, case).await, 0);
        let [price] = &platform.orders().prices()[..] else { panic!("{:?}", platform.orders().prices()) };
        assert_eq!((price.price, price.version, price.active), (build::usd(2_499), 3, false), "{case}");
    }
}
