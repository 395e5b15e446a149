//! Passwords that change: with the old one, or with a token that was mailed.

use super::{
    USER,
    browser_sessions::refresh_cookie,
    clock,
    consumers::deliver,
    customer,
    http::assert_responses,
    sample, sample_time,
    sessions::{SESSION, begin},
};
use api::TokenView;
use catalog::{PASSWORD_CHANGE, PASSWORD_RESET_CONFIRM, PASSWORD_RESET_REQUEST, PASSWORD_RESET_SEND, USER_LOGIN};
use domain::{
    id::SessionId,
    password_reset::{self, ChangePassword, ConfirmReset, PasswordReset},
    second_factor::MfaPolicy,
    session::Login,
    user::User,
    verification::{ContactKind, Token},
};
use edge::http::{Call, Reply};
use kernel::{Failure, Uuid};
use ports::{PasswordStore as _, Revocations as _, VerificationTokens as _};
use serde_json::json;
use services::{NewPasswords, PasswordResetMailer, Throttled};
use testkit::Platform;

const NEW: &str = "a new horse, another battery";
const OTHER_SESSION: SessionId = SessionId(Uuid::from_u128(7));

/// The platform with the customer of the samples, whose e-mail address is verified, and who has two sessions.
async fn platform() -> Platform {
    let platform = Platform::new();
    platform.users().put(&User { verified: vec![ContactKind::Email], ..customer() }, "correct horse battery");
    begin(&platform, SESSION, "one").await;
    begin(&platform, OTHER_SESSION, "two").await;
    platform
}

pub(crate) async fn change(platform: &Platform, call: Call<ChangePassword>) -> Result<Reply<()>, Failure> {
    let (users, passwords, sources) = (&platform.users(), &platform.passwords(), &platform.request_sources());
    let old = Throttled::new(users, passwords, sources);
    let new = NewPasswords { passwords, strength: passwords };
    password_change::handle(users, (&old, &new), &platform.revocations(), call).await
}

pub(crate) async fn confirm(platform: &Platform, call: Call<ConfirmReset>) -> Result<Reply<()>, Failure> {
    let (passwords, tokens) = (&platform.passwords(), &platform.tokens());
    let passwords = &NewPasswords { passwords, strength: passwords };
    password_reset_confirm::handle(&platform.users(), (passwords, tokens), &platform.revocations(), call).await
}

pub(crate) async fn log_in(platform: &Platform, call: Call<Login>) -> Result<Reply<TokenView>, Failure> {
    let (users, passwords, sources) = (&platform.users(), &platform.passwords(), &platform.request_sources());
    let passwords = &Throttled::new(users, passwords, sources);
    user_login::handle(users, (passwords, &MfaPolicy::default()), (&platform.tokens(), &refresh_cookie()), call).await
}

/// The status of a login with the new password.
async fn login(platform: &Platform) -> u64 {
    let event = sample(USER_LOGIN, &format!("set /body/password = {}", json!(NEW)));
    let route = adapters::Wiring::new(USER_LOGIN, adapters::config::Config::from_vars([])).route().expect("a route");
    let handler = async |call| log_in(platform, call).await;
    edge::http::respond(&route, event, &clock(), &handler).await["statusCode"].as_u64().expect("a status")
}

#[tokio::test]
async fn password_change_needs_the_old_one_and_ends_the_other_sessions() {
    let expected = [
        (r#"set /body/current_password = "wrong""#, 422, "validation", "/current_password"),
        ("bad_weak_password", 422, "validation", "/password"),
        (r#"set /body/password = "password123""#, 422, "validation", "/password"),
        (r#"set /pathParameters/id = "0192f0c1-0000-7000-8000-0000000000ff""#, 404, "not-found", ""),
        ("ok", 204, "", ""),
        ("ok", 422, "validation", "/current_password"),
    ];
    let platform = platform().await;
    assert_responses(PASSWORD_CHANGE, &expected, async |_, call| change(&platform, call).await).await;
    assert_eq!(platform.users().sessions(USER).len(), 1);
    let revocations = platform.revocations();
    assert_eq!((revocations.is_revoked(SESSION).await, revocations.is_revoked(OTHER_SESSION).await), (false, true));
    assert_eq!(login(&platform).await, 200);
}

#[tokio::test]
async fn password_change_delays_guesses_of_the_old_password() {
    let wrong = r#"set /body/current_password = "wrong""#;
    let mut expected = vec![(wrong, 422, "validation", "/current_password"); 5];
    expected.extend([(wrong, 429, "too-many-logins", ""), ("ok", 429, "too-many-logins", "")]);
    expected.push(("bad_weak_password", 422, "validation", "/password"));
    let platform = platform().await;
    assert_responses(PASSWORD_CHANGE, &expected, async |_, call| change(&platform, call).await).await;
}

#[tokio::test]
async fn password_reset_request_is_accepted_alike_for_every_address() {
    let expected = [
        ("ok", 202, "", ""),
        (r#"set /body/email = "nobody@example.com""#, 202, "", ""),
        (r#"set /body/email = "no address""#, 422, "validation", "/email"),
        ("bad_unknown_field", 422, "validation", "/unknown"),
    ];
    let platform = platform().await;
    assert_responses(PASSWORD_RESET_REQUEST, &expected, async |case, call| {
        let before = platform.operation_count();
        let reply = password_reset_request::handle(&platform.users(), call).await;
        assert_eq!(platform.operation_count() - before, 3, "{case}: committed, published, marked");
        reply
    })
    .await;
    assert_eq!(platform.bus().published().len(), 2);
}

#[tokio::test]
async fn password_reset_send_mails_one_token_to_a_verified_address() {
    let platform = platform().await;
    let (tokens, messages) = (platform.tokens(), platform.message_templates());
    let sender = PasswordResetMailer { messages: &messages, email: &platform.email_sender() };
    deliver(PASSWORD_RESET_SEND, &["ok", "bad_unexpected_event"], &platform, async |delivery| {
        password_reset_send::handle(&platform.users(), &tokens, &sender, delivery).await
    })
    .await;
    let sent = platform.email_sender().sent();
    assert_eq!((sent.len(), sent[0].to.as_str()), (1, "ada@example.com"));
    let token = Token::parse(sent[0].text.rsplit(' ').next().expect("a token")).expect("a token");
    let found = platform.users().try_reset(token.selector(), sample_time()).await.expect("a response");
    assert!(found.iter().any(|one| one.user_id == USER && tokens.is_digest_of(&one.digest, &token)));
}

#[tokio::test]
async fn password_reset_confirm_accepts_a_token_once_and_ends_all_sessions() {
    let expected = [
        (r#"set /body/token = "XTGHQ-WTDCH-ED3YN-K1YQ0""#, 422, "validation", "/token"),
        ("bad_weak_password", 422, "validation", "/password"),
        (r#"set /body/password = "password123""#, 422, "validation", "/password"),
        (r#"set /body/password = "lovelace2026""#, 422, "validation", "/password"),
        ("ok", 204, "", ""),
        ("ok", 422, "validation", "/token"),
    ];
    let platform = platform().await;
    let (token, digest) = platform.tokens().verification_token().expect("a token");
    let User { email, username, full_name, .. } = customer();
    let reset = PasswordReset { id: Uuid::from_u128(3), user_id: USER, digest, email, username, full_name };
    let expires_at = password_reset::expires_at(sample_time()).expect("a time");
    platform.users().store_reset(&reset, token.selector(), expires_at).await.expect("stored");
    assert_responses(PASSWORD_RESET_CONFIRM, &expected, async |_, call| confirm(&platform, call).await).await;
    assert_eq!(platform.users().sessions(USER), []);
    assert!(platform.revocations().is_revoked(SESSION).await);
    assert_eq!(login(&platform).await, 200);
}
