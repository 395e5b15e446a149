//! Acts for which a password is proven, if it is changed before they are done.

use super::{
    accounts::{erase, update},
    before_write, clock, customer, sample,
    second_factors::{self, begin, body, code, remove, route, unprotected},
};
use catalog::{Function, TOTP_BEGIN, TOTP_REMOVE, USER_ERASE, USER_UPDATE};
use domain::user::Role;
use edge::http::{Body, Call, Reply, respond};
use kernel::Failure;
use serde::Serialize;
use testkit::Platform;

/// Asserts that the password is wrong if it is changed before the write to the database that is the `write`-th, and right otherwise.
async fn assert_compared<B: Body, T: Serialize>(
    platform: &Platform,
    (function, edits, write): (&'static Function, &str, u32),
    handler: impl AsyncFn(Call<B>) -> Result<Reply<T>, Failure>,
) {
    let before = platform.bus().published();
    before_write(platform, write, |platform| platform.users().put(&customer(), "a new horse, another battery"));
    let refused = respond(&route(function), sample(function, edits), &clock(), &handler).await;
    assert_eq!(refused["statusCode"], 422, "{}: {refused}", function.name);
    assert_eq!(body(&refused)["errors"][0]["pointer"], "/current_password", "{}", function.name);
    assert_eq!(platform.bus().published(), before, "{}", function.name);
    platform.users().put(&customer(), "correct horse battery");
    let accepted = respond(&route(function), sample(function, edits), &clock(), &handler).await;
    assert!(accepted["statusCode"].as_u64().is_some_and(|status| status < 300), "{}: {accepted}", function.name);
}

#[tokio::test]
async fn act_with_a_password_that_is_changed_after_it_was_proven_is_refused() {
    let platform = unprotected(Role::Customer);
    // An attempt is counted and forgotten.
    assert_compared(&platform, (TOTP_BEGIN, "ok", 3), async |call| begin(&platform, call).await).await;
    let edits = r#"set /body/email = "new@example.com"; set /body/current_password = "correct horse battery""#;
    assert_compared(&platform, (USER_UPDATE, edits, 3), async |call| update(&platform, call).await).await;
    assert_compared(&platform, (USER_ERASE, "ok", 3), async |call| erase(&platform, call).await).await;
}

#[tokio::test]
async fn second_factor_is_not_removed_with_a_password_that_is_changed_after_it_was_proven() {
    let (platform, _) = second_factors::platform().await;
    let edits = format!(r#"set /body/code = "{}""#, code(&platform, 0).await);
    before_write(&platform, 7, |platform| platform.users().put(&customer(), "a new horse, another battery"));
    let handler = async |call| remove(&platform, call).await;
    // For the password and the code, each an attempt that is counted and forgotten; and the code is counted and used.
    let refused = respond(&route(TOTP_REMOVE), sample(TOTP_REMOVE, &edits), &clock(), &handler).await;
    assert_eq!(refused["statusCode"], 422, "{refused}");
    assert_eq!(body(&refused)["errors"][0]["pointer"], "/current_password");
    assert_eq!(platform.bus().published(), []);
    let left = platform.users().credentials(super::USER).expect("an account");
    assert!(left.has_second_factor);
}
