//! Accounts that admins and staff manage: roles, status, invitations and the search.

use super::{
    USER, customer,
    http::assert_responses,
    sessions::{SESSION, begin},
};
use catalog::{USER_INVITE, USER_ROLE_UPDATE, USER_SEARCH, USER_STATUS_UPDATE};
use domain::user::{AccountStatus, Role};
use ports::{AccountStore as _, Revocations as _};
use testkit::{Platform, build};

/// The platform with the customer of the samples, who has a session, and another one.
async fn platform() -> Platform {
    let platform = Platform::new();
    platform.users().put(&customer(), "correct horse battery");
    platform.users().put(&build::user().number(9).name("adam").registered(), "another");
    begin(&platform, SESSION, "one").await;
    platform
}

const AS_STAFF: &str = r#"set /requestContext/authorizer/lambda/role = "staff""#;
const AS_SELF: &str = r#"set /requestContext/authorizer/lambda/sub = "0192f0c1-0000-7000-8000-000000000001""#;
const UNKNOWN: &str = r#"set /pathParameters/id = "0192f0c1-0000-7000-8000-0000000000fe""#;

#[tokio::test]
async fn user_role_update_changes_the_role_and_ends_the_sessions() {
    let expected = [
        (AS_STAFF, 403, "forbidden", ""),
        (AS_SELF, 409, "own-account", ""),
        (UNKNOWN, 404, "not-found", ""),
        ("bad_unknown_field", 422, "validation", "/unknown"),
        (r#"set /body/role = "service""#, 422, "validation", "/role"),
        ("ok", 200, "", ""),
        ("ok", 200, "", ""),
    ];
    let platform = platform().await;
    assert_responses(USER_ROLE_UPDATE, &expected, async |_, call| {
        user_role_update::handle(&platform.users(), &platform.revocations(), call).await
    })
    .await;
    let user = platform.users().account(USER).await.expect("a response").expect("the customer");
    assert_eq!((user.role, user.version, platform.bus().published().len()), (Role::Staff, 2, 1));
    assert_eq!(platform.users().sessions(USER), []);
    assert!(platform.revocations().is_revoked(SESSION).await);
}

#[tokio::test]
async fn user_status_update_disables_an_account_and_ends_its_sessions() {
    let expected = [
        (AS_STAFF, 403, "forbidden", ""),
        (AS_SELF, 409, "own-account", ""),
        ("bad_unknown_field", 422, "validation", "/unknown"),
        (r#"set /body/status = "deleted""#, 422, "validation", "/status"),
        ("ok", 200, "", ""),
    ];
    let platform = platform().await;
    assert_responses(USER_STATUS_UPDATE, &expected, async |_, call| {
        user_status_update::handle(&platform.users(), &platform.revocations(), call).await
    })
    .await;
    let user = platform.users().account(USER).await.expect("a response").expect("the customer");
    assert_eq!(user.status, AccountStatus::Disabled);
    assert!(platform.revocations().is_revoked(SESSION).await);
}

#[tokio::test]
async fn user_invite_creates_an_account_with_the_role() {
    let expected = [
        (AS_STAFF, 403, "forbidden", ""),
        ("bad_unknown_field", 422, "validation", "/unknown"),
        (r#"set /body/email = "ada@example.com""#, 409, "email-taken", "/email"),
        ("ok", 201, "", ""),
        ("ok", 409, "email-taken", "/email"),
    ];
    let platform = platform().await;
    assert_responses(USER_INVITE, &expected, async |_, call| {
        user_invite::handle(&platform.users(), &platform.passwords(), &platform.tokens(), call).await
    })
    .await;
    let users = platform.users().all();
    assert!(users.iter().any(|user| user.role == Role::Staff && user.username.as_str() == "grace"));
    assert_eq!(platform.bus().published().len(), 1);
}

#[tokio::test]
async fn user_search_finds_accounts_by_a_beginning() {
    let expected = [
        ("ok", 200, "", ""),
        (r#"set /rawQueryString = "query=ada&limit=1""#, 200, "", ""),
        (r#"set /rawQueryString = "query=nobody""#, 200, "", ""),
        ("bad_short_query", 422, "validation", "?query"),
        (r#"set /requestContext/authorizer/lambda/role = "customer""#, 403, "forbidden", ""),
    ];
    let platform = platform().await;
    let mut found = Vec::new();
    let counts = std::cell::RefCell::new(&mut found);
    assert_responses(USER_SEARCH, &expected, async |_, call| {
        let reply = user_search::handle(&platform.users(), call).await?;
        let body: serde_json::Value = serde_json::from_str(&reply.to_stored()?.body).expect("JSON");
        counts.borrow_mut().push((body["items"].as_array().map_or(0, Vec::len), body["next_cursor"].is_string()));
        Ok(reply)
    })
    .await;
    assert_eq!(found, [(2, false), (1, true), (0, false)]);
}
