//! Lines, shipping and tax of an order, from products, rates and address.

use super::{OrderLine, PlaceOrder, ProductSnapshot};
use crate::{
    Money, canary,
    id::UserId,
    money::SumError,
    shipping::ShippingRates,
    tax::{AreaRates, TaxRates},
    totals::Totals,
};
use kernel::Failure;

/// What the environment charges on top of the prices of the products.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rates {
    pub tax: TaxRates,
    pub shipping: ShippingRates,
}

/// The lines and totals of an order. Failures are those of [`super::place`].
pub(super) fn price(
    command: &PlaceOrder,
    user_id: UserId,
    snapshots: &[ProductSnapshot],
    rates: &Rates,
) -> Result<(Vec<OrderLine>, Totals), Failure> {
    let invalid_region = |detail| Failure::field("/shipping_address/region", detail);
    let area = rates.tax.at(&command.shipping_address).map_err(invalid_region)?;
    let tax = |area: &AreaRates, price, rate| area.tax(price, rate, rates.tax.rounding);
    let mut lines: Vec<OrderLine> = Vec::with_capacity(command.items.len());
    let mut sum: Option<Money> = None;
    for (n, item) in command.items.iter().enumerate() {
        let snapshot = snapshots
            .iter()
            .find(|snapshot| snapshot.product_id == item.product_id && snapshot.active)
            .filter(|snapshot| canary::may_order(user_id, &snapshot.name))
            .ok_or_else(|| Failure::field(format!("/items/{n}/product_id"), "is not a product on sale"))?;
        let sum_error = |error| match error {
            SumError::Mixed => Failure::field(format!("/items/{n}/product_id"), "is sold in another currency"),
            SumError::TooLarge => Failure::field(format!("/items/{n}/quantity"), "makes the total too large"),
        };
        let line_total = snapshot.price.times(item.quantity.get()).map_err(sum_error)?;
        sum = Some(sum.map_or(Ok(line_total), |sum| sum.plus(line_total)).map_err(sum_error)?);
        let tax = area.map(|area| tax(area, line_total, area.of(&snapshot.category)));
        lines.push(OrderLine {
            product_id: item.product_id,
            product_name: snapshot.name.clone(),
            quantity: item.quantity,
            unit_price: snapshot.price,
            line_total,
            tax: tax.transpose().map_err(sum_error)?,
        });
    }
    let currency = sum.ok_or_else(|| Failure::field("/items", "must not be empty"))?.currency;
    let unavailable = |detail| Failure::field("/shipping_method", detail);
    let shipping = rates.shipping.choose(command.shipping_method.as_ref(), currency).map_err(unavailable)?;
    let too_large = |_| Failure::field("/items", "make the total too large");
    let shipping_tax = area.map(|area| tax(area, shipping.price, area.of_shipping())).transpose().map_err(too_large)?;
    let taxed: Vec<_> = lines.iter().map(|line| (line.line_total, line.tax)).collect();
    let is_included = area.is_some_and(|area| area.is_included);
    let totals =
        Totals::sum(&taxed, (shipping.method, shipping.price, shipping_tax), is_included).map_err(too_large)?;
    Ok((lines, totals))
}
