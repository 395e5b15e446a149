//! Proving to be the user of an account, under the delays of `domain::throttle`.

use domain::{
    session::password_forms,
    throttle,
    user::{self, Password, PublicFacts},
};
use kernel::Failure;
use ports::{
    AccountPasswords, Credentials, LoginAttempt, LoginCounters, LoginName, NewPasswordHasher, PasswordAttempt,
    PasswordStrength, Passwords, RequestSources, UserStore,
};

/// Proves passwords against the accounts of a store, and forgets the attempts that succeed.
#[derive(Debug)]
pub struct ThrottledPasswords<'a, U, P, S> {
    pub users: &'a U,
    pub passwords: &'a P,
    pub sources: &'a S,
}

impl<U, P, S: RequestSources> RequestSources for ThrottledPasswords<'_, U, P, S> {
    async fn keyed_hash(&self, text: &str) -> Result<String, Failure> {
        self.sources.keyed_hash(text).await
    }

    async fn is_from_distribution(&self, secret: &str) -> Result<bool, Failure> {
        self.sources.is_from_distribution(secret).await
    }
}

impl<U: UserStore, P: Passwords, S: RequestSources> AccountPasswords for ThrottledPasswords<'_, U, P, S> {
    async fn verify(&self, attempt: PasswordAttempt<'_>) -> Result<Option<(Credentials, LoginCounters)>, Failure> {
        let name = match attempt.account {
            LoginName::Typed(name) => format!("login {name}"),
            LoginName::Id(user) => format!("account {user}"),
        };
        let counters = counters(self.sources, &name, &throttle::source(attempt.client_address)).await?;
        let found = match self.users.reserve_login(attempt.account, &counters, attempt.now).await? {
            LoginAttempt::Granted(found) => found,
            LoginAttempt::Refused(until) => return Err(throttle::too_many_logins(until, attempt.now)),
        };
        // An unknown name is verified as well, against a dummy: it takes the same time.
        let hash = found.as_ref().map(|credentials| credentials.password_hash.as_str());
        let mut is_valid = false;
        for password in password_forms(attempt.password) {
            is_valid |= self.passwords.verify(&password, hash)?;
        }
        Ok(found.filter(|_| is_valid).map(|credentials| (credentials, counters)))
    }

    async fn prove(&self, attempt: PasswordAttempt<'_>) -> Result<Option<Credentials>, Failure> {
        let Some((credentials, counters)) = self.verify(attempt).await? else { return Ok(None) };
        self.users.forget_attempt(&counters).await?;
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
    fn hash_new(&self, password: &Password, facts: &PublicFacts<'_>) -> Result<String, Failure> {
        user::check_password(password, facts)?;
        match self.strength.is_guessable(password, &facts.words()) {
            true => Err(user::guessable_password()),
            false => self.passwords.hash(password),
        }
    }
}

/// The counters of an attempt. The length of the source separates it from the name.
pub(crate) async fn counters(
    sources: &impl RequestSources,
    name: &str,
    source: &str,
) -> Result<LoginCounters, Failure> {
    let name_and_source = sources.keyed_hash(&format!("{} {source} {name}", source.len())).await?;
    Ok(LoginCounters { name_and_source, source: sources.keyed_hash(&format!("source {source}")).await? })
}
