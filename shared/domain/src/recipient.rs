//! Recipients of notifications: contacts, devices, and whether they can be reached.

use crate::{
    channel::Channel,
    id::{DeviceId, UserId},
    message_limits::CallingCodes,
    notification::{NotificationOutcome, Preferences, SendNotification, Suppression},
    text::{Email, FullName, Phone},
    verification::ContactKind,
};
use kernel::{Failure, Timestamp};
use std::collections::BTreeSet;

/// Name and addresses of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    pub user_id: UserId,
    pub email: Email,
    pub name: Option<FullName>,
    pub phone: Option<Phone>,
}

/// A device that receives push notifications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    pub id: DeviceId,
    /// ARN of its endpoint at the push service.
    pub endpoint: String,
    /// When the app last registered it.
    pub registered_at: Timestamp,
}

/// Maximum number of devices of one user. Registering another removes the one that was registered longest ago.
pub const MAX_DEVICES: usize = 10;

/// A user as a recipient of notifications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    pub contact: Contact,
    /// The addresses of the contact that are verified.
    pub verified: BTreeSet<ContactKind>,
    pub preferences: Preferences,
    /// Why the e-mail address is suppressed, if it is.
    pub suppressed: Option<Suppression>,
    /// At most [`MAX_DEVICES`].
    pub devices: Vec<Device>,
}

impl Recipient {
    /// A recipient with default preferences, no verified address, no suppression and no devices.
    pub fn with_defaults(contact: Contact) -> Self {
        let (preferences, verified) = (Preferences::default(), BTreeSet::new());
        Self { contact, verified, preferences, suppressed: None, devices: Vec::new() }
    }

    /// The recipient with every address verified.
    #[must_use]
    pub fn verified(self) -> Self {
        Self { verified: ContactKind::ALL.into(), ..self }
    }

    /// Whether the user chose `channel`.
    pub fn opted_in(&self, channel: Channel) -> bool {
        self.preferences.channels.contains(&channel)
    }

    /// Why the recipient cannot be reached through `channel`; `None` if they can.
    pub fn blocked_reason(&self, channel: Channel) -> Option<NotificationOutcome> {
        let unverified = |kind| (!self.verified.contains(&kind)).then_some(NotificationOutcome::Unverified);
        match channel {
            Channel::Email => {
                self.suppressed.map(|_| NotificationOutcome::Suppressed).or(unverified(ContactKind::Email))
            }
            Channel::Sms if self.contact.phone.is_none() => Some(NotificationOutcome::NoAddress),
            Channel::Sms => unverified(ContactKind::Phone),
            Channel::Push => self.devices.is_empty().then_some(NotificationOutcome::NoAddress),
        }
    }
}

impl SendNotification {
    /// Checks that the customer chose the channel and can be reached through it. Fails with `Invalid`, naming the field.
    pub fn check_recipient(&self, to: &Recipient, countries: &CallingCodes) -> Result<(), Failure> {
        if !to.opted_in(self.channel) {
            return Err(Failure::field("/channel", "is not one that this customer chose"));
        }
        match to.blocked_reason(self.channel) {
            None => match &to.contact.phone {
                Some(phone) if self.channel == Channel::Sms => countries.check("/channel", phone),
                _ => Ok(()),
            },
            Some(NotificationOutcome::Suppressed) => {
                Err(Failure::field("/channel", "cannot be used: the customer's address is suppressed"))
            }
            Some(NotificationOutcome::Unverified) => {
                Err(Failure::field("/channel", "cannot be used: the customer has not verified this address"))
            }
            Some(_) => Err(Failure::field("/channel", "cannot be used: the customer has no phone number or device")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Uuid;

    /// A recipient who chose every channel and can be reached through each.
    fn reachable() -> Recipient {
        let contact = Contact {
            user_id: UserId(Uuid::nil()),
            email: Email::parse("ada@example.com").expect("valid"),
            name: None,
            phone: Some(Phone::parse("+15005550006").expect("valid")),
        };
        let device =
            Device { id: DeviceId(Uuid::nil()), endpoint: "arn".to_owned(), registered_at: Timestamp::UNIX_EPOCH };
        let mut to = Recipient { devices: vec![device], ..Recipient::with_defaults(contact).verified() };
        to.preferences.channels = Channel::ALL.into();
        to
    }

    fn check(channel: Channel, to: &Recipient) -> Result<(), String> {
        check_in("1", channel, to)
    }

    fn check_in(codes: &str, channel: Channel, to: &Recipient) -> Result<(), String> {
        let json = serde_json::json!({
            "user_id": Uuid::nil(), "channel": channel, "template": "message", "data": { "subject": "A", "text": "B" },
        });
        let command: SendNotification = serde_json::from_value(json).expect("valid");
        let countries = CallingCodes::parse(codes).expect("codes");
        command.check_recipient(to, &countries).map_err(|failure| failure.detail)
    }

    #[test]
    fn reachable_recipient_may_be_written_to_on_each_chosen_channel() {
        for channel in Channel::ALL {
            assert_eq!((check(channel, &reachable()), reachable().blocked_reason(channel)), (Ok(()), None));
            let mut to = reachable();
            to.preferences.channels.remove(&channel);
            assert_eq!(check(channel, &to), Err("/channel is not one that this customer chose".to_owned()));
        }
    }

    #[test]
    fn country_of_the_phone_number_matters_to_text_messages_alone() {
        for channel in Channel::ALL {
            assert_eq!(check_in("49", channel, &reachable()).is_err(), channel == Channel::Sms, "{channel:?}");
        }
    }

    #[test]
    fn missing_unverified_or_suppressed_address_blocks_its_channel_alone() {
        let mut to = Recipient { suppressed: Some(Suppression::Bounced), devices: vec![], ..reachable() };
        to.contact.phone = None;
        let reasons = Channel::ALL.map(|channel| (channel, to.blocked_reason(channel), check(channel, &to).is_err()));
        for (channel, reason, is_rejected) in reasons {
            let expected = if channel == Channel::Email {
                NotificationOutcome::Suppressed
            } else {
                NotificationOutcome::NoAddress
            };
            assert_eq!((reason, is_rejected), (Some(expected), true));
        }
        let to = Recipient { verified: BTreeSet::new(), ..reachable() };
        let reasons = Channel::ALL.map(|channel| (to.blocked_reason(channel), check(channel, &to).is_err()));
        assert_eq!(
            reasons,
            [
                (Some(NotificationOutcome::Unverified), true),
                (Some(NotificationOutcome::Unverified), true),
                (None, false)
            ]
        );
        let to = Recipient { suppressed: Some(Suppression::Complained), ..reachable() };
        assert_eq!(Channel::ALL.map(|channel| check(channel, &to).is_err()).iter().filter(|one| **one).count(), 1);
    }
}
