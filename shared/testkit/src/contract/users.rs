//! Contract of [`UserStore`].

use super::{Fixture, an_event, credentials, fresh, kind_and_code, later, now};
use crate::build::{self, UserBuilder};
use domain::{
    id::{SessionId, UserId},
    login_throttle,
    message_limits::Budget,
    text::Email,
    text::Username,
    user::User,
};
use futures_util::future::join_all;
use kernel::{Failure, FailureKind, IdempotencyKey, IdempotencyOutcome, Timestamp, Uuid};
use ports::{Credentials, LoginAttempt, LoginCounters, LoginName, RefreshToken, UserStore};

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
            registrations_of_a_source_are_refused_beyond_its_budget_which_refills
            concurrent_registrations_of_a_source_do_not_exceed_its_budget
            failed_logins_of_a_name_from_a_source_are_delayed_more_and_more
            unknown_name_is_counted_like_an_account
            other_source_is_not_delayed
            free_failures_delay_no_attempt_whose_clock_is_behind
            forgotten_failures_start_again
            concurrent_guesses_are_all_counted
            session_resets_the_failures_of_its_name_and_gives_the_source_its_attempt_back
            forgotten_attempt_resets_the_failures_of_its_name
            account_is_found_by_its_id
            source_has_a_budget_for_all_names_that_refills
            refused_login_counts_nothing
            sweep_publishes_events_missed_by_the_bus_once
        }
    };
}

fn new_user() -> UserBuilder {
    // The last twelve digits of a version 7 UUID are random.
    let id = fresh();
    build::user().id(UserId(id)).name(&format!("u{}", &id.simple().to_string()[18..]))
}

async fn register(users: &impl UserStore, user: &User) -> Result<Uuid, Failure> {
    let event = an_event(build::user().event());
    users.register(user, "$hash$", &event).await.map(|()| event.id)
}

/// New counters of a name from a source.
fn counters() -> LoginCounters {
    LoginCounters { name_and_source: fresh().to_string(), source: fresh().to_string() }
}

/// The credentials that a login by a name gets at its first attempt.
async fn find(users: &impl UserStore, name: &str) -> Option<Credentials> {
    match users.reserve_login(LoginName::Typed(name), &counters(), now()).await.expect("the store responds") {
        LoginAttempt::Granted(found) => found,
        LoginAttempt::Refused(until) => panic!("refused until {until:?}"),
    }
}

/// The seconds, from [`now`], until which an attempt `at` seconds from now is refused; `None` if it is counted.
async fn attempt(users: &impl UserStore, name: &str, counters: &LoginCounters, at: i32) -> Option<i64> {
    match users.reserve_login(LoginName::Typed(name), counters, later(i64::from(at))).await.expect("the store responds")
    {
        LoginAttempt::Granted(_) => None,
        LoginAttempt::Refused(until) => Some(until.expect("a time").as_second() - now().as_second()),
    }
}

pub async fn registered_user_is_found_by_email_and_username(fixture: &Fixture<impl UserStore>) {
    let user = new_user().registered();
    let event = register(fixture.port(), &user).await.expect("registered");
    let known = credentials(user.id, "$hash$");
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
    assert_eq!(fixture.port().store_response(&key, &problem).await, Ok(IdempotencyOutcome::Committed));
    let (outcome, _) = register_once(fixture.port(), &new_user().registered(), &key).await.expect("replayed");
    assert_eq!(outcome, IdempotencyOutcome::Replayed(problem));
    fixture.assert_only_published(&[event]).await;
}

pub async fn registrations_of_a_source_are_refused_beyond_its_budget_which_refills(fixture: &Fixture<impl UserStore>) {
    let (budget, source, other) = (Budget::hourly(3), fresh().to_string(), fresh().to_string());
    let count = async |source: &str, at| match fixture.port().count_registration(source, budget, later(at)).await {
        Ok(()) => None,
        Err(refused) => {
            assert_eq!((refused.kind, refused.code), (FailureKind::RateLimited, "too-many-registrations"));
            refused.retry_after_s
        }
    };
    for _ in 0..3 {
        assert_eq!(count(&source, 0).await, None);
    }
    assert_eq!((count(&source, 0).await, count(&source, 1_199).await), (Some(1_200), Some(1)));
    assert_eq!(count(&other, 0).await, None, "another source has a budget of its own");
    assert_eq!((count(&source, 1_200).await, count(&source, 1_200).await), (None, Some(1_200)));
    for _ in 0..3 {
        assert_eq!(count(&source, 10_000).await, None);
    }
    assert!(count(&source, 10_000).await.is_some());
}

pub async fn concurrent_registrations_of_a_source_do_not_exceed_its_budget(fixture: &Fixture<impl UserStore>) {
    let (budget, source, at) = (Budget::hourly(5), fresh().to_string(), now());
    let all = join_all(fixture.concurrent(16).map(|users| users.count_registration(&source, budget, at))).await;
    assert_eq!(all.iter().filter(|one| one.is_ok()).count(), 5, "{all:?}");
    assert!(all.iter().flat_map(|one| one.as_ref().err()).all(|refused| refused.kind == FailureKind::RateLimited));
}

/// Attempts as soon as each is allowed: the delays follow the table, whether the name is an account's or not.
async fn assert_growing_delays(users: &impl UserStore, name: &str) {
    let (counters, began, mut at) = (counters(), now(), 0);
    let refused_until = async |at: i32| {
        let at = Timestamp::from_second(began.as_second() + i64::from(at)).expect("a time");
        match users.reserve_login(LoginName::Typed(name), &counters, at).await.expect("the store responds") {
            LoginAttempt::Granted(_) => None,
            LoginAttempt::Refused(until) => until.map(|until| until.as_second() - began.as_second()),
        }
    };
    for (delay, failures) in login_throttle::delays().into_iter().zip(1..) {
        assert_eq!(refused_until(at).await, None, "attempt {failures}");
        if delay > 0 {
            assert_eq!(refused_until(at + delay - 1).await, Some(i64::from(at + delay)), "after {failures} failures");
        }
        at += delay;
    }
    assert_eq!(
        (refused_until(at).await, refused_until(at + 1).await),
        (None, Some(i64::from(at + login_throttle::MAX_DELAY_S)))
    );
}

pub async fn failed_logins_of_a_name_from_a_source_are_delayed_more_and_more(fixture: &Fixture<impl UserStore>) {
    let user = new_user().registered();
    register(fixture.port(), &user).await.expect("registered");
    assert_growing_delays(fixture.port(), user.username.as_str()).await;
}

pub async fn unknown_name_is_counted_like_an_account(fixture: &Fixture<impl UserStore>) {
    assert_growing_delays(fixture.port(), "nobody").await;
}

pub async fn other_source_is_not_delayed(fixture: &Fixture<impl UserStore>) {
    let (guessing, elsewhere) = (counters(), counters());
    for _ in 0..login_throttle::FREE_FAILURES {
        assert_eq!(attempt(fixture.port(), "ada", &guessing, 0).await, None);
    }
    assert!(attempt(fixture.port(), "ada", &guessing, 0).await.is_some());
    assert_eq!(attempt(fixture.port(), "ada", &elsewhere, 0).await, None);
    let other_name = LoginCounters { source: guessing.source, ..counters() };
    assert_eq!(attempt(fixture.port(), "bob", &other_name, 0).await, None, "nor is another name from the source");
}

pub async fn free_failures_delay_no_attempt_whose_clock_is_behind(fixture: &Fixture<impl UserStore>) {
    let counters = counters();
    for failures in 0..login_throttle::FREE_FAILURES {
        assert_eq!(attempt(fixture.port(), "ada", &counters, 10 - failures).await, None, "after {failures}");
    }
    assert!(attempt(fixture.port(), "ada", &counters, 0).await.is_some());
}

pub async fn forgotten_failures_start_again(fixture: &Fixture<impl UserStore>) {
    let counters = counters();
    for round in 0..2 {
        let at = round * (login_throttle::MEMORY_S + 60);
        for _ in 0..login_throttle::FREE_FAILURES {
            assert_eq!(attempt(fixture.port(), "ada", &counters, at).await, None, "{round}");
        }
        assert!(attempt(fixture.port(), "ada", &counters, at + 1).await.is_some(), "{round}");
    }
}

pub async fn concurrent_guesses_are_all_counted(fixture: &Fixture<impl UserStore>) {
    let (counters, at) = (counters(), now());
    let guesses = fixture.concurrent(24).map(|users| users.reserve_login(LoginName::Typed("ada"), &counters, at));
    let granted = |guess: &Result<LoginAttempt, Failure>| matches!(guess, Ok(LoginAttempt::Granted(_)));
    let guesses = join_all(guesses).await;
    assert!(guesses.iter().all(Result::is_ok), "{guesses:?}");
    let expected = usize::try_from(login_throttle::FREE_FAILURES).expect("positive");
    assert_eq!(guesses.iter().filter(|guess| granted(guess)).count(), expected);
}

pub async fn session_resets_the_failures_of_its_name_and_gives_the_source_its_attempt_back(
    fixture: &Fixture<impl UserStore>,
) {
    let (user, counters) = (new_user().registered(), counters());
    register(fixture.port(), &user).await.expect("registered");
    for _ in 0..login_throttle::SOURCE_BURST {
        assert_eq!(attempt(fixture.port(), user.username.as_str(), &counters, 0).await, None);
        let token = RefreshToken { digest: fresh().simple().to_string(), issued_at: now(), expires_at: later(3_600) };
        let checked = credentials(user.id, "$hash$");
        let begun = fixture.port().begin_session(SessionId(fresh()), &checked, &counters, &token);
        assert_eq!(begun.await, Ok(true));
    }
    assert_eq!(attempt(fixture.port(), user.username.as_str(), &counters, 0).await, None);
}

/// Another name from the source of `counters`.
fn next_name(counters: &LoginCounters) -> LoginCounters {
    LoginCounters { name_and_source: fresh().to_string(), ..counters.clone() }
}

pub async fn source_has_a_budget_for_all_names_that_refills(fixture: &Fixture<impl UserStore>) {
    let (source, began) = (counters(), now());
    let spray = async |after: i32| {
        let at = Timestamp::from_second(began.as_second() + i64::from(after)).expect("a time");
        match fixture
            .port()
            .reserve_login(LoginName::Typed("someone"), &next_name(&source), at)
            .await
            .expect("the store responds")
        {
            LoginAttempt::Granted(_) => None,
            LoginAttempt::Refused(until) => until.map(|until| until.as_second() - began.as_second()),
        }
    };
    for _ in 0..login_throttle::SOURCE_BURST {
        assert_eq!(spray(0).await, None);
    }
    let interval = login_throttle::SOURCE_INTERVAL_S;
    assert_eq!(spray(0).await, Some(i64::from(interval)));
    assert_eq!((spray(interval).await, spray(interval).await), (None, Some(i64::from(2 * interval))));
    assert_eq!(
        attempt(fixture.port(), "someone", &counters(), 0).await,
        None,
        "other sources have budgets of their own"
    );
}

pub async fn refused_login_counts_nothing(fixture: &Fixture<impl UserStore>) {
    let (counters, began) = (counters(), now());
    let reserve = async |after: i32| {
        let at = Timestamp::from_second(began.as_second() + i64::from(after)).expect("a time");
        fixture.port().reserve_login(LoginName::Typed("ada"), &counters, at).await.expect("the store responds")
    };
    for _ in 0..login_throttle::FREE_FAILURES {
        assert_eq!(reserve(0).await, LoginAttempt::Granted(None));
    }
    for _ in 0..2 * login_throttle::SOURCE_BURST {
        assert!(matches!(reserve(1).await, LoginAttempt::Refused(_)));
    }
    assert_eq!(
        reserve(login_throttle::FIRST_DELAY_S).await,
        LoginAttempt::Granted(None),
        "neither for the name nor for the source"
    );
}

pub async fn sweep_publishes_events_missed_by_the_bus_once(fixture: &Fixture<impl UserStore>) {
    let user = new_user();
    let event = an_event(user.event());
    fixture
        .assert_published_after_outage(event.id, fixture.port().register(&user.registered(), "$hash$", &event))
        .await;
}

pub async fn forgotten_attempt_resets_the_failures_of_its_name(fixture: &Fixture<impl UserStore>) {
    let counters = counters();
    for _ in 0..login_throttle::SOURCE_BURST {
        assert_eq!(attempt(fixture.port(), "ada", &counters, 0).await, None);
        assert_eq!(fixture.port().forget_attempt(&counters).await, Ok(()));
    }
    assert_eq!(attempt(fixture.port(), "ada", &counters, 0).await, None);
}

pub async fn account_is_found_by_its_id(fixture: &Fixture<impl UserStore>) {
    let user = new_user().registered();
    register(fixture.port(), &user).await.expect("registered");
    let reserve = async |id| fixture.port().reserve_login(LoginName::Id(id), &counters(), now()).await;
    let known = credentials(user.id, "$hash$");
    assert_eq!(reserve(user.id).await, Ok(LoginAttempt::Granted(Some(known))));
    assert_eq!(reserve(UserId(fresh())).await, Ok(LoginAttempt::Granted(None)));
    assert_eq!(find(fixture.port(), &user.id.to_string()).await, None, "an id is no name");
}
