//! Contract of [`PasswordStrength`].

use super::Fixture;
use domain::user::Password;
use ports::PasswordStrength;

/// Generates one test per rule of [`PasswordStrength`]. The expression is a future of a `Fixture<impl PasswordStrength>`.
#[macro_export]
macro_rules! contract_password_strength {
    ($fixture:expr) => {
        $crate::each_rule! { password_strength, $fixture;
            common_passwords_are_guessable
            words_of_the_account_are_guessable
            words_that_do_not_belong_together_are_not_guessable
        }
    };
}

fn is_guessable(fixture: &Fixture<impl PasswordStrength>, text: &str, known: &[&str]) -> bool {
    fixture.port().is_guessable(&Password::try_from(text.to_owned()).expect("a password"), known)
}

pub async fn common_passwords_are_guessable(fixture: &Fixture<impl PasswordStrength>) {
    for common in ["password123", "Password123!", "1234567890"] {
        assert!(is_guessable(fixture, common, &[]), "{common}");
    }
}

pub async fn words_of_the_account_are_guessable(fixture: &Fixture<impl PasswordStrength>) {
    for text in ["zwirbelfink7", "Zwirbelfink7"] {
        assert!(!is_guessable(fixture, text, &[]), "{text}");
        assert!(is_guessable(fixture, text, &["zwirbelfink"]), "{text}");
    }
}

pub async fn words_that_do_not_belong_together_are_not_guessable(fixture: &Fixture<impl PasswordStrength>) {
    for text in ["correct horse battery", "a new horse, another battery"] {
        assert!(!is_guessable(fixture, text, &["ada@example.com", "ada", "lovelace"]), "{text}");
    }
}
