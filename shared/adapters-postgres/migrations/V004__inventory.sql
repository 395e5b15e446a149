-- Stock: how many units of each product are available and reserved, for which orders, and every change.
--
-- `domain::stock::next` decides which transitions a reservation makes. reservation_machine.sql is generated from it and defines
-- `inventory.reservation_transition` and `inventory.counts_as_reserved`, which the functions below call.
--
-- Commands are functions and not single statements because a statement sees the database as it was when the statement began: a
-- release that waited for a reservation to commit would not see the lines reserved meanwhile and would leave them reserved
-- forever. In a PL/pgSQL function every statement takes a new snapshot. All functions lock in the same order, first the
-- reservation and then the stock rows by product id, so that they cannot deadlock. Names are qualified so that they mean the
-- same whichever role calls.

CREATE TABLE inventory.stock (
    product_id uuid        PRIMARY KEY,
    sku        text        NOT NULL,
    available  bigint      NOT NULL CHECK (available >= 0),
    reserved   bigint      NOT NULL CHECK (reserved >= 0),
    -- Units that backorders wait for: the sum of their `backorder_lines`. It has no version and no movement.
    backordered bigint     NOT NULL DEFAULT 0 CHECK (backordered >= 0),
    version    bigint      NOT NULL CHECK (version > 0),
    updated_at timestamptz NOT NULL
);

-- Without `available`, which changes with every reservation.
CREATE INDEX stock_backordered ON inventory.stock (product_id) WHERE backordered > 0;

-- One reservation for each order. A release that arrives before its reservation inserts a `released` row, so that the reservation
-- changes nothing.
CREATE TABLE inventory.reservations (
    order_id        uuid        PRIMARY KEY,
    state           text        NOT NULL
        CHECK (state IN ('reserved', 'failed', 'expired', 'backordered', 'allocated', 'shipped', 'released')),
    -- Counts the transitions; the `sequence` of the reservation's events.
    version         bigint      NOT NULL DEFAULT 1 CHECK (version > 0),
    -- Until when stock is reserved for an order that is not paid; null in every other state.
    expires_at      timestamptz,
    -- The payment that the order was first paid with, and when; null until then.
    payment_id      uuid,
    payment_version bigint,
    paid_at         timestamptz,
    updated_at      timestamptz NOT NULL
);
CREATE INDEX reservations_expiring ON inventory.reservations (expires_at) WHERE state = 'reserved';
CREATE INDEX reservations_backordered ON inventory.reservations (paid_at, order_id) WHERE state = 'backordered';

CREATE TABLE inventory.reservation_lines (
    order_id   uuid   NOT NULL REFERENCES inventory.reservations (order_id),
    product_id uuid   NOT NULL REFERENCES inventory.stock (product_id),
    quantity   bigint NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (order_id, product_id)
);

-- The lines of backorders, for each product in the order of payment.
CREATE TABLE inventory.backorder_lines (
    product_id uuid        NOT NULL REFERENCES inventory.stock (product_id),
    paid_at    timestamptz NOT NULL,
    order_id   uuid        NOT NULL REFERENCES inventory.reservations (order_id),
    quantity   bigint      NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (product_id, paid_at, order_id) INCLUDE (quantity)
);

-- Every change of a stock row, which its version counts.
CREATE TABLE inventory.stock_movements (
    product_id uuid        NOT NULL REFERENCES inventory.stock (product_id),
    version    bigint      NOT NULL,
    kind       text        NOT NULL
        CHECK (kind IN ('opened', 'reserved', 'expired', 'allocated', 'shipped', 'released', 'adjusted')),
    order_id   uuid,
    quantity   bigint      NOT NULL,
    available  bigint      NOT NULL,
    reserved   bigint      NOT NULL,
    at         timestamptz NOT NULL,
    -- Why stock was adjusted by hand.
    reason     text,
    PRIMARY KEY (product_id, version)
);

-- Whether a product runs low, by the newest level seen.
CREATE TABLE inventory.low_stock_alerts (
    product_id uuid    PRIMARY KEY,
    version    bigint  NOT NULL,
    is_low     boolean NOT NULL,
    was_low    boolean NOT NULL
);

-- Adds an event to the outbox and returns it. Null adds nothing and returns null.
CREATE FUNCTION inventory.add_to_outbox(event jsonb) RETURNS jsonb LANGUAGE sql AS $$
    INSERT INTO inventory.outbox (id, created_at, event)
    SELECT (event ->> 'id')::uuid, (event ->> 'time')::timestamptz, event WHERE event IS NOT NULL
    RETURNING event;
$$;

-- Claims an event for a consumer; false when it was claimed before.
CREATE FUNCTION inventory.claim(consumer_name text, event_id uuid) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO inventory.inbox (consumer, event_id) VALUES (consumer_name, event_id) ON CONFLICT DO NOTHING;
    RETURN FOUND;
END;
$$;

-- The state that `input` leads to; null when it changes nothing. A rejected input raises QS002, which rolls everything back.
CREATE FUNCTION inventory.next_state(state_of text, input text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    target text := inventory.reservation_transition(state_of, input);
BEGIN
    IF target IS NULL THEN
        RAISE EXCEPTION 'The state machine has no transition for input % in state %.', input, coalesce(state_of, 'none');
    ELSIF target = 'rejected' THEN
        RAISE EXCEPTION 'The input % is not valid for a reservation in state %.', input, coalesce(state_of, 'none')
            USING ERRCODE = 'QS002';
    END IF;
    RETURN nullif(target, 'ignored');
END;
$$;

-- Locks the reservation of an order and returns its state; null when there is none.
CREATE FUNCTION inventory.lock_reservation(locked_order uuid) RETURNS text LANGUAGE sql AS $$
    SELECT state FROM inventory.reservations WHERE order_id = locked_order FOR NO KEY UPDATE;
$$;

-- Locks the stock rows of an order's lines, by product id.
CREATE FUNCTION inventory.lock_stock(locked_order uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM inventory.stock AS s
    JOIN inventory.reservation_lines AS line ON line.product_id = s.product_id
    WHERE line.order_id = locked_order
    ORDER BY s.product_id
    FOR NO KEY UPDATE OF s;
END;
$$;

-- Moves the lines of an order between available and reserved, or out of stock; records the movements; returns the new levels.
-- The caller holds the locks of the stock rows.
CREATE FUNCTION inventory.move_stock(
    moved_order uuid, movement text, available_sign bigint, reserved_sign bigint, moved_at timestamptz
) RETURNS jsonb LANGUAGE sql AS $$
    WITH moved AS (
        UPDATE inventory.stock AS s
        SET available = s.available + available_sign * line.quantity,
            reserved = s.reserved + reserved_sign * line.quantity,
            version = s.version + 1,
            updated_at = moved_at
        FROM inventory.reservation_lines AS line
        WHERE line.order_id = moved_order AND s.product_id = line.product_id
        RETURNING s.product_id, s.available, s.reserved, s.version, reserved_sign * line.quantity AS quantity
    ), recorded AS (
        INSERT INTO inventory.stock_movements (product_id, version, kind, order_id, quantity, available, reserved, at)
        SELECT product_id, version, movement, moved_order, quantity, available, reserved, moved_at FROM moved
    )
    SELECT jsonb_agg(
        jsonb_build_object(
            'product_id', product_id, 'available', available, 'reserved', reserved, 'version', version
        ) ORDER BY product_id
    ) FROM moved;
$$;

-- Puts the lines of an order into the queues of backorders, or takes them out; `sign` is 1 or -1. Locks the stock rows, so that whoever has
-- locked one can rely on `backordered`.
CREATE FUNCTION inventory.queue_backorder(queued_order uuid, paid timestamptz, sign bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM inventory.lock_stock(queued_order);
    IF sign > 0 THEN
        INSERT INTO inventory.backorder_lines (product_id, paid_at, order_id, quantity)
        SELECT product_id, paid, queued_order, quantity FROM inventory.reservation_lines WHERE order_id = queued_order;
    ELSE
        DELETE FROM inventory.backorder_lines AS b USING inventory.reservation_lines AS line
        WHERE line.order_id = queued_order AND b.product_id = line.product_id AND b.paid_at = paid AND b.order_id = queued_order;
    END IF;
    UPDATE inventory.stock AS s SET backordered = s.backordered + sign * line.quantity
    FROM inventory.reservation_lines AS line WHERE line.order_id = queued_order AND s.product_id = line.product_id;
END;
$$;

-- Applies an input to a reservation that the caller has locked in `state_before`, and moves its stock when it begins or ceases
-- to hold stock. Returns `event` with the reservation's new version as its sequence, and with the new levels where stock moved;
-- null when the input changes nothing. The payment is stored unless the reservation has one.
CREATE FUNCTION inventory.transition(
    changed_order uuid, state_before text, input text, event jsonb,
    payment uuid DEFAULT NULL, payment_version_of bigint DEFAULT NULL, paid timestamptz DEFAULT NULL
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    changed_at timestamptz := (event ->> 'time')::timestamptz;
    target text := inventory.next_state(state_before, input);
    new_version bigint;
    paid_since timestamptz;
BEGIN
    IF target IS NULL THEN
        RETURN NULL;
    END IF;
    UPDATE inventory.reservations AS r
    SET state = target, version = r.version + 1, expires_at = NULL, updated_at = changed_at,
        payment_id = coalesce(r.payment_id, payment), payment_version = coalesce(r.payment_version, payment_version_of),
        paid_at = coalesce(r.paid_at, paid)
    WHERE r.order_id = changed_order
    RETURNING r.version, r.paid_at INTO new_version, paid_since;
    event := jsonb_set(event, '{sequence}', to_jsonb(new_version));
    IF target = 'backordered' THEN
        PERFORM inventory.queue_backorder(changed_order, paid_since, 1);
    ELSIF state_before = 'backordered' THEN
        PERFORM inventory.queue_backorder(changed_order, paid_since, -1);
    END IF;

    IF inventory.counts_as_reserved(state_before) = inventory.counts_as_reserved(target) THEN
        RETURN event;
    END IF;
    PERFORM inventory.lock_stock(changed_order);
    RETURN jsonb_set(event, '{data,levels}', CASE
        WHEN inventory.counts_as_reserved(target) THEN inventory.move_stock(changed_order, target, -1, 1, changed_at)
        WHEN target = 'shipped' THEN inventory.move_stock(changed_order, target, 0, -1, changed_at)
        ELSE inventory.move_stock(changed_order, target, 1, -1, changed_at)
    END);
END;
$$;

-- Available stock belongs to backorders first, in the order in which they were paid, and only the rest to new reservations.
--
-- Whether the backorders of a product that were paid before an order want at most `spare` of the `waiting` units that others want. Looks
-- at both ends of the queue, so that an order that was just paid and the first of a long queue cost the same; each line wants a unit at
-- least, so that no more than `spare` and one are read. The caller holds the lock of the stock row.
CREATE FUNCTION inventory.leaves_enough(product uuid, paid timestamptz, order_of uuid, spare bigint, waiting bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    page bigint := 64;
    read bigint;
    units bigint;
BEGIN
    IF spare < 0 OR waiting <= spare THEN
        RETURN spare >= 0;
    END IF;
    LOOP
        SELECT count(*), coalesce(sum(quantity), 0) INTO read, units FROM (
            SELECT b.quantity FROM inventory.backorder_lines AS b
            WHERE b.product_id = product AND (b.paid_at, b.order_id) < (paid, order_of)
            ORDER BY b.paid_at, b.order_id LIMIT page
        ) AS earliest;
        IF units > spare OR read < page THEN
            RETURN units <= spare;
        END IF;
        SELECT count(*), coalesce(sum(quantity), 0) INTO read, units FROM (
            SELECT b.quantity FROM inventory.backorder_lines AS b
            WHERE b.product_id = product AND (b.paid_at, b.order_id) > (paid, order_of)
            ORDER BY b.paid_at DESC, b.order_id DESC LIMIT page
        ) AS latest;
        IF waiting - units <= spare OR read < page THEN
            RETURN waiting - units <= spare;
        END IF;
        page := page * 4;
    END LOOP;
END;
$$;

-- Whether every line of an order that was paid at `paid` can be allocated. The caller holds the locks of the stock rows.
CREATE FUNCTION inventory.can_allocate(order_of uuid, paid timestamptz) RETURNS boolean LANGUAGE sql AS $$
    SELECT coalesce(bool_and(inventory.leaves_enough(
        s.product_id, paid, order_of, s.available - line.quantity,
        s.backordered - CASE WHEN r.state = 'backordered' THEN line.quantity ELSE 0 END
    )), false)
    FROM inventory.reservations AS r
    JOIN inventory.reservation_lines AS line ON line.order_id = r.order_id
    JOIN inventory.stock AS s ON s.product_id = line.product_id
    WHERE r.order_id = order_of;
$$;

-- Reserves all lines of a placed order or none. Returns the event that was added to the outbox; null when the event was processed
-- before or the order has a reservation. Each product occurs once. A product without a stock account raises QS001.
CREATE FUNCTION inventory.reserve(
    consumer_name text, event_id uuid, order_of uuid, products uuid[], quantities bigint[], expires timestamptz,
    reserved_event jsonb, failed_event jsonb
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    reserved_at timestamptz := (reserved_event ->> 'time')::timestamptz;
    known bigint;
    sufficient bigint;
BEGIN
    IF NOT inventory.claim(consumer_name, event_id) THEN
        RETURN NULL;
    END IF;

    INSERT INTO inventory.reservations (order_id, state, expires_at, updated_at)
    VALUES (order_of, inventory.next_state(NULL, 'reserve'), expires, reserved_at) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        PERFORM inventory.next_state(inventory.lock_reservation(order_of), 'reserve');
        RETURN NULL;
    END IF;

    PERFORM FROM inventory.stock AS s
    WHERE s.product_id = ANY (products)
    ORDER BY s.product_id
    FOR NO KEY UPDATE OF s;
    SELECT count(*), count(*) FILTER (
        WHERE s.available - s.backordered >= line.quantity
    ) INTO known, sufficient
    FROM unnest(products, quantities) AS line (product_id, quantity)
    JOIN inventory.stock AS s ON s.product_id = line.product_id;

    IF known < cardinality(products) THEN
        RAISE EXCEPTION 'a product of the order has no stock account yet' USING ERRCODE = 'QS001';
    END IF;
    IF sufficient < known THEN
        UPDATE inventory.reservations
        SET state = inventory.next_state(NULL, 'reserve_out_of_stock'), expires_at = NULL WHERE order_id = order_of;
        RETURN inventory.add_to_outbox(jsonb_set(failed_event, '{sequence}', '1'));
    END IF;

    INSERT INTO inventory.reservation_lines (order_id, product_id, quantity)
    SELECT order_of, product_id, quantity FROM unnest(products, quantities) AS line (product_id, quantity);
    RETURN inventory.add_to_outbox(jsonb_set(
        jsonb_set(reserved_event, '{sequence}', '1'),
        '{data,levels}', inventory.move_stock(order_of, 'reserved', -1, 1, reserved_at)
    ));
END;
$$;

-- Allocates the stock of a paid order. Returns the event that was added to the outbox; null when nothing changed.
CREATE FUNCTION inventory.allocate(
    consumer_name text, event_id uuid, order_of uuid, payment uuid, payment_version_of bigint, paid timestamptz,
    allocated_event jsonb, failed_event jsonb
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    state_before text;
    lines jsonb;
BEGIN
    IF NOT inventory.claim(consumer_name, event_id) THEN
        RETURN NULL;
    END IF;

    state_before := inventory.lock_reservation(order_of);
    -- Stock is examined only where the transition depends on it.
    IF inventory.next_state(state_before, 'allocate')
        IS DISTINCT FROM inventory.next_state(state_before, 'allocate_out_of_stock')
    THEN
        PERFORM inventory.lock_stock(order_of);
        IF NOT inventory.can_allocate(
            order_of, coalesce((SELECT paid_at FROM inventory.reservations WHERE order_id = order_of), paid)
        ) THEN
            SELECT jsonb_agg(jsonb_build_object('product_id', product_id, 'quantity', quantity) ORDER BY product_id)
            INTO lines FROM inventory.reservation_lines WHERE order_id = order_of;
            RETURN inventory.add_to_outbox(inventory.transition(
                order_of, state_before, 'allocate_out_of_stock', jsonb_set(failed_event, '{data,lines}', lines),
                payment, payment_version_of, paid
            ));
        END IF;
    END IF;
    RETURN inventory.add_to_outbox(inventory.transition(
        order_of, state_before, 'allocate', allocated_event, payment, payment_version_of, paid
    ));
END;
$$;

-- Allocates the stock of a backordered order if it is available now. Returns the event that was added to the outbox, or null.
CREATE FUNCTION inventory.allocate_backorder(order_of uuid, allocated_event jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    state_before text := inventory.lock_reservation(order_of);
    input text := 'allocate_out_of_stock';
BEGIN
    IF state_before IS DISTINCT FROM 'backordered' THEN
        RETURN NULL;
    END IF;
    PERFORM inventory.lock_stock(order_of);
    IF inventory.can_allocate(order_of, (SELECT paid_at FROM inventory.reservations WHERE order_id = order_of)) THEN
        input := 'allocate';
    END IF;
    RETURN inventory.add_to_outbox(inventory.transition(order_of, state_before, input, allocated_event));
END;
$$;

-- Ends a reservation that was not paid in time. Returns the event that was added to the outbox; null when it has not expired.
CREATE FUNCTION inventory.expire(order_of uuid, expired_event jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    state_before text := inventory.lock_reservation(order_of);
BEGIN
    PERFORM FROM inventory.reservations
    WHERE order_id = order_of AND expires_at < (expired_event ->> 'time')::timestamptz;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    RETURN inventory.add_to_outbox(inventory.transition(order_of, state_before, 'expire', expired_event));
END;
$$;

-- Removes the allocated units of a shipped order from stock. Returns the event that was added to the outbox; null when this was done
-- before.
CREATE FUNCTION inventory.ship(consumer_name text, event_id uuid, order_of uuid, shipped_event jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT inventory.claim(consumer_name, event_id) THEN
        RETURN NULL;
    END IF;
    RETURN inventory.add_to_outbox(
        inventory.transition(order_of, inventory.lock_reservation(order_of), 'ship', shipped_event)
    );
END;
$$;

-- Releases the stock of a cancelled order. Returns the event that was added to the outbox; null when no stock was held. An order
-- without a reservation gets a `released` one, so that a reservation that arrives later changes nothing.
CREATE FUNCTION inventory.release(consumer_name text, event_id uuid, order_of uuid, released_event jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    state_before text;
    event jsonb;
BEGIN
    IF NOT inventory.claim(consumer_name, event_id) THEN
        RETURN NULL;
    END IF;

    INSERT INTO inventory.reservations (order_id, state, updated_at)
    VALUES (order_of, inventory.next_state(NULL, 'release'), (released_event ->> 'time')::timestamptz) ON CONFLICT DO NOTHING;
    IF FOUND THEN
        RETURN NULL;
    END IF;
    state_before := inventory.lock_reservation(order_of);
    event := inventory.transition(order_of, state_before, 'release', released_event);
    IF NOT inventory.counts_as_reserved(state_before) THEN
        RETURN NULL;
    END IF;
    RETURN inventory.add_to_outbox(event);
END;
$$;
