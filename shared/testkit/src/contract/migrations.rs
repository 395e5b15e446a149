//! Contract of [`Migrations`].

use super::{Fixture, fresh, now};
use domain::{
    canary::CUSTOMER,
    text::{Email, Username},
    user::Role,
};
use kernel::FailureKind;
use ports::{CanarySeed, Credentials, LoginAttempt, LoginCounters, LoginName, Migrations, SeedAccount, UserStore};

/// The migrations and a store of users in the migrated schema.
#[derive(Debug)]
pub struct MigrationsAndUsers<M, U> {
    pub migrations: M,
    pub users: U,
}

/// Generates one test per rule of [`Migrations`]. The expression is a future of a
/// `Fixture<MigrationsAndUsers<impl Migrations, impl UserStore>>`.
#[macro_export]
macro_rules! contract_migrations {
    ($fixture:expr) => {
        $crate::each_rule! { migrations, $fixture;
            applied_migrations_are_not_applied_again
            seed_account_is_created_once_and_never_changed
            canary_is_a_customer_with_a_fixed_id_and_the_newest_password
            canary_does_not_take_the_address_of_another_account
        }
    };
}

fn account(password_hash: &str) -> SeedAccount {
    let name = format!("f{}", &fresh().simple().to_string()[18..]);
    SeedAccount {
        email: Email::parse(&format!("{name}@example.com")).expect("an address"),
        username: Username::parse(&name).expect("a username"),
        password_hash: password_hash.to_owned(),
        role: Role::Admin,
    }
}

pub async fn applied_migrations_are_not_applied_again(
    fixture: &Fixture<MigrationsAndUsers<impl Migrations, impl UserStore>>,
) {
    fixture.port().migrations.apply().await.expect("applied");
    assert_eq!(fixture.port().migrations.apply().await, Ok(vec![]));
}

pub async fn seed_account_is_created_once_and_never_changed(
    fixture: &Fixture<MigrationsAndUsers<impl Migrations, impl UserStore>>,
) {
    let MigrationsAndUsers { migrations, users } = fixture.port();
    migrations.apply().await.expect("applied");
    let (first, second) = (account("$first$"), account("$second$"));
    assert_eq!(migrations.seed_accounts(std::slice::from_ref(&first), now()).await, Ok(1));
    let changed = SeedAccount { password_hash: "$changed$".to_owned(), ..first.clone() };
    assert_eq!(migrations.seed_accounts(&[changed, second.clone()], now()).await, Ok(1));
    for account in [first, second] {
        let counters = LoginCounters { name_and_source: fresh().to_string(), source: fresh().to_string() };
        let login = users.reserve_login(LoginName::Typed(account.email.as_str()), &counters, now()).await;
        let Ok(LoginAttempt::Granted(Some(known))) = login else { panic!("{login:?}") };
        assert_eq!((known.role, known.password_hash), (account.role, account.password_hash));
    }
}

async fn credentials(users: &impl UserStore, email: &Email) -> Option<Credentials> {
    let counters = LoginCounters { name_and_source: fresh().to_string(), source: fresh().to_string() };
    let login = users.reserve_login(LoginName::Typed(email.as_str()), &counters, now()).await;
    let Ok(LoginAttempt::Granted(known)) = login else { panic!("{login:?}") };
    known
}

fn canary(password_hash: &str) -> CanarySeed {
    let SeedAccount { email, username, password_hash, .. } = account(password_hash);
    CanarySeed { email, username, password_hash }
}

pub async fn canary_is_a_customer_with_a_fixed_id_and_the_newest_password(
    fixture: &Fixture<MigrationsAndUsers<impl Migrations, impl UserStore>>,
) {
    let MigrationsAndUsers { migrations, users } = fixture.port();
    migrations.apply().await.expect("applied");
    let first = canary("$first$");
    assert_eq!(migrations.put_canary(&first, now()).await, Ok(()));
    for next in [CanarySeed { password_hash: "$second$".to_owned(), ..first.clone() }, canary("$third$")] {
        assert_eq!(migrations.put_canary(&next, now()).await, Ok(()));
        let known = credentials(users, &next.email).await.expect("an account");
        assert_eq!((known.user_id, known.role), (CUSTOMER, Role::Customer));
        assert_eq!(known.password_hash, next.password_hash);
    }
    assert_eq!(credentials(users, &first.email).await, None, "the address was replaced");
}

pub async fn canary_does_not_take_the_address_of_another_account(
    fixture: &Fixture<MigrationsAndUsers<impl Migrations, impl UserStore>>,
) {
    let MigrationsAndUsers { migrations, users } = fixture.port();
    migrations.apply().await.expect("applied");
    let other = account("$other$");
    assert_eq!(migrations.seed_accounts(std::slice::from_ref(&other), now()).await, Ok(1));
    let taken = CanarySeed { email: other.email.clone(), ..canary("$canary$") };
    let refused = migrations.put_canary(&taken, now()).await.expect_err("taken");
    assert_eq!((refused.kind, refused.code), (FailureKind::Conflict, "email-taken"));
    assert_eq!(credentials(users, &other.email).await.expect("an account").password_hash, "$other$");
}
