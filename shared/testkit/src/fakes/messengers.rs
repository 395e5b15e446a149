//! In-memory fakes of the e-mail, SMS and push senders and of the message templates.

use super::{Dependency, EmailSender, PushSender, SmsSender};
use domain::{
    DomainEvent,
    id::OrderId,
    message_template::{TemplateKey, TemplatePreview, TemplateTexts},
    notification::Template,
    text::{DeviceToken, Email, HtmlTemplate, Phone, ShortTemplate, SubjectTemplate, TextTemplate},
    verification::Token,
};
use kernel::{Failure, FailureKind, Uuid};
use ports::{EmailMessage, Recipient, ShortMessage};
use std::collections::{BTreeSet, HashSet};

#[derive(Default)]
pub(super) struct EmailState {
    sent: Vec<EmailMessage>,
    delivery_ids: Vec<Uuid>,
    rejected: HashSet<String>,
}

#[derive(Default)]
pub(super) struct SmsState {
    sent: Vec<(Phone, String)>,
    rejected: HashSet<Phone>,
}

#[derive(Default)]
pub(super) struct PushState {
    registered: BTreeSet<String>,
    sent: Vec<(String, ShortMessage, String)>,
}

impl EmailSender {
    /// All sent e-mails, in order.
    pub fn sent(&self) -> Vec<EmailMessage> {
        self.0.inspect(|state| state.email.sent.clone())
    }

    /// The delivery id of each sent e-mail, in order.
    pub fn delivery_ids(&self) -> Vec<Uuid> {
        self.0.inspect(|state| state.email.delivery_ids.clone())
    }

    /// Makes every e-mail to this address fail permanently.
    pub fn reject(&self, address: &str) {
        self.0.arrange(|state| state.email.rejected.insert(address.to_lowercase()));
    }
}

impl ports::EmailSender for EmailSender {
    async fn send(&self, email: &EmailMessage, delivery: Uuid) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Email, "email.send", |state| {
            if state.email.rejected.contains(email.to.as_str()) {
                return Err(Failure::new(
                    FailureKind::Invalid,
                    ports::EMAIL_REJECTED,
                    "The address does not accept e-mail.",
                ));
            }
            state.email.sent.push(email.clone());
            state.email.delivery_ids.push(delivery);
            Ok(())
        });
        step.await
    }
}

impl SmsSender {
    /// All sent SMS with their numbers, in order.
    pub fn sent(&self) -> Vec<(Phone, String)> {
        self.0.inspect(|state| state.sms.sent.clone())
    }

    /// Makes every SMS to this number fail permanently.
    pub fn reject(&self, number: &Phone) {
        self.0.arrange(|state| state.sms.rejected.insert(number.clone()));
    }
}

impl ports::SmsSender for SmsSender {
    async fn send(&self, to: &Phone, text: &str) -> Result<bool, Failure> {
        let step = self.0.step(Dependency::Sms, "sms.send", |state| {
            let accepts = !state.sms.rejected.contains(to);
            if accepts {
                state.sms.sent.push((to.clone(), text.to_owned()));
            }
            Ok(accepts)
        });
        step.await
    }
}

impl PushSender {
    /// Endpoint, message and deduplication id of all sent push messages, in order.
    pub fn sent(&self) -> Vec<(String, ShortMessage, String)> {
        self.0.inspect(|state| state.push.sent.clone())
    }

    /// Makes this endpoint unreachable, as if its app was uninstalled.
    pub fn unregister(&self, endpoint: &str) {
        self.0.arrange(|state| state.push.registered.remove(endpoint));
    }
}

impl ports::PushSender for PushSender {
    async fn send(&self, endpoint: &str, message: &ShortMessage, deduplication_id: &str) -> Result<bool, Failure> {
        let step = self.0.step(Dependency::Push, "push.send", |state| {
            if !state.push.registered.contains(endpoint) {
                return Ok(false);
            }
            state.push.sent.push((endpoint.to_owned(), message.clone(), deduplication_id.to_owned()));
            Ok(true)
        });
        step.await
    }
}

impl ports::PushEndpoints for PushSender {
    async fn register(&self, token: &DeviceToken) -> Result<String, Failure> {
        let endpoint = format!("device/{}", token.as_str());
        let step = self.0.step(Dependency::Push, "push.register", |state| {
            state.push.registered.insert(endpoint.clone());
            Ok(())
        });
        step.await?;
        Ok(endpoint)
    }
}

/// The subject of the e-mail that verifies an address.
pub const VERIFICATION_SUBJECT: &str = "verification";
/// The subject of the e-mail with a token for a new password.
pub const RESET_SUBJECT: &str = "reset";
pub const REPLACED_SUBJECT: &str = "replaced";

/// Renders messages without templates: the template's name is the subject, the event is the text. Of the language of edited texts it knows
/// the variables `name` and `number` alone.
#[derive(Debug, Clone, Copy)]
pub struct MessageTemplates;

/// What the variables of an edited text stand for.
struct Variables {
    name: Option<String>,
    number: String,
}

impl Variables {
    fn of(to: &Recipient, data: &DomainEvent) -> Result<Self, Failure> {
        let event = serde_json::to_value(data).map_err(Failure::internal)?;
        let order = event["data"]["order_id"].as_str().unwrap_or_default();
        let number = order.parse().map(|id: OrderId| id.number().to_string()).unwrap_or_default();
        Ok(Self { name: to.contact.name.as_ref().map(|name| name.as_str().to_owned()), number })
    }

    fn get(&self, variable: &str) -> Option<&str> {
        match variable {
            "name" => self.name.as_deref(),
            "number" => Some(&self.number),
            _ => None,
        }
    }

    /// Replaces the variables of a text; the error names a line.
    fn fill(&self, text: &str, show: impl Fn(&str) -> String) -> Result<String, String> {
        let mut parts = text.split('{');
        let mut filled = parts.next().unwrap_or_default().to_owned();
        let mut line = filled.matches('\n').count() + 1;
        while let Some(braced) = parts.next() {
            let variable = braced.is_empty().then(|| parts.next()).flatten().and_then(|part| part.split_once("}}"));
            let known = variable.and_then(|(variable, rest)| Some((self.get(variable.trim())?, rest)));
            let (value, rest) = known.ok_or_else(|| format!("line {line}: only `name` and `number` can be shown"))?;
            line += rest.matches('\n').count();
            filled.push_str(&show(value));
            filled.push_str(rest);
        }
        Ok(filled)
    }

    fn preview(&self, texts: &TemplateTexts) -> Result<TemplatePreview, Failure> {
        let plain = |value: &str| value.to_owned();
        let escaped = |value: &str| value.replace('<', "&lt;");
        let at = |pointer: &'static str| move |detail| Failure::field(pointer, detail);
        Ok(TemplatePreview {
            subject: self.fill(texts.subject.as_str(), plain).map_err(at("/subject"))?,
            txt: self.fill(texts.txt.as_str(), plain).map_err(at("/txt"))?,
            html: self.fill(texts.html.as_str(), escaped).map_err(at("/html"))?,
            short: self.fill(texts.short.as_str(), plain).map_err(at("/short"))?,
        })
    }
}

impl ports::MessageTemplates for MessageTemplates {
    fn render_email(
        &self,
        template: Template,
        to: &Recipient,
        data: &DomainEvent,
        edited: Option<&TemplateTexts>,
    ) -> Result<EmailMessage, Failure> {
        let address = to.contact.email.clone();
        if let Some(Ok(preview)) = edited.map(|texts| Variables::of(to, data)?.preview(texts)) {
            let TemplatePreview { subject, txt, html, .. } = preview;
            return Ok(EmailMessage { to: address, subject, text: txt, html });
        }
        let name = to.contact.name.as_ref().map_or("you", |name| name.as_str());
        let text = format!("Dear {name}: {}", serde_json::to_string(data).map_err(Failure::internal)?);
        Ok(EmailMessage {
            to: address,
            subject: template.name().to_owned(),
            html: format!("<p>{}</p>", text.replace('<', "&lt;")),
            text,
        })
    }

    fn render_short(
        &self,
        template: Template,
        to: &Recipient,
        data: &DomainEvent,
        edited: Option<&TemplateTexts>,
    ) -> Result<ShortMessage, Failure> {
        if let Some(Ok(preview)) = edited.map(|texts| Variables::of(to, data)?.preview(texts)) {
            return Ok(ShortMessage { title: preview.subject, text: preview.short });
        }
        let EmailMessage { subject, text, .. } = self.render_email(template, to, data, None)?;
        Ok(ShortMessage { title: subject, text })
    }

    fn built_in(&self, key: TemplateKey) -> Result<TemplateTexts, Failure> {
        let text = format!("{} ({}): {{{{ number }}}}", key.template.name(), key.locale.name());
        Ok(TemplateTexts {
            subject: SubjectTemplate::parse(&text).map_err(Failure::internal)?,
            txt: TextTemplate::parse(&text).map_err(Failure::internal)?,
            html: HtmlTemplate::parse(&format!("<p>{text}</p>")).map_err(Failure::internal)?,
            short: ShortTemplate::parse(&text).map_err(Failure::internal)?,
        })
    }

    fn preview(&self, _key: TemplateKey, texts: &TemplateTexts) -> Result<TemplatePreview, Failure> {
        Variables { name: None, number: "0123456789AB".to_owned() }.preview(texts)
    }
}

impl ports::VerificationMessages for MessageTemplates {
    fn verification_email(&self, to: Email, token: &Token) -> Result<EmailMessage, Failure> {
        let text = format!("Your code: {}", token.text());
        Ok(EmailMessage { to, subject: VERIFICATION_SUBJECT.to_owned(), html: format!("<p>{text}</p>"), text })
    }

    fn reset_email(&self, to: Email, token: &Token) -> Result<EmailMessage, Failure> {
        let text = format!("Your code for a new password: {}", token.text());
        Ok(EmailMessage { to, subject: RESET_SUBJECT.to_owned(), html: format!("<p>{text}</p>"), text })
    }

    fn verification_sms(&self, token: &Token) -> Result<String, Failure> {
        Ok(format!("Your code: {}", token.text()))
    }

    fn replaced_email(&self, to: Email) -> Result<EmailMessage, Failure> {
        let text = "Your address was changed.".to_owned();
        Ok(EmailMessage { to, subject: REPLACED_SUBJECT.to_owned(), html: format!("<p>{text}</p>"), text })
    }

    fn replaced_sms(&self) -> Result<String, Failure> {
        Ok("Your number was changed.".to_owned())
    }
}
