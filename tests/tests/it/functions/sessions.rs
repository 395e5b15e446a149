//! Sessions: refreshing, listing and ending them, and the revocation of their access tokens.

use super::{
    USER, assert_all_samples_run,
    browser_sessions::{log_out, refresh},
    clock, customer,
    http::assert_responses,
    sample, sample_time,
    second_factors::route,
};
use catalog::{AUTHORIZER, REVOCATION_SWEEP, SESSION_END, SESSION_LIST, SESSION_REVOKE, TOKEN_REFRESH, USER_LOGOUT};
use domain::{id::SessionId, user::Role};
use edge::http::respond;
use kernel::Timestamp;
use ports::{
    Claims, LoginAttempt, LoginCounters, LoginName, RefreshToken, RefreshTokens as _, Revocations as _,
    SessionStore as _, Tokens as _, UserStore as _,
};
use serde_json::{Value, json};
use testkit::{Dependency, FaultPoint, Occurrence, Platform};

/// The session in the samples.
pub(crate) const SESSION: SessionId = SessionId(kernel::Uuid::from_u128(0x0192_f0c1_0000_7000_8000_0000_0000_005e));
/// The refresh token in the samples.
pub(crate) const TOKEN: &str = "a-token-that-the-test-stores";

fn later(seconds: i64) -> Timestamp {
    Timestamp::from_second(sample_time().as_second() + seconds).expect("a time")
}

/// The platform with the customer of the samples, who has one session.
pub(super) async fn platform() -> Platform {
    let platform = Platform::new();
    platform.users().put(&customer(), "correct horse battery");
    begin(&platform, SESSION, TOKEN).await;
    platform
}

/// Begins a session of the customer with this refresh token.
pub(crate) async fn begin(platform: &Platform, session: SessionId, token: &str) {
    let digest = platform.tokens().digest(token);
    let token = RefreshToken { digest, issued_at: later(-60), expires_at: later(600) };
    let counters = LoginCounters { name_and_source: "one".to_owned(), source: "two".to_owned() };
    let login = LoginName::Id(USER);
    let LoginAttempt::Granted(Some(found)) =
        platform.users().reserve_login(login, &counters, sample_time()).await.expect("the store responds")
    else {
        panic!("the customer may log in");
    };
    assert_eq!(platform.users().begin_session(session, &found, &counters, &token).await, Ok(true));
}

/// The context that the authorizer returns for an access token of the session.
pub(super) async fn authorized(platform: &Platform) -> Value {
    let claims = Claims {
        user_id: USER,
        session_id: SESSION,
        role: Role::Customer,
        issued_at: sample_time(),
        expires_at: later(60),
    };
    let mut event = sample(AUTHORIZER, "ok");
    event["headers"]["authorization"] =
        format!("Bearer {}", platform.tokens().issue(&claims).await.expect("a token")).into();
    let (tokens, revocations) = (platform.tokens(), platform.revocations());
    let handler = async |request| authorizer::handle(&tokens, &revocations, request).await;
    edge::authorizer::decide(event, &clock(), &handler).await.expect("a decision")["context"].clone()
}

#[tokio::test]
async fn token_refresh_rotates_the_token_and_its_reuse_ends_the_session() {
    let expected = [
        (r#"set /body/refresh_token = "another""#, 401, "invalid-refresh-token", ""),
        ("remove /body", 401, "invalid-refresh-token", ""),
        (r#"set /body = "{}""#, 422, "validation", "/refresh_token"),
        ("bad_unknown_field", 422, "validation", "/unknown"),
        ("ok", 200, "", ""),
        ("ok", 401, "invalid-refresh-token", ""),
        ("ok", 401, "invalid-refresh-token", ""),
    ];
    let platform = platform().await;
    assert_responses(TOKEN_REFRESH, &expected, async |_, call| refresh(&platform, call).await).await;
    assert_eq!(platform.users().sessions(USER), []);
    assert_eq!(authorized(&platform).await, json!({}));
}

#[tokio::test]
async fn refresh_leaves_the_token_valid_while_the_signing_keys_cannot_be_read() {
    let platform = platform().await;
    let send = async || {
        let handler = async |call| refresh(&platform, call).await;
        respond(&route(TOKEN_REFRESH), sample(TOKEN_REFRESH, "ok"), &clock(), &handler).await["statusCode"].clone()
    };
    platform.faults().take_down(Dependency::Keys);
    assert_eq!([send().await, send().await], [503, 503]);
    platform.faults().restore(Dependency::Keys);
    assert_eq!(send().await, 200);
}

#[tokio::test]
async fn user_logout_ends_the_session_of_the_token() {
    let expected = [("bad_no_session", 401, "unauthenticated", ""), ("ok", 204, "", ""), ("ok", 204, "", "")];
    let platform = platform().await;
    let known = json!({"sub": USER, "role": "customer", "sid": SESSION});
    assert_eq!(authorized(&platform).await, known);
    assert_responses(USER_LOGOUT, &expected, async |_, call| log_out(&platform, call).await).await;
    assert_eq!(platform.users().sessions(USER), []);
    assert_eq!(authorized(&platform).await, json!({}));
    platform.faults().take_down(Dependency::Cache);
    assert_eq!(authorized(&platform).await, known, "open without the revocations");
}

#[tokio::test]
async fn session_list_shows_the_callers_sessions_alone() {
    let expected = [
        ("ok", 200, "", ""),
        (r#"set /requestContext/authorizer/lambda/role = "admin""#, 200, "", ""),
        (r#"set /pathParameters/id = "0192f0c1-0000-7000-8000-0000000000ff""#, 404, "not-found", ""),
        (r#"set /rawQueryString = "cursor=x""#, 422, "validation", "?cursor"),
        ("bad_no_principal", 401, "unauthenticated", ""),
    ];
    let platform = platform().await;
    assert_responses(SESSION_LIST, &expected, async |case, call| {
        let reply = session_list::handle(&platform.users(), call).await?;
        let stored = serde_json::from_str::<Value>(reply.to_stored()?.body.as_str()).expect("JSON");
        assert_eq!(
            (&stored["items"][0]["id"], &stored["items"][0]["is_current"]),
            (&json!(SESSION), &json!(true)),
            "{case}"
        );
        Ok(reply)
    })
    .await;
}

#[tokio::test]
async fn session_end_ends_all_sessions_of_the_caller() {
    let expected = [
        (r#"set /pathParameters/id = "0192f0c1-0000-7000-8000-0000000000ff""#, 404, "not-found", ""),
        ("bad_no_principal", 401, "unauthenticated", ""),
        ("ok", 204, "", ""),
        ("ok", 204, "", ""),
    ];
    let platform = platform().await;
    assert_responses(SESSION_END, &expected, async |_, call| {
        session_end::handle(&platform.users(), &platform.revocations(), call).await
    })
    .await;
    assert_eq!(platform.users().sessions(USER), []);
    assert_eq!(authorized(&platform).await, json!({}));
}

#[tokio::test]
async fn session_revoke_ends_one_session_of_the_caller_and_no_other() {
    let another = SessionId(kernel::Uuid::from_u128(SESSION.0.as_u128() + 1));
    let by_somebody = r#"set /pathParameters/id = "0192f0c1-0000-7000-8000-0000000000ff"; set /requestContext/authorizer/lambda/sub = "0192f0c1-0000-7000-8000-0000000000ff""#;
    let expected = [
        (r#"set /pathParameters/id = "0192f0c1-0000-7000-8000-0000000000ff""#, 404, "not-found", ""),
        (r#"set /pathParameters/session_id = "0192f0c1-0000-7000-8000-0000000000ff""#, 404, "not-found", ""),
        (r#"set /pathParameters/session_id = "x""#, 404, "not-found", ""),
        (by_somebody, 404, "not-found", ""),
        ("bad_no_principal", 401, "unauthenticated", ""),
        ("ok", 204, "", ""),
        ("ok", 404, "not-found", ""),
    ];
    let platform = platform().await;
    begin(&platform, another, "the-token-of-another-browser").await;
    assert_responses(SESSION_REVOKE, &expected, async |case, call| {
        let reply = session_revoke::handle(&platform.users(), &platform.revocations(), call).await;
        assert_eq!(platform.revocations().is_revoked(SESSION).await, case == "ok", "{case}");
        reply
    })
    .await;
    assert_eq!(platform.users().sessions(USER).len(), 1, "the other session goes on");
    assert_eq!(authorized(&platform).await, json!({}));
    assert!(!platform.revocations().is_revoked(another).await);
}

/// What a run of revocation-sweep returns.
async fn sweep(platform: &Platform, case: &str) -> Value {
    let (users, revocations) = (platform.users(), platform.revocations());
    let handler = async |tick| revocation_sweep::handle(&users, &revocations, tick).await;
    edge::schedule::tick(REVOCATION_SWEEP.name, sample(REVOCATION_SWEEP, case), &clock(), &handler)
        .await
        .expect("a run")
}

#[tokio::test]
async fn revocation_sweep_repeats_what_was_lost() {
    assert_all_samples_run(REVOCATION_SWEEP, &["ok", "bad_not_a_schedule"]);
    let platform = platform().await;
    assert_eq!(sweep(&platform, "ok").await, json!({"revoked": 0}));
    let expected = [("ok", 204, "", ""), ("bad_no_principal", 401, "unauthenticated", "")];
    platform.faults().take_down(Dependency::Cache);
    assert_responses(SESSION_END, &expected, async |_, call| {
        session_end::handle(&platform.users(), &platform.revocations(), call).await
    })
    .await;
    platform.faults().restore(Dependency::Cache);
    let known = json!({"sub": USER, "role": "customer", "sid": SESSION});
    assert_eq!(authorized(&platform).await, known, "the revocation is lost");
    platform.faults().take_down(Dependency::Cache);
    assert_eq!(sweep(&platform, "ok").await, json!({"revoked": 0}));
    platform.faults().restore(Dependency::Cache);
    assert_eq!(sweep(&platform, "bad_not_a_schedule").await, json!({"revoked": 1}));
    assert_eq!(authorized(&platform).await, json!({}));
}

#[tokio::test]
async fn revocation_sweep_ends_with_the_first_revocations_that_are_lost() {
    let platform = platform().await;
    for number in 0..1_200 {
        begin(&platform, SessionId(kernel::Uuid::from_u128(number)), &format!("token {number}")).await;
    }
    assert_eq!(platform.users().end_sessions(USER).await.expect("ended").len(), 1_201);
    platform.faults().fail(Dependency::Cache, Occurrence::Nth(2), FaultPoint::Before);
    let before = platform.operation_count();
    assert_eq!(sweep(&platform, "ok").await, json!({"revoked": 500}));
    assert_eq!(platform.operation_count() - before, 2, "many at once, and none after those that are lost");
    platform.faults().restore(Dependency::Cache);
    assert_eq!(sweep(&platform, "ok").await, json!({"revoked": 1_201}));
}
