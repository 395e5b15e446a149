//! Windows of analytics.

use crate::fixtures::*;
use domain::{
    Money,
    address::Area,
    id::ProductId,
    text::ProductName,
    window::{Counted, WindowEntry, start},
};
use futures_util::future::join_all;
use kernel::Timestamp;
use ports::WindowStore;

fn record(window: Timestamp, revenue: Money, region: &str, products: &[(ProductId, &str, u32)]) -> WindowEntry {
    let product = |(id, name, units): &(ProductId, &str, u32)| (*id, ProductName::parse(name).expect("a name"), *units);
    let counted = Counted::Sale {
        revenue,
        region: Area::parse(region).expect("an area"),
        products: products.iter().map(product).collect(),
        customer: None,
    };
    WindowEntry { event_id: id(), at: window, window, counted }
}

fn window() -> Timestamp {
    start(now()).expect("a window")
}

fn later(seconds: i64) -> Timestamp {
    Timestamp::from_second(window().as_second() + seconds).expect("an instant")
}

#[tokio::test]
async fn records_add_up_by_window_and_currency_in_any_batching() {
    let database = database().await;
    let windows = database.windows();
    let (a, b) = (ProductId(id()), ProductId(id()));
    let euro = Money::new(700, "EUR").expect("an amount");
    let records = [
        record(window(), usd(1000), "US-CA", &[(a, "Anchor", 2), (b, "Rope", 1)]),
        record(window(), usd(500), "US-NY", &[(b, "Rope", 4)]),
        record(window(), euro, "DE-HH", &[(a, "Anchor", 9)]),
        record(later(300), usd(1), "US-CA", &[]),
    ];
    windows.add(&records[..1]).await.expect("added");
    windows.add(&records).await.expect("added");
    windows.add(&[]).await.expect("nothing to add");
    let list = windows.list(window(), later(300), 100, None).await.expect("a list").items;
    assert_eq!(list.len(), 2);
    assert_eq!((list[0].revenue, list[1].revenue), (euro.into(), usd(1500).into()));
    assert_eq!((list[1].start, list[1].orders), (window(), 2));
    assert_eq!(list[1].top_products, [(b, "Rope".to_owned(), 5), (a, "Anchor".to_owned(), 2)]);
    assert_eq!(list[1].by_region, [("US-CA".to_owned(), 1, 1000), ("US-NY".to_owned(), 1, 500)]);
    let next = windows.list(later(300), later(600), 100, None).await.expect("a list").items;
    assert_eq!((next.len(), next[0].revenue), (1, usd(1).into()));
    assert!(next[0].top_products.is_empty());
}

#[tokio::test]
async fn record_repeated_in_a_batch_counts_once() {
    let database = database().await;
    let windows = database.windows();
    let record = record(window(), usd(1000), "US-CA", &[(ProductId(id()), "Anchor", 2)]);
    windows.add(&[record.clone(), record]).await.expect("added");
    let list = windows.list(window(), later(300), 100, None).await.expect("a list").items;
    assert_eq!((list[0].orders, list[0].revenue, list[0].top_products[0].2), (1, usd(1000).into(), 2));
}

#[tokio::test]
async fn window_lists_its_five_best_selling_products() {
    let database = database().await;
    let windows = database.windows();
    let products: Vec<_> = (1..=8).map(|n| (ProductId(id()), "Anchor", n)).collect();
    windows.add(&[record(window(), usd(1), "US-CA", &products)]).await.expect("added");
    let list = windows.list(window(), later(1), 100, None).await.expect("a list").items;
    let units: Vec<i64> = list[0].top_products.iter().map(|product| product.2).collect();
    assert_eq!(units, [8, 7, 6, 5, 4]);
}

#[tokio::test]
async fn concurrent_overlapping_batches_count_each_record_once() {
    let database = database().await;
    let stores: Vec<_> = (0..8).map(|_| database.windows()).collect();
    let products: Vec<_> = (0..4).map(|_| ProductId(id())).collect();
    for round in 1..=4 {
        let records: Vec<WindowEntry> = (0..300)
            .map(|n: usize| {
                let seconds = 300 * i64::try_from(n % 3).expect("small");
                record(later(seconds), usd(10), ["US-CA", "US-NY"][n % 2], &[(products[n % 4], "Anchor", 1)])
            })
            .collect();
        let shards = stores.iter().enumerate().map(async |(n, store)| {
            let mut mine = records.clone();
            mine.rotate_left(n * 7);
            if n % 2 == 1 {
                mine.reverse();
            }
            store.add(&mine).await.expect("added");
        });
        join_all(shards).await;
        let list = stores[0].list(window(), later(900), 100, None).await.expect("a list").items;
        let sums: Vec<_> = list.iter().map(|window| (window.orders, window.revenue)).collect();
        assert_eq!(sums, [(100 * round, usd(1000 * round).into()); 3]);
        assert_eq!(list[0].top_products.iter().map(|product| product.2).sum::<i64>(), 100 * round);
        assert_eq!(list[0].by_region.iter().map(|region| region.1).sum::<i64>(), 100 * round);
    }
}
