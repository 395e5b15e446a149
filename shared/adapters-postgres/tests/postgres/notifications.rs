//! Contacts, and the log of what was sent to them.

use crate::fixtures::*;
use domain::{
    event::NotificationSent,
    id::{OrderId, UserId},
    notification::{Channel, Template},
    text::{Email, FullName, Phone},
};
use ports::{Contact, ContactStore, Recipient};

fn contact(user: UserId, email: &str, name: Option<&str>) -> Contact {
    Contact {
        user_id: user,
        email: Email::parse(email).expect("an address"),
        name: name.map(|name| FullName::parse(name).expect("a name")),
        phone: None,
    }
}

#[tokio::test]
async fn contact_is_stored_and_a_redelivery_changes_nothing() {
    let database = database().await;
    let contacts = database.contacts();
    let (user, claim) = (UserId(id()), claim());
    let ada = contact(user, "ada@example.com", Some("Ada"));
    contacts.save(claim, &ada, 1).await.expect("remembered");
    contacts.save(claim, &contact(user, "other@example.com", None), 2).await.expect("known");
    assert_eq!(contacts.find(user).await, Ok(Some(Recipient::with_defaults(ada))));
    assert_eq!(contacts.find(UserId(id())).await, Ok(None));
}

#[tokio::test]
async fn sent_email_is_recorded_once_with_its_event() {
    let database = database().await;
    let contacts = database.contacts();
    let claim = claim();
    let event = event(NotificationSent {
        order_id: Some(OrderId(id())),
        user_id: UserId(id()),
        channel: Channel::Email,
        template: Template::OrderConfirmed,
    });
    assert_eq!(contacts.was_sent(claim).await, Ok(false));
    assert_eq!(contacts.record_sent(claim, &event).await, Ok(true));
    assert_eq!(contacts.was_sent(claim).await, Ok(true));
    assert_eq!(contacts.record_sent(claim, &event).await, Ok(false));
    assert_eq!(database.bus().published(), [event]);
}

#[tokio::test]
async fn verified_address_of_an_unknown_kind_is_undecodable() {
    let database = database().await;
    let (contacts, user) = (database.contacts(), UserId(id()));
    let ada = Contact {
        phone: Some(Phone::parse("+491701234567").expect("a number")),
        ..contact(user, "ada@example.com", None)
    };
    contacts.save(claim(), &ada, 1).await.expect("stored");
    database
        .execute(&format!(
            "ALTER TABLE notifications.verified_addresses DROP CONSTRAINT verified_addresses_kind_check;
            INSERT INTO notifications.verified_addresses (user_id, kind, address, version) VALUES ('{}', 'fax', '+491701234567', 1)",
            user.0
        ))
        .await;
    let failure = contacts.find(user).await.expect_err("undecodable");
    assert!(failure.to_string().contains("column verified"), "{failure}");
}
