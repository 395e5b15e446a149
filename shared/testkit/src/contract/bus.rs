//! Contract of [`Bus`].

use super::{Fixture, Observed, Observer, an_event, fresh};
use crate::build;
use domain::{Event, id::OrderId};
use kernel::Uuid;
use ports::Bus;

/// Generates one test per rule of [`Bus`]. The expression is a future of a
/// `Fixture<Observed<impl Bus, impl Observer<Event>>>`.
#[macro_export]
macro_rules! contract_bus {
    ($fixture:expr) => {
        $crate::each_rule! { bus, $fixture;
            event_is_delivered_unchanged
            events_beyond_the_limit_of_one_request_are_delivered
            publishing_no_events_succeeds
        }
    };
}

fn order_placed() -> Event {
    let order = build::order().id(OrderId(fresh())).order_placed();
    Event { traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()), ..an_event(order) }
}

pub async fn event_is_delivered_unchanged(fixture: &Fixture<Observed<impl Bus, impl Observer<Event>>>) {
    let event = order_placed();
    assert_eq!(fixture.observed_port().publish(std::slice::from_ref(&event)).await, Ok(vec![true]));
    let mine = |arrived: &Event| arrived.id == event.id;
    assert_eq!(fixture.observer().received(1, &mine).await, std::slice::from_ref(&event));
}

pub async fn events_beyond_the_limit_of_one_request_are_delivered(
    fixture: &Fixture<Observed<impl Bus, impl Observer<Event>>>,
) {
    let events: Vec<Event> = (0..23).map(|_| order_placed()).collect();
    let mut sent: Vec<Uuid> = events.iter().map(|event| event.id).collect();
    assert_eq!(fixture.observed_port().publish(&events).await, Ok(vec![true; 23]));
    let arrived = fixture.observer().received(23, &|arrived| sent.contains(&arrived.id)).await;
    let mut arrived: Vec<Uuid> = arrived.into_iter().map(|event| event.id).collect();
    arrived.sort_unstable();
    sent.sort_unstable();
    assert_eq!(arrived, sent);
}

pub async fn publishing_no_events_succeeds(fixture: &Fixture<Observed<impl Bus, impl Observer<Event>>>) {
    assert_eq!(fixture.observed_port().publish(&[]).await, Ok(vec![]));
}
