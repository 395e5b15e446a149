//! Contract of [`Passwords`].

use super::Fixture;
use domain::user::Password;
use ports::Passwords;

/// Generates one test per rule of [`Passwords`]. The expression is a future of a `Fixture<impl Passwords>`.
#[macro_export]
macro_rules! contract_passwords {
    ($fixture:expr) => {
        $crate::each_rule! { passwords, $fixture;
            hash_verifies_its_own_password_only
            hashes_of_one_password_differ
            hash_is_a_phc_string_without_the_password
            missing_hash_verifies_no_password
            malformed_hash_verifies_no_password
        }
    };
}

const TEXT: &str = "correct horse battery";

fn password() -> Password {
    Password::try_from(TEXT.to_owned()).expect("a password")
}

pub async fn hash_verifies_its_own_password_only(fixture: &Fixture<impl Passwords>) {
    let hash = fixture.port().hash(&password()).expect("a hash");
    assert_eq!(fixture.port().verify(TEXT, Some(&hash)), Ok(true));
    for wrong in ["", "correct horse batterz", "Correct horse battery", "correct horse battery ", &"x".repeat(10_000)] {
        assert_eq!(fixture.port().verify(wrong, Some(&hash)), Ok(false), "{wrong}");
    }
}

pub async fn hashes_of_one_password_differ(fixture: &Fixture<impl Passwords>) {
    let hashes = [fixture.port().hash(&password()).expect("a hash"), fixture.port().hash(&password()).expect("a hash")];
    assert_ne!(hashes[0], hashes[1]);
    for hash in hashes {
        assert_eq!(fixture.port().verify(TEXT, Some(&hash)), Ok(true));
    }
}

pub async fn hash_is_a_phc_string_without_the_password(fixture: &Fixture<impl Passwords>) {
    let hash = fixture.port().hash(&password()).expect("a hash");
    assert!(hash.starts_with('$') && !hash.contains("horse"));
}

pub async fn missing_hash_verifies_no_password(fixture: &Fixture<impl Passwords>) {
    assert_eq!(fixture.port().verify(TEXT, None), Ok(false));
    assert_eq!(fixture.port().verify("", None), Ok(false));
}

pub async fn malformed_hash_verifies_no_password(fixture: &Fixture<impl Passwords>) {
    for broken in ["", "x", "$", "$argon2id$", "$2b$12$abc"] {
        assert_ne!(fixture.port().verify(TEXT, Some(broken)), Ok(true), "{broken}");
    }
}
