//! Contract of [`UserStore`].

use super::{Fixture, an_event, fresh, kind_and_code, later, now};
use crate::build::{self, UserBuilder};
use domain::{id::UserId, text::Email, text::Username, user::User};
use futures_util::future::join_all;
use kernel::{Failure, FailureKind, IdempotencyKey, IdempotencyOutcome, Uuid};
use ports::{Credentials, UserStore};

/// Generates one test per rule of [`UserStore`]. The expression is a future of a `Fixture<impl UserStore>`.
#[macro_export]
macro_rules! contract_users {
    ($fixture:expr) => {
        $crate::each_rule! { users, $fixture;
            registered_user_is_found_by_email_and_username
            unknown_login_finds_no_user
            taken_email_is_a_conflict_on_its_field_and_writes_nothing
            taken_username_is_a_conflict_on_its_field_and_writes_nothing
            concurrent_registrations_of_one_email_succeed_once
            repeated_registration_under_a_key_gets_the_first_response
            rejected_registration_under_a_key_stays_rejected
            consecutive_failed_logins_lock_the_account
            expired_lock_resets_the_failed_login_count
            concurrent_failed_logins_are_all_counted
            new_session_resets_the_failed_login_count
            sweep_publishes_events_missed_by_the_bus_once
        }
    };
}

/// A new user.
fn new_user() -> UserBuilder {
    // The last twelve digits of a version 7 UUID are random.
    let id = fresh();
    build::user().id(UserId(id)).name(&format!("u{}", &id.simple().to_string()[18..]))
}

async fn register(users: &impl UserStore, user: &User) -> Result<Uuid, Failure> {
    let event = an_event(build::user().event());
    users.register(user, "$hash$", &event).await.map(|()| event.id)
}

async fn find(users: &impl UserStore, login: &str) -> Option<Credentials> {
    users.credentials(login).await.expect("the store responds")
}

async fn is_locked(users: &impl UserStore, user: &User) -> bool {
    find(users, user.email.as_str()).await.expect("an account").locked_until.is_some()
}

pub async fn registered_user_is_found_by_email_and_username(fixture: &Fixture<impl UserStore>) {
    let user = new_user().registered();
    let event = register(fixture.port(), &user).await.expect("registered");
    let known =
        Credentials { user_id: user.id, role: user.role, password_hash: "$hash$".to_owned(), locked_until: None };
    assert_eq!(find(fixture.port(), user.email.as_str()).await, Some(known.clone()));
    assert_eq!(find(fixture.port(), user.username.as_str()).await, Some(known));
    fixture.assert_only_published(&[event]).await;
}

pub async fn unknown_login_finds_no_user(fixture: &Fixture<impl UserStore>) {
    register(fixture.port(), &new_user().registered()).await.expect("registered");
    for name in [new_user().registered().username.as_str(), "", "%", "' OR true --"] {
        assert_eq!(find(fixture.port(), name).await, None, "{name}");
    }
}

async fn assert_conflict(
    fixture: &Fixture<impl UserStore>,
    first: &User,
    second: &User,
    code: &'static str,
    pointer: &str,
) {
    let event = register(fixture.port(), first).await.expect("registered");
    let rejected = register(fixture.port(), second).await;
    assert_eq!(rejected.as_ref().expect_err("taken").fields.first().map(|field| field.pointer.as_str()), Some(pointer));
    assert_eq!(kind_and_code(rejected), (FailureKind::Conflict, code));
    fixture.assert_only_published(&[event]).await;
}

pub async fn taken_email_is_a_conflict_on_its_field_and_writes_nothing(fixture: &Fixture<impl UserStore>) {
    let first = new_user().registered();
    let second = User { email: first.email.clone(), ..new_user().registered() };
    assert_conflict(fixture, &first, &second, "email-taken", "/email").await;
    assert_eq!(find(fixture.port(), second.username.as_str()).await, None);
}

pub async fn taken_username_is_a_conflict_on_its_field_and_writes_nothing(fixture: &Fixture<impl UserStore>) {
    let first = new_user().registered();
    let second = User { username: first.username.clone(), ..new_user().registered() };
    assert_conflict(fixture, &first, &second, "username-taken", "/username").await;
    assert_eq!(find(fixture.port(), second.email.as_str()).await, None);
}

pub async fn concurrent_registrations_of_one_email_succeed_once(fixture: &Fixture<impl UserStore>) {
    let email: Email = new_user().registered().email;
    let users: Vec<User> = (0..12).map(|_| User { email: email.clone(), ..new_user().registered() }).collect();
    let responses =
        join_all(fixture.concurrent(users.len()).zip(&users).map(|(store, user)| register(store, user))).await;
    let published: Vec<Uuid> = responses.iter().filter_map(|response| response.clone().ok()).collect();
    assert_eq!(published.len(), 1);
    for response in responses.into_iter().filter(Result::is_err) {
        assert_eq!(kind_and_code(response), (FailureKind::Conflict, "email-taken"));
    }
    fixture.assert_only_published(&published).await;
    let names: Vec<Username> = users.into_iter().map(|user| user.username).collect();
    let known = join_all(names.iter().map(|name| find(fixture.port(), name.as_str()))).await;
    assert_eq!(known.iter().flatten().count(), 1);
}

/// Registers a user under a key, with a response that contains the id of the user.
async fn register_once(
    users: &impl UserStore,
    user: &User,
    key: &IdempotencyKey,
) -> Result<(IdempotencyOutcome, Uuid), Failure> {
    let event = an_event(build::user().event());
    let outcome = users.register_once(user, "$hash$", &event, key, &build::a_reply(&user.id.to_string())).await?;
    Ok((outcome, event.id))
}

pub async fn repeated_registration_under_a_key_gets_the_first_response(fixture: &Fixture<impl UserStore>) {
    let (user, key) = (new_user().registered(), build::a_key(&fresh().to_string(), "ada"));
    let (outcome, event) = register_once(fixture.port(), &user, &key).await.expect("registered");
    assert_eq!(outcome, IdempotencyOutcome::Committed);
    let again = User { id: UserId(fresh()), ..user.clone() };
    let (outcome, _) = register_once(fixture.port(), &again, &key).await.expect("replayed");
    assert_eq!(outcome, IdempotencyOutcome::Replayed(build::a_reply(&user.id.to_string())));
    assert_eq!(find(fixture.port(), user.email.as_str()).await.expect("an account").user_id, user.id);
    let other = IdempotencyKey { fingerprint: "of another body".to_owned(), ..key };
    let reused = register_once(fixture.port(), &new_user().registered(), &other).await;
    assert_eq!(kind_and_code(reused), (FailureKind::Invalid, "idempotency-key-reused"));
    fixture.assert_only_published(&[event]).await;
}

pub async fn rejected_registration_under_a_key_stays_rejected(fixture: &Fixture<impl UserStore>) {
    let (user, key) = (new_user().registered(), build::a_key(&fresh().to_string(), "bob"));
    let event = register(fixture.port(), &user).await.expect("registered");
    let second = User { id: UserId(fresh()), ..user };
    let rejected = register_once(fixture.port(), &second, &key).await;
    assert_eq!(kind_and_code(rejected), (FailureKind::Conflict, "email-taken"));
    let problem = build::a_reply("taken");
    assert_eq!(fixture.port().store_rejection(&key, &problem).await, Ok(IdempotencyOutcome::Committed));
    let (outcome, _) = register_once(fixture.port(), &new_user().registered(), &key).await.expect("replayed");
    assert_eq!(outcome, IdempotencyOutcome::Replayed(problem));
    fixture.assert_only_published(&[event]).await;
}

pub async fn consecutive_failed_logins_lock_the_account(fixture: &Fixture<impl UserStore>) {
    let (user, other) = (new_user().registered(), new_user().registered());
    for user in [&user, &other] {
        register(fixture.port(), user).await.expect("registered");
    }
    let until = later(900);
    for _ in 0..2 {
        fixture.port().record_failed_login(user.id, 3, now(), until).await.expect("counted");
        assert!(!is_locked(fixture.port(), &user).await);
    }
    fixture.port().record_failed_login(user.id, 3, now(), until).await.expect("counted");
    let locked = find(fixture.port(), user.username.as_str()).await.expect("an account");
    assert_eq!(locked.locked_until, Some(until));
    assert!(!is_locked(fixture.port(), &other).await, "other accounts are not locked");
}

pub async fn expired_lock_resets_the_failed_login_count(fixture: &Fixture<impl UserStore>) {
    let user = new_user().registered();
    register(fixture.port(), &user).await.expect("registered");
    let wrong = async |at, until| {
        fixture.port().record_failed_login(user.id, 3, at, until).await.expect("counted");
        find(fixture.port(), user.username.as_str()).await.expect("an account").locked_until
    };
    let (first, second) = (later(900), later(1_800));
    for (at, until) in [(now(), first), (first, second)] {
        for _ in 0..2 {
            assert_eq!(wrong(at, until).await, None);
        }
        assert_eq!(wrong(at, until).await, Some(until));
    }
}

pub async fn concurrent_failed_logins_are_all_counted(fixture: &Fixture<impl UserStore>) {
    let user = new_user().registered();
    register(fixture.port(), &user).await.expect("registered");
    let attempts =
        join_all(fixture.concurrent(8).map(|users| users.record_failed_login(user.id, 8, now(), later(900)))).await;
    assert!(attempts.iter().all(Result::is_ok), "{attempts:?}");
    assert!(is_locked(fixture.port(), &user).await);
}

pub async fn new_session_resets_the_failed_login_count(fixture: &Fixture<impl UserStore>) {
    let user = new_user().registered();
    register(fixture.port(), &user).await.expect("registered");
    for _ in 0..3 {
        for _ in 0..2 {
            fixture.port().record_failed_login(user.id, 3, now(), later(900)).await.expect("counted");
            assert!(!is_locked(fixture.port(), &user).await, "the session reset the count");
        }
        let digest = fresh().simple().to_string();
        fixture.port().begin_session(user.id, &digest, now(), later(3_600)).await.expect("started");
    }
}

pub async fn sweep_publishes_events_missed_by_the_bus_once(fixture: &Fixture<impl UserStore>) {
    let user = new_user();
    let event = an_event(user.event());
    fixture
        .assert_published_after_outage(event.id, fixture.port().register(&user.registered(), "$hash$", &event))
        .await;
}
