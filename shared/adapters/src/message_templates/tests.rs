//! What each letter says, in its three forms.

use super::*;
use domain::id::UserId;
use domain::order::Reason;
use domain::text::Email;
use kernel::Uuid;
use ports::{Contact, MessageTemplates};
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
    OrderShipped { order_id, user_id, lines, shipping_address }.into()
}

fn delivered_event() -> DomainEvent {
    let DomainEvent::OrderConfirmed(order) = confirmed_event("Lamp") else { unreachable!() };
    OrderDelivered { order_id: order.order_id, user_id: order.user_id }.into()
}

#[test]
fn a_confirmation_tells_lines_total_and_address_in_both_forms() {
    let letters = JinjaMessageTemplates::new().unwrap();
    let letter =
        letters.render_email(Template::OrderConfirmed, &contact(Some("Ada")), &confirmed_event("Lamp")).unwrap();
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
    let letters = JinjaMessageTemplates::new().unwrap();
    let event = confirmed_event("<script>alert(1)</script> & more");
    let letter = letters.render_email(Template::OrderConfirmed, &contact(Some("<b>Ada</b>")), &event).unwrap();
    assert!(!letter.html.contains("<script>") && !letter.html.contains("<b>Ada"));
    assert!(letter.html.contains("&lt;script&gt;"));
    assert!(letter.text.contains("<script>alert(1)</script> & more"));
}

#[test]
fn a_cancellation_says_why_in_words_and_that_what_was_paid_goes_back() {
    let letters = JinjaMessageTemplates::new().unwrap();
    for (reason, words) in [
        ("payment_declined", "card was declined"),
        ("insufficient_stock", "in stock any more"),
        ("customer_request", "as you asked"),
        ("staff_request", "we had to cancel"),
        ("refunded", "what you paid for it went back"),
        ("timed_out", "completed in time"),
        ("payment_unreachable", "whether your payment went through"),
    ] {
        let letter = letters.render_email(Template::OrderCancelled, &contact(None), &cancelled_event(reason)).unwrap();
        assert_eq!(letter.subject, "Your order 0123456789AB is cancelled");
        for form in [&letter.text, &letter.html] {
            for told in [words, "Anything you paid goes back", "39.98 USD", "Hello,"] {
                assert!(form.contains(told), "{told} is missing in {form}");
            }
        }
    }
}

#[test]
fn a_letter_about_waiting_says_for_what_and_what_to_do() {
    let letters = JinjaMessageTemplates::new().unwrap();
    for (reason, subject, why, then) in [
        (
            "payment_declined",
            "is not paid yet",
            "card was declined",
            "pay again, with this card or another, within two hours",
        ),
        ("backordered", "waits for stock", "order is paid", "We send it as soon as everything is in stock"),
        ("under_review", "is being looked into", "order is paid", "we write to you again"),
    ] {
        let letter =
            letters.render_email(Template::OrderWaiting, &contact(Some("Ada")), &waiting_event(reason)).unwrap();
        assert_eq!(letter.subject, format!("Your order 0123456789AB {subject}"));
        for form in [&letter.text, &letter.html] {
            for told in [why, then, "39.98 USD", "Hello Ada,", "0192f0c1-2345-7abc-8def-0123456789ab"] {
                assert!(form.contains(told), "{told} is missing in {form}");
            }
        }
    }
}

#[test]
fn every_reason_has_words() {
    let letters = JinjaMessageTemplates::new().unwrap();
    for reason in Reason::ALL {
        for (template, event) in [
            (Template::OrderWaiting, waiting_event(reason.name())),
            (Template::OrderCancelled, cancelled_event(reason.name())),
        ] {
            let letter = letters.render_email(template, &contact(None), &event).unwrap();
            assert!(!letter.text.contains(reason.name()), "{} is no word for people", reason.name());
        }
    }
}

#[test]
fn a_letter_about_a_parcel_tells_what_is_in_it_and_where_it_goes() {
    let letters = JinjaMessageTemplates::new().unwrap();
    let letter = letters.render_email(Template::OrderShipped, &contact(Some("Ada")), &shipped_event()).unwrap();
    assert_eq!(letter.subject, "Your order 0123456789AB is on its way");
    for form in [&letter.text, &letter.html] {
        for told in ["Hello Ada,", "Lamp", "1 Pier", "94607 Oakland", "CA, US"] {
            assert!(form.contains(told), "{told} is missing in {form}");
        }
    }
}

#[test]
fn a_letter_about_an_arrival_names_the_order() {
    let letters = JinjaMessageTemplates::new().unwrap();
    let letter = letters.render_email(Template::OrderDelivered, &contact(None), &delivered_event()).unwrap();
    assert_eq!(letter.subject, "Your order 0123456789AB has arrived");
    for form in [&letter.text, &letter.html] {
        assert!(form.contains("Hello,") && form.contains("0192f0c1-2345-7abc-8def-0123456789ab"), "{form}");
    }
}

#[test]
fn what_staff_writes_is_put_in_as_text_with_its_lines() {
    let letters = JinjaMessageTemplates::new().unwrap();
    let event = json!({ "type": "NotificationRequested.v1", "data": {
        "user_id": Uuid::nil(), "channel": "email", "template": "message",
        "subject": "Your <lantern>", "text": "It is here.\nCome & get it.\n\nYours, the shop"
    }});
    let event: DomainEvent = serde_json::from_value(event).unwrap();
    let letter = letters.render_email(Template::Message, &contact(Some("Ada")), &event).unwrap();
    assert_eq!(letter.subject, "Your <lantern>");
    assert!(letter.text.contains("It is here.\nCome & get it.\n\nYours, the shop"), "{}", letter.text);
    assert!(letter.html.contains("It is here.<br>Come &amp; get it.</p>"), "{}", letter.html);
    assert!(!letter.html.contains("Order ") && !letter.text.contains("Order "), "about no order");
}

#[test]
fn who_wants_german_gets_german_with_amounts_as_germans_write_them() {
    let (letters, to) = (JinjaMessageTemplates::new().unwrap(), german(Some("Ada")));
    let letter = letters.render_email(Template::OrderConfirmed, &to, &confirmed_event("Lamp")).unwrap();
    assert_eq!(letter.subject, "Ihre Bestellung 0123456789AB ist bestätigt");
    for form in [&letter.text, &letter.html] {
        for told in ["Guten Tag Ada,", "vielen Dank", "Lamp", "19,99 USD", "Gesamt", "39,98 USD", "Wir liefern an"] {
            assert!(form.contains(told), "{told} is missing in {form}");
        }
    }
    assert!(letter.html.contains("<html lang=\"de\">"), "{}", letter.html);
}

/// Words of each language that the other one does not have.
const ENGLISH: [&str; 9] =
    ["Your ", "your ", "Hello", "Order ", "order ", "Total", "deliver to", " is ", "You get this mail"];
const GERMAN: [&str; 8] = ["Ihre ", "Guten Tag", "Bestellung", "Gesamt", " ist ", " wird ", "Sie ", "bekommen"];

#[test]
fn no_language_is_mixed_with_another() {
    let letters = JinjaMessageTemplates::new().unwrap();
    let reasons = Reason::ALL.map(Reason::name);
    let mut news = vec![(Template::OrderConfirmed, confirmed_event("Lamp")), (Template::OrderShipped, shipped_event())];
    news.push((Template::OrderDelivered, delivered_event()));
    news.extend(reasons.map(|reason| (Template::OrderWaiting, waiting_event(reason))));
    news.extend(reasons.map(|reason| (Template::OrderCancelled, cancelled_event(reason))));
    for (template, event) in news {
        for (to, strange) in [(contact(None), &GERMAN[..]), (german(None), &ENGLISH[..])] {
            let (letter, note) = (
                letters.render_email(template, &to, &event).unwrap(),
                letters.render_short(template, &to, &event).unwrap(),
            );
            for form in [&letter.subject, &letter.text, &letter.html, &note.title, &note.text] {
                for word in strange {
                    assert!(!form.contains(word), "{word:?} in {form}");
                }
            }
        }
    }
}

#[test]
fn a_note_is_short_enough_for_a_text_message_or_two() {
    let letters = JinjaMessageTemplates::new().unwrap();
    for to in [contact(Some("Ada")), german(Some("Ada"))] {
        for reason in Reason::ALL.map(Reason::name) {
            for (template, event) in
                [(Template::OrderWaiting, waiting_event(reason)), (Template::OrderCancelled, cancelled_event(reason))]
            {
                let note = letters.render_short(template, &to, &event).unwrap();
                assert!(note.text.contains("0123456789AB") && note.text.chars().count() <= 306, "{}", note.text);
            }
        }
        let note = letters.render_short(Template::OrderConfirmed, &to, &confirmed_event("Lamp")).unwrap();
        assert!(note.text.contains("39") && note.text.chars().count() <= 160, "{}", note.text);
    }
}
