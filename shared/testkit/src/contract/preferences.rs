//! Rules of [`PreferenceStore`], [`DeviceStore`] and [`EmailFeedbackStore`], seen through [`ContactStore`].

use super::{Fixture, a_claim, an_event, fresh};
use crate::build;
use domain::{
    event::NotificationSent,
    id::{DeviceId, OrderId, UserId},
    notification::{Channel, Locale, Outcome, Preferences, Suppression, Template},
    text::Email,
};
use kernel::Timestamp;
use ports::{
    Contact, ContactStore, Device, DeviceStore, EmailFeedback, EmailFeedbackStore, MAX_DEVICES, NotificationRequests,
    PreferenceStore, Recipient,
};

/// One test a rule, each over the `Fixture<impl ContactStore + PreferenceStore + DeviceStore + EmailFeedbackStore + NotificationRequests>` that the
/// expression gives when it is awaited.
#[macro_export]
macro_rules! contract_preferences {
    ($under:expr) => {
        $crate::each_rule! { preferences, $under;
            unset_preferences_are_the_defaults
            new_preferences_replace_the_old_ones
            device_has_one_owner_and_a_stable_id
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

/// Somebody whose contact is known; their address is theirs alone.
async fn somebody(book: &impl ContactStore) -> Contact {
    let email = Email::parse(&format!("{}@example.com", fresh().simple())).expect("an address");
    let contact = Contact { email, ..build::user().id(UserId(fresh())).contact() };
    book.save(a_claim(catalog::CONTACT_TRACK.name), &contact).await.expect("remembered");
    contact
}

async fn found(book: &impl ContactStore, user: UserId) -> Recipient {
    book.find(user).await.expect("the store answers").expect("a contact")
}

pub async fn unset_preferences_are_the_defaults(under: &Fixture<impl ContactStore + PreferenceStore>) {
    assert_eq!(under.port().preferences(UserId(fresh())).await, Ok(Preferences::default()));
    let contact = somebody(under.port()).await;
    assert_eq!(found(under.port(), contact.user_id).await, Recipient::with_defaults(contact));
}

pub async fn new_preferences_replace_the_old_ones(under: &Fixture<impl ContactStore + PreferenceStore>) {
    let contact = somebody(under.port()).await;
    let (user, none) = (contact.user_id, Preferences { channels: [].into(), locale: Locale::En });
    let both = Preferences { channels: [Channel::Sms, Channel::Push].into(), locale: Locale::De };
    for wish in [both, none] {
        under.port().set_preferences(user, &wish).await.expect("kept");
        assert_eq!(under.port().preferences(user).await.as_ref(), Ok(&wish));
        let to = found(under.port(), user).await;
        assert_eq!(to.preferences, wish);
        assert!(Channel::ALL.into_iter().all(|one| to.opted_in(one) == wish.channels.contains(&one)));
    }
    let other = somebody(under.port()).await;
    assert_eq!(found(under.port(), other.user_id).await.preferences, Preferences::default());
}

/// A device that was entered so many seconds after the first moment.
fn device(seconds: i64) -> Device {
    let registered_at = Timestamp::from_second(seconds).expect("within the calendar");
    Device { id: DeviceId(fresh()), endpoint: fresh().to_string(), registered_at }
}

pub async fn device_has_one_owner_and_a_stable_id(under: &Fixture<impl ContactStore + DeviceStore>) {
    let (first, second) = (somebody(under.port()).await.user_id, somebody(under.port()).await.user_id);
    let (phone, tablet) = (device(1), device(2));
    assert_eq!(under.port().save_device(first, &phone).await, Ok(phone.id));
    let again = Device { endpoint: phone.endpoint.clone(), ..device(3) };
    assert_eq!(under.port().save_device(first, &again).await, Ok(phone.id), "known by its first id");
    assert_eq!(under.port().save_device(first, &tablet).await, Ok(tablet.id));
    let phone = Device { registered_at: again.registered_at, ..phone };
    assert_eq!(found(under.port(), first).await.devices, [phone.clone(), tablet.clone()]);
    let theirs = Device { endpoint: phone.endpoint.clone(), ..device(4) };
    assert_eq!(under.port().save_device(second, &theirs).await, Ok(phone.id));
    assert_eq!(found(under.port(), first).await.devices, [tablet], "it has changed hands");
    assert_eq!(found(under.port(), second).await.devices, [Device { registered_at: theirs.registered_at, ..phone }]);
}

pub async fn only_its_owner_removes_a_device(under: &Fixture<impl ContactStore + DeviceStore>) {
    let (owner, phone) = (somebody(under.port()).await.user_id, device(1));
    under.port().save_device(owner, &phone).await.expect("kept");
    under.port().remove_device(UserId(fresh()), phone.id).await.expect("answered");
    under.port().remove_device(owner, DeviceId(fresh())).await.expect("answered");
    assert_eq!(found(under.port(), owner).await.devices, std::slice::from_ref(&phone));
    for _ in 0..2 {
        under.port().remove_device(owner, phone.id).await.expect("dropped");
        assert_eq!(found(under.port(), owner).await.devices, []);
    }
}

pub async fn unreachable_device_is_pruned_unless_registered_again(under: &Fixture<impl ContactStore + DeviceStore>) {
    let owner = somebody(under.port()).await.user_id;
    let (gone, there, back) = (device(1), device(1), device(1));
    for device in [&gone, &there, &back] {
        under.port().save_device(owner, device).await.expect("kept");
    }
    let entered_again = Device { registered_at: device(2).registered_at, ..back.clone() };
    under.port().save_device(owner, &entered_again).await.expect("kept");
    for device in [&gone, &gone, &back] {
        under.port().prune_device(device).await.expect("answered");
    }
    let mut left = found(under.port(), owner).await.devices;
    left.sort_by_key(|device| device.registered_at);
    assert_eq!(left, [there, entered_again]);
}

pub async fn device_limit_removes_the_oldest_registrations(under: &Fixture<impl ContactStore + DeviceStore>) {
    let (owner, other) = (somebody(under.port()).await.user_id, somebody(under.port()).await.user_id);
    let theirs = device(0);
    under.port().save_device(other, &theirs).await.expect("kept");
    let devices: Vec<Device> = (1..).take(MAX_DEVICES + 2).map(device).collect();
    for device in devices.iter().rev() {
        under.port().save_device(owner, device).await.expect("kept");
        under.settle().await;
    }
    // The two that came last were entered longest ago, and push each other out.
    let last = Device { registered_at: device(99).registered_at, ..devices[0].clone() };
    under.port().save_device(owner, &last).await.expect("kept");
    let mut left = found(under.port(), owner).await.devices;
    left.sort_by_key(|device| device.registered_at);
    assert_eq!(left.len(), MAX_DEVICES);
    assert_eq!(left.last(), Some(&last));
    assert!(left.contains(&devices[MAX_DEVICES + 1]) && !left.contains(&devices[1]), "{left:?}");
    assert_eq!(found(under.port(), other).await.devices, [theirs]);
}

fn confirmed(user_id: UserId) -> NotificationSent {
    let order_id = Some(OrderId(fresh()));
    NotificationSent { order_id, user_id, channel: Channel::Email, template: Template::OrderConfirmed }
}

async fn outcomes(desk: &impl NotificationRequests, sent: &NotificationSent) -> Vec<Outcome> {
    let order = sent.order_id.expect("about an order");
    let page = desk.delivery_log(order, 5, None).await.expect("the store answers");
    page.items.into_iter().map(|one| one.outcome).collect()
}

pub async fn bounced_address_is_suppressed_and_logged(
    under: &Fixture<impl ContactStore + EmailFeedbackStore + NotificationRequests>,
) {
    let (contact, other) = (somebody(under.port()).await, somebody(under.port()).await);
    let (claim, sent) = (a_claim(catalog::EMAIL_SEND.name), confirmed(contact.user_id));
    under.port().record_sent(claim, &an_event(sent.clone())).await.expect("kept");
    assert_eq!(outcomes(under.port(), &sent).await, [Outcome::Sent]);
    for why in [Suppression::Bounced, Suppression::Bounced, Suppression::Complained] {
        let mail = EmailFeedback { delivery: Some(claim.event_id), why, suppress: vec![contact.email.clone()] };
        under.port().record_feedback(&mail, now()).await.expect("kept");
    }
    assert_eq!(found(under.port(), contact.user_id).await.suppressed, Some(Suppression::Bounced), "the first stays");
    assert_eq!(outcomes(under.port(), &sent).await, [Outcome::Bounced]);
    assert_eq!(found(under.port(), other.user_id).await.suppressed, None);
    let suppress = vec![other.email.clone(), contact.email.clone(), other.email.clone()];
    let mail = EmailFeedback { delivery: None, why: Suppression::Complained, suppress };
    under.port().record_feedback(&mail, now()).await.expect("kept");
    assert_eq!(found(under.port(), other.user_id).await.suppressed, Some(Suppression::Complained));
}

pub async fn bounce_received_before_the_send_record_is_logged(
    under: &Fixture<impl ContactStore + EmailFeedbackStore + NotificationRequests>,
) {
    let contact = somebody(under.port()).await;
    let (claim, sent) = (a_claim(catalog::EMAIL_SEND.name), confirmed(contact.user_id));
    let (delivery, why) = (Some(claim.event_id), Suppression::Bounced);
    let mail = EmailFeedback { delivery, why, suppress: vec![contact.email.clone()] };
    under.port().record_feedback(&mail, now()).await.expect("kept");
    under.port().record_sent(claim, &an_event(sent.clone())).await.expect("kept");
    assert_eq!(outcomes(under.port(), &sent).await, [Outcome::Bounced]);
}

pub async fn transient_bounce_is_logged_and_suppresses_no_address(
    under: &Fixture<impl ContactStore + EmailFeedbackStore + NotificationRequests>,
) {
    let contact = somebody(under.port()).await;
    let (claim, sent) = (a_claim(catalog::EMAIL_SEND.name), confirmed(contact.user_id));
    under.port().record_sent(claim, &an_event(sent.clone())).await.expect("kept");
    let mail = EmailFeedback { delivery: Some(claim.event_id), why: Suppression::Bounced, suppress: vec![] };
    under.port().record_feedback(&mail, now()).await.expect("kept");
    assert_eq!(outcomes(under.port(), &sent).await, [Outcome::Bounced]);
    assert_eq!(found(under.port(), contact.user_id).await.suppressed, None);
}
