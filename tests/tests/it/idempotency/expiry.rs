//! How long a record lasts, and by whose clock.

use super::{Ask, Fixture, hours, moment, refused};
use futures_util::future::join_all;
use kernel::Timestamp;
use ports::{CleanupReport, Cutoffs, Outbox as _};

const EXPIRE: &str = "UPDATE orders.idempotency SET expires_at = now()";

#[tokio::test]
async fn request_is_processed_again_after_its_record_expired() {
    let shop = Fixture::open().await;
    let first = shop.place(&Ask::order()).await;
    shop.database.execute(EXPIRE).await;
    let anew = shop.place(&Ask::order()).await;
    assert_eq!((anew.status, anew.headers.get("idempotent-replayed")), (201, None));
    assert_ne!(anew.json()["id"], first.json()["id"]);
    shop.place(&Ask::order()).await.repeats(&anew);
    // Another body may have the key as well, once it is free.
    shop.database.execute(EXPIRE).await;
    let other = Ask::order().with("/items/0/quantity", 1);
    assert_eq!(shop.place(&other).await.status, 201);
    assert_eq!(shop.place(&Ask::order()).await.problem(), refused(422, "idempotency-key-reused"));
    assert_eq!(shop.orders().await, 3);
}

#[tokio::test]
async fn concurrent_duplicates_on_an_expired_record_place_one_order() {
    let shop = Fixture::open().await;
    let ask = Ask::order();
    shop.place(&ask).await;
    shop.database.execute(EXPIRE).await;
    let answers = join_all((0..20).map(|_| shop.place(&ask))).await;
    let first = answers.iter().find(|answer| answer.headers.get("idempotent-replayed").is_none()).expect("one placed");
    for answer in answers.iter().filter(|answer| *answer != first) {
        answer.repeats(first);
    }
    assert_eq!(shop.orders().await, 2);
}

#[tokio::test]
async fn record_lasts_24_hours_by_the_database_clock() {
    let shop = Fixture::open().await;
    let first = shop.place(&Ask::order()).await;
    for wrong in [moment() + hours(30), moment() - hours(30), moment() + hours(24 * 400)] {
        let clock = shop.clock(wrong);
        shop.place_at(&Ask::order(), &clock).await.repeats(&first);
    }
    // Nor does a process that is late make a record that is gone by tomorrow.
    let clock = shop.clock(moment() - hours(30));
    shop.place_at(&Ask::order().key("late"), &clock).await;
    let lasts = "SELECT count(*) FROM orders.idempotency WHERE expires_at - now() > interval '23 hours'";
    assert_eq!((shop.orders().await, shop.database.number(lasts).await), (2, 2));
}

#[tokio::test]
async fn sweep_with_a_fast_clock_deletes_no_valid_record() {
    let shop = Fixture::open().await;
    let first = shop.place(&Ask::order()).await;
    shop.place(&Ask::order().key("old")).await;
    shop.database
        .execute("UPDATE orders.idempotency SET expires_at = now() - interval '1 second' WHERE key = 'old'")
        .await;
    let ahead = Timestamp::now() + hours(48);
    let ends = Cutoffs { sent: Timestamp::UNIX_EPOCH, claims: Timestamp::UNIX_EPOCH, replies: ahead };
    let tidied = shop.database.outbox().clean_up(&ends, 100).await.expect("tidied");
    assert_eq!(tidied, CleanupReport { replies: 1, ..CleanupReport::default() });
    shop.place(&Ask::order()).await.repeats(&first);
}

#[tokio::test]
async fn expired_records_are_deleted_in_every_context() {
    let shop = Fixture::open().await;
    let tables = shop.database.rows("SELECT schemaname FROM pg_tables WHERE tablename = 'idempotency'").await;
    assert!(tables.len() >= 2);
    for table in &tables {
        let context: String = table.get(0);
        let expired = format!(
            "INSERT INTO {context}.idempotency (scope, key, fingerprint, status, body, created_at, expires_at)
            VALUES ('s', 'k', 'f', 201, '', now(), now() - interval '1 second')"
        );
        shop.database.execute(&expired).await;
    }
    let ends =
        Cutoffs { sent: Timestamp::UNIX_EPOCH, claims: Timestamp::UNIX_EPOCH, replies: Timestamp::now() + hours(1) };
    let tidied = shop.database.outbox().clean_up(&ends, 100).await.expect("tidied");
    assert_eq!(tidied.replies, u64::try_from(tables.len()).expect("a few"));
}
