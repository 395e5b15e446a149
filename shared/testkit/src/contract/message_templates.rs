//! Contract of [`MessageTemplates`].

use super::{Fixture, fresh};
use crate::build;
use domain::{
    DomainEvent,
    event::NotificationRequested,
    id::{OrderId, UserId},
    notification::{Channel, Locale, Template},
    order::Reason,
    text::{FullName, MessageText, Subject},
};
use ports::{Contact, EmailMessage, MessageTemplates, Recipient};

/// Generates one test per rule of [`MessageTemplates`]. The expression is a future of a
/// `Fixture<impl MessageTemplates>`.
#[macro_export]
macro_rules! contract_message_templates {
    ($fixture:expr) => {
        $crate::each_rule! { message_templates, $fixture;
            email_is_addressed_to_its_recipient_by_name
            same_event_renders_the_same_email
            names_are_escaped_in_html
            recipient_without_a_name_gets_an_email
            short_message_is_rendered_in_every_language
        }
    };
}

fn contact(name: Option<&str>) -> Recipient {
    let name = name.map(|name| FullName::parse(name).expect("a name"));
    Recipient::with_defaults(Contact { name, ..build::user().id(UserId(fresh())).contact() })
}

/// The recipient with each locale.
fn in_every_locale(name: Option<&str>) -> impl Iterator<Item = Recipient> {
    let contact = contact(name);
    Locale::ALL.into_iter().map(move |locale| {
        let mut to = contact.clone();
        to.preferences.locale = locale;
        to
    })
}

/// Each template with an event that it renders.
fn events() -> [(Template, DomainEvent); 4] {
    let order = build::order().id(OrderId(fresh()));
    [
        (Template::OrderConfirmed, order.confirmed().1),
        (Template::OrderCancelled, order.cancelled(Reason::PaymentDeclined).1),
        (Template::OrderCancelled, order.cancelled(Reason::InsufficientStock).1),
        (Template::Message, staff_message().into()),
    ]
}

/// A message written by staff, with markup in it.
fn staff_message() -> NotificationRequested {
    NotificationRequested {
        user_id: UserId(fresh()),
        order_id: Some(OrderId(fresh())),
        channel: Channel::Email,
        template: Template::Message,
        subject: Subject::parse("Your lantern <b>").expect("a subject"),
        text: MessageText::parse("It is <script>here</script>.\nCome in.\n\nYour Quayside team").expect("a text"),
    }
}

fn render(
    templates: &impl MessageTemplates,
    template: Template,
    contact: &Recipient,
    event: &DomainEvent,
) -> EmailMessage {
    templates.render_email(template, contact, event).expect("an e-mail")
}

pub async fn email_is_addressed_to_its_recipient_by_name(fixture: &Fixture<impl MessageTemplates>) {
    let contact = contact(Some("Ada Lovelace"));
    for (template, event) in events() {
        let email = render(fixture.port(), template, &contact, &event);
        assert_eq!(email.to, contact.contact.email);
        assert!(!email.subject.is_empty() && !email.subject.contains(['\r', '\n']), "{}", email.subject);
        for form in [&email.text, &email.html] {
            assert!(form.contains("Lovelace"), "{form}");
        }
    }
}

pub async fn same_event_renders_the_same_email(fixture: &Fixture<impl MessageTemplates>) {
    let contact = contact(Some("Ada Lovelace"));
    for (template, event) in events() {
        let first = render(fixture.port(), template, &contact, &event);
        assert_eq!(render(fixture.port(), template, &contact, &event), first);
    }
}

pub async fn names_are_escaped_in_html(fixture: &Fixture<impl MessageTemplates>) {
    let contact = contact(Some("<script>alert(1)</script> {{ 7 * 7 }}"));
    for (template, event) in events() {
        let email = render(fixture.port(), template, &contact, &event);
        assert!(!email.html.contains("<script>"), "{}", email.html);
        assert!(!email.html.contains("49") || event_contains(&event, "49"), "{}", email.html);
        assert!(email.text.contains("<script>"), "plain text is not escaped: {}", email.text);
    }
}

pub async fn short_message_is_rendered_in_every_language(fixture: &Fixture<impl MessageTemplates>) {
    for to in in_every_locale(Some("Ada Lovelace")) {
        for (template, event) in events() {
            let message = fixture.port().render_short(template, &to, &event).expect("a message");
            assert!(!message.title.is_empty() && !message.title.contains(['\r', '\n']), "{}", message.title);
            assert!(!message.text.trim().is_empty() && !message.text.contains("{{"), "{}", message.text);
            let email = render(fixture.port(), template, &to, &event);
            assert_eq!(email.subject, message.title, "e-mail and short message have the same title");
        }
    }
}

fn event_contains(event: &DomainEvent, text: &str) -> bool {
    serde_json::to_string(event).expect("events serialize").contains(text)
}

pub async fn recipient_without_a_name_gets_an_email(fixture: &Fixture<impl MessageTemplates>) {
    let contact = contact(None);
    for (template, event) in events() {
        let email = render(fixture.port(), template, &contact, &event);
        assert!(!email.text.is_empty() && !email.text.contains("None"), "{}", email.text);
    }
}
