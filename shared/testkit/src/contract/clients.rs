//! Contract of [`ClientStore`].

use super::{Fixture, fresh, later, now};
use domain::{
    client::Client,
    id::{ClientId, SessionId, UserId},
    login_throttle,
    text::ClientName,
};
use ports::{ClientAttempt, ClientStore, LoginCounters, SessionStore, UserStore};

/// Generates one test per rule. The expression is a future of a `Fixture<impl ClientStore + UserStore + SessionStore>`.
#[macro_export]
macro_rules! contract_clients {
    ($fixture:expr) => {
        $crate::each_rule! { clients, $fixture;
            client_is_checked_against_its_secret_alone
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
    clients.create_client(&client, digest).await.expect("stored");
    client
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

pub async fn replaced_secret_stays_valid_for_the_overlap_and_the_one_before_does_not(
    fixture: &Fixture<impl ClientStore + UserStore>,
) {
    let (port, client) = (fixture.port(), create(fixture.port(), "first").await);
    let replaced = port.replace_secret(client.id, "second", later(60)).await.expect("a response");
    assert_eq!(replaced, Some(Client { previous_valid_until: Some(later(60)), ..client.clone() }));
    assert_eq!(digests(port, Some(client.id), 59).await, ["second", "first"]);
    assert_eq!(digests(port, Some(client.id), 60).await, ["second"]);
    port.replace_secret(client.id, "third", later(60)).await.expect("a response");
    assert_eq!(digests(port, Some(client.id), 0).await, ["third", "second"]);
    assert_eq!(port.replace_secret(ClientId(fresh()), "x", later(60)).await, Ok(None));
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
