//! Password hashes: Argon2id with the parameters that OWASP recommends (19 MiB, two passes, one lane).

use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version, password_hash};
use domain::user::Password;
use kernel::Failure;

const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// The hash of an unknown password, with the same parameters. Verification against it takes as long as against a real hash, so that the
/// response time does not reveal which accounts exist.
const DUMMY_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$odxJlb782TCb0OyRD6rAwQ$RPVtazoYD87WCUvddnp61WNlgnYmKzEe9D/xeDMuecI";

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
        let parsed = PasswordHash::new(hash.unwrap_or(DUMMY_HASH)).map_err(Failure::internal)?;
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
    fn password_verifies_against_its_own_hash_only() {
        let hash = Argon2Passwords.hash(&password("correct horse battery")).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(Argon2Passwords.verify("correct horse battery", Some(&hash)), Ok(true));
        assert_eq!(Argon2Passwords.verify("correct horse", Some(&hash)), Ok(false));
        assert_ne!(
            hash,
            Argon2Passwords.hash(&password("correct horse battery")).unwrap(),
            "each hash has its own salt"
        );
    }

    #[test]
    fn unknown_account_takes_the_same_work_and_never_verifies() {
        let hash = Argon2Passwords.hash(&password("correct horse battery")).unwrap();
        assert_eq!(Argon2Passwords.verify("wrong", None), Ok(false));
        assert_eq!(Argon2Passwords.verify("", None), Ok(false));
        // The work depends on the algorithm, version and parameters, and on the lengths of salt and hash.
        let work = |hash: &str| match *hash.split('$').collect::<Vec<_>>() {
            ["", algorithm, version, parameters, salt, hash] => [algorithm, version, parameters]
                .map(str::to_owned)
                .into_iter()
                .chain([salt.len().to_string(), hash.len().to_string()])
                .collect::<Vec<_>>(),
            _ => panic!("{hash}"),
        };
        assert_eq!(work(DUMMY_HASH), work(&hash));
    }

    #[test]
    fn malformed_hash_is_an_internal_error() {
        assert!(Argon2Passwords.verify("wrong", Some("plain")).is_err());
    }
}
