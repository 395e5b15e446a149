//! The password of a role changes while functions use the database.

use crate::fixtures::*;
use adapters_postgres::{Database, PasswordSource, PgProbe, PgRolePasswords};
use adapters_testkit::postgres::{TestDatabase, database_url, empty_database};
use kernel::FailureKind;
use ports::{Probe, RoleLogin, RolePasswords};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

/// The current version of a role's secret, and how often it was read.
#[derive(Default)]
struct RoleSecret {
    password: Mutex<String>,
    reads: AtomicU32,
}

impl RoleSecret {
    fn set(&self, password: &str) {
        *self.password.lock().unwrap() = password.to_owned();
    }

    fn read(&self) -> String {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.password.lock().unwrap().clone()
    }
}

/// A new execution environment, whose first statement logs in as the role.
async fn ask(database: &TestDatabase, role: &str, secret: &Arc<RoleSecret>) -> Result<(), kernel::Failure> {
    let (mut settings, _) = database.login();
    role.clone_into(&mut settings.user);
    let secret = Arc::clone(secret);
    let password = PasswordSource::issued(move || {
        let secret = Arc::clone(&secret);
        async move { Ok(secret.read()) }
    });
    PgProbe::new(Arc::new(Database::new(settings, password))).check().await
}

#[tokio::test]
async fn password_rotated_under_load_fails_no_statement() {
    let database = empty_database(&database_url()).await;
    let role = format!("q_role_{}", id().simple());
    database.execute(&format!("CREATE ROLE {role} LOGIN")).await;
    let passwords = PgRolePasswords::new(database.as_owner());
    let (secret, answers) = (Arc::new(RoleSecret::default()), AtomicU32::new(0));
    let login = |password: &str| RoleLogin { role: role.clone(), password: password.to_owned() };
    passwords.set_password(&login("first")).await.expect("set");
    secret.set("wrong");
    let refused = ask(&database, &role, &secret).await.expect_err("the server checks passwords");
    assert_eq!(refused.kind, FailureKind::Unavailable);
    secret.set("first");

    let client = async || {
        let mut results = Vec::new();
        let mut left = 10;
        while left > 0 {
            results.push(ask(&database, &role, &secret).await);
            answers.fetch_add(1, Ordering::SeqCst);
            // A few more with the new password.
            left -= u32::from(*secret.password.lock().unwrap() == "second");
        }
        results
    };
    let until = async |reached: &dyn Fn() -> bool| {
        while !reached() {
            tokio::task::yield_now().await;
        }
    };
    // As `database-secret-rotate` does it: the role first, and then the secret becomes current.
    let rotation = async {
        until(&|| answers.load(Ordering::SeqCst) >= 10).await;
        passwords.set_password(&login("second")).await.expect("set");
        let before = secret.reads.load(Ordering::SeqCst);
        until(&|| secret.reads.load(Ordering::SeqCst) >= before + 6).await;
        secret.set("second");
    };
    let (one, two, three, ()) = tokio::join!(client(), client(), client(), rotation);
    database.execute(&format!("DROP ROLE {role}")).await;
    for result in [one, two, three].concat() {
        assert_eq!(result, Ok(()));
    }
}
