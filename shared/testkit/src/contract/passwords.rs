//! Rules of [`Passwords`].

use super::Under;
use domain::user::Password;
use ports::Passwords;

/// One test a rule of [`Passwords`], each over the `Under<impl Passwords>` that the expression gives when it is awaited.
#[macro_export]
macro_rules! contract_passwords {
    ($under:expr) => {
        $crate::each_rule! { passwords, $under;
            a_password_has_its_own_hash_and_no_other_does
            the_same_password_never_has_the_same_hash_twice
            a_hash_is_a_phc_string_that_does_not_show_the_password
            nobody_gets_in_without_an_account
            what_is_no_hash_lets_nobody_in
        }
    };
}

const TEXT: &str = "correct horse battery";

fn password() -> Password {
    Password::try_from(TEXT.to_owned()).expect("a password")
}

pub async fn a_password_has_its_own_hash_and_no_other_does(under: &Under<impl Passwords>) {
    let hash = under.port().hash(&password()).expect("a hash");
    assert_eq!(under.port().verify(TEXT, Some(&hash)), Ok(true));
    for wrong in ["", "correct horse batterz", "Correct horse battery", "correct horse battery ", &"x".repeat(10_000)] {
        assert_eq!(under.port().verify(wrong, Some(&hash)), Ok(false), "{wrong}");
    }
}

pub async fn the_same_password_never_has_the_same_hash_twice(under: &Under<impl Passwords>) {
    let hashes = [under.port().hash(&password()).expect("a hash"), under.port().hash(&password()).expect("a hash")];
    assert_ne!(hashes[0], hashes[1]);
    for hash in hashes {
        assert_eq!(under.port().verify(TEXT, Some(&hash)), Ok(true));
    }
}

pub async fn a_hash_is_a_phc_string_that_does_not_show_the_password(under: &Under<impl Passwords>) {
    let hash = under.port().hash(&password()).expect("a hash");
    assert!(hash.starts_with('$') && !hash.contains("horse"));
}

pub async fn nobody_gets_in_without_an_account(under: &Under<impl Passwords>) {
    assert_eq!(under.port().verify(TEXT, None), Ok(false));
    assert_eq!(under.port().verify("", None), Ok(false));
}

pub async fn what_is_no_hash_lets_nobody_in(under: &Under<impl Passwords>) {
    for broken in ["", "x", "$", "$argon2id$", "$2b$12$abc"] {
        assert_ne!(under.port().verify(TEXT, Some(broken)), Ok(true), "{broken}");
    }
}
