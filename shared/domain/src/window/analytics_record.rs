//! The records of the analytics stream: what analytics uses of each event, under the type and the envelope of the event.

use crate::{
    DomainEvent, Event, Money,
    address::Area,
    canary, event,
    id::{ProductId, UserId},
    order_status::Reason,
    text::ProductName,
};
use kernel::{CloudEvent, Failure};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor},
    ser::SerializeStruct as _,
};
use serde_json::Value;
use std::fmt;

const SOLD: &str = catalog::ORDER_CONFIRMED.name;
const CANCELLED: &str = catalog::ORDER_CANCELLED.name;
const PAID: &str = catalog::PAYMENT_SUCCEEDED.name;
const DECLINED: &str = catalog::PAYMENT_FAILED.name;
const REFUNDED: &str = catalog::PAYMENT_REFUNDED.name;
const ERASED: &str = catalog::USER_ERASED.name;
const TYPES: &[&str] = &[SOLD, CANCELLED, PAID, DECLINED, REFUNDED, ERASED];

/// What analytics uses of an event. Nothing else of it is on the analytics stream: no address, no text that a customer typed. It is
/// written as the type of its event and its `data`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnalyticsRecord {
    /// An order was confirmed.
    Sold(Sale),
    /// An order was cancelled.
    Cancelled(Cancellation),
    /// A payment was charged.
    Paid(PaymentAmount),
    /// A charge was declined.
    Declined(PaymentAmount),
    /// A refund succeeded.
    Refunded(PaymentAmount),
    /// A customer is to be forgotten.
    Erased(Erasure),
}

/// What analytics uses of a confirmed order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sale {
    pub revenue: Money,
    /// Country and region of the shipping address.
    pub area: Area,
    pub lines: Vec<SoldLine>,
    /// Id of the customer, which distinguishes first orders from repeat ones; absent in older records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
}

/// A product and its units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoldLine {
    pub product_id: ProductId,
    /// As the catalogue shows it to everybody.
    pub product_name: ProductName,
    pub quantity: u32,
}

/// What analytics uses of a cancelled order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancellation {
    /// The amount to pay.
    pub amount: Money,
    pub reason: Reason,
}

/// What analytics uses of a charge that was made or declined, and of a refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentAmount {
    pub amount: Money,
}

/// What analytics uses of the erasure of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    pub user_id: UserId,
}

/// A record of the analytics stream, in the envelope of its event.
pub type StreamRecord = CloudEvent<AnalyticsRecord>;

/// The record of an event; `None` for one of the canary, and [`event::unexpected_event`] for an event that analytics does not use.
///
/// An event about a payment that was written before it named the customer counts even if it was the canary's.
pub fn stream_record(of: &Event) -> Result<Option<StreamRecord>, Failure> {
    let (customer, record) = match &of.event {
        DomainEvent::OrderConfirmed(order) => (Some(order.user_id), AnalyticsRecord::Sold(sale(order))),
        DomainEvent::OrderCancelled(order) => {
            let cancellation = Cancellation { amount: order.total_amount, reason: order.reason };
            (Some(order.user_id), AnalyticsRecord::Cancelled(cancellation))
        }
        DomainEvent::PaymentSucceeded(paid) => {
            (paid.user_id, AnalyticsRecord::Paid(PaymentAmount { amount: paid.amount }))
        }
        DomainEvent::PaymentFailed(failed) => {
            (failed.user_id, AnalyticsRecord::Declined(PaymentAmount { amount: failed.amount }))
        }
        DomainEvent::PaymentRefunded(made) => {
            (made.user_id, AnalyticsRecord::Refunded(PaymentAmount { amount: made.amount }))
        }
        DomainEvent::UserErased(erased) => (None, AnalyticsRecord::Erased(Erasure { user_id: erased.user_id })),
        other => return Err(event::unexpected_event(other)),
    };
    if customer.is_some_and(canary::is_customer) {
        return Ok(None);
    }
    Ok(Some(CloudEvent {
        specversion: of.specversion.clone(),
        id: of.id,
        source: of.source.clone(),
        subject: of.subject.clone(),
        time: of.time,
        sequence: of.sequence,
        correlationid: of.correlationid,
        traceparent: of.traceparent.clone(),
        actor: None,
        event: record,
    }))
}

fn sale(order: &event::OrderConfirmed) -> Sale {
    let line = |line: &crate::order_line::OrderLine| SoldLine {
        product_id: line.product_id,
        product_name: line.product_name.clone(),
        quantity: line.quantity.get(),
    };
    Sale {
        revenue: order.total_amount,
        area: order.shipping_address.area(),
        lines: order.lines.iter().map(line).collect(),
        user_id: Some(order.user_id),
    }
}

impl AnalyticsRecord {
    /// The event that it is about.
    pub const fn row(&self) -> &'static catalog::Event {
        match self {
            Self::Sold(_) => catalog::ORDER_CONFIRMED,
            Self::Cancelled(_) => catalog::ORDER_CANCELLED,
            Self::Paid(_) => catalog::PAYMENT_SUCCEEDED,
            Self::Declined(_) => catalog::PAYMENT_FAILED,
            Self::Refunded(_) => catalog::PAYMENT_REFUNDED,
            Self::Erased(_) => catalog::USER_ERASED,
        }
    }
}

impl Serialize for AnalyticsRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut record = serializer.serialize_struct("AnalyticsRecord", 2)?;
        record.serialize_field("type", self.row().name)?;
        match self {
            Self::Sold(data) => record.serialize_field("data", data)?,
            Self::Cancelled(data) => record.serialize_field("data", data)?,
            Self::Paid(data) | Self::Declined(data) | Self::Refunded(data) => record.serialize_field("data", data)?,
            Self::Erased(data) => record.serialize_field("data", data)?,
        }
        record.end()
    }
}

/// Written by hand, because the names of the types are the catalog's.
impl<'de> Deserialize<'de> for AnalyticsRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FactVisitor)
    }
}

/// The name of a type of records.
struct TypeName(&'static str);

impl<'de> Deserialize<'de> for TypeName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = TYPES.iter().find(|known| **known == name);
        known.map(|known| Self(known)).ok_or_else(|| D::Error::unknown_variant(&name, TYPES))
    }
}

struct FactVisitor;

impl<'de> Visitor<'de> for FactVisitor {
    type Value = AnalyticsRecord;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    /// Data that comes after its type is read where it is, so that an error has the path to what is wrong.
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<AnalyticsRecord, A::Error> {
        let (mut name, mut unread, mut record) = (None, None::<Value>, None);
        while let Some(member) = members.next_key::<String>()? {
            match (member.as_str(), &name) {
                ("type", _) => name = Some(members.next_value::<TypeName>()?),
                ("data", Some(TypeName(name))) => record = Some(members.next_value_seed(Data(name))?),
                ("data", None) => unread = Some(members.next_value()?),
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        let TypeName(name) = name.ok_or_else(|| A::Error::missing_field("type"))?;
        match (record, unread) {
            (Some(record), _) => Ok(record),
            (None, Some(data)) => Data(name).deserialize(data).map_err(A::Error::custom),
            (None, None) => Err(A::Error::missing_field("data")),
        }
    }
}

/// Reads the data of a record of this type.
struct Data(&'static str);

impl<'de> DeserializeSeed<'de> for Data {
    type Value = AnalyticsRecord;

    fn deserialize<D: Deserializer<'de>>(self, data: D) -> Result<AnalyticsRecord, D::Error> {
        match self.0 {
            SOLD => Deserialize::deserialize(data).map(AnalyticsRecord::Sold),
            CANCELLED => Deserialize::deserialize(data).map(AnalyticsRecord::Cancelled),
            PAID => Deserialize::deserialize(data).map(AnalyticsRecord::Paid),
            DECLINED => Deserialize::deserialize(data).map(AnalyticsRecord::Declined),
            REFUNDED => Deserialize::deserialize(data).map(AnalyticsRecord::Refunded),
            ERASED => Deserialize::deserialize(data).map(AnalyticsRecord::Erased),
            other => Err(D::Error::unknown_variant(other, TYPES)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn records() -> Vec<AnalyticsRecord> {
        let amount = Money::new(1999, "EUR").expect("an amount");
        let (movement, user_id) = (PaymentAmount { amount }, UserId(kernel::Uuid::from_u128(7)));
        let lines = vec![SoldLine {
            product_id: ProductId(kernel::Uuid::from_u128(8)),
            product_name: ProductName::parse("Lantern").expect("a name"),
            quantity: 2,
        }];
        let area = Area::parse("DE-BE").expect("an area");
        vec![
            AnalyticsRecord::Sold(Sale { revenue: amount, area, lines, user_id: Some(user_id) }),
            AnalyticsRecord::Cancelled(Cancellation { amount, reason: Reason::TimedOut }),
            AnalyticsRecord::Paid(movement.clone()),
            AnalyticsRecord::Declined(movement.clone()),
            AnalyticsRecord::Refunded(movement),
            AnalyticsRecord::Erased(Erasure { user_id }),
        ]
    }

    #[test]
    fn record_is_read_as_it_was_written_under_the_type_of_its_event() {
        for record in records() {
            let written = serde_json::to_value(&record).expect("serializes");
            assert_eq!(written["type"], record.row().name);
            assert_eq!(serde_json::from_value::<AnalyticsRecord>(written).expect("a record"), record);
        }
    }

    #[test]
    fn record_with_an_unknown_type_or_word_is_from_a_newer_writer() {
        let other = json!({ "type": "OrderGifted.v1", "data": {} });
        let word = json!({ "type": catalog::ORDER_CANCELLED.name, "data": {
            "amount": { "amount": 1, "currency": "USD" }, "reason": "added_later"
        } });
        for newer in [other, word] {
            let error = serde_json::from_value::<AnalyticsRecord>(newer).expect_err("unknown").to_string();
            assert!(error.starts_with("unknown variant"), "{error}");
        }
    }
}
