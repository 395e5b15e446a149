//! Rules of [`UserStore`].

use super::{Fixture, an_event, fresh, later, now, why};
use crate::build::{self, UserBuilder};
use domain::{id::UserId, text::Email, text::Username, user::User};
use futures_util::future::join_all;
use kernel::{Failure, FailureKind, Uuid};
use ports::{Credentials, UserStore};

/// One test a rule of [`UserStore`], each over the `Fixture<impl UserStore>` that the expression gives when it is awaited.
#[macro_export]
macro_rules! contract_users {
    ($under:expr) => {
        $crate::each_rule! { users, $under;
            registered_user_is_found_by_email_and_username
            unknown_login_finds_no_user
            taken_email_is_a_conflict_on_its_field_and_writes_nothing
            taken_username_is_a_conflict_on_its_field_and_writes_nothing
            concurrent_registrations_of_one_email_succeed_once
            consecutive_failed_logins_lock_the_account
            expired_lock_resets_the_failed_login_count
            concurrent_failed_logins_are_all_counted
            new_session_resets_the_failed_login_count
            sweep_publishes_events_missed_by_the_bus_once
        }
    };
}

/// Somebody whom nobody knows yet.
fn somebody() -> UserBuilder {
    // The last twelve digits of a version 7 UUID are random.
    let id = fresh();
    build::user().id(UserId(id)).name(&format!("u{}", &id.simple().to_string()[18..]))
}

async fn register(users: &impl UserStore, user: &User) -> Result<Uuid, Failure> {
    let event = an_event(build::user().event());
    users.register(user, "$hash$", &event).await.map(|()| event.id)
}

async fn find(users: &impl UserStore, login: &str) -> Option<Credentials> {
    users.credentials(login).await.expect("the store answers")
}

async fn is_locked(users: &impl UserStore, user: &User) -> bool {
    find(users, user.email.as_str()).await.expect("an account").locked_until.is_some()
}

pub async fn registered_user_is_found_by_email_and_username(under: &Fixture<impl UserStore>) {
    let user = somebody().registered();
    let event = register(under.port(), &user).await.expect("registered");
    let known =
        Credentials { user_id: user.id, role: user.role, password_hash: "$hash$".to_owned(), locked_until: None };
    assert_eq!(find(under.port(), user.email.as_str()).await, Some(known.clone()));
    assert_eq!(find(under.port(), user.username.as_str()).await, Some(known));
    under.assert_only_published(&[event]).await;
}

pub async fn unknown_login_finds_no_user(under: &Fixture<impl UserStore>) {
    register(under.port(), &somebody().registered()).await.expect("registered");
    for name in [somebody().registered().username.as_str(), "", "%", "' OR true --"] {
        assert_eq!(find(under.port(), name).await, None, "{name}");
    }
}

async fn refused_for(under: &Fixture<impl UserStore>, first: &User, second: &User, code: &'static str, pointer: &str) {
    let event = register(under.port(), first).await.expect("registered");
    let refused = register(under.port(), second).await;
    assert_eq!(refused.as_ref().expect_err("taken").fields.first().map(|field| field.pointer.as_str()), Some(pointer));
    assert_eq!(why(refused), (FailureKind::Conflict, code));
    under.assert_only_published(&[event]).await;
}

pub async fn taken_email_is_a_conflict_on_its_field_and_writes_nothing(under: &Fixture<impl UserStore>) {
    let first = somebody().registered();
    let second = User { email: first.email.clone(), ..somebody().registered() };
    refused_for(under, &first, &second, "email-taken", "/email").await;
    assert_eq!(find(under.port(), second.username.as_str()).await, None);
}

pub async fn taken_username_is_a_conflict_on_its_field_and_writes_nothing(under: &Fixture<impl UserStore>) {
    let first = somebody().registered();
    let second = User { username: first.username.clone(), ..somebody().registered() };
    refused_for(under, &first, &second, "username-taken", "/username").await;
    assert_eq!(find(under.port(), second.email.as_str()).await, None);
}

pub async fn concurrent_registrations_of_one_email_succeed_once(under: &Fixture<impl UserStore>) {
    let email: Email = somebody().registered().email;
    let users: Vec<User> = (0..12).map(|_| User { email: email.clone(), ..somebody().registered() }).collect();
    let answers = join_all(under.concurrent(users.len()).zip(&users).map(|(store, user)| register(store, user))).await;
    let told: Vec<Uuid> = answers.iter().filter_map(|answer| answer.clone().ok()).collect();
    assert_eq!(told.len(), 1);
    for answer in answers.into_iter().filter(Result::is_err) {
        assert_eq!(why(answer), (FailureKind::Conflict, "email-taken"));
    }
    under.assert_only_published(&told).await;
    let names: Vec<Username> = users.into_iter().map(|user| user.username).collect();
    let known = join_all(names.iter().map(|name| find(under.port(), name.as_str()))).await;
    assert_eq!(known.iter().flatten().count(), 1);
}

pub async fn consecutive_failed_logins_lock_the_account(under: &Fixture<impl UserStore>) {
    let (user, other) = (somebody().registered(), somebody().registered());
    for user in [&user, &other] {
        register(under.port(), user).await.expect("registered");
    }
    let until = later(900);
    for _ in 0..2 {
        under.port().record_failed_login(user.id, 3, now(), until).await.expect("counted");
        assert!(!is_locked(under.port(), &user).await);
    }
    under.port().record_failed_login(user.id, 3, now(), until).await.expect("counted");
    let locked = find(under.port(), user.username.as_str()).await.expect("an account");
    assert_eq!(locked.locked_until, Some(until));
    assert!(!is_locked(under.port(), &other).await, "nobody else is locked out");
}

pub async fn expired_lock_resets_the_failed_login_count(under: &Fixture<impl UserStore>) {
    let user = somebody().registered();
    register(under.port(), &user).await.expect("registered");
    let wrong = async |at, until| {
        under.port().record_failed_login(user.id, 3, at, until).await.expect("counted");
        find(under.port(), user.username.as_str()).await.expect("an account").locked_until
    };
    let (first, second) = (later(900), later(1_800));
    for (at, until) in [(now(), first), (first, second)] {
        for _ in 0..2 {
            assert_eq!(wrong(at, until).await, None);
        }
        assert_eq!(wrong(at, until).await, Some(until));
    }
}

pub async fn concurrent_failed_logins_are_all_counted(under: &Fixture<impl UserStore>) {
    let user = somebody().registered();
    register(under.port(), &user).await.expect("registered");
    let attempts =
        join_all(under.concurrent(8).map(|users| users.record_failed_login(user.id, 8, now(), later(900)))).await;
    assert!(attempts.iter().all(Result::is_ok), "{attempts:?}");
    assert!(is_locked(under.port(), &user).await);
}

pub async fn new_session_resets_the_failed_login_count(under: &Fixture<impl UserStore>) {
    let user = somebody().registered();
    register(under.port(), &user).await.expect("registered");
    for _ in 0..3 {
        for _ in 0..2 {
            under.port().record_failed_login(user.id, 3, now(), later(900)).await.expect("counted");
            assert!(!is_locked(under.port(), &user).await, "those before the session count no more");
        }
        let digest = fresh().simple().to_string();
        under.port().begin_session(user.id, &digest, now(), later(3_600)).await.expect("begun");
    }
}

pub async fn sweep_publishes_events_missed_by_the_bus_once(under: &Fixture<impl UserStore>) {
    let somebody = somebody();
    let event = an_event(somebody.event());
    under
        .assert_published_after_outage(event.id, under.port().register(&somebody.registered(), "$hash$", &event))
        .await;
}
