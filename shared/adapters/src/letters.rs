//! Letters to customers, from templates: a subject, a plain text and an HTML page each. Locale: English.
//!
//! In HTML everything that is put in is escaped; in a subject there are no line breaks to smuggle headers with, because no text of
//! the domain has any.

use crate::postal;
use domain::event::{OrderCancelled, OrderConfirmed};
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

const SOURCES: &[(&str, &str)] = sources!("order_confirmed" "order_cancelled");
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
    fn write(&self, template: &str, contact: &Contact, data: &DomainEvent) -> Result<Letter, Failure> {
        let name = contact.name.as_ref().map(FullName::as_str);
        let data = match data {
            DomainEvent::OrderConfirmed(order) => confirmed(name, order),
            DomainEvent::OrderCancelled(order) => cancelled(name, order),
            other => return Err(Failure::internal(format!("there is no letter about {}", other.row().name))),
        };
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

fn cancelled(name: Option<&str>, order: &OrderCancelled) -> Value {
    let id = order.order_id.to_string();
    let (reason, consequence) = in_words(order.reason);
    context! {
        name,
        number => short(&id),
        order_id => id,
        total => order.total_amount.to_string(),
        reason,
        consequence,
    }
}

/// What a person calls an order: the end of its id, since the ids of one day begin alike.
fn short(id: &str) -> String {
    id.rsplit('-').next().unwrap_or(id).to_uppercase()
}

/// A reason in words that follow "because", and what it means for the customer's money.
fn in_words(reason: Reason) -> (&'static str, &'static str) {
    match reason {
        Reason::InsufficientStock => ("there is not enough of it in stock any more", "You have not been charged."),
        Reason::PaymentDeclined => ("your card was declined", "You have not been charged; another card may work."),
        Reason::AwaitingStock | Reason::AwaitingPayment => {
            ("it could not be completed in time", "You have not been charged.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::UserId;
    use domain::text::Email;
    use kernel::Uuid;
    use ports::LetterWriter;
    use serde_json::json;

    fn contact(name: Option<&str>) -> Contact {
        Contact {
            user_id: UserId(Uuid::nil()),
            email: Email::parse("ada@example.com").unwrap(),
            name: name.map(|name| FullName::parse(name).unwrap()),
        }
    }

    fn confirmed_event(product: &str) -> DomainEvent {
        let money = |minor| json!({ "amount": minor, "currency": "USD" });
        let event = json!({ "type": "OrderConfirmed.v1", "data": {
            "order_id": "0192f0c1-2345-7abc-8def-0123456789ab",
            "user_id": "0192f0c1-2345-7abc-8def-0123456789ac",
            "payment_id": "0192f0c1-2345-7abc-8def-0123456789ad",
            "lines": [{
                "product_id": "0192f0c1-2345-7abc-8def-0123456789ae",
                "product_name": product,
                "quantity": 2,
                "unit_price": money(1_999),
                "line_total": money(3_998),
            }],
            "total_amount": money(3_998),
            "shipping_address": {
                "line1": "1 Pier", "city": "Oakland", "region": "CA", "postal_code": "94607", "country": "US",
            },
            "placed_at": "2026-11-21T08:45:00Z",
        }});
        serde_json::from_value(event).unwrap()
    }

    fn cancelled_event(reason: &str) -> DomainEvent {
        let event = json!({ "type": "OrderCancelled.v1", "data": {
            "order_id": "0192f0c1-2345-7abc-8def-0123456789ab",
            "user_id": "0192f0c1-2345-7abc-8def-0123456789ac",
            "total_amount": { "amount": 3_998, "currency": "USD" },
            "reason": reason,
        }});
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn a_confirmation_tells_lines_total_and_address_in_both_forms() {
        let letters = TemplateLetters::new().unwrap();
        let letter = letters.write("order_confirmed", &contact(Some("Ada")), &confirmed_event("Lamp")).unwrap();
        assert_eq!(letter.subject, "Your order 0123456789AB is confirmed");
        for form in [&letter.text, &letter.html] {
            for told in ["Hello Ada,", "Lamp", "19.99 USD", "39.98 USD", "1 Pier", "94607 Oakland", "CA, US"] {
                assert!(form.contains(told), "{told} is missing in {form}");
            }
        }
        assert!(!letter.text.contains("{{") && !letter.html.contains("{%"));
    }

    #[test]
    fn what_is_put_into_html_is_escaped_and_what_is_put_into_text_is_not() {
        let letters = TemplateLetters::new().unwrap();
        let event = confirmed_event("<script>alert(1)</script> & more");
        let letter = letters.write("order_confirmed", &contact(Some("<b>Ada</b>")), &event).unwrap();
        assert!(!letter.html.contains("<script>") && !letter.html.contains("<b>Ada"));
        assert!(letter.html.contains("&lt;script&gt;"));
        assert!(letter.text.contains("<script>alert(1)</script> & more"));
    }

    #[test]
    fn a_cancellation_says_why_in_words_and_what_became_of_the_money() {
        let letters = TemplateLetters::new().unwrap();
        for (reason, words) in [("payment_declined", "card was declined"), ("insufficient_stock", "in stock any more")]
        {
            let letter = letters.write("order_cancelled", &contact(None), &cancelled_event(reason)).unwrap();
            for form in [&letter.text, &letter.html] {
                assert!(form.contains(words) && form.contains("not been charged") && form.contains("Hello,"), "{form}");
            }
        }
    }

    #[test]
    fn a_template_that_is_not_there_is_a_defect() {
        let letters = TemplateLetters::new().unwrap();
        assert!(letters.write("nothing", &contact(None), &cancelled_event("payment_declined")).is_err());
        assert!(letters.write("order_confirmed", &contact(None), &cancelled_event("payment_declined")).is_err());
    }
}
