//! Passwords that change: with the old one, or with a token that was mailed.

use super::{
    USER, before_write,
    browser_sessions::refresh_cookie,
    clock,
    consumers::deliver,
    customer,
    http::assert_responses,
    sample, sample_time, second_factors,
    sessions::{SESSION, begin},
};
use api::TokenView;
use catalog::{
    Function, PASSWORD_CHANGE, PASSWORD_RESET_CONFIRM, PASSWORD_RESET_REQUEST, PASSWORD_RESET_SEND, USER_LOGIN,
    USER_LOGIN_MFA,
};
use domain::{
    id::SessionId,
    password_reset::{self, ChangePassword, ConfirmReset, PasswordReset},
    second_factor::MfaPolicy,
    session::Login,
    user::User,
    verification::{ContactKind, Token},
};
use edge::http::{Body, Call, Reply};
use kernel::{Failure, Uuid};
use ports::{PasswordStore as _, Revocations as _, VerificationTokens as _};
use serde_json::{Value, json};
use services::{LoginThrottle, NewPasswords, PasswordResetMailer};
use testkit::Platform;

const OLD: &str = "correct horse battery";
const NEW: &str = "a new horse, another battery";
const OTHER_SESSION: SessionId = SessionId(Uuid::from_u128(7));

/// The platform with the customer of the samples, whose e-mail address is verified, and who has two sessions.
async fn platform() -> Platform {
    let platform = Platform::new();
    platform.users().put(&User { verified: vec![ContactKind::Email], ..customer() }, OLD);
    begin(&platform, SESSION, "one").await;
    begin(&platform, OTHER_SESSION, "two").await;
    platform
}

pub(crate) async fn change(platform: &Platform, call: Call<ChangePassword>) -> Result<Reply<()>, Failure> {
    let (users, passwords, sources) = (&platform.users(), &platform.passwords(), &platform.request_sources());
    let old = LoginThrottle::new(users, passwords, sources);
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
    let passwords = &LoginThrottle::new(users, passwords, sources);
    user_login::handle(users, (passwords, &MfaPolicy::default()), (&platform.tokens(), &refresh_cookie()), call).await
}

/// The status and the problem of a response.
async fn answer<B: Body>(
    (function, edits): (&'static Function, &str),
    handler: impl AsyncFn(Call<B>) -> Result<Reply<TokenView>, Failure>,
) -> (u64, String) {
    let route = adapters::Wiring::new(function, adapters::config::Config::from_vars([])).route().expect("a route");
    let response = edge::http::respond(&route, sample(function, edits), &clock(), &handler).await;
    let body: Value = serde_json::from_str(response["body"].as_str().unwrap_or("null")).expect("JSON");
    let problem = body["type"].as_str().unwrap_or_default().replace("/problems/", "");
    (response["statusCode"].as_u64().expect("a status"), problem)
}

/// The status and the problem of a login.
async fn login(platform: &Platform, password: &str) -> (u64, String) {
    let edits = format!("set /body/password = {}", json!(password));
    answer((USER_LOGIN, &edits), async |call| log_in(platform, call).await).await
}

fn logged_in() -> (u64, String) {
    (200, String::new())
}

fn refused(problem: &str) -> (u64, String) {
    (401, problem.to_owned())
}

#[tokio::test]
async fn login_ends_with_a_password_that_is_changed_while_it_is_verified() {
    let platform = Platform::new();
    platform.users().put(&customer(), OLD);
    // The first one counts the attempt and reads the account.
    before_write(&platform, 2, |platform| platform.users().put(&customer(), NEW));
    assert_eq!(login(&platform, OLD).await, refused("wrong-credentials"));
    assert_eq!(platform.users().sessions(USER), []);
    assert_eq!(login(&platform, NEW).await, logged_in());
}

#[tokio::test]
async fn login_with_a_second_factor_ends_with_a_password_that_is_changed_meanwhile() {
    let (platform, codes) = second_factors::platform().await;
    before_write(&platform, 2, |platform| platform.users().put(&customer(), NEW));
    assert_eq!(login(&platform, OLD).await, refused("wrong-credentials"));
    platform.users().put(&customer(), OLD);
    let token = second_factors::mfa_token(&platform).await;
    let edits = format!("set /body = {}", json!(json!({ "mfa_token": token, "recovery_code": codes[0] }).to_string()));
    // An attempt at the login, one at the account, the use of the code, and the end of the login.
    before_write(&platform, 5, |platform| platform.users().put(&customer(), NEW));
    let finished = answer((USER_LOGIN_MFA, &edits), async |call| second_factors::finish(&platform, call).await).await;
    assert_eq!(finished, refused("invalid-mfa-token"));
    assert_eq!(platform.users().sessions(USER), []);
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
    assert_eq!(login(&platform, NEW).await, logged_in());
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
    assert_eq!(login(&platform, NEW).await, logged_in());
}
