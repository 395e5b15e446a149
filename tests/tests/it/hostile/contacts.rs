//! Addresses of strangers: nothing but a token is sent to an address that is not verified, and not too many of these.

use super::routes::{Answer, Api};
use crate::functions::{ORDER, USER, sample};
use catalog::VERIFICATION_SEND;
use catalog::{CONTACT_TRACK, CONTACT_VERIFY, EMAIL_SEND, NOTIFICATION_SEND, SMS_SEND, VERIFICATION_REQUEST};
use domain::{
    notification::{Channel, Outcome, Preferences},
    text::{FullName, Phone},
    user::User,
    verification::{MAX_ATTEMPTS, REQUEST_BURST},
};
use edge::{Clock, Consumer};
use ports::{NotificationRequests as _, PreferenceStore as _};
use serde_json::{Value, json};
use services::MessageTokenSender;
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
        one if one.name == EMAIL_SEND.name => {
            email_send::handle(&p.contacts(), &p.message_templates(), &p.email_sender(), delivery).await
        }
        one if one.name == SMS_SEND.name => {
            sms_send::handle(&p.contacts(), &p.message_templates(), &p.sms_sender(), delivery).await
        }
        one if one.name == CONTACT_TRACK.name => contact_track::handle(&p.contacts(), delivery).await,
        _ => {
            let (tokens, messages) = (p.tokens(), p.message_templates());
            let (email, sms) = (&p.email_sender(), &p.sms_sender());
            let sender = MessageTokenSender { messages: &messages, email, sms };
            verification_send::handle(&p.users(), &tokens, &sender, delivery).await
        }
    };
    let clock = Clock::at(crate::functions::sample_time(), 7);
    let response = edge::queue::batch(&consumer, event, &clock, &p.dead_letters(), &handler).await;
    assert_eq!(response.expect("a batch"), json!({"batchItemFailures": []}));
    assert!(p.dead_letters().messages().is_empty(), "{:?}", p.dead_letters().messages());
}

/// The channels and outcomes in the log of the order.
async fn log(api: &Api) -> Vec<(Channel, Outcome)> {
    let page = api.platform.contacts().delivery_log(ORDER, 10, None).await.expect("a page");
    page.items.into_iter().map(|one| (one.sent.channel, one.outcome)).collect()
}

#[tokio::test]
async fn unverified_addresses_get_no_news_of_orders_and_the_log_says_why() {
    let api = api().await;
    deliver(&api, EMAIL_SEND, sample(EMAIL_SEND, "ok")).await;
    deliver(&api, SMS_SEND, sample(SMS_SEND, "ok")).await;
    let p = &api.platform;
    assert!(p.email_sender().sent().is_empty() && p.sms_sender().sent().is_empty());
    let outcomes: Vec<Outcome> = log(&api).await.into_iter().map(|(_, outcome)| outcome).collect();
    assert!(!outcomes.is_empty() && outcomes.iter().all(|one| *one == Outcome::Unverified), "{outcomes:?}");
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
    deliver(&api, EMAIL_SEND, sample(EMAIL_SEND, "ok")).await;
    assert_eq!(log(&api).await, [(Channel::Email, Outcome::Sent)]);
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
    for _ in 0..REQUEST_BURST {
        assert_eq!(api.sample(VERIFICATION_REQUEST, "ok").await.status, 202);
    }
    let refused = api.sample(VERIFICATION_REQUEST, "ok").await;
    assert_eq!((refused.status, refused.code()), (429, "too-many-verifications"));
    assert!(refused.headers["retry-after"].is_string());
    assert_eq!(api.platform.bus().published().len(), usize::try_from(REQUEST_BURST).expect("positive"));
}
