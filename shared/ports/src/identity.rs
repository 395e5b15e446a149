//! Ports of identity.

use crate::{Claim, EmailMessage, RefreshToken, RequestSources};
use domain::{
    Event,
    id::{SessionId, UserId},
    message_limits::{Budget, MessageBudgets},
    text::{Email, Phone},
    user::{AccountWords, Password, Role, User},
    verification::{Contacts, Token, Verification},
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp, Uuid};
use std::fmt;

/// User accounts and sessions.
pub trait UserStore {
    /// Stores a new account with its event. A taken e-mail address or username is `Conflict`, code `email-taken` or `username-taken`,
    /// with the pointer of the field.
    async fn register(&self, user: &User, password_hash: &str, event: &Event) -> Result<(), Failure>;

    /// Like [`Self::register`], once for a key: stores the response with the account, or returns the one that is stored. A conflict stores
    /// nothing.
    async fn register_once(
        &self,
        user: &User,
        password_hash: &str,
        event: &Event,
        key: &IdempotencyKey,
        reply: &StoredReply,
    ) -> Result<IdempotencyOutcome, Failure>;

    /// Counts a registration from a source, whether or not it succeeds later, against the budget of the source. Beyond it the failure is that
    /// of [`domain::login_throttle::too_many_registrations`], and nothing is counted.
    async fn count_registration(&self, source: &str, budget: Budget, now: Timestamp) -> Result<(), Failure>;

    /// Stores the response to a request that changed nothing, such as a rejection, unless its key has one.
    async fn store_response(&self, key: &IdempotencyKey, reply: &StoredReply) -> Result<IdempotencyOutcome, Failure>;

    /// Counts a login attempt, and returns the credentials to check it against.
    ///
    /// The attempt counts as failed until [`Self::begin_session`] or [`Self::forget_attempt`], and counts before the password is verified, so
    /// that concurrent guesses are counted one by one. `domain::login_throttle` has the rules; a refused attempt counts nothing. Names without an
    /// account are treated alike.
    async fn reserve_login(
        &self,
        account: LoginName<'_>,
        counters: &LoginCounters,
        now: Timestamp,
    ) -> Result<LoginAttempt, Failure>;

    /// Forgets the failed attempts at the account from this source, and gives the source its attempt back.
    async fn forget_attempt(&self, counters: &LoginCounters) -> Result<(), Failure>;

    /// Starts a session: forgets the failed logins of the name from this source, gives the source its attempt back, and stores the digest
    /// of the refresh token. `false`, with nothing changed, unless the account is active and has the password and the role of `checked`, which
    /// the login read before it verified the password: an account that was changed meanwhile has ended its logins. Nor may a second factor have
    /// been activated meanwhile, which the login has not asked for, or the one that it has asked for been removed.
    async fn begin_session(
        &self,
        session: SessionId,
        checked: &Credentials,
        counters: &LoginCounters,
        token: &RefreshToken,
    ) -> Result<bool, Failure>;
}

/// The login name of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginName<'a> {
    /// An e-mail address or username in lower case.
    Typed(&'a str),
    Id(UserId),
}

/// The keyed hashes under which an attempt is counted. They reveal neither a name nor an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginCounters {
    /// Of the name and the source.
    pub name_and_source: String,
    pub source: String,
}

/// Whether an attempt to log in may be verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginAttempt {
    /// It may, against the credentials of the account; `None` if there is no such account.
    Granted(Option<Credentials>),
    /// It may not, before this time; `None` if concurrent attempts have just used up what was left.
    Refused(Option<Timestamp>),
}

/// What a login is checked against.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub user_id: UserId,
    pub role: Role,
    /// PHC string.
    pub password_hash: String,
    /// Whether a second factor is active.
    pub has_second_factor: bool,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user_id", &self.user_id).field("role", &self.role).finish_non_exhaustive()
    }
}

/// Verification of the addresses of users.
pub trait VerificationStore {
    /// The addresses of a user.
    async fn contacts(&self, user: UserId) -> Result<Option<Contacts>, Failure>;

    /// Commits the event that requests a verification of `address`, with the response to the key if there is one. The `sequence` of the event
    /// becomes the version of the account. It counts for the user and for the address, which have budgets: beyond these it is `RateLimited` and
    /// stores nothing.
    async fn request_verification(
        &self,
        address: &str,
        event: &Event,
        key: Option<&IdempotencyKey>,
        reply: &StoredReply,
        quota: &MessageBudgets,
    ) -> Result<IdempotencyOutcome, Failure>;

    /// The stored response to a key of [`Self::request_verification`], if there is one. It does not reserve the key.
    async fn find_request(&self, key: &IdempotencyKey) -> Result<Option<IdempotencyOutcome>, Failure>;

    /// Whether the token or the notice of this claim was sent.
    async fn was_token_sent(&self, claim: Claim) -> Result<bool, Failure>;

    /// Stores the digest of a token under its selector until `expires_at`. A token that was stored for the same event is replaced.
    async fn store_token(
        &self,
        verification: &Verification,
        selector: &str,
        expires_at: Timestamp,
    ) -> Result<(), Failure>;

    /// Records, once per claim, that the token or the notice was sent, or that there was nothing to send.
    async fn record_token_sent(&self, claim: Claim) -> Result<(), Failure>;

    /// Counts an attempt on each valid token with this selector, and returns those that may be tried: the address is still the user's, and
    /// there were fewer than `MAX_ATTEMPTS` attempts.
    async fn try_token(&self, selector: &str, now: Timestamp) -> Result<Vec<Verification>, Failure>;

    /// Marks the address as verified, removes the tokens of the user for this kind of address, and commits the event, a `ContactVerified`.
    /// `false`, with nothing changed, if the token was used or the user was changed since it was tried.
    async fn verify(&self, verification: &Verification, event: &Event) -> Result<bool, Failure>;
}

/// Tokens that verify an address.
pub trait VerificationTokens {
    /// A new token and its stored digest.
    fn verification_token(&self) -> Result<(Token, String), Failure>;

    /// Whether a digest is that of the token. The time does not depend on where they differ.
    fn is_digest_of(&self, digest: &str, token: &Token) -> bool;
}

/// Sends tokens to the addresses that they verify, and tells verified addresses that they were replaced. An address that is rejected permanently gets
/// nothing.
pub trait VerificationSender {
    /// Sends a token to the address of its verification.
    async fn send_token(&self, verification: &Verification, token: &Token) -> Result<(), Failure>;

    /// Tells an e-mail address that it was replaced, as the delivery `id`.
    async fn tell_replaced_email(&self, to: &Email, id: Uuid) -> Result<(), Failure>;

    /// Tells a phone number that it was replaced.
    async fn tell_replaced_phone(&self, to: &Phone) -> Result<(), Failure>;
}

/// Mails tokens with which a new password can be set.
pub trait PasswordResetSender {
    /// Mails a token as the delivery `id`. An address that is rejected permanently gets none.
    async fn send_reset(&self, to: Email, id: Uuid, token: &Token) -> Result<(), Failure>;
}

/// Messages with tokens, most of them to addresses that are not verified yet, and to addresses that were replaced. They contain no text of a
/// customer.
pub trait VerificationMessages {
    /// The e-mail with a token.
    fn verification_email(&self, to: Email, token: &Token) -> Result<EmailMessage, Failure>;

    /// The e-mail with a token for a new password.
    fn reset_email(&self, to: Email, token: &Token) -> Result<EmailMessage, Failure>;

    /// The text message with a token.
    fn verification_sms(&self, token: &Token) -> Result<String, Failure>;

    /// The e-mail to an address that was replaced.
    fn replaced_email(&self, to: Email) -> Result<EmailMessage, Failure>;

    /// The text message to a number that was replaced.
    fn replaced_sms(&self) -> Result<String, Failure>;
}

/// An attempt to prove to be the user of an account.
#[derive(Clone, Copy)]
pub struct PasswordAttempt<'a> {
    pub account: LoginName<'a>,
    /// As it was typed.
    pub password: &'a str,
    /// The client's IP address.
    pub client_address: Option<&'a str>,
    pub now: Timestamp,
}

/// The passwords of accounts: proving the old one, under the delays of `domain::login_throttle`.
pub trait AccountPasswords: RequestSources {
    /// Verifies a password. The attempt counts as failed until the returned counters are settled. `None` if it is wrong; `RateLimited` after
    /// too many wrong ones.
    async fn verify(&self, attempt: PasswordAttempt<'_>) -> Result<Option<(Credentials, LoginCounters)>, Failure>;

    /// Verifies a password and settles the counters.
    async fn prove(&self, attempt: PasswordAttempt<'_>) -> Result<Option<Credentials>, Failure>;
}

/// New passwords of accounts.
pub trait NewPasswordHasher {
    /// Hashes a new password of a user, unless it is easy to guess or contains what everyone knows of the account; `Validation` then.
    fn hash_new(&self, password: &Password, known: &AccountWords<'_>) -> Result<String, Failure>;
}

/// Password hashing. It is slow on purpose and does no I/O.
pub trait Passwords {
    /// Hashes a password with a new salt. Returns a PHC string.
    fn hash(&self, password: &Password) -> Result<String, Failure>;

    /// Verifies a password against a hash. `None` stands for an unknown account: it takes the same time and returns `false`.
    fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, Failure>;
}

/// Estimates how strong passwords are. It does no I/O.
pub trait PasswordStrength {
    /// Whether a password would be guessed soon by someone who knows common passwords, words and names, keyboards, and the words of the
    /// account in `known`.
    fn is_guessable(&self, password: &Password, known: &[&str]) -> bool;
}

/// Claims of an access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    pub user_id: UserId,
    pub session_id: SessionId,
    pub role: Role,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
}

/// Signs access tokens, with the private halves of the signing keys.
pub trait Tokens: RefreshTokens {
    /// Loads the signing keys, so that [`Self::issue`] succeeds in the next minutes even if they cannot be read again. To be called before
    /// anything is used up that the client would need to repeat its request.
    async fn ready(&self) -> Result<(), Failure>;

    /// Signs a token with the newest key that was published five minutes before `claims.issued_at`, or with the oldest key if none
    /// was.
    async fn issue(&self, claims: &Claims) -> Result<String, Failure>;
}

/// Makes refresh tokens, which need no key.
pub trait RefreshTokens {
    /// A new refresh token and its stored digest: 256 random bits in base64url, and the SHA-256 of that text in hexadecimal.
    fn refresh_token(&self) -> Result<(String, String), Failure>;

    /// The digest under which a refresh token is stored.
    fn digest(&self, refresh_token: &str) -> String;
}

/// Verifies access tokens, with the public halves of the signing keys and without the private ones.
pub trait TokenVerifier {
    /// The claims of a token; `None` unless one of our keys signed it with the one allowed algorithm and it is valid at `now`: it has not expired,
    /// and was not issued more than [`domain::session::CLOCK_SKEW_S`] later.
    async fn verify(&self, token: &str, now: Timestamp) -> Result<Option<Claims>, Failure>;

    /// The public keys as a JSON Web Key Set (RFC 7517).
    async fn jwks(&self) -> Result<String, Failure>;
}

pub trait SigningKeys {
    /// Adds a new signing key, publishes its public half before it can sign, and returns its id. Tokens that the previous key signed stay
    /// valid.
    async fn rotate(&self) -> Result<String, Failure>;
}
