-- What every context needs to commit its events with its state, and to do each event and each request once.

-- Events as they go on the bus. `created_at` is the time of the event.
CREATE TABLE identity.outbox (
    id           uuid        PRIMARY KEY,
    created_at   timestamptz NOT NULL,
    event        jsonb       NOT NULL,
    published_at timestamptz
);
CREATE INDEX outbox_waiting ON identity.outbox (created_at) WHERE published_at IS NULL;

CREATE TABLE inventory.outbox (LIKE identity.outbox INCLUDING ALL);
CREATE TABLE orders.outbox (LIKE identity.outbox INCLUDING ALL);
CREATE TABLE payments.outbox (LIKE identity.outbox INCLUDING ALL);
CREATE TABLE notifications.outbox (LIKE identity.outbox INCLUDING ALL);
CREATE TABLE invoices.outbox (LIKE identity.outbox INCLUDING ALL);

-- Which consumer has done which event.
CREATE TABLE inventory.inbox (
    consumer text        NOT NULL,
    event_id uuid        NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, event_id)
);
CREATE TABLE orders.inbox (LIKE inventory.inbox INCLUDING ALL);
CREATE TABLE payments.inbox (LIKE inventory.inbox INCLUDING ALL);
CREATE TABLE notifications.inbox (LIKE inventory.inbox INCLUDING ALL);
CREATE TABLE invoices.inbox (LIKE inventory.inbox INCLUDING ALL);

-- First answers, byte for byte, for requests that come again.
CREATE TABLE orders.idempotency (
    scope       text        NOT NULL,
    key         text        NOT NULL,
    fingerprint text        NOT NULL,
    status      integer     NOT NULL,
    body        text        NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_expiry ON orders.idempotency (expires_at);
