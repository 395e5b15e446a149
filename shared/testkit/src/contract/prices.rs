//! Contract of [`PriceCopy`], and of the conditions of [`OrderStore::place`].

use super::{Fixture, a_claim, an_event, fresh, kind_and_code, now};
use crate::build::{self, OrderBuilder, a_reply, usd};
use domain::{
    id::{OrderId, ProductId, UserId},
    order::ProductSnapshot,
    text::{Category, ProductName},
};
use futures_util::future::join_all;
use kernel::{Failure, FailureKind, IdempotencyKey, IdempotencyOutcome, StoredReply};
use ports::{OrderStore, PRICE_OUTDATED, PlacementConditions, PriceCopy, PriceSource, Quote};

/// Generates one test per rule of [`PriceCopy`]. The expression is a future of a `Fixture<impl OrderStore + PriceCopy>`.
#[macro_export]
macro_rules! contract_prices {
    ($fixture:expr) => {
        $crate::each_rule! { prices, $fixture;
            tracked_price_is_quoted_unchanged
            newer_price_replaces_an_older_one_and_never_vice_versa
            concurrent_prices_leave_the_newest
            repeated_claim_tracks_once
            quote_has_the_response_of_its_key
            current_quote_has_what_another_process_tracked
            order_at_the_prices_of_the_copy_is_stored
            order_at_other_prices_than_the_copy_writes_nothing
            price_that_the_order_learned_is_stored_with_it
            fetched_price_never_replaces_a_newer_one
        }
    };
}

const CONSUMER: &str = catalog::PRODUCT_PRICE_TRACK.name;

fn a_price(cents: i64, version: u64) -> ProductSnapshot {
    let name = ProductName::parse("Lamp “Ü” \\ 照明").expect("a name");
    let category = Category::parse("lighting").expect("a category");
    ProductSnapshot { product_id: ProductId(fresh()), name, category, price: usd(cents), active: true, version }
}

fn a_key() -> IdempotencyKey {
    IdempotencyKey { scope: fresh().to_string(), key: fresh().to_string(), fingerprint: "first".to_owned() }
}

async fn track(prices: &impl PriceCopy, product: &ProductSnapshot) -> bool {
    prices.track(a_claim(CONSUMER), product).await.expect("the store responds")
}

async fn current(prices: &impl PriceCopy, products: &[ProductId]) -> Vec<ProductSnapshot> {
    let quote = prices.quote(&a_key(), products, PriceSource::Current).await.expect("the store responds");
    assert_eq!((quote.first, quote.source), (None, PriceSource::Current));
    let mut products = quote.products;
    products.sort_by_key(|product| product.product_id);
    products
}

/// An order of two units at the price of `product`.
fn an_order(product: &ProductSnapshot) -> OrderBuilder {
    let order = build::order().id(OrderId(fresh())).owner(UserId(fresh())).at(now());
    order.line_of(product.product_id, 2, product.price)
}

async fn place(
    orders: &impl OrderStore,
    order: &OrderBuilder,
    key: &IdempotencyKey,
    conditions: &PlacementConditions<'_>,
) -> Result<IdempotencyOutcome, Failure> {
    orders.place(&order.placed(), key, &a_reply("{}"), &an_event(order.order_placed()), conditions).await
}

pub async fn tracked_price_is_quoted_unchanged(fixture: &Fixture<impl OrderStore + PriceCopy>) {
    let (lamp, mut cord) = (a_price(1_999, 1), a_price(0, 7));
    cord.active = false;
    for product in [&lamp, &cord] {
        assert!(track(fixture.port(), product).await);
    }
    let unknown = ProductId(fresh());
    let mut both = vec![lamp.clone(), cord.clone()];
    both.sort_by_key(|product| product.product_id);
    assert_eq!(current(fixture.port(), &[cord.product_id, unknown, lamp.product_id]).await, both);
    assert_eq!(current(fixture.port(), &[unknown]).await, []);
    fixture.assert_only_published(&[]).await;
}

pub async fn newer_price_replaces_an_older_one_and_never_vice_versa(fixture: &Fixture<impl OrderStore + PriceCopy>) {
    let lamp = a_price(100, 2);
    for (cents, version, is_stored) in [(100, 2, true), (50, 1, false), (60, 2, false), (300, 4, true), (200, 3, false)]
    {
        let product = ProductSnapshot { price: usd(cents), version, ..lamp.clone() };
        assert_eq!(track(fixture.port(), &product).await, is_stored, "version {version}");
    }
    let newest = ProductSnapshot { price: usd(300), version: 4, ..lamp.clone() };
    assert_eq!(current(fixture.port(), &[lamp.product_id]).await, [newest]);
}

pub async fn concurrent_prices_leave_the_newest(fixture: &Fixture<impl OrderStore + PriceCopy>) {
    let lamp = a_price(1, 1);
    let versions: Vec<ProductSnapshot> = [5, 2, 9, 1, 7, 3, 8, 4, 6]
        .map(|version: u64| ProductSnapshot {
            price: usd(i64::try_from(version).expect("few")),
            version,
            ..lamp.clone()
        })
        .into();
    join_all(fixture.concurrent(versions.len()).zip(&versions).map(|(prices, one)| track(prices, one))).await;
    assert_eq!(current(fixture.port(), &[lamp.product_id]).await, [versions[2].clone()]);
}

pub async fn repeated_claim_tracks_once(fixture: &Fixture<impl OrderStore + PriceCopy>) {
    let (claim, lamp) = (a_claim(CONSUMER), a_price(100, 1));
    assert_eq!(fixture.port().track(claim, &lamp).await, Ok(true));
    let newer = ProductSnapshot { version: 2, ..lamp.clone() };
    assert_eq!(fixture.port().track(claim, &newer).await, Ok(false));
    assert_eq!(current(fixture.port(), &[lamp.product_id]).await, [lamp]);
}

pub async fn quote_has_the_response_of_its_key(fixture: &Fixture<impl OrderStore + PriceCopy>) {
    let (key, rejection) = (a_key(), StoredReply { status: 422, ..a_reply("{\"title\": \"no\"}") });
    let lamp = a_price(100, 1);
    track(fixture.port(), &lamp).await;
    fixture.port().store_response(&key, &rejection).await.expect("stored");
    let quote = fixture.port().quote(&key, &[lamp.product_id], PriceSource::Current).await;
    let expected = Quote { first: Some(rejection), products: vec![lamp.clone()], source: PriceSource::Current };
    assert_eq!(quote, Ok(expected));
    let other = IdempotencyKey { fingerprint: "other".to_owned(), ..key };
    let rejected = fixture.port().quote(&other, &[lamp.product_id], PriceSource::Current).await;
    assert_eq!(kind_and_code(rejected), (FailureKind::Invalid, "idempotency-key-reused"));
}

pub async fn current_quote_has_what_another_process_tracked(fixture: &Fixture<impl OrderStore + PriceCopy>) {
    let lamp = a_price(100, 1);
    let processes: Vec<_> = fixture.concurrent(2).collect();
    track(processes[0], &lamp).await;
    let first = processes[0].quote(&a_key(), &[lamp.product_id], PriceSource::Cached).await.expect("a quote");
    assert_eq!((first.products, first.source), (vec![lamp.clone()], PriceSource::Current), "nothing is remembered yet");
    let raised = ProductSnapshot { price: usd(200), version: 2, ..lamp.clone() };
    track(processes[1], &raised).await;
    let remembered = processes[0].quote(&a_key(), &[lamp.product_id], PriceSource::Cached).await.expect("a quote");
    assert_eq!((remembered.products, remembered.source), (vec![lamp.clone()], PriceSource::Cached));
    assert_eq!(current(processes[0], &[lamp.product_id]).await, std::slice::from_ref(&raised));
    let again = processes[0].quote(&a_key(), &[lamp.product_id], PriceSource::Cached).await.expect("a quote");
    assert_eq!(again.products, [raised]);
}

pub async fn order_at_the_prices_of_the_copy_is_stored(fixture: &Fixture<impl OrderStore + PriceCopy>) {
    let lamp = a_price(100, 3);
    track(fixture.port(), &lamp).await;
    // Prices are compared, not versions: a product changes in other ways, too.
    let used = [ProductSnapshot { version: 1, ..lamp.clone() }];
    let (order, conditions) =
        (an_order(&lamp), PlacementConditions { prices: &used, ..PlacementConditions::default() });
    assert_eq!(place(fixture.port(), &order, &a_key(), &conditions).await, Ok(IdempotencyOutcome::Committed));
}

pub async fn order_at_other_prices_than_the_copy_writes_nothing(fixture: &Fixture<impl OrderStore + PriceCopy>) {
    let (lamp, mut withdrawn, unknown) = (a_price(100, 1), a_price(100, 1), a_price(100, 1));
    withdrawn.active = false;
    for product in [&lamp, &withdrawn] {
        track(fixture.port(), product).await;
    }
    let cheaper = ProductSnapshot { price: usd(99), ..lamp.clone() };
    let renamed = ProductSnapshot { name: ProductName::parse("Oar").expect("a name"), ..lamp.clone() };
    let moved = ProductSnapshot { category: Category::parse("boats").expect("a category"), ..lamp.clone() };
    let believed_on_sale = ProductSnapshot { active: true, ..withdrawn };
    for used in [cheaper, renamed, moved, believed_on_sale, unknown] {
        let (order, key, prices) = (an_order(&used), a_key(), [lamp.clone(), used]);
        let conditions = PlacementConditions { prices: &prices, ..PlacementConditions::default() };
        let refused = place(fixture.port(), &order, &key, &conditions).await;
        assert_eq!(kind_and_code(refused), (FailureKind::Conflict, PRICE_OUTDATED), "{prices:?}");
        assert_eq!(fixture.port().get(order.placed().id, None).await, Ok(None));
        let free = fixture.port().quote(&key, &[], PriceSource::Current).await;
        assert_eq!(free.map(|quote| quote.first), Ok(None));
    }
    fixture.assert_only_published(&[]).await;
}

pub async fn price_that_the_order_learned_is_stored_with_it(fixture: &Fixture<impl OrderStore + PriceCopy>) {
    let fetched = [a_price(100, 2)];
    let order = an_order(&fetched[0]);
    let conditions = PlacementConditions { prices: &fetched, fetched: &fetched, limits: None };
    assert_eq!(place(fixture.port(), &order, &a_key(), &conditions).await, Ok(IdempotencyOutcome::Committed));
    assert_eq!(current(fixture.port(), &[fetched[0].product_id]).await, fetched);
    let older = ProductSnapshot { price: usd(50), version: 1, ..fetched[0].clone() };
    assert!(!track(fixture.port(), &older).await, "an event that was late");
}

pub async fn fetched_price_never_replaces_a_newer_one(fixture: &Fixture<impl OrderStore + PriceCopy>) {
    let newer = a_price(100, 2);
    track(fixture.port(), &newer).await;
    let fetched = [ProductSnapshot { price: usd(50), version: 1, ..newer.clone() }];
    let conditions = PlacementConditions { prices: &fetched, fetched: &fetched, limits: None };
    let refused = place(fixture.port(), &an_order(&fetched[0]), &a_key(), &conditions).await;
    assert_eq!(kind_and_code(refused), (FailureKind::Conflict, PRICE_OUTDATED));
    assert_eq!(current(fixture.port(), &[newer.product_id]).await, [newer]);
}
