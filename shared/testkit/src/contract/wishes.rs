//! Rules of [`PreferenceBook`], [`DeviceBook`] and [`FeedbackBook`], seen through [`ContactBook`].

use super::{Under, a_claim, an_event, fresh};
use crate::build;
use domain::{
    event::NotificationSent,
    id::{DeviceId, OrderId, UserId},
    notification::{Channel, Locale, Outcome, Preferences, Suppression, Template},
    text::Email,
};
use kernel::Timestamp;
use ports::{
    Addressee, Contact, ContactBook, Device, DeviceBook, FeedbackBook, MOST_DEVICES, NotificationDesk, PreferenceBook,
    ReturnedMail,
};

/// One test a rule, each over the `Under<impl ContactBook + PreferenceBook + DeviceBook + FeedbackBook + NotificationDesk>` that the
/// expression gives when it is awaited.
#[macro_export]
macro_rules! contract_wishes {
    ($under:expr) => {
        $crate::each_rule! { wishes, $under;
            who_never_said_how_wants_the_usual
            what_somebody_wants_takes_the_place_of_what_they_wanted
            a_device_is_one_person_s_and_keeps_its_id
            a_device_is_dropped_by_its_owner_alone
            a_device_that_is_not_reached_is_forgotten_unless_it_was_entered_again
            who_enters_too_many_devices_loses_those_entered_longest_ago
            an_address_that_bounced_takes_no_more_mail_and_the_log_says_why
            what_passes_is_in_the_log_and_closes_no_address
            what_comes_back_before_it_was_noted_is_in_the_log_all_the_same
        }
    };
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

/// Somebody whose contact is known; their address is theirs alone.
async fn somebody(book: &impl ContactBook) -> Contact {
    let email = Email::parse(&format!("{}@example.com", fresh().simple())).expect("an address");
    let contact = Contact { email, ..build::user().id(UserId(fresh())).contact() };
    book.remember(a_claim(catalog::CONTACT_TRACK.name), &contact).await.expect("remembered");
    contact
}

async fn found(book: &impl ContactBook, user: UserId) -> Addressee {
    book.find(user).await.expect("the store answers").expect("a contact")
}

pub async fn who_never_said_how_wants_the_usual(under: &Under<impl ContactBook + PreferenceBook>) {
    assert_eq!(under.port().preferences(UserId(fresh())).await, Ok(Preferences::default()));
    let contact = somebody(under.port()).await;
    assert_eq!(found(under.port(), contact.user_id).await, Addressee::usual(contact));
}

pub async fn what_somebody_wants_takes_the_place_of_what_they_wanted(under: &Under<impl ContactBook + PreferenceBook>) {
    let contact = somebody(under.port()).await;
    let (user, none) = (contact.user_id, Preferences { channels: [].into(), locale: Locale::En });
    let both = Preferences { channels: [Channel::Sms, Channel::Push].into(), locale: Locale::De };
    for wish in [both, none] {
        under.port().prefer(user, &wish).await.expect("kept");
        assert_eq!(under.port().preferences(user).await.as_ref(), Ok(&wish));
        let to = found(under.port(), user).await;
        assert_eq!(to.preferences, wish);
        assert!(Channel::ALL.into_iter().all(|one| to.wants(one) == wish.channels.contains(&one)));
    }
    let other = somebody(under.port()).await;
    assert_eq!(found(under.port(), other.user_id).await.preferences, Preferences::default());
}

/// A device that was entered so many seconds after the first moment.
fn device(seconds: i64) -> Device {
    let entered_at = Timestamp::from_second(seconds).expect("within the calendar");
    Device { id: DeviceId(fresh()), endpoint: fresh().to_string(), entered_at }
}

pub async fn a_device_is_one_person_s_and_keeps_its_id(under: &Under<impl ContactBook + DeviceBook>) {
    let (first, second) = (somebody(under.port()).await.user_id, somebody(under.port()).await.user_id);
    let (phone, tablet) = (device(1), device(2));
    assert_eq!(under.port().keep_device(first, &phone).await, Ok(phone.id));
    let again = Device { endpoint: phone.endpoint.clone(), ..device(3) };
    assert_eq!(under.port().keep_device(first, &again).await, Ok(phone.id), "known by its first id");
    assert_eq!(under.port().keep_device(first, &tablet).await, Ok(tablet.id));
    let phone = Device { entered_at: again.entered_at, ..phone };
    assert_eq!(found(under.port(), first).await.devices, [phone.clone(), tablet.clone()]);
    let theirs = Device { endpoint: phone.endpoint.clone(), ..device(4) };
    assert_eq!(under.port().keep_device(second, &theirs).await, Ok(phone.id));
    assert_eq!(found(under.port(), first).await.devices, [tablet], "it has changed hands");
    assert_eq!(found(under.port(), second).await.devices, [Device { entered_at: theirs.entered_at, ..phone }]);
}

pub async fn a_device_is_dropped_by_its_owner_alone(under: &Under<impl ContactBook + DeviceBook>) {
    let (owner, phone) = (somebody(under.port()).await.user_id, device(1));
    under.port().keep_device(owner, &phone).await.expect("kept");
    under.port().drop_device(UserId(fresh()), phone.id).await.expect("answered");
    under.port().drop_device(owner, DeviceId(fresh())).await.expect("answered");
    assert_eq!(found(under.port(), owner).await.devices, std::slice::from_ref(&phone));
    for _ in 0..2 {
        under.port().drop_device(owner, phone.id).await.expect("dropped");
        assert_eq!(found(under.port(), owner).await.devices, []);
    }
}

pub async fn a_device_that_is_not_reached_is_forgotten_unless_it_was_entered_again(
    under: &Under<impl ContactBook + DeviceBook>,
) {
    let owner = somebody(under.port()).await.user_id;
    let (gone, there, back) = (device(1), device(1), device(1));
    for device in [&gone, &there, &back] {
        under.port().keep_device(owner, device).await.expect("kept");
    }
    let entered_again = Device { entered_at: device(2).entered_at, ..back.clone() };
    under.port().keep_device(owner, &entered_again).await.expect("kept");
    for device in [&gone, &gone, &back] {
        under.port().forget_device(device).await.expect("answered");
    }
    let mut left = found(under.port(), owner).await.devices;
    left.sort_by_key(|device| device.entered_at);
    assert_eq!(left, [there, entered_again]);
}

pub async fn who_enters_too_many_devices_loses_those_entered_longest_ago(under: &Under<impl ContactBook + DeviceBook>) {
    let (owner, other) = (somebody(under.port()).await.user_id, somebody(under.port()).await.user_id);
    let theirs = device(0);
    under.port().keep_device(other, &theirs).await.expect("kept");
    let devices: Vec<Device> = (1..).take(MOST_DEVICES + 2).map(device).collect();
    for device in devices.iter().rev() {
        under.port().keep_device(owner, device).await.expect("kept");
        under.settle().await;
    }
    // The two that came last were entered longest ago, and push each other out.
    let last = Device { entered_at: device(99).entered_at, ..devices[0].clone() };
    under.port().keep_device(owner, &last).await.expect("kept");
    let mut left = found(under.port(), owner).await.devices;
    left.sort_by_key(|device| device.entered_at);
    assert_eq!(left.len(), MOST_DEVICES);
    assert_eq!(left.last(), Some(&last));
    assert!(left.contains(&devices[MOST_DEVICES + 1]) && !left.contains(&devices[1]), "{left:?}");
    assert_eq!(found(under.port(), other).await.devices, [theirs]);
}

fn confirmed(user_id: UserId) -> NotificationSent {
    let order_id = Some(OrderId(fresh()));
    NotificationSent { order_id, user_id, channel: Channel::Email, template: Template::OrderConfirmed }
}

async fn outcomes(desk: &impl NotificationDesk, sent: &NotificationSent) -> Vec<Outcome> {
    let order = sent.order_id.expect("about an order");
    let page = desk.log(order, 5, None).await.expect("the store answers");
    page.items.into_iter().map(|one| one.outcome).collect()
}

pub async fn an_address_that_bounced_takes_no_more_mail_and_the_log_says_why(
    under: &Under<impl ContactBook + FeedbackBook + NotificationDesk>,
) {
    let (contact, other) = (somebody(under.port()).await, somebody(under.port()).await);
    let (claim, sent) = (a_claim(catalog::MAIL_SEND.name), confirmed(contact.user_id));
    under.port().sent(claim, &an_event(sent.clone())).await.expect("kept");
    assert_eq!(outcomes(under.port(), &sent).await, [Outcome::Sent]);
    for why in [Suppression::Bounced, Suppression::Bounced, Suppression::Complained] {
        let mail = ReturnedMail { delivery: Some(claim.event_id), why, closes: vec![contact.email.clone()] };
        under.port().returned(&mail, now()).await.expect("kept");
    }
    assert_eq!(found(under.port(), contact.user_id).await.suppressed, Some(Suppression::Bounced), "the first stays");
    assert_eq!(outcomes(under.port(), &sent).await, [Outcome::Bounced]);
    assert_eq!(found(under.port(), other.user_id).await.suppressed, None);
    let closes = vec![other.email.clone(), contact.email.clone(), other.email.clone()];
    let mail = ReturnedMail { delivery: None, why: Suppression::Complained, closes };
    under.port().returned(&mail, now()).await.expect("kept");
    assert_eq!(found(under.port(), other.user_id).await.suppressed, Some(Suppression::Complained));
}

pub async fn what_comes_back_before_it_was_noted_is_in_the_log_all_the_same(
    under: &Under<impl ContactBook + FeedbackBook + NotificationDesk>,
) {
    let contact = somebody(under.port()).await;
    let (claim, sent) = (a_claim(catalog::MAIL_SEND.name), confirmed(contact.user_id));
    let (delivery, why) = (Some(claim.event_id), Suppression::Bounced);
    let mail = ReturnedMail { delivery, why, closes: vec![contact.email.clone()] };
    under.port().returned(&mail, now()).await.expect("kept");
    under.port().sent(claim, &an_event(sent.clone())).await.expect("kept");
    assert_eq!(outcomes(under.port(), &sent).await, [Outcome::Bounced]);
}

pub async fn what_passes_is_in_the_log_and_closes_no_address(
    under: &Under<impl ContactBook + FeedbackBook + NotificationDesk>,
) {
    let contact = somebody(under.port()).await;
    let (claim, sent) = (a_claim(catalog::MAIL_SEND.name), confirmed(contact.user_id));
    under.port().sent(claim, &an_event(sent.clone())).await.expect("kept");
    let mail = ReturnedMail { delivery: Some(claim.event_id), why: Suppression::Bounced, closes: vec![] };
    under.port().returned(&mail, now()).await.expect("kept");
    assert_eq!(outcomes(under.port(), &sent).await, [Outcome::Bounced]);
    assert_eq!(found(under.port(), contact.user_id).await.suppressed, None);
}
