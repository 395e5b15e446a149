//! Parts that statements share, as text to be joined by `concat!`.

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

pub(super) use {announce, claim};
