//! Contract of [`AnalyticsStream`].

use super::{Fixture, Observed, Observer, an_event, fresh};
use crate::build;
use domain::{
    Event,
    id::OrderId,
    window::{self, StreamRecord},
};
use ports::AnalyticsStream;

/// Generates one test per rule of [`AnalyticsStream`]. The expression is a future of a
/// `Fixture<Observed<impl AnalyticsStream, impl Observer<StreamRecord>>>`.
#[macro_export]
macro_rules! contract_analytics_stream {
    ($fixture:expr) => {
        $crate::each_rule! { analytics_stream, $fixture;
            record_is_delivered_unchanged
            records_of_one_subject_stay_in_order
        }
    };
}

fn of_order(order: OrderId, sequence: u64) -> StreamRecord {
    let confirmed = build::order().id(order).confirmed().1;
    window::stream_record(&Event { sequence, ..an_event(confirmed) }).expect("a confirmed order").expect("a customer")
}

pub async fn record_is_delivered_unchanged(
    fixture: &Fixture<Observed<impl AnalyticsStream, impl Observer<StreamRecord>>>,
) {
    let record = of_order(OrderId(fresh()), 1);
    fixture.observed_port().put(&record).await.expect("put");
    let mine = |arrived: &StreamRecord| arrived.id == record.id;
    assert_eq!(fixture.observer().received(1, &mine).await, std::slice::from_ref(&record));
}

pub async fn records_of_one_subject_stay_in_order(
    fixture: &Fixture<Observed<impl AnalyticsStream, impl Observer<StreamRecord>>>,
) {
    let order = OrderId(fresh());
    let records: Vec<StreamRecord> = (1..6).map(|sequence| of_order(order, sequence)).collect();
    for record in &records {
        fixture.observed_port().put(record).await.expect("put");
    }
    let subject = order.to_string();
    assert_eq!(fixture.observer().received(5, &|arrived| arrived.subject == subject).await, records);
}
