//! Contract of [`PasswordStore`], over the stores that register users, verify addresses, and begin sessions and logins.

use super::{Fixture, an_event, credentials, fresh, later, now};
use crate::build;
use domain::{
    event::{ContactVerified, PasswordResetRequested},
    id::{SessionId, UserId},
    login_throttle,
    password_reset::{MAX_ATTEMPTS, PasswordReset, request_budget},
    profile,
    text::Email,
    user::User,
    verification::{ContactKind, Verification},
};
use futures_util::future::{join, join_all};
use kernel::{Failure, Timestamp};
use ports::{
    AccountStore, FactorStore, LoginAttempt, LoginCounters, LoginName, PasswordStore, RefreshToken, SessionStore,
    UserStore, VerificationStore,
};

/// Generates one test per rule. The expression is a future of a `Fixture<impl Stores>`.
#[macro_export]
macro_rules! contract_password_changes {
    ($fixture:expr) => {
        $crate::each_rule! { password_changes, $fixture;
            changed_password_ends_the_other_sessions
            password_is_changed_from_the_old_one_only
            reset_goes_to_verified_addresses_of_active_users
            requests_for_an_address_have_a_budget_that_refills
            token_may_be_tried_a_few_times_until_it_expires
            reset_sets_the_password_once_and_ends_all_sessions
            concurrent_resets_with_one_token_succeed_once
            changed_password_invalidates_mailed_tokens
            changed_email_address_invalidates_tokens_mailed_to_the_old_one
            changed_or_reset_password_ends_waiting_logins
            second_factor_that_was_begun_before_a_change_of_the_password_is_not_confirmed
            login_that_read_the_old_password_begins_no_session
            concurrent_login_with_the_old_password_outlives_no_reset
        }
    };
}

/// What a rule needs of the stores.
pub trait Stores: PasswordStore + UserStore + VerificationStore + FactorStore + SessionStore + AccountStore {}
impl<S: PasswordStore + UserStore + VerificationStore + FactorStore + SessionStore + AccountStore> Stores for S {}

fn counters() -> LoginCounters {
    LoginCounters { name_and_source: fresh().to_string(), source: fresh().to_string() }
}

async fn registered(users: &impl UserStore) -> User {
    let id = fresh();
    let user = build::user().id(UserId(id)).name(&format!("u{}", &id.simple().to_string()[18..])).registered();
    users.register(&user, "$old$", &an_event(build::user().event())).await.expect("registered");
    user
}

/// The end of a login that has read this password hash.
async fn finish(
    users: &impl UserStore,
    (session, user, hash): (SessionId, &User, &str),
    counters: &LoginCounters,
) -> Result<bool, Failure> {
    let token = RefreshToken { digest: fresh().simple().to_string(), issued_at: now(), expires_at: later(60) };
    users.begin_session(session, &credentials(user.id, hash), counters, &token).await
}

async fn begin(users: &impl UserStore, user: &User) -> SessionId {
    let session = SessionId(fresh());
    assert_eq!(finish(users, (session, user, "$old$"), &counters()).await, Ok(true));
    session
}

async fn hash_of(users: &impl UserStore, user: &User) -> String {
    match users.reserve_login(LoginName::Id(user.id), &counters(), now()).await.expect("the store responds") {
        LoginAttempt::Granted(Some(found)) => found.password_hash,
        other => panic!("{other:?}"),
    }
}

async fn reset(users: &impl PasswordStore, user: &User, selector: &str) -> PasswordReset {
    let reset = PasswordReset {
        id: fresh(),
        user_id: user.id,
        digest: fresh().simple().to_string(),
        email: user.email.clone(),
        username: user.username.clone(),
        full_name: user.full_name.clone(),
    };
    users.store_reset(&reset, selector, later(60)).await.expect("stored");
    reset
}

fn selector() -> String {
    fresh().simple().to_string()
}

pub async fn changed_password_ends_the_other_sessions(fixture: &Fixture<impl Stores>) {
    let (port, user) = (fixture.port(), registered(fixture.port()).await);
    let (other, keep) = (begin(port, &user).await, begin(port, &user).await);
    begin(port, &registered(port).await).await;
    assert_eq!(port.change_password(user.id, "$old$", "$new$", keep).await, Ok(Some(vec![other])));
    assert_eq!(hash_of(port, &user).await, "$new$");
}

pub async fn password_is_changed_from_the_old_one_only(fixture: &Fixture<impl Stores>) {
    let (port, user) = (fixture.port(), registered(fixture.port()).await);
    let session = begin(port, &user).await;
    assert_eq!(port.change_password(user.id, "$other$", "$new$", SessionId(fresh())).await, Ok(None));
    assert_eq!(port.change_password(UserId(fresh()), "$old$", "$new$", session).await, Ok(None));
    assert_eq!(hash_of(port, &user).await, "$old$");
}

pub async fn reset_goes_to_verified_addresses_of_active_users(fixture: &Fixture<impl Stores>) {
    let (port, user) = (fixture.port(), registered(fixture.port()).await);
    assert_eq!(port.find_resettable(&user.email).await, Ok(None));
    let address = user.email.as_str().to_owned();
    let (id, digest) = (fresh(), selector());
    let verification =
        Verification { id, user_id: user.id, kind: ContactKind::Email, address: address.clone(), digest, version: 1 };
    port.store_token(&verification, "SELEC", later(60)).await.expect("stored");
    let verified = ContactVerified { user_id: user.id, channel: ContactKind::Email, address };
    assert_eq!(port.verify(&verification, &an_event(verified)).await, Ok(true));
    assert_eq!(port.find_resettable(&user.email).await, Ok(Some(user.id)));
    assert_eq!(port.find_resettable(&Email::parse("nobody@example.com").expect("an address")).await, Ok(None));
}

pub async fn requests_for_an_address_have_a_budget_that_refills(fixture: &Fixture<impl Stores>) {
    let email = registered(fixture.port()).await.email;
    let began = now();
    let request = async |email: &Email, seconds: i32| {
        let time = Timestamp::from_second(began.as_second() + i64::from(seconds)).expect("a time");
        let data = PasswordResetRequested { request_id: fresh(), email: email.clone() };
        let event = domain::Event { time, ..an_event(data) };
        fixture.port().request_reset(email, &event).await.expect("a response");
        fixture.publish_count(event.id)
    };
    for _ in 0..request_budget().burst() {
        assert_eq!(request(&email, 0).await, 1);
    }
    assert_eq!((request(&email, 0).await, request(&email, request_budget().interval_s() - 1).await), (0, 0));
    assert_eq!(request(&email, request_budget().interval_s()).await, 1);
    assert_eq!(request(&registered(fixture.port()).await.email, 0).await, 1, "another address has its own");
}

pub async fn token_may_be_tried_a_few_times_until_it_expires(fixture: &Fixture<impl Stores>) {
    let (port, user, selector) = (fixture.port(), registered(fixture.port()).await, selector());
    let reset = reset(port, &user, &selector).await;
    assert_eq!(port.try_reset("other", now()).await, Ok(vec![]));
    assert_eq!(port.try_reset(&selector, later(60)).await, Ok(vec![]), "expired");
    for _ in 0..MAX_ATTEMPTS {
        assert_eq!(port.try_reset(&selector, later(59)).await, Ok(vec![reset.clone()]));
    }
    assert_eq!(port.try_reset(&selector, now()).await, Ok(vec![]));
}

pub async fn reset_sets_the_password_once_and_ends_all_sessions(fixture: &Fixture<impl Stores>) {
    let (port, user, selector) = (fixture.port(), registered(fixture.port()).await, selector());
    let mut sessions = vec![begin(port, &user).await, begin(port, &user).await];
    let (first, second) = (reset(port, &user, &selector).await, reset(port, &user, &selector).await);
    let mut ended = port.reset_password(&first, "$new$").await.expect("a response").expect("set");
    ended.sort_unstable();
    sessions.sort_unstable();
    let mut to_revoke = port.ended_sessions(now(), 10).await.expect("a list");
    to_revoke.sort_unstable();
    assert_eq!((&ended, &to_revoke, hash_of(port, &user).await.as_str()), (&sessions, &sessions, "$new$"));
    for used in [&first, &second] {
        assert_eq!(port.reset_password(used, "$other$").await, Ok(None));
    }
    assert_eq!(port.try_reset(&selector, now()).await, Ok(vec![]));
    assert_eq!(hash_of(port, &user).await, "$new$");
}

pub async fn concurrent_resets_with_one_token_succeed_once(fixture: &Fixture<impl Stores>) {
    let (port, user) = (fixture.port(), registered(fixture.port()).await);
    let reset = reset(port, &user, &selector()).await;
    let outcomes = join_all(fixture.concurrent(8).map(|port| port.reset_password(&reset, "$new$"))).await;
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Ok(Some(_)))).count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Ok(None))).count(), 7, "{outcomes:?}");
}

pub async fn changed_password_invalidates_mailed_tokens(fixture: &Fixture<impl Stores>) {
    let (port, user, selector) = (fixture.port(), registered(fixture.port()).await, selector());
    let reset = reset(port, &user, &selector).await;
    let changed = port.change_password(user.id, "$old$", "$new$", SessionId(fresh())).await;
    assert_eq!(changed, Ok(Some(vec![])));
    assert_eq!(port.try_reset(&selector, now()).await, Ok(vec![]));
    assert_eq!(port.reset_password(&reset, "$other$").await, Ok(None));
}

pub async fn changed_email_address_invalidates_tokens_mailed_to_the_old_one(fixture: &Fixture<impl Stores>) {
    let (port, user, selector) = (fixture.port(), registered(fixture.port()).await, selector());
    let old = reset(port, &user, &selector).await;
    let update = async |user: &User| {
        let event = an_event(profile::updated_event(user));
        assert_eq!(port.update_account(user, None, &event).await, Ok(true));
    };
    let renamed = User { full_name: None, version: user.version + 1, ..user.clone() };
    update(&renamed).await;
    assert_eq!(port.try_reset(&selector, now()).await.expect("a response").len(), 1, "the address is the same");
    let email = Email::parse(&format!("new-{}", user.email.as_str())).expect("an address");
    let moved = User { email, version: renamed.version + 1, ..renamed };
    update(&moved).await;
    assert_eq!(port.try_reset(&selector, now()).await, Ok(vec![]));
    let new = reset(port, &moved, &selector).await;
    assert_eq!(port.reset_password(&old, "$other$").await, Ok(None));
    assert_eq!(hash_of(port, &user).await, "$old$");
    assert_eq!(port.try_reset(&selector, now()).await, Ok(vec![new.clone()]));
    assert_eq!(port.reset_password(&new, "$new$").await, Ok(Some(vec![])));
    assert_eq!(hash_of(port, &user).await, "$new$");
}

pub async fn changed_or_reset_password_ends_waiting_logins(fixture: &Fixture<impl Stores>) {
    let (port, user, other) = (fixture.port(), registered(fixture.port()).await, registered(fixture.port()).await);
    let reset = reset(port, &user, &selector()).await;
    let wait = async |user: &User, hash: &str| {
        let digest = selector();
        let stored = port.store_login(&digest, &credentials(user.id, hash), now(), later(60)).await;
        assert_eq!(stored, Ok(true));
        digest
    };
    let (waiting, of_other) = (wait(&user, "$old$").await, wait(&other, "$old$").await);
    assert_eq!(port.change_password(user.id, "$wrong$", "$new$", SessionId(fresh())).await, Ok(None));
    assert_eq!(port.try_login(&waiting, now()).await, Ok(Some(user.id)), "nothing has changed");
    port.reset_password(&reset, "$new$").await.expect("a response").expect("set");
    assert_eq!((port.try_login(&waiting, now()).await, port.finish_login(&waiting).await), (Ok(None), Ok(false)));
    let waiting = wait(&user, "$new$").await;
    port.change_password(user.id, "$new$", "$newer$", SessionId(fresh())).await.expect("a response").expect("changed");
    assert_eq!(port.try_login(&waiting, now()).await, Ok(None));
    assert_eq!(port.try_login(&of_other, now()).await, Ok(Some(other.id)));
}

pub async fn second_factor_that_was_begun_before_a_change_of_the_password_is_not_confirmed(
    fixture: &Fixture<impl Stores>,
) {
    let (port, user) = (fixture.port(), registered(fixture.port()).await);
    let begin =
        async |hash: &str| assert_eq!(port.begin_totp(user.id, hash, "sealed", now()).await, Ok(true), "{hash}");
    let reset = reset(port, &user, &selector()).await;
    begin("$old$").await;
    port.reset_password(&reset, "$new$").await.expect("a response").expect("set");
    assert_eq!(port.activate_totp(user.id, "sealed", 10, &[]).await, Ok(false));
    begin("$new$").await;
    port.change_password(user.id, "$new$", "$newer$", SessionId(fresh())).await.expect("a response").expect("changed");
    assert_eq!(port.activate_totp(user.id, "sealed", 10, &[]).await, Ok(false));
    begin("$newer$").await;
    assert_eq!(port.activate_totp(user.id, "sealed", 10, &[]).await, Ok(true), "one that was begun since then is");
}

pub async fn login_that_read_the_old_password_begins_no_session(fixture: &Fixture<impl Stores>) {
    let (port, changed, set) = (fixture.port(), registered(fixture.port()).await, registered(fixture.port()).await);
    let reset = reset(port, &set, &selector()).await;
    port.change_password(changed.id, "$old$", "$new$", SessionId(fresh())).await.expect("a response").expect("changed");
    port.reset_password(&reset, "$new$").await.expect("a response").expect("set");
    for user in [&changed, &set] {
        let (counters, digest) = (counters(), selector());
        let attempt = async || port.reserve_login(LoginName::Id(user.id), &counters, now()).await;
        for _ in 0..login_throttle::FREE_FAILURES {
            assert!(matches!(attempt().await, Ok(LoginAttempt::Granted(_))));
        }
        assert_eq!(finish(port, (SessionId(fresh()), user, "$old$"), &counters).await, Ok(false));
        assert!(matches!(attempt().await, Ok(LoginAttempt::Refused(_))), "its attempt has failed");
        assert_eq!(port.store_login(&digest, &credentials(user.id, "$old$"), now(), later(60)).await, Ok(false));
        assert_eq!(port.try_login(&digest, now()).await, Ok(None));
        assert_eq!(port.sessions(user.id, now(), 10, None).await.expect("a page").items, []);
        assert_eq!(finish(port, (SessionId(fresh()), user, "$new$"), &counters).await, Ok(true));
        assert!(matches!(attempt().await, Ok(LoginAttempt::Granted(_))));
    }
}

pub async fn concurrent_login_with_the_old_password_outlives_no_reset(fixture: &Fixture<impl Stores>) {
    for _ in 0..8 {
        let user = registered(fixture.port()).await;
        let (session, counters, reset) =
            (SessionId(fresh()), counters(), reset(fixture.port(), &user, &selector()).await);
        let mut processes = fixture.concurrent(2);
        let (login, resetting) = (processes.next().expect("two"), processes.next().expect("two"));
        let login = finish(login, (session, &user, "$old$"), &counters);
        let (begun, ended) = join(login, resetting.reset_password(&reset, "$new$")).await;
        let ended = ended.expect("a response").expect("set");
        assert_eq!(ended.contains(&session), begun.expect("a response"), "a session that has begun has ended");
        assert_eq!(fixture.port().sessions(user.id, now(), 10, None).await.expect("a page").items, []);
    }
}
