//! Readers of a fabricated release 0.2, which has members and words that 0.1 does not write: what a change within a version looks like.

use super::golden::lines;
use kernel::CloudEvent;
use serde::Deserialize;
use serde_json::Value;

/// Events of 0.2, as some of its consumers read them.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "type", content = "data")]
enum NextEvent {
    #[serde(rename = "OrderCancelled.v1")]
    OrderCancelled(OrderCancelled),
    #[serde(rename = "StockReserved.v1")]
    StockReserved(StockReserved),
    #[serde(rename = "PaymentSucceeded.v1")]
    PaymentSucceeded(PaymentSucceeded),
}

#[derive(Debug, PartialEq, Deserialize)]
struct OrderCancelled {
    order_id: String,
    reason: NextReason,
    total_amount: NextMoney,
    /// Added: an old writer does not state it.
    #[serde(default)]
    added_later: Option<Added>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct StockReserved {
    lines: Vec<StockLine>,
    #[serde(default)]
    added_later: Option<Added>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct StockLine {
    quantity: u32,
    #[serde(default)]
    added_later: Option<Added>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct PaymentSucceeded {
    amount: NextMoney,
    #[serde(default)]
    added_later: Option<Added>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct NextMoney {
    amount: i64,
    currency: String,
    #[serde(default)]
    added_later: Option<Added>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Added {
    kind: String,
    amount: i64,
}

/// The reasons of today, and one that was added.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum NextReason {
    Today(domain::order::Reason),
    Added(AddedReason),
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AddedReason {
    AddedLater,
}

const READ: [&str; 3] = ["OrderCancelled.v1", "StockReserved.v1", "PaymentSucceeded.v1"];

fn read(file: &str) -> Vec<NextEvent> {
    let events = lines(file).into_iter().filter(|event| READ.iter().any(|name| event["type"] == *name));
    let read = |event: Value| {
        let read: CloudEvent<NextEvent> =
            serde_json::from_value(event.clone()).unwrap_or_else(|cause| panic!("{event}: {cause}"));
        read.event
    };
    events.map(read).collect()
}

fn added(event: &NextEvent) -> [Option<&Added>; 2] {
    match event {
        NextEvent::OrderCancelled(event) => [event.added_later.as_ref(), event.total_amount.added_later.as_ref()],
        NextEvent::StockReserved(event) => {
            [event.added_later.as_ref(), event.lines.first().and_then(|line| line.added_later.as_ref())]
        }
        NextEvent::PaymentSucceeded(event) => [event.added_later.as_ref(), event.amount.added_later.as_ref()],
    }
}

#[test]
fn reader_of_0_2_takes_events_of_0_1_without_the_members_that_were_added() {
    let events = read("events-0.1.jsonl");
    assert!(events.len() > 20, "{} events", events.len());
    assert!(events.iter().all(|event| added(event) == [None, None]));
}

#[test]
fn reader_of_0_2_takes_the_members_that_a_writer_of_0_2_adds() {
    let events = read("events-0.2-members.jsonl");
    assert_eq!(events.len(), READ.len());
    assert!(events.iter().all(|event| added(event).iter().all(Option::is_some)), "{events:?}");
}

#[test]
fn reader_of_0_2_takes_the_words_that_a_writer_of_0_2_adds() {
    let is_added = |event: &NextEvent| {
        matches!(event, NextEvent::OrderCancelled(OrderCancelled { reason: NextReason::Added(_), .. }))
    };
    let events = read("events-0.2-words.jsonl");
    assert_eq!(events.iter().filter(|event| is_added(event)).count(), 1, "{events:?}");
}
