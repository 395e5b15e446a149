//! Contract of [`EventLog`].

use super::{Fixture, Observed, Observer, an_event, fresh, later};
use crate::build;
use domain::id::OrderId;
use futures_util::future::join_all;
use ports::{EventLog, EventLogRecord};

/// Generates one test per rule of [`EventLog`]. The expression is a future of a
/// `Fixture<Observed<impl EventLog, impl Observer<EventLogRecord>>>`. The log has the catalog's topics.
#[macro_export]
macro_rules! contract_event_log {
    ($fixture:expr) => {
        $crate::each_rule! { event_log, $fixture;
            record_is_appended_unchanged_to_its_topic
            records_of_one_key_stay_in_order
            concurrent_appends_are_all_stored
            tombstone_follows_the_records_of_its_key_without_a_value
        }
    };
}

/// A record with a real event as its value, since other consumers read the same topics.
fn a_record(key: &str, seconds: i64) -> EventLogRecord {
    let event = an_event(build::order().id(OrderId(fresh())).order_placed());
    EventLogRecord {
        topic: catalog::ORDER_EVENTS.name,
        key: key.to_owned(),
        value: Some(serde_json::to_string(&event).expect("events serialize")),
        time: later(seconds),
    }
}

pub async fn record_is_appended_unchanged_to_its_topic(
    fixture: &Fixture<Observed<impl EventLog, impl Observer<EventLogRecord>>>,
) {
    for topic in [catalog::ORDER_EVENTS.name, catalog::USER_EVENTS.name] {
        let record = EventLogRecord { topic, ..a_record(&fresh().to_string(), -5) };
        fixture.observed_port().append(&record).await.expect("appended");
        let mine = |arrived: &EventLogRecord| arrived.key == record.key;
        assert_eq!(fixture.observer().received(1, &mine).await, std::slice::from_ref(&record));
    }
}

pub async fn records_of_one_key_stay_in_order(
    fixture: &Fixture<Observed<impl EventLog, impl Observer<EventLogRecord>>>,
) {
    let key = fresh().to_string();
    let records: Vec<EventLogRecord> = (0..5).map(|n| a_record(&key, -n)).collect();
    for record in &records {
        fixture.observed_port().append(record).await.expect("appended");
    }
    assert_eq!(fixture.observer().received(5, &|arrived| arrived.key == key).await, records);
}

pub async fn concurrent_appends_are_all_stored(
    fixture: &Fixture<Observed<impl EventLog, impl Observer<EventLogRecord>>>,
) {
    let records: Vec<EventLogRecord> = (0..16).map(|_| a_record(&fresh().to_string(), 0)).collect();
    let appended =
        join_all(fixture.concurrent(16).zip(&records).map(|(process, record)| process.port.append(record))).await;
    assert!(appended.iter().all(Result::is_ok), "{appended:?}");
    let mut sent: Vec<&str> = records.iter().map(|record| record.key.as_str()).collect();
    let arrived = fixture.observer().received(16, &|arrived| sent.contains(&arrived.key.as_str())).await;
    let mut arrived: Vec<&str> = arrived.iter().map(|record| record.key.as_str()).collect();
    arrived.sort_unstable();
    sent.sort_unstable();
    assert_eq!(arrived, sent);
}

pub async fn tombstone_follows_the_records_of_its_key_without_a_value(
    fixture: &Fixture<Observed<impl EventLog, impl Observer<EventLogRecord>>>,
) {
    let record = EventLogRecord { topic: catalog::USER_EVENTS.name, ..a_record(&fresh().to_string(), 0) };
    let tombstone = EventLogRecord { value: None, ..record.clone() };
    for one in [&record, &tombstone] {
        fixture.observed_port().append(one).await.expect("appended");
    }
    let mine = |arrived: &EventLogRecord| arrived.key == record.key;
    assert_eq!(fixture.observer().received(2, &mine).await, [record.clone(), tombstone]);
}
