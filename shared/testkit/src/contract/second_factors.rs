//! Contract of [`FactorStore`], over a [`UserStore`] that has the accounts and a [`SessionStore`] with their sessions.

use super::{Fixture, an_event, credentials, fresh, later, now};
use crate::build;
use domain::{
    Event,
    event::{SEQUENCE_SET_BY_STORE, SecondFactorRemoved},
    id::{SessionId, UserId},
    login_throttle::{CODE_BURST, CODE_INTERVAL_S},
    profile,
    second_factor::{MAX_ATTEMPTS, MfaPolicy, Totp},
};
use futures_util::future::join_all;
use ports::{
    CodeAttempt, Credentials, FactorStore, LoginAttempt, LoginCounters, LoginName, RefreshToken, SessionStore,
    TokenRotation, UserStore,
};

/// Generates one test per rule. The expression is a future of a `Fixture<impl Stores>`.
#[macro_export]
macro_rules! contract_second_factors {
    ($fixture:expr) => {
        $crate::each_rule! { second_factors, $fixture;
            second_factor_counts_once_it_is_active
            active_second_factor_is_neither_replaced_nor_activated_again
            step_is_used_once_and_none_before_it
            concurrent_uses_of_a_step_succeed_once
            wrong_codes_of_an_account_have_a_budget_that_refills
            concurrent_codes_do_not_exceed_the_budget_of_their_account
            recovery_code_is_used_once
            renewed_recovery_codes_replace_those_of_before
            concurrent_renewals_leave_the_codes_of_one
            removed_second_factor_takes_its_recovery_codes_along
            removed_second_factor_ends_the_other_sessions_of_a_role_that_needs_one
            refreshed_session_says_whether_a_second_factor_is_active
            second_factor_is_begun_and_removed_with_the_password_that_was_proven
            login_that_read_the_account_before_its_second_factor_changed_is_refused
            login_is_tried_five_times_until_it_expires
            login_is_finished_once
        }
    };
}

/// What a rule needs of the stores.
pub trait Stores: FactorStore + UserStore + SessionStore {}
impl<S: FactorStore + UserStore + SessionStore> Stores for S {}

async fn registered(users: &impl UserStore) -> UserId {
    let id = UserId(fresh());
    let name = format!("u{}", &id.0.simple().to_string()[18..]);
    let user = build::user().id(id).name(&name).registered();
    users.register(&user, "$hash$", &an_event(build::user().event())).await.expect("registered");
    id
}

/// A user with an active second factor, whose step 10 is used, and two recovery codes.
async fn protected(port: &impl Stores) -> UserId {
    let user = registered(port).await;
    assert_eq!(port.begin_totp(user, "$hash$", "sealed", now()).await, Ok(true));
    let digests = ["one".to_owned(), "two".to_owned()];
    assert_eq!(port.activate_totp(user, "sealed", 10, &digests).await, Ok(true));
    user
}

fn counters() -> LoginCounters {
    LoginCounters { name_and_source: fresh().to_string(), source: fresh().to_string() }
}

/// What a login reads.
async fn read(users: &impl UserStore, user: UserId) -> Credentials {
    match users.reserve_login(LoginName::Id(user), &counters(), now()).await.expect("a response") {
        LoginAttempt::Granted(Some(credentials)) => credentials,
        other => panic!("{other:?}"),
    }
}

async fn has_second_factor(users: &impl UserStore, user: UserId) -> bool {
    read(users, user).await.has_second_factor
}

pub async fn second_factor_counts_once_it_is_active(fixture: &Fixture<impl Stores>) {
    let (port, user) = (fixture.port(), registered(fixture.port()).await);
    assert_eq!(port.totp(user).await, Ok(None));
    let unknown = port.begin_totp(UserId(fresh()), "$hash$", "sealed", now()).await;
    assert_eq!(unknown, Err(profile::wrong_current_password()));
    assert_eq!(port.begin_totp(user, "$hash$", "first", now()).await, Ok(true));
    assert_eq!(port.begin_totp(user, "$hash$", "second", now()).await, Ok(true));
    let totp = |is_active| Ok(Some(Totp { sealed: "second".to_owned(), is_active }));
    assert_eq!((port.totp(user).await, has_second_factor(port, user).await), (totp(false), false));
    assert_eq!(port.use_step(user, 10).await, Ok(false));
    assert_eq!(port.activate_totp(user, "first", 10, &[]).await, Ok(false));
    assert_eq!(port.activate_totp(user, "second", 10, &[]).await, Ok(true));
    assert_eq!((port.totp(user).await, has_second_factor(port, user).await), (totp(true), true));
}

pub async fn active_second_factor_is_neither_replaced_nor_activated_again(fixture: &Fixture<impl Stores>) {
    let (port, user) = (fixture.port(), protected(fixture.port()).await);
    assert_eq!(port.begin_totp(user, "$hash$", "other", now()).await, Ok(false));
    assert_eq!(port.activate_totp(user, "sealed", 11, &["three".to_owned()]).await, Ok(false));
    assert_eq!(port.use_recovery_code(user, "three").await, Ok(false));
}

pub async fn step_is_used_once_and_none_before_it(fixture: &Fixture<impl Stores>) {
    let (port, user) = (fixture.port(), protected(fixture.port()).await);
    for (step, is_accepted) in [(10, false), (12, true), (12, false), (11, false), (13, true)] {
        assert_eq!(port.use_step(user, step).await, Ok(is_accepted), "{step}");
    }
}

pub async fn concurrent_uses_of_a_step_succeed_once(fixture: &Fixture<impl Stores>) {
    let user = protected(fixture.port()).await;
    let uses = join_all(fixture.concurrent(8).map(|port| port.use_step(user, 11))).await;
    assert_eq!(uses.into_iter().filter(|used| *used == Ok(true)).count(), 1);
}

pub async fn wrong_codes_of_an_account_have_a_budget_that_refills(fixture: &Fixture<impl Stores>) {
    let (port, user, other) = (fixture.port(), protected(fixture.port()).await, protected(fixture.port()).await);
    let unprotected = registered(port).await;
    assert_eq!(port.begin_totp(unprotected, "$hash$", "sealed", now()).await, Ok(true));
    assert_eq!(port.try_code(unprotected, now()).await, Ok(CodeAttempt::Inactive));
    let granted = || Ok(CodeAttempt::Granted("sealed".to_owned()));
    for _ in 0..CODE_BURST {
        assert_eq!(port.try_code(user, now()).await, granted());
    }
    let next = later(CODE_INTERVAL_S.into());
    for at in [now(), later(i64::from(CODE_INTERVAL_S) - 1)] {
        assert_eq!(port.try_code(user, at).await, Ok(CodeAttempt::Refused(Some(next))), "it counts nothing");
    }
    assert_eq!(port.try_code(other, now()).await, granted(), "another account");
    assert_eq!(port.try_code(user, next).await, granted());
    assert_eq!(port.use_step(user, 10).await, Ok(false), "a used step gives nothing back");
    assert!(matches!(port.try_code(user, next).await, Ok(CodeAttempt::Refused(_))));
    assert_eq!(port.use_step(user, 11).await, Ok(true));
    assert_eq!(port.try_code(user, next).await, granted(), "a right code gives its attempt back");
    assert_eq!(port.use_recovery_code(user, "one").await, Ok(true), "recovery codes are not limited");
}

pub async fn concurrent_codes_do_not_exceed_the_budget_of_their_account(fixture: &Fixture<impl Stores>) {
    let user = protected(fixture.port()).await;
    for _ in 0..CODE_BURST - 3 {
        fixture.port().try_code(user, now()).await.expect("a response");
    }
    let attempts = join_all(fixture.concurrent(8).map(|port| port.try_code(user, now()))).await;
    let is_granted = |one: &&Result<CodeAttempt, _>| matches!(one, Ok(CodeAttempt::Granted(_)));
    assert_eq!(attempts.iter().filter(is_granted).count(), 3, "{attempts:?}");
}

pub async fn recovery_code_is_used_once(fixture: &Fixture<impl Stores>) {
    let (port, user, other) = (fixture.port(), protected(fixture.port()).await, protected(fixture.port()).await);
    for (digest, is_accepted) in [("one", true), ("one", false), ("three", false), ("two", true)] {
        assert_eq!(port.use_recovery_code(user, digest).await, Ok(is_accepted), "{digest}");
    }
    assert_eq!(port.use_recovery_code(other, "one").await, Ok(true));
}

fn two(name: &str) -> [String; 2] {
    [1, 2].map(|number| format!("{name}{number}"))
}

pub async fn renewed_recovery_codes_replace_those_of_before(fixture: &Fixture<impl Stores>) {
    let (port, user, other) = (fixture.port(), protected(fixture.port()).await, protected(fixture.port()).await);
    let unprotected = registered(port).await;
    assert_eq!(port.begin_totp(unprotected, "$hash$", "sealed", now()).await, Ok(true));
    assert_eq!(port.renew_recovery_codes(unprotected, &two("new")).await, Ok(false));
    assert_eq!(port.use_recovery_code(user, "one").await, Ok(true));
    assert_eq!(port.renew_recovery_codes(user, &two("new")).await, Ok(true));
    for (digest, is_accepted) in [("one", false), ("two", false), ("new1", true), ("new1", false), ("new2", true)] {
        assert_eq!(port.use_recovery_code(user, digest).await, Ok(is_accepted), "{digest}");
    }
    assert_eq!(port.use_recovery_code(other, "two").await, Ok(true));
    assert_eq!(port.renew_recovery_codes(user, &two("newer")).await, Ok(true), "none is left");
    assert_eq!(port.use_recovery_code(user, "newer1").await, Ok(true));
}

pub async fn concurrent_renewals_leave_the_codes_of_one(fixture: &Fixture<impl Stores>) {
    let user = protected(fixture.port()).await;
    let names: Vec<String> = (0..8).map(|number| format!("set{number}-")).collect();
    let renewals = fixture.concurrent(8).zip(&names).map(|(port, name)| async move {
        assert_eq!(port.renew_recovery_codes(user, &two(name)).await, Ok(true));
    });
    join_all(renewals).await;
    let mut accepted = Vec::new();
    for digest in names.iter().flat_map(|name| two(name)) {
        if fixture.port().use_recovery_code(user, &digest).await == Ok(true) {
            accepted.push(digest);
        }
    }
    let names = names.iter().map(|name| two(name).to_vec());
    assert!(names.into_iter().any(|pair| pair == accepted), "{accepted:?}");
}

pub async fn removed_second_factor_takes_its_recovery_codes_along(fixture: &Fixture<impl Stores>) {
    let (port, user) = (fixture.port(), protected(fixture.port()).await);
    let removed = || an_event(SecondFactorRemoved { user_id: user, removed_by: user });
    let event = Event { sequence: SEQUENCE_SET_BY_STORE, ..removed() };
    assert_eq!(port.remove_totp(user, &MfaPolicy::default(), None, &event).await, Ok(Some(vec![])));
    assert_eq!(fixture.published(event.id).expect("published").sequence, 1, "the version of the account");
    let again = removed();
    assert_eq!(port.remove_totp(user, &MfaPolicy::default(), None, &again).await, Ok(None));
    assert_eq!(fixture.publish_count(again.id), 0);
    assert_eq!((port.totp(user).await, port.use_recovery_code(user, "one").await), (Ok(None), Ok(false)));
    assert!(!has_second_factor(port, user).await);
}

/// The end of a login that has read these: whether a session has begun, and the digest of its refresh token.
async fn finish(users: &impl UserStore, session: SessionId, checked: &Credentials) -> (bool, String) {
    let digest = fresh().simple().to_string();
    let token = RefreshToken { digest: digest.clone(), issued_at: now(), expires_at: later(60) };
    (users.begin_session(session, checked, &counters(), &token).await.expect("a response"), digest)
}

/// A session of a user, with the digest of its refresh token.
async fn begin_session(users: &impl UserStore, user: UserId) -> (SessionId, String) {
    let session = SessionId(fresh());
    let (has_begun, digest) = finish(users, session, &read(users, user).await).await;
    assert!(has_begun);
    (session, digest)
}

/// Replaces a refresh token. Returns the digest of the next, and whether the account has a second factor; `None` if the session has ended.
async fn refresh(sessions: &impl SessionStore, digest: &str) -> Option<(String, bool)> {
    let next = RefreshToken { digest: fresh().simple().to_string(), issued_at: now(), expires_at: later(60) };
    match sessions.rotate_token(digest, &next).await.expect("the store responds") {
        TokenRotation::Rotated(session) => Some((next.digest, session.has_second_factor)),
        _ => None,
    }
}

pub async fn removed_second_factor_ends_the_other_sessions_of_a_role_that_needs_one(fixture: &Fixture<impl Stores>) {
    let port = fixture.port();
    let policy = |roles: &str| MfaPolicy::parse(roles).expect("valid");
    let (user, other) = (protected(port).await, protected(port).await);
    let ((own, kept), (first, ended), (_, elsewhere)) =
        (begin_session(port, user).await, begin_session(port, user).await, begin_session(port, other).await);
    let removed = || an_event(SecondFactorRemoved { user_id: user, removed_by: user });
    let unprotected = registered(port).await;
    let (_, untouched) = begin_session(port, unprotected).await;
    let all = policy("customer,staff");
    assert_eq!(port.remove_totp(unprotected, &all, None, &removed()).await, Ok(None), "nothing is removed");
    assert_eq!(port.remove_totp(user, &all, Some(("$hash$", own)), &removed()).await, Ok(Some(vec![first])));
    assert_eq!(refresh(port, &ended).await, None);
    for goes_on in [&kept, &untouched, &elsewhere] {
        assert!(refresh(port, goes_on).await.is_some());
    }
    let (admins, by_admin) = (policy("staff,admin"), begin_session(port, other).await);
    assert_eq!(port.remove_totp(other, &admins, None, &removed()).await, Ok(Some(vec![])), "a role without one");
    assert!(refresh(port, &by_admin.1).await.is_some());
    assert_eq!(port.begin_totp(other, "$hash$", "sealed", now()).await, Ok(true));
    let ended = port.remove_totp(other, &all, None, &removed()).await.expect("a response").expect("removed");
    assert_eq!((ended.len(), ended.contains(&by_admin.0)), (2, true), "every session, without one to keep");
}

pub async fn refreshed_session_says_whether_a_second_factor_is_active(fixture: &Fixture<impl Stores>) {
    let (port, user) = (fixture.port(), registered(fixture.port()).await);
    let (_, token) = begin_session(port, user).await;
    assert_eq!(port.begin_totp(user, "$hash$", "sealed", now()).await, Ok(true));
    let (token, before) = refresh(port, &token).await.expect("it goes on");
    assert_eq!(port.activate_totp(user, "sealed", 10, &[]).await, Ok(true));
    let (token, active) = refresh(port, &token).await.expect("it goes on");
    let removed = an_event(SecondFactorRemoved { user_id: user, removed_by: user });
    assert_eq!(port.remove_totp(user, &MfaPolicy::default(), None, &removed).await, Ok(Some(vec![])));
    let (_, after) = refresh(port, &token).await.expect("it goes on");
    assert_eq!((before, active, after), (false, true, false));
}

pub async fn second_factor_is_begun_and_removed_with_the_password_that_was_proven(fixture: &Fixture<impl Stores>) {
    let (port, user) = (fixture.port(), registered(fixture.port()).await);
    let refused = profile::wrong_current_password;
    assert_eq!(port.begin_totp(user, "$old$", "sealed", now()).await, Err(refused()));
    assert_eq!(port.totp(user).await, Ok(None));
    assert_eq!(port.begin_totp(user, "$hash$", "sealed", now()).await, Ok(true));
    assert_eq!(port.activate_totp(user, "sealed", 10, &[]).await, Ok(true));
    assert_eq!(port.begin_totp(user, "$old$", "another", now()).await, Err(refused()), "whether one is active or not");
    let (removed, own) = (an_event(SecondFactorRemoved { user_id: user, removed_by: user }), SessionId(fresh()));
    let remove = async |proven| port.remove_totp(user, &MfaPolicy::default(), Some((proven, own)), &removed).await;
    assert_eq!((remove("$old$").await, fixture.publish_count(removed.id)), (Err(refused()), 0));
    assert!(has_second_factor(port, user).await);
    assert_eq!((remove("$hash$").await, remove("$hash$").await), (Ok(Some(vec![])), Ok(None)));
    assert_eq!(fixture.publish_count(removed.id), 1);
}

pub async fn login_that_read_the_account_before_its_second_factor_changed_is_refused(fixture: &Fixture<impl Stores>) {
    let (port, user) = (fixture.port(), registered(fixture.port()).await);
    let without = read(port, user).await;
    let is_refused = async |checked: &Credentials| {
        let digest = fresh().to_string();
        let begun = finish(port, SessionId(fresh()), checked).await.0;
        let stored = port.store_login(&digest, checked, now(), later(60)).await;
        assert_eq!((stored, port.try_login(&digest, now()).await), (Ok(begun), Ok(begun.then_some(user))));
        !begun
    };
    assert_eq!(port.begin_totp(user, "$hash$", "sealed", now()).await, Ok(true));
    assert!(!is_refused(&without).await, "it is not active yet");
    assert_eq!(port.activate_totp(user, "sealed", 10, &[]).await, Ok(true));
    let with = read(port, user).await;
    assert_eq!((is_refused(&without).await, is_refused(&with).await), (true, false));
    let removed = an_event(SecondFactorRemoved { user_id: user, removed_by: user });
    assert_eq!(port.remove_totp(user, &MfaPolicy::default(), None, &removed).await, Ok(Some(vec![])));
    assert_eq!((is_refused(&with).await, is_refused(&without).await), (true, false));
    let left = port.sessions(user, now(), 10, None).await.expect("a page").items;
    assert_eq!(left.len(), 3, "one for each login that was not refused");
}

pub async fn login_is_tried_five_times_until_it_expires(fixture: &Fixture<impl Stores>) {
    let (port, user, digest) = (fixture.port(), registered(fixture.port()).await, fresh().to_string());
    assert_eq!(port.store_login(&digest, &credentials(user, "$hash$"), now(), later(60)).await, Ok(true));
    assert_eq!(port.try_login(&fresh().to_string(), now()).await, Ok(None));
    assert_eq!(port.try_login(&digest, later(60)).await, Ok(None));
    for _ in 0..MAX_ATTEMPTS {
        assert_eq!(port.try_login(&digest, later(59)).await, Ok(Some(user)));
    }
    assert_eq!(port.try_login(&digest, later(59)).await, Ok(None));
}

pub async fn login_is_finished_once(fixture: &Fixture<impl Stores>) {
    let (port, user, digest) = (fixture.port(), registered(fixture.port()).await, fresh().to_string());
    assert_eq!(port.store_login(&digest, &credentials(user, "$hash$"), now(), later(60)).await, Ok(true));
    let finished = join_all(fixture.concurrent(8).map(|port| port.finish_login(&digest))).await;
    assert_eq!(finished.into_iter().filter(|one| *one == Ok(true)).count(), 1);
    assert_eq!(port.try_login(&digest, now()).await, Ok(None));
}
