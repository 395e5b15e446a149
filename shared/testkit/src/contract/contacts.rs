//! Rules of [`ContactStore`] and [`NotificationRequests`].

use super::{Fixture, a_claim, an_event, fresh, why};
use crate::build;
use domain::{
    Event,
    event::NotificationSent,
    id::{OrderId, UserId},
    notification::{Channel, Outcome, Template},
    text::Phone,
};
use futures_util::future::join_all;
use kernel::{FailureKind, IdempotencyKey, IdempotencyOutcome, StoredReply, Uuid};
use ports::{Claim, Contact, ContactStore, NotificationRequests, Recipient};

/// One test a rule of [`ContactStore`], each over the `Fixture<impl ContactStore + NotificationRequests>` that the expression gives when it is awaited.
#[macro_export]
macro_rules! contract_contacts {
    ($under:expr) => {
        $crate::each_rule! { contacts, $under;
            contact_is_stored_unchanged
            contact_without_a_name_is_stored
            repeated_claim_changes_nothing
            sent_message_is_recorded_and_published_once
            claims_of_different_consumers_are_independent
            concurrent_records_of_one_message_succeed_once
            notification_log_of_an_order_is_paged_oldest_first
            message_recorded_twice_is_logged_once
            unsent_message_is_logged_with_its_reason_and_not_published
            event_is_logged_once_per_channel
            request_is_accepted_and_published_once_per_key
            sweep_publishes_events_missed_by_the_bus_once
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

pub async fn contact_is_stored_unchanged(under: &Fixture<impl ContactStore>) {
    let contact = a_contact();
    under.port().save(a_claim(catalog::CONTACT_TRACK.name), &contact).await.expect("remembered");
    assert_eq!(under.port().find(contact.user_id).await, Ok(Some(Recipient::with_defaults(contact))));
    assert_eq!(under.port().find(UserId(fresh())).await, Ok(None));
}

pub async fn contact_without_a_name_is_stored(under: &Fixture<impl ContactStore>) {
    let contact = Contact { name: None, phone: None, ..a_contact() };
    under.port().save(a_claim(catalog::CONTACT_TRACK.name), &contact).await.expect("remembered");
    assert_eq!(under.port().find(contact.user_id).await, Ok(Some(Recipient::with_defaults(contact))));
}

pub async fn repeated_claim_changes_nothing(under: &Fixture<impl ContactStore>) {
    let (contact, claim) = (a_contact(), a_claim(catalog::CONTACT_TRACK.name));
    under.port().save(claim, &contact).await.expect("remembered");
    under.port().save(claim, &contact).await.expect("remembered");
    under.port().save(claim, &Contact { name: None, ..contact.clone() }).await.expect("answered");
    assert_eq!(under.port().find(contact.user_id).await, Ok(Some(Recipient::with_defaults(contact))));
}

pub async fn sent_message_is_recorded_and_published_once(under: &Fixture<impl ContactStore>) {
    let (claim, event) = (a_claim(catalog::EMAIL_SEND.name), sent());
    assert_eq!(under.port().was_sent(claim).await, Ok(false));
    assert_eq!(under.port().record_sent(claim, &event).await, Ok(true));
    assert_eq!(under.port().was_sent(claim).await, Ok(true));
    assert_eq!(under.port().record_sent(claim, &sent()).await, Ok(false));
    under.assert_only_published(&[event.id]).await;
}

pub async fn claims_of_different_consumers_are_independent(under: &Fixture<impl ContactStore>) {
    let claim = a_claim(catalog::EMAIL_SEND.name);
    assert_eq!(under.port().record_sent(claim, &sent()).await, Ok(true));
    assert_eq!(under.port().was_sent(Claim { consumer: catalog::CONTACT_TRACK.name, ..claim }).await, Ok(false));
    assert_eq!(under.port().was_sent(a_claim(catalog::EMAIL_SEND.name)).await, Ok(false));
}

pub async fn concurrent_records_of_one_message_succeed_once(under: &Fixture<impl ContactStore>) {
    let (claim, events) = (a_claim(catalog::EMAIL_SEND.name), (0..8).map(|_| sent()).collect::<Vec<_>>());
    let kept =
        join_all(under.concurrent(8).zip(&events).map(|(contacts, event)| contacts.record_sent(claim, event))).await;
    let winners: Vec<_> =
        events.iter().zip(kept).filter(|(_, kept)| *kept == Ok(true)).map(|(one, _)| one.id).collect();
    assert_eq!(winners.len(), 1);
    under.assert_only_published(&winners).await;
}

pub async fn sweep_publishes_events_missed_by_the_bus_once(under: &Fixture<impl ContactStore>) {
    let event = sent();
    assert!(
        under
            .assert_published_after_outage(
                event.id,
                under.port().record_sent(a_claim(catalog::EMAIL_SEND.name), &event)
            )
            .await
    );
}

/// Ids of the events that letters about an order were sent for.
async fn logged(
    contacts: &impl NotificationRequests,
    order: OrderId,
    limit: u32,
    cursor: Option<&str>,
) -> (Vec<Uuid>, Option<String>) {
    let page = contacts.delivery_log(order, limit, cursor).await.expect("the store answers");
    (page.items.into_iter().map(|one| one.id).collect(), page.next)
}

pub async fn notification_log_of_an_order_is_paged_oldest_first(
    under: &Fixture<impl ContactStore + NotificationRequests>,
) {
    let (sent, order) = (note(), OrderId(fresh()));
    let mut ids = vec![];
    for template in [Template::OrderConfirmed, Template::OrderShipped, Template::Message] {
        let (claim, sent) =
            (a_claim(catalog::EMAIL_SEND.name), NotificationSent { order_id: Some(order), template, ..sent.clone() });
        under.port().record_sent(claim, &an_event(sent.clone())).await.expect("kept");
        ids.push(claim.event_id);
    }
    let other = a_claim(catalog::EMAIL_SEND.name);
    under.port().record_sent(other, &an_event(note())).await.expect("kept");
    under.settle().await;
    assert_eq!(logged(under.port(), order, 5, None).await, (ids.clone(), None));
    let (first, next) = logged(under.port(), order, 2, None).await;
    assert_eq!(first, ids[..2]);
    assert_eq!(logged(under.port(), order, 2, next.as_deref()).await, (vec![ids[2]], None));
    let one = under.port().delivery_log(order, 1, None).await.expect("the store answers").items.remove(0);
    assert_eq!(one.sent, NotificationSent { order_id: Some(order), ..sent });
    assert_eq!(why(under.port().delivery_log(order, 1, Some("x")).await), (FailureKind::Invalid, "validation"));
}

pub async fn message_recorded_twice_is_logged_once(under: &Fixture<impl ContactStore + NotificationRequests>) {
    let (claim, sent) = (a_claim(catalog::EMAIL_SEND.name), note());
    for _ in 0..2 {
        under.port().record_sent(claim, &an_event(sent.clone())).await.expect("kept");
    }
    let order = sent.order_id.expect("about an order");
    assert_eq!(logged(under.port(), order, 5, None).await, (vec![claim.event_id], None));
}

pub async fn unsent_message_is_logged_with_its_reason_and_not_published(
    under: &Fixture<impl ContactStore + NotificationRequests>,
) {
    let (claim, about) = (a_claim(catalog::SMS_SEND.name), NotificationSent { channel: Channel::Sms, ..note() });
    let order = about.order_id.expect("about an order");
    for _ in 0..2 {
        let now = an_event(about.clone()).time;
        under.port().record_not_sent(claim, &about, Outcome::NoAddress, now).await.expect("kept");
    }
    assert_eq!(under.port().was_sent(claim).await, Ok(true), "it is settled");
    let log = under.port().delivery_log(order, 5, None).await.expect("the store answers").items;
    assert_eq!(log.len(), 1);
    assert_eq!((&log[0].sent, log[0].outcome), (&about, Outcome::NoAddress));
    under.assert_only_published(&[]).await;
}

pub async fn event_is_logged_once_per_channel(under: &Fixture<impl ContactStore + NotificationRequests>) {
    let (sent, event_id) = (note(), fresh());
    let order = sent.order_id.expect("about an order");
    for (consumer, channel) in [(catalog::EMAIL_SEND.name, Channel::Email), (catalog::SMS_SEND.name, Channel::Sms)] {
        let sent = NotificationSent { channel, ..sent.clone() };
        under.port().record_sent(Claim { consumer, event_id }, &an_event(sent)).await.expect("kept");
    }
    under.settle().await;
    let (first, next) = logged(under.port(), order, 1, None).await;
    let (second, end) = logged(under.port(), order, 1, next.as_deref()).await;
    assert_eq!((first, second, end), (vec![event_id], vec![event_id], None));
}

pub async fn request_is_accepted_and_published_once_per_key(under: &Fixture<impl NotificationRequests>) {
    let key = IdempotencyKey { scope: fresh().to_string(), key: fresh().to_string(), fingerprint: "first".to_owned() };
    let reply = StoredReply { status: 202, headers: vec![], body: "accepted".to_owned() };
    let (first, second) = (sent(), sent());
    assert_eq!(under.port().request(&key, &reply, &first).await, Ok(IdempotencyOutcome::Committed));
    assert_eq!(under.port().request(&key, &reply, &second).await, Ok(IdempotencyOutcome::Replayed(reply.clone())));
    assert_eq!(under.port().find_response(&key).await, Ok(Some(IdempotencyOutcome::Replayed(reply.clone()))));
    let unknown = IdempotencyKey { key: fresh().to_string(), ..key.clone() };
    assert_eq!(under.port().find_response(&unknown).await, Ok(None));
    let other = IdempotencyKey { fingerprint: "other".to_owned(), ..key };
    assert_eq!(why(under.port().find_response(&other).await), (FailureKind::Invalid, "idempotency-key-reused"));
    assert_eq!(
        why(under.port().request(&other, &reply, &second).await),
        (FailureKind::Invalid, "idempotency-key-reused")
    );
    under.assert_only_published(&[first.id]).await;
}
