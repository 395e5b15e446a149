//! The erasure of a person, over all tables: what is left is where the catalog says so.

use crate::fixtures::*;
use adapters_testkit::postgres::TestDatabase;
use catalog::{Personal, STORES, StoreKind};
use domain::{
    event::{UserDeleted, UserErased},
    id::UserId,
};
use kernel::Uuid;
use ports::{AccountStore as _, ContactStore as _, OrderErasure as _, SavedMethodStore as _, WindowStore as _};
use std::collections::BTreeSet;

const PERSON: UserId = UserId(Uuid::from_u128(1));
/// Occurs in every text that says something about the person, and nowhere else.
const MARK: &str = "zqxmark";

/// A person whose every text has the mark, in every table that has personal data.
const PERSON_SQL: &str = "
    INSERT INTO identity.users (id, email, username, password_hash, full_name, phone, address, role, version, created_at)
    VALUES ($person, 'zqxmark@example.com', 'zqxmark', 'zqxmark', 'zqxmark', 'zqxmark', '{\"line1\": \"zqxmark\"}', 'customer', 3, now());
    INSERT INTO identity.verifications (id, user_id, kind, address, selector, digest, expires_at)
    VALUES (gen_random_uuid(), $person, 'email', 'zqxmark@example.com', 'zqxmark', 'zqxmark', now());
    INSERT INTO identity.password_resets (id, user_id, address, selector, digest, expires_at)
    VALUES (gen_random_uuid(), $person, 'zqxmark@example.com', 'zqxmark', 'zqxmark', now());
    INSERT INTO identity.totp (user_id, sealed, created_at) VALUES ($person, 'zqxmark', now());
    INSERT INTO identity.recovery_codes (user_id, number, digest) VALUES ($person, 1, 'zqxmark');
    INSERT INTO identity.pending_logins (digest, user_id, expires_at) VALUES ('zqxmark', $person, now());
    INSERT INTO identity.sessions (id, user_id, digest, created_at, refreshed_at, expires_at) VALUES ($person, $person, 'zqxmark', now(), now(), now());
    INSERT INTO identity.used_refresh_tokens (digest, session_id, expires_at) VALUES ('zqxmark', $person, now());
    INSERT INTO identity.message_budgets (counter, expires_at) VALUES ('address zqxmark@example.com', now());
    INSERT INTO identity.login_attempts (counter, failures, not_before, expires_at) VALUES ('zqxmark', 1, now(), now());
    INSERT INTO identity.login_sources (counter, expires_at) VALUES ('zqxmark', now());
    INSERT INTO identity.outbox (id, created_at, event, published_at) VALUES (gen_random_uuid(), now(), '{\"email\": \"zqxmark\"}', now());
    INSERT INTO identity.idempotency (scope, key, fingerprint, status, body, created_at, expires_at)
    VALUES ('a', 'b', 'c', 201, 'zqxmark', now(), now());
    INSERT INTO orders.outbox SELECT * FROM identity.outbox;
    INSERT INTO orders.idempotency SELECT * FROM identity.idempotency;
    INSERT INTO notifications.outbox SELECT * FROM identity.outbox;
    INSERT INTO notifications.idempotency SELECT * FROM identity.idempotency;
    INSERT INTO payments.idempotency SELECT * FROM identity.idempotency;
    INSERT INTO notifications.message_budgets SELECT * FROM identity.message_budgets;
    INSERT INTO orders.orders (id, user_id, status, total_amount, currency, totals, shipping_address, payment_method, tracking, version,
        created_at, updated_at, history)
    VALUES ($person, $person, 'delivered', 5, 'EUR',
        '{\"subtotal\": {\"amount\": 5}, \"shipping\": {\"amount\": 0}, \"tax\": {\"amount\": 0}, \"tax_included\": true}',
        '{\"name\": \"zqxmark\", \"line1\": \"zqxmark\", \"line2\": \"zqxmark\", \"city\": \"zqxmark\", \"postal_code\": \"zqxmark\",
          \"country\": \"DE\"}', 'card', '{\"carrier\": \"zqxmark\", \"number\": \"zqxmark\"}', 1, now(), now(), '[]');
    INSERT INTO orders.order_notes (id, order_id, author, text, created_at) VALUES ($person, $person, gen_random_uuid(), 'zqxmark rings twice', now());
    INSERT INTO notifications.contacts (user_id, email, name, phone, version) VALUES ($person, 'zqxmark@example.com', 'zqxmark', 'zqxmark', 3);
    INSERT INTO notifications.verified_addresses (user_id, kind, address, version)
    VALUES ($person, 'email', 'zqxmark@example.com', 2), ($person, 'phone', 'zqxmark', 3);
    INSERT INTO notifications.suppressions (email, reason, suppressed_at) VALUES ('zqxmark@example.com', 'bounce', now());
    INSERT INTO notifications.preferences (user_id, channels, locale) VALUES ($person, '{email}', 'zqxmark');
    INSERT INTO notifications.devices (id, user_id, endpoint, registered_at) VALUES ($person, $person, 'zqxmark', now());
    INSERT INTO payments.gateway_customers (user_id, customer) VALUES ($person, 'cus_zqxmark');
    INSERT INTO payments.payments (id, order_id, user_id, amount, currency, status, attempts, attempted_at, approvals, version, created_at, updated_at)
    VALUES ($person, $person, $person, 5, 'EUR', 'succeeded', 1, now(),
        '[{\"id\": \"1\", \"decision\": {\"verdict\": \"rejected\", \"reason\": \"asked for by zqxmark\"}}]', 1, now(), now());
    INSERT INTO payments.saved_methods (id, user_id, token, card, created_at)
    VALUES ($person, $person, 'pm_zqxmark', '{\"brand\": \"zqxmark\"}', now());
    INSERT INTO invoices.series (series, last_number, last_issued_on) VALUES ('2026', 1, now()::date), ('CN-2026', 1, now()::date);
    INSERT INTO invoices.invoices (order_id, user_id, series, position, issued_on, issued_at, draft, created_at)
    VALUES ($person, $person, '2026', 1, now()::date, now(), '{\"buyer\": \"zqxmark\"}', now());
    INSERT INTO analytics.customers (customer_id, orders, first_at, first_event, first_window, first_currency, last_at)
    VALUES ($person, 1, now(), gen_random_uuid(), now(), 'zqxmark', now());
    INSERT INTO operations.operator_actions (id, at, operator_id, verb, target, reason, request)
    VALUES ($person, now(), $person, 'redrive', 'stock-reserve', 'asked for by zqxmark', '{}');
    INSERT INTO invoices.refunds (refund_id, order_id, amount, refunded, currency, version) VALUES ($person, $person, 5, 5, 'EUR', 2);
    INSERT INTO invoices.credit_notes (refund_id, is_cancellation, order_id, user_id, series, position, issued_on, issued_at, draft)
    VALUES ($person, false, $person, $person, 'CN-2026', 1, now()::date, now(), '{\"buyer\": \"zqxmark\"}');
";

/// The tables with a row in which the mark is.
async fn found(database: &TestDatabase) -> BTreeSet<String> {
    let tables = database
        .rows("SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')")
        .await;
    let mut found = BTreeSet::new();
    for row in tables {
        let table: String = row.get(0);
        let hits = database.number(&format!("SELECT count(*) FROM {table} AS t WHERE t::text LIKE '%{MARK}%'")).await;
        if hits > 0 {
            found.insert(table);
        }
    }
    found
}

/// The tables of the catalog whose personal data are treated in one of these ways.
fn tables(which: impl Fn(&Personal) -> bool) -> BTreeSet<String> {
    let tables = STORES.iter().filter(|store| store.kind == StoreKind::PostgresTable && which(&store.personal));
    tables.map(|store| store.name.to_owned()).collect()
}

#[tokio::test]
async fn erased_person_is_left_only_where_the_catalog_says_so() {
    let database = database().await;
    database.execute(&PERSON_SQL.replace("$person", &format!("'{}'", PERSON.0))).await;
    let personal = tables(|personal| !matches!(personal, Personal::Nothing));
    assert_eq!(found(&database).await, personal, "every table with personal data has some");

    let (deleted, erased) = (event(UserDeleted { user_id: PERSON }), event(UserErased { user_id: PERSON }));
    let ended =
        database.users().erase_account(PERSON, None, &deleted, &erased).await.expect("erased").expect("an account");
    assert_eq!(ended.len(), 1);
    let published = database.bus().published();
    assert_eq!(published.iter().map(|event| event.sequence).collect::<Vec<_>>(), [4, 5]);
    database.contacts().erase(claim(), PERSON, 5).await.expect("erased");
    database.orders().erase_customer(claim(), PERSON, now()).await.expect("erased");
    let customer = database.payments().forget_methods(PERSON).await.expect("erased");
    assert_eq!(customer.as_deref(), Some("cus_zqxmark"), "to be deleted at the gateway");
    database.payments().forget_customer(PERSON).await.expect("erased");
    database.windows().forget(&[PERSON]).await.expect("erased");

    let left = tables(|personal| matches!(personal, Personal::Expires(..) | Personal::Retained(_)));
    assert_eq!(found(&database).await, left);
    let order = database.rows("SELECT shipping_address ->> 'country' FROM orders.orders").await;
    assert_eq!(order[0].get::<_, &str>(0), "DE", "the country stays, which the tax is of");
}

#[tokio::test]
async fn many_orders_are_erased_a_thousand_at_a_time() {
    let database = database().await;
    let orders = format!(
        "INSERT INTO orders.orders (id, user_id, status, total_amount, currency, totals, shipping_address, payment_method, version,
            created_at, updated_at, history)
        SELECT gen_random_uuid(), '{}', 'delivered', 5, 'EUR',
            '{{\"subtotal\": {{\"amount\": 5}}, \"shipping\": {{\"amount\": 0}}, \"tax\": {{\"amount\": 0}}, \"tax_included\": true}}',
            '{{\"line1\": \"zqxmark\", \"country\": \"DE\"}}', 'card', 1, now(), now(), '[]'
        FROM generate_series(1, 2500)",
        PERSON.0
    );
    database.execute(&orders).await;
    database.orders().erase_customer(claim(), PERSON, now()).await.expect("erased");
    let left = "SELECT count(*) FROM orders.orders WHERE shipping_address ->> 'line1' <> 'erased'";
    assert_eq!(database.number(left).await, 1_500);
    for expected in [500, 0] {
        database.orders().erase_due(now()).await.expect("swept");
        assert_eq!(database.number(left).await, expected);
    }
}
