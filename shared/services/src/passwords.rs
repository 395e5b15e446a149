//! Proving to be the user of an account, under the delays of `domain::throttle`.

use domain::{
    session::password_forms,
    text::{Email, Username},
    throttle,
    user::{self, Password},
};
use kernel::Failure;
use ports::{
    AccountPasswords, Credentials, LoginAttempt, LoginCounters, LoginName, PasswordAttempt, Passwords, Tokens,
    UserStore,
};

/// Proves passwords against the accounts of a store, and forgets the attempts that succeed.
#[derive(Debug)]
pub struct ThrottledPasswords<'a, U, P, T> {
    pub users: &'a U,
    pub passwords: &'a P,
    pub tokens: &'a T,
}

impl<U: UserStore, P: Passwords, T: Tokens> AccountPasswords for ThrottledPasswords<'_, U, P, T> {
    async fn prove(&self, attempt: PasswordAttempt<'_>) -> Result<Option<Credentials>, Failure> {
        let verified = verify_password(self.users, self.passwords, self.tokens, attempt).await?;
        let Some((credentials, counters)) = verified else { return Ok(None) };
        self.users.forget_attempt(&counters).await?;
        Ok(Some(credentials))
    }
}

/// Verifies a password. The attempt counts as failed until the returned counters are settled. `None` for a wrong password and for an unknown
/// account, which take the same time; `RateLimited` after too many.
pub async fn verify_password(
    users: &impl UserStore,
    passwords: &impl Passwords,
    tokens: &impl Tokens,
    attempt: PasswordAttempt<'_>,
) -> Result<Option<(Credentials, LoginCounters)>, Failure> {
    let name = match attempt.account {
        LoginName::Typed(name) => format!("login {name}"),
        LoginName::Id(user) => format!("account {user}"),
    };
    let counters = counters(tokens, &name, &throttle::source(attempt.source_ip)).await?;
    let found = match users.reserve_login(attempt.account, &counters, attempt.now).await? {
        LoginAttempt::Granted(found) => found,
        LoginAttempt::Refused(until) => return Err(throttle::too_many_logins(until, attempt.now)),
    };
    // An unknown name is verified as well, against a dummy: it takes the same time.
    let hash = found.as_ref().map(|credentials| credentials.password_hash.as_str());
    let mut is_valid = false;
    for password in password_forms(attempt.password) {
        is_valid |= passwords.verify(&password, hash)?;
    }
    Ok(found.filter(|_| is_valid).map(|credentials| (credentials, counters)))
}

/// Hashes a new password of a user, unless it contains what everyone knows of the account.
pub fn hash_new_password(
    passwords: &impl Passwords,
    password: &Password,
    email: &Email,
    username: &Username,
) -> Result<String, Failure> {
    user::check_password(password, email, username)?;
    passwords.hash(password)
}

/// The counters of an attempt. The length of the source separates it from the name.
async fn counters(tokens: &impl Tokens, name: &str, source: &str) -> Result<LoginCounters, Failure> {
    let name_and_source = tokens.keyed_hash(&format!("{} {source} {name}", source.len())).await?;
    Ok(LoginCounters { name_and_source, source: tokens.keyed_hash(&format!("source {source}")).await? })
}
