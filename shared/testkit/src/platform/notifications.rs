//! Contacts, mail and letters, in memory.

use super::{Contacts, Mailer, Part, keys::KeyBook};
use domain::{
    DomainEvent, Event,
    id::{OrderId, UserId},
    notification::{Logged, Template},
};
use kernel::{Failure, Idempotency, Kind, Settled, StoredReply, Uuid};
use ports::{Claim, Contact, Letter, Page};
use std::collections::{BTreeMap, HashMap, HashSet};

#[derive(Default)]
pub(super) struct ContactsState {
    contacts: HashMap<UserId, Contact>,
    log: BTreeMap<Uuid, Logged>,
    keys: KeyBook,
}

#[derive(Default)]
pub(super) struct MailState {
    letters: Vec<Letter>,
    refused: HashSet<String>,
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

    async fn find(&self, user: UserId) -> Result<Option<Contact>, Failure> {
        self.0.look(Part::Database, |state| Ok(state.contacts.contacts.get(&user).cloned())).await
    }

    async fn was_sent(&self, claim: Claim) -> Result<bool, Failure> {
        self.0.look(Part::Database, |state| Ok(state.claims.contains(&claim))).await
    }

    async fn sent(&self, claim: Claim, event: &Event) -> Result<bool, Failure> {
        let commit = self.0.commit("contacts.sent", |state| {
            let first = state.claim(claim);
            if first {
                if let DomainEvent::NotificationSent(sent) = &event.event {
                    let logged = Logged { id: claim.event_id, sent: sent.clone(), at: event.time };
                    state.contacts.log.insert(logged.id, logged);
                }
                state.outbox.add(event);
            }
            Ok(first)
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

    async fn refuse(&self, key: &Idempotency, reply: &StoredReply) -> Result<Settled, Failure> {
        let commit = self.0.commit("contacts.refuse", |state| {
            if let Some(settled) = state.contacts.keys.find(key)? {
                return Ok(settled);
            }
            state.contacts.keys.keep(key, Some(reply));
            Ok(Settled::Now)
        });
        commit.await
    }

    async fn log(&self, order: OrderId, limit: u32, cursor: Option<&str>) -> Result<Page<Logged>, Failure> {
        let not_ours = |_| Failure::field("?cursor", "is not a cursor of this list");
        let after = cursor.map(|cursor| cursor.parse::<Uuid>().map_err(not_ours)).transpose()?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let look = self.0.look(Part::Database, |state| {
            let of_order = state.contacts.log.values().filter(|one| one.sent.order_id == Some(order));
            let mut items: Vec<Logged> = of_order.filter(|one| after.is_none_or(|id| one.id > id)).cloned().collect();
            let more = items.len() > limit;
            items.truncate(limit);
            let next = items.last().filter(|_| more).map(|last| last.id.to_string());
            Ok(Page { items, next })
        });
        look.await
    }
}

impl Mailer {
    /// Every letter that was handed over, in order.
    pub fn sent(&self) -> Vec<Letter> {
        self.0.see(|state| state.mail.letters.clone())
    }

    /// From now on this address is refused for good.
    pub fn refuse(&self, address: &str) {
        self.0.arrange(|state| state.mail.refused.insert(address.to_lowercase()));
    }
}

impl ports::Mailer for Mailer {
    async fn send(&self, letter: &Letter) -> Result<(), Failure> {
        let step = self.0.step(Part::Mail, "mail.send", |state| {
            if state.mail.refused.contains(letter.to.as_str()) {
                return Err(Failure::new(Kind::Invalid, "address-refused", "The address does not take mail."));
            }
            state.mail.letters.push(letter.clone());
            Ok(())
        });
        step.await
    }
}

/// Writes letters without a template: the template's name is the subject, the event is the text.
#[derive(Debug, Clone, Copy)]
pub struct Letters;

impl ports::LetterWriter for Letters {
    fn write(&self, template: Template, contact: &Contact, data: &DomainEvent) -> Result<Letter, Failure> {
        let name = contact.name.as_ref().map_or("you", |name| name.as_str());
        let text = format!("Dear {name}: {}", serde_json::to_string(data).map_err(Failure::internal)?);
        Ok(Letter {
            to: contact.email.clone(),
            subject: template.name().to_owned(),
            html: format!("<p>{}</p>", text.replace('<', "&lt;")),
            text,
        })
    }
}
