//! Accounts and sessions.

use crate::fixtures::*;
use domain::{
    Event,
    id::UserId,
    user::{self, Role, User},
};
use kernel::FailureKind;
use ports::UserStore;
use serde_json::json;
use std::time::Duration;

fn registered(email: &str, username: &str) -> (User, Event) {
    let command = serde_json::from_value(json!({
        "email": email, "username": username, "password": "correct horse battery",
        "full_name": "Ada Lovelace", "phone": "+441234567890", "address": address(),
    }))
    .expect("a command");
    let (user, data) = user::register(UserId(id()), command, now()).expect("registered");
    (user, event(data))
}

#[tokio::test]
async fn account_is_found_by_email_and_by_username() {
    let database = database().await;
    let users = database.users();
    let (user, event) = registered("ada@example.com", "ada");
    users.register(&user, "$argon2id$…", &event).await.expect("registered");
    for login in ["ada@example.com", "ada"] {
        let found = users.credentials(login).await.unwrap().expect("found");
        assert_eq!((found.user_id, found.role, &*found.password_hash), (user.id, Role::Customer, "$argon2id$…"));
        assert_eq!(found.locked_until, None);
    }
    assert_eq!(users.credentials("nobody").await, Ok(None));
    assert_eq!(database.bus().published(), [event]);
}

#[tokio::test]
async fn taken_email_or_username_is_a_conflict_naming_its_field() {
    let database = database().await;
    let users = database.users();
    let (ada, event) = registered("ada@example.com", "ada");
    users.register(&ada, "hash", &event).await.expect("registered");
    for (email, username, code, pointer) in [
        ("ada@example.com", "other", "email-taken", "/email"),
        ("other@example.com", "ada", "username-taken", "/username"),
    ] {
        let (user, event) = registered(email, username);
        let failure = users.register(&user, "hash", &event).await.expect_err("taken");
        assert_eq!((failure.kind, failure.code), (FailureKind::Conflict, code));
        assert_eq!(failure.fields[0].pointer, pointer);
        assert!(!failure.to_string().contains("constraint"));
    }
    assert_eq!(database.number("SELECT count(*) FROM identity.users").await, 1);
    assert_eq!(database.number("SELECT count(*) FROM identity.outbox").await, 1);
}

#[tokio::test]
async fn consecutive_wrong_passwords_lock_the_account_and_a_login_resets_them() {
    let database = database().await;
    let users = database.users();
    let (user, event) = registered("ada@example.com", "ada");
    users.register(&user, "hash", &event).await.expect("registered");
    let until = now() + Duration::from_secs(900);
    for n in 1..=3 {
        users.record_failed_login(user.id, 3, now(), until).await.expect("counted");
        let locked = users.credentials("ada").await.unwrap().expect("found").locked_until;
        assert_eq!(locked, (n == 3).then_some(until));
    }
    users.begin_session(user.id, "digest", now(), until).await.expect("begun");
    assert_eq!(users.credentials("ada").await.unwrap().expect("found").locked_until, None);
    users.record_failed_login(user.id, 3, now(), until).await.expect("counted");
    assert_eq!(users.credentials("ada").await.unwrap().expect("found").locked_until, None);
}

#[tokio::test]
async fn new_session_deletes_the_expired_tokens_of_its_user() {
    let database = database().await;
    let users = database.users();
    let (user, event) = registered("ada@example.com", "ada");
    users.register(&user, "hash", &event).await.expect("registered");
    let hour = Duration::from_secs(3600);
    users.begin_session(user.id, "old", now() - 2 * hour, now() - hour).await.expect("begun");
    users.begin_session(user.id, "new", now(), now() + hour).await.expect("begun");
    let digests = database.rows("SELECT digest FROM identity.refresh_tokens").await;
    assert_eq!(digests.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>(), ["new"]);
}
