//! The routes of identity.

use super::{Calls, about, body, if_match, measured};
use crate::budget::RecordingBus;
use crate::functions::{
    USER,
    browser_sessions::refresh_cookie,
    customer, sample,
    sessions::{SESSION, TOKEN},
};
use adapters_postgres::PgUsers;
use catalog::Context;
use domain::{
    id::SessionId,
    message_limits::{Budget, MessageLimits},
    password_reset::{self, PasswordReset},
    second_factor::MfaPolicy,
    user::{Role, User},
    verification::{self, ContactKind, Verification},
};
use kernel::{Timestamp, time};
use ports::{
    Credentials, FactorStore as _, LoginCounters, PasswordStore as _, RefreshToken, RefreshTokens as _, UserStore as _,
    VerificationStore as _, VerificationTokens as _,
};
use serde_json::{Value, json};
use services::{LoginThrottle, NewPasswords};
use std::time::Duration;
use testkit::{build, ids};

const PASSWORD: &str = "correct horse battery";

/// The store of accounts, to which the samples' customer is added.
type Users = PgUsers<RecordingBus>;

/// Calls each of them.
pub(super) async fn calls(calls: &mut Calls<'_>) {
    let fixture = calls.fixture;
    let database = fixture.database.through_proxy(Context::Identity, fixture.proxy.port);
    let users = &PgUsers::new(database, fixture.bus.clone());
    let password = serde_json::from_value(json!(PASSWORD)).expect("a password");
    let hash = ports::Passwords::hash(&fixture.platform.passwords(), &password).expect("a hash");
    users.register(&customer(), &hash, &build::event(80, build::user().id(USER).event())).await.expect("registered");
    let (other, colleague) = registrations(calls, users).await;
    addresses(calls, users).await;
    sessions(calls, users, hash).await;
    passwords(calls, users).await;
    second_factors(calls, users).await;
    clients(calls, users).await;
    administration(calls, users, (&other, &colleague)).await;
}

/// Registers two others and returns their ids.
async fn registrations(calls: &mut Calls<'_>, users: &Users) -> (Value, Value) {
    let p = &calls.fixture.platform;
    let (passwords, sources) = (&p.passwords(), &p.request_sources());
    let new = &NewPasswords { passwords, strength: passwords };
    let limits = (&MessageLimits::default(), Budget::hourly(20));
    let row = catalog::USER_REGISTER;
    let request = sample(row, r#"set /body/email = "joan@example.com"; set /body/username = "joan""#);
    let handler = async |call| user_register::handle(users, (new, sources), limits, call).await;
    let other = calls.call(row, request, handler).await["id"].clone();
    let (row, tokens) = (catalog::USER_INVITE, &p.tokens());
    let handler = async |call| user_invite::handle(users, passwords, tokens, call).await;
    let colleague = calls.call(row, sample(row, "ok"), handler).await["id"].clone();
    (other, colleague)
}

async fn addresses(calls: &mut Calls<'_>, users: &Users) {
    let (p, now) = (&calls.fixture.platform, calls.fixture.clock.now());
    let row = catalog::VERIFICATION_REQUEST;
    let handler = async |call| verification_request::handle(users, &MessageLimits::default(), call).await;
    calls.call(row, sample(row, "ok"), handler).await;
    let (token, digest) = p.tokens().verification_token().expect("a token");
    let (kind, address) = (ContactKind::Email, customer().email.as_str().to_owned());
    let known = Verification { id: ids::event(81), user_id: USER, kind, address, digest, version: 1 };
    let expires_at = verification::expires_at(now).expect("a time");
    users.store_token(&known, token.selector(), expires_at).await.expect("stored");
    let (row, tokens) = (catalog::CONTACT_VERIFY, &p.tokens());
    let request = sample(row, &format!("set /body/token = {}", json!(token.expose())));
    calls.call(row, request, async |call| contact_verify::handle(users, tokens, call).await).await;
    let (passwords, sources) = (&p.passwords(), &p.request_sources());
    let own = &LoginThrottle::new(users, passwords, sources);
    let row = catalog::USER_UPDATE;
    let request = if_match(sample(row, "ok"), 2);
    calls.call(row, request, async |call| user_update::handle(users, own, call).await).await;
}

/// Begins a session of the customer with this refresh token.
async fn begin(calls: &Calls<'_>, (users, checked): (&Users, &Credentials), session: SessionId, token: &str) {
    let now: Timestamp = calls.fixture.clock.now();
    let digest = calls.fixture.platform.tokens().digest(token);
    let expires_at = time::seconds_after(now, 600).expect("a time");
    let token = RefreshToken { digest, issued_at: now, expires_at };
    let counters = LoginCounters { name_and_source: "one".to_owned(), source: "two".to_owned() };
    assert_eq!(users.begin_session(session, checked, &counters, &token).await, Ok(true));
}

async fn sessions(calls: &mut Calls<'_>, users: &Users, password_hash: String) {
    let has_second_factor = false;
    let checked = &Credentials { user_id: USER, role: Role::Customer, password_hash, has_second_factor };
    let p = &calls.fixture.platform;
    let (passwords, sources, tokens) = (&p.passwords(), &p.request_sources(), &p.tokens());
    let (throttled, policy) = (&LoginThrottle::new(users, passwords, sources), &MfaPolicy::default());
    let (cookie, revocations) = (&refresh_cookie(), &p.revocations());
    let row = catalog::USER_LOGIN;
    let handler = async |call| user_login::handle(users, (throttled, policy), (tokens, cookie), call).await;
    calls.call(row, sample(row, "ok"), handler).await;
    begin(calls, (users, checked), SESSION, TOKEN).await;
    let row = catalog::TOKEN_REFRESH;
    let handler = async |call| token_refresh::handle(users, (tokens, cookie), (revocations, policy), call).await;
    calls.call(row, sample(row, "ok"), handler).await;
    let row = catalog::SESSION_REVOKE;
    calls.call(row, sample(row, "ok"), async |call| session_revoke::handle(users, revocations, call).await).await;
    begin(calls, (users, checked), SESSION, "another token").await;
    let row = catalog::USER_LOGOUT;
    let handler = async |call| user_logout::handle(users, (tokens, cookie), revocations, call).await;
    calls.call(row, sample(row, "ok"), handler).await;
    begin(calls, (users, checked), SESSION, "a third token").await;
    let row = catalog::SESSION_END;
    calls.call(row, sample(row, "ok"), async |call| session_end::handle(users, revocations, call).await).await;
    begin(calls, (users, checked), SESSION, "a fourth token").await;
}

/// Changes the password, and sets it to the first one again with a token.
async fn passwords(calls: &mut Calls<'_>, users: &Users) {
    let p = &calls.fixture.platform;
    let (passwords, sources, revocations) = (&p.passwords(), &p.request_sources(), &p.revocations());
    let (old, new) = (&LoginThrottle::new(users, passwords, sources), &NewPasswords { passwords, strength: passwords });
    let row = catalog::PASSWORD_CHANGE;
    let handler = async |call| password_change::handle(users, (old, new), revocations, call).await;
    calls.call(row, sample(row, "ok"), handler).await;
    let row = catalog::PASSWORD_RESET_REQUEST;
    calls.call(row, sample(row, "ok"), async |call| password_reset_request::handle(users, call).await).await;
    let (tokens, User { email, username, full_name, .. }) = (&p.tokens(), customer());
    let (token, digest) = tokens.verification_token().expect("a token");
    let reset = PasswordReset { id: ids::event(81), user_id: USER, digest, email, username, full_name };
    let expires_at = password_reset::expires_at(calls.fixture.clock.now()).expect("a time");
    users.store_reset(&reset, token.selector(), expires_at).await.expect("stored");
    let row = catalog::PASSWORD_RESET_CONFIRM;
    let mut request = sample(row, "ok");
    request["body"] = json!({ "token": token.expose(), "password": PASSWORD }).to_string().into();
    let handler = async |call| password_reset_confirm::handle(users, (new, tokens), revocations, call).await;
    calls.call(row, request, handler).await;
}

/// The code of the customer's device, a minute after the last one, which counts once.
async fn code(calls: &Calls<'_>, users: &Users) -> Value {
    let (tokens, clock) = (calls.fixture.platform.tokens(), &calls.fixture.clock);
    clock.advance(Duration::from_secs(60));
    let totp = users.totp(USER).await.expect("a response").expect("a second factor");
    json!(tokens.code_at(&totp.sealed, clock.now()))
}

async fn second_factors(calls: &mut Calls<'_>, users: &Users) {
    let p = &calls.fixture.platform;
    let (passwords, sources, codes) = (&p.passwords(), &p.request_sources(), &p.tokens());
    let (own, factors) = (&LoginThrottle::new(users, passwords, sources), &LoginThrottle::new(users, codes, sources));
    let (cookie, policy) = (&refresh_cookie(), &MfaPolicy::default());
    let row = catalog::TOTP_BEGIN;
    calls.call(row, sample(row, "ok"), async |call| totp_begin::handle(users, own, codes, call).await).await;
    let row = catalog::TOTP_CONFIRM;
    let request = sample(row, &format!("set /body/code = {}", code(calls, users).await));
    calls.call(row, request, async |call| totp_confirm::handle(users, codes, call).await).await;
    let row = catalog::RECOVERY_CODE_RENEW;
    let request = sample(row, &format!("set /body/code = {}", code(calls, users).await));
    let handler = async |call| recovery_code_renew::handle(users, factors, codes, call).await;
    calls.call(row, request, handler).await;
    let handler = async |call| user_login::handle(users, (own, policy), (codes, cookie), call).await;
    let (refused, _) = measured(calls.fixture, catalog::USER_LOGIN, sample(catalog::USER_LOGIN, "ok"), handler).await;
    let row = catalog::USER_LOGIN_MFA;
    let mut request = sample(row, "ok");
    let proof = json!({ "mfa_token": body(&refused)["mfa_token"], "code": code(calls, users).await });
    request["body"] = proof.to_string().into();
    let handler = async |call| user_login_mfa::handle(users, factors, (codes, cookie), call).await;
    calls.call(row, request, handler).await;
    let row = catalog::TOTP_REMOVE;
    let request = sample(row, &format!("set /body/code = {}", code(calls, users).await));
    let (logins, revoking) = ((own, factors), (&p.revocations(), policy));
    calls.call(row, request, async |call| totp_remove::handle(users, logins, revoking, call).await).await;
}

async fn clients(calls: &mut Calls<'_>, users: &Users) {
    let p = &calls.fixture.platform;
    let (tokens, sources, revocations) = (&p.tokens(), &p.request_sources(), &p.revocations());
    let sealer = &p.sealer();
    let row = catalog::CLIENT_CREATE;
    let handler = async |call| client_create::handle(users, tokens, sealer, call).await;
    let client = calls.call(row, sample(row, "ok"), handler).await["id"].clone();
    let row = catalog::CLIENT_SECRET_ROTATE;
    let handler = async |call| client_secret_rotate::handle(users, tokens, sealer, call).await;
    let secret = calls.call(row, about(row, &client), handler).await["secret"].clone();
    let (row, throttled) = (catalog::TOKEN_ISSUE, &LoginThrottle::new(users, tokens, sources));
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let mut request = sample(row, "ok");
    let form = format!("grant_type=client_credentials&client_id={}&client_secret={}", text(&client), text(&secret));
    request["body"] = form.into();
    calls.call(row, request, async |call| token_issue::handle(throttled, tokens, call).await).await;
    let row = catalog::CLIENT_DELETE;
    let handler = async |call| client_delete::handle(users, revocations, call).await;
    calls.call(row, about(row, &client), handler).await;
}

/// What ends or changes the accounts of others, and last the customer's.
async fn administration(calls: &mut Calls<'_>, users: &Users, (other, colleague): (&Value, &Value)) {
    let p = &calls.fixture.platform;
    let (passwords, sources, revocations) = (&p.passwords(), &p.request_sources(), &p.revocations());
    let row = catalog::USER_ROLE_UPDATE;
    let handler = async |call| user_role_update::handle(users, revocations, call).await;
    calls.call(row, about(row, other), handler).await;
    let row = catalog::USER_STATUS_UPDATE;
    let handler = async |call| user_status_update::handle(users, revocations, call).await;
    calls.call(row, about(row, colleague), handler).await;
    let row = catalog::USER_DELETE;
    let mut request = about(row, other);
    request["requestContext"]["authorizer"]["lambda"]["sub"] = other.clone();
    calls.call(row, request, async |call| user_delete::handle(users, revocations, call).await).await;
    let (row, own) = (catalog::USER_ERASE, &LoginThrottle::new(users, passwords, sources));
    calls.call(row, sample(row, "ok"), async |call| user_erase::handle(users, own, revocations, call).await).await;
}
