//! Accounts and sessions.

use crate::fixtures::*;
use domain::{
    Event,
    id::{SessionId, UserId},
    user::{self, Role, User},
};
use kernel::{FailureKind, Timestamp};
use ports::{Credentials, LoginAttempt, LoginCounters, LoginName, RefreshToken, UserStore};
use serde_json::json;
use std::time::Duration;

fn registered(email: &str, username: &str) -> (User, Event) {
    let command = serde_json::from_value(json!({
        "email": email, "username": username, "password": "correct horse battery",
        "full_name": "Ada Lovelace", "phone": "+441234567890", "address": address(),
    }))
    .expect("a command");
    let (user, data) = user::register(UserId(id()), command, now());
    (user, event(data))
}

fn counters(name: &str) -> LoginCounters {
    LoginCounters { name_and_source: format!("hash of {name}"), source: "hash of the source".to_owned() }
}

async fn reserve(users: &impl UserStore, name: &str) -> Option<Credentials> {
    match users.reserve_login(LoginName::Typed(name), &counters(name), now()).await.expect("the database responds") {
        LoginAttempt::Granted(found) => found,
        LoginAttempt::Refused(until) => panic!("refused until {until:?}"),
    }
}

#[tokio::test]
async fn account_is_found_by_email_and_by_username() {
    let database = database().await;
    let users = database.users();
    let (user, event) = registered("ada@example.com", "ada");
    users.register(&user, "$argon2id$…", &event).await.expect("registered");
    for login in ["ada@example.com", "ada"] {
        let found = reserve(&users, login).await.expect("found");
        assert_eq!((found.user_id, found.role, &*found.password_hash), (user.id, Role::Customer, "$argon2id$…"));
    }
    assert_eq!(reserve(&users, "nobody").await, None);
    assert_eq!(database.bus().published(), [event]);
}

#[tokio::test]
async fn attempt_is_stored_without_the_name_and_without_the_address() {
    let database = database().await;
    assert_eq!(reserve(&database.users(), "nobody@example.com").await, None);
    let stored = database.rows("SELECT row_to_json(a)::text FROM identity.login_attempts AS a").await;
    let stored: Vec<String> = stored.iter().map(|row| row.get(0)).collect();
    assert_eq!(stored.len(), 1);
    assert!(stored[0].contains("hash of nobody") && !stored[0].contains("\"nobody"), "{stored:?}");
    let columns = "SELECT count(*) FROM information_schema.columns WHERE table_name LIKE 'login_%'";
    assert_eq!(database.number(columns).await, 6, "counter, failures, not_before, expires_at; counter, expires_at");
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
async fn new_session_deletes_the_expired_ones_of_its_user() {
    let database = database().await;
    let users = database.users();
    let (user, event) = registered("ada@example.com", "ada");
    users.register(&user, "hash", &event).await.expect("registered");
    let hour = Duration::from_secs(3600);
    let begin = async |digest: &str, at: Timestamp| {
        let token = RefreshToken { digest: digest.to_owned(), issued_at: at, expires_at: at + hour };
        users.begin_session(SessionId(id()), user.id, &counters("ada"), &token).await.expect("begun");
    };
    begin("old", now() - 2 * hour).await;
    begin("new", now()).await;
    let digests = database.rows("SELECT digest FROM identity.sessions").await;
    assert_eq!(digests.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>(), ["new"]);
}
