//! Messages to customers in their language: e-mails with a subject, a plain text and an HTML part, and short messages for SMS and push.
//!
//! HTML templates escape their data. A subject cannot carry a line break that would inject headers, since no text of the domain has
//! one. The texts that staff write instead of the built-in ones may use less of the language: see [`edited`].

mod edited;
mod samples;
mod syntax;
mod words;

use domain::event::{
    NotificationRequested, OrderCancelled, OrderConfirmed, OrderDelivered, OrderShipped, OrderWaiting,
};
use domain::message_template::{TemplateKey, TemplatePreview, TemplateTexts};
use domain::notification::{Locale, Template};
use domain::order::OrderLine;
use domain::{
    DomainEvent,
    text::{Email, FullName, HtmlTemplate, ShortTemplate, SubjectTemplate, TextTemplate},
    verification::Token,
};
use edge::telemetry::metrics;
use edited::{EditedTemplates, Form};
use kernel::Failure;
use minijinja::{Environment, Value, context};
use ports::{EmailMessage, Recipient, ShortMessage};

/// Names and sources of the templates of each language: a layout, and four forms of each message.
macro_rules! sources {
    ($($locale:literal: $($name:literal)*;)*) => {
        &[$(
            source!($locale "layout.html"),
            $(
                source!($locale $name ".subject"),
                source!($locale $name ".txt"),
                source!($locale $name ".html"),
                source!($locale $name ".short"),
            )*
        )*]
    };
}
macro_rules! source {
    ($locale:literal $($part:literal)*) => {
        (concat!($locale, "/", $($part),*), include_str!(concat!("../templates/", $locale, "/", $($part),*)))
    };
}

const SOURCES: &[(&str, &str)] = sources! {
    "en": "order_confirmed" "order_waiting" "order_cancelled" "order_shipped" "order_delivered" "message";
    "de": "order_confirmed" "order_waiting" "order_cancelled" "order_shipped" "order_delivered" "message";
};

/// The messages with a token, and to addresses that were replaced, in both languages at once: identity does not know the language of a user.
const BILINGUAL: &[(&str, &str)] = &[
    ("verification.subject", include_str!("../templates/verification.subject")),
    ("verification.txt", include_str!("../templates/verification.txt")),
    ("verification.html", include_str!("../templates/verification.html")),
    ("verification.short", include_str!("../templates/verification.short")),
    ("password_reset.subject", include_str!("../templates/password_reset.subject")),
    ("password_reset.txt", include_str!("../templates/password_reset.txt")),
    ("password_reset.html", include_str!("../templates/password_reset.html")),
    ("address_replaced.subject", include_str!("../templates/address_replaced.subject")),
    ("address_replaced.txt", include_str!("../templates/address_replaced.txt")),
    ("address_replaced.html", include_str!("../templates/address_replaced.html")),
    ("address_replaced.short", include_str!("../templates/address_replaced.short")),
];

/// Renders the templates that are compiled in, and those that staff wrote.
#[derive(Debug)]
pub struct JinjaMessageTemplates {
    templates: Environment<'static>,
    edited: EditedTemplates,
}

impl JinjaMessageTemplates {
    /// Parses the templates.
    pub fn new() -> Result<Self, minijinja::Error> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        // The name decides: `.html` is escaped, everything else is plain text.
        for (name, source) in SOURCES.iter().chain(BILINGUAL) {
            templates.add_template(name, source)?;
        }
        Ok(Self { templates, edited: EditedTemplates::new()? })
    }

    /// Builds a message from its forms: from the edited texts if there are any and all forms of the message can be rendered, or else from the
    /// built-in ones.
    fn message<T>(
        &self,
        key: TemplateKey,
        data: &Value,
        edited: Option<&TemplateTexts>,
        build: impl Fn(&dyn Fn(Form) -> Result<String, Failure>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        if let Some(texts) = edited {
            let render = |form| self.edited.render(key, form, texts, data).map_err(|defect| defect.logged(key, form));
            match build(&render) {
                Ok(message) => return Ok(message),
                Err(failure) => {
                    metrics::count("EditedTextsUnused", 1);
                    tracing::error!(
                        failure.code,
                        failure.detail,
                        failure.internal,
                        "an edited text cannot be rendered: the built-in texts are used"
                    );
                }
            }
        }
        build(&|form| {
            let text = self.render_named(&form.name_of(key), data)?;
            Ok(if form.is_one_line() { text.trim().to_owned() } else { text })
        })
    }

    fn bilingual_email(&self, template: &str, to: Email, data: &Value) -> Result<EmailMessage, Failure> {
        Ok(EmailMessage {
            to,
            subject: self.render_named(&format!("{template}.subject"), data)?.trim().to_owned(),
            text: self.render_named(&format!("{template}.txt"), data)?,
            html: self.render_named(&format!("{template}.html"), data)?,
        })
    }

    fn render_named(&self, name: &str, data: &Value) -> Result<String, Failure> {
        let render = || self.templates.get_template(name)?.render(data);
        // The message of a minijinja error may quote the data, so only its kind is reported.
        render().map_err(|cause| Failure::internal(format!("the template {name} cannot be rendered: {}", cause.kind())))
    }
}

impl ports::MessageTemplates for JinjaMessageTemplates {
    fn render_email(
        &self,
        template: Template,
        to: &Recipient,
        data: &DomainEvent,
        edited: Option<&TemplateTexts>,
    ) -> Result<EmailMessage, Failure> {
        let key = TemplateKey { template, locale: to.preferences.locale };
        self.message(key, &context_of(to, data)?, edited, |render| {
            Ok(EmailMessage {
                to: to.contact.email.clone(),
                subject: render(Form::Subject)?,
                text: render(Form::Txt)?,
                html: render(Form::Html)?,
            })
        })
    }

    fn render_short(
        &self,
        template: Template,
        to: &Recipient,
        data: &DomainEvent,
        edited: Option<&TemplateTexts>,
    ) -> Result<ShortMessage, Failure> {
        let key = TemplateKey { template, locale: to.preferences.locale };
        self.message(key, &context_of(to, data)?, edited, |render| {
            Ok(ShortMessage { title: render(Form::Subject)?, text: render(Form::Short)? })
        })
    }

    fn built_in(&self, key: TemplateKey) -> Result<TemplateTexts, Failure> {
        let source = |form: Form| {
            let name = form.name_of(key);
            let known = SOURCES.iter().find(|(known, _)| *known == name).map(|(_, source)| *source);
            known.ok_or_else(|| Failure::internal(format!("there is no template {name}")))
        };
        let broken = |error: String| Failure::internal(format!("a built-in text {error}"));
        Ok(TemplateTexts {
            subject: SubjectTemplate::parse(source(Form::Subject)?).map_err(broken)?,
            txt: TextTemplate::parse(source(Form::Txt)?).map_err(broken)?,
            html: HtmlTemplate::parse(source(Form::Html)?).map_err(broken)?,
            short: ShortTemplate::parse(source(Form::Short)?).map_err(broken)?,
        })
    }

    fn preview(&self, key: TemplateKey, texts: &TemplateTexts) -> Result<TemplatePreview, Failure> {
        let mut first = None;
        for (to, event) in samples::of(key)? {
            let data = context_of(&to, &event)?;
            let render = |form| self.edited.render(key, form, texts, &data).map_err(|defect| defect.at(form.pointer()));
            let preview = TemplatePreview {
                subject: render(Form::Subject)?,
                txt: render(Form::Txt)?,
                html: render(Form::Html)?,
                short: render(Form::Short)?,
            };
            first.get_or_insert(preview);
        }
        first.ok_or_else(|| Failure::internal("there is no sample of the data"))
    }
}

impl ports::VerificationMessages for JinjaMessageTemplates {
    fn verification_email(&self, to: Email, token: &Token) -> Result<EmailMessage, Failure> {
        self.bilingual_email("verification", to, &context! { token => token.text() })
    }

    fn reset_email(&self, to: Email, token: &Token) -> Result<EmailMessage, Failure> {
        self.bilingual_email("password_reset", to, &context! { token => token.text() })
    }

    fn verification_sms(&self, token: &Token) -> Result<String, Failure> {
        let data = context! { token => token.text() };
        Ok(self.render_named("verification.short", &data)?.trim().to_owned())
    }

    fn replaced_email(&self, to: Email) -> Result<EmailMessage, Failure> {
        self.bilingual_email("address_replaced", to, &context! {})
    }

    fn replaced_sms(&self) -> Result<String, Failure> {
        Ok(self.render_named("address_replaced.short", &context! {})?.trim().to_owned())
    }
}

/// The data of the templates.
fn context_of(to: &Recipient, data: &DomainEvent) -> Result<Value, Failure> {
    let name = to.contact.name.as_ref().map(FullName::as_str);
    let locale = to.preferences.locale;
    match data {
        DomainEvent::OrderConfirmed(order) => Ok(confirmed(locale, name, order)),
        DomainEvent::OrderWaiting(order) => Ok(waiting(locale, name, order)),
        DomainEvent::OrderCancelled(order) => Ok(cancelled(locale, name, order)),
        DomainEvent::OrderShipped(order) => Ok(shipped(locale, name, order)),
        DomainEvent::OrderDelivered(order) => Ok(delivered(name, order)),
        DomainEvent::NotificationRequested(message) => Ok(staff_message(name, message)),
        other => Err(Failure::internal(format!("no message template for {}", other.row().name))),
    }
}

fn confirmed(locale: Locale, name: Option<&str>, order: &OrderConfirmed) -> Value {
    let totals = order.totals.as_ref();
    let money = |amount| words::money(locale, amount);
    context! {
        name,
        number => order.order_id.number().to_string(),
        order_id => order.order_id.to_string(),
        lines => order.lines.iter().map(|one| line(locale, one)).collect::<Vec<_>>(),
        total => words::money(locale, order.total_amount),
        shipping => totals.map(|totals| totals.shipping).filter(|one| one.amount.get() > 0).map(money),
        tax => totals.map(|totals| totals.tax).filter(|one| one.amount.get() > 0).map(money),
        tax_included => totals.is_some_and(|totals| totals.tax_included),
        address => adapters::postal::lines(&order.shipping_address),
    }
}

fn line(locale: Locale, line: &OrderLine) -> Value {
    context! {
        name => line.product_name.as_str(),
        quantity => line.quantity.get(),
        unit_price => words::money(locale, line.unit_price),
        total => words::money(locale, line.line_total),
    }
}

fn waiting(locale: Locale, name: Option<&str>, order: &OrderWaiting) -> Value {
    let words::WaitWording { headline, why, then } = words::waiting(locale, order.reason);
    context! {
        name,
        number => order.order_id.number().to_string(),
        order_id => order.order_id.to_string(),
        total => words::money(locale, order.total_amount),
        headline,
        why,
        then,
    }
}

fn cancelled(locale: Locale, name: Option<&str>, order: &OrderCancelled) -> Value {
    context! {
        name,
        number => order.order_id.number().to_string(),
        order_id => order.order_id.to_string(),
        total => words::money(locale, order.total_amount),
        why => words::cancelled(locale, order.reason),
    }
}

fn shipped(locale: Locale, name: Option<&str>, order: &OrderShipped) -> Value {
    context! {
        name,
        number => order.order_id.number().to_string(),
        order_id => order.order_id.to_string(),
        lines => order.lines.iter().map(|one| line(locale, one)).collect::<Vec<_>>(),
        address => adapters::postal::lines(&order.shipping_address),
        carrier => order.tracking.as_ref().map(|tracking| tracking.carrier.as_str()),
        tracking_number => order.tracking.as_ref().map(|tracking| tracking.number.as_str()),
    }
}

fn delivered(name: Option<&str>, order: &OrderDelivered) -> Value {
    context! { name, number => order.order_id.number().to_string(), order_id => order.order_id.to_string() }
}

fn staff_message(name: Option<&str>, message: &NotificationRequested) -> Value {
    let lines = |part: &str| part.lines().map(str::to_owned).collect::<Vec<_>>();
    context! {
        name,
        subject => message.subject.as_str(),
        text => message.text.as_str(),
        paragraphs => message.text.as_str().split("\n\n").map(lines).collect::<Vec<_>>(),
        order_id => message.order_id.map(|id| id.to_string()),
    }
}

#[cfg(test)]
mod tests;
