//! Filter and sort order of a list of orders.

use super::{Order, OrderNumber, Status};
use crate::{
    id::UserId,
    money::{Amount, Currency},
};
use kernel::{Failure, Timestamp};

words! {
    /// The order of a list; a minus stands for descending. Orders with the same value are listed by id.
    #[derive(Default)]
    pub enum Sort {
        #[default]
        #[strum(serialize = "-created_at")]
        Newest,
        #[strum(serialize = "created_at")]
        Oldest,
        #[strum(serialize = "-total_amount")]
        Largest,
        #[strum(serialize = "total_amount")]
        Smallest,
    }
}

impl Sort {
    pub const fn is_by_amount(self) -> bool {
        matches!(self, Self::Largest | Self::Smallest)
    }

    pub const fn is_descending(self) -> bool {
        matches!(self, Self::Newest | Self::Largest)
    }

    /// The value that orders are sorted by: microseconds since 1970, or minor units.
    pub fn key(self, order: &Order) -> i64 {
        if self.is_by_amount() { order.total.amount.get() } else { order.created_at.as_microsecond() }
    }
}

/// Conditions of a list of orders, all of which hold. The default has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    pub owner: Option<UserId>,
    /// The end of the id.
    pub number: Option<OrderNumber>,
    pub status: Option<Status>,
    /// Placed at this time or later.
    pub from: Option<Timestamp>,
    /// Placed before this time.
    pub to: Option<Timestamp>,
    pub currency: Option<Currency>,
    /// Lowest and highest total.
    pub amounts: (Option<Amount>, Option<Amount>),
    pub sort: Sort,
}

impl Filter {
    /// Amounts can only be compared in one currency, and ranges must not be empty.
    pub fn check(&self) -> Result<(), Failure> {
        let (least, most) = self.amounts;
        if self.currency.is_none() && (least.or(most).is_some() || self.sort.is_by_amount()) {
            return Err(Failure::field("?currency", "is required to compare amounts"));
        }
        if least.zip(most).is_some_and(|(least, most)| least > most) {
            return Err(Failure::field("?max_amount", "must be at least min_amount"));
        }
        if self.from.zip(self.to).is_some_and(|(from, to)| from >= to) {
            return Err(Failure::field("?to", "must be after from"));
        }
        Ok(())
    }

    pub fn matches(&self, order: &Order) -> bool {
        self.owner.is_none_or(|owner| order.user_id == owner)
            && self.number.is_none_or(|number| order.id.number() == number)
            && self.status.is_none_or(|status| order.status == status)
            && self.from.is_none_or(|from| order.created_at >= from)
            && self.to.is_none_or(|to| order.created_at < to)
            && self.currency.is_none_or(|currency| order.total.currency == currency)
            && self.amounts.0.is_none_or(|least| order.total.amount >= least)
            && self.amounts.1.is_none_or(|most| order.total.amount <= most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_compared_in_one_currency_only() {
        let amount = |minor: i64| Amount::try_from(minor).ok();
        let dollars = Filter { currency: Currency::parse("USD").ok(), ..Filter::default() };
        for (filter, pointer) in [
            (Filter { amounts: (amount(1), None), ..Filter::default() }, Some("?currency")),
            (Filter { sort: Sort::Largest, ..Filter::default() }, Some("?currency")),
            (Filter { amounts: (amount(2), amount(1)), ..dollars.clone() }, Some("?max_amount")),
            (Filter { amounts: (amount(1), amount(1)), sort: Sort::Smallest, ..dollars }, None),
            (
                Filter { from: Some(Timestamp::UNIX_EPOCH), to: Some(Timestamp::UNIX_EPOCH), ..Filter::default() },
                Some("?to"),
            ),
        ] {
            let refused = filter.check().err().map(|failure| failure.fields[0].pointer.clone());
            assert_eq!(refused.as_deref(), pointer, "{filter:?}");
        }
    }
}
