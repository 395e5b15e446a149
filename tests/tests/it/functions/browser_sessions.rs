//! Sessions by cookie, for browsers: who may use the cookie, and what it does beside a token in the body.

use super::{
    USER, clock,
    passwords::log_in,
    sample, second_factors,
    sessions::{TOKEN, authorized, platform},
};
use adapters::{Wiring, config::Config};
use api::TokenView;
use catalog::{Function, TOKEN_REFRESH, USER_LOGIN, USER_LOGIN_MFA, USER_LOGOUT};
use domain::{second_factor::MfaPolicy, session::Refresh};
use edge::http::{Call, CredentialCookie, NoBody, Reply, respond};
use kernel::Failure;
use serde_json::{Value, json};
use testkit::Platform;

const SCRIPT: (&str, &str) = ("x-requested-with", "fetch");
const SHOP: (&str, &str) = ("origin", "https://shop.example.com");
const REMOVED: &str = "__Host-refresh_token=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict";

/// The cookie of an environment whose pages are at two origins.
pub(crate) fn refresh_cookie() -> CredentialCookie {
    let variables = [("API_URL", "https://api.example.com"), ("CORS_ORIGINS", "https://shop.example.com")];
    Config::from_vars(variables).refresh_cookie().expect("a cookie")
}

pub(crate) async fn refresh(platform: &Platform, call: Call<Option<Refresh>>) -> Result<Reply<TokenView>, Failure> {
    refresh_under(platform, &MfaPolicy::default(), call).await
}

pub(super) async fn refresh_under(
    platform: &Platform,
    policy: &MfaPolicy,
    call: Call<Option<Refresh>>,
) -> Result<Reply<TokenView>, Failure> {
    let (users, tokens, revocations) = (&platform.users(), &platform.tokens(), &platform.revocations());
    token_refresh::handle(users, (tokens, &refresh_cookie()), (revocations, policy), call).await
}

pub(crate) async fn log_out(platform: &Platform, call: Call<NoBody>) -> Result<Reply<()>, Failure> {
    let (users, tokens, revocations) = (&platform.users(), &platform.tokens(), &platform.revocations());
    user_logout::handle(users, (tokens, &refresh_cookie()), revocations, call).await
}

/// A sample request of a function with further headers and cookies, and with this body, if any.
fn request(function: &Function, headers: &[(&str, &str)], cookies: &[&str], body: Option<Value>) -> Value {
    let mut event = sample(function, "ok");
    for (name, value) in headers {
        event["headers"][name] = (*value).into();
    }
    event["cookies"] = cookies.iter().map(|value| format!("__Host-refresh_token={value}")).collect();
    event["body"] = body.map(|body| body.to_string()).into();
    event
}

/// Response to a request.
#[derive(Debug, PartialEq)]
struct Outcome {
    status: u64,
    problem: String,
    /// Whether the body has a refresh token.
    shows_token: bool,
    cookies: Vec<String>,
}

impl Outcome {
    fn refused(status: u64, problem: &str, cookies: &[&str]) -> Self {
        let cookies = cookies.iter().map(|cookie| (*cookie).to_owned()).collect();
        Self { status, problem: problem.to_owned(), shows_token: false, cookies }
    }

    /// The refresh token in the only cookie, which has the attributes that keep it from scripts and other sites.
    #[track_caller]
    fn token(&self) -> String {
        assert_eq!((self.status, self.shows_token), (200, false), "{self:?}");
        let [cookie] = self.cookies.as_slice() else { panic!("{:?}", self.cookies) };
        let (token, attributes) = cookie.split_once("; ").expect("attributes");
        assert_eq!(attributes, "Max-Age=2592000; Path=/; Secure; HttpOnly; SameSite=Strict");
        token.strip_prefix("__Host-refresh_token=").expect("the name").to_owned()
    }
}

fn outcome(response: &Value) -> Outcome {
    let body: Value = serde_json::from_str(response["body"].as_str().unwrap_or("null")).expect("JSON");
    Outcome {
        status: response["statusCode"].as_u64().expect("a status"),
        problem: body["type"].as_str().unwrap_or_default().replace("/problems/", ""),
        shows_token: !body["refresh_token"].is_null(),
        cookies: serde_json::from_value(response["cookies"].clone()).expect("cookies"),
    }
}

async fn send_login(platform: &Platform, query: &str, headers: &[(&str, &str)]) -> Outcome {
    let body: Value = serde_json::from_str(sample(USER_LOGIN, "ok")["body"].as_str().expect("text")).expect("JSON");
    let mut event = request(USER_LOGIN, headers, &[], Some(body));
    event["rawQueryString"] = query.into();
    let handler = async |call| log_in(platform, call).await;
    outcome(&respond(&route(USER_LOGIN), event, &clock(), &handler).await)
}

async fn send_refresh(platform: &Platform, headers: &[(&str, &str)], cookies: &[&str], token: Option<&str>) -> Outcome {
    let event = request(TOKEN_REFRESH, headers, cookies, token.map(|token| json!({ "refresh_token": token })));
    let handler = async |call| refresh(platform, call).await;
    outcome(&respond(&route(TOKEN_REFRESH), event, &clock(), &handler).await)
}

fn route(function: &'static Function) -> edge::http::Route {
    Wiring::new(function, Config::from_vars([])).route().expect("a route")
}

#[tokio::test]
async fn login_puts_the_refresh_token_into_a_cookie_when_asked() {
    let platform = platform().await;
    let shown = send_login(&platform, "", &[]).await;
    assert_eq!((shown.status, shown.shows_token, shown.cookies.len()), (200, true, 0));
    assert!(send_login(&platform, "session=body", &[]).await.shows_token);
    let token = send_login(&platform, "session=cookie", &[SCRIPT, SHOP]).await.token();
    assert_eq!(send_login(&platform, "session=url", &[SCRIPT]).await, Outcome::refused(422, "validation", &[]));
    send_refresh(&platform, &[SCRIPT, SHOP], &[&token], None).await.token();
}

#[tokio::test]
async fn login_by_cookie_from_another_site_begins_no_session() {
    let platform = platform().await;
    for headers in [&[][..], &[SHOP], &[SCRIPT, ("origin", "https://evil.example")], &[SCRIPT, ("origin", "null")]] {
        let refused = send_login(&platform, "session=cookie", headers).await;
        assert_eq!(refused, Outcome::refused(403, "cross-site-request", &[]), "{headers:?}");
    }
    assert_eq!(platform.users().sessions(USER).len(), 1, "the earlier one");
}

#[tokio::test]
async fn login_with_a_second_factor_ends_in_a_cookie_when_asked() {
    let (platform, recovery) = second_factors::platform().await;
    let finish = async |headers: &[(&str, &str)], code: &str| {
        let proof = json!({ "mfa_token": second_factors::mfa_token(&platform).await, "recovery_code": code });
        let mut event = request(USER_LOGIN_MFA, headers, &[], Some(proof));
        event["rawQueryString"] = "session=cookie".into();
        let handler = async |call| second_factors::finish(&platform, call).await;
        outcome(&respond(&route(USER_LOGIN_MFA), event, &clock(), &handler).await)
    };
    assert_eq!(finish(&[SHOP], &recovery[0]).await, Outcome::refused(403, "cross-site-request", &[]));
    let token = finish(&[SCRIPT, SHOP], &recovery[0]).await.token();
    send_refresh(&platform, &[SCRIPT], &[&token], None).await.token();
}

#[tokio::test]
async fn refresh_takes_the_token_of_the_body_or_of_the_cookie() {
    let platform = platform().await;
    let in_body = send_refresh(&platform, &[], &[], Some(TOKEN)).await;
    assert_eq!((in_body.status, in_body.shows_token, in_body.cookies.len()), (200, true, 0));
    let none = send_refresh(&platform, &[SCRIPT], &[], None).await;
    assert_eq!(none, Outcome::refused(401, "invalid-refresh-token", &[]));

    let platform = self::platform().await;
    let both = send_refresh(&platform, &[], &["of-another-session"], Some(TOKEN)).await;
    assert_eq!((both.status, both.shows_token, both.cookies.len()), (200, true, 0), "the body is what somebody chose");

    let platform = self::platform().await;
    let next = send_refresh(&platform, &[SCRIPT, SHOP], &[TOKEN], None).await.token();
    let own = ("origin", "https://api.example.com");
    let after = send_refresh(&platform, &[SCRIPT, own], &[&next], None).await.token();
    assert!(next != TOKEN && after != next);
}

#[tokio::test]
async fn refresh_by_cookie_from_another_site_changes_nothing() {
    let platform = platform().await;
    let before = platform.users().sessions(USER);
    for headers in [
        &[][..],
        &[SHOP],
        &[("x-requested-with", ""), SHOP],
        &[SCRIPT, ("origin", "https://evil.example")],
        &[SCRIPT, ("origin", "http://shop.example.com")],
        &[SCRIPT, ("origin", "https://shop.example.com.evil.example")],
        &[SCRIPT, ("origin", "null")],
    ] {
        let refused = send_refresh(&platform, headers, &[TOKEN], None).await;
        assert_eq!(refused, Outcome::refused(403, "cross-site-request", &[]), "{headers:?}");
    }
    assert_eq!(platform.users().sessions(USER), before);
}

#[tokio::test]
async fn old_cookie_ends_the_session_and_is_removed() {
    let platform = platform().await;
    let next = send_refresh(&platform, &[SCRIPT, SHOP], &[TOKEN], None).await.token();
    let refused = Outcome::refused(401, "invalid-refresh-token", &[REMOVED]);
    for token in [TOKEN, &next] {
        assert_eq!(send_refresh(&platform, &[SCRIPT, SHOP], &[token], None).await, refused, "{token}");
    }
    assert_eq!(platform.users().sessions(USER), []);
    assert_eq!(authorized(&platform).await, json!({}), "its access tokens are revoked");
}

#[tokio::test]
async fn malformed_cookies_are_refused_and_removed() {
    let platform = platform().await;
    let before = platform.users().sessions(USER);
    let (huge, refused) = ("x".repeat(8_000), Outcome::refused(401, "invalid-refresh-token", &[REMOVED]));
    for cookies in [&[""][..], &["not base64url!"], &["\u{e9}"], &[&huge], &[TOKEN, "of-another"], &[TOKEN, TOKEN]] {
        assert_eq!(send_refresh(&platform, &[SCRIPT, SHOP], cookies, None).await, refused, "{}", cookies.len());
    }
    assert_eq!(platform.users().sessions(USER), before);
}

/// The response to a logout with an access token of the samples, or without one.
async fn send_logout(platform: &Platform, is_known: bool, headers: &[(&str, &str)], cookies: &[&str]) -> Outcome {
    let mut event = request(USER_LOGOUT, headers, cookies, None);
    if !is_known {
        event["requestContext"]["authorizer"]["lambda"] = json!({});
    }
    let handler = async |call| log_out(platform, call).await;
    outcome(&respond(&route(USER_LOGOUT), event, &clock(), &handler).await)
}

#[tokio::test]
async fn logout_removes_the_cookie_if_there_is_one() {
    let platform = platform().await;
    for (cookies, removed) in [(&[TOKEN][..], &[REMOVED][..]), (&[], &[])] {
        assert_eq!(send_logout(&platform, true, &[], cookies).await, Outcome::refused(204, "", removed));
    }
    let later = send_refresh(&platform, &[SCRIPT, SHOP], &[TOKEN], None).await;
    assert_eq!(later, Outcome::refused(401, "invalid-refresh-token", &[REMOVED]));
}

#[tokio::test]
async fn logout_by_cookie_alone_ends_its_session_and_revokes_its_access_tokens() {
    let platform = platform().await;
    for _ in 0..2 {
        let done = send_logout(&platform, false, &[SCRIPT, SHOP], &[TOKEN]).await;
        assert_eq!(done, Outcome::refused(204, "", &[REMOVED]));
        assert_eq!(platform.users().sessions(USER), []);
        assert_eq!(authorized(&platform).await, json!({}));
    }
}

#[tokio::test]
async fn logout_by_cookie_from_another_site_ends_nothing() {
    let platform = platform().await;
    let before = platform.users().sessions(USER);
    for headers in [&[][..], &[SHOP], &[SCRIPT, ("origin", "https://evil.example")], &[SCRIPT, ("origin", "null")]] {
        let refused = send_logout(&platform, false, headers, &[TOKEN]).await;
        assert_eq!(refused, Outcome::refused(403, "cross-site-request", &[]), "{headers:?}");
    }
    assert_eq!(platform.users().sessions(USER), before);
}

#[tokio::test]
async fn logout_without_a_credential_is_refused_and_with_a_useless_one_changes_nothing() {
    let platform = platform().await;
    let before = platform.users().sessions(USER);
    assert_eq!(send_logout(&platform, false, &[SCRIPT], &[]).await, Outcome::refused(401, "unauthenticated", &[]));
    for cookies in [&["another"][..], &[""], &[TOKEN, TOKEN]] {
        let done = send_logout(&platform, false, &[SCRIPT], cookies).await;
        assert_eq!(done, Outcome::refused(204, "", &[REMOVED]), "{cookies:?}");
    }
    assert_eq!(platform.users().sessions(USER), before);
}
