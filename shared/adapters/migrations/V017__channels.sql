-- More ways to tell somebody than mail, in their language, and what became of what was told.

ALTER TABLE notifications.contacts ADD COLUMN phone text;
-- Registrations did not tell it until now. This once the owner of both looks it up.
UPDATE notifications.contacts AS c SET phone = u.phone FROM identity.users AS u WHERE u.id = c.user_id;

-- How somebody wants to be told; who has no row never said.
CREATE TABLE notifications.preferences (
    user_id  uuid   PRIMARY KEY,
    channels text[] NOT NULL,
    locale   text   NOT NULL
);

-- Devices that show notices, by what the push service calls them: one of them is one person's at a time.
CREATE TABLE notifications.devices (
    id         uuid        PRIMARY KEY,
    user_id    uuid        NOT NULL,
    endpoint   text        NOT NULL UNIQUE,
    registered_at timestamptz NOT NULL
);
CREATE INDEX devices_of_user ON notifications.devices (user_id, id);

-- Addresses that take no more mail, and why.
CREATE TABLE notifications.suppressions (
    email text        PRIMARY KEY,
    reason text NOT NULL,
    suppressed_at timestamptz NOT NULL
);

-- What became of a letter after it was handed over. It may be told before the delivery is noted, so it stands by itself.
CREATE TABLE notifications.email_feedback (
    delivery_id uuid PRIMARY KEY,
    reason text NOT NULL,
    received_at timestamptz NOT NULL
);

-- One event may be told by several channels.
ALTER TABLE notifications.deliveries
    ADD COLUMN outcome text NOT NULL DEFAULT 'sent',
    DROP CONSTRAINT deliveries_pkey,
    ADD PRIMARY KEY (id, channel);
DROP INDEX notifications.deliveries_of_order;
CREATE INDEX deliveries_of_order ON notifications.deliveries (order_id, id, channel);
