//! Verification of addresses: requesting a token, sending it, and using it.

use super::{
    USER, clock,
    consumers::{deliver, redeliver},
    customer,
    http::assert_responses,
    sample, sample_time,
    second_factors::{AS_ADMIN, route},
};
use catalog::{CONTACT_VERIFY, VERIFICATION_REQUEST, VERIFICATION_SEND};
use domain::{
    message_limits::MessageLimits,
    text::Phone,
    user::{Role, User},
    verification::{ContactKind, Token, Verification},
};
use edge::{Consumer, http::respond};
use ports::{VerificationStore as _, VerificationTokens as _};
use serde_json::Value;
use services::VerificationMessageSender;
use testkit::{Dependency, Platform, REPLACED_SUBJECT};

const AS_OTHER_STAFF: &str = r#"set /requestContext/authorizer/lambda/role = "staff"; set /requestContext/authorizer/lambda/sub = "0192f0c1-0000-7000-8000-0000000000ff""#;

/// The platform with the customer of the samples, who has a phone.
fn platform() -> Platform {
    let platform = Platform::new();
    let phone = Some(Phone::parse("+491701234567").expect("a number"));
    platform.users().put(&User { phone, ..customer() }, "correct horse battery");
    platform
}

#[tokio::test]
async fn verification_request_is_accepted_for_an_own_unverified_address() {
    let expected = [
        ("ok", 202, "", ""),
        (r#"set /body/channel = "phone""#, 202, "", ""),
        (r#"set /body/channel = "push""#, 422, "validation", "/channel"),
        ("bad_unknown_field", 422, "validation", "/unknown"),
        (r#"set /pathParameters/id = "0192f0c1-0000-7000-8000-0000000000ff""#, 404, "not-found", ""),
        (r#"set /requestContext/authorizer/lambda/role = "staff""#, 202, "", ""),
        (AS_OTHER_STAFF, 404, "not-found", ""),
        (AS_ADMIN, 202, "", ""),
        (r#"set /requestContext/authorizer/lambda/role = "service""#, 403, "forbidden", ""),
    ];
    let platform = platform();
    assert_responses(VERIFICATION_REQUEST, &expected, async |_, call| {
        verification_request::handle(&platform.users(), &MessageLimits::default(), call).await
    })
    .await;
    let published = platform.bus().published();
    assert_eq!(published.iter().map(|event| event.sequence).collect::<Vec<_>>(), [1; 4], "the version of the account");
}

#[tokio::test]
async fn colleague_whose_invitation_has_expired_gets_another_token_from_an_admin() {
    let platform = Platform::new();
    platform.users().put(&User { role: Role::Staff, ..customer() }, "unknown");
    let (invitation, digest) = platform.tokens().verification_token().expect("a token");
    let (id, address) = (kernel::Ids::system().next(), "ada@example.com".to_owned());
    let verification = Verification { id, user_id: USER, kind: ContactKind::Email, address, digest, version: 1 };
    platform.users().store_token(&verification, invitation.selector(), sample_time()).await.expect("stored");
    let use_token = async |token: &Token| {
        let event = sample(CONTACT_VERIFY, &format!(r#"set /body/token = "{}""#, token.text()));
        let handler = async |call| contact_verify::handle(&platform.users(), &platform.tokens(), call).await;
        respond(&route(CONTACT_VERIFY), event, &clock(), &handler).await["statusCode"].clone()
    };
    assert_eq!(use_token(&invitation).await, 422);
    let limits = MessageLimits::default();
    let request = async |call| verification_request::handle(&platform.users(), &limits, call).await;
    let event = sample(VERIFICATION_REQUEST, AS_ADMIN);
    assert_eq!(respond(&route(VERIFICATION_REQUEST), event, &clock(), &request).await["statusCode"], 202);
    let (tokens, messages) = (platform.tokens(), platform.message_templates());
    let (email, sms) = (&platform.email_sender(), &platform.sms_sender());
    let sender = VerificationMessageSender { messages: &messages, email, sms, countries: &limits.countries };
    let handler = async |delivery| verification_send::handle(&platform.users(), &tokens, &sender, delivery).await;
    let mut sent = sample(VERIFICATION_SEND, "ok_requested");
    let mut body: Value = serde_json::from_str(sent["Records"][0]["body"].as_str().expect("a body")).expect("JSON");
    body["detail"] = serde_json::to_value(&platform.bus().published()[0]).expect("JSON");
    sent["Records"][0]["body"] = body.to_string().into();
    let consumer = Consumer::new(VERIFICATION_SEND.name, catalog::MAX_RECEIVES);
    edge::queue::batch(&consumer, sent, &clock(), &platform.dead_letters(), &handler).await.expect("a batch");
    let text = email.sent()[0].text.clone();
    let token = Token::parse(text.rsplit(' ').next().expect("a token")).expect("a token");
    assert_eq!(use_token(&token).await, 204);
}

#[tokio::test]
async fn verification_send_sends_one_token_per_event_to_an_unverified_address() {
    let platform = platform();
    let cases = ["ok", "ok_requested", "ok_updated", "bad_mixed_batch"];
    let (tokens, messages) = (platform.tokens(), platform.message_templates());
    let (email, sms) = (&platform.email_sender(), &platform.sms_sender());
    let countries = &MessageLimits::default().countries;
    let sender = VerificationMessageSender { messages: &messages, email, sms, countries };
    deliver(VERIFICATION_SEND, &cases, &platform, async |delivery| {
        verification_send::handle(&platform.users(), &tokens, &sender, delivery).await
    })
    .await;
    let (emails, texts) = (platform.email_sender().sent(), platform.sms_sender().sent());
    assert_eq!((emails.len(), texts.len()), (2, 2), "one of each tells that an address was replaced");
    assert_eq!((emails[0].to.as_str(), texts[0].0.as_str()), ("ada@example.com", "+491701234567"));
    assert!(!emails[0].text.contains("Ada"), "no text of the customer");
    let token = Token::parse(emails[0].text.rsplit(' ').next().expect("a token")).expect("a token");
    let found = platform.users().try_token(token.selector(), sample_time()).await.expect("a response");
    assert!(found.iter().any(|one| one.kind == ContactKind::Email && tokens.is_digest_of(&one.digest, &token)));
}

#[tokio::test]
async fn verification_send_sends_nothing_to_a_verified_address() {
    let platform = platform();
    verify(&platform, ContactKind::Email).await;
    let (tokens, messages) = (platform.tokens(), platform.message_templates());
    let (email, sms) = (&platform.email_sender(), &platform.sms_sender());
    let countries = &MessageLimits::default().countries;
    let sender = VerificationMessageSender { messages: &messages, email, sms, countries };
    let handler = async |delivery| verification_send::handle(&platform.users(), &tokens, &sender, delivery).await;
    let consumer = Consumer::new(VERIFICATION_SEND.name, catalog::MAX_RECEIVES);
    let event = sample(VERIFICATION_SEND, "ok");
    edge::queue::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await.expect("a batch");
    assert!(platform.email_sender().sent().is_empty() && platform.dead_letters().messages().is_empty());
}

#[tokio::test]
async fn verification_send_tells_verified_addresses_once_that_they_were_replaced() {
    let platform = platform();
    let (tokens, messages) = (platform.tokens(), platform.message_templates());
    let (email, sms) = (&platform.email_sender(), &platform.sms_sender());
    let countries = &MessageLimits::default().countries;
    let sender = VerificationMessageSender { messages: &messages, email, sms, countries };
    let handler = async |delivery| verification_send::handle(&platform.users(), &tokens, &sender, delivery).await;
    redeliver(VERIFICATION_SEND, "ok_updated", &platform, &handler).await;
    let told: Vec<_> = email.sent().into_iter().map(|one| (one.to.as_str().to_owned(), one.subject)).collect();
    assert_eq!(told, [("ada@example.com".to_owned(), REPLACED_SUBJECT.to_owned())]);
    let told: Vec<_> = sms.sent().into_iter().map(|(to, text)| (to.as_str().to_owned(), text)).collect();
    assert_eq!(told, [("+491701234567".to_owned(), "Your number was changed.".to_owned())]);
}

#[tokio::test]
async fn verification_send_repeats_a_failed_notice_to_a_number_without_the_e_mail() {
    let platform = platform();
    let (tokens, messages) = (platform.tokens(), platform.message_templates());
    let (email, sms) = (&platform.email_sender(), &platform.sms_sender());
    let countries = &MessageLimits::default().countries;
    let sender = VerificationMessageSender { messages: &messages, email, sms, countries };
    let handler = async |delivery| verification_send::handle(&platform.users(), &tokens, &sender, delivery).await;
    let consumer = Consumer::new(VERIFICATION_SEND.name, catalog::MAX_RECEIVES);
    let failed = async || {
        let event = sample(VERIFICATION_SEND, "ok_updated");
        let response = edge::queue::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await;
        response.expect("a batch")["batchItemFailures"].as_array().map(Vec::len)
    };
    platform.faults().take_down(Dependency::Sms);
    assert_eq!((failed().await, email.sent().len(), sms.sent().len()), (Some(1), 1, 0));
    platform.faults().restore(Dependency::Sms);
    assert_eq!((failed().await, email.sent().len(), sms.sent().len()), (Some(0), 1, 1));
}

#[tokio::test]
async fn verification_send_records_a_change_that_replaces_no_verified_address() {
    let platform = platform();
    let (tokens, messages) = (platform.tokens(), platform.message_templates());
    let (email, sms) = (&platform.email_sender(), &platform.sms_sender());
    let countries = &MessageLimits::default().countries;
    let sender = VerificationMessageSender { messages: &messages, email, sms, countries };
    let handler = async |delivery| verification_send::handle(&platform.users(), &tokens, &sender, delivery).await;
    let mut sent = sample(VERIFICATION_SEND, "ok_updated");
    let body = sent["Records"][0]["body"].as_str().expect("a body");
    let mut body: Value = serde_json::from_str(body).expect("JSON");
    body["detail"]["data"].as_object_mut().expect("data").retain(|name, _| !name.starts_with("replaced_"));
    let event_id = body["detail"]["id"].as_str().expect("an id").parse().expect("a UUID");
    sent["Records"][0]["body"] = body.to_string().into();
    let consumer = Consumer::new(VERIFICATION_SEND.name, catalog::MAX_RECEIVES);
    edge::queue::batch(&consumer, sent, &clock(), &platform.dead_letters(), &handler).await.expect("a batch");
    // Without the record, the check of deliveries would publish the event again.
    let claim = kernel::Claim { consumer: VERIFICATION_SEND.name, event_id };
    assert_eq!(platform.users().was_token_sent(claim).await, Ok(true));
    assert!(email.sent().is_empty() && sms.sent().is_empty());
}

/// Stores a token for an address of the customer: that of the samples, which is the first of a platform.
async fn store_token(platform: &Platform, kind: ContactKind) -> Verification {
    let (token, digest) = platform.tokens().verification_token().expect("a token");
    let contacts = platform.users().contacts(USER).await.expect("a response").expect("the customer");
    let address = contacts.to_verify(kind).expect("unverified").to_owned();
    let id = kernel::Ids::system().next();
    let verification = Verification { id, user_id: USER, kind, address, digest, version: 1 };
    let expires_at = domain::verification::expires_at(sample_time()).expect("a time");
    platform.users().store_token(&verification, token.selector(), expires_at).await.expect("stored");
    verification
}

async fn verify(platform: &Platform, kind: ContactKind) {
    let verification = store_token(platform, kind).await;
    let event = testkit::build::event_with(kernel::Ids::system().next(), sample_time(), verification.verified());
    assert_eq!(platform.users().verify(&verification, &event).await, Ok(true));
}

#[tokio::test]
async fn contact_verify_accepts_a_token_once_and_does_not_tell_why_it_refuses() {
    let expected = [
        (r#"set /body/token = "XTGHQ-WTDCH-ED3YN-K1YQ0""#, 422, "validation", "/token"),
        ("ok", 204, "", ""),
        (r#"set /body/token = "xtghq-wtdch-ed3yn-k1yqw""#, 422, "validation", "/token"),
        (r#"set /body/token = "short""#, 422, "validation", "/token"),
        ("bad_unknown_field", 422, "validation", "/unknown"),
    ];
    let platform = platform();
    store_token(&platform, ContactKind::Phone).await;
    assert_responses(CONTACT_VERIFY, &expected, async |_, call| {
        contact_verify::handle(&platform.users(), &platform.tokens(), call).await
    })
    .await;
    let published = platform.bus().published();
    assert_eq!(published.len(), 1);
    assert_eq!((published[0].sequence, published[0].event.row().name), (2, catalog::CONTACT_VERIFIED.name));
    let contacts = platform.users().contacts(USER).await.expect("a response").expect("the customer");
    assert_eq!(contacts.verified, [ContactKind::Phone]);
}
