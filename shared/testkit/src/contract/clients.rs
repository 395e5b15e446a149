//! Contract of [`ClientStore`].

use super::{Fixture, fresh, later, now};
use crate::build;
use domain::{
    client::Client,
    id::{ClientId, SessionId, UserId},
    login_throttle,
    text::ClientName,
};
use futures_util::future::join_all;
use kernel::{IdempotencyKey, IdempotencyOutcome};
use ports::{ClientAttempt, ClientStore, LoginCounters, SessionStore, UserStore};

/// Generates one test per rule. The expression is a future of a `Fixture<impl ClientStore + UserStore + SessionStore>`.
#[macro_export]
macro_rules! contract_clients {
    ($fixture:expr) => {
        $crate::each_rule! { clients, $fixture;
            client_is_checked_against_its_secret_alone
            repeated_creation_under_a_key_gets_the_first_response
            repeated_replacement_under_a_key_gets_the_first_response_and_replaces_nothing
            concurrent_replacements_under_a_key_replace_once
            replaced_secret_stays_valid_for_the_overlap_and_the_one_before_does_not
            deleted_client_has_no_secret_and_its_tokens_are_to_be_revoked
            clients_are_listed_newest_first_in_pages
            wrong_secrets_are_delayed_like_logins_until_one_is_right
        }
    };
}

async fn create(clients: &impl ClientStore, digest: &str) -> Client {
    let name = ClientName::parse("warehouse").expect("a name");
    let (id, created_by) = (ClientId(fresh()), UserId(fresh()));
    let client = Client { id, name, created_by, created_at: now(), previous_valid_until: None };
    assert_eq!(clients.create_client(&client, digest, None).await, Ok(IdempotencyOutcome::Committed));
    client
}

fn a_key(fingerprint: &str) -> IdempotencyKey {
    let (scope, key) = ("admin:client".to_owned(), fresh().to_string());
    IdempotencyKey { scope, key, fingerprint: fingerprint.to_owned() }
}

fn counters() -> LoginCounters {
    LoginCounters { name_and_source: fresh().to_string(), source: fresh().to_string() }
}

/// The digests that a first attempt is checked against, `at` seconds from now.
async fn digests(clients: &impl ClientStore, client: Option<ClientId>, at: i64) -> Vec<String> {
    match clients.reserve_client(client, &counters(), later(at)).await.expect("a response") {
        ClientAttempt::Granted(digests) => digests,
        ClientAttempt::Refused(until) => panic!("refused until {until:?}"),
    }
}

pub async fn client_is_checked_against_its_secret_alone(fixture: &Fixture<impl ClientStore + UserStore>) {
    let (one, _other) = (create(fixture.port(), "one").await, create(fixture.port(), "other").await);
    assert_eq!(digests(fixture.port(), Some(one.id), 0).await, ["one"]);
    assert!(digests(fixture.port(), Some(ClientId(fresh())), 0).await.is_empty());
    assert!(digests(fixture.port(), None, 0).await.is_empty());
}

pub async fn repeated_creation_under_a_key_gets_the_first_response(fixture: &Fixture<impl ClientStore + UserStore>) {
    let (port, key, first) = (fixture.port(), a_key("body"), build::a_reply("first"));
    let name = ClientName::parse("warehouse").expect("a name");
    let create = async |key: &IdempotencyKey, reply: &str, digest: &str| {
        let (id, created_by) = (ClientId(fresh()), UserId(fresh()));
        let client = Client { id, name: name.clone(), created_by, created_at: now(), previous_valid_until: None };
        let outcome = port.create_client(&client, digest, Some((key, &build::a_reply(reply)))).await;
        (client, outcome)
    };
    let (created, outcome) = create(&key, "first", "one").await;
    assert_eq!(outcome, Ok(IdempotencyOutcome::Committed));
    assert_eq!(port.client(created.id).await, Ok(Some(created.clone())));
    assert_eq!(digests(port, Some(created.id), 0).await, ["one"]);
    let (again, outcome) = create(&key, "again", "two").await;
    assert_eq!(outcome, Ok(IdempotencyOutcome::Replayed(first)));
    assert_eq!(port.client(again.id).await, Ok(None));
    let reused = IdempotencyKey { fingerprint: "other".to_owned(), ..key };
    let (other, outcome) = create(&reused, "other", "three").await;
    assert_eq!(outcome.expect_err("reused").code, "idempotency-key-reused");
    assert_eq!(port.client(other.id).await, Ok(None));
}

pub async fn repeated_replacement_under_a_key_gets_the_first_response_and_replaces_nothing(
    fixture: &Fixture<impl ClientStore + UserStore>,
) {
    let (port, client) = (fixture.port(), create(fixture.port(), "first").await);
    let (key, reply) = (a_key("body"), build::a_reply("second"));
    let replace = async |client, key: &IdempotencyKey, digest: &str| {
        port.replace_secret(client, digest, later(60), Some((key, &build::a_reply(digest)))).await
    };
    assert_eq!(replace(client.id, &key, "second").await, Ok(Some(IdempotencyOutcome::Committed)));
    let known = port.client(client.id).await.expect("a response").expect("a client");
    assert_eq!(known.previous_valid_until, Some(later(60)));
    assert_eq!(replace(client.id, &key, "third").await, Ok(Some(IdempotencyOutcome::Replayed(reply))));
    assert_eq!(digests(port, Some(client.id), 0).await, ["second", "first"]);
    let reused = IdempotencyKey { fingerprint: "other".to_owned(), ..key };
    assert_eq!(replace(client.id, &reused, "third").await.expect_err("reused").code, "idempotency-key-reused");
    assert_eq!(digests(port, Some(client.id), 0).await, ["second", "first"]);
    assert_eq!(replace(ClientId(fresh()), &a_key("body"), "x").await, Ok(None));
    assert_eq!(replace(client.id, &a_key("body"), "third").await, Ok(Some(IdempotencyOutcome::Committed)));
    assert_eq!(digests(port, Some(client.id), 0).await, ["third", "second"]);
}

pub async fn concurrent_replacements_under_a_key_replace_once(fixture: &Fixture<impl ClientStore + UserStore>) {
    let (client, key, reply) = (create(fixture.port(), "first").await, a_key("body"), build::a_reply("second"));
    let once = Some((&key, &reply));
    let processes = fixture.concurrent(4);
    let replaced = join_all(processes.map(|port| port.replace_secret(client.id, "second", later(60), once))).await;
    let replayed = Ok(Some(IdempotencyOutcome::Replayed(reply.clone())));
    let committed = Ok(Some(IdempotencyOutcome::Committed));
    assert_eq!(replaced.iter().filter(|one| **one == committed).count(), 1, "{replaced:?}");
    assert_eq!(replaced.iter().filter(|one| **one == replayed).count(), 3, "{replaced:?}");
    assert_eq!(digests(fixture.port(), Some(client.id), 0).await, ["second", "first"]);
}

pub async fn replaced_secret_stays_valid_for_the_overlap_and_the_one_before_does_not(
    fixture: &Fixture<impl ClientStore + UserStore>,
) {
    let (port, client) = (fixture.port(), create(fixture.port(), "first").await);
    let replaced = port.replace_secret(client.id, "second", later(60), None).await;
    assert_eq!(replaced, Ok(Some(IdempotencyOutcome::Committed)));
    let known = Client { previous_valid_until: Some(later(60)), ..client.clone() };
    assert_eq!(port.client(client.id).await, Ok(Some(known)));
    assert_eq!(digests(port, Some(client.id), 59).await, ["second", "first"]);
    assert_eq!(digests(port, Some(client.id), 60).await, ["second"]);
    port.replace_secret(client.id, "third", later(60), None).await.expect("a response");
    assert_eq!(digests(port, Some(client.id), 0).await, ["third", "second"]);
    assert_eq!(port.replace_secret(ClientId(fresh()), "x", later(60), None).await, Ok(None));
}

pub async fn deleted_client_has_no_secret_and_its_tokens_are_to_be_revoked(
    fixture: &Fixture<impl ClientStore + UserStore + SessionStore>,
) {
    let (port, client, other) =
        (fixture.port(), create(fixture.port(), "one").await, create(fixture.port(), "two").await);
    assert_eq!(port.delete_client(client.id).await, Ok(true));
    assert_eq!(port.delete_client(client.id).await, Ok(false));
    assert_eq!(port.ended_sessions(now(), 10).await, Ok(vec![SessionId(client.id.0)]));
    assert!(digests(port, Some(client.id), 0).await.is_empty());
    assert_eq!(digests(port, Some(other.id), 0).await, ["two"]);
}

pub async fn clients_are_listed_newest_first_in_pages(fixture: &Fixture<impl ClientStore + UserStore>) {
    let port = fixture.port();
    let mut created = Vec::new();
    for number in 0..3 {
        created.push(create(port, &number.to_string()).await);
    }
    created.sort_by_key(|client| std::cmp::Reverse(client.id));
    let (mut listed, mut cursor) = (Vec::new(), None);
    loop {
        let page = port.clients(2, cursor.as_deref()).await.expect("a page");
        assert!(page.items.len() <= 2);
        listed.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    listed.retain(|client| created.contains(client));
    assert_eq!(listed, created);
    assert!(port.clients(2, Some("x")).await.is_err());
}

pub async fn wrong_secrets_are_delayed_like_logins_until_one_is_right(fixture: &Fixture<impl ClientStore + UserStore>) {
    let (port, client, counters) = (fixture.port(), create(fixture.port(), "one").await, counters());
    for _ in 0..login_throttle::FREE_FAILURES {
        let attempt = port.reserve_client(Some(client.id), &counters, now()).await;
        assert_eq!(attempt, Ok(ClientAttempt::Granted(vec!["one".to_owned()])));
    }
    let refused = ClientAttempt::Refused(Some(later(i64::from(login_throttle::FIRST_DELAY_S))));
    assert_eq!(port.reserve_client(Some(client.id), &counters, now()).await, Ok(refused));
    port.forget_attempt(&counters).await.expect("forgotten");
    let attempt = port.reserve_client(Some(client.id), &counters, now()).await;
    assert_eq!(attempt, Ok(ClientAttempt::Granted(vec!["one".to_owned()])));
}
