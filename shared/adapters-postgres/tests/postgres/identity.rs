//! Accounts and sessions.

use crate::fixtures::*;
use adapters_testkit::postgres::TestDatabase;
use domain::{
    Event,
    event::{SecondFactorRemoved, UserDeleted, UserErased},
    id::{SessionId, UserId},
    password_reset::PasswordReset,
    profile,
    second_factor::MfaPolicy,
    user::{self, AccountStatus, Role, User},
};
use kernel::{FailureKind, Timestamp};
use ports::{
    AccountStore as _, Credentials, FactorStore as _, LoginAttempt, LoginCounters, LoginName, PasswordStore,
    RefreshToken, SessionStore as _, UserStore,
};
use serde_json::json;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

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
    let begin = async |digest: &str, at: Timestamp| {
        let token = RefreshToken { digest: digest.to_owned(), issued_at: at, expires_at: at + HOUR };
        let found = reserve(&users, "ada").await.expect("found");
        assert_eq!(users.begin_session(SessionId(id()), &found, &counters("ada"), &token).await, Ok(true));
    };
    begin("old", now() - 2 * HOUR).await;
    begin("new", now()).await;
    let digests = database.rows("SELECT digest FROM identity.sessions").await;
    assert_eq!(digests.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>(), ["new"]);
}

/// Waits until as many statements wait for locks.
async fn until_waiting(database: &TestDatabase, statements: u32) {
    let waiting = format!(
        "SELECT (count(*) >= {statements})::integer::bigint FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'"
    );
    database.wait_until(&waiting).await;
}

/// Runs `call` until it waits for what `sql` has locked in a transaction, then commits that.
async fn while_locked<T>(database: &TestDatabase, sql: &str, call: impl Future<Output = T>) -> T {
    while_locked_for(database, (sql, 1), call, "").await
}

/// Runs `call` until as many statements of it wait for what the transaction has locked, then ends that with the statements `last`.
async fn while_locked_for<T>(
    database: &TestDatabase,
    (sql, statements): (&str, u32),
    call: impl Future<Output = T>,
    last: &str,
) -> T {
    let holder = database.connect().await;
    holder.batch_execute(&format!("BEGIN; {sql}")).await.expect("locked");
    let commit = async {
        until_waiting(database, statements).await;
        holder.batch_execute(&format!("{last}; COMMIT")).await.expect("committed");
    };
    tokio::join!(call, commit).0
}

#[tokio::test]
async fn login_waits_for_a_change_of_its_account_and_begins_no_session_then() {
    let database = database().await;
    let users = database.users();
    for (name, change) in
        [("ada", "password_hash = 'another'"), ("bob", "status = 'disabled'"), ("eve", "role = 'staff'")]
    {
        let (user, event) = registered(&format!("{name}@example.com"), name);
        users.register(&user, "hash", &event).await.expect("registered");
        let (found, counters) = (reserve(&users, name).await.expect("found"), counters(name));
        let token = RefreshToken { digest: name.to_owned(), issued_at: now(), expires_at: now() + HOUR };
        let update = format!("UPDATE identity.users SET {change} WHERE username = '{name}'");
        let begun = users.begin_session(SessionId(id()), &found, &counters, &token);
        assert_eq!(while_locked(&database, &update, begun).await, Ok(false), "{change}");
    }
    assert_eq!(database.number("SELECT count(*) FROM identity.sessions").await, 0);
}

#[tokio::test]
async fn login_waits_for_a_second_factor_that_is_being_activated_and_begins_no_session() {
    let database = database().await;
    let (users, owner) = (database.users(), database.users());
    let (user, event) = registered("ada@example.com", "ada");
    users.register(&user, "hash", &event).await.expect("registered");
    assert_eq!(users.begin_totp(user.id, "hash", "sealed", now()).await, Ok(true));
    let (found, counters) = (reserve(&users, "ada").await.expect("found"), counters("ada"));
    let token = RefreshToken { digest: "digest".to_owned(), issued_at: now(), expires_at: now() + HOUR };
    let login = async {
        until_waiting(&database, 1).await;
        users.begin_session(SessionId(id()), &found, &counters, &token).await
    };
    let both = async { tokio::join!(owner.activate_totp(user.id, "sealed", 10, &[]), login) };
    let outcome = while_locked_for(&database, ("SELECT FROM identity.totp FOR UPDATE", 2), both, "").await;
    assert_eq!(outcome, (Ok(true), Ok(false)));
    assert_eq!(database.number("SELECT count(*) FROM identity.sessions").await, 0);
    assert!(reserve(&users, "ada").await.expect("found").has_second_factor);
}

#[tokio::test]
async fn second_factor_is_activated_after_a_login_that_is_ending() {
    let database = database().await;
    let users = database.users();
    let (user, event) = registered("ada@example.com", "ada");
    users.register(&user, "hash", &event).await.expect("registered");
    assert_eq!(users.begin_totp(user.id, "hash", "sealed", now()).await, Ok(true));
    let activation = users.activate_totp(user.id, "sealed", 10, &[]);
    let login = "SELECT FROM identity.users WHERE username = 'ada' FOR SHARE";
    assert_eq!(while_locked(&database, login, activation).await, Ok(true));
}

#[tokio::test]
async fn change_that_waits_for_a_login_ends_its_session() {
    let database = database().await;
    let users = database.users();
    let (user, event) = registered("ada@example.com", "ada");
    users.register(&user, "hash", &event).await.expect("registered");
    let session = SessionId(id());
    // What a login does at its end.
    let login = format!(
        "SELECT FROM identity.users WHERE username = 'ada' FOR SHARE;
        INSERT INTO identity.sessions VALUES ('{}', '{}', 'digest', now(), now(), now() + interval '1 hour')",
        session.0, user.id.0
    );
    let change = users.change_password(user.id, "hash", "another", SessionId(id()));
    assert_eq!(while_locked(&database, &login, change).await, Ok(Some(vec![session])));
    assert_eq!(users.sessions(user.id, now(), 10, None).await.expect("a page").items, []);
}

#[tokio::test]
async fn second_of_two_admins_who_disable_each_other_is_refused() {
    let database = database().await;
    let users = database.users();
    let mut admins = Vec::new();
    for name in ["ada", "bob"] {
        let (user, event) = registered(&format!("{name}@example.com"), name);
        let admin = User { role: Role::Admin, ..user };
        users.register(&admin, "hash", &event).await.expect("registered");
        admins.push(admin);
    }
    let second = User { status: AccountStatus::Disabled, version: 2, ..admins[0].clone() };
    let event = event(profile::updated_event(&second));
    let first = "UPDATE identity.users SET status = 'disabled', version = 2 WHERE username = 'bob'";
    let refused = while_locked(&database, first, users.administer_account(&second, &event)).await;
    assert_eq!(refused, Err(profile::last_admin()));
    assert_eq!(users.account(admins[0].id).await, Ok(Some(admins[0].clone())));
}

/// A token for a new password of a user, stored.
async fn reset(users: &impl PasswordStore, user: User) -> PasswordReset {
    let User { email, username, full_name, .. } = user;
    let reset = PasswordReset { id: id(), user_id: user.id, digest: "digest".to_owned(), email, username, full_name };
    users.store_reset(&reset, "selector", now() + HOUR).await.expect("stored");
    reset
}

#[tokio::test]
async fn token_that_was_mailed_to_an_address_sets_no_password_once_it_has_changed() {
    let database = database().await;
    let users = database.users();
    let (user, event) = registered("ada@example.com", "ada");
    users.register(&user, "hash", &event).await.expect("registered");
    let reset = reset(&users, user).await;
    assert_eq!(users.try_reset("selector", now()).await, Ok(vec![reset.clone()]));
    let change = "UPDATE identity.users SET email = 'countess@example.com', version = 2";
    assert_eq!(while_locked(&database, change, users.reset_password(&reset, "another")).await, Ok(None));
    assert_eq!(database.number("SELECT count(*) FROM identity.users WHERE password_hash = 'hash'").await, 1);
}

#[tokio::test]
async fn reset_of_a_password_waits_for_a_change_of_it_with_no_token_locked() {
    let database = database().await;
    let users = database.users();
    let (user, event) = registered("ada@example.com", "ada");
    users.register(&user, "hash", &event).await.expect("registered");
    let reset = reset(&users, user).await;
    // The order of a change, and of an erasure.
    let change = "UPDATE identity.users SET password_hash = 'another'";
    let resetting = users.reset_password(&reset, "a third");
    let outcome = while_locked_for(&database, (change, 1), resetting, "DELETE FROM identity.password_resets").await;
    assert_eq!(outcome, Ok(None));
    assert_eq!(database.number("SELECT count(*) FROM identity.users WHERE password_hash = 'another'").await, 1);
}

#[tokio::test]
async fn removal_of_a_second_factor_waits_for_new_recovery_codes_with_no_code_locked() {
    let database = database().await;
    let (users, other) = (database.users(), database.users());
    let (user, registration) = registered("ada@example.com", "ada");
    users.register(&user, "hash", &registration).await.expect("registered");
    let codes = |name: &str| [1, 2].map(|number| format!("{name}{number}"));
    assert_eq!(users.begin_totp(user.id, "hash", "sealed", now()).await, Ok(true));
    assert_eq!(users.activate_totp(user.id, "sealed", 10, &codes("old")).await, Ok(true));
    assert_eq!(users.use_recovery_code(user.id, "old1").await, Ok(true), "it is inserted again, the other one updated");
    let event = event(SecondFactorRemoved { user_id: user.id, removed_by: user.id });
    let (new, policy) = (codes("new"), MfaPolicy::default());
    let removal = async {
        until_waiting(&database, 1).await;
        other.remove_totp(user.id, &policy, None, &event).await
    };
    let both = async { tokio::join!(users.renew_recovery_codes(user.id, &new), removal) };
    let outcome = while_locked_for(&database, ("SELECT FROM identity.recovery_codes FOR UPDATE", 2), both, "").await;
    assert_eq!(outcome, (Ok(true), Ok(Some(vec![]))));
    assert_eq!(database.number("SELECT count(*) FROM identity.recovery_codes").await, 0);
}

#[tokio::test]
async fn act_with_a_password_waits_for_a_change_of_it_and_is_refused() {
    let database = database().await;
    let users = &database.users();
    for name in ["update", "erasure", "enrolment", "removal"] {
        let (user, registration) = registered(&format!("{name}@example.com"), name);
        users.register(&user, "hash", &registration).await.expect("registered");
        let (proven, policy, user_id) = (Some("hash"), MfaPolicy::default(), user.id);
        let act = async {
            let updated = User { version: 2, ..user.clone() };
            let (changed, removed) =
                (profile::updated_event(&updated), SecondFactorRemoved { user_id, removed_by: user_id });
            let (deleted, erased) = (event(UserDeleted { user_id }), event(UserErased { user_id }));
            match name {
                "update" => users.update_account(&updated, proven, &event(changed)).await.map(drop),
                "erasure" => users.erase_account(user_id, proven, &deleted, &erased).await.map(drop),
                "enrolment" => users.begin_totp(user_id, "hash", "sealed", now()).await.map(drop),
                _ => {
                    let own = Some(("hash", SessionId(id())));
                    users.remove_totp(user_id, &policy, own, &event(removed)).await.map(drop)
                }
            }
        };
        let change = format!("UPDATE identity.users SET password_hash = 'another' WHERE username = '{name}'");
        let outcome = while_locked(&database, &change, act).await;
        assert_eq!(outcome, Err(profile::wrong_current_password()), "{name}");
        assert_eq!(users.account(user_id).await, Ok(Some(user)), "{name}");
    }
    assert_eq!(database.number("SELECT count(*) FROM identity.totp").await, 0);
}
