-- Totals of confirmed orders in windows of five minutes, by currency.

-- The events that have been counted, for deduplication.
CREATE TABLE analytics.counted_events (
    event_id     uuid        PRIMARY KEY,
    window_start timestamptz NOT NULL
);
-- For retention.
CREATE INDEX counted_events_age ON analytics.counted_events (window_start);

CREATE TABLE analytics.windows (
    window_start timestamptz NOT NULL,
    currency     text        NOT NULL,
    orders       bigint      NOT NULL,
    revenue      bigint      NOT NULL,
    PRIMARY KEY (window_start, currency)
);

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
