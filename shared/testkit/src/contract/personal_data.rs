//! Contract of [`PersonalData`], over the stores that register users and begin their sessions.

use super::{Fixture, an_event, fresh, later, now};
use crate::build;
use domain::{
    event::UserDeleted,
    id::{SessionId, UserId},
    user::User,
};
use ports::{AccountStore, LoginCounters, PersonalData, RefreshToken, UserStore};
use serde_json::json;

/// Generates one test per rule. The expression is a future of a `Fixture<UsersAndExport<impl UserStore + AccountStore, impl PersonalData>>`.
#[macro_export]
macro_rules! contract_personal_data {
    ($fixture:expr) => {
        $crate::each_rule! { personal_data, $fixture;
            export_has_the_profile_and_the_sessions_without_their_digests
            export_of_an_unknown_account_is_none
            deleted_account_is_exported
        }
    };
}

/// Users, and the export as the function that reads it has it.
#[derive(Debug)]
pub struct UsersAndExport<U, E> {
    pub users: U,
    pub export: E,
}

type Port<U, E> = Fixture<UsersAndExport<U, E>>;

/// A user with a session.
async fn a_user(users: &impl UserStore) -> (User, SessionId) {
    let id = fresh();
    let name = format!("u{}", &id.simple().to_string()[18..]);
    let user = build::user().id(UserId(id)).name(&name).registered();
    users.register(&user, "$the hash$", &an_event(build::user().event())).await.expect("registered");
    let token = RefreshToken { digest: format!("digest {id}"), issued_at: now(), expires_at: later(60) };
    let counters = LoginCounters { name_and_source: fresh().to_string(), source: fresh().to_string() };
    let session = SessionId(fresh());
    users.begin_session(session, user.id, &counters, &token).await.expect("begun");
    (user, session)
}

pub async fn export_has_the_profile_and_the_sessions_without_their_digests(
    fixture: &Port<impl UserStore, impl PersonalData>,
) {
    let UsersAndExport { users, export } = fixture.port();
    let ((user, session), _other) = (a_user(users).await, a_user(users).await);
    let part = export.export(user.id, None).await.expect("exported").expect("an account");
    let identity = &part.contexts["identity"];
    assert_eq!(identity.about["profile"]["email"], user.email.as_str());
    assert_eq!(identity.about["profile"]["username"], user.username.as_str());
    assert_eq!(identity.about["profile"]["full_name"], json!(user.full_name));
    assert_eq!(identity.records.iter().map(|one| &one["session_id"]).collect::<Vec<_>>(), [&json!(session)]);
    assert!(part.contexts.contains_key("orders"));
    assert_eq!(part.next, None);
    let text = format!("{:?} {:?}", identity.about, identity.records);
    assert!(!text.contains("digest") && !text.contains("hash"), "{text}");
}

pub async fn export_of_an_unknown_account_is_none(fixture: &Port<impl UserStore, impl PersonalData>) {
    assert_eq!(fixture.port().export.export(UserId(fresh()), None).await, Ok(None));
}

pub async fn deleted_account_is_exported(fixture: &Port<impl UserStore + AccountStore, impl PersonalData>) {
    let UsersAndExport { users, export } = fixture.port();
    let (user, _) = a_user(users).await;
    let event = an_event(UserDeleted { user_id: user.id });
    users.delete_account(user.id, user.version, &event).await.expect("deleted").expect("at this version");
    let part = export.export(user.id, None).await.expect("exported").expect("an account");
    assert_eq!(part.contexts["identity"].about["profile"]["email"], user.email.as_str());
    assert_eq!(part.contexts["identity"].records, [] as [serde_json::Value; 0]);
}
