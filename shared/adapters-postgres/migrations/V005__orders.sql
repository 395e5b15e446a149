-- Orders, with product names and prices as they were at placement. All amounts of an order are in its one currency, in minor units.

CREATE TABLE orders.orders (
    id               uuid        PRIMARY KEY,
    user_id          uuid        NOT NULL,
    status           text        NOT NULL
        CHECK (status IN ('pending', 'processing', 'shipped', 'delivered', 'cancelled')),
    reason           text,
    total_amount     bigint      NOT NULL CHECK (total_amount >= 0),
    currency         text        NOT NULL,
    -- What the total consists of: {subtotal, shipping_method, shipping, shipping_tax?, tax, tax_included, taxes}, amounts with currency.
    totals           jsonb       NOT NULL,
    shipping_address jsonb       NOT NULL,
    payment_method   text        NOT NULL,
    -- How the parcel can be followed: {carrier, number}; null until it is shipped, or if staff stated nothing.
    tracking         jsonb,
    payment_id       uuid,
    -- The newest version of the payment that the order has seen; older payment events are out of date.
    payment_version  bigint      NOT NULL DEFAULT 0 CHECK (payment_version >= 0),
    version          bigint      NOT NULL CHECK (version > 0),
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    -- All transitions, oldest first: [{status, at, reason?}]. They are only ever read together with the order.
    history          jsonb       NOT NULL,
    -- When address, tracking and notes were erased.
    erased_at        timestamptz,
    CONSTRAINT total_is_sum CHECK (total_amount = (totals #>> '{subtotal,amount}')::bigint + (totals #>> '{shipping,amount}')::bigint
        + CASE WHEN (totals ->> 'tax_included')::boolean THEN 0 ELSE (totals #>> '{tax,amount}')::bigint END)
);
CREATE INDEX orders_of_user ON orders.orders (user_id, created_at DESC, id DESC);
CREATE INDEX orders_pending ON orders.orders (created_at) WHERE status = 'pending';
-- Orders that wait for the inventory or the gateway, by their last progress: see check_limits.
CREATE INDEX orders_in_progress ON orders.orders (updated_at)
    WHERE status = 'pending' AND reason IN ('awaiting_stock', 'awaiting_payment');

-- For the lists of staff.
CREATE INDEX orders_by_time ON orders.orders (created_at, id);
CREATE INDEX orders_of_status ON orders.orders (status, created_at, id);
CREATE INDEX orders_by_amount ON orders.orders (currency, total_amount, id);
-- The number that messages and invoices print.
CREATE INDEX orders_by_number ON orders.orders (right(id::text, 12));

-- Notes of staff, which customers see in the export of their data alone.
CREATE TABLE orders.order_notes (
    id         uuid        PRIMARY KEY,
    order_id   uuid        NOT NULL REFERENCES orders.orders (id),
    author     uuid        NOT NULL,
    text       text        NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX notes_of_order ON orders.order_notes (order_id, created_at DESC, id DESC);

CREATE TABLE orders.order_lines (
    order_id     uuid    NOT NULL REFERENCES orders.orders (id),
    position     integer NOT NULL,
    product_id   uuid    NOT NULL,
    product_name text    NOT NULL,
    quantity     bigint  NOT NULL CHECK (quantity > 0),
    unit_price   bigint  NOT NULL CHECK (unit_price >= 0),
    line_total   bigint  NOT NULL CHECK (line_total >= 0),
    -- The rate in percent and the tax; null where no tax is configured.
    tax_rate     text,
    tax          bigint  CHECK (tax >= 0),
    CHECK ((tax_rate IS NULL) = (tax IS NULL)),
    PRIMARY KEY (order_id, position),
    UNIQUE (order_id, product_id)
);

CREATE INDEX orders_open_of_user ON orders.orders (user_id) WHERE status = 'pending';

-- One row for each customer who has ordered: locked while an order is placed, so that concurrent requests see each other's orders.
CREATE TABLE orders.customers (
    user_id uuid PRIMARY KEY
);

-- Raises QS006 if as many orders as `limits` allow have waited for the inventory or the gateway for longer than the delay at `at`: reads at
-- most so many entries of an index. Raises QS004 if a customer has as many unpaid orders as `limits` allow, and QS005 if these would hold too many
-- units together with `lines`. `limits` are {orders, units, unpaid, delayed, delay_s}; `unpaid` are the reasons of pending orders that are not paid.
CREATE FUNCTION orders.check_limits(user_of uuid, at timestamptz, lines jsonb, limits jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    unpaid bigint;
    held bigint;
BEGIN
    PERFORM FROM orders.orders
    WHERE status = 'pending' AND reason IN ('awaiting_stock', 'awaiting_payment')
        AND updated_at <= at - make_interval(secs => (limits ->> 'delay_s')::integer)
    OFFSET (limits ->> 'delayed')::integer - 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'at least % orders are delayed', limits ->> 'delayed' USING ERRCODE = 'QS006';
    END IF;

    INSERT INTO orders.customers (user_id) VALUES (user_of) ON CONFLICT DO NOTHING;
    PERFORM FROM orders.customers WHERE user_id = user_of FOR NO KEY UPDATE;

    -- A statement of its own, so that it sees what the requests before it committed.
    SELECT count(DISTINCT o.id), coalesce(sum(l.quantity), 0) INTO unpaid, held
    FROM orders.orders AS o
    JOIN orders.order_lines AS l ON l.order_id = o.id
    WHERE o.user_id = user_of AND o.status = 'pending' AND limits -> 'unpaid' ? o.reason;
    IF unpaid >= (limits ->> 'orders')::bigint THEN
        RAISE EXCEPTION 'the customer has % unpaid orders', unpaid USING ERRCODE = 'QS004';
    END IF;
    held := held + (SELECT sum((line ->> 'quantity')::bigint) FROM jsonb_array_elements(lines) AS line);
    IF held > (limits ->> 'units')::bigint THEN
        RAISE EXCEPTION 'the unpaid orders of the customer would hold % units', held USING ERRCODE = 'QS005';
    END IF;
END;
$$;

-- The copy of the catalogue's prices, fed by its events, and by what the catalogue answered about products that the copy lacked.
CREATE TABLE orders.product_prices (
    product_id uuid    PRIMARY KEY,
    name       text    NOT NULL,
    -- The tax rate of the product depends on it.
    category   text    NOT NULL,
    price      bigint  NOT NULL CHECK (price >= 0),
    currency   text    NOT NULL,
    -- Whether the product is on sale.
    active     boolean NOT NULL,
    -- The version of the product. A lower one never replaces a higher one.
    version    bigint  NOT NULL CHECK (version > 0)
);

-- Stores snapshots of products: [{product_id, name, category, price: {amount, currency}, active, version}], each product once. Returns
-- how many were newer than the copy. Rows are locked in one order, so that no two of these deadlock.
CREATE FUNCTION orders.learn_prices(products jsonb) RETURNS bigint LANGUAGE sql AS $$
    WITH stored AS (
        INSERT INTO orders.product_prices AS known (product_id, name, category, price, currency, active, version)
        SELECT (one ->> 'product_id')::uuid, one ->> 'name', one ->> 'category', (one #>> '{price,amount}')::bigint,
            one #>> '{price,currency}', (one ->> 'active')::boolean, (one ->> 'version')::bigint
        FROM jsonb_array_elements(products) AS one
        ORDER BY 1
        ON CONFLICT (product_id) DO UPDATE
            SET name = excluded.name, category = excluded.category, price = excluded.price, currency = excluded.currency,
                active = excluded.active, version = excluded.version
            WHERE known.version < excluded.version
        RETURNING product_id
    )
    SELECT count(*) FROM stored;
$$;

-- Whether the copy has each of these products on sale with this name, category and price.
CREATE FUNCTION orders.has_prices(products jsonb) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(bool_and(
        known.active AND known.name = one ->> 'name' AND known.category = one ->> 'category' AND known.price = (one #>> '{price,amount}')::bigint
            AND known.currency = one #>> '{price,currency}'
    ), true) AND count(*) = count(known.product_id)
    FROM jsonb_array_elements(products) AS one
    LEFT JOIN orders.product_prices AS known ON known.product_id = (one ->> 'product_id')::uuid;
$$;

-- Stores a placed order with its event and the response under the idempotency key. A function, so that a session plans the
-- statements once and not with every unnamed statement.
--
-- Returns whether the key was new and, if not, what is stored under it. Each statement sees what was committed before it began,
-- so a request that waited for a concurrent duplicate finds the response of the duplicate. `terms` are {prices, learned}: the products
-- as the order has them, and those of them that the copy may lack. If the copy differs, QS003 is raised, so that nothing is written.
-- With `limits` in `terms`, those of the customer are checked, too: see check_limits.
CREATE FUNCTION orders.place(
    scope_of text, key_of text, fingerprint_of text, head jsonb, reply_body text,
    id_of uuid, user_of uuid, status_of text, reason_of text, amount bigint, currency_of text, address jsonb, method text,
    payment_of uuid, version_of bigint, placed_at timestamptz, changed_at timestamptz, steps jsonb, lines jsonb, event_of jsonb,
    terms jsonb, totals_of jsonb
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

    PERFORM orders.learn_prices(terms -> 'learned');
    IF NOT orders.has_prices(terms -> 'prices') THEN
        RAISE EXCEPTION 'a price of the order is not that of the copy' USING ERRCODE = 'QS003';
    END IF;
    IF terms ? 'limits' THEN
        PERFORM orders.check_limits(user_of, placed_at, lines, terms -> 'limits');
    END IF;

    INSERT INTO orders.orders (id, user_id, status, reason, total_amount, currency, totals, shipping_address, payment_method,
        payment_id, version, created_at, updated_at, history)
    VALUES (id_of, user_of, status_of, reason_of, amount, currency_of, totals_of, address, method, payment_of, version_of,
        placed_at, changed_at, steps);

    INSERT INTO orders.order_lines (order_id, position, product_id, product_name, quantity, unit_price, line_total, tax_rate, tax)
    SELECT id_of, line.position, (line.item ->> 'product_id')::uuid, line.item ->> 'product_name',
        (line.item ->> 'quantity')::bigint, (line.item #>> '{unit_price,amount}')::bigint,
        (line.item #>> '{line_total,amount}')::bigint, line.item #>> '{tax,rate}', (line.item #>> '{tax,amount,amount}')::bigint
    FROM jsonb_array_elements(lines) WITH ORDINALITY AS line (item, position);

    INSERT INTO orders.outbox (id, created_at, event)
    VALUES ((event_of ->> 'id')::uuid, (event_of ->> 'time')::timestamptz, event_of);

    RETURN QUERY SELECT true, NULL::text, NULL::integer, NULL::jsonb, NULL::text;
END;
$$;

-- What the export shows of a customer: see identity.export.
CREATE FUNCTION orders.personal_data(user_of uuid) RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_build_object('orders', count(*)) FROM orders.orders AS o WHERE o.user_id = user_of;
$$;

-- Orders, with their lines, and with what staff noted about them. Who noted it is data of another person.
CREATE FUNCTION orders.personal_records(user_of uuid, after_of uuid, most integer) RETURNS TABLE (id uuid, record jsonb)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT o.id, jsonb_build_object(
        'order_id', o.id, 'status', o.status, 'reason', o.reason, 'created_at', o.created_at, 'updated_at', o.updated_at,
        'total_amount', o.total_amount, 'currency', o.currency, 'totals', o.totals, 'shipping_address', o.shipping_address,
        'payment_method', o.payment_method, 'payment_id', o.payment_id, 'tracking', o.tracking, 'history', o.history,
        'lines', (
            SELECT jsonb_agg(jsonb_build_object(
                'product_id', l.product_id, 'product_name', l.product_name, 'quantity', l.quantity, 'unit_price', l.unit_price,
                'line_total', l.line_total, 'tax_rate', l.tax_rate, 'tax', l.tax
            ) ORDER BY l.position)
            FROM orders.order_lines AS l WHERE l.order_id = o.id
        ),
        'notes_of_staff', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('text', n.text, 'created_at', n.created_at) ORDER BY n.created_at, n.id), '[]')
            FROM orders.order_notes AS n WHERE n.order_id = o.id
        )
    )
    FROM orders.orders AS o
    WHERE o.user_id = user_of AND (after_of IS NULL OR o.id > after_of)
    ORDER BY o.id LIMIT most;
$$;

-- Customers whose account was erased. Their orders are erased when they are final; until then, the parcel needs an address.
CREATE TABLE orders.erasures (
    user_id   uuid        PRIMARY KEY,
    erased_at timestamptz NOT NULL,
    -- When the sweep saw it last.
    swept_at  timestamptz NOT NULL,
    -- Whether an order may still be there that is not erased.
    is_open   boolean     NOT NULL DEFAULT true
);
CREATE INDEX erasures_open ON orders.erasures (swept_at) WHERE is_open;

-- Erases up to a thousand orders of a customer that are final: the country stays, which the tax is of. A shipped order is final after 90 days. The
-- new version makes a concurrent transition, which has read the address, start again. Returns how many were erased.
CREATE FUNCTION orders.erase_final(user_of uuid, at timestamptz) RETURNS bigint LANGUAGE sql AS $$
    WITH due AS (
        SELECT o.id FROM orders.orders AS o
        WHERE o.user_id = user_of AND o.erased_at IS NULL
            AND (o.status IN ('delivered', 'cancelled') OR o.status = 'shipped' AND o.updated_at < at - interval '90 days')
        ORDER BY o.id LIMIT 1000 FOR NO KEY UPDATE
    ), notes AS (
        DELETE FROM orders.order_notes AS n WHERE n.order_id IN (SELECT id FROM due)
    ), erased AS (
        UPDATE orders.orders AS o SET erased_at = at, version = o.version + 1, tracking = NULL, shipping_address = jsonb_build_object(
            'line1', 'erased', 'city', 'erased', 'region', 'erased', 'postal_code', 'erased', 'country', o.shipping_address -> 'country'
        )
        FROM due WHERE o.id = due.id RETURNING o.id
    )
    SELECT count(*) FROM erased;
$$;

-- Remembers that a customer is erased, once per claim, and erases their final orders.
CREATE FUNCTION orders.erase(consumer_of text, event_of uuid, user_of uuid, at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO orders.inbox (consumer, event_id) VALUES (consumer_of, event_of) ON CONFLICT DO NOTHING;
    IF FOUND THEN
        INSERT INTO orders.erasures (user_id, erased_at, swept_at) VALUES (user_of, at, at) ON CONFLICT DO NOTHING;
        PERFORM orders.erase_final(user_of, at);
    END IF;
END;
$$;

-- Erases the orders of erased customers that have become final, of up to `most` customers, those that were not seen for longest first. A customer is
-- done when every order is erased, not before a day has passed: a token of theirs may have placed one until then. Returns how many orders were
-- erased, and how many customers are not done.
CREATE FUNCTION orders.erase_due(at timestamptz, most integer) RETURNS TABLE (erased bigint, open bigint) LANGUAGE plpgsql AS $$
DECLARE
    one orders.erasures;
BEGIN
    erased := 0;
    FOR one IN
        SELECT * FROM orders.erasures AS e WHERE e.is_open ORDER BY e.swept_at, e.user_id LIMIT most FOR NO KEY UPDATE SKIP LOCKED
    LOOP
        erased := erased + orders.erase_final(one.user_id, at);
        UPDATE orders.erasures AS e SET swept_at = at, is_open = e.erased_at > at - interval '1 day' OR EXISTS (
            SELECT FROM orders.orders AS o WHERE o.user_id = e.user_id AND o.erased_at IS NULL
        )
        WHERE e.user_id = one.user_id;
    END LOOP;
    SELECT count(*) INTO open FROM orders.erasures AS e WHERE e.is_open;
    RETURN NEXT;
END;
$$;
