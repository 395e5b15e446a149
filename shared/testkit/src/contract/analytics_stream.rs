//! Rules of [`AnalyticsStream`].

use super::{Fixture, Observed, Observer, an_event, fresh};
use crate::build;
use domain::{Event, id::OrderId};
use ports::AnalyticsStream;

/// One test a rule of [`AnalyticsStream`], each over the `Fixture<Observed<impl AnalyticsStream, impl Observer<Event>>>` that the expression gives
/// when it is awaited.
#[macro_export]
macro_rules! contract_analytics_stream {
    ($under:expr) => {
        $crate::each_rule! { analytics_stream, $under;
            record_is_delivered_unchanged
            records_of_one_subject_stay_in_order
        }
    };
}

fn of_order(order: OrderId, sequence: u64) -> Event {
    let news = build::order().id(order).confirmed().1;
    Event { sequence, subject: order.to_string(), ..an_event(news) }
}

pub async fn record_is_delivered_unchanged(under: &Fixture<Observed<impl AnalyticsStream, impl Observer<Event>>>) {
    let event = of_order(OrderId(fresh()), 1);
    under.observed_port().put(&event).await.expect("put");
    let mine = |arrived: &Event| arrived.id == event.id;
    assert_eq!(under.observer().received(1, &mine).await, std::slice::from_ref(&event));
}

pub async fn records_of_one_subject_stay_in_order(
    under: &Fixture<Observed<impl AnalyticsStream, impl Observer<Event>>>,
) {
    let order = OrderId(fresh());
    let events: Vec<Event> = (1..6).map(|sequence| of_order(order, sequence)).collect();
    for event in &events {
        under.observed_port().put(event).await.expect("put");
    }
    let subject = order.to_string();
    assert_eq!(under.observer().received(5, &|arrived| arrived.subject == subject).await, events);
}
