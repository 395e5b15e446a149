//! Rules of [`FactStream`].

use super::{Beyond, Under, Watched, an_event, fresh};
use crate::build;
use domain::{Event, id::OrderId};
use ports::FactStream;

/// One test a rule of [`FactStream`], each over the `Under<Watched<impl FactStream, impl Beyond<Event>>>` that the expression gives
/// when it is awaited.
#[macro_export]
macro_rules! contract_facts {
    ($under:expr) => {
        $crate::each_rule! { facts, $under;
            an_event_arrives_as_it_was_put
            events_of_one_subject_keep_their_order
        }
    };
}

fn of_order(order: OrderId, sequence: u64) -> Event {
    let news = build::order().id(order).confirmed().1;
    Event { sequence, subject: order.to_string(), ..an_event(news) }
}

pub async fn an_event_arrives_as_it_was_put(under: &Under<Watched<impl FactStream, impl Beyond<Event>>>) {
    let event = of_order(OrderId(fresh()), 1);
    under.door().put(&event).await.expect("put");
    let mine = |arrived: &Event| arrived.id == event.id;
    assert_eq!(under.beyond().arrived(1, &mine).await, std::slice::from_ref(&event));
}

pub async fn events_of_one_subject_keep_their_order(under: &Under<Watched<impl FactStream, impl Beyond<Event>>>) {
    let order = OrderId(fresh());
    let events: Vec<Event> = (1..6).map(|sequence| of_order(order, sequence)).collect();
    for event in &events {
        under.door().put(event).await.expect("put");
    }
    let subject = order.to_string();
    assert_eq!(under.beyond().arrived(5, &|arrived| arrived.subject == subject).await, events);
}
