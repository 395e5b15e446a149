-- What was told to whom, and the answers to requests to tell something by hand.

CREATE TABLE notifications.deliveries (
    -- The event that it was told of.
    id       uuid        PRIMARY KEY,
    user_id  uuid        NOT NULL,
    order_id uuid,
    channel  text        NOT NULL,
    template text        NOT NULL,
    sent_at  timestamptz NOT NULL
);
CREATE INDEX deliveries_of_order ON notifications.deliveries (order_id, id);

-- First answers, as in the schema of orders.
CREATE TABLE notifications.idempotency (LIKE orders.idempotency INCLUDING ALL);
