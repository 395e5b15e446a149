//! Contract of [`SessionStore`], over a [`UserStore`] that begins the sessions.

use super::{Fixture, an_event, credentials, fresh, kind_and_code, later, now};
use crate::build;
use domain::{
    id::{SessionId, UserId},
    session::ActiveSession,
};
use futures_util::future::{join, join_all};
use kernel::FailureKind;
use ports::{LoginCounters, RefreshToken, SessionStore, TokenRotation, UserStore};

/// Generates one test per rule. The expression is a future of a `Fixture<impl UserStore + SessionStore>`.
#[macro_export]
macro_rules! contract_sessions {
    ($fixture:expr) => {
        $crate::each_rule! { sessions, $fixture;
            refresh_token_is_replaced_by_the_next_of_its_session
            unknown_and_expired_refresh_tokens_replace_nothing
            reused_refresh_token_ends_its_session_and_no_other
            used_refresh_token_that_has_expired_ends_nothing
            ended_session_has_no_refresh_token_and_others_go_on
            session_of_somebody_else_is_not_ended
            session_is_ended_by_its_refresh_token_current_or_used
            unknown_and_expired_refresh_tokens_end_no_session
            refresh_token_that_is_being_replaced_ends_its_session
            sessions_are_listed_newest_first_in_pages_without_the_expired
            all_sessions_of_a_user_are_ended_and_named
            ended_sessions_are_to_be_revoked_the_last_one_first
            concurrent_refreshes_with_one_token_succeed_once_and_end_the_session
        }
    };
}

/// A token that was issued `at` seconds from now and is valid for a minute.
fn token(at: i64) -> RefreshToken {
    RefreshToken { digest: fresh().simple().to_string(), issued_at: later(at), expires_at: later(at + 60) }
}

/// A session of a new user.
async fn begin(users: &impl UserStore, token: &RefreshToken) -> ActiveSession {
    let user = UserId(fresh());
    let name = format!("u{}", &user.0.simple().to_string()[18..]);
    let user = build::user().id(user).name(&name).registered();
    users.register(&user, "$hash$", &an_event(build::user().event())).await.expect("registered");
    begin_for(users, user.id, token).await
}

async fn begin_for(users: &impl UserStore, user_id: UserId, token: &RefreshToken) -> ActiveSession {
    let id = SessionId(fresh());
    let counters = LoginCounters { name_and_source: fresh().to_string(), source: fresh().to_string() };
    assert_eq!(users.begin_session(id, &credentials(user_id, "$hash$"), &counters, token).await, Ok(true));
    ActiveSession { id, user_id, role: build::user().registered().role, has_second_factor: false }
}

async fn rotate(sessions: &impl SessionStore, old: &RefreshToken, new: &RefreshToken) -> TokenRotation {
    sessions.rotate_token(&old.digest, new).await.expect("the store responds")
}

pub async fn refresh_token_is_replaced_by_the_next_of_its_session(fixture: &Fixture<impl UserStore + SessionStore>) {
    let tokens = [token(0), token(10), token(20)];
    let session = begin(fixture.port(), &tokens[0]).await;
    for pair in tokens.windows(2) {
        assert_eq!(rotate(fixture.port(), &pair[0], &pair[1]).await, TokenRotation::Rotated(session));
    }
}

pub async fn unknown_and_expired_refresh_tokens_replace_nothing(fixture: &Fixture<impl UserStore + SessionStore>) {
    let first = token(0);
    let session = begin(fixture.port(), &first).await;
    assert_eq!(rotate(fixture.port(), &token(0), &token(1)).await, TokenRotation::Unknown);
    assert_eq!(rotate(fixture.port(), &first, &token(60)).await, TokenRotation::Unknown);
    assert_eq!(rotate(fixture.port(), &first, &token(59)).await, TokenRotation::Rotated(session));
}

pub async fn reused_refresh_token_ends_its_session_and_no_other(fixture: &Fixture<impl UserStore + SessionStore>) {
    let [first, second, third, elsewhere] = [token(0), token(1), token(2), token(0)];
    let session = begin(fixture.port(), &first).await;
    let other = begin_for(fixture.port(), session.user_id, &elsewhere).await;
    assert_eq!(rotate(fixture.port(), &first, &second).await, TokenRotation::Rotated(session));
    assert_eq!(rotate(fixture.port(), &first, &third).await, TokenRotation::Reused(session.id));
    for ended in [&first, &second, &third] {
        assert_eq!(rotate(fixture.port(), ended, &token(3)).await, TokenRotation::Unknown);
    }
    assert_eq!(rotate(fixture.port(), &elsewhere, &token(3)).await, TokenRotation::Rotated(other));
}

pub async fn used_refresh_token_that_has_expired_ends_nothing(fixture: &Fixture<impl UserStore + SessionStore>) {
    let [first, second] = [token(0), token(50)];
    let session = begin(fixture.port(), &first).await;
    assert_eq!(rotate(fixture.port(), &first, &second).await, TokenRotation::Rotated(session));
    assert_eq!(rotate(fixture.port(), &first, &token(60)).await, TokenRotation::Unknown);
    assert_eq!(rotate(fixture.port(), &second, &token(61)).await, TokenRotation::Rotated(session));
}

pub async fn concurrent_refreshes_with_one_token_succeed_once_and_end_the_session(
    fixture: &Fixture<impl UserStore + SessionStore>,
) {
    let first = token(0);
    let session = begin(fixture.port(), &first).await;
    let next: Vec<RefreshToken> = (0..8).map(|_| token(1)).collect();
    let rotations = join_all(fixture.concurrent(next.len()).zip(&next).map(|(port, new)| rotate(port, &first, new)));
    let rotations = rotations.await;
    let count = |wanted: TokenRotation| rotations.iter().filter(|one| **one == wanted).count();
    assert_eq!(
        (count(TokenRotation::Rotated(session)), count(TokenRotation::Reused(session.id))),
        (1, 1),
        "{rotations:?}"
    );
    for new in &next {
        assert_eq!(rotate(fixture.port(), new, &token(2)).await, TokenRotation::Unknown);
    }
}

pub async fn ended_session_has_no_refresh_token_and_others_go_on(fixture: &Fixture<impl UserStore + SessionStore>) {
    let [first, elsewhere] = [token(0), token(0)];
    let session = begin(fixture.port(), &first).await;
    let other = begin_for(fixture.port(), session.user_id, &elsewhere).await;
    for ended in [true, false] {
        assert_eq!(fixture.port().end_session(session.user_id, session.id).await, Ok(ended));
    }
    assert_eq!(rotate(fixture.port(), &first, &token(1)).await, TokenRotation::Unknown);
    assert_eq!(rotate(fixture.port(), &elsewhere, &token(1)).await, TokenRotation::Rotated(other));
}

pub async fn session_of_somebody_else_is_not_ended(fixture: &Fixture<impl UserStore + SessionStore>) {
    let first = token(0);
    let session = begin(fixture.port(), &first).await;
    assert_eq!(fixture.port().end_session(UserId(fresh()), session.id).await, Ok(false));
    assert_eq!(rotate(fixture.port(), &first, &token(1)).await, TokenRotation::Rotated(session));
}

async fn end_of(sessions: &impl SessionStore, token: &RefreshToken, at: i64) -> Option<SessionId> {
    sessions.end_session_of_token(&token.digest, later(at)).await.expect("the store responds")
}

pub async fn session_is_ended_by_its_refresh_token_current_or_used(fixture: &Fixture<impl UserStore + SessionStore>) {
    let [first, second, elsewhere, next] = [token(0), token(1), token(0), token(2)];
    let session = begin(fixture.port(), &first).await;
    let other = begin_for(fixture.port(), session.user_id, &elsewhere).await;
    assert_eq!(rotate(fixture.port(), &first, &second).await, TokenRotation::Rotated(session));
    assert_eq!(end_of(fixture.port(), &first, 2).await, Some(session.id), "a token that was replaced");
    assert_eq!(rotate(fixture.port(), &second, &next).await, TokenRotation::Unknown);
    assert_eq!(end_of(fixture.port(), &elsewhere, 2).await, Some(other.id));
    assert_eq!(rotate(fixture.port(), &elsewhere, &next).await, TokenRotation::Unknown);
    assert_eq!(end_of(fixture.port(), &elsewhere, 2).await, None, "it has ended");
}

pub async fn unknown_and_expired_refresh_tokens_end_no_session(fixture: &Fixture<impl UserStore + SessionStore>) {
    let [first, second] = [token(0), token(50)];
    let session = begin(fixture.port(), &first).await;
    assert_eq!(rotate(fixture.port(), &first, &second).await, TokenRotation::Rotated(session));
    assert_eq!(end_of(fixture.port(), &token(0), 1).await, None);
    assert_eq!(end_of(fixture.port(), &first, 60).await, None, "a used one that has expired");
    assert_eq!(end_of(fixture.port(), &second, 110).await, None);
    assert_eq!(end_of(fixture.port(), &second, 100).await, Some(session.id));
}

pub async fn refresh_token_that_is_being_replaced_ends_its_session(fixture: &Fixture<impl UserStore + SessionStore>) {
    let ports: Vec<_> = fixture.concurrent(2).collect();
    for _ in 0..8 {
        let [first, second] = [token(0), token(1)];
        let session = begin(fixture.port(), &first).await;
        let (_, ended) = join(rotate(ports[0], &first, &second), end_of(ports[1], &first, 1)).await;
        assert_eq!(ended, Some(session.id));
        assert_eq!(rotate(fixture.port(), &second, &token(2)).await, TokenRotation::Unknown);
    }
}

pub async fn sessions_are_listed_newest_first_in_pages_without_the_expired(
    fixture: &Fixture<impl UserStore + SessionStore>,
) {
    let port = fixture.port();
    let first = token(-61);
    let user = begin(port, &first).await.user_id;
    begin(port, &token(0)).await;
    let mut begun = Vec::new();
    for at in 0..3 {
        begun.insert(0, begin_for(port, user, &token(at)).await.id);
    }
    let (mut listed, mut cursor) = (Vec::new(), None);
    loop {
        let page = port.sessions(user, later(2), 2, cursor.as_deref()).await.expect("a page");
        assert!(page.items.len() <= 2);
        listed.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(listed.iter().map(|one| one.id).collect::<Vec<_>>(), begun);
    let newest = listed[0];
    assert_eq!((newest.created_at, newest.refreshed_at, newest.expires_at), (later(2), later(2), later(62)));
    assert_eq!(kind_and_code(port.sessions(user, now(), 2, Some("x")).await), (FailureKind::Invalid, "validation"));
}

pub async fn all_sessions_of_a_user_are_ended_and_named(fixture: &Fixture<impl UserStore + SessionStore>) {
    let [first, second, elsewhere] = [token(0), token(0), token(0)];
    let one = begin(fixture.port(), &first).await;
    let two = begin_for(fixture.port(), one.user_id, &second).await;
    let other = begin(fixture.port(), &elsewhere).await;
    let mut ended = fixture.port().end_sessions(one.user_id).await.expect("the store responds");
    ended.sort_unstable();
    assert_eq!(ended, [one.id, two.id]);
    assert_eq!(fixture.port().end_sessions(one.user_id).await, Ok(vec![]));
    assert_eq!(rotate(fixture.port(), &first, &token(1)).await, TokenRotation::Unknown);
    assert_eq!(rotate(fixture.port(), &elsewhere, &token(1)).await, TokenRotation::Rotated(other));
}

pub async fn ended_sessions_are_to_be_revoked_the_last_one_first(fixture: &Fixture<impl UserStore + SessionStore>) {
    let port = fixture.port();
    let [first, second, third, next, fourth, fifth] = [(); 6].map(|()| token(0));
    let one = begin(port, &first).await;
    let mut others = Vec::new();
    for token in [&second, &third, &fourth, &fifth] {
        others.push(begin(port, token).await);
    }
    let [two, three, four, _] = others[..] else { panic!("four") };
    assert_eq!(rotate(port, &third, &next).await, TokenRotation::Rotated(three));
    assert_eq!(port.ended_sessions(now(), 10).await, Ok(vec![]));
    assert_eq!(port.end_session(one.user_id, one.id).await, Ok(true));
    assert_eq!(port.end_session_of_token(&second.digest, now()).await, Ok(Some(two.id)));
    assert_eq!(rotate(port, &third, &token(2)).await, TokenRotation::Reused(three.id));
    assert_eq!(port.end_sessions(four.user_id).await, Ok(vec![four.id]));
    assert_eq!(port.ended_sessions(now(), 10).await, Ok(vec![four.id, three.id, two.id, one.id]));
    assert_eq!(port.ended_sessions(now(), 1).await, Ok(vec![four.id]));
}
