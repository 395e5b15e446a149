//! Letters to customers, from templates, in their language: a subject, a plain text and an HTML page each, and a note of few words.
//!
//! In HTML everything that is put in is escaped; in a subject there are no line breaks to smuggle headers with, because no text of
//! the domain has any.

mod words;

use crate::postal;
use domain::event::{
    NotificationRequested, OrderCancelled, OrderConfirmed, OrderDelivered, OrderShipped, OrderWaiting,
};
use domain::notification::{Locale, Template};
use domain::order::OrderLine;
use domain::{DomainEvent, text::FullName};
use kernel::Failure;
use minijinja::{Environment, Value, context};
use ports::{EmailMessage, Recipient, ShortMessage};

/// Names and sources of every template of every language: a layout, and the four forms of each.
macro_rules! sources {
    ($($locale:literal: $($name:literal)*;)*) => {
        &[$(
            source!($locale "layout.html"),
            $(
                source!($locale $name ".subject"),
                source!($locale $name ".txt"),
                source!($locale $name ".html"),
                source!($locale $name ".note"),
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

/// Writes letters.
#[derive(Debug)]
pub struct JinjaMessageTemplates {
    templates: Environment<'static>,
}

impl JinjaMessageTemplates {
    /// Reads the templates, which are compiled in.
    pub fn new() -> Result<Self, minijinja::Error> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        // By its name: what ends with .html is escaped, the others are plain text.
        for (name, source) in SOURCES {
            templates.add_template(name, source)?;
        }
        Ok(Self { templates })
    }

    fn render(&self, to: &Recipient, template: Template, form: &str, data: &Value) -> Result<String, Failure> {
        let name = format!("{}/{}.{form}", to.preferences.locale.name(), template.name());
        let render = || self.templates.get_template(&name)?.render(data);
        // What minijinja says of an error may repeat the data, so only its kind is told.
        render().map_err(|cause| Failure::internal(format!("the template {name} cannot be rendered: {}", cause.kind())))
    }
}

impl ports::MessageTemplates for JinjaMessageTemplates {
    fn render_email(&self, template: Template, to: &Recipient, data: &DomainEvent) -> Result<EmailMessage, Failure> {
        let data = filled(to, data)?;
        Ok(EmailMessage {
            to: to.contact.email.clone(),
            subject: self.render(to, template, "subject", &data)?.trim().to_owned(),
            text: self.render(to, template, "txt", &data)?,
            html: self.render(to, template, "html", &data)?,
        })
    }

    fn render_short(&self, template: Template, to: &Recipient, data: &DomainEvent) -> Result<ShortMessage, Failure> {
        let data = filled(to, data)?;
        Ok(ShortMessage {
            title: self.render(to, template, "subject", &data)?.trim().to_owned(),
            text: self.render(to, template, "note", &data)?.trim().to_owned(),
        })
    }
}

/// What templates are filled with.
fn filled(to: &Recipient, data: &DomainEvent) -> Result<Value, Failure> {
    let name = to.contact.name.as_ref().map(FullName::as_str);
    let locale = to.preferences.locale;
    match data {
        DomainEvent::OrderConfirmed(order) => Ok(confirmed(locale, name, order)),
        DomainEvent::OrderWaiting(order) => Ok(waiting(locale, name, order)),
        DomainEvent::OrderCancelled(order) => Ok(cancelled(locale, name, order)),
        DomainEvent::OrderShipped(order) => Ok(shipped(locale, name, order)),
        DomainEvent::OrderDelivered(order) => Ok(delivered(name, order)),
        DomainEvent::NotificationRequested(message) => Ok(by_hand(name, message)),
        other => Err(Failure::internal(format!("there is no letter about {}", other.row().name))),
    }
}

fn confirmed(locale: Locale, name: Option<&str>, order: &OrderConfirmed) -> Value {
    let id = order.order_id.to_string();
    context! {
        name,
        number => short(&id),
        order_id => id,
        lines => order.lines.iter().map(|one| line(locale, one)).collect::<Vec<_>>(),
        total => words::money(locale, order.total_amount),
        address => postal::lines(&order.shipping_address),
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
    let id = order.order_id.to_string();
    let words::Wait { headline, why, then } = words::wait(locale, order.reason);
    context! {
        name,
        number => short(&id),
        order_id => id,
        total => words::money(locale, order.total_amount),
        headline,
        why,
        then,
    }
}

fn cancelled(locale: Locale, name: Option<&str>, order: &OrderCancelled) -> Value {
    let id = order.order_id.to_string();
    context! {
        name,
        number => short(&id),
        order_id => id,
        total => words::money(locale, order.total_amount),
        why => words::why_cancelled(locale, order.reason),
    }
}

fn shipped(locale: Locale, name: Option<&str>, order: &OrderShipped) -> Value {
    let id = order.order_id.to_string();
    context! {
        name,
        number => short(&id),
        order_id => id,
        lines => order.lines.iter().map(|one| line(locale, one)).collect::<Vec<_>>(),
        address => postal::lines(&order.shipping_address),
    }
}

fn delivered(name: Option<&str>, order: &OrderDelivered) -> Value {
    let id = order.order_id.to_string();
    context! { name, number => short(&id), order_id => id }
}

fn by_hand(name: Option<&str>, message: &NotificationRequested) -> Value {
    let lines = |part: &str| part.lines().map(str::to_owned).collect::<Vec<_>>();
    context! {
        name,
        subject => message.subject.as_str(),
        text => message.text.as_str(),
        paragraphs => message.text.as_str().split("\n\n").map(lines).collect::<Vec<_>>(),
        order_id => message.order_id.map(|id| id.to_string()),
    }
}

/// What a person calls an order: the end of its id, since the ids of one day begin alike.
fn short(id: &str) -> String {
    id.rsplit('-').next().unwrap_or(id).to_uppercase()
}

#[cfg(test)]
mod tests;
