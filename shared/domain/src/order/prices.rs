//! The prices that an order is placed at: those of the copy that orders keep of the catalogue.

use super::Item;
use crate::{
    Money,
    id::ProductId,
    text::{Category, ProductName},
};
use kernel::{Failure, FailureKind, FieldError};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Code of the failure for a request that expected another price.
pub const PRICE_CHANGED: &str = "price-changed";

/// What an order needs to know of a product, at one version of the product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductSnapshot {
    pub product_id: ProductId,
    pub name: ProductName,
    /// The tax rate of the product depends on it.
    pub category: Category,
    /// Price of one unit.
    pub price: Money,
    /// Whether the product is on sale.
    pub active: bool,
    /// The version of the product; of two snapshots, the one with the higher version is valid.
    pub version: u64,
}

/// The products of `wanted` without a snapshot.
pub fn unknown(wanted: &[ProductId], snapshots: &[ProductSnapshot]) -> Vec<ProductId> {
    let is_unknown = |product: &&ProductId| snapshots.iter().all(|snapshot| snapshot.product_id != **product);
    wanted.iter().filter(is_unknown).copied().collect()
}

/// Whether each of `wanted` is on sale. That one is not may be temporary, while the catalogue catches up.
fn are_on_sale(wanted: &[ProductId], snapshots: &[ProductSnapshot]) -> bool {
    wanted.iter().all(|product| snapshots.iter().any(|one| one.product_id == *product && one.active))
}

/// Whether `rejection`, of an order for `wanted` at the prices of `snapshots`, is permanent: it does not depend on what the catalogue
/// says at this moment.
pub fn is_final(rejection: &Failure, wanted: &[ProductId], snapshots: &[ProductSnapshot]) -> bool {
    rejection.code != PRICE_CHANGED && are_on_sale(wanted, snapshots)
}

/// Compares the prices that the customer was shown with those of the snapshots. A difference is a `Conflict`, code [`PRICE_CHANGED`],
/// which states both prices of each line that differs.
pub(super) fn check_expected(items: &[Item], snapshots: &[ProductSnapshot]) -> Result<(), Failure> {
    let differing = items.iter().enumerate().filter_map(|(n, item)| {
        let expected = item.expected_unit_price?;
        let snapshot = snapshots.iter().find(|snapshot| snapshot.product_id == item.product_id)?;
        (snapshot.price != expected).then_some((n, item.product_id, expected, snapshot.price))
    });
    let (mut fields, mut prices) = (Vec::new(), Vec::new());
    for (n, product_id, expected, price) in differing {
        let detail = format!("is {expected}, but the price is {price}");
        fields.push(FieldError { pointer: format!("/items/{n}/expected_unit_price"), detail });
        prices.push(json!({ "product_id": product_id, "expected_unit_price": expected, "unit_price": price }));
    }
    if fields.is_empty() {
        return Ok(());
    }
    let detail = "A price differs from the expected one; send the request again with the price that is accepted.";
    let failure = Failure::new(FailureKind::Conflict, PRICE_CHANGED, detail).with_member("prices", prices.into());
    Err(Failure { fields, ..failure })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Uuid;

    fn usd(minor: i64) -> Money {
        Money::new(minor, "USD").expect("valid")
    }

    fn snapshot(n: u128, minor: i64, active: bool) -> ProductSnapshot {
        let name = ProductName::parse("Lamp").expect("valid");
        let category = Category::parse("lighting").expect("valid");
        ProductSnapshot {
            product_id: ProductId(Uuid::from_u128(n)),
            name,
            category,
            price: usd(minor),
            active,
            version: 1,
        }
    }

    fn item(n: u128, expected: Option<Money>) -> Item {
        let quantity = 1.try_into().expect("valid");
        Item { product_id: ProductId(Uuid::from_u128(n)), quantity, expected_unit_price: expected }
    }

    #[test]
    fn each_line_that_expects_another_price_is_named_with_both_prices() {
        let snapshots = [snapshot(1, 1_999, true), snapshot(2, 500, true), snapshot(3, 700, true)];
        let euro = Money::new(700, "EUR").expect("valid");
        let items = [item(1, Some(usd(1_899))), item(2, Some(usd(500))), item(3, Some(euro)), item(1, None)];
        let failure = check_expected(&items, &snapshots).expect_err("two lines differ");
        assert_eq!((failure.kind, failure.code), (FailureKind::Conflict, PRICE_CHANGED));
        let named: Vec<_> = failure.fields.iter().map(|field| (&*field.pointer, &*field.detail)).collect();
        assert_eq!(
            named,
            [
                ("/items/0/expected_unit_price", "is 18.99 USD, but the price is 19.99 USD"),
                ("/items/2/expected_unit_price", "is 7.00 EUR, but the price is 7.00 USD"),
            ]
        );
        let (name, prices) = *failure.member.expect("both prices");
        assert_eq!(
            (name, &prices[0]["unit_price"]["amount"], prices.as_array().map(Vec::len)),
            ("prices", &1_999.into(), Some(2))
        );
    }

    #[test]
    fn expected_prices_that_are_right_or_absent_are_accepted() {
        let items = [item(1, Some(usd(1_999))), item(2, None), item(3, Some(usd(1)))];
        assert_eq!(check_expected(&items, &[snapshot(1, 1_999, true), snapshot(2, 5, true)]), Ok(()));
    }

    #[test]
    fn inactive_product_is_known_and_not_on_sale() {
        let (lamp, cord, oar) = (snapshot(1, 5, true), snapshot(2, 5, false), snapshot(3, 5, true));
        let wanted = [lamp.product_id, cord.product_id, oar.product_id];
        let known = [lamp, cord];
        assert_eq!(unknown(&wanted, &known), [oar.product_id]);
        assert_eq!((are_on_sale(&wanted[..1], &known), are_on_sale(&wanted[..2], &known)), (true, false));
    }
}
