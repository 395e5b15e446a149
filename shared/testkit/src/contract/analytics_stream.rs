//! Contract of [`AnalyticsStream`].

use super::{Fixture, Observed, Observer, an_event, fresh};
use crate::build;
use domain::{Event, id::OrderId};
use ports::AnalyticsStream;

/// Generates one test per rule of [`AnalyticsStream`]. The expression is a future of a
/// `Fixture<Observed<impl AnalyticsStream, impl Observer<Event>>>`.
#[macro_export]
macro_rules! contract_analytics_stream {
    ($fixture:expr) => {
        $crate::each_rule! { analytics_stream, $fixture;
            record_is_delivered_unchanged
            records_of_one_subject_stay_in_order
        }
    };
}

fn of_order(order: OrderId, sequence: u64) -> Event {
    let event = build::order().id(order).confirmed().1;
    Event { sequence, subject: order.to_string(), ..an_event(event) }
}

pub async fn record_is_delivered_unchanged(fixture: &Fixture<Observed<impl AnalyticsStream, impl Observer<Event>>>) {
    let event = of_order(OrderId(fresh()), 1);
    fixture.observed_port().put(&event).await.expect("put");
    let mine = |arrived: &Event| arrived.id == event.id;
    assert_eq!(fixture.observer().received(1, &mine).await, std::slice::from_ref(&event));
}

pub async fn records_of_one_subject_stay_in_order(
    fixture: &Fixture<Observed<impl AnalyticsStream, impl Observer<Event>>>,
) {
    let order = OrderId(fresh());
    let events: Vec<Event> = (1..6).map(|sequence| of_order(order, sequence)).collect();
    for event in &events {
        fixture.observed_port().put(event).await.expect("put");
    }
    let subject = order.to_string();
    assert_eq!(fixture.observer().received(5, &|arrived| arrived.subject == subject).await, events);
}
