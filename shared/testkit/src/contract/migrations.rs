//! Rules of [`Migrations`].

use super::{Under, fresh, now};
use domain::{
    text::{Email, Username},
    user::Role,
};
use ports::{FoundingAccount, Migrations, UserStore};

/// The schema, and the accounts that live in it.
#[derive(Debug)]
pub struct Schema<M, U> {
    /// The schema.
    pub migrations: M,
    /// The accounts.
    pub users: U,
}

/// One test a rule of [`Migrations`], each over the `Under<Schema<impl Migrations, impl UserStore>>` that the expression gives when
/// it is awaited.
#[macro_export]
macro_rules! contract_migrations {
    ($under:expr) => {
        $crate::each_rule! { migrations, $under;
            what_is_applied_is_not_applied_again
            a_founding_account_is_made_once_and_left_as_it_is
        }
    };
}

fn account(password_hash: &str) -> FoundingAccount {
    let name = format!("f{}", &fresh().simple().to_string()[18..]);
    FoundingAccount {
        email: Email::parse(&format!("{name}@example.com")).expect("an address"),
        username: Username::parse(&name).expect("a username"),
        password_hash: password_hash.to_owned(),
        role: Role::Admin,
    }
}

pub async fn what_is_applied_is_not_applied_again(under: &Under<Schema<impl Migrations, impl UserStore>>) {
    under.port().migrations.apply().await.expect("applied");
    assert_eq!(under.port().migrations.apply().await, Ok(vec![]));
}

pub async fn a_founding_account_is_made_once_and_left_as_it_is(under: &Under<Schema<impl Migrations, impl UserStore>>) {
    let Schema { migrations, users } = under.port();
    migrations.apply().await.expect("applied");
    let (first, second) = (account("$first$"), account("$second$"));
    assert_eq!(migrations.found(std::slice::from_ref(&first), now()).await, Ok(1));
    let changed = FoundingAccount { password_hash: "$changed$".to_owned(), ..first.clone() };
    assert_eq!(migrations.found(&[changed, second.clone()], now()).await, Ok(1));
    for account in [first, second] {
        let known = users.credentials(account.email.as_str()).await.expect("answers").expect("an account");
        assert_eq!((known.role, known.password_hash), (account.role, account.password_hash));
    }
}
