//! Rules of [`MessageTemplates`].

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

/// One test a rule of [`MessageTemplates`], each over the `Fixture<impl MessageTemplates>` that the expression gives when it is awaited.
#[macro_export]
macro_rules! contract_message_templates {
    ($under:expr) => {
        $crate::each_rule! { message_templates, $under;
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

/// The same in every language.
fn everywhere(name: Option<&str>) -> impl Iterator<Item = Recipient> {
    let contact = contact(name);
    Locale::ALL.into_iter().map(move |locale| {
        let mut to = contact.clone();
        to.preferences.locale = locale;
        to
    })
}

/// Each template with the news that it is for.
fn news() -> [(Template, DomainEvent); 4] {
    let order = build::order().id(OrderId(fresh()));
    [
        (Template::OrderConfirmed, order.confirmed().1),
        (Template::OrderCancelled, order.cancelled(Reason::PaymentDeclined).1),
        (Template::OrderCancelled, order.cancelled(Reason::InsufficientStock).1),
        (Template::Message, by_hand().into()),
    ]
}

/// What somebody at the shop wrote, with markup in it.
fn by_hand() -> NotificationRequested {
    NotificationRequested {
        user_id: UserId(fresh()),
        order_id: Some(OrderId(fresh())),
        channel: Channel::Email,
        template: Template::Message,
        subject: Subject::parse("Your lantern <b>").expect("a subject"),
        text: MessageText::parse("It is <script>here</script>.\nCome in.\n\nYours, the shop").expect("a text"),
    }
}

fn write(letters: &impl MessageTemplates, template: Template, contact: &Recipient, news: &DomainEvent) -> EmailMessage {
    letters.render_email(template, contact, news).expect("a letter")
}

pub async fn email_is_addressed_to_its_recipient_by_name(under: &Fixture<impl MessageTemplates>) {
    let contact = contact(Some("Ada Lovelace"));
    for (template, news) in news() {
        let letter = write(under.port(), template, &contact, &news);
        assert_eq!(letter.to, contact.contact.email);
        assert!(!letter.subject.is_empty() && !letter.subject.contains(['\r', '\n']), "{}", letter.subject);
        for form in [&letter.text, &letter.html] {
            assert!(form.contains("Lovelace"), "{form}");
        }
    }
}

pub async fn same_event_renders_the_same_email(under: &Fixture<impl MessageTemplates>) {
    let contact = contact(Some("Ada Lovelace"));
    for (template, news) in news() {
        let first = write(under.port(), template, &contact, &news);
        assert_eq!(write(under.port(), template, &contact, &news), first);
    }
}

pub async fn names_are_escaped_in_html(under: &Fixture<impl MessageTemplates>) {
    let contact = contact(Some("<script>alert(1)</script> {{ 7 * 7 }}"));
    for (template, news) in news() {
        let letter = write(under.port(), template, &contact, &news);
        assert!(!letter.html.contains("<script>"), "{}", letter.html);
        assert!(!letter.html.contains("49") || news_mention(&news, "49"), "{}", letter.html);
        assert!(letter.text.contains("<script>"), "plain text is plain: {}", letter.text);
    }
}

pub async fn short_message_is_rendered_in_every_language(under: &Fixture<impl MessageTemplates>) {
    for to in everywhere(Some("Ada Lovelace")) {
        for (template, news) in news() {
            let note = under.port().render_short(template, &to, &news).expect("a note");
            assert!(!note.title.is_empty() && !note.title.contains(['\r', '\n']), "{}", note.title);
            assert!(!note.text.trim().is_empty() && !note.text.contains("{{"), "{}", note.text);
            let letter = write(under.port(), template, &to, &news);
            assert_eq!(letter.subject, note.title, "both are about the same");
        }
    }
}

fn news_mention(news: &DomainEvent, text: &str) -> bool {
    serde_json::to_string(news).expect("events serialize").contains(text)
}

pub async fn recipient_without_a_name_gets_an_email(under: &Fixture<impl MessageTemplates>) {
    let contact = contact(None);
    for (template, news) in news() {
        let letter = write(under.port(), template, &contact, &news);
        assert!(!letter.text.is_empty() && !letter.text.contains("None"), "{}", letter.text);
    }
}
