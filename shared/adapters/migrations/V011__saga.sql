-- The whole saga: orders that stand still are found, payments have attempts and refunds, money is booked, holds lapse.

ALTER TABLE orders.orders ADD COLUMN payment_version bigint NOT NULL DEFAULT 0 CHECK (payment_version >= 0);
CREATE INDEX orders_pending ON orders.orders (created_at) WHERE status = 'pending';

ALTER TABLE payments.payments
    -- None where the order was cancelled before the first attempt.
    ALTER COLUMN method DROP NOT NULL,
    DROP CONSTRAINT payments_status_check,
    ADD CONSTRAINT payments_status_check
        CHECK (status IN ('pending', 'succeeded', 'failed', 'refunded', 'partially_refunded')),
    ADD COLUMN attempts integer NOT NULL DEFAULT 1 CHECK (attempts >= 0),
    ADD COLUMN attempted_at timestamptz,
    ADD COLUMN closed boolean NOT NULL DEFAULT false,
    -- [{id, amount, reason, status, transaction_id?, requested_at}], oldest first. Only ever read together with the payment.
    ADD COLUMN refunds jsonb NOT NULL DEFAULT '[]',
    -- When it is to be looked after, because an answer of the gateway is missing.
    ADD COLUMN reconcile_after timestamptz;
UPDATE payments.payments
SET attempted_at = created_at,
    reconcile_after = CASE WHEN status = 'pending' THEN created_at + interval '10 minutes' END;
ALTER TABLE payments.payments ALTER COLUMN attempted_at SET NOT NULL, ALTER COLUMN attempts DROP DEFAULT;
CREATE INDEX payments_unanswered ON payments.payments (reconcile_after) WHERE reconcile_after IS NOT NULL;

-- The ledger. A row debits one account and credits another with the same amount, so the sum of all accounts is zero whatever
-- rows there are. They are never changed.
CREATE TABLE payments.transfers (
    purpose    text        NOT NULL CHECK (purpose IN ('charge', 'refund', 'fee')),
    -- The gateway's name for it.
    reference  text        NOT NULL,
    payment_id uuid,
    refund_id  uuid,
    debit      text        NOT NULL CHECK (debit IN ('gateway', 'sales', 'fees')),
    credit     text        NOT NULL CHECK (credit IN ('gateway', 'sales', 'fees')),
    amount     bigint      NOT NULL CHECK (amount > 0),
    currency   text        NOT NULL,
    at         timestamptz NOT NULL,
    PRIMARY KEY (purpose, reference),
    CHECK (debit <> credit)
);
CREATE INDEX transfers_at ON payments.transfers (at);

-- What stands on each account: debits count up, credits down.
CREATE VIEW payments.accounts AS
SELECT account, currency, sum(amount)::bigint AS balance
FROM (
    SELECT debit AS account, currency, amount FROM payments.transfers
    UNION ALL
    SELECT credit, currency, -amount FROM payments.transfers
) AS entry
GROUP BY account, currency;

-- First answers, as in the schema of orders.
CREATE TABLE payments.idempotency (LIKE orders.idempotency INCLUDING ALL);

-- Reservations: `domain::stock::next` is the table of their moves.
ALTER TABLE inventory.reservations
    DROP CONSTRAINT reservation_orders_state_check,
    ADD CONSTRAINT reservation_orders_state_check
        CHECK (state IN ('reserved', 'failed', 'expired', 'backordered', 'allocated', 'shipped', 'released')),
    -- Until when stock is held for an order that is not paid.
    ADD COLUMN expires_at timestamptz,
    -- With what the order was paid, and when.
    ADD COLUMN payment_id uuid,
    ADD COLUMN payment_version bigint,
    ADD COLUMN paid_at timestamptz;
CREATE INDEX reservations_lapsing ON inventory.reservations (expires_at) WHERE state = 'reserved';
CREATE INDEX reservations_waiting ON inventory.reservations (paid_at, order_id) WHERE state = 'backordered';
ALTER TABLE inventory.stock_movements
    DROP CONSTRAINT movements_kind_check,
    ADD CONSTRAINT movements_kind_check
        CHECK (kind IN ('opened', 'reserved', 'expired', 'allocated', 'shipped', 'released'));

-- As before, with the time at which the hold lapses.
DROP FUNCTION inventory.reserve(text, uuid, uuid, uuid[], bigint[], jsonb, jsonb);
CREATE FUNCTION inventory.reserve(
    consumer_name text, cause uuid, order_of uuid, products uuid[], quantities bigint[], lapses timestamptz,
    if_reserved jsonb, if_short jsonb
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    reserved_at timestamptz := (if_reserved ->> 'time')::timestamptz;
    known bigint;
    enough bigint;
BEGIN
    INSERT INTO inventory.inbox (consumer, event_id) VALUES (consumer_name, cause) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    INSERT INTO inventory.reservations (order_id, state, expires_at, updated_at)
    VALUES (order_of, 'reserved', lapses, reserved_at) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    SELECT count(*), count(*) FILTER (WHERE locked.available >= locked.quantity) INTO known, enough
    FROM (
        SELECT s.available, line.quantity
        FROM unnest(products, quantities) AS line (product_id, quantity)
        JOIN inventory.stock AS s ON s.product_id = line.product_id
        ORDER BY s.product_id
        FOR NO KEY UPDATE OF s
    ) AS locked;

    IF known < cardinality(products) THEN
        RAISE EXCEPTION 'a product of the order has no stock account yet' USING ERRCODE = 'QS001';
    END IF;

    IF enough < known THEN
        UPDATE inventory.reservations SET state = 'failed', expires_at = NULL WHERE order_id = order_of;
        RETURN inventory.announce(if_short);
    END IF;

    INSERT INTO inventory.reservation_lines (order_id, product_id, quantity, state)
    SELECT order_of, product_id, quantity, 'reserved' FROM unnest(products, quantities) AS line (product_id, quantity);
    RETURN inventory.announce(jsonb_set(
        if_reserved, '{data,levels}', inventory.move(order_of, 'reserved', products, quantities, reserved_at)
    ));
END;
$$;

-- Locks an order's reservation; answers its state, or null where there is none.
CREATE FUNCTION inventory.lock_reservation(order_of uuid) RETURNS text LANGUAGE sql AS $$
    SELECT state FROM inventory.reservations WHERE order_id = order_of FOR NO KEY UPDATE;
$$;

-- Ends a statement on a move that `domain::stock::next` refuses. Nothing stays.
CREATE FUNCTION inventory.refuse(cue text, state_of text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% contradicts a reservation that is %', cue, coalesce(state_of, 'unknown here')
        USING ERRCODE = 'QS002';
END;
$$;

-- Locks the stock of an order's lines, by product id.
CREATE FUNCTION inventory.lock_stock(order_of uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM inventory.stock AS s
    JOIN inventory.reservation_lines AS r ON r.product_id = s.product_id
    WHERE r.order_id = order_of
    ORDER BY s.product_id
    FOR NO KEY UPDATE OF s;
END;
$$;

-- Whether all lines of an order, whose stock is locked, are free.
CREATE FUNCTION inventory.is_enough(order_of uuid) RETURNS boolean LANGUAGE sql AS $$
    SELECT coalesce(bool_and(s.available >= r.quantity), false)
    FROM inventory.stock AS s
    JOIN inventory.reservation_lines AS r ON r.product_id = s.product_id
    WHERE r.order_id = order_of;
$$;

-- Holds an order's lines (`sign` 1) or frees them (-1), notes it as a movement of this kind, and answers the levels after it.
-- The caller has locked the stock.
CREATE FUNCTION inventory.shift(order_of uuid, kind_of text, sign bigint, shifted_at timestamptz) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    products uuid[];
    quantities bigint[];
BEGIN
    WITH line AS (
        UPDATE inventory.reservation_lines SET state = CASE sign WHEN 1 THEN 'reserved' ELSE 'released' END
        WHERE order_id = order_of
        RETURNING product_id, quantity
    )
    SELECT array_agg(product_id), array_agg(sign * quantity) INTO products, quantities FROM line;
    RETURN inventory.move(order_of, kind_of, products, quantities, shifted_at);
END;
$$;

-- Keeps the stock of an order that is paid; answers the event that turned out true, or null when there is nothing to do.
CREATE FUNCTION inventory.keep(
    consumer_name text, cause uuid, order_of uuid, payment uuid, version_of bigint, paid timestamptz,
    if_kept jsonb, if_short jsonb
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    kept_at timestamptz := (if_kept ->> 'time')::timestamptz;
    was text;
BEGIN
    INSERT INTO inventory.inbox (consumer, event_id) VALUES (consumer_name, cause) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    was := inventory.lock_reservation(order_of);
    IF was IS NULL OR was = 'failed' THEN
        PERFORM inventory.refuse('Allocate', was);
    ELSIF was IN ('allocated', 'shipped', 'released') THEN
        RETURN NULL;
    END IF;

    UPDATE inventory.reservations
    SET state = 'allocated', expires_at = NULL, updated_at = kept_at,
        -- Who waits already keeps the place that the first payment gave it.
        payment_id = coalesce(payment_id, payment), payment_version = coalesce(payment_version, version_of),
        paid_at = coalesce(paid_at, paid)
    WHERE order_id = order_of;
    IF was = 'reserved' THEN
        RETURN inventory.announce(if_kept);
    END IF;

    PERFORM inventory.lock_stock(order_of);
    IF inventory.is_enough(order_of) THEN
        RETURN inventory.announce(jsonb_set(if_kept, '{data,levels}', inventory.shift(order_of, 'allocated', 1, kept_at)));
    END IF;
    UPDATE inventory.reservations SET state = 'backordered' WHERE order_id = order_of;
    IF was = 'backordered' THEN
        RETURN NULL;
    END IF;
    RETURN inventory.announce(jsonb_set(if_short, '{data,lines}', (
        SELECT jsonb_agg(jsonb_build_object('product_id', product_id, 'quantity', quantity) ORDER BY product_id)
        FROM inventory.reservation_lines WHERE order_id = order_of
    )));
END;
$$;

-- Holds the lines of a paid order that waits, if they are there now; answers its event, or null.
CREATE FUNCTION inventory.retry(order_of uuid, if_kept jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    kept_at timestamptz := (if_kept ->> 'time')::timestamptz;
BEGIN
    IF inventory.lock_reservation(order_of) IS DISTINCT FROM 'backordered' THEN
        RETURN NULL;
    END IF;
    PERFORM inventory.lock_stock(order_of);
    IF NOT inventory.is_enough(order_of) THEN
        RETURN NULL;
    END IF;
    UPDATE inventory.reservations SET state = 'allocated', updated_at = kept_at WHERE order_id = order_of;
    RETURN inventory.announce(jsonb_set(if_kept, '{data,levels}', inventory.shift(order_of, 'allocated', 1, kept_at)));
END;
$$;

-- Frees what is held for an order that was not paid in time; answers its event, or null when the hold has not lapsed.
CREATE FUNCTION inventory.lapse(order_of uuid, if_lapsed jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    lapsed_at timestamptz := (if_lapsed ->> 'time')::timestamptz;
BEGIN
    PERFORM FROM inventory.reservations
    WHERE order_id = order_of AND state = 'reserved' AND expires_at < lapsed_at
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    UPDATE inventory.reservations SET state = 'expired', expires_at = NULL, updated_at = lapsed_at
    WHERE order_id = order_of;
    PERFORM inventory.lock_stock(order_of);
    RETURN inventory.announce(jsonb_set(
        if_lapsed, '{data,levels}', inventory.shift(order_of, 'expired', -1, lapsed_at)
    ));
END;
$$;

-- Takes what is kept for a shipped order off the stock; answers its event, or null when that was done before.
CREATE FUNCTION inventory.commit_stock(consumer_name text, cause uuid, order_of uuid, if_committed jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    committed_at timestamptz := (if_committed ->> 'time')::timestamptz;
    was text;
    levels jsonb;
BEGIN
    INSERT INTO inventory.inbox (consumer, event_id) VALUES (consumer_name, cause) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    was := inventory.lock_reservation(order_of);
    IF was = 'shipped' THEN
        RETURN NULL;
    ELSIF was IS DISTINCT FROM 'allocated' THEN
        PERFORM inventory.refuse('Ship', was);
    END IF;
    UPDATE inventory.reservations SET state = 'shipped', updated_at = committed_at WHERE order_id = order_of;

    PERFORM inventory.lock_stock(order_of);
    WITH line AS (
        UPDATE inventory.reservation_lines SET state = 'shipped' WHERE order_id = order_of
        RETURNING product_id, quantity
    ), moved AS (
        UPDATE inventory.stock AS s
        SET reserved = s.reserved - line.quantity, version = s.version + 1, updated_at = committed_at
        FROM line
        WHERE s.product_id = line.product_id
        RETURNING s.product_id, s.available, s.reserved, s.version, line.quantity
    ), noted AS (
        INSERT INTO inventory.stock_movements (product_id, version, kind, order_id, quantity, available, reserved, at)
        SELECT product_id, version, 'shipped', order_of, -quantity, available, reserved, committed_at FROM moved
    )
    SELECT jsonb_agg(
        jsonb_build_object(
            'product_id', product_id, 'available', available, 'reserved', reserved, 'version', version
        ) ORDER BY product_id
    ) INTO levels FROM moved;
    RETURN inventory.announce(jsonb_set(if_committed, '{data,levels}', levels));
END;
$$;

-- Frees what is held for a cancelled order; answers its event, or null when nothing is held. That it was asked for stays: a
-- reservation that comes later does nothing.
CREATE OR REPLACE FUNCTION inventory.release(
    consumer_name text, cause uuid, order_of uuid, if_released jsonb
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    released_at timestamptz := (if_released ->> 'time')::timestamptz;
    was text;
BEGIN
    INSERT INTO inventory.inbox (consumer, event_id) VALUES (consumer_name, cause) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    INSERT INTO inventory.reservations (order_id, state, updated_at)
    VALUES (order_of, 'released', released_at) ON CONFLICT DO NOTHING;
    IF FOUND THEN
        RETURN NULL;
    END IF;
    was := inventory.lock_reservation(order_of);
    IF was = 'shipped' THEN
        PERFORM inventory.refuse('Release', was);
    ELSIF was = 'released' THEN
        RETURN NULL;
    END IF;
    UPDATE inventory.reservations SET state = 'released', expires_at = NULL, updated_at = released_at
    WHERE order_id = order_of;
    IF was NOT IN ('reserved', 'allocated') THEN
        RETURN NULL;
    END IF;
    PERFORM inventory.lock_stock(order_of);
    RETURN inventory.announce(jsonb_set(
        if_released, '{data,levels}', inventory.shift(order_of, 'released', -1, released_at)
    ));
END;
$$;
