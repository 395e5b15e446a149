//! In-memory fakes of contacts, preferences, devices, e-mail feedback and the delivery log.

mod template_edits;

use super::{
    Contacts, Dependency,
    budgets::{Budgets, take},
    keys::IdempotencyKeys,
};
use domain::{
    DomainEvent, Event,
    event::{ContactVerified, NotificationSent},
    id::{DeviceId, OrderId, UserId},
    message_limits::MessageBudgets,
    message_template::{TemplateKey, TemplateTexts},
    notification::{self, Channel, DeliveryLogEntry, NotificationOutcome, Preferences, Suppression, Template},
    text::{Email, Phone},
    verification::ContactKind,
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp, Uuid};
use ports::{Claim, Contact, Device, EmailFeedback, MAX_DEVICES, Page, Recipient};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound::{Excluded, Unbounded};
use template_edits::TemplateEditsState;

#[derive(Default)]
pub(super) struct ContactsState {
    contacts: HashMap<UserId, Contact>,
    /// The versions of the users that the contacts are of.
    versions: HashMap<UserId, u64>,
    /// Address and version of the user since when.
    verified: HashMap<(UserId, ContactKind), (String, u64)>,
    preferences: HashMap<UserId, Preferences>,
    /// Owner and device, by endpoint.
    devices: HashMap<String, (UserId, Device)>,
    suppressions: HashMap<Email, Suppression>,
    feedback: HashMap<Uuid, Suppression>,
    log: BTreeMap<(Uuid, Channel), DeliveryLogEntry>,
    keys: IdempotencyKeys,
    budgets: Budgets,
    /// With the version in which they were erased.
    erased: HashMap<UserId, u64>,
    /// Messages that were taken from the budgets.
    taken: HashSet<Claim>,
    template_edits: TemplateEditsState,
}

impl ContactsState {
    /// Whether there is a contact of this user.
    pub fn has(&self, user: UserId) -> bool {
        self.contacts.contains_key(&user)
    }

    fn recipient(&self, user: UserId) -> Option<Recipient> {
        let contact = self.contacts.get(&user)?.clone();
        let devices_of_user = self.devices.values().filter(|(owner, _)| *owner == user);
        let mut devices: Vec<Device> = devices_of_user.map(|(_, device)| device.clone()).collect();
        devices.sort_by_key(|device| device.id);
        let suppressed = self.suppressions.get(&contact.email).copied();
        let preferences = self.preferences.get(&user).cloned().unwrap_or_default();
        let address = |kind| match kind {
            ContactKind::Email => Some(contact.email.as_str()),
            ContactKind::Phone => contact.phone.as_ref().map(|phone| phone.as_str()),
        };
        let is_verified = |kind: &ContactKind| {
            let known = self.verified.get(&(user, *kind)).map(|(known, _)| known.as_str());
            known.is_some() && known == address(*kind)
        };
        let verified = ContactKind::ALL.into_iter().filter(is_verified).collect();
        Some(Recipient { contact, verified, preferences, suppressed, devices })
    }

    /// Whether a version of the user may be stored: none that is older than the erasure.
    fn is_before_erasure(&self, user: UserId, version: u64) -> bool {
        self.erased.get(&user).is_none_or(|erased| *erased < version)
    }

    fn erase(&mut self, user: UserId, version: u64) {
        let contact = self.contacts.remove(&user);
        let verified = self.verified.extract_if(|(of, kind), _| *of == user && *kind == ContactKind::Email);
        let verified: Vec<String> = verified.map(|(_, (address, _))| address).collect();
        let mine = |email: &Email| {
            contact.as_ref().is_some_and(|contact| contact.email == *email)
                || verified.iter().any(|one| one == email.as_str())
        };
        self.suppressions.retain(|email, _| !mine(email));
        self.verified.retain(|(of, _), _| *of != user);
        self.preferences.remove(&user);
        self.devices.retain(|_, (owner, _)| *owner != user);
        self.erased.insert(user, version);
    }

    fn log(&mut self, claim: Claim, sent: &NotificationSent, outcome: NotificationOutcome, at: Timestamp) {
        let logged = DeliveryLogEntry { id: claim.event_id, sent: sent.clone(), outcome, at };
        self.log.insert((logged.id, sent.channel), logged);
    }

    fn save_device(&mut self, user: UserId, device: &Device) -> DeviceId {
        let (devices, mut device) = (&mut self.devices, device.clone());
        if let Some((_, known)) = devices.remove(&device.endpoint) {
            device.id = known.id;
        }
        let devices_of_user = devices.values().filter(|(owner, _)| *owner == user).map(|(_, one)| one);
        let mut devices_of_user: Vec<Device> = devices_of_user.cloned().collect();
        devices_of_user.sort_by_key(|one| (one.registered_at, one.id));
        for oldest in devices_of_user.iter().take(devices_of_user.len().saturating_sub(MAX_DEVICES - 1)) {
            devices.remove(&oldest.endpoint);
        }
        let id = device.id;
        devices.insert(device.endpoint.clone(), (user, device));
        id
    }

    /// A log entry with the outcome of later feedback.
    fn with_feedback(&self, logged: &DeliveryLogEntry) -> DeliveryLogEntry {
        let later = self.feedback.get(&logged.id).filter(|_| logged.sent.channel == Channel::Email);
        DeliveryLogEntry { outcome: later.map_or(logged.outcome, |why| (*why).into()), ..logged.clone() }
    }
}

impl Contacts {
    /// Stores a contact whose addresses are verified, without a claim.
    pub fn put(&self, contact: &Contact) {
        self.put_unverified(contact);
        self.0.arrange(|state| {
            let known = &mut state.contacts.verified;
            known.insert((contact.user_id, ContactKind::Email), (contact.email.as_str().to_owned(), 1));
            if let Some(phone) = &contact.phone {
                known.insert((contact.user_id, ContactKind::Phone), (phone.as_str().to_owned(), 1));
            }
        });
    }

    /// Stores a contact without a claim.
    pub fn put_unverified(&self, contact: &Contact) {
        self.0.arrange(|state| state.contacts.contacts.insert(contact.user_id, contact.clone()));
    }
}

impl ports::ContactStore for Contacts {
    async fn save(&self, claim: Claim, contact: &Contact, version: u64) -> Result<(), Failure> {
        let commit = self.0.commit("contacts.save", |state| {
            let is_newer = state.contacts.versions.get(&contact.user_id).is_none_or(|known| *known < version);
            if state.claim(claim) && is_newer && state.contacts.is_before_erasure(contact.user_id, version) {
                state.contacts.contacts.insert(contact.user_id, contact.clone());
                state.contacts.versions.insert(contact.user_id, version);
            }
            Ok(())
        });
        commit.await
    }

    async fn remove_devices(&self, claim: Claim, user: UserId) -> Result<(), Failure> {
        let commit = self.0.commit("contacts.remove_devices", |state| {
            if state.claim(claim) {
                state.contacts.devices.retain(|_, (owner, _)| *owner != user);
            }
            Ok(())
        });
        commit.await
    }

    async fn erase(&self, claim: Claim, user: UserId, version: u64) -> Result<(), Failure> {
        let commit = self.0.commit("contacts.erase", |state| {
            if state.claim(claim) {
                state.contacts.erase(user, version);
            }
            Ok(())
        });
        commit.await
    }

    async fn is_erased(&self, user: UserId) -> Result<bool, Failure> {
        self.0.query(Dependency::Database, |state| Ok(state.contacts.erased.contains_key(&user))).await
    }

    async fn record_verified(&self, claim: Claim, verified: &ContactVerified, version: u64) -> Result<(), Failure> {
        let commit = self.0.commit("contacts.record_verified", |state| {
            let key = (verified.user_id, verified.channel);
            let is_newer = state.contacts.verified.get(&key).is_none_or(|(_, known)| *known < version);
            if state.claim(claim) && is_newer && state.contacts.is_before_erasure(verified.user_id, version) {
                state.contacts.verified.insert(key, (verified.address.clone(), version));
            }
            Ok(())
        });
        commit.await
    }

    async fn find(&self, user: UserId) -> Result<Option<Recipient>, Failure> {
        self.0.query(Dependency::Database, |state| Ok(state.contacts.recipient(user))).await
    }

    async fn find_for(
        &self,
        user: UserId,
        template: Template,
    ) -> Result<Option<(Recipient, Option<TemplateTexts>)>, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            let Some(to) = state.contacts.recipient(user) else { return Ok(None) };
            let key = TemplateKey { template, locale: to.preferences.locale };
            let texts = state.contacts.template_edits.newest(key);
            Ok(Some((to, texts)))
        });
        query.await
    }

    async fn was_sent(&self, claim: Claim) -> Result<bool, Failure> {
        self.0.query(Dependency::Database, |state| Ok(state.claims.contains(&claim))).await
    }

    async fn take_message(
        &self,
        claim: Claim,
        user: UserId,
        to: &Phone,
        quota: &MessageBudgets,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let commit = self.0.commit("contacts.take_message", |state| {
            let ContactsState { budgets, taken, .. } = &mut state.contacts;
            let is_granted = taken.contains(&claim)
                || (take(budgets, format!("user {user}"), quota.per_customer, now)?
                    && take(budgets, format!("address {}", to.as_str()), quota.per_address, now)?);
            if is_granted {
                taken.insert(claim);
            }
            Ok(is_granted)
        });
        commit.await
    }

    async fn record_sent(&self, claim: Claim, event: &Event) -> Result<bool, Failure> {
        let commit = self.0.commit("contacts.record_sent", |state| {
            let first = state.claim(claim);
            if first {
                if let DomainEvent::NotificationSent(sent) = &event.event {
                    state.contacts.log(claim, sent, NotificationOutcome::Sent, event.time);
                }
                state.outbox.add(event);
            }
            Ok(first)
        });
        commit.await
    }

    async fn record_not_sent(
        &self,
        claim: Claim,
        about: &NotificationSent,
        reason: NotificationOutcome,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let commit = self.0.commit("contacts.record_not_sent", |state| {
            if state.claim(claim) {
                state.contacts.log(claim, about, reason, now);
            }
            Ok(())
        });
        commit.await
    }
}

impl ports::NotificationRequests for Contacts {
    async fn request(
        &self,
        key: &IdempotencyKey,
        reply: &StoredReply,
        event: &Event,
    ) -> Result<IdempotencyOutcome, Failure> {
        let commit = self.0.commit("contacts.request", |state| {
            if let Some(settled) = state.contacts.keys.find(key)? {
                return Ok(settled);
            }
            state.contacts.keys.record(key, Some(reply));
            state.outbox.add(event);
            Ok(IdempotencyOutcome::Committed)
        });
        commit.await
    }

    async fn find_response(&self, key: &IdempotencyKey) -> Result<Option<IdempotencyOutcome>, Failure> {
        self.0.query(Dependency::Database, |state| state.contacts.keys.find(key)).await
    }

    async fn delivery_log(
        &self,
        order: OrderId,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<DeliveryLogEntry>, Failure> {
        let after = cursor.map(notification::parse_cursor).transpose()?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let query = self.0.query(Dependency::Database, |state| {
            let behind = state.contacts.log.range((after.map_or(Unbounded, Excluded), Unbounded));
            let of_order = behind.map(|(_, one)| one).filter(|one| one.sent.order_id == Some(order));
            let mut items: Vec<DeliveryLogEntry> = of_order.map(|one| state.contacts.with_feedback(one)).collect();
            let more = items.len() > limit;
            items.truncate(limit);
            let next = items.last().filter(|_| more).map(DeliveryLogEntry::cursor);
            Ok(Page { items, next })
        });
        query.await
    }
}

impl ports::PreferenceStore for Contacts {
    async fn preferences(&self, user: UserId) -> Result<Preferences, Failure> {
        let query = self.0.query(Dependency::Database, |state| Ok(state.contacts.preferences.get(&user).cloned()));
        Ok(query.await?.unwrap_or_default())
    }

    async fn set_preferences(&self, user: UserId, preferences: &Preferences) -> Result<(), Failure> {
        let commit = self.0.commit("contacts.set_preferences", |state| {
            state.contacts.preferences.insert(user, preferences.clone());
            Ok(())
        });
        commit.await
    }
}

impl ports::DeviceStore for Contacts {
    async fn save_device(&self, user: UserId, device: &Device) -> Result<DeviceId, Failure> {
        self.0.commit("contacts.save_device", |state| Ok(state.contacts.save_device(user, device))).await
    }

    async fn find_device_response(&self, key: &IdempotencyKey) -> Result<Option<IdempotencyOutcome>, Failure> {
        self.0.query(Dependency::Database, |state| state.contacts.keys.find(key)).await
    }

    async fn save_device_once(
        &self,
        user: UserId,
        device: &Device,
        key: &IdempotencyKey,
        reply: &StoredReply,
    ) -> Result<(DeviceId, IdempotencyOutcome), Failure> {
        let commit = self.0.commit("contacts.save_device_once", |state| {
            if let Some(settled) = state.contacts.keys.find(key)? {
                return Ok((device.id, settled));
            }
            let id = state.contacts.save_device(user, device);
            let body = reply.body.replace(&device.id.to_string(), &id.to_string());
            state.contacts.keys.record(key, Some(&StoredReply { body, ..reply.clone() }));
            Ok((id, IdempotencyOutcome::Committed))
        });
        commit.await
    }

    async fn remove_device(&self, user: UserId, id: DeviceId) -> Result<(), Failure> {
        let commit = self.0.commit("contacts.remove_device", |state| {
            state.contacts.devices.retain(|_, (owner, device)| (*owner, device.id) != (user, id));
            Ok(())
        });
        commit.await
    }

    async fn prune_device(&self, device: &Device) -> Result<(), Failure> {
        let commit = self.0.commit("contacts.prune_device", |state| {
            let stored = state.contacts.devices.get(&device.endpoint);
            if stored.is_some_and(|(_, stored)| stored.registered_at == device.registered_at) {
                state.contacts.devices.remove(&device.endpoint);
            }
            Ok(())
        });
        commit.await
    }
}

impl ports::EmailFeedbackStore for Contacts {
    async fn record_feedback(&self, feedback: &EmailFeedback, _now: Timestamp) -> Result<(), Failure> {
        let commit = self.0.commit("contacts.record_feedback", |state| {
            if let Some(delivery) = feedback.delivery {
                state.contacts.feedback.entry(delivery).or_insert(feedback.reason);
            }
            for address in &feedback.suppress {
                state.contacts.suppressions.entry(address.clone()).or_insert(feedback.reason);
            }
            Ok(())
        });
        commit.await
    }
}
