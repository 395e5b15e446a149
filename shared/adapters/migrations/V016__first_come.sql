-- What is there belongs to the paid orders that wait for it, the longest waiting first, and only what is left to all others.
-- Whoever asks has locked the stock, as who begins to wait has: none begins to wait for a product in between.

-- Pieces of a product that orders wait for: all of them, or those alone who have waited longer than since `paid`.
CREATE FUNCTION inventory.backordered_units(product uuid, paid timestamptz, order_of uuid) RETURNS bigint LANGUAGE sql AS $$
    SELECT coalesce(sum(r.quantity), 0)::bigint
    FROM inventory.reservations AS o
    JOIN inventory.reservation_lines AS r ON r.order_id = o.order_id
    WHERE o.state = 'backordered' AND r.product_id = product
        AND (paid IS NULL OR (o.paid_at, o.order_id) < (paid, order_of));
$$;

-- Whether all lines of a paid order, whose stock is locked, are free for it.
CREATE OR REPLACE FUNCTION inventory.is_enough(order_of uuid) RETURNS boolean LANGUAGE sql AS $$
    SELECT coalesce(bool_and(
        s.available >= r.quantity AND s.available - inventory.backordered_units(s.product_id, o.paid_at, order_of) >= r.quantity
    ), false)
    FROM inventory.reservations AS o
    JOIN inventory.reservation_lines AS r ON r.order_id = o.order_id
    JOIN inventory.stock AS s ON s.product_id = r.product_id
    WHERE o.order_id = order_of;
$$;

-- As before, for what nobody waits for.
CREATE OR REPLACE FUNCTION inventory.reserve(
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

    PERFORM FROM inventory.stock AS s
    WHERE s.product_id = ANY (products)
    ORDER BY s.product_id
    FOR NO KEY UPDATE OF s;
    SELECT count(*), count(*) FILTER (
        WHERE s.available >= line.quantity AND s.available - inventory.backordered_units(s.product_id, NULL, NULL) >= line.quantity
    ) INTO known, enough
    FROM unnest(products, quantities) AS line (product_id, quantity)
    JOIN inventory.stock AS s ON s.product_id = line.product_id;

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
