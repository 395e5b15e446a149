//! Passwords: Argon2id with the parameters that OWASP asks for (19 MiB, two passes, one lane).

use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version, password_hash};
use domain::user::Password;
use kernel::Failure;

const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// The hash of a password that nobody knows, made with the same parameters. Verifying against it takes as long as against a real
/// one, so that the time of an answer does not tell which accounts exist.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$odxJlb782TCb0OyRD6rAwQ$RPVtazoYD87WCUvddnp61WNlgnYmKzEe9D/xeDMuecI";

/// Argon2id.
#[derive(Debug, Clone, Copy, Default)]
pub struct Argon2Passwords;

fn argon2() -> Result<Argon2<'static>, Failure> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(Failure::internal)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

impl ports::Passwords for Argon2Passwords {
    fn hash(&self, password: &Password) -> Result<String, Failure> {
        let hash = argon2()?.hash_password(password.expose().as_bytes()).map_err(Failure::internal)?;
        Ok(hash.to_string())
    }

    fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, Failure> {
        let parsed = PasswordHash::new(hash.unwrap_or(NOBODY)).map_err(Failure::internal)?;
        match argon2()?.verify_password(password.as_bytes(), &parsed) {
            Ok(()) => Ok(hash.is_some()),
            Err(password_hash::Error::PasswordInvalid) => Ok(false),
            Err(cause) => Err(Failure::internal(cause)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ports::Passwords;

    fn password(text: &str) -> Password {
        Password::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn a_password_has_its_own_hash_and_no_other() {
        let hash = Argon2Passwords.hash(&password("correct horse battery")).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(Argon2Passwords.verify("correct horse battery", Some(&hash)), Ok(true));
        assert_eq!(Argon2Passwords.verify("correct horse", Some(&hash)), Ok(false));
        assert_ne!(hash, Argon2Passwords.hash(&password("correct horse battery")).unwrap(), "the salt is fresh");
    }

    #[test]
    fn an_account_that_does_not_exist_costs_the_same_work_and_lets_nobody_in() {
        let hash = Argon2Passwords.hash(&password("correct horse battery")).unwrap();
        assert_eq!(Argon2Passwords.verify("wrong", None), Ok(false));
        assert_eq!(Argon2Passwords.verify("", None), Ok(false));
        // What the work depends on: algorithm, version and parameters as they are, salt and hash by their length.
        let work = |hash: &str| match *hash.split('$').collect::<Vec<_>>() {
            ["", algorithm, version, parameters, salt, hash] => [algorithm, version, parameters]
                .map(str::to_owned)
                .into_iter()
                .chain([salt.len().to_string(), hash.len().to_string()])
                .collect::<Vec<_>>(),
            _ => panic!("{hash}"),
        };
        assert_eq!(work(NOBODY), work(&hash));
    }

    #[test]
    fn a_hash_that_cannot_be_read_is_a_defect_and_not_a_wrong_password() {
        assert!(Argon2Passwords.verify("wrong", Some("plain")).is_err());
    }
}
