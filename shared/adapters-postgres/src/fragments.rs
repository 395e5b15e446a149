//! Fragments that SQL statements share, for `concat!`.

/// When an idempotency record that is stored now expires.
macro_rules! idempotency_expiry {
    () => {
        concat!("now() + interval '", catalog::idempotency_hours!(), " hours'")
    };
}

/// Inserts the idempotency record of a request: `$1` scope, `$2` key, `$3` fingerprint, `$4` status and headers (jsonb), `$5` body. An
/// expired record is replaced. A concurrent request with the same key waits until the first one has committed, and then inserts nothing.
/// `from` adds a FROM clause, and inserts nothing if it has no row; `body` replaces `$5` by an expression over that row.
macro_rules! insert_idempotency_record {
    () => {
        concat!(
            "recorded AS (
            INSERT INTO idempotency AS old (scope, key, fingerprint, status, headers, body, created_at, expires_at)
            VALUES ($1, $2, $3, ($4 ->> 'status')::integer, $4 -> 'headers', $5, now(), ",
            $crate::fragments::idempotency_expiry!(),
            ") ",
            insert_idempotency_record!(@on_conflict),
        )
    };
    (from $from:literal) => {
        insert_idempotency_record!(body "$5", from $from)
    };
    (body $body:literal, from $from:literal) => {
        concat!(
            "recorded AS (
            INSERT INTO idempotency AS old (scope, key, fingerprint, status, headers, body, created_at, expires_at)
            SELECT $1, $2, $3, ($4 ->> 'status')::integer, $4 -> 'headers', ",
            $body,
            ", now(), ",
            $crate::fragments::idempotency_expiry!(),
            " FROM ",
            $from,
            " ",
            insert_idempotency_record!(@on_conflict),
        )
    };
    (@on_conflict) => {
        "ON CONFLICT (scope, key) DO UPDATE
            SET fingerprint = excluded.fingerprint, status = excluded.status, headers = excluded.headers,
                body = excluded.body, created_at = excluded.created_at, expires_at = excluded.expires_at
            WHERE old.expires_at <= excluded.created_at
            RETURNING key
        )"
    };
}

/// Whether the record was inserted, and the record that existed before. An expired one does not count: a statement that began before a
/// concurrent request replaced an expired record still sees the old row.
macro_rules! select_idempotency_outcome {
    () => {
        select_idempotency_outcome!(with "NULL")
    };
    (with $column:literal) => {
        concat!(
            " SELECT EXISTS (SELECT FROM recorded) AS is_new, record.fingerprint, record.status, record.headers, record.body, ",
            $column,
            " FROM (VALUES (1)) AS one
            LEFT JOIN idempotency AS record ON record.scope = $1 AND record.key = $2 AND record.expires_at > now()"
        )
    };
}

/// Inserts the claim of the consumer `$1` on the event `$2` for the row of `before`. `proceed_rows` has a row if the
/// claim is new, or if there is none to insert (`$1` is null).
macro_rules! claim_if_given {
    () => {
        "claim AS (
            INSERT INTO inbox (consumer, event_id) SELECT $1, $2 FROM before WHERE $1 IS NOT NULL
            ON CONFLICT DO NOTHING RETURNING event_id
        ), proceed_rows AS (
            SELECT id FROM before WHERE $1 IS NULL OR EXISTS (SELECT FROM claim)
        )"
    };
}

/// Takes one from the budget of the counter `$counter` at the time `$at`, unless none is left: then it has no row. `$interval` are the
/// seconds that one costs, and `$ahead` those that the counter may be ahead. The condition of the update is evaluated on the row as concurrent
/// statements left it.
macro_rules! take_from_budget {
    ($name:literal, $counter:literal, at $at:literal, $interval:literal, $ahead:literal, $from:literal) => {
        concat!(
            $name,
            " AS (
            INSERT INTO message_budgets AS known (counter, expires_at)
            SELECT ",
            $counter,
            ", ",
            $at,
            " + make_interval(secs => ",
            $interval,
            ") ",
            $from,
            " ON CONFLICT (counter) DO UPDATE SET expires_at = greatest(known.expires_at, ",
            $at,
            ") + make_interval(secs => ",
            $interval,
            ") WHERE known.expires_at <= ",
            $at,
            " + make_interval(secs => ",
            $ahead,
            ") RETURNING 1)"
        )
    };
}

/// Inserts each event of the array `$events` (jsonb) into the outbox, for every row of `$from`.
macro_rules! insert_events {
    ($events:literal, from $from:literal) => {
        concat!(
            "inserted_events AS (INSERT INTO outbox (id, created_at, event) SELECT (one.event ->> 'id')::uuid,
            (one.event ->> 'time')::timestamptz, one.event FROM ",
            $from,
            ", jsonb_array_elements(",
            $events,
            ") AS one (event))"
        )
    };
}

/// Inserts the claim of the consumer `$1` on the event `$2`, unless it exists.
macro_rules! claim {
    () => {
        "claim AS (INSERT INTO inbox (consumer, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING event_id)"
    };
}

/// Inserts the event `$event` (jsonb) into the outbox, for every row of `$from`. A null event is ignored.
macro_rules! insert_event {
    ($event:literal, from $from:literal) => {
        concat!(
            "inserted_events AS (INSERT INTO outbox (id, created_at, event) SELECT (",
            $event,
            " ->> 'id')::uuid, (",
            $event,
            " ->> 'time')::timestamptz, ",
            $event,
            " FROM ",
            $from,
            " WHERE ",
            $event,
            " IS NOT NULL RETURNING event)"
        )
    };
}

pub(super) use {
    claim, claim_if_given, idempotency_expiry, insert_event, insert_events, insert_idempotency_record,
    select_idempotency_outcome, take_from_budget,
};
