//! How long a record is valid, by the clock of the database.

use super::{Fixture, Request, hours, rejected, sample_time};
use futures_util::future::join_all;
use kernel::Timestamp;
use ports::{ExpiredRows, Retention as _};

const EXPIRE: &str = "UPDATE orders.idempotency SET expires_at = now()";

#[tokio::test]
async fn request_is_processed_again_after_its_record_expired() {
    let fixture = Fixture::open().await;
    let first = fixture.place(&Request::order()).await;
    fixture.database.execute(EXPIRE).await;
    let anew = fixture.place(&Request::order()).await;
    assert_eq!((anew.status, anew.headers.get("idempotent-replayed")), (201, None));
    assert_ne!(anew.json()["id"], first.json()["id"]);
    fixture.place(&Request::order()).await.repeats(&anew);
    // An expired key accepts another body.
    fixture.database.execute(EXPIRE).await;
    let other = Request::order().with("/items/0/quantity", 1);
    assert_eq!(fixture.place(&other).await.status, 201);
    assert_eq!(fixture.place(&Request::order()).await.problem(), rejected(422, "idempotency-key-reused"));
    assert_eq!(fixture.orders().await, 3);
}

#[tokio::test]
async fn concurrent_duplicates_on_an_expired_record_place_one_order() {
    let fixture = Fixture::open().await;
    let request = Request::order();
    fixture.place(&request).await;
    fixture.database.execute(EXPIRE).await;
    let responses = join_all((0..20).map(|_| fixture.place(&request))).await;
    let first = responses
        .iter()
        .find(|response| response.headers.get("idempotent-replayed").is_none())
        .expect("one that is not replayed");
    for response in responses.iter().filter(|response| *response != first) {
        response.repeats(first);
    }
    assert_eq!(fixture.orders().await, 2);
}

#[tokio::test]
async fn record_lasts_24_hours_by_the_database_clock() {
    let fixture = Fixture::open().await;
    let first = fixture.place(&Request::order()).await;
    for wrong in [sample_time() + hours(30), sample_time() - hours(30), sample_time() + hours(24 * 400)] {
        let clock = fixture.clock(wrong);
        fixture.place_at(&Request::order(), &clock).await.repeats(&first);
    }
    // A process with a slow clock does not store a record that expires too early.
    let clock = fixture.clock(sample_time() - hours(30));
    fixture.place_at(&Request::order().key("late"), &clock).await;
    let lasts = format!(
        "SELECT count(*) FROM orders.idempotency
        WHERE expires_at = created_at + interval '{} hours' AND expires_at > now() + interval '{} hours'",
        catalog::IDEMPOTENCY_HOURS,
        catalog::IDEMPOTENCY_HOURS - 1
    );
    assert_eq!((fixture.orders().await, fixture.database.number(&lasts).await), (2, 2));
}

#[tokio::test]
async fn sweep_with_a_fast_clock_deletes_no_valid_record() {
    let fixture = Fixture::open().await;
    let first = fixture.place(&Request::order()).await;
    fixture.place(&Request::order().key("old")).await;
    fixture
        .database
        .execute("UPDATE orders.idempotency SET expires_at = now() - interval '1 second' WHERE key = 'old'")
        .await;
    let ahead = Timestamp::now() + hours(48);
    let rows = ExpiredRows { table: "orders.idempotency", since: "expires_at", before: ahead };
    assert_eq!(fixture.database.outbox().delete(&rows, 100).await, Ok(1));
    fixture.place(&Request::order()).await.repeats(&first);
}

#[tokio::test]
async fn expired_records_are_deleted_in_every_context() {
    let fixture = Fixture::open().await;
    let tables = fixture.database.rows("SELECT schemaname FROM pg_tables WHERE tablename = 'idempotency'").await;
    assert!(tables.len() >= 2);
    for table in &tables {
        let context: String = table.get(0);
        let expired = format!(
            "INSERT INTO {context}.idempotency (scope, key, fingerprint, status, body, created_at, expires_at)
            VALUES ('s', 'k', 'f', 201, '', now(), now() - interval '1 second')"
        );
        fixture.database.execute(&expired).await;
    }
    let (outbox, mut deleted) = (fixture.database.outbox(), 0);
    for catalog::SweptTable { table, since, .. } in
        catalog::swept_tables().filter(|one| one.table.ends_with(".idempotency"))
    {
        let rows = ExpiredRows { table, since, before: Timestamp::now() + hours(1) };
        deleted += outbox.delete(&rows, 100).await.expect("deleted");
    }
    assert_eq!(deleted, u32::try_from(tables.len()).expect("a few"));
}
