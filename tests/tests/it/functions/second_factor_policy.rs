//! Roles that need a second factor: what a session does without one.

use super::{
    USER,
    browser_sessions::refresh_under,
    clock, sample,
    second_factors::{AS_ADMIN, accepted, body, code, platform, refused, remove_under, route, unprotected},
    sessions::{self, SESSION, TOKEN},
};
use catalog::{TOKEN_REFRESH, TOTP_REMOVE};
use domain::{id::SessionId, second_factor::MfaPolicy, user::Role};
use edge::http::respond;
use kernel::Uuid;
use ports::Revocations as _;
use testkit::Platform;

/// A session of the user of the samples, beside the one of the samples.
const ELSEWHERE: SessionId = SessionId(Uuid::from_u128(0x0192_f0c1_0000_7000_8000_0000_0000_005f));

fn needed(roles: &str) -> MfaPolicy {
    MfaPolicy::parse(roles).expect("valid")
}

/// Status and problem of a refresh with this token.
async fn try_to_refresh(platform: &Platform, policy: &MfaPolicy, token: &str) -> (i64, String) {
    let event = sample(TOKEN_REFRESH, &format!(r#"set /body/refresh_token = "{token}""#));
    let handler = async |call| refresh_under(platform, policy, call).await;
    let response = respond(&route(TOKEN_REFRESH), event, &clock(), &handler).await;
    let problem = body(&response)["type"].as_str().unwrap_or_default().replace("/problems/", "");
    (response["statusCode"].as_i64().expect("a status"), problem)
}

#[tokio::test]
async fn session_without_the_second_factor_that_its_role_needs_ends_at_its_refresh() {
    for (role, policy, goes_on) in
        [(Role::Staff, "", true), (Role::Customer, "staff,admin", true), (Role::Staff, "staff,admin", false)]
    {
        let platform = unprotected(role);
        sessions::begin(&platform, SESSION, TOKEN).await;
        let outcome = try_to_refresh(&platform, &needed(policy), TOKEN).await;
        let expected = if goes_on { accepted() } else { refused(401, "invalid-refresh-token") };
        assert_eq!(outcome, expected, "{role:?} under {policy:?}");
        assert_eq!(platform.users().sessions(USER).len(), usize::from(goes_on));
        assert_eq!(platform.revocations().is_revoked(SESSION).await, !goes_on);
    }
    let (platform, _) = platform().await;
    sessions::begin(&platform, SESSION, TOKEN).await;
    assert_eq!(try_to_refresh(&platform, &needed("customer"), TOKEN).await, accepted());
}

#[tokio::test]
async fn removed_second_factor_that_is_needed_ends_the_other_sessions_or_all_by_an_admin() {
    for (policy, as_admin, left) in [("customer", false, 1), ("customer", true, 0), ("staff,admin", true, 2)] {
        let (platform, _) = platform().await;
        sessions::begin(&platform, SESSION, TOKEN).await;
        sessions::begin(&platform, ELSEWHERE, "another-token").await;
        let case = match as_admin {
            true => format!("remove /body; {AS_ADMIN}"),
            false => format!(r#"set /body/code = "{}""#, code(&platform, 0).await),
        };
        let handler = async |call| remove_under(&platform, &needed(policy), call).await;
        let response = respond(&route(TOTP_REMOVE), sample(TOTP_REMOVE, &case), &clock(), &handler).await;
        assert_eq!(response["statusCode"], 204, "{response}");
        assert_eq!(platform.users().sessions(USER).len(), left, "{policy} {as_admin}");
        let revocations = platform.revocations();
        let revoked = [revocations.is_revoked(SESSION).await, revocations.is_revoked(ELSEWHERE).await];
        assert_eq!(revoked, [left == 0, left < 2], "{policy} {as_admin}");
        let refreshed = try_to_refresh(&platform, &needed(policy), TOKEN).await;
        let expected = if left == 2 { accepted() } else { refused(401, "invalid-refresh-token") };
        assert_eq!(refreshed, expected, "without a second factor no session goes on");
    }
}
