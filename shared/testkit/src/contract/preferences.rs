//! Contract of [`PreferenceStore`], [`DeviceStore`] and [`EmailFeedbackStore`], observed through [`ContactStore`].

use super::{Fixture, a_claim, an_event, fresh, kind_and_code};
use crate::build;
use domain::{
    event::NotificationSent,
    id::{DeviceId, OrderId, UserId},
    notification::{Channel, Locale, NotificationOutcome, Preferences, Suppression, Template},
    text::Email,
};
use kernel::{FailureKind, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp};
use ports::{
    Contact, ContactStore, Device, DeviceStore, EmailFeedback, EmailFeedbackStore, MAX_DEVICES, NotificationRequests,
    PreferenceStore, Recipient,
};

/// Generates one test per rule. The expression is a future of a
/// `Fixture<impl ContactStore + PreferenceStore + DeviceStore + EmailFeedbackStore + NotificationRequests>`.
#[macro_export]
macro_rules! contract_preferences {
    ($fixture:expr) => {
        $crate::each_rule! { preferences, $fixture;
            unset_preferences_are_the_defaults
            new_preferences_replace_the_old_ones
            devices_of_a_user_are_removed_once_per_claim
            device_has_one_owner_and_a_stable_id
            device_is_saved_once_for_a_key_with_the_id_that_its_endpoint_has
            only_its_owner_removes_a_device
            unreachable_device_is_pruned_unless_registered_again
            device_limit_removes_the_oldest_registrations
            bounced_address_is_suppressed_and_logged
            transient_bounce_is_logged_and_suppresses_no_address
            bounce_received_before_the_send_record_is_logged
        }
    };
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

/// A stored contact with a unique e-mail address.
async fn stored_contact(store: &impl ContactStore) -> Contact {
    let email = Email::parse(&format!("{}@example.com", fresh().simple())).expect("an address");
    let contact = Contact { email, ..build::user().id(UserId(fresh())).contact() };
    store.save(a_claim(catalog::CONTACT_TRACK.name), &contact, 1).await.expect("stored");
    contact
}

async fn recipient(store: &impl ContactStore, user: UserId) -> Recipient {
    store.find(user).await.expect("the store responds").expect("a contact")
}

pub async fn unset_preferences_are_the_defaults(fixture: &Fixture<impl ContactStore + PreferenceStore>) {
    assert_eq!(fixture.port().preferences(UserId(fresh())).await, Ok(Preferences::default()));
    let contact = stored_contact(fixture.port()).await;
    assert_eq!(recipient(fixture.port(), contact.user_id).await, Recipient::with_defaults(contact));
}

pub async fn new_preferences_replace_the_old_ones(fixture: &Fixture<impl ContactStore + PreferenceStore>) {
    let contact = stored_contact(fixture.port()).await;
    let (user, none) = (contact.user_id, Preferences { channels: [].into(), locale: Locale::En });
    let both = Preferences { channels: [Channel::Sms, Channel::Push].into(), locale: Locale::De };
    for preferences in [both, none] {
        fixture.port().set_preferences(user, &preferences).await.expect("stored");
        assert_eq!(fixture.port().preferences(user).await.as_ref(), Ok(&preferences));
        let to = recipient(fixture.port(), user).await;
        assert_eq!(to.preferences, preferences);
        assert!(Channel::ALL.into_iter().all(|one| to.opted_in(one) == preferences.channels.contains(&one)));
    }
    let other = stored_contact(fixture.port()).await;
    assert_eq!(recipient(fixture.port(), other.user_id).await.preferences, Preferences::default());
}

/// A device registered `seconds` after the Unix epoch.
fn device(seconds: i64) -> Device {
    let registered_at = Timestamp::from_second(seconds).expect("within the calendar");
    Device { id: DeviceId(fresh()), endpoint: fresh().to_string(), registered_at }
}

pub async fn devices_of_a_user_are_removed_once_per_claim(fixture: &Fixture<impl ContactStore + DeviceStore>) {
    let port = fixture.port();
    let (owner, other) = (stored_contact(port).await.user_id, stored_contact(port).await.user_id);
    let (phone, theirs) = (device(1), device(1));
    port.save_device(owner, &phone).await.expect("stored");
    port.save_device(other, &theirs).await.expect("stored");
    let claim = a_claim(catalog::CONTACT_TRACK.name);
    port.remove_devices(claim, owner).await.expect("removed");
    assert_eq!(recipient(port, owner).await.devices, []);
    assert_eq!(recipient(port, other).await.devices, [theirs]);
    port.save_device(owner, &phone).await.expect("stored");
    port.remove_devices(claim, owner).await.expect("a response");
    assert_eq!(recipient(port, owner).await.devices, [phone]);
}

pub async fn device_has_one_owner_and_a_stable_id(fixture: &Fixture<impl ContactStore + DeviceStore>) {
    let (first, second) = (stored_contact(fixture.port()).await.user_id, stored_contact(fixture.port()).await.user_id);
    let (phone, tablet) = (device(1), device(2));
    assert_eq!(fixture.port().save_device(first, &phone).await, Ok(phone.id));
    let again = Device { endpoint: phone.endpoint.clone(), ..device(3) };
    assert_eq!(fixture.port().save_device(first, &again).await, Ok(phone.id), "the first id stays");
    assert_eq!(fixture.port().save_device(first, &tablet).await, Ok(tablet.id));
    let phone = Device { registered_at: again.registered_at, ..phone };
    assert_eq!(recipient(fixture.port(), first).await.devices, [phone.clone(), tablet.clone()]);
    let theirs = Device { endpoint: phone.endpoint.clone(), ..device(4) };
    assert_eq!(fixture.port().save_device(second, &theirs).await, Ok(phone.id));
    assert_eq!(recipient(fixture.port(), first).await.devices, [tablet], "the device has a new owner");
    assert_eq!(
        recipient(fixture.port(), second).await.devices,
        [Device { registered_at: theirs.registered_at, ..phone }]
    );
}

pub async fn device_is_saved_once_for_a_key_with_the_id_that_its_endpoint_has(
    fixture: &Fixture<impl ContactStore + DeviceStore>,
) {
    let (port, owner) = (fixture.port(), stored_contact(fixture.port()).await.user_id);
    let known = device(21);
    port.save_device(owner, &known).await.expect("stored");
    let again = Device { endpoint: known.endpoint.clone(), ..device(22) };
    let (key, reply) = (build::a_key(&fresh().to_string(), "phone"), build::a_reply(&again.id.to_string()));
    let saved = port.save_device_once(owner, &again, &key, &reply).await;
    assert_eq!(saved, Ok((known.id, IdempotencyOutcome::Committed)));
    let stored = StoredReply { body: build::a_reply(&known.id.to_string()).body, ..reply.clone() };
    assert_eq!(port.find_device_response(&key).await, Ok(Some(IdempotencyOutcome::Replayed(stored.clone()))));
    // A repetition that did not find the response yet changes nothing.
    let later = Device { endpoint: format!("{}/other", known.endpoint), ..device(23) };
    let (_, outcome) = port.save_device_once(owner, &later, &key, &reply).await.expect("replayed");
    assert_eq!(outcome, IdempotencyOutcome::Replayed(stored));
    assert_eq!(recipient(port, owner).await.devices, [Device { registered_at: again.registered_at, ..known }]);
    let reused = IdempotencyKey { fingerprint: "another".to_owned(), ..key };
    let refused = port.save_device_once(owner, &later, &reused, &reply).await;
    assert_eq!(kind_and_code(refused), (FailureKind::Invalid, "idempotency-key-reused"));
}

pub async fn only_its_owner_removes_a_device(fixture: &Fixture<impl ContactStore + DeviceStore>) {
    let (owner, phone) = (stored_contact(fixture.port()).await.user_id, device(1));
    fixture.port().save_device(owner, &phone).await.expect("stored");
    fixture.port().remove_device(UserId(fresh()), phone.id).await.expect("a response");
    fixture.port().remove_device(owner, DeviceId(fresh())).await.expect("a response");
    assert_eq!(recipient(fixture.port(), owner).await.devices, std::slice::from_ref(&phone));
    for _ in 0..2 {
        fixture.port().remove_device(owner, phone.id).await.expect("removed");
        assert_eq!(recipient(fixture.port(), owner).await.devices, []);
    }
}

pub async fn unreachable_device_is_pruned_unless_registered_again(fixture: &Fixture<impl ContactStore + DeviceStore>) {
    let owner = stored_contact(fixture.port()).await.user_id;
    let (unreachable, reachable, registered_again) = (device(1), device(1), device(1));
    for device in [&unreachable, &reachable, &registered_again] {
        fixture.port().save_device(owner, device).await.expect("stored");
    }
    let entered_again = Device { registered_at: device(2).registered_at, ..registered_again.clone() };
    fixture.port().save_device(owner, &entered_again).await.expect("stored");
    for device in [&unreachable, &unreachable, &registered_again] {
        fixture.port().prune_device(device).await.expect("a response");
    }
    let mut left = recipient(fixture.port(), owner).await.devices;
    left.sort_by_key(|device| device.registered_at);
    assert_eq!(left, [reachable, entered_again]);
}

pub async fn device_limit_removes_the_oldest_registrations(fixture: &Fixture<impl ContactStore + DeviceStore>) {
    let (owner, other) = (stored_contact(fixture.port()).await.user_id, stored_contact(fixture.port()).await.user_id);
    let theirs = device(0);
    fixture.port().save_device(other, &theirs).await.expect("stored");
    let devices: Vec<Device> = (1..).take(MAX_DEVICES + 2).map(device).collect();
    for device in devices.iter().rev() {
        fixture.port().save_device(owner, device).await.expect("stored");
        fixture.wait_for_propagation().await;
    }
    // The last two stored devices are the oldest, so that each replaces the other.
    let last = Device { registered_at: device(99).registered_at, ..devices[0].clone() };
    fixture.port().save_device(owner, &last).await.expect("stored");
    let mut left = recipient(fixture.port(), owner).await.devices;
    left.sort_by_key(|device| device.registered_at);
    assert_eq!(left.len(), MAX_DEVICES);
    assert_eq!(left.last(), Some(&last));
    assert!(left.contains(&devices[MAX_DEVICES + 1]) && !left.contains(&devices[1]), "{left:?}");
    assert_eq!(recipient(fixture.port(), other).await.devices, [theirs]);
}

fn confirmed(user_id: UserId) -> NotificationSent {
    let order_id = Some(OrderId(fresh()));
    NotificationSent { order_id, user_id, channel: Channel::Email, template: Template::OrderConfirmed }
}

async fn outcomes(requests: &impl NotificationRequests, sent: &NotificationSent) -> Vec<NotificationOutcome> {
    let order = sent.order_id.expect("an order id");
    let page = requests.delivery_log(order, 5, None).await.expect("the store responds");
    page.items.into_iter().map(|one| one.outcome).collect()
}

pub async fn bounced_address_is_suppressed_and_logged(
    fixture: &Fixture<impl ContactStore + EmailFeedbackStore + NotificationRequests>,
) {
    let (contact, other) = (stored_contact(fixture.port()).await, stored_contact(fixture.port()).await);
    let (claim, sent) = (a_claim(Channel::Email.name()), confirmed(contact.user_id));
    fixture.port().record_sent(claim, &an_event(sent.clone())).await.expect("stored");
    assert_eq!(outcomes(fixture.port(), &sent).await, [NotificationOutcome::Sent]);
    for reason in [Suppression::Bounced, Suppression::Bounced, Suppression::Complained] {
        let feedback = EmailFeedback { delivery: Some(claim.event_id), reason, suppress: vec![contact.email.clone()] };
        fixture.port().record_feedback(&feedback, now()).await.expect("stored");
    }
    assert_eq!(
        recipient(fixture.port(), contact.user_id).await.suppressed,
        Some(Suppression::Bounced),
        "the first reason stays"
    );
    assert_eq!(outcomes(fixture.port(), &sent).await, [NotificationOutcome::Bounced]);
    assert_eq!(recipient(fixture.port(), other.user_id).await.suppressed, None);
    let suppress = vec![other.email.clone(), contact.email.clone(), other.email.clone()];
    let feedback = EmailFeedback { delivery: None, reason: Suppression::Complained, suppress };
    fixture.port().record_feedback(&feedback, now()).await.expect("stored");
    assert_eq!(recipient(fixture.port(), other.user_id).await.suppressed, Some(Suppression::Complained));
}

pub async fn bounce_received_before_the_send_record_is_logged(
    fixture: &Fixture<impl ContactStore + EmailFeedbackStore + NotificationRequests>,
) {
    let contact = stored_contact(fixture.port()).await;
    let (claim, sent) = (a_claim(Channel::Email.name()), confirmed(contact.user_id));
    let (delivery, reason) = (Some(claim.event_id), Suppression::Bounced);
    let feedback = EmailFeedback { delivery, reason, suppress: vec![contact.email.clone()] };
    fixture.port().record_feedback(&feedback, now()).await.expect("stored");
    fixture.port().record_sent(claim, &an_event(sent.clone())).await.expect("stored");
    assert_eq!(outcomes(fixture.port(), &sent).await, [NotificationOutcome::Bounced]);
}

pub async fn transient_bounce_is_logged_and_suppresses_no_address(
    fixture: &Fixture<impl ContactStore + EmailFeedbackStore + NotificationRequests>,
) {
    let contact = stored_contact(fixture.port()).await;
    let (claim, sent) = (a_claim(Channel::Email.name()), confirmed(contact.user_id));
    fixture.port().record_sent(claim, &an_event(sent.clone())).await.expect("stored");
    let feedback = EmailFeedback { delivery: Some(claim.event_id), reason: Suppression::Bounced, suppress: vec![] };
    fixture.port().record_feedback(&feedback, now()).await.expect("stored");
    assert_eq!(outcomes(fixture.port(), &sent).await, [NotificationOutcome::Bounced]);
    assert_eq!(recipient(fixture.port(), contact.user_id).await.suppressed, None);
}
