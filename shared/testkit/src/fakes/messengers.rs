//! Who carries what is told, in memory: mail, text messages, notices; and what is written.

use super::{Dependency, EmailSender, PushSender, SmsSender};
use domain::{
    DomainEvent,
    notification::Template,
    text::{DeviceToken, Phone},
};
use kernel::{Failure, FailureKind, Uuid};
use ports::{EmailMessage, Recipient, ShortMessage};
use std::collections::{BTreeSet, HashSet};

#[derive(Default)]
pub(super) struct MailState {
    letters: Vec<EmailMessage>,
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
    shown: Vec<(String, ShortMessage, String)>,
}

impl EmailSender {
    /// Every letter that was handed over, in order.
    pub fn sent(&self) -> Vec<EmailMessage> {
        self.0.see(|state| state.mail.letters.clone())
    }

    /// What each of them was marked with.
    pub fn delivery_ids(&self) -> Vec<Uuid> {
        self.0.see(|state| state.mail.marks.clone())
    }

    /// From now on this address is refused for good.
    pub fn reject(&self, address: &str) {
        self.0.arrange(|state| state.mail.refused.insert(address.to_lowercase()));
    }
}

impl ports::EmailSender for EmailSender {
    async fn send(&self, letter: &EmailMessage, delivery: Uuid) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Email, "mail.send", |state| {
            if state.mail.refused.contains(letter.to.as_str()) {
                return Err(Failure::new(FailureKind::Invalid, "address-refused", "The address does not take mail."));
            }
            state.mail.letters.push(letter.clone());
            state.mail.marks.push(delivery);
            Ok(())
        });
        step.await
    }
}

impl SmsSender {
    /// Every text message that was handed over, in order.
    pub fn sent(&self) -> Vec<(Phone, String)> {
        self.0.see(|state| state.texts.sent.clone())
    }

    /// From now on this number is refused for good.
    pub fn reject(&self, number: &Phone) {
        self.0.arrange(|state| state.texts.refused.insert(number.clone()));
    }
}

impl ports::SmsSender for SmsSender {
    async fn send(&self, to: &Phone, text: &str) -> Result<bool, Failure> {
        let step = self.0.step(Dependency::Sms, "texts.send", |state| {
            let takes = !state.texts.refused.contains(to);
            if takes {
                state.texts.sent.push((to.clone(), text.to_owned()));
            }
            Ok(takes)
        });
        step.await
    }
}

impl PushSender {
    /// Every notice that was handed over, in order: to which device, what, and under which mark.
    pub fn sent(&self) -> Vec<(String, ShortMessage, String)> {
        self.0.see(|state| state.push.shown.clone())
    }

    /// From now on this device is not reached any more: its app was taken off.
    pub fn unregister(&self, endpoint: &str) {
        self.0.arrange(|state| state.push.entered.remove(endpoint));
    }
}

impl ports::PushSender for PushSender {
    async fn send(&self, endpoint: &str, note: &ShortMessage, mark: &str) -> Result<bool, Failure> {
        let step = self.0.step(Dependency::Push, "push.send", |state| {
            if !state.push.entered.contains(endpoint) {
                return Ok(false);
            }
            state.push.shown.push((endpoint.to_owned(), note.clone(), mark.to_owned()));
            Ok(true)
        });
        step.await
    }
}

impl ports::PushEndpoints for PushSender {
    async fn register(&self, token: &DeviceToken) -> Result<String, Failure> {
        let endpoint = format!("device/{}", token.as_str());
        let step = self.0.step(Dependency::Push, "push.enter", |state| {
            state.push.entered.insert(endpoint.clone());
            Ok(())
        });
        step.await?;
        Ok(endpoint)
    }
}

/// Writes letters without a template: the template's name is the subject, the event is the text.
#[derive(Debug, Clone, Copy)]
pub struct MessageTemplates;

impl ports::MessageTemplates for MessageTemplates {
    fn render_email(&self, template: Template, to: &Recipient, data: &DomainEvent) -> Result<EmailMessage, Failure> {
        let name = to.contact.name.as_ref().map_or("you", |name| name.as_str());
        let text = format!("Dear {name}: {}", serde_json::to_string(data).map_err(Failure::internal)?);
        Ok(EmailMessage {
            to: to.contact.email.clone(),
            subject: template.name().to_owned(),
            html: format!("<p>{}</p>", text.replace('<', "&lt;")),
            text,
        })
    }

    fn render_short(&self, template: Template, to: &Recipient, data: &DomainEvent) -> Result<ShortMessage, Failure> {
        let EmailMessage { subject, text, .. } = self.render_email(template, to, data)?;
        Ok(ShortMessage { title: subject, text })
    }
}
