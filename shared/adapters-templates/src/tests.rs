//! The text of each message, in every form and language.

mod injection;

use super::*;
use domain::id::UserId;
use domain::order::Reason;
use domain::text::Email;
use domain::{password_reset, verification};
use kernel::Uuid;
use ports::{Contact, MessageTemplates, VerificationMessages};
use serde_json::json;

fn contact(name: Option<&str>) -> Recipient {
    Recipient::with_defaults(Contact {
        user_id: UserId(Uuid::nil()),
        email: Email::parse("ada@example.com").unwrap(),
        name: name.map(|name| FullName::parse(name).unwrap()),
        phone: None,
    })
}

fn german(name: Option<&str>) -> Recipient {
    let mut to = contact(name);
    to.preferences.locale = Locale::De;
    to
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

fn waiting_event(reason: &str) -> DomainEvent {
    let event = json!({ "type": "OrderWaiting.v1", "data": {
        "order_id": "0192f0c1-2345-7abc-8def-0123456789ab",
        "user_id": "0192f0c1-2345-7abc-8def-0123456789ac",
        "total_amount": { "amount": 3_998, "currency": "USD" },
        "reason": reason,
    }});
    serde_json::from_value(event).unwrap()
}

fn shipped_event() -> DomainEvent {
    let DomainEvent::OrderConfirmed(order) = confirmed_event("Lamp") else { unreachable!() };
    let OrderConfirmed { order_id, user_id, lines, shipping_address, .. } = order;
    OrderShipped { order_id, user_id, lines, shipping_address, tracking: None }.into()
}

fn delivered_event() -> DomainEvent {
    let DomainEvent::OrderConfirmed(order) = confirmed_event("Lamp") else { unreachable!() };
    OrderDelivered { order_id: order.order_id, user_id: order.user_id }.into()
}

#[test]
fn order_confirmation_lists_lines_total_and_address() {
    let templates = JinjaMessageTemplates::new().unwrap();
    let email = templates
        .render_email(Template::OrderConfirmed, &contact(Some("Ada")), &confirmed_event("Lamp"), None)
        .unwrap();
    assert_eq!(email.subject, "Your order 0123456789AB is confirmed");
    for form in [&email.text, &email.html] {
        for expected in ["Hello Ada,", "Lamp", "19.99 USD", "39.98 USD", "1 Pier", "94607 Oakland", "CA, US"] {
            assert!(form.contains(expected), "{expected} is missing in {form}");
        }
    }
    assert!(!email.text.contains("{{") && !email.html.contains("{%"));
}

#[test]
fn confirmation_lists_shipping_and_tax_and_says_whether_the_tax_is_included() {
    let templates = JinjaMessageTemplates::new().unwrap();
    let usd = |minor: i64| json!({ "amount": minor, "currency": "USD" });
    for (is_included, expected) in [(true, "Includes tax: 6.38 USD"), (false, "Tax: 6.38 USD")] {
        let DomainEvent::OrderConfirmed(mut order) = confirmed_event("Lamp") else { unreachable!() };
        let totals = json!({
            "subtotal": usd(3_998), "shipping_method": "express", "shipping": usd(1_500), "tax": usd(638),
            "tax_included": is_included, "taxes": [],
        });
        order.totals = serde_json::from_value(totals).unwrap();
        let email = templates.render_email(Template::OrderConfirmed, &contact(None), &order.into(), None).unwrap();
        assert!(email.text.contains("Shipping: 15.00 USD") && email.text.contains(expected), "{}", email.text);
        assert!(email.html.contains("15.00 USD") && email.html.contains("6.38 USD"), "{}", email.html);
    }
    let untaxed =
        templates.render_email(Template::OrderConfirmed, &contact(None), &confirmed_event("Lamp"), None).unwrap();
    assert!(!untaxed.text.contains("Tax") && !untaxed.text.contains("Shipping:"), "{}", untaxed.text);
}

#[test]
fn shipment_states_carrier_and_tracking_number() {
    let templates = JinjaMessageTemplates::new().unwrap();
    let DomainEvent::OrderShipped(mut order) = shipped_event() else { unreachable!() };
    let tracking = json!({ "carrier": "Boat & <Barge>", "number": "00340434-1" });
    order.tracking = serde_json::from_value(tracking).unwrap();
    let email = templates.render_email(Template::OrderShipped, &contact(None), &order.into(), None).unwrap();
    assert!(email.text.contains("Carrier: Boat & <Barge>\nTracking number: 00340434-1"), "{}", email.text);
    assert!(email.html.contains("Boat &amp; &lt;Barge&gt;, 00340434-1"), "{}", email.html);
}

#[test]
fn html_is_escaped_and_plain_text_is_not() {
    let templates = JinjaMessageTemplates::new().unwrap();
    let event = confirmed_event("<script>alert(1)</script> & more");
    let email = templates.render_email(Template::OrderConfirmed, &contact(Some("<b>Ada</b>")), &event, None).unwrap();
    assert!(!email.html.contains("<script>") && !email.html.contains("<b>Ada"));
    assert!(email.html.contains("&lt;script&gt;"));
    assert!(email.text.contains("<script>alert(1)</script> & more"));
}

#[test]
fn cancellation_states_its_reason_and_the_refund() {
    let templates = JinjaMessageTemplates::new().unwrap();
    for (reason, words) in [
        ("payment_declined", "card was declined"),
        ("insufficient_stock", "no longer in stock"),
        ("customer_request", "cancelled as requested"),
        ("staff_request", "we had to cancel"),
        ("refunded", "we returned your payment"),
        ("timed_out", "completed in time"),
        ("payment_unreachable", "could not confirm your payment"),
    ] {
        let email =
            templates.render_email(Template::OrderCancelled, &contact(None), &cancelled_event(reason), None).unwrap();
        assert_eq!(email.subject, "Your order 0123456789AB has been cancelled");
        for form in [&email.text, &email.html] {
            for expected in [words, "Any amount you paid will be returned", "39.98 USD", "Hello,"] {
                assert!(form.contains(expected), "{expected} is missing in {form}");
            }
        }
    }
}

#[test]
fn waiting_order_message_states_the_reason_and_the_next_step() {
    let templates = JinjaMessageTemplates::new().unwrap();
    for (reason, subject, why, then) in [
        (
            "payment_declined",
            "is awaiting payment",
            "card was declined",
            "pay again, with the same card or a different one, within two hours",
        ),
        ("backordered", "is on back order", "received your payment", "as soon as all items are back in stock"),
        ("under_review", "is under review", "received your payment", "We will contact you"),
    ] {
        let email = templates
            .render_email(Template::OrderWaiting, &contact(Some("Ada")), &waiting_event(reason), None)
            .unwrap();
        assert_eq!(email.subject, format!("Your order 0123456789AB {subject}"));
        for form in [&email.text, &email.html] {
            for expected in [why, then, "39.98 USD", "Hello Ada,", "0192f0c1-2345-7abc-8def-0123456789ab"] {
                assert!(form.contains(expected), "{expected} is missing in {form}");
            }
        }
    }
}

#[test]
fn no_message_shows_the_name_of_a_reason() {
    let templates = JinjaMessageTemplates::new().unwrap();
    for reason in Reason::ALL {
        for (template, event) in [
            (Template::OrderWaiting, waiting_event(reason.name())),
            (Template::OrderCancelled, cancelled_event(reason.name())),
        ] {
            let email = templates.render_email(template, &contact(None), &event, None).unwrap();
            assert!(!email.text.contains(reason.name()), "{} is shown to the customer", reason.name());
        }
    }
}

#[test]
fn shipping_message_lists_lines_and_address() {
    let templates = JinjaMessageTemplates::new().unwrap();
    let email = templates.render_email(Template::OrderShipped, &contact(Some("Ada")), &shipped_event(), None).unwrap();
    assert_eq!(email.subject, "Your order 0123456789AB is on its way");
    for form in [&email.text, &email.html] {
        for expected in ["Hello Ada,", "Lamp", "1 Pier", "94607 Oakland", "CA, US"] {
            assert!(form.contains(expected), "{expected} is missing in {form}");
        }
    }
}

#[test]
fn delivery_message_names_the_order() {
    let templates = JinjaMessageTemplates::new().unwrap();
    let email = templates.render_email(Template::OrderDelivered, &contact(None), &delivered_event(), None).unwrap();
    assert_eq!(email.subject, "Your order 0123456789AB has been delivered");
    for form in [&email.text, &email.html] {
        assert!(form.contains("Hello,") && form.contains("0192f0c1-2345-7abc-8def-0123456789ab"), "{form}");
    }
}

#[test]
fn staff_message_keeps_its_line_breaks_and_is_escaped() {
    let templates = JinjaMessageTemplates::new().unwrap();
    let event = json!({ "type": "NotificationRequested.v1", "data": {
        "user_id": Uuid::nil(), "channel": "email", "template": "message",
        "subject": "Your <lantern>", "text": "It is here.\nCome & get it.\n\nYours, Quayside"
    }});
    let event: DomainEvent = serde_json::from_value(event).unwrap();
    let email = templates.render_email(Template::Message, &contact(Some("Ada")), &event, None).unwrap();
    assert_eq!(email.subject, "Your <lantern>");
    assert!(email.text.contains("It is here.\nCome & get it.\n\nYours, Quayside"), "{}", email.text);
    assert!(email.html.contains("It is here.<br>Come &amp; get it.</p>"), "{}", email.html);
    assert!(!email.html.contains("Order ") && !email.text.contains("Order "), "it is about no order");
}

#[test]
fn german_recipient_gets_german_text_and_amounts() {
    let (templates, to) = (JinjaMessageTemplates::new().unwrap(), german(Some("Ada")));
    let email = templates.render_email(Template::OrderConfirmed, &to, &confirmed_event("Lamp"), None).unwrap();
    assert_eq!(email.subject, "Ihre Bestellung 0123456789AB ist bestätigt");
    for form in [&email.text, &email.html] {
        for expected in ["Guten Tag Ada,", "vielen Dank", "Lamp", "19,99 USD", "Gesamt", "39,98 USD", "Lieferadresse"] {
            assert!(form.contains(expected), "{expected} is missing in {form}");
        }
    }
    assert!(email.html.contains("<html lang=\"de\">"), "{}", email.html);
}

/// Words that occur in one language only.
const ENGLISH: [&str; 9] =
    ["Your ", "your ", "Hello", "Order ", "order ", "Total", "Shipping address", " is ", "You are receiving"];
const GERMAN: [&str; 8] = ["Ihre ", "Guten Tag", "Bestellung", "Gesamt", " ist ", " wird ", "Sie ", "erhalten"];

#[test]
fn no_message_mixes_languages() {
    let templates = JinjaMessageTemplates::new().unwrap();
    let reasons = Reason::ALL.map(Reason::name);
    let mut events =
        vec![(Template::OrderConfirmed, confirmed_event("Lamp")), (Template::OrderShipped, shipped_event())];
    events.push((Template::OrderDelivered, delivered_event()));
    events.extend(reasons.map(|reason| (Template::OrderWaiting, waiting_event(reason))));
    events.extend(reasons.map(|reason| (Template::OrderCancelled, cancelled_event(reason))));
    for (template, event) in events {
        for (to, foreign) in [(contact(None), &GERMAN[..]), (german(None), &ENGLISH[..])] {
            let (email, short) = (
                templates.render_email(template, &to, &event, None).unwrap(),
                templates.render_short(template, &to, &event, None).unwrap(),
            );
            for form in [&email.subject, &email.text, &email.html, &short.title, &short.text] {
                for word in foreign {
                    assert!(!form.contains(word), "{word:?} in {form}");
                }
            }
        }
    }
}

#[test]
fn short_message_fits_two_sms_segments() {
    let templates = JinjaMessageTemplates::new().unwrap();
    for to in [contact(Some("Ada")), german(Some("Ada"))] {
        for reason in Reason::ALL.map(Reason::name) {
            for (template, event) in
                [(Template::OrderWaiting, waiting_event(reason)), (Template::OrderCancelled, cancelled_event(reason))]
            {
                let short = templates.render_short(template, &to, &event, None).unwrap();
                assert!(short.text.contains("0123456789AB") && short.text.chars().count() <= 306, "{}", short.text);
            }
        }
        let short = templates.render_short(Template::OrderConfirmed, &to, &confirmed_event("Lamp"), None).unwrap();
        assert!(short.text.contains("39") && short.text.chars().count() <= 160, "{}", short.text);
    }
}

fn keys() -> impl Iterator<Item = TemplateKey> {
    Template::ALL.into_iter().flat_map(|template| Locale::ALL.map(|locale| TemplateKey { template, locale }))
}

#[test]
fn built_in_texts_that_staff_save_unchanged_give_the_same_messages() {
    let templates = JinjaMessageTemplates::new().unwrap();
    for key in keys() {
        let texts = templates.built_in(key).unwrap();
        for (to, event) in samples::of(key).unwrap() {
            let data = context_of(&to, &event).unwrap();
            for form in [Form::Subject, Form::Txt, Form::Html, Form::Short] {
                let edited = templates.edited.render(key, form, &texts, &data).unwrap();
                let built_in = templates.render_named(&form.name_of(key), &data).unwrap();
                assert_eq!(edited.trim(), built_in.trim(), "{key:?} {form:?}");
            }
        }
    }
}

#[test]
fn samples_have_every_reason_and_a_recipient_without_a_name() {
    for key in keys() {
        let samples = samples::of(key).unwrap();
        assert!(samples[0].0.contact.name.is_some() && samples[1].0.contact.name.is_none(), "{key:?}");
        if matches!(key.template, Template::OrderWaiting | Template::OrderCancelled) {
            assert_eq!(samples.len(), 1 + Reason::ALL.len(), "{key:?}");
        }
    }
}

#[test]
fn edited_text_shows_an_order_of_a_hundred_lines() {
    let templates = JinjaMessageTemplates::new().unwrap();
    let key = TemplateKey { template: Template::OrderConfirmed, locale: Locale::En };
    let DomainEvent::OrderConfirmed(mut order) = confirmed_event("Lamp") else { unreachable!() };
    order.lines = vec![order.lines[0].clone(); 100];
    let data = context_of(&contact(Some("Ada")), &order.into()).unwrap();
    let html = templates.edited.render(key, Form::Html, &templates.built_in(key).unwrap(), &data).unwrap();
    assert_eq!(html.matches("2 × Lamp").count(), 100);
}

/// The short text `source`, rendered with a recipient of this name.
fn rendered(source: &str, name: &str) -> Result<String, syntax::Defect> {
    let templates = JinjaMessageTemplates::new().unwrap();
    let key = TemplateKey { template: Template::OrderDelivered, locale: Locale::En };
    let texts = TemplateTexts { short: ShortTemplate::parse(source).unwrap(), ..templates.built_in(key).unwrap() };
    let data = context_of(&contact(Some(name)), &delivered_event()).unwrap();
    templates.edited.render(key, Form::Short, &texts, &data)
}

#[test]
fn rendered_text_is_bounded_in_segments_instructions_and_size() {
    assert!(rendered("{{ name }}", &"x".repeat(200)).is_ok());
    assert!(rendered("{{ name }}{{ name }}{{ name }}", &"字".repeat(200)).unwrap_err().what.contains("SMS segments"));
    let each =
        |body: &str| format!("{{% for a in order_id %}}{{% for b in order_id %}}{body}{{% endfor %}}{{% endfor %}}");
    let deep = rendered(&each(&each("x")), "Ada").unwrap_err();
    assert!(deep.what.contains("fuel"), "{deep:?}");
    let wide = rendered(&each(&"x".repeat(1_500)), "Ada").unwrap_err();
    assert!(wide.what.contains("400000 bytes"), "{wide:?}");
    assert!(rendered("{% if nothing %}x{% endif %}", "Ada").unwrap_err().what.contains("undefined"));
}

#[test]
fn messages_with_a_token_say_how_long_it_is_valid() {
    let (templates, to) = (JinjaMessageTemplates::new().unwrap(), contact(None).contact.email);
    let token = Token::from_random(&[7; 20]);
    let verification = templates.verification_email(to.clone(), &token).unwrap();
    let reset = templates.reset_email(to, &token).unwrap();
    assert_eq!((verification::VALID_S, password_reset::VALID_S), (24 * 3600, 3600));
    for (email, text) in [(verification, "valid for 24 hours"), (reset, "valid for one hour")] {
        assert!(email.text.contains(text) && email.html.contains(text), "{}", email.text);
    }
}

#[test]
fn messages_to_a_replaced_address_are_in_both_languages_and_the_text_is_one_sms() {
    let templates = JinjaMessageTemplates::new().unwrap();
    let email = templates.replaced_email(contact(None).contact.email).unwrap();
    let sms = templates.replaced_sms().unwrap();
    for text in [&email.subject, &email.text, &email.html, &sms] {
        assert!(text.contains("was changed") && text.contains("geändert"), "{text}");
    }
    assert!(sms.chars().count() <= 160, "{sms}");
}
