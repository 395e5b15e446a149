//! Second factors: set up, used at logins, and removed.

use super::{USER, browser_sessions::refresh_cookie, clock, customer, http::assert_responses, sample, sample_time};
use adapters::{Wiring, config::Config};
use api::{RecoveryCodesView, TokenView, TotpView};
use catalog::{Function, RECOVERY_CODE_RENEW, TOTP_BEGIN, TOTP_CONFIRM, TOTP_REMOVE, USER_LOGIN, USER_LOGIN_MFA};
use domain::{
    login_throttle,
    second_factor::{BeginTotp, ConfirmTotp, FinishLogin, LOGIN_S, MAX_ATTEMPTS, MfaPolicy, RemoveTotp},
    user::{Role, User},
};
use edge::{
    Clock,
    http::{Call, Reply, Route, respond},
};
use kernel::{Failure, Timestamp};
use ports::{FactorCodes as _, FactorStore as _, TokenVerifier as _};
use serde_json::{Value, json};
use services::LoginThrottle;
use testkit::{Dependency, Platform};

const PASSWORD: &str = "correct horse battery";
pub(super) const AS_ADMIN: &str = r#"set /requestContext/authorizer/lambda/role = "admin"; set /requestContext/authorizer/lambda/sub = "0192f0c1-0000-7000-8000-0000000000ff""#;

pub(crate) async fn begin(platform: &Platform, call: Call<BeginTotp>) -> Result<Reply<TotpView>, Failure> {
    let (users, passwords, sources) = (&platform.users(), &platform.passwords(), &platform.request_sources());
    totp_begin::handle(users, &LoginThrottle::new(users, passwords, sources), &platform.tokens(), call).await
}

pub(crate) async fn remove(platform: &Platform, call: Call<Option<RemoveTotp>>) -> Result<Reply<()>, Failure> {
    remove_under(platform, &MfaPolicy::default(), call).await
}

pub(super) async fn remove_under(
    platform: &Platform,
    policy: &MfaPolicy,
    call: Call<Option<RemoveTotp>>,
) -> Result<Reply<()>, Failure> {
    let (users, passwords, sources) = (&platform.users(), &platform.passwords(), &platform.request_sources());
    let (passwords, codes) = (&LoginThrottle::new(users, passwords, sources), &platform.tokens());
    let factors = &LoginThrottle::new(users, codes, sources);
    totp_remove::handle(users, (passwords, factors), (&platform.revocations(), policy), call).await
}

pub(crate) async fn finish(platform: &Platform, call: Call<FinishLogin>) -> Result<Reply<TokenView>, Failure> {
    let (users, codes, sources) = (&platform.users(), &platform.tokens(), &platform.request_sources());
    let factors = &LoginThrottle::new(users, codes, sources);
    user_login_mfa::handle(users, factors, (codes, &refresh_cookie()), call).await
}

pub(crate) async fn renew(platform: &Platform, call: Call<ConfirmTotp>) -> Result<Reply<RecoveryCodesView>, Failure> {
    let (users, codes, sources) = (&platform.users(), &platform.tokens(), &platform.request_sources());
    recovery_code_renew::handle(users, &LoginThrottle::new(users, codes, sources), codes, call).await
}

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(sample_time().as_second() + seconds).expect("a time")
}

pub(super) fn route(function: &'static Function) -> Route {
    Wiring::new(function, Config::from_vars([])).route().expect("a route")
}

pub(super) fn body(response: &Value) -> Value {
    serde_json::from_str(response["body"].as_str().unwrap_or("null")).expect("JSON")
}

pub(super) fn unprotected(role: Role) -> Platform {
    let platform = Platform::new();
    platform.users().put(&User { role, ..customer() }, PASSWORD);
    platform
}

/// Begins a second factor of the customer, and returns its encrypted secret.
async fn begun(platform: &Platform) -> String {
    let users = platform.users();
    let (_, sealed) = platform.tokens().totp_secret(USER).await.expect("a secret");
    let proven = users.credentials(USER).expect("an account").password_hash;
    users.begin_totp(USER, &proven, &sealed, sample_time()).await.expect("stored");
    sealed
}

/// The platform with the customer of the samples, whose second factor is active, with the recovery codes. The code of a minute ago is used.
pub(super) async fn platform() -> (Platform, Vec<String>) {
    let platform = unprotected(Role::Customer);
    let sealed = begun(&platform).await;
    let codes: Vec<_> = (0..2).map(|_| platform.tokens().recovery_code().expect("a code")).collect();
    let digests: Vec<String> = codes.iter().map(|(_, digest)| digest.clone()).collect();
    platform.users().activate_totp(USER, &sealed, at(-60).as_second() / 30, &digests).await.expect("stored");
    (platform, codes.into_iter().map(|(code, _)| code.text()).collect())
}

/// The code of the customer's device, `seconds` after the time of the samples.
pub(super) async fn code(platform: &Platform, seconds: i64) -> String {
    let totp = platform.users().totp(USER).await.expect("a response").expect("a second factor");
    platform.tokens().code_at(&totp.sealed, at(seconds))
}

/// The response to the right password.
async fn log_in(platform: &Platform, policy: &MfaPolicy) -> Value {
    let (users, passwords, sources) = (&platform.users(), &platform.passwords(), &platform.request_sources());
    let passwords = &LoginThrottle::new(users, passwords, sources);
    let (tokens, cookie) = (&platform.tokens(), &refresh_cookie());
    let handler = async |call| user_login::handle(users, (passwords, policy), (tokens, cookie), call).await;
    respond(&route(USER_LOGIN), sample(USER_LOGIN, "ok"), &clock(), &handler).await
}

/// The token of a login that is to be finished.
pub(super) async fn mfa_token(platform: &Platform) -> String {
    let response = log_in(platform, &MfaPolicy::default()).await;
    let problem = body(&response);
    assert_eq!((&response["statusCode"], &problem["type"]), (&json!(401), &json!("/problems/mfa-required")));
    problem["mfa_token"].as_str().expect("a token").to_owned()
}

/// Status and problem of finishing a login, `seconds` after the time of the samples.
async fn try_to_finish(platform: &Platform, token: &str, proof: (&str, &str), seconds: i64) -> (i64, String) {
    let mut event = sample(USER_LOGIN_MFA, "ok");
    event["body"] = json!({ "mfa_token": token, (proof.0): proof.1 }).to_string().into();
    let handler = async |call| finish(platform, call).await;
    let response = respond(&route(USER_LOGIN_MFA), event, &Clock::at(at(seconds), 7), &handler).await;
    let problem = body(&response)["type"].as_str().unwrap_or_default().replace("/problems/", "");
    (response["statusCode"].as_i64().expect("a status"), problem)
}

pub(super) fn refused(status: i64, problem: &str) -> (i64, String) {
    (status, problem.to_owned())
}

pub(super) fn accepted() -> (i64, String) {
    refused(200, "")
}

#[tokio::test]
async fn totp_begin_shows_a_secret_that_has_no_effect_yet() {
    let expected = [
        ("bad_wrong_password", 422, "validation", "/current_password"),
        (r#"set /pathParameters/id = "0192f0c1-0000-7000-8000-0000000000ff""#, 404, "not-found", ""),
        (r#"set /requestContext/authorizer/lambda/role = "service""#, 403, "forbidden", ""),
        (r#"set /requestContext/authorizer/lambda/role = "mfa_enrolment""#, 200, "", ""),
        ("ok", 200, "", ""),
    ];
    let platform = unprotected(Role::Customer);
    assert_responses(TOTP_BEGIN, &expected, async |_, call| {
        let reply = begin(&platform, call).await?;
        let shown: Value = serde_json::from_str(&reply.to_stored()?.body).expect("JSON");
        let secret = shown["secret"].as_str().expect("a secret");
        let uri = format!("otpauth://totp/Quayside:ada%40example.com?secret={secret}&issuer=Quayside&algorithm=SHA1&digits=6&period=30");
        assert_eq!(shown["otpauth_uri"], uri);
        Ok(reply)
    })
    .await;
    assert_eq!(log_in(&platform, &MfaPolicy::default()).await["statusCode"], 200);
}

#[tokio::test]
async fn totp_confirm_activates_with_a_code_and_shows_ten_recovery_codes() {
    let platform = unprotected(Role::Customer);
    let confirm = async |case: &str| {
        let handler = async |call| totp_confirm::handle(&platform.users(), &platform.tokens(), call).await;
        respond(&route(TOTP_CONFIRM), sample(TOTP_CONFIRM, case), &clock(), &handler).await
    };
    assert_eq!(confirm("ok").await["statusCode"], 404);
    begun(&platform).await;
    assert_eq!(body(&confirm("bad_short_code").await)["errors"][0]["pointer"], "/code");
    let right = code(&platform, 0).await;
    let wrong = if right == "123456" { "654321" } else { "123456" };
    assert_eq!(confirm(&format!(r#"set /body/code = "{wrong}""#)).await["statusCode"], 422);
    let activated = confirm(&format!(r#"set /body/code = "{right}""#)).await;
    assert_eq!(activated["statusCode"], 200, "{activated}");
    let codes = body(&activated)["recovery_codes"].as_array().expect("codes").clone();
    assert_eq!(codes.iter().collect::<std::collections::HashSet<_>>().len(), 10);
    let again = confirm(&format!(r#"set /body/code = "{right}""#)).await;
    assert_eq!(body(&again)["type"], "/problems/totp-active");
    let token = mfa_token(&platform).await;
    assert_eq!(try_to_finish(&platform, &token, ("code", &right), 0).await, refused(401, "wrong-code"), "it was used");
    let recovery = codes[0].as_str().expect("a code");
    assert_eq!(try_to_finish(&platform, &token, ("recovery_code", recovery), 0).await, accepted());
}

#[tokio::test]
async fn login_with_a_second_factor_begins_no_session_before_the_code() {
    let (platform, _) = platform().await;
    let token = mfa_token(&platform).await;
    assert_eq!(platform.users().sessions(USER), []);
    let right = code(&platform, 0).await;
    assert_eq!(try_to_finish(&platform, "another", ("code", &right), 0).await, refused(401, "invalid-mfa-token"));
    assert_eq!(try_to_finish(&platform, &token, ("code", &right), 0).await, accepted());
    assert_eq!(platform.users().sessions(USER).len(), 1);
    assert_eq!(try_to_finish(&platform, &token, ("code", &right), 0).await, refused(401, "invalid-mfa-token"));
}

#[tokio::test]
async fn code_finishes_one_login_and_so_does_a_recovery_code() {
    let (platform, recovery) = platform().await;
    let right = code(&platform, 0).await;
    let next = async || mfa_token(&platform).await;
    assert_eq!(try_to_finish(&platform, &next().await, ("code", &right), 0).await, accepted());
    assert_eq!(try_to_finish(&platform, &next().await, ("code", &right), 0).await, refused(401, "wrong-code"));
    let proof = ("recovery_code", recovery[0].as_str());
    assert_eq!(try_to_finish(&platform, &next().await, proof, 0).await, accepted());
    assert_eq!(try_to_finish(&platform, &next().await, proof, 0).await, refused(401, "wrong-code"));
    let lower = recovery[1].to_lowercase();
    assert_eq!(try_to_finish(&platform, &next().await, ("recovery_code", &lower), 0).await, accepted());
}

#[tokio::test]
async fn login_uses_up_nothing_while_the_signing_keys_cannot_be_read() {
    let (platform, recovery) = platform().await;
    let token = mfa_token(&platform).await;
    let right = code(&platform, 0).await;
    let proofs = [("code", right.as_str()), ("recovery_code", recovery[0].as_str())];
    platform.faults().take_down(Dependency::Keys);
    for attempt in 0..=MAX_ATTEMPTS.max(login_throttle::FREE_FAILURES) {
        assert_eq!(log_in(&platform, &MfaPolicy::default()).await["statusCode"], 503, "{attempt}");
        for proof in proofs {
            assert_eq!(try_to_finish(&platform, &token, proof, 0).await, refused(503, "unavailable"), "{attempt}");
        }
    }
    platform.faults().restore(Dependency::Keys);
    assert_eq!(try_to_finish(&platform, &token, proofs[0], 0).await, accepted());
    assert_eq!(try_to_finish(&platform, &mfa_token(&platform).await, proofs[1], 0).await, accepted());
}

#[tokio::test]
async fn recovery_code_renew_replaces_all_codes_for_a_code_of_the_device() {
    let (platform, old) = platform().await;
    let right = code(&platform, 0).await;
    let wrong = if right == "123456" { "654321" } else { "123456" };
    let send = async |case: &str| {
        let handler = async |call| renew(&platform, call).await;
        respond(&route(RECOVERY_CODE_RENEW), sample(RECOVERY_CODE_RENEW, case), &clock(), &handler).await
    };
    for (case, status, pointer) in [
        ("bad_short_code".to_owned(), 422, "/code"),
        (format!(r#"set /body/code = "{wrong}""#), 422, "/code"),
        (format!(r#"set /body/code = "{right}"; {AS_ADMIN}"#), 404, ""),
        (format!(r#"set /body/code = "{right}"; remove /requestContext/authorizer"#), 401, ""),
    ] {
        let response = send(&case).await;
        assert_eq!(response["statusCode"], status, "{case}: {response}");
        assert_eq!(body(&response)["errors"][0]["pointer"].as_str().unwrap_or_default(), pointer, "{case}");
    }
    let renewed = send(&format!(r#"set /body/code = "{right}""#)).await;
    assert_eq!(renewed["statusCode"], 200, "{renewed}");
    let new: Vec<String> = serde_json::from_value(body(&renewed)["recovery_codes"].clone()).expect("codes");
    assert_eq!(new.iter().collect::<std::collections::HashSet<_>>().len(), 10);
    assert_eq!(send(&format!(r#"set /body/code = "{right}""#)).await["statusCode"], 422, "it was used");
    let finish = async |recovery: &str| {
        try_to_finish(&platform, &mfa_token(&platform).await, ("recovery_code", recovery), 0).await
    };
    assert_eq!(finish(&old[0]).await, refused(401, "wrong-code"));
    assert_eq!(finish(&new[0]).await, accepted());
}

#[tokio::test]
async fn guesses_of_codes_are_delayed_when_recovery_codes_are_renewed() {
    let (platform, _) = platform().await;
    let right = code(&platform, 0).await;
    let wrong = if right == "123456" { "654321" } else { "123456" };
    let send = async |code: &str| {
        let event = sample(RECOVERY_CODE_RENEW, &format!(r#"set /body/code = "{code}""#));
        let handler = async |call| renew(&platform, call).await;
        respond(&route(RECOVERY_CODE_RENEW), event, &clock(), &handler).await["statusCode"].clone()
    };
    for _ in 0..login_throttle::FREE_FAILURES {
        assert_eq!(send(wrong).await, 422);
    }
    assert_eq!(send(&right).await, 429);
}

#[tokio::test]
async fn guesses_of_codes_are_delayed_when_a_second_factor_is_removed() {
    let (platform, _) = platform().await;
    let right = code(&platform, 0).await;
    let wrong = if right == "123456" { "654321" } else { "123456" };
    let send = async |code: &str| {
        let event = sample(TOTP_REMOVE, &format!(r#"set /body/code = "{code}""#));
        let handler = async |call| remove(&platform, call).await;
        respond(&route(TOTP_REMOVE), event, &clock(), &handler).await["statusCode"].clone()
    };
    for _ in 0..login_throttle::FREE_FAILURES {
        assert_eq!(send(wrong).await, 422);
    }
    assert_eq!(send(&right).await, 429);
}

#[tokio::test]
async fn token_of_a_login_expires_and_is_tried_five_times() {
    let (platform, _) = platform().await;
    let token = mfa_token(&platform).await;
    let late = code(&platform, LOGIN_S).await;
    assert_eq!(try_to_finish(&platform, &token, ("code", &late), LOGIN_S).await, refused(401, "invalid-mfa-token"));
    let right = code(&platform, 0).await;
    let wrong = if right == "123456" { "654321" } else { "123456" };
    for _ in 0..MAX_ATTEMPTS {
        assert_eq!(try_to_finish(&platform, &token, ("code", wrong), 0).await, refused(401, "wrong-code"));
    }
    assert_eq!(try_to_finish(&platform, &token, ("code", &right), 0).await, refused(401, "invalid-mfa-token"));
}

#[tokio::test]
async fn guesses_of_codes_are_delayed_across_logins() {
    let (platform, _) = platform().await;
    let right = code(&platform, 0).await;
    let wrong = if right == "123456" { "654321" } else { "123456" };
    for _ in 0..login_throttle::FREE_FAILURES {
        let token = mfa_token(&platform).await;
        assert_eq!(try_to_finish(&platform, &token, ("code", wrong), 0).await, refused(401, "wrong-code"));
    }
    let token = mfa_token(&platform).await;
    assert_eq!(try_to_finish(&platform, &token, ("code", &right), 0).await, refused(429, "too-many-logins"));
}

#[tokio::test]
async fn required_second_factor_admits_to_its_set_up_alone() {
    let platform = unprotected(Role::Staff);
    let policy = MfaPolicy::parse("staff,admin").expect("valid");
    let response = log_in(&platform, &policy).await;
    let problem = body(&response);
    assert_eq!((&response["statusCode"], &problem["type"]), (&json!(401), &json!("/problems/mfa-enrolment-required")));
    let token = problem["enrolment_token"].as_str().expect("a token");
    let claims = platform.tokens().verify(token, sample_time()).await.expect("a response").expect("valid");
    assert_eq!((claims.user_id, claims.role), (USER, Role::MfaEnrolment));
    assert_eq!(platform.tokens().verify(token, at(600)).await, Ok(None));
    assert_eq!(platform.users().sessions(USER), []);
    let customer = unprotected(Role::Customer);
    assert_eq!(log_in(&customer, &policy).await["statusCode"], 200);
}

#[tokio::test]
async fn totp_remove_needs_password_and_code_or_an_admin() {
    let (platform, _) = platform().await;
    let right = code(&platform, 0).await;
    let wrong = if right == "123456" { "654321" } else { "123456" };
    let send = async |case: &str| {
        let handler = async |call| remove(&platform, call).await;
        respond(&route(TOTP_REMOVE), sample(TOTP_REMOVE, case), &clock(), &handler).await
    };
    for (case, status, pointer) in [
        ("bad_short_code".to_owned(), 422, "/code"),
        ("remove /body".to_owned(), 422, "/current_password"),
        (format!(r#"set /body/current_password = "wrong"; set /body/code = "{right}""#), 422, "/current_password"),
        (format!(r#"set /body/code = "{wrong}""#), 422, "/code"),
        (r#"set /pathParameters/id = "0192f0c1-0000-7000-8000-0000000000fe""#.to_owned(), 404, ""),
        (format!(r#"set /body/code = "{right}""#), 204, ""),
    ] {
        let response = send(&case).await;
        assert_eq!(response["statusCode"], status, "{case}: {response}");
        assert_eq!(body(&response)["errors"][0]["pointer"].as_str().unwrap_or_default(), pointer, "{case}");
    }
    assert_eq!(log_in(&platform, &MfaPolicy::default()).await["statusCode"], 200);
    let as_admin = format!("remove /body; {AS_ADMIN}");
    assert_eq!(send(&as_admin).await["statusCode"], 404);
    begun(&platform).await;
    assert_eq!(send(&as_admin).await["statusCode"], 204);
    let by: Vec<Value> =
        platform.bus().published().iter().map(|event| json!(event.event)["data"]["removed_by"].clone()).collect();
    assert_eq!(by, [json!(USER), json!("0192f0c1-0000-7000-8000-0000000000ff")]);
}
