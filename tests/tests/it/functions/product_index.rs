//! Processing of product-index's sample events.

use super::{PRODUCT, assert_all_samples_run, clock, sample};
use edge::Consumer;
use ports::ProductIndex as _;
use serde_json::json;
use testkit::{Platform, build};

/// Delivers a sample twice, because delivery is at least once. Returns the number of dead letters.
async fn deliver(platform: &Platform, case: &str) -> usize {
    let dead_letters = platform.dead_letters();
    for run in 1..=2 {
        let event = sample(catalog::PRODUCT_INDEX, case);
        let handler = async |delivery| product_index::handle(&platform.product_index(), delivery).await;
        let consumer = Consumer::new(catalog::PRODUCT_INDEX.name, catalog::MAX_RECEIVES);
        let response = edge::queue::batch(&consumer, event, &clock(), &dead_letters, &handler).await;
        assert_eq!(response.expect("a batch"), json!({"batchItemFailures": []}), "{case}, run {run}");
    }
    dead_letters.messages().len()
}

#[tokio::test]
async fn product_index_stores_products_and_stock_in_any_order() {
    assert_all_samples_run(catalog::PRODUCT_INDEX, &["ok", "ok_changed", "bad_mixed_batch"]);
    let platform = Platform::new();
    assert_eq!(deliver(&platform, "ok").await, 0);
    let [product] = &platform.product_index().all()[..] else { panic!("one product") };
    assert_eq!((product.id, product.price, product.version, product.active), (PRODUCT, build::usd(1_999), 1, true));
    assert_eq!((product.stock_version, product.stock_quantity), (1, 5));
    // The withdrawal comes before the change, which comes after the creation.
    assert_eq!(deliver(&platform, "ok_changed").await, 0);
    let [product] = &platform.product_index().all()[..] else { panic!("one product") };
    assert_eq!((product.version, product.active, product.stock_quantity), (3, false, 5));
    let prices = platform.product_index().prices(PRODUCT, 20, None).await.expect("a response").expect("known");
    assert_eq!(prices.items.iter().map(|change| change.version).collect::<Vec<_>>(), [2, 1]);
}

#[tokio::test]
async fn product_index_dead_letters_an_unreadable_message() {
    let platform = Platform::new();
    assert_eq!(deliver(&platform, "bad_mixed_batch").await, 2);
}
