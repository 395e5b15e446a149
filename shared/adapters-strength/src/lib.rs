//! The strength of passwords, estimated by zxcvbn. Its dictionaries are a crate apart, so that only functions that set passwords link them.

use domain::user::Password;
use zxcvbn::{Score, zxcvbn};

/// Characters that are estimated. The time of an estimate grows with the square of the length, and a password whose first 64 characters are
/// easy to guess is not saved by the others.
const ESTIMATED: usize = 64;

#[derive(Debug, Clone, Copy, Default)]
pub struct Zxcvbn;

impl ports::PasswordStrength for Zxcvbn {
    fn is_guessable(&self, password: &Password, known: &[&str]) -> bool {
        let text: String = password.expose().chars().take(ESTIMATED).collect();
        // Below 10^8 guesses: an offline attack on a slow hash succeeds within hours.
        zxcvbn(&text, known).score() < Score::Three
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ports::PasswordStrength;

    fn is_guessable(text: &str, known: &[&str]) -> bool {
        Zxcvbn.is_guessable(&Password::try_from(text.to_owned()).unwrap(), known)
    }

    #[test]
    fn common_passwords_keyboards_dates_and_repetitions_are_guessable() {
        for text in
            ["password123", "Passw0rd2026", "qwertyuiop", "abcdefghij", "letmein12345", "12.10.1815", "hunter2hunter2"]
        {
            assert!(is_guessable(text, &[]), "{text}");
        }
    }

    #[test]
    fn words_that_do_not_belong_together_and_random_texts_are_not_guessable() {
        let known = [
            "ada-20261128-234500@example.com",
            "ada20261128234500",
            "Ada Lovelace",
            "ada",
            "example",
            "com",
            "Ada",
            "Lovelace",
        ];
        for text in [
            "correct horse battery",
            "correct horse battery staple",
            "a new horse, another battery",
            "a third horse without a battery",
            "another horse, a new battery",
            "a long enough secret",
            "cr\u{e8}me br\u{fb}l\u{e9}e 1815",
            "Lovelace-20261128-234500-1843",
            "Load-0192f0c1-0000-4000-8000-0123456789ab",
            "Storm-1a2b3c-7-Xy7",
            "xUuq7oN4KmA9TsuR",
        ] {
            assert!(!is_guessable(text, &known), "{text}");
        }
    }

    #[test]
    fn words_of_the_account_count_as_known() {
        assert!(!is_guessable("zwirbelfink7", &[]));
        assert!(is_guessable("zwirbelfink7", &["zwirbelfink"]) && is_guessable("Zwirbelfink7", &["zwirbelfink"]));
    }

    #[test]
    fn longest_passwords_are_estimated_by_their_beginning() {
        assert!(!is_guessable(&"qP7#vXm2".repeat(16), &[]));
        assert!(is_guessable(&format!("{}{}", "ab1!".repeat(16), "Kq7#vX".repeat(10)), &[]));
        assert!(is_guessable(&"password".repeat(16), &[]));
    }
}
