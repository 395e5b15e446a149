//! Rules of [`ProductSnapshots`].

use super::{Fixture, Observed, fresh};
use crate::build::{self, usd};
use domain::{Money, id::ProductId, order::ProductSnapshot, product::Product};
use ports::ProductSnapshots;

/// Where products are put on sale.
#[allow(async_fn_in_trait)] // As with the ports: one thread.
pub trait ProductSource {
    /// Puts a product on sale.
    async fn add(&self, product: &Product);
}

/// One test a rule of [`ProductSnapshots`], each over the `Fixture<Observed<impl ProductSnapshots, impl ProductSource>>` that the expression gives when it is
/// awaited.
#[macro_export]
macro_rules! contract_product_snapshots {
    ($under:expr) => {
        $crate::each_rule! { product_snapshots, $under;
            product_on_sale_has_a_snapshot_with_name_and_price
            unknown_products_are_omitted
            snapshots_for_an_order_of_maximum_size_are_found
        }
    };
}

async fn find(offers: &impl ProductSnapshots, products: &[ProductId]) -> Vec<ProductSnapshot> {
    let mut found = offers.find(products).await.expect("the catalogue answers");
    found.sort_by_key(|offer| offer.product_id);
    found
}

pub async fn product_on_sale_has_a_snapshot_with_name_and_price(
    under: &Fixture<Observed<impl ProductSnapshots, impl ProductSource>>,
) {
    let yen = Money::new(1_234, "JPY").expect("an amount");
    let lamp = build::product().id(ProductId(fresh())).name("Lamp “Ü” \\ 照明").price(usd(1999)).created();
    let cord = build::product().id(ProductId(fresh())).name("Cord").price(yen).created();
    for product in [&lamp, &cord] {
        under.observer().add(product).await;
    }
    let mut expected = [&lamp, &cord].map(|product| ProductSnapshot {
        product_id: product.id,
        name: product.name.clone(),
        price: product.price,
    });
    expected.sort_by_key(|offer| offer.product_id);
    assert_eq!(find(under.observed_port(), &[cord.id, lamp.id]).await, expected);
}

pub async fn unknown_products_are_omitted(under: &Fixture<Observed<impl ProductSnapshots, impl ProductSource>>) {
    let lamp = build::product().id(ProductId(fresh())).created();
    under.observer().add(&lamp).await;
    let found = find(under.observed_port(), &[ProductId(fresh()), lamp.id, ProductId(fresh())]).await;
    assert_eq!(found.iter().map(|offer| offer.product_id).collect::<Vec<_>>(), [lamp.id]);
    assert_eq!(find(under.observed_port(), &[ProductId(fresh())]).await, []);
    assert_eq!(find(under.observed_port(), &[]).await, []);
}

pub async fn snapshots_for_an_order_of_maximum_size_are_found(
    under: &Fixture<Observed<impl ProductSnapshots, impl ProductSource>>,
) {
    let mut wanted = Vec::new();
    for _ in 0..domain::order::MAX_LINES {
        let product = build::product().id(ProductId(fresh())).created();
        under.observer().add(&product).await;
        wanted.push(product.id);
    }
    wanted.sort_unstable();
    let found = find(under.observed_port(), &wanted).await;
    assert_eq!(found.iter().map(|offer| offer.product_id).collect::<Vec<_>>(), wanted);
}
