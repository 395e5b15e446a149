//! Guessed passwords: delays by account and source, alike for names that exist and names that do not.

use super::routes::{Answer, Api};
use crate::functions::{USER, browser_sessions::refresh_cookie, sample, sample_time};
use adapters::{Wiring, config::Config};
use adapters_auth::Argon2Passwords;
use catalog::{KEY_ROTATE, USER_LOGIN};
use domain::{
    login_throttle::{FIRST_DELAY_S, FREE_FAILURES, SOURCE_BURST},
    second_factor::MfaPolicy,
    user::Password,
};
use edge::{
    Clock,
    http::{ORIGIN_SECRET, VIEWER_ADDRESS, respond},
};
use kernel::{Failure, Ids, Timestamp};
use ports::{Passwords, UserStore as _};
use serde_json::{Value, json};
use services::LoginThrottle;
use std::{cell::Cell, time::Instant};
use testkit::{Platform, build};

/// The password of the account `ada@example.com` in the samples.
const RIGHT: &str = "correct horse battery";
const WRONG: &str = "correct horse batterie";

/// The platform with one account, `ada`.
fn api() -> Api {
    let api = Api::new();
    api.platform.users().put(&build::user().id(USER).registered(), RIGHT);
    api
}

fn request(email: &str, password: &str, source: &str) -> Value {
    let edits = format!("set /body/email = {}; set /body/password = {}", json!(email), json!(password));
    let mut event = sample(USER_LOGIN, &edits);
    event["requestContext"]["http"]["sourceIp"] = source.into();
    event
}

async fn login(api: &Api, email: &str, password: &str, source: &str) -> Answer {
    api.send(USER_LOGIN, request(email, password, source)).await
}

/// What a client can see of an answer, without the ids of the request.
fn visible(answer: &Answer) -> (u16, Value, Value) {
    let mut body = answer.body.clone();
    body.as_object_mut().expect("a problem").remove("trace_id");
    (answer.status, answer.headers["retry-after"].clone(), body)
}

const OWNER: &str = "ada@example.com";
const GUESSER: &str = "198.51.100.66";

#[tokio::test]
async fn guesses_are_delayed_and_the_owner_gets_in_from_elsewhere() {
    let api = api();
    for _ in 0..FREE_FAILURES {
        assert_eq!(login(&api, OWNER, WRONG, GUESSER).await.status, 401);
    }
    // (password, source, status, code)
    for (password, source, status, code) in [
        (WRONG, GUESSER, 429, "too-many-logins"),
        (RIGHT, GUESSER, 429, "too-many-logins"),
        (RIGHT, "203.0.113.7", 200, ""),
        (WRONG, "2001:db8::1", 401, "wrong-credentials"),
        (RIGHT, GUESSER, 429, "too-many-logins"),
    ] {
        let answer = login(&api, OWNER, password, source).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{password} from {source}");
        assert_eq!(answer.headers["retry-after"].is_string(), status == 429);
    }
    assert_eq!(api.platform.users().sessions(USER).len(), 1);
}

#[tokio::test]
async fn known_and_unknown_names_are_answered_alike_to_the_last_byte() {
    let (known, unknown) = (api(), api());
    for guess in 0..FREE_FAILURES + 2 {
        let known = login(&known, OWNER, WRONG, GUESSER).await;
        let unknown = login(&unknown, "nobody@example.com", WRONG, GUESSER).await;
        assert_eq!(visible(&known), visible(&unknown), "guess {guess}");
        assert_eq!(known.status, if guess < FREE_FAILURES { 401 } else { 429 });
    }
}

#[tokio::test]
async fn addresses_of_one_ipv6_network_are_one_source() {
    let api = api();
    for host in 1..=FREE_FAILURES {
        assert_eq!(login(&api, OWNER, WRONG, &format!("2001:db8:1:2::{host}")).await.status, 401);
    }
    assert_eq!(login(&api, OWNER, WRONG, "2001:db8:1:2:ffff::1").await.status, 429);
    assert_eq!(login(&api, OWNER, WRONG, "2001:db8:1:3::1").await.status, 401);
}

#[tokio::test]
async fn viewer_address_is_believed_with_the_secret_of_the_distribution_alone() {
    let api = api();
    let edge = "192.0.2.1";
    let through = async |viewer: &str, secret: Option<&str>| {
        let mut event = request(OWNER, WRONG, edge);
        event["headers"][VIEWER_ADDRESS] = viewer.into();
        if let Some(secret) = secret {
            event["headers"][ORIGIN_SECRET] = secret.into();
        }
        api.send(USER_LOGIN, event).await.status
    };
    for _ in 0..FREE_FAILURES {
        assert_eq!(through(GUESSER, Some(testkit::ORIGIN_SECRET)).await, 401);
    }
    assert_eq!(through(GUESSER, Some(testkit::ORIGIN_SECRET)).await, 429);
    // Another viewer behind the same edge is not delayed, and a new address in each forged header is no new source.
    for guess in 0..FREE_FAILURES {
        let secret = ["guessed", &testkit::ORIGIN_SECRET[1..]].get(usize::from(guess == 0)).copied();
        let forged = through(&format!("203.0.113.{guess}"), secret.filter(|_| guess != 2)).await;
        assert_eq!(forged, 401, "guess {guess}");
    }
    assert_eq!(through("203.0.113.99", Some("guessed")).await, 429);
    assert_eq!(through("203.0.113.99", None).await, 429);
    assert_eq!(through("203.0.113.99", Some(testkit::ORIGIN_SECRET)).await, 401);
}

#[tokio::test]
async fn rotation_of_the_signing_keys_resets_no_delay() {
    let api = api();
    for _ in 0..FREE_FAILURES {
        login(&api, OWNER, WRONG, GUESSER).await;
    }
    let (tokens, sealer, sources) = (api.platform.tokens(), api.platform.sealer(), api.platform.request_sources());
    let rotate = async |call| key_rotate::handle(&tokens, &sealer, &sources, call).await;
    let clock = Clock::at(sample_time(), 7);
    edge::direct::invoke(KEY_ROTATE.name, sample(KEY_ROTATE, "ok"), &clock, &rotate).await.expect("rotated");
    assert_eq!(login(&api, OWNER, RIGHT, GUESSER).await.status, 429);
}

#[tokio::test]
async fn one_source_cannot_try_one_password_on_many_accounts() {
    let api = api();
    for account in 0..SOURCE_BURST {
        assert_eq!(login(&api, &format!("user{account}@example.com"), WRONG, GUESSER).await.status, 401);
    }
    assert_eq!(login(&api, OWNER, RIGHT, GUESSER).await.status, 429);
    assert_eq!(login(&api, OWNER, RIGHT, "203.0.113.7").await.status, 200);
}

#[tokio::test]
async fn successful_logins_use_up_no_budget() {
    let api = api();
    for _ in 0..2 * SOURCE_BURST {
        assert_eq!(login(&api, OWNER, RIGHT, GUESSER).await.status, 200);
    }
}

/// Verifies with Argon2, or not at all, and counts the verifications.
#[derive(Default)]
struct Counted {
    works: bool,
    verified: Cell<u32>,
}

impl Passwords for Counted {
    fn hash(&self, password: &Password) -> Result<String, Failure> {
        Argon2Passwords.hash(password)
    }

    fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, Failure> {
        self.verified.set(self.verified.get() + 1);
        if self.works { Argon2Passwords.verify(password, hash) } else { Ok(false) }
    }
}

/// The status of one request, with the verifications and the durable steps that it cost.
async fn work(platform: &Platform, passwords: &Counted, event: Value) -> (u64, u32, usize) {
    let route = &Wiring::new(USER_LOGIN, Config::from_vars([])).route().expect("a route");
    let (verified, steps) = (passwords.verified.get(), platform.operation_count());
    let response = respond(route, event, &Clock::at(sample_time(), 7), &async |call| {
        let (users, sources) = (&platform.users(), &platform.request_sources());
        let passwords = &LoginThrottle::new(users, passwords, sources);
        user_login::handle(users, (passwords, &MfaPolicy::default()), (&platform.tokens(), &refresh_cookie()), call)
            .await
    })
    .await;
    let status = response["statusCode"].as_u64().expect("a status");
    (status, passwords.verified.get() - verified, platform.operation_count() - steps)
}

#[tokio::test]
async fn guesses_in_parallel_are_counted_before_any_is_verified() {
    let (platform, passwords) = (api().platform, Counted::default());
    platform.faults().interleave();
    let guesses = (0..40).map(|_| work(&platform, &passwords, request(OWNER, WRONG, GUESSER)));
    futures_util::future::join_all(guesses).await;
    assert_eq!(passwords.verified.get(), FREE_FAILURES.unsigned_abs());
}

/// Work is asserted; time is printed (`cargo test -p quayside-tests hostile::logins -- --nocapture`), since a loaded machine proves nothing.
#[tokio::test]
#[expect(clippy::print_stdout, reason = "a measurement for people")]
async fn known_and_unknown_names_cost_the_same_work() {
    const ROUNDS: usize = 12;
    let (platform, passwords) = (Platform::new(), Counted { works: true, ..Counted::default() });
    let hash = Argon2Passwords.hash(&Password::try_from(RIGHT.to_owned()).expect("valid")).expect("a hash");
    let user = build::user().id(USER);
    let event = build::event_with(Ids::system().next(), Timestamp::UNIX_EPOCH, user.event());
    platform.users().register(&user.registered(), &hash, &event).await.expect("registered");
    let mut distributions = [Vec::new(), Vec::new()];
    for round in 0..ROUNDS {
        for (times, name) in distributions.iter_mut().zip([OWNER, "nobody@example.com"]) {
            let event = request(name, WRONG, &format!("198.51.100.{round}"));
            let began = Instant::now();
            assert_eq!(work(&platform, &passwords, event).await, (401, 1, 1), "{name}");
            times.push(began.elapsed().as_micros());
        }
    }
    for (times, name) in distributions.iter_mut().zip(["known", "unknown"]) {
        times.sort_unstable();
        let [low, median, high] = [0, ROUNDS / 2, ROUNDS - 1].map(|rank| times[rank]);
        println!("{name}: least {low} µs, median {median} µs, most {high} µs; 1 verification, 1 statement each");
    }
    for _ in 1..FREE_FAILURES {
        work(&platform, &passwords, request(OWNER, WRONG, GUESSER)).await;
    }
    assert_eq!(work(&platform, &passwords, request(OWNER, WRONG, GUESSER)).await.0, 401);
    assert_eq!(work(&platform, &passwords, request(OWNER, WRONG, GUESSER)).await, (429, 0, 1), "a refusal is cheap");
    assert_eq!(FIRST_DELAY_S, 30, "stated in docs/input.md");
}
