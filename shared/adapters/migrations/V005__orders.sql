-- Orders, with names and prices as they were when placed. All money of an order is of its one currency, in minor units.

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
    version          bigint      NOT NULL CHECK (version > 0),
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    -- All its steps, oldest first: [{status, at, reason?}]. They are only ever read together with the order.
    history          jsonb       NOT NULL
);
CREATE INDEX orders_of_user ON orders.orders (user_id, created_at DESC, id DESC);

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
