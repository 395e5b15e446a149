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
        }
    };
}

pub async fn revoked_sessions_are_known_to_every_process_and_others_are_not_revoked(
    fixture: &Fixture<impl Revocations>,
) {
    let [one, two, other] = [(); 3].map(|()| SessionId(fresh()));
    fixture.port().revoke(&[one, two]).await;
    for port in fixture.concurrent(4) {
        assert!(port.is_revoked(one).await && port.is_revoked(two).await);
        assert!(!port.is_revoked(other).await);
    }
}

pub async fn no_session_is_revoked_by_an_empty_list(fixture: &Fixture<impl Revocations>) {
    fixture.port().revoke(&[]).await;
    assert!(!fixture.port().is_revoked(SessionId(fresh())).await);
}
