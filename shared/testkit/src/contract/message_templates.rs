//! Contract of [`MessageTemplates`].

use super::{Fixture, fresh};
use crate::build;
use domain::{
    DomainEvent,
    event::NotificationRequested,
    id::{OrderId, UserId},
    message_template::{TemplateKey, TemplateTexts},
    notification::{Channel, Locale, Template},
    order::Reason,
    text::{FullName, HtmlTemplate, MessageText, ShortTemplate, Subject, SubjectTemplate, TextTemplate},
};
use kernel::FailureKind;
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
            built_in_texts_can_be_previewed
            edited_texts_replace_the_built_in_ones_and_are_escaped_in_html
            edited_text_that_cannot_be_rendered_leaves_the_built_in_ones
            preview_names_the_field_and_the_line_of_what_is_wrong
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
    templates.render_email(template, contact, event, None).expect("an e-mail")
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
            let message = fixture.port().render_short(template, &to, &event, None).expect("a message");
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

fn texts(html: &str, short: &str) -> TemplateTexts {
    TemplateTexts {
        subject: SubjectTemplate::parse("News of {{ number }}").expect("a subject"),
        txt: TextTemplate::parse("Ahoy,\n{{ number }} sails.").expect("a text"),
        html: HtmlTemplate::parse(html).expect("HTML"),
        short: ShortTemplate::parse(short).expect("a short text"),
    }
}

pub async fn built_in_texts_can_be_previewed(fixture: &Fixture<impl MessageTemplates>) {
    for (template, locale) in Template::ALL.into_iter().flat_map(|one| Locale::ALL.map(|locale| (one, locale))) {
        let key = TemplateKey { template, locale };
        let built_in = fixture.port().built_in(key).expect("built-in texts");
        let preview = fixture.port().preview(key, &built_in).unwrap_or_else(|failure| panic!("{key:?}: {failure}"));
        for form in [preview.subject, preview.txt, preview.html, preview.short] {
            assert!(!form.trim().is_empty() && !form.contains("{{") && !form.contains("{%"), "{key:?}: {form}");
        }
    }
}

pub async fn edited_texts_replace_the_built_in_ones_and_are_escaped_in_html(fixture: &Fixture<impl MessageTemplates>) {
    let to = contact(Some("<script>alert(1)</script>"));
    let edited = texts("<p>Ahoy {{ name }}</p>", "{{ number }} for {{ name }}");
    let order = OrderId(fresh());
    let event = build::order().id(order).confirmed().1;
    let number = order.to_string().rsplit('-').next().expect("an end").to_uppercase();
    let email = fixture.port().render_email(Template::OrderConfirmed, &to, &event, Some(&edited)).expect("an e-mail");
    assert_eq!((email.to, email.subject), (to.contact.email.clone(), format!("News of {number}")));
    assert_eq!(email.text.trim(), format!("Ahoy,\n{number} sails."));
    assert!(email.html.starts_with("<p>Ahoy &lt;script") && !email.html.contains("<script>"), "{}", email.html);
    let short = fixture.port().render_short(Template::OrderConfirmed, &to, &event, Some(&edited)).expect("a message");
    assert_eq!(
        (short.title, short.text),
        (format!("News of {number}"), format!("{number} for <script>alert(1)</script>"))
    );
}

pub async fn edited_text_that_cannot_be_rendered_leaves_the_built_in_ones(fixture: &Fixture<impl MessageTemplates>) {
    let (to, event) = (contact(Some("Ada")), build::order().id(OrderId(fresh())).confirmed().1);
    let (port, template) = (fixture.port(), Template::OrderConfirmed);
    let broken = texts("<p>{{ nothing }}</p>", "{{ nothing }}");
    let email = port.render_email(template, &to, &event, Some(&broken));
    assert_eq!(email, port.render_email(template, &to, &event, None), "as a whole, with the subject");
    assert!(email.is_ok());
    assert_eq!(port.render_short(template, &to, &event, Some(&broken)), port.render_short(template, &to, &event, None));
}

pub async fn preview_names_the_field_and_the_line_of_what_is_wrong(fixture: &Fixture<impl MessageTemplates>) {
    let key = TemplateKey { template: Template::OrderConfirmed, locale: Locale::En };
    for wrong in [
        "{{ number",
        "{{ nothing }}",
        "{{ number|safe }}",
        "{% autoescape false %}{{ number }}{% endautoescape %}",
        "{{ number * 1000 }}",
        "{% include 'en/message.txt' %}",
        "{{ name }}",
    ] {
        for (pointer, edited) in [
            ("/html", texts(&format!("<p>\n{wrong}"), "fine")),
            ("/short", texts("<p>fine</p>", &format!("two\n{wrong}"))),
        ] {
            let refused = fixture.port().preview(key, &edited).expect_err(wrong);
            assert_eq!((refused.kind, refused.fields[0].pointer.as_ref()), (FailureKind::Invalid, pointer), "{wrong}");
            assert!(refused.fields[0].detail.contains("line 2"), "{wrong}: {:?}", refused.fields);
        }
    }
    assert_eq!(fixture.port().preview(key, &texts("<p>{{ number }}</p>", "fine")).expect("a preview").short, "fine");
}
