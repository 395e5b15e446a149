-- The tables with which every context commits its events together with its state, and processes each event and each request once.

-- Transactional outbox. `created_at` is the time of the event; `published_at` is null until the bus has accepted it.
CREATE TABLE identity.outbox (
    id           uuid        PRIMARY KEY,
    created_at   timestamptz NOT NULL,
    event        jsonb       NOT NULL,
    published_at timestamptz,
    -- Until when a sweep is publishing it. In no index, so that a claim changes none where the page has room.
    claimed_until timestamptz
);
-- For the sweep, which publishes what is left over, and for retention, which deletes by age.
CREATE INDEX outbox_unpublished ON identity.outbox (created_at, id) WHERE published_at IS NULL;
CREATE INDEX outbox_published ON identity.outbox (published_at) WHERE published_at IS NOT NULL;

CREATE TABLE catalogue.outbox (LIKE identity.outbox INCLUDING ALL);
CREATE TABLE inventory.outbox (LIKE identity.outbox INCLUDING ALL);
CREATE TABLE orders.outbox (LIKE identity.outbox INCLUDING ALL);
CREATE TABLE payments.outbox (LIKE identity.outbox INCLUDING ALL);
CREATE TABLE notifications.outbox (LIKE identity.outbox INCLUDING ALL);
CREATE TABLE invoices.outbox (LIKE identity.outbox INCLUDING ALL);
CREATE TABLE analytics.outbox (LIKE identity.outbox INCLUDING ALL);

-- Each row is updated three times at most and then deleted. What that leaves behind is removed before a sweep has to step over much of it.
DO $$
DECLARE
    context text;
BEGIN
    FOR context IN SELECT schemaname FROM pg_tables WHERE tablename = 'outbox' AND tableowner = current_user LOOP
        EXECUTE format('ALTER TABLE %I.outbox SET (autovacuum_vacuum_scale_factor = 0.02)', context);
    END LOOP;
END;
$$;

-- Marks events as published, with the rights of the owner of the database: a context's role may not update its outbox, so that whoever
-- gets hold of it can neither change nor delete an event that waits to be published.
--
-- It does not wait for the write-ahead log: if a crash of the server loses the mark, the events are published a second time, as after a
-- crash between publishing and marking. The setting is local to the transaction, which is the one statement that calls this function.
DO $$
DECLARE
    context text;
BEGIN
    FOR context IN SELECT schemaname FROM pg_tables WHERE tablename = 'outbox' AND tableowner = current_user LOOP
        EXECUTE format(
            $f$
                CREATE FUNCTION %1$I.mark_published(ids uuid[]) RETURNS void LANGUAGE sql
                SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
                    SELECT set_config('synchronous_commit', 'off', true);
                    UPDATE %1$I.outbox SET published_at = now() WHERE id = ANY (ids);
                $body$
            $f$,
            context
        );
    END LOOP;
END;
$$;

-- Inbox: the events that each consumer has processed, for deduplication.
CREATE TABLE inventory.inbox (
    consumer   text        NOT NULL,
    event_id   uuid        NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, event_id)
);
CREATE INDEX inbox_claimed ON inventory.inbox (claimed_at);

CREATE TABLE identity.inbox (LIKE inventory.inbox INCLUDING ALL);
CREATE TABLE catalogue.inbox (LIKE inventory.inbox INCLUDING ALL);
CREATE TABLE orders.inbox (LIKE inventory.inbox INCLUDING ALL);
CREATE TABLE payments.inbox (LIKE inventory.inbox INCLUDING ALL);
CREATE TABLE notifications.inbox (LIKE inventory.inbox INCLUDING ALL);
CREATE TABLE invoices.inbox (LIKE inventory.inbox INCLUDING ALL);
CREATE TABLE analytics.inbox (LIKE inventory.inbox INCLUDING ALL);
CREATE TABLE operations.inbox (LIKE inventory.inbox INCLUDING ALL);

-- Attempts of consumers that failed, for operators: how many of an event, and the code of the last failure. What is handled after all stays.
CREATE TABLE inventory.failed_attempts (
    consumer         text        NOT NULL,
    event_id         uuid        NOT NULL,
    -- 0 if no handler saw the event, which became a dead letter before.
    attempts         integer     NOT NULL,
    code             text        NOT NULL,
    failed_at        timestamptz NOT NULL DEFAULT now(),
    -- When the message became a dead letter. Null if it was attempted since, and for a message that SQS itself moved.
    dead_lettered_at timestamptz,
    PRIMARY KEY (consumer, event_id)
);
CREATE INDEX failed_attempts_age ON inventory.failed_attempts (failed_at);

CREATE TABLE identity.failed_attempts (LIKE inventory.failed_attempts INCLUDING ALL);
CREATE TABLE catalogue.failed_attempts (LIKE inventory.failed_attempts INCLUDING ALL);
CREATE TABLE orders.failed_attempts (LIKE inventory.failed_attempts INCLUDING ALL);
CREATE TABLE payments.failed_attempts (LIKE inventory.failed_attempts INCLUDING ALL);
CREATE TABLE notifications.failed_attempts (LIKE inventory.failed_attempts INCLUDING ALL);
CREATE TABLE invoices.failed_attempts (LIKE inventory.failed_attempts INCLUDING ALL);
CREATE TABLE analytics.failed_attempts (LIKE inventory.failed_attempts INCLUDING ALL);
CREATE TABLE operations.failed_attempts (LIKE inventory.failed_attempts INCLUDING ALL);

-- Count an attempt, and record a dead letter, with the rights of the owner of the database: the recorder of operations may read nothing, as
-- both do.
DO $$
DECLARE
    context text;
BEGIN
    FOR context IN SELECT schemaname FROM pg_tables WHERE tablename = 'failed_attempts' AND tableowner = current_user LOOP
        EXECUTE format(
            $f$
                CREATE FUNCTION %1$I.record_failure(consumer_of text, event_of uuid, code_of text) RETURNS void LANGUAGE sql
                SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
                    INSERT INTO %1$I.failed_attempts AS f (consumer, event_id, attempts, code) VALUES (consumer_of, event_of, 1, code_of)
                    ON CONFLICT (consumer, event_id) DO UPDATE
                    SET attempts = f.attempts + 1, code = excluded.code, failed_at = excluded.failed_at, dead_lettered_at = NULL;
                $body$
            $f$,
            context
        );
        EXECUTE format(
            $f$
                CREATE FUNCTION %1$I.record_dead_letter(consumer_of text, event_of uuid, code_of text) RETURNS void LANGUAGE sql
                SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
                    INSERT INTO %1$I.failed_attempts (consumer, event_id, attempts, code, dead_lettered_at)
                    VALUES (consumer_of, event_of, 0, code_of, now())
                    ON CONFLICT (consumer, event_id) DO UPDATE
                    SET code = excluded.code, failed_at = excluded.failed_at, dead_lettered_at = excluded.dead_lettered_at;
                $body$
            $f$,
            context
        );
    END LOOP;
END;
$$;

-- Up to where the audit of deliveries has looked at each outbox, by the time of publication.
CREATE TABLE operations.delivery_checks (
    outbox        text        PRIMARY KEY,
    checked_until timestamptz NOT NULL
);

-- Responses stored under an Idempotency-Key, replayed byte for byte when the request is repeated.
CREATE TABLE orders.idempotency (
    scope       text        NOT NULL,
    key         text        NOT NULL,
    fingerprint text        NOT NULL,
    status      integer     NOT NULL,
    -- Pairs of a lower-case name and a value; only headers that describe the result, such as ETag and Location.
    headers     jsonb       NOT NULL DEFAULT '[]',
    body        text        NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_expiry ON orders.idempotency (expires_at);

CREATE TABLE inventory.idempotency (LIKE orders.idempotency INCLUDING ALL);
CREATE TABLE payments.idempotency (LIKE orders.idempotency INCLUDING ALL);
CREATE TABLE notifications.idempotency (LIKE orders.idempotency INCLUDING ALL);
CREATE TABLE identity.idempotency (LIKE orders.idempotency INCLUDING ALL);
CREATE TABLE records.idempotency (LIKE orders.idempotency INCLUDING ALL);
-- Redrive and replay send messages, which is no part of a transaction, so that they have records in progress: these have the status 0 and the
-- id of the action as their body, and expire when the function cannot be running any more.
CREATE TABLE operations.idempotency (LIKE orders.idempotency INCLUDING ALL);
