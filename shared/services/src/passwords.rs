//! Proving to be the user of an account by its password, and new passwords.

use crate::login_throttle::LoginThrottle;
use domain::{
    session::password_forms,
    user::{self, AccountWords, Password},
};
use kernel::Failure;
use ports::{
    AccountPasswords, Credentials, LoginCounters, LoginName, NewPasswordHasher, PasswordAttempt, PasswordStrength,
    Passwords, RequestSources, UserStore,
};

impl<U: UserStore, P: Passwords, S: RequestSources> AccountPasswords for LoginThrottle<'_, U, P, S> {
    async fn verify(&self, attempt: PasswordAttempt<'_>) -> Result<Option<(Credentials, LoginCounters)>, Failure> {
        let name = match attempt.account {
            LoginName::Typed(name) => format!("login {name}"),
            LoginName::Id(user) => format!("account {user}"),
        };
        let counters = self.counters(&name, attempt.client_address).await?;
        let found = self.reserve(attempt.account, &counters, attempt.now).await?;
        // An unknown name is verified as well, against a dummy: it takes the same time.
        let hash = found.as_ref().map(|credentials| credentials.password_hash.as_str());
        let mut is_valid = false;
        for password in password_forms(attempt.password) {
            is_valid |= self.proofs.verify(&password, hash)?;
        }
        Ok(found.filter(|_| is_valid).map(|credentials| (credentials, counters)))
    }

    async fn prove(&self, attempt: PasswordAttempt<'_>) -> Result<Option<Credentials>, Failure> {
        let Some((credentials, counters)) = self.verify(attempt).await? else { return Ok(None) };
        self.store.forget_attempt(&counters).await?;
        Ok(Some(credentials))
    }
}

/// New passwords: how strong they must be, and their hashes.
#[derive(Debug)]
pub struct NewPasswords<'a, P, S> {
    pub passwords: &'a P,
    pub strength: &'a S,
}

impl<P: Passwords, S: PasswordStrength> NewPasswordHasher for NewPasswords<'_, P, S> {
    fn hash_new(&self, password: &Password, known: &AccountWords<'_>) -> Result<String, Failure> {
        user::check_password(password, known)?;
        match self.strength.is_guessable(password, &known.words()) {
            true => Err(user::guessable_password()),
            false => self.passwords.hash(password),
        }
    }
}
