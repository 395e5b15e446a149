//! Rules of [`ContactBook`] and [`NotificationDesk`].

use super::{Under, a_claim, an_event, fresh, why};
use crate::build;
use domain::{
    Event,
    event::NotificationSent,
    id::{OrderId, UserId},
    notification::{Channel, Outcome, Template},
    text::Phone,
};
use futures_util::future::join_all;
use kernel::{Idempotency, Kind, Settled, StoredReply, Uuid};
use ports::{Addressee, Claim, Contact, ContactBook, NotificationDesk};

/// One test a rule of [`ContactBook`], each over the `Under<impl ContactBook + NotificationDesk>` that the expression gives when it is awaited.
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
            what_was_sent_about_an_order_is_in_the_log_in_pages_oldest_first
            what_is_sent_twice_is_in_the_log_once
            what_could_not_be_sent_is_in_the_log_with_the_reason_and_is_told_nobody
            one_event_is_in_the_log_once_a_channel
            a_request_is_answered_once_a_key_and_told_once
            what_the_bus_did_not_take_is_sent_by_the_sweep_once
        }
    };
}

fn a_contact() -> Contact {
    let phone = Some(Phone::parse("+491701234567").expect("a number"));
    Contact { phone, ..build::user().id(UserId(fresh())).contact() }
}

fn note() -> NotificationSent {
    NotificationSent {
        order_id: Some(OrderId(fresh())),
        user_id: UserId(fresh()),
        channel: Channel::Email,
        template: Template::OrderConfirmed,
    }
}

fn sent() -> Event {
    an_event(note())
}

pub async fn a_contact_is_remembered_as_it_was(under: &Under<impl ContactBook>) {
    let contact = a_contact();
    under.port().remember(a_claim(catalog::CONTACT_TRACK.name), &contact).await.expect("remembered");
    assert_eq!(under.port().find(contact.user_id).await, Ok(Some(Addressee::usual(contact))));
    assert_eq!(under.port().find(UserId(fresh())).await, Ok(None));
}

pub async fn a_contact_without_a_name_is_remembered_without_one(under: &Under<impl ContactBook>) {
    let contact = Contact { name: None, phone: None, ..a_contact() };
    under.port().remember(a_claim(catalog::CONTACT_TRACK.name), &contact).await.expect("remembered");
    assert_eq!(under.port().find(contact.user_id).await, Ok(Some(Addressee::usual(contact))));
}

pub async fn the_same_claim_changes_nothing_the_second_time(under: &Under<impl ContactBook>) {
    let (contact, claim) = (a_contact(), a_claim(catalog::CONTACT_TRACK.name));
    under.port().remember(claim, &contact).await.expect("remembered");
    under.port().remember(claim, &contact).await.expect("remembered");
    under.port().remember(claim, &Contact { name: None, ..contact.clone() }).await.expect("answered");
    assert_eq!(under.port().find(contact.user_id).await, Ok(Some(Addressee::usual(contact))));
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

/// Ids of the events that letters about an order were sent for.
async fn logged(
    contacts: &impl NotificationDesk,
    order: OrderId,
    limit: u32,
    cursor: Option<&str>,
) -> (Vec<Uuid>, Option<String>) {
    let page = contacts.log(order, limit, cursor).await.expect("the store answers");
    (page.items.into_iter().map(|one| one.id).collect(), page.next)
}

pub async fn what_was_sent_about_an_order_is_in_the_log_in_pages_oldest_first(
    under: &Under<impl ContactBook + NotificationDesk>,
) {
    let (sent, order) = (note(), OrderId(fresh()));
    let mut ids = vec![];
    for template in [Template::OrderConfirmed, Template::OrderShipped, Template::Message] {
        let (claim, sent) =
            (a_claim(catalog::MAIL_SEND.name), NotificationSent { order_id: Some(order), template, ..sent.clone() });
        under.port().sent(claim, &an_event(sent.clone())).await.expect("kept");
        ids.push(claim.event_id);
    }
    let other = a_claim(catalog::MAIL_SEND.name);
    under.port().sent(other, &an_event(note())).await.expect("kept");
    under.settle().await;
    assert_eq!(logged(under.port(), order, 5, None).await, (ids.clone(), None));
    let (first, next) = logged(under.port(), order, 2, None).await;
    assert_eq!(first, ids[..2]);
    assert_eq!(logged(under.port(), order, 2, next.as_deref()).await, (vec![ids[2]], None));
    let one = under.port().log(order, 1, None).await.expect("the store answers").items.remove(0);
    assert_eq!(one.sent, NotificationSent { order_id: Some(order), ..sent });
    assert_eq!(why(under.port().log(order, 1, Some("x")).await), (Kind::Invalid, "validation"));
}

pub async fn what_is_sent_twice_is_in_the_log_once(under: &Under<impl ContactBook + NotificationDesk>) {
    let (claim, sent) = (a_claim(catalog::MAIL_SEND.name), note());
    for _ in 0..2 {
        under.port().sent(claim, &an_event(sent.clone())).await.expect("kept");
    }
    let order = sent.order_id.expect("about an order");
    assert_eq!(logged(under.port(), order, 5, None).await, (vec![claim.event_id], None));
}

pub async fn what_could_not_be_sent_is_in_the_log_with_the_reason_and_is_told_nobody(
    under: &Under<impl ContactBook + NotificationDesk>,
) {
    let (claim, about) = (a_claim(catalog::SMS_SEND.name), NotificationSent { channel: Channel::Sms, ..note() });
    let order = about.order_id.expect("about an order");
    for _ in 0..2 {
        let now = an_event(about.clone()).time;
        under.port().not_sent(claim, &about, Outcome::NoAddress, now).await.expect("kept");
    }
    assert_eq!(under.port().was_sent(claim).await, Ok(true), "it is settled");
    let log = under.port().log(order, 5, None).await.expect("the store answers").items;
    assert_eq!(log.len(), 1);
    assert_eq!((&log[0].sent, log[0].outcome), (&about, Outcome::NoAddress));
    under.told_only(&[]).await;
}

pub async fn one_event_is_in_the_log_once_a_channel(under: &Under<impl ContactBook + NotificationDesk>) {
    let (sent, event_id) = (note(), fresh());
    let order = sent.order_id.expect("about an order");
    for (consumer, channel) in [(catalog::MAIL_SEND.name, Channel::Email), (catalog::SMS_SEND.name, Channel::Sms)] {
        let sent = NotificationSent { channel, ..sent.clone() };
        under.port().sent(Claim { consumer, event_id }, &an_event(sent)).await.expect("kept");
    }
    under.settle().await;
    let (first, next) = logged(under.port(), order, 1, None).await;
    let (second, end) = logged(under.port(), order, 1, next.as_deref()).await;
    assert_eq!((first, second, end), (vec![event_id], vec![event_id], None));
}

pub async fn a_request_is_answered_once_a_key_and_told_once(under: &Under<impl NotificationDesk>) {
    let key = Idempotency { scope: fresh().to_string(), key: fresh().to_string(), fingerprint: "first".to_owned() };
    let reply = StoredReply { status: 202, headers: vec![], body: "accepted".to_owned() };
    let (first, second) = (sent(), sent());
    assert_eq!(under.port().request(&key, &reply, &first).await, Ok(Settled::Now));
    assert_eq!(under.port().request(&key, &reply, &second).await, Ok(Settled::Before(reply.clone())));
    assert_eq!(under.port().recall(&key).await, Ok(Some(Settled::Before(reply.clone()))));
    let unknown = Idempotency { key: fresh().to_string(), ..key.clone() };
    assert_eq!(under.port().recall(&unknown).await, Ok(None));
    let other = Idempotency { fingerprint: "other".to_owned(), ..key };
    assert_eq!(why(under.port().recall(&other).await), (Kind::Invalid, "idempotency-key-reused"));
    assert_eq!(why(under.port().request(&other, &reply, &second).await), (Kind::Invalid, "idempotency-key-reused"));
    under.told_only(&[first.id]).await;
}
