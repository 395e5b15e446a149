//! Contract of [`ProductSnapshots`].

use super::{Fixture, Observed, fresh};
use crate::build::{self, usd};
use domain::{Money, id::ProductId, order::ProductSnapshot, product::Product};
use ports::ProductSnapshots;

/// The source of the products.
#[allow(async_fn_in_trait)] // Single-threaded, as the ports.
pub trait ProductSource {
    async fn add(&self, product: &Product);
}

/// Generates one test per rule of [`ProductSnapshots`]. The expression is a future of a
/// `Fixture<Observed<impl ProductSnapshots, impl ProductSource>>`.
#[macro_export]
macro_rules! contract_product_snapshots {
    ($fixture:expr) => {
        $crate::each_rule! { product_snapshots, $fixture;
            product_on_sale_has_a_snapshot_with_name_and_price
            unknown_products_are_omitted
            snapshots_for_an_order_of_maximum_size_are_found
        }
    };
}

async fn find(snapshots: &impl ProductSnapshots, products: &[ProductId]) -> Vec<ProductSnapshot> {
    let mut found = snapshots.find(products).await.expect("the catalogue responds");
    found.sort_by_key(|snapshot| snapshot.product_id);
    found
}

pub async fn product_on_sale_has_a_snapshot_with_name_and_price(
    fixture: &Fixture<Observed<impl ProductSnapshots, impl ProductSource>>,
) {
    let yen = Money::new(1_234, "JPY").expect("an amount");
    let lamp = build::product().id(ProductId(fresh())).name("Lamp “Ü” \\ 照明").price(usd(1999)).created();
    let cord = build::product().id(ProductId(fresh())).name("Cord").price(yen).created();
    for product in [&lamp, &cord] {
        fixture.observer().add(product).await;
    }
    let mut expected = [&lamp, &cord].map(Product::snapshot);
    expected.sort_by_key(|snapshot| snapshot.product_id);
    assert_eq!(find(fixture.observed_port(), &[cord.id, lamp.id]).await, expected);
}

pub async fn unknown_products_are_omitted(fixture: &Fixture<Observed<impl ProductSnapshots, impl ProductSource>>) {
    let lamp = build::product().id(ProductId(fresh())).created();
    fixture.observer().add(&lamp).await;
    let found = find(fixture.observed_port(), &[ProductId(fresh()), lamp.id, ProductId(fresh())]).await;
    assert_eq!(found.iter().map(|snapshot| snapshot.product_id).collect::<Vec<_>>(), [lamp.id]);
    assert_eq!(find(fixture.observed_port(), &[ProductId(fresh())]).await, []);
    assert_eq!(find(fixture.observed_port(), &[]).await, []);
}

pub async fn snapshots_for_an_order_of_maximum_size_are_found(
    fixture: &Fixture<Observed<impl ProductSnapshots, impl ProductSource>>,
) {
    let mut wanted = Vec::new();
    for _ in 0..domain::order::MAX_LINES {
        let product = build::product().id(ProductId(fresh())).created();
        fixture.observer().add(&product).await;
        wanted.push(product.id);
    }
    wanted.sort_unstable();
    let found = find(fixture.observed_port(), &wanted).await;
    assert_eq!(found.iter().map(|snapshot| snapshot.product_id).collect::<Vec<_>>(), wanted);
}
