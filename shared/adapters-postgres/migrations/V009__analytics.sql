-- What analytics adds up in windows of five minutes of event time, by currency.

-- The events that have been counted, for deduplication.
CREATE TABLE analytics.counted_events (
    event_id     uuid        PRIMARY KEY,
    window_start timestamptz NOT NULL
);
-- For retention.
CREATE INDEX counted_events_age ON analytics.counted_events (window_start);

-- The orders of each customer, to tell first orders from repeat ones. Each column is a sum, a minimum or a maximum, so that it does not
-- depend on the order in which records arrive.
CREATE TABLE analytics.customers (
    customer_id    uuid        PRIMARY KEY,
    orders         bigint      NOT NULL,
    -- The first order: its time, its event, and the window that counts it as a first one.
    first_at       timestamptz NOT NULL,
    first_event    uuid        NOT NULL,
    first_window   timestamptz NOT NULL,
    first_currency text        NOT NULL,
    last_at        timestamptz NOT NULL,
    -- The window that counted a first order until the last statement found an earlier one; null if it did not.
    left_window    timestamptz,
    left_currency  text
);
-- For retention, and for the customers of a period.
CREATE INDEX customers_age ON analytics.customers (last_at);

CREATE TABLE analytics.windows (
    window_start    timestamptz NOT NULL,
    currency        text        NOT NULL,
    -- Confirmed orders.
    orders          bigint      NOT NULL DEFAULT 0,
    revenue         bigint      NOT NULL DEFAULT 0,
    units           bigint      NOT NULL DEFAULT 0,
    first_orders    bigint      NOT NULL DEFAULT 0,
    -- Outcomes of payments: how many, and of how many minor units.
    paid            bigint      NOT NULL DEFAULT 0,
    paid_amount     bigint      NOT NULL DEFAULT 0,
    declined        bigint      NOT NULL DEFAULT 0,
    declined_amount bigint      NOT NULL DEFAULT 0,
    refunded        bigint      NOT NULL DEFAULT 0,
    refunded_amount bigint      NOT NULL DEFAULT 0,
    -- Number of the revision that these figures belong to, and of the last one that was published.
    revision        bigint      NOT NULL DEFAULT 1,
    published       bigint      NOT NULL DEFAULT 0,
    -- Raised by every change, so that what is published is what was read.
    changes         bigint      NOT NULL DEFAULT 1,
    PRIMARY KEY (window_start, currency)
);
-- For closing.
CREATE INDEX windows_unpublished ON analytics.windows (window_start, currency) WHERE published < revision;
-- For the baseline, which looks at the same time of the weeks before.
CREATE INDEX windows_of_currency ON analytics.windows (currency, window_start);

CREATE TABLE analytics.window_products (
    window_start timestamptz NOT NULL,
    currency     text        NOT NULL,
    product_id   uuid        NOT NULL,
    product_name text        NOT NULL,
    units        bigint      NOT NULL,
    PRIMARY KEY (window_start, currency, product_id)
);

CREATE TABLE analytics.window_regions (
    window_start timestamptz NOT NULL,
    currency     text        NOT NULL,
    region       text        NOT NULL,
    orders       bigint      NOT NULL,
    revenue      bigint      NOT NULL,
    PRIMARY KEY (window_start, currency, region)
);

-- Cancelled orders by reason.
CREATE TABLE analytics.window_cancellations (
    window_start timestamptz NOT NULL,
    currency     text        NOT NULL,
    reason       text        NOT NULL,
    orders       bigint      NOT NULL,
    PRIMARY KEY (window_start, currency, reason)
);

-- Confirmed orders of each minute, in all currencies.
CREATE TABLE analytics.minutes (
    minute timestamptz PRIMARY KEY,
    orders bigint      NOT NULL
);

-- The anomalies that were published.
CREATE TABLE analytics.anomalies (
    -- Of the event that published it.
    id           uuid        PRIMARY KEY,
    found_at     timestamptz NOT NULL,
    window_start timestamptz NOT NULL,
    currency     text        NOT NULL,
    metric       text        NOT NULL,
    -- A number of orders, or minor units.
    observed     bigint      NOT NULL,
    expected     bigint      NOT NULL,
    least        bigint      NOT NULL,
    most         bigint      NOT NULL
);
-- For the list, and for retention.
CREATE INDEX anomalies_by_window ON analytics.anomalies (window_start, id);

-- What the export shows of a customer: see identity.export.
CREATE FUNCTION analytics.personal_data(user_of uuid) RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_build_object('activity', (
        SELECT jsonb_build_object('orders', c.orders, 'first_order_at', c.first_at, 'last_order_at', c.last_at)
        FROM analytics.customers AS c WHERE c.customer_id = user_of
    ));
$$;

-- There is nothing of which a customer has many.
CREATE FUNCTION analytics.personal_records(user_of uuid, after_of uuid, most integer) RETURNS TABLE (id uuid, record jsonb)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT NULL::uuid, NULL::jsonb WHERE user_of IS NULL AND after_of IS NULL AND most IS NULL;
$$;
