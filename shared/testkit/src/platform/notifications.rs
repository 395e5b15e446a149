//! Contacts, how they want to be told, and what was told, in memory.

use super::{Contacts, Part, keys::KeyBook};
use domain::{
    DomainEvent, Event,
    event::NotificationSent,
    id::{DeviceId, OrderId, UserId},
    notification::{self, Channel, Logged, Outcome, Preferences, Suppression},
    text::Email,
};
use kernel::{Failure, Idempotency, Settled, StoredReply, Timestamp, Uuid};
use ports::{Addressee, Claim, Contact, Device, MOST_DEVICES, Page, ReturnedMail};
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound::{Excluded, Unbounded};

#[derive(Default)]
pub(super) struct ContactsState {
    contacts: HashMap<UserId, Contact>,
    preferences: HashMap<UserId, Preferences>,
    /// Whose each device is, by what the push service calls it.
    devices: HashMap<String, (UserId, Device)>,
    suppressions: HashMap<Email, Suppression>,
    feedback: HashMap<Uuid, Suppression>,
    log: BTreeMap<(Uuid, Channel), Logged>,
    keys: KeyBook,
}

impl ContactsState {
    fn addressee(&self, user: UserId) -> Option<Addressee> {
        let contact = self.contacts.get(&user)?.clone();
        let own = self.devices.values().filter(|(owner, _)| *owner == user);
        let mut devices: Vec<Device> = own.map(|(_, device)| device.clone()).collect();
        devices.sort_by_key(|device| device.id);
        let suppressed = self.suppressions.get(&contact.email).copied();
        let preferences = self.preferences.get(&user).cloned().unwrap_or_default();
        Some(Addressee { contact, preferences, suppressed, devices })
    }

    fn note(&mut self, claim: Claim, sent: &NotificationSent, outcome: Outcome, at: Timestamp) {
        let logged = Logged { id: claim.event_id, sent: sent.clone(), outcome, at };
        self.log.insert((logged.id, sent.channel), logged);
    }

    /// An entry of the log, with what became known of it since.
    fn told(&self, logged: &Logged) -> Logged {
        let later = self.feedback.get(&logged.id).filter(|_| logged.sent.channel == Channel::Email);
        Logged { outcome: later.map_or(logged.outcome, |why| (*why).into()), ..logged.clone() }
    }
}

impl Contacts {
    /// Knows a contact, without a claim.
    pub fn put(&self, contact: &Contact) {
        self.0.arrange(|state| state.contacts.contacts.insert(contact.user_id, contact.clone()));
    }
}

impl ports::ContactBook for Contacts {
    async fn remember(&self, claim: Claim, contact: &Contact) -> Result<(), Failure> {
        let commit = self.0.commit("contacts.remember", |state| {
            if state.claim(claim) {
                state.contacts.contacts.insert(contact.user_id, contact.clone());
            }
            Ok(())
        });
        commit.await
    }

    async fn find(&self, user: UserId) -> Result<Option<Addressee>, Failure> {
        self.0.look(Part::Database, |state| Ok(state.contacts.addressee(user))).await
    }

    async fn was_sent(&self, claim: Claim) -> Result<bool, Failure> {
        self.0.look(Part::Database, |state| Ok(state.claims.contains(&claim))).await
    }

    async fn sent(&self, claim: Claim, event: &Event) -> Result<bool, Failure> {
        let commit = self.0.commit("contacts.sent", |state| {
            let first = state.claim(claim);
            if first {
                if let DomainEvent::NotificationSent(sent) = &event.event {
                    state.contacts.note(claim, sent, Outcome::Sent, event.time);
                }
                state.outbox.add(event);
            }
            Ok(first)
        });
        commit.await
    }

    async fn not_sent(
        &self,
        claim: Claim,
        about: &NotificationSent,
        why: Outcome,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let commit = self.0.commit("contacts.not_sent", |state| {
            if state.claim(claim) {
                state.contacts.note(claim, about, why, now);
            }
            Ok(())
        });
        commit.await
    }
}

impl ports::NotificationDesk for Contacts {
    async fn request(&self, key: &Idempotency, reply: &StoredReply, event: &Event) -> Result<Settled, Failure> {
        let commit = self.0.commit("contacts.request", |state| {
            if let Some(settled) = state.contacts.keys.find(key)? {
                return Ok(settled);
            }
            state.contacts.keys.keep(key, Some(reply));
            state.outbox.add(event);
            Ok(Settled::Now)
        });
        commit.await
    }

    async fn recall(&self, key: &Idempotency) -> Result<Option<Settled>, Failure> {
        self.0.look(Part::Database, |state| state.contacts.keys.find(key)).await
    }

    async fn log(&self, order: OrderId, limit: u32, cursor: Option<&str>) -> Result<Page<Logged>, Failure> {
        let after = cursor.map(notification::read_cursor).transpose()?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let look = self.0.look(Part::Database, |state| {
            let behind = state.contacts.log.range((after.map_or(Unbounded, Excluded), Unbounded));
            let of_order = behind.map(|(_, one)| one).filter(|one| one.sent.order_id == Some(order));
            let mut items: Vec<Logged> = of_order.map(|one| state.contacts.told(one)).collect();
            let more = items.len() > limit;
            items.truncate(limit);
            let next = items.last().filter(|_| more).map(Logged::cursor);
            Ok(Page { items, next })
        });
        look.await
    }
}

impl ports::PreferenceBook for Contacts {
    async fn preferences(&self, user: UserId) -> Result<Preferences, Failure> {
        let look = self.0.look(Part::Database, |state| Ok(state.contacts.preferences.get(&user).cloned()));
        Ok(look.await?.unwrap_or_default())
    }

    async fn prefer(&self, user: UserId, preferences: &Preferences) -> Result<(), Failure> {
        let commit = self.0.commit("contacts.prefer", |state| {
            state.contacts.preferences.insert(user, preferences.clone());
            Ok(())
        });
        commit.await
    }
}

impl ports::DeviceBook for Contacts {
    async fn keep_device(&self, user: UserId, device: &Device) -> Result<DeviceId, Failure> {
        let commit = self.0.commit("contacts.keep_device", |state| {
            let devices = &mut state.contacts.devices;
            let mut device = device.clone();
            if let Some((_, known)) = devices.remove(&device.endpoint) {
                device.id = known.id;
            }
            let own = devices.values().filter(|(owner, _)| *owner == user).map(|(_, one)| one);
            let mut own: Vec<Device> = own.cloned().collect();
            own.sort_by_key(|one| (one.entered_at, one.id));
            for oldest in own.iter().take(own.len().saturating_sub(MOST_DEVICES - 1)) {
                devices.remove(&oldest.endpoint);
            }
            let id = device.id;
            devices.insert(device.endpoint.clone(), (user, device));
            Ok(id)
        });
        commit.await
    }

    async fn drop_device(&self, user: UserId, id: DeviceId) -> Result<(), Failure> {
        let commit = self.0.commit("contacts.drop_device", |state| {
            state.contacts.devices.retain(|_, (owner, device)| (*owner, device.id) != (user, id));
            Ok(())
        });
        commit.await
    }

    async fn forget_device(&self, device: &Device) -> Result<(), Failure> {
        let commit = self.0.commit("contacts.forget_device", |state| {
            let kept = state.contacts.devices.get(&device.endpoint);
            if kept.is_some_and(|(_, kept)| kept.entered_at == device.entered_at) {
                state.contacts.devices.remove(&device.endpoint);
            }
            Ok(())
        });
        commit.await
    }
}

impl ports::FeedbackBook for Contacts {
    async fn returned(&self, mail: &ReturnedMail, _now: Timestamp) -> Result<(), Failure> {
        let commit = self.0.commit("contacts.returned", |state| {
            if let Some(delivery) = mail.delivery {
                state.contacts.feedback.entry(delivery).or_insert(mail.why);
            }
            for address in &mail.closes {
                state.contacts.suppressions.entry(address.clone()).or_insert(mail.why);
            }
            Ok(())
        });
        commit.await
    }
}
