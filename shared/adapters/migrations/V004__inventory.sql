-- Stock: how much of each product is free and how much is held, for whom, and how it came to that.
--
-- Reserving and releasing are functions, not single statements, for one reason: a statement sees the database as it was when
-- the statement began. A release that has waited for a reservation to commit would not see, in that same statement, the lines
-- that were just reserved, and would leave them held for ever. In a function every statement looks anew. They lock in one
-- order, the order's header first and then stock by product id, so that no two of them wait for each other in a ring.
-- Their names are qualified, for they must mean the same whoever calls.

CREATE TABLE inventory.stock (
    product_id uuid        PRIMARY KEY,
    sku        text        NOT NULL,
    available  bigint      NOT NULL CHECK (available >= 0),
    reserved   bigint      NOT NULL CHECK (reserved >= 0),
    version    bigint      NOT NULL CHECK (version > 0),
    updated_at timestamptz NOT NULL
);

-- What became of an order here. A release that comes before its reservation leaves `released`, and the reservation does nothing.
CREATE TABLE inventory.reservations (
    order_id   uuid        PRIMARY KEY,
    state      text        NOT NULL CHECK (state IN ('reserved', 'failed', 'released', 'shipped')),
    updated_at timestamptz NOT NULL
);

CREATE TABLE inventory.reservation_lines (
    order_id   uuid   NOT NULL REFERENCES inventory.reservations (order_id),
    product_id uuid   NOT NULL REFERENCES inventory.stock (product_id),
    quantity   bigint NOT NULL CHECK (quantity > 0),
    state      text   NOT NULL CHECK (state IN ('reserved', 'released', 'shipped')),
    PRIMARY KEY (order_id, product_id)
);

-- Every change of a stock row: its version counts them.
CREATE TABLE inventory.stock_movements (
    product_id uuid        NOT NULL REFERENCES inventory.stock (product_id),
    version    bigint      NOT NULL,
    kind       text        NOT NULL CHECK (kind IN ('opened', 'reserved', 'released')),
    order_id   uuid,
    quantity   bigint      NOT NULL,
    available  bigint      NOT NULL,
    reserved   bigint      NOT NULL,
    at         timestamptz NOT NULL,
    PRIMARY KEY (product_id, version)
);

-- Keeps an event for the bus.
CREATE FUNCTION inventory.announce(event jsonb) RETURNS jsonb LANGUAGE sql AS $$
    INSERT INTO inventory.outbox (id, created_at, event)
    VALUES ((event ->> 'id')::uuid, (event ->> 'time')::timestamptz, event)
    RETURNING event;
$$;

-- Moves `quantities` of `products` from available to held, or back when they are negative; notes it; answers the new levels.
-- The caller has locked the rows.
CREATE FUNCTION inventory.move(
    order_of uuid, kind_of text, products uuid[], quantities bigint[], moved_at timestamptz
) RETURNS jsonb LANGUAGE sql AS $$
    WITH line AS (
        SELECT * FROM unnest(products, quantities) AS l (product_id, quantity)
    ), moved AS (
        UPDATE inventory.stock AS s
        SET available = s.available - line.quantity,
            reserved = s.reserved + line.quantity,
            version = s.version + 1,
            updated_at = moved_at
        FROM line
        WHERE s.product_id = line.product_id
        RETURNING s.product_id, s.available, s.reserved, s.version, line.quantity
    ), noted AS (
        INSERT INTO inventory.stock_movements (product_id, version, kind, order_id, quantity, available, reserved, at)
        SELECT product_id, version, kind_of, order_of, quantity, available, reserved, moved_at FROM moved
    )
    SELECT jsonb_agg(
        jsonb_build_object(
            'product_id', product_id, 'available', available, 'reserved', reserved, 'version', version
        ) ORDER BY product_id
    ) FROM moved;
$$;

-- Holds all lines or none; answers the event that turned out true, or null when this was done before or was released already.
-- Each product comes once. One without an account raises QS001, and nothing stays.
CREATE FUNCTION inventory.reserve(
    consumer_name text, cause uuid, order_of uuid, products uuid[], quantities bigint[], if_reserved jsonb, if_short jsonb
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

    INSERT INTO inventory.reservations (order_id, state, updated_at)
    VALUES (order_of, 'reserved', reserved_at) ON CONFLICT DO NOTHING;
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
        UPDATE inventory.reservations SET state = 'failed' WHERE order_id = order_of;
        RETURN inventory.announce(if_short);
    END IF;

    INSERT INTO inventory.reservation_lines (order_id, product_id, quantity, state)
    SELECT order_of, product_id, quantity, 'reserved' FROM unnest(products, quantities) AS line (product_id, quantity);
    RETURN inventory.announce(jsonb_set(
        if_reserved, '{data,levels}', inventory.move(order_of, 'reserved', products, quantities, reserved_at)
    ));
END;
$$;

-- Frees what is held for an order; answers its event, or null when nothing is held. That it was asked for stays: a reservation
-- that comes later does nothing.
CREATE FUNCTION inventory.release(
    consumer_name text, cause uuid, order_of uuid, if_released jsonb
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    released_at timestamptz := (if_released ->> 'time')::timestamptz;
    products uuid[];
    quantities bigint[];
BEGIN
    INSERT INTO inventory.inbox (consumer, event_id) VALUES (consumer_name, cause) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    INSERT INTO inventory.reservations (order_id, state, updated_at)
    VALUES (order_of, 'released', released_at) ON CONFLICT DO NOTHING;
    UPDATE inventory.reservations SET state = 'released', updated_at = released_at
    WHERE order_id = order_of AND state = 'reserved';
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    PERFORM FROM inventory.stock AS s
    JOIN inventory.reservation_lines AS r ON r.product_id = s.product_id
    WHERE r.order_id = order_of
    ORDER BY s.product_id
    FOR NO KEY UPDATE OF s;

    WITH freed AS (
        UPDATE inventory.reservation_lines SET state = 'released'
        WHERE order_id = order_of AND state = 'reserved'
        RETURNING product_id, quantity
    )
    SELECT array_agg(product_id), array_agg(-quantity) INTO products, quantities FROM freed;
    RETURN inventory.announce(jsonb_set(
        if_released, '{data,levels}', inventory.move(order_of, 'released', products, quantities, released_at)
    ));
END;
$$;
