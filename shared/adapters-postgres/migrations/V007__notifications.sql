-- Contacts, preferences and devices of customers, and the log of what was sent to them.

CREATE TABLE notifications.contacts (
    user_id uuid PRIMARY KEY,
    email   text NOT NULL,
    name    text,
    phone   text,
    -- The version of the user, so that events may come in any order.
    version bigint NOT NULL
);

-- The address of each kind that a user verified last, and the version of the user since when. It counts while it is the contact's address.
CREATE TABLE notifications.verified_addresses (
    user_id uuid   NOT NULL,
    kind    text   NOT NULL CHECK (kind IN ('email', 'phone')),
    address text   NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (user_id, kind)
);

-- The channels and the language that a customer chose; without a row the defaults apply.
CREATE TABLE notifications.preferences (
    user_id  uuid   PRIMARY KEY,
    channels text[] NOT NULL,
    locale   text   NOT NULL
);

-- Devices for push notifications, by their endpoint at the push service. An endpoint belongs to one customer at a time.
CREATE TABLE notifications.devices (
    id            uuid        PRIMARY KEY,
    user_id       uuid        NOT NULL,
    endpoint      text        NOT NULL UNIQUE,
    registered_at timestamptz NOT NULL
);
CREATE INDEX devices_of_user ON notifications.devices (user_id, id);

-- What was sent. One event may be sent through several channels.
CREATE TABLE notifications.deliveries (
    -- The event that caused it.
    id       uuid        NOT NULL,
    user_id  uuid        NOT NULL,
    order_id uuid,
    channel  text        NOT NULL,
    template text        NOT NULL,
    outcome  text        NOT NULL DEFAULT 'sent',
    sent_at  timestamptz NOT NULL,
    PRIMARY KEY (id, channel)
);
CREATE INDEX deliveries_of_order ON notifications.deliveries (order_id, id, channel);

-- Text messages that a customer caused, or a number got: each one moves the end further into the future. At the end, the whole budget is
-- there again, and the sweep deletes the row.
CREATE TABLE notifications.message_budgets (
    counter    text        PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX message_budgets_expiry ON notifications.message_budgets (expires_at);

-- E-mail addresses that accept no more e-mail, and why.
CREATE TABLE notifications.suppressions (
    email         text        PRIMARY KEY,
    reason        text        NOT NULL,
    suppressed_at timestamptz NOT NULL
);

-- Bounces and complaints that the e-mail service reported for a delivery. A report can arrive before its delivery is recorded, so it
-- does not reference one.
CREATE TABLE notifications.email_feedback (
    delivery_id uuid        PRIMARY KEY,
    reason      text        NOT NULL,
    received_at timestamptz NOT NULL
);
