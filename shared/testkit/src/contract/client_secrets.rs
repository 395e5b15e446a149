//! Contract of [`ClientSecrets`].

use super::Fixture;
use ports::ClientSecrets;

/// Generates one test per rule of [`ClientSecrets`]. The expression is a future of a `Fixture<impl ClientSecrets>`.
#[macro_export]
macro_rules! contract_client_secrets {
    ($fixture:expr) => {
        $crate::each_rule! { client_secrets, $fixture;
            secrets_differ_and_match_their_own_digest_only
        }
    };
}

pub async fn secrets_differ_and_match_their_own_digest_only(fixture: &Fixture<impl ClientSecrets>) {
    let port = fixture.port();
    let [(one, digest), (other, _)] = [(); 2].map(|()| port.client_secret().expect("a secret"));
    assert_ne!(one, other);
    assert!(!digest.contains(&one) && digest.len() == 64);
    assert!(port.is_digest_of_secret(&digest, &one));
    assert!(!port.is_digest_of_secret(&digest, &other) && !port.is_digest_of_secret("", &one));
}
