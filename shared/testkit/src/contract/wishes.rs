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
use ports::{Addressee, Contact, ContactBook, Device, DeviceBook, FeedbackBook, NotificationDesk, PreferenceBook};

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
            a_device_that_is_not_reached_is_forgotten
            an_address_that_bounced_takes_no_more_mail_and_the_log_says_why
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

pub async fn a_device_is_one_person_s_and_keeps_its_id(under: &Under<impl ContactBook + DeviceBook>) {
    let (first, second) = (somebody(under.port()).await.user_id, somebody(under.port()).await.user_id);
    let (id, endpoint, other) = (DeviceId(fresh()), fresh().to_string(), fresh().to_string());
    assert_eq!(under.port().keep_device(first, id, &endpoint).await, Ok(id));
    assert_eq!(under.port().keep_device(first, DeviceId(fresh()), &endpoint).await, Ok(id), "known by its first id");
    let tablet = DeviceId(fresh());
    assert_eq!(under.port().keep_device(first, tablet, &other).await, Ok(tablet));
    let (phone, tablet) = (Device { id, endpoint: endpoint.clone() }, Device { id: tablet, endpoint: other });
    assert_eq!(found(under.port(), first).await.devices, [phone.clone(), tablet.clone()]);
    assert_eq!(under.port().keep_device(second, DeviceId(fresh()), &endpoint).await, Ok(id));
    assert_eq!(found(under.port(), first).await.devices, [tablet], "it has changed hands");
    assert_eq!(found(under.port(), second).await.devices, [phone]);
}

pub async fn a_device_is_dropped_by_its_owner_alone(under: &Under<impl ContactBook + DeviceBook>) {
    let (owner, other) = (somebody(under.port()).await.user_id, UserId(fresh()));
    let (id, endpoint) = (DeviceId(fresh()), fresh().to_string());
    under.port().keep_device(owner, id, &endpoint).await.expect("kept");
    assert_eq!(under.port().drop_device(other, id).await, Ok(None));
    assert_eq!(under.port().drop_device(owner, DeviceId(fresh())).await, Ok(None));
    assert_eq!(found(under.port(), owner).await.devices.len(), 1);
    assert_eq!(under.port().drop_device(owner, id).await, Ok(Some(endpoint)));
    assert_eq!(under.port().drop_device(owner, id).await, Ok(None));
    assert_eq!(found(under.port(), owner).await.devices, []);
}

pub async fn a_device_that_is_not_reached_is_forgotten(under: &Under<impl ContactBook + DeviceBook>) {
    let owner = somebody(under.port()).await.user_id;
    let (gone, there) = (fresh().to_string(), fresh().to_string());
    for endpoint in [&gone, &there] {
        under.port().keep_device(owner, DeviceId(fresh()), endpoint).await.expect("kept");
    }
    for _ in 0..2 {
        under.port().forget_device(&gone).await.expect("forgotten");
    }
    let left: Vec<String> = found(under.port(), owner).await.devices.into_iter().map(|one| one.endpoint).collect();
    assert_eq!(left, [there]);
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
        under.port().returned(Some(claim.event_id), &contact.email, why, now()).await.expect("kept");
    }
    assert_eq!(found(under.port(), contact.user_id).await.suppressed, Some(Suppression::Bounced), "the first stays");
    assert_eq!(outcomes(under.port(), &sent).await, [Outcome::Bounced]);
    assert_eq!(found(under.port(), other.user_id).await.suppressed, None);
    under.port().returned(None, &other.email, Suppression::Complained, now()).await.expect("kept");
    assert_eq!(found(under.port(), other.user_id).await.suppressed, Some(Suppression::Complained));
}

pub async fn what_comes_back_before_it_was_noted_is_in_the_log_all_the_same(
    under: &Under<impl ContactBook + FeedbackBook + NotificationDesk>,
) {
    let contact = somebody(under.port()).await;
    let (claim, sent) = (a_claim(catalog::MAIL_SEND.name), confirmed(contact.user_id));
    under.port().returned(Some(claim.event_id), &contact.email, Suppression::Bounced, now()).await.expect("kept");
    under.port().sent(claim, &an_event(sent.clone())).await.expect("kept");
    assert_eq!(outcomes(under.port(), &sent).await, [Outcome::Bounced]);
}
