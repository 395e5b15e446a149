//! Addresses of strangers: nothing but a token is sent to an address that is not verified, and not too many of these.

use super::routes::{Answer, Api};
use crate::functions::{ORDER, USER, sample};
use catalog::{
    CONTACT_TRACK, CONTACT_VERIFY, NOTIFICATION_LIST, NOTIFICATION_SEND, UPDATE_SEND, USER_REGISTER,
    VERIFICATION_REQUEST, VERIFICATION_SEND,
};
use domain::{
    message_limits::{CallingCodes, MessageBudgets},
    notification::{Channel, NotificationOutcome, Preferences},
    text::{FullName, Phone},
    user::User,
    verification::MAX_ATTEMPTS,
};
use edge::{Clock, Consumer};
use ports::{NotificationRequests as _, PreferenceStore as _};
use serde_json::{Value, json};
use services::{Channels, VerificationMessageSender};
use testkit::build;

const LURE: &str = "You won 500 EUR evil.example";
const PHONE: &str = "+491701234567";

/// A customer with a name that lures, who gave an address and a number of strangers and wants every channel.
async fn api() -> Api {
    let api = Api::new();
    let phone = Some(Phone::parse(PHONE).expect("a number"));
    let full_name = Some(FullName::parse(LURE).expect("a name"));
    let user = User { phone: phone.clone(), full_name: full_name.clone(), ..build::user().id(USER).registered() };
    api.platform.users().put(&user, "correct horse battery");
    let contacts = testkit::Platform::contacts(&api.platform);
    let elsewhere = build::user().id(USER).name("verified-before").contact();
    // What was verified before is another address.
    contacts.put(&elsewhere);
    contacts.put_unverified(&ports::Contact { phone, name: full_name, ..build::user().id(USER).contact() });
    let all = Preferences { channels: Channel::ALL.into(), ..Preferences::default() };
    contacts.set_preferences(USER, &all).await.expect("stored");
    api
}

/// Delivers a sample to the function that consumes it.
async fn deliver(api: &Api, function: &'static catalog::Function, event: Value) {
    let p = &api.platform;
    let consumer = Consumer::new(function.name, catalog::MAX_RECEIVES);
    let handler = async |delivery| match function {
        one if one.name == UPDATE_SEND.name => {
            let (email, sms, push) = (&p.email_sender(), &p.sms_sender(), &p.push_sender());
            let channels = Channels { email, sms, push, limits: &api.limits };
            update_send::handle(&p.contacts(), &p.message_templates(), channels, delivery).await
        }
        one if one.name == CONTACT_TRACK.name => contact_track::handle(&p.contacts(), delivery).await,
        _ => {
            let (tokens, messages) = (p.tokens(), p.message_templates());
            let (email, sms) = (&p.email_sender(), &p.sms_sender());
            let countries = &api.limits.countries;
            let sender = VerificationMessageSender { messages: &messages, email, sms, countries };
            verification_send::handle(&p.users(), &tokens, &sender, delivery).await
        }
    };
    let clock = Clock::at(crate::functions::sample_time(), 7);
    let response = edge::queue::batch(&consumer, event, &clock, &p.dead_letters(), &handler).await;
    assert_eq!(response.expect("a batch"), json!({"batchItemFailures": []}));
    assert!(p.dead_letters().messages().is_empty(), "{:?}", p.dead_letters().messages());
}

/// The channels and outcomes in the log of the order.
async fn log(api: &Api) -> Vec<(Channel, NotificationOutcome)> {
    let page = api.platform.contacts().delivery_log(ORDER, 10, None).await.expect("a page");
    page.items.into_iter().map(|one| (one.sent.channel, one.outcome)).collect()
}

#[tokio::test]
async fn unverified_addresses_get_no_order_notifications_and_the_reason_is_logged() {
    let api = api().await;
    deliver(&api, UPDATE_SEND, sample(UPDATE_SEND, "ok")).await;
    let p = &api.platform;
    assert!(p.email_sender().sent().is_empty() && p.sms_sender().sent().is_empty());
    let (unverified, no_device) = (NotificationOutcome::Unverified, (Channel::Push, NotificationOutcome::NoAddress));
    assert_eq!(log(&api).await, [(Channel::Email, unverified), (Channel::Sms, unverified), no_device]);
}

#[tokio::test]
async fn staff_cannot_write_to_an_unverified_address() {
    let api = api().await;
    for channel in ["email", "sms"] {
        let answer = api.sample(NOTIFICATION_SEND, &format!("set /body/channel = {}", json!(channel))).await;
        assert_eq!((answer.status, answer.pointer()), (422, "/channel"), "{channel}: {}", answer.body);
    }
}

#[tokio::test]
async fn message_with_a_token_has_no_text_of_the_customer() {
    let api = api().await;
    deliver(&api, VERIFICATION_SEND, sample(VERIFICATION_SEND, "ok")).await;
    deliver(&api, VERIFICATION_SEND, sample(VERIFICATION_SEND, "ok_requested")).await;
    let templates = adapters_templates::JinjaMessageTemplates::new().expect("the templates");
    let token = domain::verification::Token::parse("01JMZ-01ZGH-00000-9999A").expect("a token");
    let to = domain::text::Email::parse("ada@example.com").expect("an address");
    let email = ports::VerificationMessages::verification_email(&templates, to, &token).expect("rendered");
    let sms = ports::VerificationMessages::verification_sms(&templates, &token).expect("rendered");
    for text in [&email.text, &email.html, &sms] {
        assert!(text.contains("01JMZ-01ZGH-00000-9999A") && !text.contains("Ada"), "{text}");
    }
    assert!(email.text.contains("Bitte") && email.text.contains("Please"), "in both languages");
    assert!(domain::sms::size(&sms).segments == 1, "{sms}");
    let sent = api.platform.email_sender().sent();
    assert_eq!(sent.len(), 1);
    assert!(!sent[0].text.contains("won") && !sent[0].subject.contains("won"));
}

/// The token in the last e-mail.
fn token(api: &Api) -> String {
    let emails = api.platform.email_sender().sent();
    emails.last().and_then(|email| email.text.rsplit(' ').next()).expect("an e-mail").to_owned()
}

async fn verify(api: &Api, token: &str) -> Answer {
    api.sample(CONTACT_VERIFY, &format!("set /body/token = {}", json!(token))).await
}

#[tokio::test]
async fn verified_address_gets_news_and_its_token_counts_once() {
    let api = api().await;
    deliver(&api, VERIFICATION_SEND, sample(VERIFICATION_SEND, "ok")).await;
    let token = token(&api);
    assert_eq!(verify(&api, &token).await.status, 204);
    assert_eq!(verify(&api, &token).await.status, 422);
    deliver(&api, CONTACT_TRACK, sample(CONTACT_TRACK, "ok_verified")).await;
    deliver(&api, UPDATE_SEND, sample(UPDATE_SEND, "ok")).await;
    let no_device = (Channel::Push, NotificationOutcome::NoAddress);
    assert_eq!(
        log(&api).await,
        [(Channel::Email, NotificationOutcome::Sent), (Channel::Sms, NotificationOutcome::Unverified), no_device]
    );
}

#[tokio::test]
async fn wrong_used_and_exhausted_tokens_get_the_same_answer() {
    let api = api().await;
    deliver(&api, VERIFICATION_SEND, sample(VERIFICATION_SEND, "ok")).await;
    let right = token(&api);
    let mut wrong: String = right.chars().take(right.len() - 1).collect();
    wrong.push(if right.ends_with('0') { '1' } else { '0' });
    let mut answers = vec![verify(&api, "01JMZ-01ZGH-00000-9999A").await, verify(&api, "x").await];
    for _ in 0..MAX_ATTEMPTS {
        answers.push(verify(&api, &wrong).await);
    }
    answers.push(verify(&api, &right).await);
    for answer in &answers {
        assert_eq!((answer.status, answer.pointer()), (422, "/token"));
        assert_eq!(answer.body["errors"], answers[0].body["errors"]);
    }
    assert!(api.platform.bus().published().is_empty());
}

#[tokio::test]
async fn customer_cannot_flood_an_address_with_tokens() {
    let api = api().await;
    let burst = api.limits.verifications.per_customer.burst();
    for _ in 0..burst {
        assert_eq!(api.sample(VERIFICATION_REQUEST, "ok").await.status, 202);
    }
    let refused = api.sample(VERIFICATION_REQUEST, "ok").await;
    assert_eq!((refused.status, refused.code()), (429, "too-many-verifications"));
    assert!(refused.headers["retry-after"].is_string());
    assert_eq!(api.platform.bus().published().len(), usize::try_from(burst).expect("positive"));
}

/// The platform with a customer whose addresses are verified and who wants every channel.
async fn verified_api() -> Api {
    let api = api().await;
    let phone = Some(Phone::parse(PHONE).expect("a number"));
    testkit::Platform::contacts(&api.platform).put(&ports::Contact { phone, ..build::user().id(USER).contact() });
    api
}

/// The outcomes of text messages in the log of the order.
async fn texts(api: &Api) -> Vec<NotificationOutcome> {
    log(api).await.into_iter().filter(|(channel, _)| *channel == Channel::Sms).map(|(_, outcome)| outcome).collect()
}

#[tokio::test]
async fn number_in_a_country_that_is_not_listed_is_refused_on_every_route() {
    let mut api = verified_api().await;
    api.limits.countries = CallingCodes::parse("1,44").expect("codes");
    let phone = format!("set /body/phone = {}", json!(PHONE));
    for (function, edit, pointer) in [
        (USER_REGISTER, phone.as_str(), "/phone"),
        (VERIFICATION_REQUEST, r#"set /body/channel = "phone""#, "/channel"),
        (NOTIFICATION_SEND, r#"set /body/channel = "sms"; set /body/data/text = "It is here.""#, "/channel"),
    ] {
        let answer = api.sample(function, edit).await;
        assert_eq!((answer.status, answer.pointer()), (422, pointer), "{}: {}", function.name, answer.body);
    }
    assert!(api.platform.bus().published().is_empty());
    assert_eq!(api.sample(NOTIFICATION_SEND, "ok").await.status, 202, "e-mail goes everywhere");
}

#[tokio::test]
async fn order_notifications_are_not_texted_to_a_country_that_is_not_listed() {
    let mut api = verified_api().await;
    api.limits.countries = CallingCodes::parse("1,44").expect("codes");
    deliver(&api, UPDATE_SEND, sample(UPDATE_SEND, "ok")).await;
    deliver(&api, VERIFICATION_SEND, sample(VERIFICATION_SEND, "ok_requested")).await;
    assert!(api.platform.sms_sender().sent().is_empty());
    assert_eq!(texts(&api).await, [NotificationOutcome::CountryNotServed]);
    let log =
        api.sample(NOTIFICATION_LIST, &format!("set /rawQueryString = {}", json!(format!("order_id={ORDER}")))).await;
    let mut entries = log.body["items"].as_array().expect("a page").iter();
    let text = entries.find(|entry| entry["channel"] == "sms").expect("an entry");
    assert_eq!(text["status"], "country_not_served", "{}", log.body);
}

#[tokio::test]
async fn text_messages_about_orders_are_limited_and_the_log_says_so() {
    let mut api = verified_api().await;
    api.limits.sms = MessageBudgets::daily(2, 20);
    for case in ["ok", "ok_shipped", "ok_delivered", "ok"] {
        deliver(&api, UPDATE_SEND, sample(UPDATE_SEND, case)).await;
    }
    assert_eq!(api.platform.sms_sender().sent().len(), 2);
    let log = texts(&api).await;
    let of = |outcome| log.iter().filter(|one| **one == outcome).count();
    assert_eq!((of(NotificationOutcome::Sent), of(NotificationOutcome::QuotaExceeded)), (2, 1), "{log:?}");
}

#[tokio::test]
async fn repeated_request_gets_its_first_answer_after_the_address_was_verified() {
    let api = api().await;
    let with_key = r#"set /headers/idempotency-key = "once""#;
    let first = api.sample(VERIFICATION_REQUEST, with_key).await;
    assert_eq!(first.status, 202);
    deliver(&api, VERIFICATION_SEND, sample(VERIFICATION_SEND, "ok")).await;
    assert_eq!(verify(&api, &token(&api)).await.status, 204);
    let again = api.sample(VERIFICATION_REQUEST, with_key).await;
    assert_eq!((again.status, &again.body), (202, &first.body));
    assert_eq!(again.headers["idempotent-replayed"], "true");
    for case in ["ok", r#"set /headers/idempotency-key = "another""#] {
        let answer = api.sample(VERIFICATION_REQUEST, case).await;
        assert_eq!((answer.status, answer.code()), (409, "already-verified"), "{case}");
    }
}
