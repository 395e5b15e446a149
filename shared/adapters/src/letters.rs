//! Letters to customers, from templates: a subject, a plain text and an HTML page each. Locale: English.
//!
//! In HTML everything that is put in is escaped; in a subject there are no line breaks to smuggle headers with, because no text of
//! the domain has any.

use crate::postal;
use domain::event::{
    NotificationRequested, OrderCancelled, OrderConfirmed, OrderDelivered, OrderShipped, OrderWaiting,
};
use domain::notification::Template;
use domain::order::{OrderLine, Reason};
use domain::{DomainEvent, text::FullName};
use kernel::Failure;
use minijinja::{Environment, Value, context};
use ports::{Contact, Letter};

/// Names and sources of the three forms of each letter.
macro_rules! sources {
    ($($name:literal)*) => {
        &[$(
            (concat!($name, ".subject"), include_str!(concat!("../templates/", $name, ".subject"))),
            (concat!($name, ".txt"), include_str!(concat!("../templates/", $name, ".txt"))),
            (concat!($name, ".html"), include_str!(concat!("../templates/", $name, ".html"))),
        )*]
    };
}

const SOURCES: &[(&str, &str)] =
    sources!("order_confirmed" "order_waiting" "order_cancelled" "order_shipped" "order_delivered" "message");
const LAYOUT: (&str, &str) = ("layout.html", include_str!("../templates/layout.html"));

/// Writes letters.
#[derive(Debug)]
pub struct TemplateLetters {
    templates: Environment<'static>,
}

impl TemplateLetters {
    /// Reads the templates, which are compiled in.
    pub fn new() -> Result<Self, minijinja::Error> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        // By its name: what ends with .html is escaped, the others are plain text.
        for (name, source) in SOURCES.iter().chain([&LAYOUT]) {
            templates.add_template(name, source)?;
        }
        Ok(Self { templates })
    }

    fn render(&self, name: &str, data: &Value) -> Result<String, Failure> {
        let render = || self.templates.get_template(name)?.render(data);
        // What minijinja says of an error may repeat the data, so only its kind is told.
        render().map_err(|cause| Failure::internal(format!("the template {name} cannot be rendered: {}", cause.kind())))
    }
}

impl ports::LetterWriter for TemplateLetters {
    fn write(&self, template: Template, contact: &Contact, data: &DomainEvent) -> Result<Letter, Failure> {
        let name = contact.name.as_ref().map(FullName::as_str);
        let data = match data {
            DomainEvent::OrderConfirmed(order) => confirmed(name, order),
            DomainEvent::OrderWaiting(order) => waiting(name, order),
            DomainEvent::OrderCancelled(order) => cancelled(name, order),
            DomainEvent::OrderShipped(order) => shipped(name, order),
            DomainEvent::OrderDelivered(order) => delivered(name, order),
            DomainEvent::NotificationRequested(message) => by_hand(name, message),
            other => return Err(Failure::internal(format!("there is no letter about {}", other.row().name))),
        };
        let template = template.name();
        Ok(Letter {
            to: contact.email.clone(),
            subject: self.render(&format!("{template}.subject"), &data)?.trim().to_owned(),
            text: self.render(&format!("{template}.txt"), &data)?,
            html: self.render(&format!("{template}.html"), &data)?,
        })
    }
}

fn confirmed(name: Option<&str>, order: &OrderConfirmed) -> Value {
    let id = order.order_id.to_string();
    context! {
        name,
        number => short(&id),
        order_id => id,
        lines => order.lines.iter().map(line).collect::<Vec<_>>(),
        total => order.total_amount.to_string(),
        address => postal::lines(&order.shipping_address),
    }
}

fn line(line: &OrderLine) -> Value {
    context! {
        name => line.product_name.as_str(),
        quantity => line.quantity.get(),
        unit_price => line.unit_price.to_string(),
        total => line.line_total.to_string(),
    }
}

fn waiting(name: Option<&str>, order: &OrderWaiting) -> Value {
    let id = order.order_id.to_string();
    let Wait { headline, why, then } = wait(order.reason);
    context! {
        name,
        number => short(&id),
        order_id => id,
        total => order.total_amount.to_string(),
        headline,
        why,
        then,
    }
}

fn cancelled(name: Option<&str>, order: &OrderCancelled) -> Value {
    let id = order.order_id.to_string();
    context! {
        name,
        number => short(&id),
        order_id => id,
        total => order.total_amount.to_string(),
        why => why_cancelled(order.reason),
    }
}

fn shipped(name: Option<&str>, order: &OrderShipped) -> Value {
    let id = order.order_id.to_string();
    context! {
        name,
        number => short(&id),
        order_id => id,
        lines => order.lines.iter().map(line).collect::<Vec<_>>(),
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

/// Why an order waits, in words.
struct Wait {
    /// Follows "Your order 4711".
    headline: &'static str,
    /// Follows "Hello,".
    why: &'static str,
    /// What happens now, or what the customer can do.
    then: &'static str,
}

// The letter about a declined card says so in words.
const _: () = assert!(domain::order::STANDSTILL_SECONDS == 2 * 3600);

const fn wait(reason: Reason) -> Wait {
    match reason {
        Reason::PaymentDeclined => Wait {
            headline: "is not paid yet",
            why: "your card was declined, so your order waits. You have not been charged.",
            then: "Please pay again, with this card or another, within two hours of ordering; after that we cancel the order.",
        },
        Reason::BackOrdered => Wait {
            headline: "waits for stock",
            why: "your order is paid, but something in it has run out.",
            then: "We send it as soon as everything is in stock again. If you do not want to wait, you can cancel it, and what you \
                   paid goes back to you.",
        },
        Reason::UnderReview => Wait {
            headline: "is being looked into",
            why: "your order is paid, but something in it has run out, and one of us is looking into it.",
            then: "You need not do anything: we write to you again as soon as it is settled.",
        },
        Reason::AwaitingStock
        | Reason::AwaitingPayment
        | Reason::InsufficientStock
        | Reason::PaymentUnreachable
        | Reason::CustomerRequest
        | Reason::StaffRequest
        | Reason::Refunded
        | Reason::TimedOut => Wait {
            headline: "takes longer",
            why: "your order takes longer than it should.",
            then: "You need not do anything: we write to you again as soon as it goes on.",
        },
    }
}

/// Why an order was cancelled, as a sentence that follows "Hello,".
const fn why_cancelled(reason: Reason) -> &'static str {
    match reason {
        Reason::CustomerRequest => "as you asked, your order is cancelled.",
        Reason::StaffRequest => "we are sorry: we had to cancel your order.",
        Reason::Refunded => "your order was cancelled, because what you paid for it went back to you.",
        Reason::InsufficientStock => {
            "we are sorry: your order was cancelled, because there is not enough of it in stock any more."
        }
        Reason::PaymentDeclined => {
            "your order was cancelled, because your card was declined. You are welcome to order again with another card."
        }
        Reason::PaymentUnreachable => {
            "we are sorry: your order was cancelled, because we were not told in time whether your payment went through."
        }
        Reason::BackOrdered => "we are sorry: your order was cancelled, because what it waited for did not come in.",
        Reason::UnderReview => "we are sorry: your order was cancelled, because we cannot deliver it.",
        Reason::TimedOut | Reason::AwaitingStock | Reason::AwaitingPayment => {
            "we are sorry: your order was cancelled, because it could not be completed in time."
        }
    }
}

#[cfg(test)]
mod tests;
