//! Accounts as their users and admins see and change them.

use super::{USER, customer, http::assert_responses};
use api::UserView;
use catalog::{USER_DELETE, USER_ERASE, USER_EXPORT, USER_GET, USER_UPDATE};
use domain::{
    personal_data::EraseAccount,
    profile::UpdateProfile,
    user::{Role, User},
    verification::ContactKind,
};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::AccountStore as _;
use services::LoginThrottle;
use testkit::{Platform, build};

/// The platform with the customer of the samples, whose e-mail address is verified, and with a member of staff, `grace`.
fn platform() -> Platform {
    let platform = Platform::new();
    platform.users().put(&User { verified: vec![ContactKind::Email], ..customer() }, "correct horse battery");
    platform.users().put(&build::user().number(9).name("grace").role(Role::Staff).registered(), "another");
    platform
}

pub(crate) async fn update(platform: &Platform, call: Call<UpdateProfile>) -> Result<Reply<UserView>, Failure> {
    let (users, passwords, sources) = (&platform.users(), &platform.passwords(), &platform.request_sources());
    user_update::handle(users, &LoginThrottle::new(users, passwords, sources), call).await
}

pub(crate) async fn erase(platform: &Platform, call: Call<EraseAccount>) -> Result<Reply<()>, Failure> {
    let (users, passwords, sources) = (&platform.users(), &platform.passwords(), &platform.request_sources());
    let own = LoginThrottle::new(users, passwords, sources);
    user_erase::handle(users, &own, &platform.revocations(), call).await
}

const AS_ADMIN: &str = r#"set /requestContext/authorizer/lambda/role = "admin"; set /requestContext/authorizer/lambda/sub = "0192f0c1-0000-7000-8000-0000000000ff""#;

#[tokio::test]
async fn user_get_shows_an_account_to_its_user_and_to_admins() {
    let expected = [("ok", 200, "", ""), (AS_ADMIN, 200, "", ""), ("bad_other", 404, "not-found", "")];
    let platform = platform();
    assert_responses(USER_GET, &expected, async |_, call| user_get::handle(&platform.users(), call).await).await;
}

#[tokio::test]
async fn user_update_replaces_the_profile_of_the_named_version() {
    let expected = [
        ("remove /headers/if-match", 428, "if-match-missing", ""),
        (r#"set /headers/if-match = "\"7\"""#, 412, "precondition-failed", ""),
        ("bad_unknown_field", 422, "validation", "/role"),
        (r#"set /body/username = "grace""#, 409, "username-taken", "/username"),
        ("ok", 200, "", ""),
        ("ok", 412, "precondition-failed", ""),
    ];
    let platform = platform();
    assert_responses(USER_UPDATE, &expected, async |_, call| update(&platform, call).await).await;
    let user = platform.users().account(USER).await.expect("a response").expect("the customer");
    assert_eq!((user.version, user.verified), (2, vec![ContactKind::Email]));
    assert_eq!(user.phone.expect("a number").as_str(), "+491701234567");
    assert_eq!(platform.bus().published().len(), 1);
}

#[tokio::test]
async fn user_update_of_the_email_needs_the_password_of_the_user() {
    let expected = [
        (r#"set /body/email = "new@example.com""#, 422, "validation", "/current_password"),
        (
            r#"set /body/email = "new@example.com"; set /body/current_password = "wrong""#,
            422,
            "validation",
            "/current_password",
        ),
        (r#"set /body/email = "new@example.com"; set /body/current_password = "correct horse battery""#, 200, "", ""),
    ];
    let platform = platform();
    let stale = [("ok", 412, "precondition-failed", ""), ("bad_unknown_field", 422, "validation", "/role")];
    assert_responses(USER_UPDATE, &[&expected[..], &stale].concat(), async |_, call| update(&platform, call).await)
        .await;
    let user = platform.users().account(USER).await.expect("a response").expect("the customer");
    assert_eq!((user.email.as_str(), user.verified), ("new@example.com", vec![]));
}

#[tokio::test]
async fn user_delete_ends_the_account_once() {
    let expected = [
        ("bad_other", 404, "not-found", ""),
        (r#"set /headers/if-match = "\"2\"""#, 412, "precondition-failed", ""),
        (r#"set /headers/if-match = "3""#, 400, "if-match-invalid", ""),
        (r#"set /headers/if-match = "\"1\"""#, 204, "", ""),
        ("ok", 404, "not-found", ""),
    ];
    let platform = platform();
    assert_responses(USER_DELETE, &expected, async |_, call| {
        user_delete::handle(&platform.users(), &platform.revocations(), call).await
    })
    .await;
    let published = platform.bus().published();
    assert_eq!((published.len(), published[0].sequence), (1, 2));
    assert_eq!(published[0].event.row().name, catalog::USER_DELETED.name);
}

#[tokio::test]
async fn admin_removes_others_and_not_the_own_account() {
    let own = platform();
    own.users().put(&User { role: Role::Admin, ..customer() }, "correct horse battery");
    let delete =
        async |platform: &Platform, call| user_delete::handle(&platform.users(), &platform.revocations(), call).await;
    let refused =
        [("bad_other", 404, "not-found", ""), ("ok", 409, "own-account", ""), (AS_ADMIN, 409, "last-admin", "")];
    assert_responses(USER_DELETE, &refused, async |_, call| delete(&own, call).await).await;
    let refused = [
        ("bad_wrong_password", 409, "own-account", ""),
        ("ok", 409, "own-account", ""),
        (AS_ADMIN, 409, "last-admin", ""),
    ];
    assert_responses(USER_ERASE, &refused, async |_, call| erase(&own, call).await).await;
    assert_eq!(own.bus().published(), []);
    own.users().put(&build::user().number(8).name("adam").role(Role::Admin).registered(), "another");
    let deleted = [("bad_other", 404, "not-found", ""), (AS_ADMIN, 204, "", ""), ("ok", 404, "not-found", "")];
    assert_responses(USER_DELETE, &deleted, async |_, call| delete(&own, call).await).await;
}

#[tokio::test]
async fn user_export_is_a_document_for_the_person_and_for_admins() {
    let expected = [
        ("ok", 200, "", ""),
        (AS_ADMIN, 200, "", ""),
        ("bad_other", 404, "not-found", ""),
        (r#"set /rawQueryString = "cursor=x""#, 422, "validation", "?cursor"),
    ];
    let platform = platform();
    assert_responses(USER_EXPORT, &expected, async |_, call| {
        let reply = user_export::handle(&platform.users(), call).await?;
        let stored = reply.to_stored()?;
        let body: serde_json::Value = serde_json::from_str(&stored.body).expect("JSON");
        assert_eq!(body["contexts"]["identity"]["about"]["profile"]["username"], customer().username.as_str());
        let disposition = format!("attachment; filename=\"personal-data-{USER}.json\"");
        assert_eq!(stored.headers, [("content-disposition".to_owned(), disposition)]);
        Ok(reply)
    })
    .await;
}

#[tokio::test]
async fn user_erase_needs_the_password_of_the_person() {
    let expected = [
        ("bad_wrong_password", 422, "validation", "/current_password"),
        ("remove /body/current_password", 422, "validation", "/current_password"),
        (r#"set /pathParameters/id = "0192f0c1-0000-7000-8000-0000000000fe""#, 404, "not-found", ""),
        ("ok", 202, "", ""),
        ("ok", 404, "not-found", ""),
    ];
    let platform = platform();
    assert_responses(USER_ERASE, &expected, async |_, call| erase(&platform, call).await).await;
    let published: Vec<_> =
        platform.bus().published().iter().map(|event| (event.event.row().name, event.sequence)).collect();
    assert_eq!(published, [(catalog::USER_DELETED.name, 2), (catalog::USER_ERASED.name, 3)]);
    let left = platform.users().all().into_iter().find(|user| user.id == USER).expect("the row");
    assert_eq!((left.full_name, left.phone, left.address), (None, None, None));
    assert_ne!(left.email, customer().email);
}

#[tokio::test]
async fn user_erase_by_an_admin_needs_no_password_and_may_be_repeated() {
    let expected = [
        (AS_ADMIN, 202, "", ""),
        (AS_ADMIN, 202, "", ""),
        ("ok", 404, "not-found", ""),
        ("bad_wrong_password", 404, "not-found", ""),
    ];
    let platform = platform();
    assert_responses(USER_ERASE, &expected, async |_, call| erase(&platform, call).await).await;
    assert_eq!(platform.bus().published().len(), 2, "each event once");
}
