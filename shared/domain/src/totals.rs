//! What the total of an order consists of. It is computed once, when the order is placed, and carried by events and invoices.

use crate::{
    Money,
    money::SumError,
    tax::{Tax, TaxRate},
    text::ShippingMethod,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Subtotal, shipping and tax of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Sum of the line totals.
    pub subtotal: Money,
    /// Method of shipping.
    pub shipping_method: ShippingMethod,
    /// Price of the shipping.
    pub shipping: Money,
    /// Tax of the shipping; absent where no tax is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping_tax: Option<Tax>,
    /// Tax of all lines and of the shipping.
    pub tax: Money,
    /// Whether the prices include the tax; otherwise it is added to them.
    pub tax_included: bool,
    /// The tax by rate, lowest rate first.
    pub taxes: Vec<TaxLine>,
}

/// What is taxed at one rate, and the tax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TaxLine {
    /// Rate in percent.
    pub rate: TaxRate,
    /// Prices that are taxed at this rate; they include the tax where `tax_included` is true.
    pub taxed: Money,
    /// Sum of the taxes at this rate.
    pub amount: Money,
}

impl Totals {
    /// Those of lines with these totals and taxes.
    pub fn sum(
        lines: &[(Money, Option<Tax>)],
        (shipping_method, shipping, shipping_tax): (ShippingMethod, Money, Option<Tax>),
        tax_included: bool,
    ) -> Result<Self, SumError> {
        let zero = Money::zero(shipping.currency);
        let subtotal = lines.iter().try_fold(zero, |sum, (price, _)| sum.plus(*price))?;
        let mut taxes: Vec<TaxLine> = Vec::new();
        for (price, tax) in lines.iter().copied().chain([(shipping, shipping_tax)]) {
            let Some(tax) = tax.filter(|_| price != zero) else { continue };
            match taxes.iter_mut().find(|line| line.rate == tax.rate) {
                Some(line) => {
                    (line.taxed, line.amount) = (line.taxed.plus(price)?, line.amount.plus(tax.amount)?);
                }
                None => taxes.push(TaxLine { rate: tax.rate, taxed: price, amount: tax.amount }),
            }
        }
        taxes.sort_by_key(|line| line.rate);
        let tax = taxes.iter().try_fold(zero, |sum, line| sum.plus(line.amount))?;
        Ok(Self { subtotal, shipping_method, shipping, shipping_tax, tax, tax_included, taxes })
    }

    /// Those of an order whose lines are all that is paid.
    pub fn untaxed(total: Money) -> Self {
        let zero = Money::zero(total.currency);
        Self {
            subtotal: total,
            shipping_method: ShippingMethod::standard(),
            shipping: zero,
            shipping_tax: None,
            tax: zero,
            tax_included: false,
            taxes: Vec::new(),
        }
    }

    /// The amount to pay.
    pub fn total(&self) -> Result<Money, SumError> {
        let goods = self.subtotal.plus(self.shipping)?;
        if self.tax_included { Ok(goods) } else { goods.plus(self.tax) }
    }
}
