-- Orders, with product names and prices as they were at placement. All amounts of an order are in its one currency, in minor units.

CREATE TABLE orders.orders (
    id               uuid        PRIMARY KEY,
    user_id          uuid        NOT NULL,
    status           text        NOT NULL
        CHECK (status IN ('pending', 'processing', 'shipped', 'delivered', 'cancelled')),
    reason           text,
    total_amount     bigint      NOT NULL CHECK (total_amount >= 0),
    currency         text        NOT NULL,
    shipping_address jsonb       NOT NULL,
    payment_method   text        NOT NULL,
    payment_id       uuid,
    -- The newest version of the payment that the order has seen; older payment events are out of date.
    payment_version  bigint      NOT NULL DEFAULT 0 CHECK (payment_version >= 0),
    version          bigint      NOT NULL CHECK (version > 0),
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    -- All transitions, oldest first: [{status, at, reason?}]. They are only ever read together with the order.
    history          jsonb       NOT NULL
);
CREATE INDEX orders_of_user ON orders.orders (user_id, created_at DESC, id DESC);
CREATE INDEX orders_pending ON orders.orders (created_at) WHERE status = 'pending';

CREATE TABLE orders.order_lines (
    order_id     uuid    NOT NULL REFERENCES orders.orders (id),
    position     integer NOT NULL,
    product_id   uuid    NOT NULL,
    product_name text    NOT NULL,
    quantity     bigint  NOT NULL CHECK (quantity > 0),
    unit_price   bigint  NOT NULL CHECK (unit_price >= 0),
    line_total   bigint  NOT NULL CHECK (line_total >= 0),
    PRIMARY KEY (order_id, position),
    UNIQUE (order_id, product_id)
);

-- Stores a placed order with its event and the response under the idempotency key. A function, so that a session plans the
-- statements once and not with every unnamed statement.
--
-- Returns whether the key was new and, if not, what is stored under it. Each statement sees what was committed before it began,
-- so a request that waited for a concurrent duplicate finds the response of the duplicate.
CREATE FUNCTION orders.place(
    scope_of text, key_of text, fingerprint_of text, head jsonb, reply_body text,
    id_of uuid, user_of uuid, status_of text, reason_of text, amount bigint, currency_of text, address jsonb, method text,
    payment_of uuid, version_of bigint, placed_at timestamptz, changed_at timestamptz, steps jsonb, lines jsonb, event_of jsonb
) RETURNS TABLE (is_new boolean, fingerprint text, status integer, headers jsonb, body text) LANGUAGE plpgsql AS $$
BEGIN
    -- An expired key is overwritten.
    INSERT INTO orders.idempotency AS old (scope, key, fingerprint, status, headers, body, created_at, expires_at)
    VALUES (scope_of, key_of, fingerprint_of, (head ->> 'status')::integer, head -> 'headers', reply_body, now(),
        now() + interval '24 hours')
    ON CONFLICT (scope, key) DO UPDATE
        SET fingerprint = excluded.fingerprint, status = excluded.status, headers = excluded.headers,
            body = excluded.body, created_at = excluded.created_at, expires_at = excluded.expires_at
        WHERE old.expires_at <= excluded.created_at;
    IF NOT FOUND THEN
        RETURN QUERY
            SELECT false, stored.fingerprint, stored.status, stored.headers, stored.body FROM orders.idempotency AS stored
            WHERE stored.scope = scope_of AND stored.key = key_of AND stored.expires_at > now();
        RETURN;
    END IF;

    INSERT INTO orders.orders (id, user_id, status, reason, total_amount, currency, shipping_address, payment_method, payment_id,
        version, created_at, updated_at, history)
    VALUES (id_of, user_of, status_of, reason_of, amount, currency_of, address, method, payment_of, version_of, placed_at,
        changed_at, steps);

    INSERT INTO orders.order_lines (order_id, position, product_id, product_name, quantity, unit_price, line_total)
    SELECT id_of, line.position, (line.item ->> 'product_id')::uuid, line.item ->> 'product_name',
        (line.item ->> 'quantity')::bigint, (line.item #>> '{unit_price,amount}')::bigint,
        (line.item #>> '{line_total,amount}')::bigint
    FROM jsonb_array_elements(lines) WITH ORDINALITY AS line (item, position);

    INSERT INTO orders.outbox (id, created_at, event)
    VALUES ((event_of ->> 'id')::uuid, (event_of ->> 'time')::timestamptz, event_of);

    RETURN QUERY SELECT true, NULL::text, NULL::integer, NULL::jsonb, NULL::text;
END;
$$;
