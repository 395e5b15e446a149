//! Rules of [`Migrations`].

use super::{Fixture, fresh, now};
use domain::{
    text::{Email, Username},
    user::Role,
};
use ports::{Migrations, SeedAccount, UserStore};

/// The schema, and the accounts that live in it.
#[derive(Debug)]
pub struct MigrationsAndUsers<M, U> {
    /// The schema.
    pub migrations: M,
    /// The accounts.
    pub users: U,
}

/// One test a rule of [`Migrations`], each over the `Fixture<MigrationsAndUsers<impl Migrations, impl UserStore>>` that the expression gives when
/// it is awaited.
#[macro_export]
macro_rules! contract_migrations {
    ($under:expr) => {
        $crate::each_rule! { migrations, $under;
            applied_migrations_are_not_applied_again
            seed_account_is_created_once_and_never_changed
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
    under: &Fixture<MigrationsAndUsers<impl Migrations, impl UserStore>>,
) {
    under.port().migrations.apply().await.expect("applied");
    assert_eq!(under.port().migrations.apply().await, Ok(vec![]));
}

pub async fn seed_account_is_created_once_and_never_changed(
    under: &Fixture<MigrationsAndUsers<impl Migrations, impl UserStore>>,
) {
    let MigrationsAndUsers { migrations, users } = under.port();
    migrations.apply().await.expect("applied");
    let (first, second) = (account("$first$"), account("$second$"));
    assert_eq!(migrations.seed_accounts(std::slice::from_ref(&first), now()).await, Ok(1));
    let changed = SeedAccount { password_hash: "$changed$".to_owned(), ..first.clone() };
    assert_eq!(migrations.seed_accounts(&[changed, second.clone()], now()).await, Ok(1));
    for account in [first, second] {
        let known = users.credentials(account.email.as_str()).await.expect("answers").expect("an account");
        assert_eq!((known.role, known.password_hash), (account.role, account.password_hash));
    }
}
