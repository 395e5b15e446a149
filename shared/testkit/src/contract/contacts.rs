//! Rules of [`ContactBook`].

use super::{Under, a_claim, an_event, fresh};
use crate::build;
use domain::{
    Event,
    event::NotificationSent,
    id::{OrderId, UserId},
};
use futures_util::future::join_all;
use ports::{Claim, Contact, ContactBook};

/// One test a rule of [`ContactBook`], each over the `Under<impl ContactBook>` that the expression gives when it is awaited.
#[macro_export]
macro_rules! contract_contacts {
    ($under:expr) => {
        $crate::each_rule! { contacts, $under;
            a_contact_is_remembered_as_it_was
            a_contact_without_a_name_is_remembered_without_one
            the_same_claim_changes_nothing_the_second_time
            a_letter_counts_as_sent_once_and_is_told_once
            a_letter_of_another_consumer_is_another_letter
            of_many_who_keep_one_letter_at_once_one_does
            what_the_bus_did_not_take_is_sent_by_the_sweep_once
        }
    };
}

fn a_contact() -> Contact {
    build::user().id(UserId(fresh())).contact()
}

fn sent() -> Event {
    an_event(NotificationSent {
        order_id: OrderId(fresh()),
        user_id: UserId(fresh()),
        channel: "email".to_owned(),
        template: "order_confirmed".to_owned(),
    })
}

pub async fn a_contact_is_remembered_as_it_was(under: &Under<impl ContactBook>) {
    let contact = a_contact();
    under.port().remember(a_claim(catalog::CONTACT_TRACK.name), &contact).await.expect("remembered");
    assert_eq!(under.port().find(contact.user_id).await, Ok(Some(contact)));
    assert_eq!(under.port().find(UserId(fresh())).await, Ok(None));
}

pub async fn a_contact_without_a_name_is_remembered_without_one(under: &Under<impl ContactBook>) {
    let contact = Contact { name: None, ..a_contact() };
    under.port().remember(a_claim(catalog::CONTACT_TRACK.name), &contact).await.expect("remembered");
    assert_eq!(under.port().find(contact.user_id).await, Ok(Some(contact)));
}

pub async fn the_same_claim_changes_nothing_the_second_time(under: &Under<impl ContactBook>) {
    let (contact, claim) = (a_contact(), a_claim(catalog::CONTACT_TRACK.name));
    under.port().remember(claim, &contact).await.expect("remembered");
    under.port().remember(claim, &contact).await.expect("remembered");
    under.port().remember(claim, &Contact { name: None, ..contact.clone() }).await.expect("answered");
    assert_eq!(under.port().find(contact.user_id).await, Ok(Some(contact)));
}

pub async fn a_letter_counts_as_sent_once_and_is_told_once(under: &Under<impl ContactBook>) {
    let (claim, event) = (a_claim(catalog::MAIL_SEND.name), sent());
    assert_eq!(under.port().was_sent(claim).await, Ok(false));
    assert_eq!(under.port().sent(claim, &event).await, Ok(true));
    assert_eq!(under.port().was_sent(claim).await, Ok(true));
    assert_eq!(under.port().sent(claim, &sent()).await, Ok(false));
    under.told_only(&[event.id]).await;
}

pub async fn a_letter_of_another_consumer_is_another_letter(under: &Under<impl ContactBook>) {
    let claim = a_claim(catalog::MAIL_SEND.name);
    assert_eq!(under.port().sent(claim, &sent()).await, Ok(true));
    assert_eq!(under.port().was_sent(Claim { consumer: catalog::CONTACT_TRACK.name, ..claim }).await, Ok(false));
    assert_eq!(under.port().was_sent(a_claim(catalog::MAIL_SEND.name)).await, Ok(false));
}

pub async fn of_many_who_keep_one_letter_at_once_one_does(under: &Under<impl ContactBook>) {
    let (claim, events) = (a_claim(catalog::MAIL_SEND.name), (0..8).map(|_| sent()).collect::<Vec<_>>());
    let kept = join_all(under.crowd(8).zip(&events).map(|(contacts, event)| contacts.sent(claim, event))).await;
    let winners: Vec<_> =
        events.iter().zip(kept).filter(|(_, kept)| *kept == Ok(true)).map(|(one, _)| one.id).collect();
    assert_eq!(winners.len(), 1);
    under.told_only(&winners).await;
}

pub async fn what_the_bus_did_not_take_is_sent_by_the_sweep_once(under: &Under<impl ContactBook>) {
    let event = sent();
    assert!(under.goes_out_after_all(event.id, under.port().sent(a_claim(catalog::MAIL_SEND.name), &event)).await);
}
