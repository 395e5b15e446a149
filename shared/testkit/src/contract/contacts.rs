//! Contract of [`ContactStore`] and [`NotificationRequests`].

use super::{Fixture, a_claim, an_event, fresh, kind_and_code};
use crate::build;
use domain::{
    Event,
    event::{ContactVerified, NotificationSent},
    id::{OrderId, UserId},
    notification::{Channel, NotificationOutcome, Template},
    text::Phone,
    verification::ContactKind,
};
use futures_util::future::join_all;
use kernel::{FailureKind, IdempotencyKey, IdempotencyOutcome, StoredReply, Uuid};
use ports::{Claim, Contact, ContactStore, NotificationRequests, Recipient};

/// Generates one test per rule of [`ContactStore`]. The expression is a future of a
/// `Fixture<impl ContactStore + NotificationRequests>`.
#[macro_export]
macro_rules! contract_contacts {
    ($fixture:expr) => {
        $crate::each_rule! { contacts, $fixture;
            contact_is_stored_unchanged
            contact_without_a_name_is_stored
            repeated_claim_changes_nothing
            verified_address_counts_while_it_is_the_contacts
            older_contact_does_not_replace_a_newer_one
            older_verification_does_not_replace_a_newer_one
            erased_user_has_no_contact_whatever_event_comes_later
            user_that_is_erased_before_the_contact_comes_has_none
            sent_message_is_recorded_and_published_once
            claims_of_different_consumers_are_independent
            concurrent_records_of_one_message_succeed_once
            delivery_log_of_an_order_is_paged_oldest_first
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

fn notification() -> NotificationSent {
    NotificationSent {
        order_id: Some(OrderId(fresh())),
        user_id: UserId(fresh()),
        channel: Channel::Email,
        template: Template::OrderConfirmed,
    }
}

fn sent_event() -> Event {
    an_event(notification())
}

pub async fn contact_is_stored_unchanged(fixture: &Fixture<impl ContactStore>) {
    let contact = a_contact();
    fixture.port().save(a_claim(catalog::CONTACT_TRACK.name), &contact, 1).await.expect("stored");
    assert_eq!(fixture.port().find(contact.user_id).await, Ok(Some(Recipient::with_defaults(contact))));
    assert_eq!(fixture.port().find(UserId(fresh())).await, Ok(None));
}

pub async fn contact_without_a_name_is_stored(fixture: &Fixture<impl ContactStore>) {
    let contact = Contact { name: None, phone: None, ..a_contact() };
    fixture.port().save(a_claim(catalog::CONTACT_TRACK.name), &contact, 1).await.expect("stored");
    assert_eq!(fixture.port().find(contact.user_id).await, Ok(Some(Recipient::with_defaults(contact))));
}

fn verified(contact: &Contact, channel: ContactKind, address: &str) -> ContactVerified {
    ContactVerified { user_id: contact.user_id, channel, address: address.to_owned() }
}

async fn verified_kinds(contacts: &impl ContactStore, user: UserId) -> Vec<ContactKind> {
    contacts.find(user).await.expect("a response").expect("a contact").verified.into_iter().collect()
}

pub async fn verified_address_counts_while_it_is_the_contacts(fixture: &Fixture<impl ContactStore>) {
    let (contact, port) = (a_contact(), fixture.port());
    let claim = || a_claim(catalog::CONTACT_TRACK.name);
    // The verification may arrive first.
    let email = verified(&contact, ContactKind::Email, contact.email.as_str());
    port.record_verified(claim(), &email, 2).await.expect("stored");
    assert_eq!(port.find(contact.user_id).await, Ok(None));
    port.save(claim(), &contact, 1).await.expect("stored");
    assert_eq!(verified_kinds(port, contact.user_id).await, [ContactKind::Email]);
    let phone = contact.phone.as_ref().expect("a number").as_str();
    port.record_verified(claim(), &verified(&contact, ContactKind::Phone, phone), 3).await.expect("stored");
    assert_eq!(verified_kinds(port, contact.user_id).await, ContactKind::ALL);
    let moved = Contact { email: build::user().name("moved").registered().email, phone: None, ..contact };
    port.save(claim(), &moved, 4).await.expect("stored");
    assert_eq!(verified_kinds(port, moved.user_id).await, [], "of other addresses");
}

pub async fn older_contact_does_not_replace_a_newer_one(fixture: &Fixture<impl ContactStore>) {
    let (first, port) = (a_contact(), fixture.port());
    let claim = || a_claim(catalog::CONTACT_TRACK.name);
    let second = Contact { name: None, phone: None, ..first.clone() };
    port.save(claim(), &second, 2).await.expect("stored");
    port.save(claim(), &first, 1).await.expect("a response");
    assert_eq!(port.find(first.user_id).await, Ok(Some(Recipient::with_defaults(second))));
    port.save(claim(), &first, 3).await.expect("stored");
    assert_eq!(port.find(first.user_id).await, Ok(Some(Recipient::with_defaults(first))));
}

pub async fn older_verification_does_not_replace_a_newer_one(fixture: &Fixture<impl ContactStore>) {
    let (contact, port) = (a_contact(), fixture.port());
    let claim = a_claim(catalog::CONTACT_TRACK.name);
    port.save(a_claim(catalog::CONTACT_TRACK.name), &contact, 1).await.expect("stored");
    let newer = verified(&contact, ContactKind::Email, contact.email.as_str());
    let older = verified(&contact, ContactKind::Email, "before@example.com");
    port.record_verified(claim, &newer, 3).await.expect("stored");
    port.record_verified(a_claim(catalog::CONTACT_TRACK.name), &older, 2).await.expect("a response");
    port.record_verified(claim, &older, 4).await.expect("a response");
    assert_eq!(verified_kinds(port, contact.user_id).await, [ContactKind::Email]);
}

pub async fn erased_user_has_no_contact_whatever_event_comes_later(fixture: &Fixture<impl ContactStore>) {
    let ((contact, other), port) = ((a_contact(), a_contact()), fixture.port());
    let claim = || a_claim(catalog::CONTACT_TRACK.name);
    for one in [&contact, &other] {
        port.save(claim(), one, 1).await.expect("stored");
    }
    assert_eq!(port.is_erased(contact.user_id).await, Ok(false));
    let first = claim();
    for claim in [first, first, claim()] {
        port.erase(claim, contact.user_id, 4).await.expect("erased");
        assert_eq!(port.find(contact.user_id).await, Ok(None));
        assert_eq!(port.is_erased(contact.user_id).await, Ok(true));
    }
    port.save(claim(), &contact, 3).await.expect("a response");
    let address = verified(&contact, ContactKind::Email, contact.email.as_str());
    port.record_verified(claim(), &address, 3).await.expect("a response");
    assert_eq!((port.find(contact.user_id).await, port.is_erased(contact.user_id).await), (Ok(None), Ok(true)));
    assert_eq!(port.find(other.user_id).await, Ok(Some(Recipient::with_defaults(other))));
}

pub async fn user_that_is_erased_before_the_contact_comes_has_none(fixture: &Fixture<impl ContactStore>) {
    let (contact, port) = (a_contact(), fixture.port());
    port.erase(a_claim(catalog::CONTACT_TRACK.name), contact.user_id, 3).await.expect("erased");
    port.save(a_claim(catalog::CONTACT_TRACK.name), &contact, 1).await.expect("a response");
    assert_eq!((port.find(contact.user_id).await, port.is_erased(contact.user_id).await), (Ok(None), Ok(true)));
}

pub async fn repeated_claim_changes_nothing(fixture: &Fixture<impl ContactStore>) {
    let (contact, claim) = (a_contact(), a_claim(catalog::CONTACT_TRACK.name));
    fixture.port().save(claim, &contact, 1).await.expect("stored");
    fixture.port().save(claim, &contact, 1).await.expect("stored");
    fixture.port().save(claim, &Contact { name: None, ..contact.clone() }, 2).await.expect("a response");
    assert_eq!(fixture.port().find(contact.user_id).await, Ok(Some(Recipient::with_defaults(contact))));
}

pub async fn sent_message_is_recorded_and_published_once(fixture: &Fixture<impl ContactStore>) {
    let (claim, event) = (a_claim(Channel::Email.name()), sent_event());
    assert_eq!(fixture.port().was_sent(claim).await, Ok(false));
    assert_eq!(fixture.port().record_sent(claim, &event).await, Ok(true));
    assert_eq!(fixture.port().was_sent(claim).await, Ok(true));
    assert_eq!(fixture.port().record_sent(claim, &sent_event()).await, Ok(false));
    fixture.assert_only_published(&[event.id]).await;
}

pub async fn claims_of_different_consumers_are_independent(fixture: &Fixture<impl ContactStore>) {
    let claim = a_claim(Channel::Email.name());
    assert_eq!(fixture.port().record_sent(claim, &sent_event()).await, Ok(true));
    assert_eq!(fixture.port().was_sent(Claim { consumer: catalog::CONTACT_TRACK.name, ..claim }).await, Ok(false));
    assert_eq!(fixture.port().was_sent(a_claim(Channel::Email.name())).await, Ok(false));
}

pub async fn concurrent_records_of_one_message_succeed_once(fixture: &Fixture<impl ContactStore>) {
    let (claim, events) = (a_claim(Channel::Email.name()), (0..8).map(|_| sent_event()).collect::<Vec<_>>());
    let recorded =
        join_all(fixture.concurrent(8).zip(&events).map(|(contacts, event)| contacts.record_sent(claim, event))).await;
    let winners: Vec<_> =
        events.iter().zip(recorded).filter(|(_, recorded)| *recorded == Ok(true)).map(|(one, _)| one.id).collect();
    assert_eq!(winners.len(), 1);
    fixture.assert_only_published(&winners).await;
}

pub async fn sweep_publishes_events_missed_by_the_bus_once(fixture: &Fixture<impl ContactStore>) {
    let event = sent_event();
    assert!(
        fixture
            .assert_published_after_outage(event.id, fixture.port().record_sent(a_claim(Channel::Email.name()), &event))
            .await
    );
}

/// Event ids of one page of an order's delivery log, with the next cursor.
async fn logged_ids(
    contacts: &impl NotificationRequests,
    order: OrderId,
    limit: u32,
    cursor: Option<&str>,
) -> (Vec<Uuid>, Option<String>) {
    let page = contacts.delivery_log(order, limit, cursor).await.expect("the store responds");
    (page.items.into_iter().map(|one| one.id).collect(), page.next)
}

pub async fn delivery_log_of_an_order_is_paged_oldest_first(
    fixture: &Fixture<impl ContactStore + NotificationRequests>,
) {
    let (sent, order) = (notification(), OrderId(fresh()));
    let mut ids = vec![];
    for template in [Template::OrderConfirmed, Template::OrderShipped, Template::Message] {
        let (claim, sent) =
            (a_claim(Channel::Email.name()), NotificationSent { order_id: Some(order), template, ..sent.clone() });
        fixture.port().record_sent(claim, &an_event(sent.clone())).await.expect("stored");
        ids.push(claim.event_id);
    }
    let other = a_claim(Channel::Email.name());
    fixture.port().record_sent(other, &an_event(notification())).await.expect("stored");
    fixture.wait_for_propagation().await;
    assert_eq!(logged_ids(fixture.port(), order, 5, None).await, (ids.clone(), None));
    let (first, next) = logged_ids(fixture.port(), order, 2, None).await;
    assert_eq!(first, ids[..2]);
    assert_eq!(logged_ids(fixture.port(), order, 2, next.as_deref()).await, (vec![ids[2]], None));
    let one = fixture.port().delivery_log(order, 1, None).await.expect("the store responds").items.remove(0);
    assert_eq!(one.sent, NotificationSent { order_id: Some(order), ..sent });
    assert_eq!(
        kind_and_code(fixture.port().delivery_log(order, 1, Some("x")).await),
        (FailureKind::Invalid, "validation")
    );
}

pub async fn message_recorded_twice_is_logged_once(fixture: &Fixture<impl ContactStore + NotificationRequests>) {
    let (claim, sent) = (a_claim(Channel::Email.name()), notification());
    for _ in 0..2 {
        fixture.port().record_sent(claim, &an_event(sent.clone())).await.expect("stored");
    }
    let order = sent.order_id.expect("an order id");
    assert_eq!(logged_ids(fixture.port(), order, 5, None).await, (vec![claim.event_id], None));
}

pub async fn unsent_message_is_logged_with_its_reason_and_not_published(
    fixture: &Fixture<impl ContactStore + NotificationRequests>,
) {
    let (claim, about) = (a_claim(Channel::Sms.name()), NotificationSent { channel: Channel::Sms, ..notification() });
    let order = about.order_id.expect("an order id");
    for _ in 0..2 {
        let now = an_event(about.clone()).time;
        fixture.port().record_not_sent(claim, &about, NotificationOutcome::NoAddress, now).await.expect("stored");
    }
    assert_eq!(fixture.port().was_sent(claim).await, Ok(true), "the claim is recorded");
    let log = fixture.port().delivery_log(order, 5, None).await.expect("the store responds").items;
    assert_eq!(log.len(), 1);
    assert_eq!((&log[0].sent, log[0].outcome), (&about, NotificationOutcome::NoAddress));
    fixture.assert_only_published(&[]).await;
}

pub async fn event_is_logged_once_per_channel(fixture: &Fixture<impl ContactStore + NotificationRequests>) {
    let (sent, event_id) = (notification(), fresh());
    let order = sent.order_id.expect("an order id");
    for (consumer, channel) in [(Channel::Email.name(), Channel::Email), (Channel::Sms.name(), Channel::Sms)] {
        let sent = NotificationSent { channel, ..sent.clone() };
        fixture.port().record_sent(Claim { consumer, event_id }, &an_event(sent)).await.expect("stored");
    }
    fixture.wait_for_propagation().await;
    let (first, next) = logged_ids(fixture.port(), order, 1, None).await;
    let (second, end) = logged_ids(fixture.port(), order, 1, next.as_deref()).await;
    assert_eq!((first, second, end), (vec![event_id], vec![event_id], None));
}

pub async fn request_is_accepted_and_published_once_per_key(fixture: &Fixture<impl NotificationRequests>) {
    let key = IdempotencyKey { scope: fresh().to_string(), key: fresh().to_string(), fingerprint: "first".to_owned() };
    let reply = StoredReply { status: 202, headers: vec![], body: "accepted".to_owned() };
    let (first, second) = (sent_event(), sent_event());
    assert_eq!(fixture.port().request(&key, &reply, &first).await, Ok(IdempotencyOutcome::Committed));
    assert_eq!(fixture.port().request(&key, &reply, &second).await, Ok(IdempotencyOutcome::Replayed(reply.clone())));
    assert_eq!(fixture.port().find_response(&key).await, Ok(Some(IdempotencyOutcome::Replayed(reply.clone()))));
    let unknown = IdempotencyKey { key: fresh().to_string(), ..key.clone() };
    assert_eq!(fixture.port().find_response(&unknown).await, Ok(None));
    let other = IdempotencyKey { fingerprint: "other".to_owned(), ..key };
    assert_eq!(
        kind_and_code(fixture.port().find_response(&other).await),
        (FailureKind::Invalid, "idempotency-key-reused")
    );
    assert_eq!(
        kind_and_code(fixture.port().request(&other, &reply, &second).await),
        (FailureKind::Invalid, "idempotency-key-reused")
    );
    fixture.assert_only_published(&[first.id]).await;
}
