//! Rules of [`Offers`].

use super::{Under, Watched, fresh};
use crate::build::{self, usd};
use domain::{Money, id::ProductId, order::Offer, product::Product};
use ports::Offers;

/// Where products are put on sale.
#[allow(async_fn_in_trait)] // As with the ports: one thread.
pub trait Shelf {
    /// Puts a product on sale.
    async fn sell(&self, product: &Product);
}

/// One test a rule of [`Offers`], each over the `Under<Watched<impl Offers, impl Shelf>>` that the expression gives when it is
/// awaited.
#[macro_export]
macro_rules! contract_offers {
    ($under:expr) => {
        $crate::each_rule! { offers, $under;
            what_is_on_sale_is_offered_by_its_name_and_price
            what_is_not_on_sale_is_left_out
            as_many_products_as_an_order_may_have_are_all_found
        }
    };
}

async fn find(offers: &impl Offers, products: &[ProductId]) -> Vec<Offer> {
    let mut found = offers.find(products).await.expect("the catalogue answers");
    found.sort_by_key(|offer| offer.product_id);
    found
}

pub async fn what_is_on_sale_is_offered_by_its_name_and_price(under: &Under<Watched<impl Offers, impl Shelf>>) {
    let yen = Money::new(1_234, "JPY").expect("an amount");
    let lamp = build::product().id(ProductId(fresh())).name("Lamp “Ü” \\ 照明").price(usd(1999)).created();
    let cord = build::product().id(ProductId(fresh())).name("Cord").price(yen).created();
    for product in [&lamp, &cord] {
        under.beyond().sell(product).await;
    }
    let mut expected = [&lamp, &cord].map(|product| Offer {
        product_id: product.id,
        name: product.name.clone(),
        price: product.price,
    });
    expected.sort_by_key(|offer| offer.product_id);
    assert_eq!(find(under.door(), &[cord.id, lamp.id]).await, expected);
}

pub async fn what_is_not_on_sale_is_left_out(under: &Under<Watched<impl Offers, impl Shelf>>) {
    let lamp = build::product().id(ProductId(fresh())).created();
    under.beyond().sell(&lamp).await;
    let found = find(under.door(), &[ProductId(fresh()), lamp.id, ProductId(fresh())]).await;
    assert_eq!(found.iter().map(|offer| offer.product_id).collect::<Vec<_>>(), [lamp.id]);
    assert_eq!(find(under.door(), &[ProductId(fresh())]).await, []);
    assert_eq!(find(under.door(), &[]).await, []);
}

pub async fn as_many_products_as_an_order_may_have_are_all_found(under: &Under<Watched<impl Offers, impl Shelf>>) {
    let mut wanted = Vec::new();
    for _ in 0..domain::order::MAX_LINES {
        let product = build::product().id(ProductId(fresh())).created();
        under.beyond().sell(&product).await;
        wanted.push(product.id);
    }
    wanted.sort_unstable();
    let found = find(under.door(), &wanted).await;
    assert_eq!(found.iter().map(|offer| offer.product_id).collect::<Vec<_>>(), wanted);
}
