//! Parts that statements share, as text to be joined by `concat!`.

/// Takes the key of a request: `$1` scope, `$2` key, `$3` fingerprint, `$4` status and headers (jsonb), `$5` body. A key that has
/// expired is taken over. A second request under way waits here until the first has committed, and then does not get it. With
/// `from`, it is taken only for a row of that.
macro_rules! take_key {
    () => {
        concat!(
            "taken AS (
            INSERT INTO idempotency AS old (scope, key, fingerprint, status, headers, body, created_at, expires_at)
            VALUES ($1, $2, $3, ($4 ->> 'status')::integer, $4 -> 'headers', $5, now(), now() + interval '24 hours') ",
            take_key!(@or_over),
        )
    };
    (from $from:literal) => {
        concat!(
            "taken AS (
            INSERT INTO idempotency AS old (scope, key, fingerprint, status, headers, body, created_at, expires_at)
            SELECT $1, $2, $3, ($4 ->> 'status')::integer, $4 -> 'headers', $5, now(), now() + interval '24 hours' FROM ",
            $from,
            " ",
            take_key!(@or_over),
        )
    };
    (@or_over) => {
        "ON CONFLICT (scope, key) DO UPDATE
            SET fingerprint = excluded.fingerprint, status = excluded.status, headers = excluded.headers,
                body = excluded.body, created_at = excluded.created_at, expires_at = excluded.expires_at
            WHERE old.expires_at <= excluded.created_at
            RETURNING key
        )"
    };
}

/// Whether the key was taken now, and what was kept under it before. What has expired is not what was kept: who lost an expired
/// key to a twin still sees the old row here, for the statement began before the twin had committed.
macro_rules! what_was_kept {
    () => {
        " SELECT EXISTS (SELECT FROM taken) AS is_new, kept.fingerprint, kept.status, kept.headers, kept.body
        FROM (VALUES (1)) AS one
        LEFT JOIN idempotency AS kept ON kept.scope = $1 AND kept.key = $2 AND kept.expires_at > now()"
    };
}

/// Keeps the claim of the consumer `$1` on the event `$2` for the row of `before`, and says in `go` whether the step may go on:
/// where the claim was not made before, or there is none to make (`$1` is null).
macro_rules! claim_if_any {
    () => {
        "claim AS (
            INSERT INTO inbox (consumer, event_id) SELECT $1, $2 FROM before WHERE $1 IS NOT NULL
            ON CONFLICT DO NOTHING RETURNING event_id
        ), go AS (
            SELECT id FROM before WHERE $1 IS NULL OR EXISTS (SELECT FROM claim)
        )"
    };
}

/// Keeps each event of the array `$events` (jsonb) for the bus, for every row of `$from`.
macro_rules! announce_all {
    ($events:literal, from $from:literal) => {
        concat!(
            "announced AS (INSERT INTO outbox (id, created_at, event) SELECT (one.event ->> 'id')::uuid,
            (one.event ->> 'time')::timestamptz, one.event FROM ",
            $from,
            ", jsonb_array_elements(",
            $events,
            ") AS one (event))"
        )
    };
}

/// Keeps the claim of the consumer `$1` on the event `$2`, for a row of `$from`, unless it was made before.
macro_rules! claim {
    () => {
        "claim AS (INSERT INTO inbox (consumer, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING event_id)"
    };
    (from $from:literal) => {
        concat!(
            "claim AS (INSERT INTO inbox (consumer, event_id) SELECT $1, $2 FROM ",
            $from,
            " ON CONFLICT DO NOTHING RETURNING event_id)"
        )
    };
}

/// Keeps the event `$event` (jsonb) for the bus, for every row of `$from`. It may be null: then there is nothing to keep.
macro_rules! announce {
    ($event:literal, from $from:literal) => {
        concat!(
            "announced AS (INSERT INTO outbox (id, created_at, event) SELECT (",
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

pub(super) use {announce, announce_all, claim, claim_if_any, take_key, what_was_kept};
