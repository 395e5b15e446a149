//! Rules of [`Bus`].

use super::{Beyond, Under, Watched, an_event, fresh};
use crate::build;
use domain::{Event, id::OrderId};
use kernel::Uuid;
use ports::Bus;

/// One test a rule of [`Bus`], each over the `Under<Watched<impl Bus, impl Beyond<Event>>>` that the expression gives when it is
/// awaited.
#[macro_export]
macro_rules! contract_bus {
    ($under:expr) => {
        $crate::each_rule! { bus, $under;
            an_event_arrives_as_it_was_sent
            more_events_than_one_request_holds_all_arrive
            no_events_are_no_failure
        }
    };
}

fn order_placed() -> Event {
    let order = build::order().id(OrderId(fresh())).order_placed();
    Event { traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()), ..an_event(order) }
}

pub async fn an_event_arrives_as_it_was_sent(under: &Under<Watched<impl Bus, impl Beyond<Event>>>) {
    let event = order_placed();
    assert_eq!(under.door().publish(std::slice::from_ref(&event)).await, Ok(vec![true]));
    let mine = |arrived: &Event| arrived.id == event.id;
    assert_eq!(under.beyond().arrived(1, &mine).await, std::slice::from_ref(&event));
}

pub async fn more_events_than_one_request_holds_all_arrive(under: &Under<Watched<impl Bus, impl Beyond<Event>>>) {
    let events: Vec<Event> = (0..23).map(|_| order_placed()).collect();
    let mut sent: Vec<Uuid> = events.iter().map(|event| event.id).collect();
    assert_eq!(under.door().publish(&events).await, Ok(vec![true; 23]));
    let arrived = under.beyond().arrived(23, &|arrived| sent.contains(&arrived.id)).await;
    let mut arrived: Vec<Uuid> = arrived.into_iter().map(|event| event.id).collect();
    arrived.sort_unstable();
    sent.sort_unstable();
    assert_eq!(arrived, sent);
}

pub async fn no_events_are_no_failure(under: &Under<Watched<impl Bus, impl Beyond<Event>>>) {
    assert_eq!(under.door().publish(&[]).await, Ok(vec![]));
}
