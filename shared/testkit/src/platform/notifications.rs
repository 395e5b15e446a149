//! Contacts, mail and letters, in memory.

use super::{Contacts, Mailer, Part};
use domain::{DomainEvent, Event, id::UserId};
use kernel::{Failure, Kind};
use ports::{Claim, Contact, Letter};
use std::collections::{HashMap, HashSet};

#[derive(Default)]
pub(super) struct ContactsState {
    contacts: HashMap<UserId, Contact>,
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
                state.outbox.add(event);
            }
            Ok(first)
        });
        commit.await
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
    fn write(&self, template: &str, contact: &Contact, data: &DomainEvent) -> Result<Letter, Failure> {
        let name = contact.name.as_ref().map_or("you", |name| name.as_str());
        let text = format!("Dear {name}: {}", serde_json::to_string(data).map_err(Failure::internal)?);
        Ok(Letter {
            to: contact.email.clone(),
            subject: template.to_owned(),
            html: format!("<p>{}</p>", text.replace('<', "&lt;")),
            text,
        })
    }
}
