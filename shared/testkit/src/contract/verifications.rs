//! Contract of [`VerificationStore`] and [`VerificationTokens`].

use super::{Fixture, a_claim, an_event, fresh, kind_and_code, later, now};
use crate::build;
use domain::{
    Event,
    event::{ContactVerificationRequested, SEQUENCE_SET_BY_STORE},
    id::UserId,
    message_limits::MessageBudgets,
    text::Phone,
    user::User,
    verification::{ContactKind, MAX_ATTEMPTS, Token, Verification},
};
use futures_util::future::join_all;
use kernel::{FailureKind, IdempotencyKey, IdempotencyOutcome};
use ports::{UserStore, VerificationStore, VerificationTokens};

/// Generates one test per rule of [`VerificationStore`]. The expression is a future of a
/// `Fixture<UsersAndTokens<impl UserStore + VerificationStore, impl VerificationTokens>>`.
#[macro_export]
macro_rules! contract_verifications {
    ($fixture:expr) => {
        $crate::each_rule! { verifications, $fixture;
            token_verifies_its_address_once
            concurrent_uses_of_one_token_verify_once
            token_of_an_older_message_is_removed_with_the_newer
            token_can_be_tried_a_few_times_only
            expired_token_is_not_found
            token_that_is_stored_again_replaces_the_first
            requests_of_a_customer_are_limited_and_a_key_repeats_its_first
            request_has_the_version_of_the_account
            requests_for_an_address_are_limited_whoever_asks
            sent_token_is_recorded_once
            digest_is_of_its_own_token_only
        }
    };
}

/// Users, and tokens to verify their addresses.
#[derive(Debug)]
pub struct UsersAndTokens<U, T> {
    pub users: U,
    pub tokens: T,
}

type Port<U, T> = Fixture<UsersAndTokens<U, T>>;

async fn a_user(users: &impl UserStore) -> User {
    let id = fresh();
    let name = format!("u{}", &id.simple().to_string()[18..]);
    let phone = Some(Phone::parse("+491701234567").expect("a number"));
    let user = User { phone, ..build::user().id(UserId(id)).name(&name).registered() };
    users.register(&user, "$hash$", &an_event(build::user().event())).await.expect("registered");
    user
}

/// Stores a new token for the user's e-mail address.
async fn store<U: VerificationStore, T: VerificationTokens>(
    port: &UsersAndTokens<U, T>,
    user: &User,
) -> (Token, Verification) {
    let (token, digest) = port.tokens.verification_token().expect("a token");
    let (kind, address) = (ContactKind::Email, user.email.as_str().to_owned());
    let verification = Verification { id: fresh(), user_id: user.id, kind, address, digest, version: 0 };
    port.users.store_token(&verification, token.selector(), later(60)).await.expect("stored");
    (token, Verification { version: user.version, ..verification })
}

async fn tried(users: &impl VerificationStore, token: &Token) -> Vec<Verification> {
    users.try_token(token.selector(), now()).await.expect("the store responds")
}

pub async fn token_verifies_its_address_once<U: UserStore + VerificationStore, T: VerificationTokens>(
    fixture: &Port<U, T>,
) {
    let port = fixture.port();
    let user = a_user(&port.users).await;
    let known = port.users.contacts(user.id).await.expect("a response").expect("a user");
    assert_eq!((known.email.as_str(), known.phone.as_deref()), (user.email.as_str(), Some("+491701234567")));
    assert_eq!(known.verified, []);
    let (token, verification) = store(port, &user).await;
    assert_eq!(tried(&port.users, &token).await, std::slice::from_ref(&verification));
    let event = an_event(verification.verified());
    assert_eq!(port.users.verify(&verification, &event).await, Ok(true));
    assert_eq!(port.users.verify(&verification, &an_event(verification.verified())).await, Ok(false));
    assert_eq!(tried(&port.users, &token).await, []);
    let known = port.users.contacts(user.id).await.expect("a response").expect("a user");
    assert_eq!(known.verified, [ContactKind::Email]);
    assert_eq!(fixture.publish_count(event.id), 1);
    assert_eq!(port.users.contacts(UserId(fresh())).await, Ok(None));
}

pub async fn concurrent_uses_of_one_token_verify_once<U: UserStore + VerificationStore, T: VerificationTokens>(
    fixture: &Port<U, T>,
) {
    let user = a_user(&fixture.port().users).await;
    let (_, verification) = store(fixture.port(), &user).await;
    let events: Vec<Event> = (0..6).map(|_| an_event(verification.verified())).collect();
    let uses = fixture.concurrent(6).zip(&events).map(|(port, event)| port.users.verify(&verification, event));
    let uses = join_all(uses).await;
    assert_eq!(uses.iter().filter(|one| **one == Ok(true)).count(), 1, "{uses:?}");
    assert!(uses.iter().all(Result::is_ok), "{uses:?}");
}

pub async fn token_of_an_older_message_is_removed_with_the_newer<
    U: UserStore + VerificationStore,
    T: VerificationTokens,
>(
    fixture: &Port<U, T>,
) {
    let port = fixture.port();
    let user = a_user(&port.users).await;
    let ((older, _), (_, newer)) = (store(port, &user).await, store(port, &user).await);
    assert_eq!(tried(&port.users, &older).await.len(), 1, "both count until one is used");
    assert_eq!(port.users.verify(&newer, &an_event(newer.verified())).await, Ok(true));
    assert_eq!(tried(&port.users, &older).await, []);
}

pub async fn token_can_be_tried_a_few_times_only<U: UserStore + VerificationStore, T: VerificationTokens>(
    fixture: &Port<U, T>,
) {
    let port = fixture.port();
    let user = a_user(&port.users).await;
    let (token, _) = store(port, &user).await;
    let attempts = join_all(fixture.concurrent(12).map(|port| tried(&port.users, &token))).await;
    let expected = usize::try_from(MAX_ATTEMPTS).expect("positive");
    assert_eq!(attempts.iter().filter(|found| !found.is_empty()).count(), expected);
}

pub async fn expired_token_is_not_found<U: UserStore + VerificationStore, T: VerificationTokens>(fixture: &Port<U, T>) {
    let port = fixture.port();
    let user = a_user(&port.users).await;
    let (token, _) = store(port, &user).await;
    assert_eq!(port.users.try_token(token.selector(), later(60)).await, Ok(vec![]));
    assert_eq!(tried(&port.users, &token).await.len(), 1);
}

pub async fn token_that_is_stored_again_replaces_the_first<U: UserStore + VerificationStore, T: VerificationTokens>(
    fixture: &Port<U, T>,
) {
    let port = fixture.port();
    let user = a_user(&port.users).await;
    let (first, verification) = store(port, &user).await;
    let (second, digest) = port.tokens.verification_token().expect("a token");
    let again = Verification { digest, ..verification };
    port.users.store_token(&again, second.selector(), later(60)).await.expect("stored");
    assert_eq!(tried(&port.users, &second).await, [again]);
    assert!(tried(&port.users, &first).await.iter().all(|one| !port.tokens.is_digest_of(&one.digest, &first)));
}

fn request(user: UserId) -> Event {
    let event = an_event(ContactVerificationRequested { user_id: user, channel: ContactKind::Email });
    Event { subject: user.to_string(), ..event }
}

pub async fn requests_of_a_customer_are_limited_and_a_key_repeats_its_first<
    U: UserStore + VerificationStore,
    T: VerificationTokens,
>(
    fixture: &Port<U, T>,
) {
    let (users, user) = (&fixture.port().users, UserId(fresh()));
    let (reply, quota) = (build::a_reply("accepted"), MessageBudgets::daily(4, 40));
    let address = || format!("{}@example.com", fresh());
    let key = build::a_key(&fresh().to_string(), "email");
    let first = request(user);
    let ask = users.request_verification(&address(), &first, Some(&key), &reply, &quota).await;
    assert_eq!(ask, Ok(IdempotencyOutcome::Committed));
    for _ in 0..8 {
        let again = users.request_verification(&address(), &request(user), Some(&key), &reply, &quota).await;
        assert_eq!(again, Ok(IdempotencyOutcome::Replayed(reply.clone())));
    }
    let other = IdempotencyKey { fingerprint: "phone".to_owned(), ..key.clone() };
    let reused = users.request_verification(&address(), &request(user), Some(&other), &reply, &quota).await;
    assert_eq!(kind_and_code(reused), (FailureKind::Invalid, "idempotency-key-reused"));
    for _ in 1..4 {
        let ask = users.request_verification(&address(), &request(user), None, &reply, &quota).await;
        assert_eq!(ask, Ok(IdempotencyOutcome::Committed));
    }
    let refused = request(user);
    let beyond = users.request_verification(&address(), &refused, None, &reply, &quota).await;
    assert_eq!(kind_and_code(beyond), (FailureKind::RateLimited, "too-many-verifications"));
    assert_eq!((fixture.publish_count(first.id), fixture.publish_count(refused.id)), (1, 0));
    assert_eq!(users.find_request(&key).await, Ok(Some(IdempotencyOutcome::Replayed(reply))));
    assert_eq!(users.find_request(&build::a_key(&fresh().to_string(), "email")).await, Ok(None));
}

pub async fn request_has_the_version_of_the_account<U: UserStore + VerificationStore, T: VerificationTokens>(
    fixture: &Port<U, T>,
) {
    let users = &fixture.port().users;
    let user = a_user(users).await;
    let (reply, quota) = (build::a_reply("accepted"), MessageBudgets::daily(4, 40));
    let request = async || {
        let event = Event { sequence: SEQUENCE_SET_BY_STORE, ..request(user.id) };
        let asked = users.request_verification(user.email.as_str(), &event, None, &reply, &quota).await;
        assert_eq!(asked, Ok(IdempotencyOutcome::Committed));
        fixture.published(event.id).expect("published").sequence
    };
    assert_eq!(request().await, user.version);
    let (_, verification) = store(fixture.port(), &user).await;
    assert_eq!(users.verify(&verification, &an_event(verification.verified())).await, Ok(true));
    assert_eq!(request().await, user.version + 1);
}

pub async fn requests_for_an_address_are_limited_whoever_asks<
    U: UserStore + VerificationStore,
    T: VerificationTokens,
>(
    fixture: &Port<U, T>,
) {
    let (reply, address) = (build::a_reply("accepted"), format!("{}@example.com", fresh()));
    let quota = &MessageBudgets::daily(40, 3);
    let events: Vec<Event> = (0..12).map(|_| request(UserId(fresh()))).collect();
    let asked = fixture.concurrent(12).zip(&events).map(|(port, event)| {
        let (address, reply) = (&address, &reply);
        async move { port.users.request_verification(address, event, None, reply, quota).await }
    });
    let asked = join_all(asked).await;
    assert_eq!(asked.iter().filter(|one| one.is_ok()).count(), 3, "{asked:?}");
    for refused in asked.into_iter().filter(Result::is_err) {
        assert_eq!(kind_and_code(refused), (FailureKind::RateLimited, "too-many-verifications"));
    }
}

pub async fn sent_token_is_recorded_once<U: UserStore + VerificationStore, T: VerificationTokens>(
    fixture: &Port<U, T>,
) {
    let (users, claim) = (&fixture.port().users, a_claim(catalog::VERIFICATION_SEND.name));
    assert_eq!(users.was_token_sent(claim).await, Ok(false));
    for _ in 0..2 {
        assert_eq!(users.record_token_sent(claim).await, Ok(()));
        assert_eq!(users.was_token_sent(claim).await, Ok(true));
    }
}

pub async fn digest_is_of_its_own_token_only<U: UserStore + VerificationStore, T: VerificationTokens>(
    fixture: &Port<U, T>,
) {
    let tokens = &fixture.port().tokens;
    let new = || tokens.verification_token().expect("a token");
    let ((first, digest), (second, _)) = (new(), new());
    assert_ne!(first, second);
    assert!(tokens.is_digest_of(&digest, &first) && !tokens.is_digest_of(&digest, &second));
    assert!(!tokens.is_digest_of("", &first) && !digest.contains(first.expose()));
}
