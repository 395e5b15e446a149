//! Who carries what is told, in memory: mail, text messages, notices; and what is written.

use super::{Mailer, Part, Pusher, Texter};
use domain::{
    DomainEvent,
    notification::Template,
    text::{DeviceToken, Phone},
};
use kernel::{Failure, Kind, Uuid};
use ports::{Addressee, Letter, Note};
use std::collections::{BTreeSet, HashSet};

#[derive(Default)]
pub(super) struct MailState {
    letters: Vec<Letter>,
    marks: Vec<Uuid>,
    refused: HashSet<String>,
}

#[derive(Default)]
pub(super) struct TextState {
    sent: Vec<(Phone, String)>,
    refused: HashSet<Phone>,
}

#[derive(Default)]
pub(super) struct PushState {
    entered: BTreeSet<String>,
    shown: Vec<(String, Note, String)>,
}

impl Mailer {
    /// Every letter that was handed over, in order.
    pub fn sent(&self) -> Vec<Letter> {
        self.0.see(|state| state.mail.letters.clone())
    }

    /// What each of them was marked with.
    pub fn marks(&self) -> Vec<Uuid> {
        self.0.see(|state| state.mail.marks.clone())
    }

    /// From now on this address is refused for good.
    pub fn refuse(&self, address: &str) {
        self.0.arrange(|state| state.mail.refused.insert(address.to_lowercase()));
    }
}

impl ports::Mailer for Mailer {
    async fn send(&self, letter: &Letter, delivery: Uuid) -> Result<(), Failure> {
        let step = self.0.step(Part::Mail, "mail.send", |state| {
            if state.mail.refused.contains(letter.to.as_str()) {
                return Err(Failure::new(Kind::Invalid, "address-refused", "The address does not take mail."));
            }
            state.mail.letters.push(letter.clone());
            state.mail.marks.push(delivery);
            Ok(())
        });
        step.await
    }
}

impl Texter {
    /// Every text message that was handed over, in order.
    pub fn sent(&self) -> Vec<(Phone, String)> {
        self.0.see(|state| state.texts.sent.clone())
    }

    /// From now on this number is refused for good.
    pub fn refuse(&self, number: &Phone) {
        self.0.arrange(|state| state.texts.refused.insert(number.clone()));
    }
}

impl ports::Texter for Texter {
    async fn send(&self, to: &Phone, text: &str) -> Result<bool, Failure> {
        let step = self.0.step(Part::Texts, "texts.send", |state| {
            let takes = !state.texts.refused.contains(to);
            if takes {
                state.texts.sent.push((to.clone(), text.to_owned()));
            }
            Ok(takes)
        });
        step.await
    }
}

impl Pusher {
    /// Every notice that was handed over, in order: to which device, what, and under which mark.
    pub fn shown(&self) -> Vec<(String, Note, String)> {
        self.0.see(|state| state.push.shown.clone())
    }

    /// From now on this device is not reached any more: its app was taken off.
    pub fn lose(&self, endpoint: &str) {
        self.0.arrange(|state| state.push.entered.remove(endpoint));
    }
}

impl ports::Pusher for Pusher {
    async fn send(&self, endpoint: &str, note: &Note, mark: &str) -> Result<bool, Failure> {
        let step = self.0.step(Part::Push, "push.send", |state| {
            if !state.push.entered.contains(endpoint) {
                return Ok(false);
            }
            state.push.shown.push((endpoint.to_owned(), note.clone(), mark.to_owned()));
            Ok(true)
        });
        step.await
    }
}

impl ports::DeviceDirectory for Pusher {
    async fn enter(&self, token: &DeviceToken) -> Result<String, Failure> {
        let endpoint = format!("device/{}", token.as_str());
        let step = self.0.step(Part::Push, "push.enter", |state| {
            state.push.entered.insert(endpoint.clone());
            Ok(())
        });
        step.await?;
        Ok(endpoint)
    }
}

/// Writes letters without a template: the template's name is the subject, the event is the text.
#[derive(Debug, Clone, Copy)]
pub struct Letters;

impl ports::LetterWriter for Letters {
    fn write(&self, template: Template, to: &Addressee, data: &DomainEvent) -> Result<Letter, Failure> {
        let name = to.contact.name.as_ref().map_or("you", |name| name.as_str());
        let text = format!("Dear {name}: {}", serde_json::to_string(data).map_err(Failure::internal)?);
        Ok(Letter {
            to: to.contact.email.clone(),
            subject: template.name().to_owned(),
            html: format!("<p>{}</p>", text.replace('<', "&lt;")),
            text,
        })
    }

    fn note(&self, template: Template, to: &Addressee, data: &DomainEvent) -> Result<Note, Failure> {
        let Letter { subject, text, .. } = self.write(template, to, data)?;
        Ok(Note { title: subject, text })
    }
}
