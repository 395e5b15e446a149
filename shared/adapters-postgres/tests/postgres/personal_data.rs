//! The export of what is held about a person, over all contexts.

use crate::fixtures::*;
use adapters_postgres::PgUsers;
use adapters_testkit::postgres::TestDatabase;
use catalog::{Context, DatabaseRole};
use domain::id::UserId;
use kernel::Uuid;
use ports::PersonalData as _;
use serde_json::{Value, json};

const PERSON: UserId = UserId(Uuid::from_u128(1));

/// A person with two orders, a payment, an invoice, a contact, a device and a log of two notifications, beside another person with an order.
const PEOPLE: &str = "
    INSERT INTO identity.users (id, email, username, password_hash, full_name, phone, address, role, version, created_at)
    SELECT id, id || '@example.com', id, 'a hash', 'Ada ' || id, '+441234567890', '{\"line1\": \"1 Quay\"}', 'customer', 1, now()
    FROM unnest(ARRAY['00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002']::uuid[]) AS id;
    INSERT INTO identity.sessions (id, user_id, digest, created_at, refreshed_at, expires_at)
    SELECT gen_random_uuid(), '00000000-0000-0000-0000-000000000001', 'a digest ' || n, now(), now(), now() FROM generate_series(1, 5) AS n;
    INSERT INTO orders.orders (id, user_id, status, total_amount, currency, totals, shipping_address, payment_method, version, created_at,
        updated_at, history)
    SELECT order_of, user_of, 'delivered', 5, 'EUR',
        '{\"subtotal\": {\"amount\": 5}, \"shipping\": {\"amount\": 0}, \"tax\": {\"amount\": 0}, \"tax_included\": true}',
        '{\"line1\": \"2 Wharf\"}', 'card', 1, now(), now(), '[]'
    FROM (VALUES
        ('00000000-0000-0000-0000-00000000000a'::uuid, '00000000-0000-0000-0000-000000000001'::uuid),
        ('00000000-0000-0000-0000-00000000000b', '00000000-0000-0000-0000-000000000001'),
        ('00000000-0000-0000-0000-00000000000c', '00000000-0000-0000-0000-000000000002')
    ) AS one (order_of, user_of);
    INSERT INTO orders.order_lines (order_id, position, product_id, product_name, quantity, unit_price, line_total)
    SELECT id, 1, gen_random_uuid(), 'Rope', 1, 5, 5 FROM orders.orders;
    INSERT INTO orders.order_notes (id, order_id, author, text, created_at)
    VALUES (gen_random_uuid(), '00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-0000000000a1', 'A note of staff', now()),
        (gen_random_uuid(), '00000000-0000-0000-0000-00000000000c', gen_random_uuid(), 'A note about another', now());
    INSERT INTO payments.payments (id, order_id, user_id, amount, currency, status, attempts, attempted_at, version, created_at, updated_at)
    SELECT gen_random_uuid(), id, user_id, 5, 'EUR', 'succeeded', 1, now(), 1, now(), now() FROM orders.orders;
    INSERT INTO payments.gateway_customers (user_id, customer) VALUES ('00000000-0000-0000-0000-000000000001', 'cus_1');
    INSERT INTO payments.saved_methods (id, user_id, token, card, created_at)
    VALUES (gen_random_uuid(), '00000000-0000-0000-0000-000000000001', 'pm_1', '{\"last4\": \"4242\"}', now());
    INSERT INTO invoices.series (series, last_number, last_issued_on) VALUES ('2026', 3, now()::date);
    INSERT INTO invoices.invoices (order_id, user_id, series, position, issued_on, issued_at, draft, created_at)
    SELECT id, user_id, '2026', row_number() OVER (ORDER BY id), now()::date, now(), '{\"buyer\": \"Ada\"}', now() FROM orders.orders;
    INSERT INTO notifications.contacts (user_id, email, version) SELECT id, email, 1 FROM identity.users;
    INSERT INTO notifications.devices (id, user_id, endpoint, registered_at)
    VALUES (gen_random_uuid(), '00000000-0000-0000-0000-000000000001', 'an endpoint', now());
    INSERT INTO notifications.deliveries (id, user_id, order_id, channel, template, sent_at)
    SELECT o.id, o.user_id, o.id, channel, 'order_confirmed', now() FROM orders.orders AS o, unnest(ARRAY['email', 'sms']) AS channel;
";

async fn people() -> TestDatabase {
    let database = database().await;
    database.execute(PEOPLE).await;
    database
}

#[tokio::test]
async fn export_has_what_every_context_holds_about_the_person_alone() {
    let database = people().await;
    let users = PgUsers::new(database.as_role(DatabaseRole::Reader(Context::Identity)), database.bus());
    let part = users.export(PERSON, None).await.expect("exported").expect("an account");
    let lengths: Vec<_> = part.contexts.iter().map(|(name, held)| (name.as_str(), held.records.len())).collect();
    let expected =
        [("analytics", 0), ("identity", 5), ("invoices", 2), ("notifications", 2), ("orders", 2), ("payments", 2)];
    assert_eq!((lengths.as_slice(), part.next), (expected.as_slice(), None));
    assert_eq!(part.contexts["orders"].records[0]["shipping_address"], json!({ "line1": "2 Wharf" }));
    assert_eq!(part.contexts["orders"].records[0]["lines"][0]["product_name"], "Rope");
    assert_eq!(part.contexts["orders"].records[0]["notes_of_staff"][0]["text"], "A note of staff");
    assert_eq!(part.contexts["orders"].records[1]["notes_of_staff"], json!([]));
    assert_eq!(part.contexts["payments"].about["payment_methods"][0]["last4"], "4242");
    assert_eq!(part.contexts["invoices"].records[0]["content"], json!({ "buyer": "Ada" }));
    assert_eq!(part.contexts["notifications"].about["devices"][0]["endpoint"], "an endpoint");
    assert_eq!(part.contexts["notifications"].records[0]["channels"][1]["channel"], "sms");
    let text = part.contexts.values().map(|held| format!("{:?} {:?}", held.about, held.records)).collect::<String>();
    for absent in ["a hash", "a digest", "0000000000a1", "A note about another", "000000000002", "00000000000c"] {
        assert!(!text.contains(absent), "{absent} in {text}");
    }
}

#[tokio::test]
async fn parts_of_an_export_are_small_and_have_each_record_once() {
    let database = people().await;
    let whole = database.rows(&export("NULL", 100, 1_000_000)).await[0].get::<_, Value>(0);
    for (most, bytes) in [(2, 1_000_000), (100, 1), (1, 1_000_000)] {
        let (mut records, mut after, mut parts) = (Vec::new(), "NULL".to_owned(), 0);
        loop {
            let part: Value = database.rows(&export(&after, most, bytes)).await[0].get(0);
            let lists = part["contexts"].as_object().expect("an object").values();
            let lists: Vec<&Vec<Value>> = lists.map(|held| held["records"].as_array().expect("a list")).collect();
            let limit = if bytes == 1 { 1 } else { usize::try_from(most).expect("small") };
            assert!(lists.iter().all(|list| list.len() <= limit), "{part}");
            records.extend(lists.into_iter().flatten().map(Value::to_string));
            parts += 1;
            if part["next"].is_null() {
                break;
            }
            after = format!("'{}'", part["next"]);
        }
        let all = whole["contexts"].as_object().expect("an object").values();
        let mut all: Vec<String> =
            all.flat_map(|held| held["records"].as_array().expect("a list")).map(Value::to_string).collect();
        all.sort();
        records.sort();
        assert_eq!(records, all);
        assert!(parts > 1, "{parts} parts");
    }
}

fn export(after: &str, most: i32, bytes: i64) -> String {
    format!("SELECT identity.export('{}', {after}, {most}, {bytes})", PERSON.0)
}

#[tokio::test]
async fn only_the_reader_of_identity_may_export() {
    let database = database().await;
    let mut allowed = Vec::new();
    for role in catalog::database_roles() {
        let may = format!(
            "SELECT has_function_privilege('{}', 'identity.export(uuid, jsonb, integer, bigint)', 'EXECUTE')::integer::bigint",
            role.name()
        );
        if database.number(&may).await == 1 {
            allowed.push(role.name());
        }
    }
    assert_eq!(allowed, ["identity_reader"]);
}
