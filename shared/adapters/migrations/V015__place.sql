-- Placing an order as a function: a session plans its statements once, and not with each order, as it does what comes unnamed.
--
-- The answer is whether the key was taken now; if not, what was kept under it before. Each statement in here sees what was
-- committed before it began, so that who waited for a twin of the same request finds the twin's answer.

CREATE FUNCTION orders.place(
    scope_of text, key_of text, fingerprint_of text, head jsonb, reply_body text,
    id_of uuid, user_of uuid, status_of text, reason_of text, amount bigint, currency_of text, address jsonb, method text,
    payment_of uuid, version_of bigint, placed_at timestamptz, changed_at timestamptz, steps jsonb, lines jsonb, event_of jsonb
) RETURNS TABLE (is_new boolean, fingerprint text, status integer, headers jsonb, body text) LANGUAGE plpgsql AS $$
BEGIN
    -- A key that has expired is taken over.
    INSERT INTO orders.idempotency AS old (scope, key, fingerprint, status, headers, body, created_at, expires_at)
    VALUES (scope_of, key_of, fingerprint_of, (head ->> 'status')::integer, head -> 'headers', reply_body, now(),
        now() + interval '24 hours')
    ON CONFLICT (scope, key) DO UPDATE
        SET fingerprint = excluded.fingerprint, status = excluded.status, headers = excluded.headers,
            body = excluded.body, created_at = excluded.created_at, expires_at = excluded.expires_at
        WHERE old.expires_at <= excluded.created_at;
    IF NOT FOUND THEN
        RETURN QUERY
            SELECT false, kept.fingerprint, kept.status, kept.headers, kept.body FROM orders.idempotency AS kept
            WHERE kept.scope = scope_of AND kept.key = key_of AND kept.expires_at > now();
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
