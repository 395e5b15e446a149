-- What operators look up: every event as it left, by its order, and those that staff caused.

CREATE TABLE operations.event_records (
    -- Of the event, hence ordered by time: a new row goes to the end of the index.
    id             uuid        PRIMARY KEY,
    type           text        NOT NULL,
    source         text        NOT NULL,
    subject        text        NOT NULL,
    sequence       bigint      NOT NULL,
    occurred_at    timestamptz NOT NULL,
    correlation_id uuid        NOT NULL,
    trace_id       text,
    -- Whose request caused it: id and role.
    actor_id       uuid,
    actor_role     text,
    -- What the event is about, from its data.
    order_id       uuid,
    user_id        uuid,
    -- The members that may leave.
    data           jsonb       NOT NULL,
    recorded_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX event_records_of_order ON operations.event_records (order_id, occurred_at, id) WHERE order_id IS NOT NULL;
-- For the audit.
CREATE INDEX event_records_of_staff ON operations.event_records (occurred_at, id) WHERE actor_role IN ('staff', 'admin');
-- For retention.
CREATE INDEX event_records_age ON operations.event_records (recorded_at);

-- When each of these consumers had handled the event at the same position; no row for one that has not. Every consumer records that in the
-- inbox of its context, which only operations may look at, with the rights of the owner of the database.
CREATE FUNCTION operations.handled(consumers text[], ids uuid[]) RETURNS TABLE (consumer text, event_id uuid, handled_at timestamptz)
LANGUAGE sql STABLE ROWS 20 SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT i.consumer, i.event_id, i.claimed_at
    FROM unnest(consumers, ids) AS owed (consumer, event_id), LATERAL (
        SELECT * FROM identity.inbox AS i WHERE i.consumer = owed.consumer AND i.event_id = owed.event_id
        UNION ALL SELECT * FROM catalogue.inbox AS i WHERE i.consumer = owed.consumer AND i.event_id = owed.event_id
        UNION ALL SELECT * FROM inventory.inbox AS i WHERE i.consumer = owed.consumer AND i.event_id = owed.event_id
        UNION ALL SELECT * FROM orders.inbox AS i WHERE i.consumer = owed.consumer AND i.event_id = owed.event_id
        UNION ALL SELECT * FROM payments.inbox AS i WHERE i.consumer = owed.consumer AND i.event_id = owed.event_id
        UNION ALL SELECT * FROM notifications.inbox AS i WHERE i.consumer = owed.consumer AND i.event_id = owed.event_id
        UNION ALL SELECT * FROM invoices.inbox AS i WHERE i.consumer = owed.consumer AND i.event_id = owed.event_id
        UNION ALL SELECT * FROM analytics.inbox AS i WHERE i.consumer = owed.consumer AND i.event_id = owed.event_id
        UNION ALL SELECT * FROM operations.inbox AS i WHERE i.consumer = owed.consumer AND i.event_id = owed.event_id
    ) AS i;
$$;

-- The attempts of each of these consumers at the event at the same position that failed, and whether its message is a dead letter; no row for
-- one that never failed.
CREATE FUNCTION operations.failed(consumers text[], ids uuid[])
RETURNS TABLE (consumer text, event_id uuid, attempts integer, code text, dead_lettered_at timestamptz)
LANGUAGE sql STABLE ROWS 5 SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT f.consumer, f.event_id, f.attempts, f.code, f.dead_lettered_at
    FROM unnest(consumers, ids) AS owed (consumer, event_id), LATERAL (
        SELECT * FROM identity.failed_attempts AS f WHERE f.consumer = owed.consumer AND f.event_id = owed.event_id
        UNION ALL SELECT * FROM catalogue.failed_attempts AS f WHERE f.consumer = owed.consumer AND f.event_id = owed.event_id
        UNION ALL SELECT * FROM inventory.failed_attempts AS f WHERE f.consumer = owed.consumer AND f.event_id = owed.event_id
        UNION ALL SELECT * FROM orders.failed_attempts AS f WHERE f.consumer = owed.consumer AND f.event_id = owed.event_id
        UNION ALL SELECT * FROM payments.failed_attempts AS f WHERE f.consumer = owed.consumer AND f.event_id = owed.event_id
        UNION ALL SELECT * FROM notifications.failed_attempts AS f WHERE f.consumer = owed.consumer AND f.event_id = owed.event_id
        UNION ALL SELECT * FROM invoices.failed_attempts AS f WHERE f.consumer = owed.consumer AND f.event_id = owed.event_id
        UNION ALL SELECT * FROM analytics.failed_attempts AS f WHERE f.consumer = owed.consumer AND f.event_id = owed.event_id
        UNION ALL SELECT * FROM operations.failed_attempts AS f WHERE f.consumer = owed.consumer AND f.event_id = owed.event_id
    ) AS f;
$$;

-- When each of these events was published for the last time; no row for one that is being published, or that its outbox has forgotten.
CREATE FUNCTION operations.published(ids uuid[]) RETURNS TABLE (event_id uuid, published_at timestamptz)
LANGUAGE sql STABLE ROWS 20 SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT o.id, o.published_at
    FROM unnest(ids) AS asked (id), LATERAL (
        SELECT o.id, o.published_at FROM identity.outbox AS o WHERE o.id = asked.id
        UNION ALL SELECT o.id, o.published_at FROM catalogue.outbox AS o WHERE o.id = asked.id
        UNION ALL SELECT o.id, o.published_at FROM inventory.outbox AS o WHERE o.id = asked.id
        UNION ALL SELECT o.id, o.published_at FROM orders.outbox AS o WHERE o.id = asked.id
        UNION ALL SELECT o.id, o.published_at FROM payments.outbox AS o WHERE o.id = asked.id
        UNION ALL SELECT o.id, o.published_at FROM notifications.outbox AS o WHERE o.id = asked.id
        UNION ALL SELECT o.id, o.published_at FROM invoices.outbox AS o WHERE o.id = asked.id
        UNION ALL SELECT o.id, o.published_at FROM analytics.outbox AS o WHERE o.id = asked.id
    ) AS o
    WHERE o.published_at IS NOT NULL;
$$;

-- Why a refund was approved or rejected, which its event does not say: what somebody typed does not leave the context. Null if nothing is stated.
CREATE FUNCTION operations.decision_reason(payment_of uuid, refund_of text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT one.value -> 'decision' ->> 'reason'
    FROM payments.payments AS p, jsonb_array_elements(p.approvals) AS one
    WHERE p.id = payment_of AND one.value ->> 'id' = refund_of;
$$;

-- What operators do: recorded before it is done, and then its result. Also what was refused, whose caller may be anyone. The role that records may
-- change neither.
CREATE TABLE operations.operator_actions (
    id          uuid        PRIMARY KEY,
    at          timestamptz NOT NULL,
    operator_id uuid        NOT NULL,
    -- Of what was refused because of it; null for actions, which only admins take.
    role        text,
    verb        text        NOT NULL,
    target      text        NOT NULL,
    -- Null for what was refused: its body is not read.
    reason      text        CHECK ((reason IS NULL) = (verb = 'refused')),
    request     jsonb       NOT NULL
);
CREATE INDEX operator_actions_by_time ON operations.operator_actions (at, id);
-- A caller fills no table with what is refused.
CREATE UNIQUE INDEX operator_actions_refused_once ON operations.operator_actions
    (operator_id, target, date_bin('1 hour', at, '2000-01-01T00:00:00Z')) WHERE verb = 'refused';
CREATE TABLE operations.operator_outcomes (
    action_id uuid        PRIMARY KEY,
    at        timestamptz NOT NULL,
    outcome   jsonb       NOT NULL
);
-- For retention.
CREATE INDEX operator_outcomes_age ON operations.operator_outcomes (at);
