//! Contract of [`Revocations`].

use super::{Fixture, fresh};
use domain::id::SessionId;
use ports::Revocations;

/// Generates one test per rule of [`Revocations`]. The expression is a future of a `Fixture<impl Revocations>`.
#[macro_export]
macro_rules! contract_revocations {
    ($fixture:expr) => {
        $crate::each_rule! { revocations, $fixture;
            revoked_sessions_are_known_to_every_process_and_others_are_not_revoked
            no_session_is_revoked_by_an_empty_list
            thousand_sessions_are_revoked_at_once
        }
    };
}

pub async fn revoked_sessions_are_known_to_every_process_and_others_are_not_revoked(
    fixture: &Fixture<impl Revocations>,
) {
    let [one, two, other] = [(); 3].map(|()| SessionId(fresh()));
    assert!(fixture.port().revoke(&[one, two]).await);
    for port in fixture.concurrent(4) {
        assert!(port.is_revoked(one).await && port.is_revoked(two).await);
        assert!(!port.is_revoked(other).await);
    }
}

pub async fn no_session_is_revoked_by_an_empty_list(fixture: &Fixture<impl Revocations>) {
    assert!(fixture.port().revoke(&[]).await);
    assert!(!fixture.port().is_revoked(SessionId(fresh())).await);
}

pub async fn thousand_sessions_are_revoked_at_once(fixture: &Fixture<impl Revocations>) {
    let sessions: Vec<SessionId> = (0..1_001).map(|_| SessionId(fresh())).collect();
    assert!(fixture.port().revoke(&sessions).await);
    for session in sessions {
        assert!(fixture.port().is_revoked(session).await);
    }
}
