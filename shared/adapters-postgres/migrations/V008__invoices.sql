-- Invoices, numbered without a gap in each series.

CREATE TABLE invoices.series (
    series         text   PRIMARY KEY,
    last_number    bigint NOT NULL CHECK (last_number > 0),
    -- The date of the invoice with this number; a later number has no earlier date.
    last_issued_on date   NOT NULL
);

CREATE TABLE invoices.invoices (
    order_id   uuid        PRIMARY KEY,
    user_id    uuid        NOT NULL,
    series     text        NOT NULL REFERENCES invoices.series (series),
    position   bigint      NOT NULL CHECK (position > 0),
    -- The date is that of the time zone of the series; it is printed.
    issued_on  date        NOT NULL,
    issued_at  timestamptz NOT NULL,
    -- The content as it was drafted; never changed.
    draft      jsonb       NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (series, position)
);
CREATE INDEX invoices_by_time ON invoices.invoices (issued_at, order_id);
CREATE INDEX invoices_of_user ON invoices.invoices (user_id, issued_at, order_id);

-- Refunds as they were made. An order may be refunded before its invoice is issued, or without one.
CREATE TABLE invoices.refunds (
    refund_id uuid   PRIMARY KEY,
    order_id  uuid   NOT NULL,
    amount    bigint NOT NULL CHECK (amount > 0),
    -- Sum of all refunds of the payment up to this one.
    refunded  bigint NOT NULL CHECK (refunded >= amount),
    currency  text   NOT NULL,
    -- Version of the payment in which it was made.
    version   bigint NOT NULL CHECK (version > 0)
);
CREATE INDEX refunds_of_order ON invoices.refunds (order_id);

-- Refunds that failed, with the latest version of the payment in which they did. One that was made before that was returned by a bank.
CREATE TABLE invoices.refund_failures (
    refund_id uuid   PRIMARY KEY,
    version   bigint NOT NULL CHECK (version > 0)
);

-- Credit notes, one for each refund of an invoiced order, and their cancellations, in series of their own, such as CN-2026.
CREATE TABLE invoices.credit_notes (
    refund_id uuid        NOT NULL REFERENCES invoices.refunds (refund_id),
    is_cancellation boolean NOT NULL,
    order_id  uuid        NOT NULL REFERENCES invoices.invoices (order_id),
    user_id   uuid        NOT NULL,
    series    text        NOT NULL REFERENCES invoices.series (series),
    position  bigint      NOT NULL CHECK (position > 0),
    issued_on date        NOT NULL,
    issued_at timestamptz NOT NULL,
    -- The content as it was drafted; never changed.
    draft     jsonb       NOT NULL,
    PRIMARY KEY (refund_id, is_cancellation),
    UNIQUE (series, position)
);
CREATE INDEX credit_notes_of_order ON invoices.credit_notes (order_id);

-- What the export shows of a customer: see identity.export.
CREATE FUNCTION invoices.personal_data(user_of uuid) RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_build_object('invoices', (SELECT count(*) FROM invoices.invoices AS i WHERE i.user_id = user_of));
$$;

-- Invoices as they were drafted, with their credit notes.
CREATE FUNCTION invoices.personal_records(user_of uuid, after_of uuid, most integer) RETURNS TABLE (id uuid, record jsonb)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT i.order_id, jsonb_build_object(
        'order_id', i.order_id, 'series', i.series, 'position', i.position, 'issued_on', i.issued_on, 'content', i.draft,
        'credit_notes', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                'refund_id', c.refund_id, 'series', c.series, 'position', c.position, 'issued_on', c.issued_on, 'content', c.draft
            ) ORDER BY c.issued_at), '[]')
            FROM invoices.credit_notes AS c WHERE c.order_id = i.order_id
        )
    )
    FROM invoices.invoices AS i
    WHERE i.user_id = user_of AND (after_of IS NULL OR i.order_id > after_of)
    ORDER BY i.order_id LIMIT most;
$$;
