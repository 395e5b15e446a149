//! Contract of [`AccountStore`], over the stores that register users and begin their sessions.

use super::{Fixture, an_event, credentials, fresh, kind_and_code, later, now};
use crate::build;
use domain::{
    address::Address,
    event::{UserDeleted, UserErased},
    id::{SessionId, UserId},
    profile,
    text::Phone,
    user::{AccountStatus, Role, User},
};
use futures_util::future::join_all;
use kernel::{Failure, FailureKind, Uuid};
use ports::{
    AccountStore, Credentials, FactorStore, LoginAttempt, LoginCounters, LoginName, RefreshToken, SessionStore,
    TokenRotation, UserStore, VerificationStore,
};

/// Generates one test per rule. The expression is a future of a
/// `Fixture<impl AccountStore + UserStore + SessionStore + VerificationStore + FactorStore>`.
#[macro_export]
macro_rules! contract_accounts {
    ($fixture:expr) => {
        $crate::each_rule! { accounts, $fixture;
            account_is_read_as_it_was_registered
            update_replaces_every_member_and_publishes
            update_of_another_version_changes_nothing
            concurrent_updates_of_one_version_succeed_once
            update_and_erasure_need_the_password_that_was_proven
            update_to_a_taken_email_or_username_is_a_conflict_and_changes_nothing
            disabled_account_neither_logs_in_nor_refreshes
            administered_account_has_its_role_and_status_and_no_session
            login_that_read_the_account_before_it_was_changed_begins_no_session
            changed_account_ends_waiting_logins
            accounts_are_found_by_a_beginning_in_pages
            deleted_account_is_not_found_and_its_sessions_have_ended
            deleted_account_frees_its_email_and_keeps_its_username
            deletion_of_another_version_changes_nothing
            erased_account_is_deleted_and_names_nobody
            erasure_of_a_deleted_account_publishes_its_erasure_alone
            erasure_of_an_unknown_account_changes_nothing
            concurrent_erasures_publish_once
        }
    };
}

/// What a rule needs of the stores.
pub trait Stores: AccountStore + UserStore + SessionStore + VerificationStore + FactorStore {}
impl<S: AccountStore + UserStore + SessionStore + VerificationStore + FactorStore> Stores for S {}

async fn registered(users: &impl UserStore) -> User {
    let id = fresh();
    let name = format!("u{}", &id.simple().to_string()[18..]);
    let phone = Some(Phone::parse("+491701234567").expect("a number"));
    let address = serde_json::from_value::<Address>(serde_json::json!({
        "line1": "1 Quay", "city": "Hamburg", "postal_code": "20457", "country": "DE",
    }));
    let address = Some(address.expect("an address"));
    let user = User { phone, address, ..build::user().id(UserId(id)).name(&name).registered() };
    users.register(&user, "$hash$", &an_event(build::user().event())).await.expect("registered");
    user
}

async fn update(users: &impl AccountStore, user: &User) -> (Result<bool, Failure>, Uuid) {
    let event = an_event(profile::updated_event(user));
    (users.update_account(user, None, &event).await, event.id)
}

fn counters() -> LoginCounters {
    LoginCounters { name_and_source: fresh().to_string(), source: fresh().to_string() }
}

async fn can_log_in(users: &impl UserStore, user: &User) -> bool {
    let attempt = users.reserve_login(LoginName::Typed(user.email.as_str()), &counters(), now()).await;
    match attempt.expect("the store responds") {
        LoginAttempt::Granted(found) => found.is_some(),
        LoginAttempt::Refused(until) => panic!("refused until {until:?}"),
    }
}

fn token() -> RefreshToken {
    RefreshToken { digest: fresh().simple().to_string(), issued_at: now(), expires_at: later(60) }
}

async fn begin(users: &impl UserStore, user: &User) -> (SessionId, RefreshToken) {
    let (session, token) = (SessionId(fresh()), token());
    let begun = users.begin_session(session, &credentials(user.id, "$hash$"), &counters(), &token).await;
    assert_eq!(begun, Ok(true));
    (session, token)
}

pub async fn account_is_read_as_it_was_registered(fixture: &Fixture<impl Stores>) {
    let user = registered(fixture.port()).await;
    assert_eq!(fixture.port().account(user.id).await, Ok(Some(user)));
    assert_eq!(fixture.port().account(UserId(fresh())).await, Ok(None));
}

pub async fn update_replaces_every_member_and_publishes(fixture: &Fixture<impl Stores>) {
    let user = registered(fixture.port()).await;
    let other = build::user().name(&format!("n{}", &fresh().simple().to_string()[18..])).registered();
    let updated = User {
        email: other.email,
        username: other.username,
        full_name: None,
        phone: None,
        address: None,
        role: Role::Staff,
        status: AccountStatus::Disabled,
        version: user.version + 1,
        ..user
    };
    let (outcome, event) = update(fixture.port(), &updated).await;
    assert_eq!(outcome, Ok(true));
    assert_eq!(fixture.port().account(user.id).await, Ok(Some(updated)));
    assert_eq!(fixture.publish_count(event), 1);
}

pub async fn update_of_another_version_changes_nothing(fixture: &Fixture<impl Stores>) {
    let user = registered(fixture.port()).await;
    for version in [user.version, user.version + 2] {
        let updated = User { full_name: None, version, ..user.clone() };
        let (outcome, event) = update(fixture.port(), &updated).await;
        assert_eq!((outcome, fixture.publish_count(event)), (Ok(false), 0));
    }
    let unknown = User { id: UserId(fresh()), version: 2, ..user.clone() };
    assert_eq!(update(fixture.port(), &unknown).await.0, Ok(false));
    assert_eq!(fixture.port().account(user.id).await, Ok(Some(user)));
}

pub async fn concurrent_updates_of_one_version_succeed_once(fixture: &Fixture<impl Stores>) {
    let user = registered(fixture.port()).await;
    let updated = User { full_name: None, version: user.version + 1, ..user };
    let outcomes = join_all(fixture.concurrent(8).map(|port| update(port, &updated))).await;
    assert_eq!(outcomes.iter().filter(|(outcome, _)| *outcome == Ok(true)).count(), 1, "{outcomes:?}");
}

pub async fn update_and_erasure_need_the_password_that_was_proven(fixture: &Fixture<impl Stores>) {
    let (port, user) = (fixture.port(), registered(fixture.port()).await);
    let updated = User { full_name: None, version: user.version + 1, ..user.clone() };
    let event = an_event(profile::updated_event(&updated));
    let refused = port.update_account(&updated, Some("$old$"), &event).await;
    assert_eq!((refused, fixture.publish_count(event.id)), (Err(profile::wrong_current_password()), 0));
    let (refused, events) = erase_with(port, user.id, Some("$old$")).await;
    assert_eq!(refused, Err(profile::wrong_current_password()));
    assert_eq!(events.map(|id| fixture.publish_count(id)), [0, 0]);
    assert_eq!(port.account(user.id).await, Ok(Some(user.clone())));
    assert_eq!(port.update_account(&updated, Some("$hash$"), &event).await, Ok(true));
    assert_eq!(port.update_account(&updated, Some("$hash$"), &event).await, Ok(false), "of another version");
    for _ in 0..2 {
        let (outcome, _) = erase_with(port, user.id, Some("$hash$")).await;
        assert_eq!(outcome, Ok(Some(vec![])), "also of one that is erased");
    }
}

pub async fn update_to_a_taken_email_or_username_is_a_conflict_and_changes_nothing(fixture: &Fixture<impl Stores>) {
    let (user, other) = (registered(fixture.port()).await, registered(fixture.port()).await);
    let next = User { version: user.version + 1, ..user.clone() };
    for (taken, code, pointer) in [
        (User { email: other.email.clone(), ..next.clone() }, "email-taken", "/email"),
        (User { username: other.username.clone(), ..next.clone() }, "username-taken", "/username"),
    ] {
        let (outcome, event) = update(fixture.port(), &taken).await;
        assert_eq!(outcome.as_ref().expect_err("taken").fields[0].pointer, pointer);
        assert_eq!((kind_and_code(outcome), fixture.publish_count(event)), ((FailureKind::Conflict, code), 0));
    }
    assert_eq!(fixture.port().account(user.id).await, Ok(Some(user)));
}

pub async fn disabled_account_neither_logs_in_nor_refreshes(fixture: &Fixture<impl Stores>) {
    let user = registered(fixture.port()).await;
    let (_, first) = begin(fixture.port(), &user).await;
    let disabled = User { status: AccountStatus::Disabled, version: user.version + 1, ..user };
    assert_eq!(update(fixture.port(), &disabled).await.0, Ok(true));
    assert!(!can_log_in(fixture.port(), &disabled).await);
    assert_eq!(fixture.port().rotate_token(&first.digest, &token()).await, Ok(TokenRotation::Unknown));
    let enabled = User { status: AccountStatus::Active, version: disabled.version + 1, ..disabled };
    assert_eq!(update(fixture.port(), &enabled).await.0, Ok(true));
    assert!(can_log_in(fixture.port(), &enabled).await);
}

async fn delete(users: &impl AccountStore, user: &User) -> (Result<Option<Vec<SessionId>>, Failure>, Uuid) {
    let event = an_event(UserDeleted { user_id: user.id });
    (users.delete_account(user.id, user.version, &event).await, event.id)
}

pub async fn deleted_account_is_not_found_and_its_sessions_have_ended(fixture: &Fixture<impl Stores>) {
    let user = registered(fixture.port()).await;
    let (session, first) = begin(fixture.port(), &user).await;
    let (outcome, event) = delete(fixture.port(), &user).await;
    assert_eq!((outcome, fixture.publish_count(event)), (Ok(Some(vec![session])), 1));
    assert_eq!(fixture.port().account(user.id).await, Ok(None));
    assert_eq!(fixture.port().contacts(user.id).await, Ok(None));
    assert!(!can_log_in(fixture.port(), &user).await);
    assert_eq!(fixture.port().rotate_token(&first.digest, &token()).await, Ok(TokenRotation::Unknown));
    let again = User { version: user.version + 1, ..user };
    assert_eq!(delete(fixture.port(), &again).await.0, Ok(None));
    assert_eq!(update(fixture.port(), &User { version: again.version + 1, ..again }).await.0, Ok(false));
}

pub async fn deleted_account_frees_its_email_and_keeps_its_username(fixture: &Fixture<impl Stores>) {
    let user = registered(fixture.port()).await;
    assert!(delete(fixture.port(), &user).await.0.is_ok());
    let register =
        async |again: &User| fixture.port().register(again, "$hash$", &an_event(build::user().event())).await;
    let next = registered(fixture.port()).await;
    let same_name = User { id: UserId(fresh()), username: user.username.clone(), ..user.clone() };
    assert_eq!(kind_and_code(register(&same_name).await), (FailureKind::Conflict, "username-taken"));
    let moved = User { email: user.email.clone(), version: next.version + 1, ..next };
    assert_eq!(update(fixture.port(), &moved).await.0, Ok(true));
    assert!(can_log_in(fixture.port(), &moved).await);
}

type Erasure = (Result<Option<Vec<SessionId>>, Failure>, [Uuid; 2]);

/// The outcome, and the ids of both events.
async fn erase(users: &impl AccountStore, user: UserId) -> Erasure {
    erase_with(users, user, None).await
}

async fn erase_with(users: &impl AccountStore, user: UserId, proven: Option<&str>) -> Erasure {
    let (deleted, erased) = (an_event(UserDeleted { user_id: user }), an_event(UserErased { user_id: user }));
    (users.erase_account(user, proven, &deleted, &erased).await, [deleted.id, erased.id])
}

pub async fn erased_account_is_deleted_and_names_nobody(fixture: &Fixture<impl Stores>) {
    let (port, user) = (fixture.port(), registered(fixture.port()).await);
    let (session, first) = begin(port, &user).await;
    let (outcome, events) = erase(port, user.id).await;
    assert_eq!((outcome, events.map(|id| fixture.publish_count(id))), (Ok(Some(vec![session])), [1, 1]));
    assert_eq!(port.ended_sessions(now(), 10).await, Ok(vec![session]));
    let sequences = events.map(|id| fixture.published(id).expect("published").sequence);
    assert_eq!(sequences, [user.version + 1, user.version + 2]);
    assert_eq!(port.account(user.id).await, Ok(None));
    assert_eq!(port.contacts(user.id).await, Ok(None));
    assert!(!can_log_in(port, &user).await);
    assert_eq!(port.rotate_token(&first.digest, &token()).await, Ok(TokenRotation::Unknown));
    // Both can be registered again, and the old account stays what it is.
    let again = User { id: UserId(fresh()), ..user.clone() };
    port.register(&again, "$hash$", &an_event(build::user().event())).await.expect("free");
    let (outcome, events) = erase(port, user.id).await;
    assert_eq!((outcome, events.map(|id| fixture.publish_count(id))), (Ok(Some(vec![])), [0, 0]));
    assert_eq!(port.account(again.id).await, Ok(Some(again)));
}

pub async fn erasure_of_a_deleted_account_publishes_its_erasure_alone(fixture: &Fixture<impl Stores>) {
    let user = registered(fixture.port()).await;
    assert!(delete(fixture.port(), &user).await.0.is_ok());
    let (outcome, events) = erase(fixture.port(), user.id).await;
    assert_eq!((outcome, events.map(|id| fixture.publish_count(id))), (Ok(Some(vec![])), [0, 1]));
    assert_eq!(fixture.published(events[1]).expect("published").sequence, user.version + 2);
}

pub async fn erasure_of_an_unknown_account_changes_nothing(fixture: &Fixture<impl Stores>) {
    let (outcome, events) = erase(fixture.port(), UserId(fresh())).await;
    assert_eq!((outcome, events.map(|id| fixture.publish_count(id))), (Ok(None), [0, 0]));
}

pub async fn concurrent_erasures_publish_once(fixture: &Fixture<impl Stores>) {
    let user = registered(fixture.port()).await;
    let outcomes = join_all(fixture.concurrent(8).map(|port| erase(port, user.id))).await;
    assert!(outcomes.iter().all(|(outcome, _)| matches!(outcome, Ok(Some(_)))), "{outcomes:?}");
    let published = |which: usize| outcomes.iter().map(|(_, ids)| fixture.publish_count(ids[which])).sum::<usize>();
    assert_eq!((published(0), published(1)), (1, 1));
}

pub async fn deletion_of_another_version_changes_nothing(fixture: &Fixture<impl Stores>) {
    let user = registered(fixture.port()).await;
    let (outcome, event) = delete(fixture.port(), &User { version: 2, ..user.clone() }).await;
    assert_eq!((outcome, fixture.publish_count(event)), (Ok(None), 0));
    assert_eq!(fixture.port().account(user.id).await, Ok(Some(user)));
}

pub async fn administered_account_has_its_role_and_status_and_no_session(fixture: &Fixture<impl Stores>) {
    let (port, user) = (fixture.port(), registered(fixture.port()).await);
    let (session, _) = begin(port, &user).await;
    let changed = User { role: Role::Staff, status: AccountStatus::Disabled, version: user.version + 1, ..user };
    let event = an_event(profile::updated_event(&changed));
    assert_eq!(port.administer_account(&changed, &event).await, Ok(Some(vec![session])));
    assert_eq!(port.ended_sessions(now(), 10).await, Ok(vec![session]));
    assert_eq!(port.account(user.id).await, Ok(Some(changed.clone())));
    let again = an_event(profile::updated_event(&changed));
    assert_eq!(port.administer_account(&changed, &again).await, Ok(None), "of another version");
    assert_eq!((fixture.publish_count(event.id), fixture.publish_count(again.id)), (1, 0));
}

async fn administer(
    users: &impl AccountStore,
    user: &User,
    (role, status): (Role, AccountStatus),
) -> Result<Option<Vec<SessionId>>, Failure> {
    let changed = User { role, status, version: user.version + 1, ..user.clone() };
    users.administer_account(&changed, &an_event(profile::updated_event(&changed))).await
}

/// Accounts of which one got another role, one was disabled, one deleted, and one erased, after `before`.
async fn changed(users: &impl Stores, before: impl AsyncFn(&User)) -> [User; 4] {
    let all = [registered(users).await, registered(users).await, registered(users).await, registered(users).await];
    for user in &all {
        before(user).await;
    }
    let [promoted, disabled, deleted, erased] = &all;
    for (user, role, status) in
        [(promoted, Role::Staff, AccountStatus::Active), (disabled, Role::Customer, AccountStatus::Disabled)]
    {
        assert_eq!(administer(users, user, (role, status)).await, Ok(Some(vec![])));
    }
    assert_eq!((delete(users, deleted).await.0, erase(users, erased.id).await.0), (Ok(Some(vec![])), Ok(Some(vec![]))));
    all
}

pub async fn login_that_read_the_account_before_it_was_changed_begins_no_session(fixture: &Fixture<impl Stores>) {
    let port = fixture.port();
    let all = changed(port, async |_| ()).await;
    for user in &all {
        let (read, digest) = (credentials(user.id, "$hash$"), fresh().to_string());
        assert_eq!(port.begin_session(SessionId(fresh()), &read, &counters(), &token()).await, Ok(false));
        assert_eq!(port.store_login(&digest, &read, now(), later(60)).await, Ok(false));
        assert_eq!(port.try_login(&digest, now()).await, Ok(None));
        assert_eq!(port.sessions(user.id, now(), 10, None).await.expect("a page").items, []);
    }
    let read = Credentials { role: Role::Staff, ..credentials(all[0].id, "$hash$") };
    assert_eq!(port.begin_session(SessionId(fresh()), &read, &counters(), &token()).await, Ok(true), "as it is now");
}

pub async fn changed_account_ends_waiting_logins(fixture: &Fixture<impl Stores>) {
    let port = fixture.port();
    let digest = |user: &User| format!("waiting {}", user.id);
    let wait = async |user: &User| {
        let stored = port.store_login(&digest(user), &credentials(user.id, "$hash$"), now(), later(60)).await;
        assert_eq!(stored, Ok(true));
    };
    for user in changed(port, wait).await {
        assert_eq!(port.try_login(&digest(&user), now()).await, Ok(None));
    }
}

pub async fn accounts_are_found_by_a_beginning_in_pages(fixture: &Fixture<impl Stores>) {
    let port = fixture.port();
    let (user, deleted) = (registered(port).await, registered(port).await);
    assert!(delete(port, &deleted).await.0.is_ok());
    let name = user.username.as_str();
    let found = async |prefix: &str| {
        let page = port.search_accounts(prefix, 100, None).await.expect("a page");
        page.items.into_iter().map(|user| user.id).collect::<Vec<_>>()
    };
    assert_eq!(port.search_accounts(name, 100, None).await.expect("a page").items, std::slice::from_ref(&user));
    assert_eq!(found(user.email.as_str()).await, [user.id]);
    assert_eq!(found(deleted.username.as_str()).await, []);
    assert_eq!(found(&name[1..]).await, [], "not the beginning");
    assert_eq!((found("%").await, found("_____").await), (vec![], vec![]));
    let mut named = vec![user.id];
    for _ in 0..2 {
        named.push(registered(port).await.id);
    }
    named.sort_unstable();
    let first = port.search_accounts("ada love", 2, None).await.expect("a page");
    assert_eq!(first.items.len(), 2);
    let mut pages = first.items;
    let mut next = first.next;
    while let Some(cursor) = next {
        let page = port.search_accounts("ada love", 2, Some(&cursor)).await.expect("a page");
        pages.extend(page.items);
        next = page.next;
    }
    assert_eq!(pages.iter().map(|user| user.id).collect::<Vec<_>>(), named, "by their full name, Ada Lovelace");
    let wrong = port.search_accounts("ada", 2, Some("x")).await;
    assert_eq!(kind_and_code(wrong), (FailureKind::Invalid, "validation"));
}
