//! Contract of [`RoleSecrets`].

use super::{Fixture, fresh};
use kernel::FailureKind;
use ports::{RoleSecrets, Rotation};

/// The port, and a secret that has the name of its role and no password.
#[derive(Debug)]
pub struct NewSecret<P> {
    pub port: P,
    pub secret: String,
    pub role: String,
}

/// Generates one test per rule of [`RoleSecrets`]. The expression is a future of a `Fixture<NewSecret<impl RoleSecrets>>`.
#[macro_export]
macro_rules! contract_role_secrets {
    ($fixture:expr) => {
        $crate::each_rule! { role_secrets, $fixture;
            version_that_was_not_prepared_is_not_found
            prepared_version_keeps_its_password_when_prepared_again
            promoted_version_is_the_start_of_the_next
            version_that_was_not_prepared_is_not_promoted
        }
    };
}

impl<P> NewSecret<P> {
    fn rotation(&self) -> Rotation {
        Rotation { secret: self.secret.clone(), version: fresh().to_string() }
    }
}

pub async fn version_that_was_not_prepared_is_not_found(fixture: &Fixture<NewSecret<impl RoleSecrets>>) {
    let new = fixture.port();
    let missing = new.port.prepared(&new.rotation()).await.expect_err("it does not exist");
    assert_eq!(missing.kind, FailureKind::NotFound);
}

pub async fn prepared_version_keeps_its_password_when_prepared_again(fixture: &Fixture<NewSecret<impl RoleSecrets>>) {
    let new = fixture.port();
    let rotation = new.rotation();
    new.port.prepare(&rotation).await.expect("prepared");
    let first = new.port.prepared(&rotation).await.expect("a login");
    new.port.prepare(&rotation).await.expect("prepared again");
    assert_eq!(new.port.prepared(&rotation).await, Ok(first.clone()));
    assert_eq!(first.role, new.role);
    assert!(!first.password.is_empty());
}

pub async fn promoted_version_is_the_start_of_the_next(fixture: &Fixture<NewSecret<impl RoleSecrets>>) {
    let new = fixture.port();
    let mut passwords = Vec::new();
    for _ in 0..3 {
        let rotation = new.rotation();
        new.port.prepare(&rotation).await.expect("prepared");
        new.port.promote(&rotation).await.expect("promoted");
        new.port.promote(&rotation).await.expect("promoted again");
        let login = new.port.prepared(&rotation).await.expect("a login");
        assert_eq!(login.role, new.role);
        assert!(!passwords.contains(&login.password));
        passwords.push(login.password);
    }
}

pub async fn version_that_was_not_prepared_is_not_promoted(fixture: &Fixture<NewSecret<impl RoleSecrets>>) {
    let new = fixture.port();
    assert!(new.port.promote(&new.rotation()).await.is_err());
}
