-- Contacts, preferences and devices of customers, and the log of what was sent to them.

CREATE TABLE notifications.contacts (
    user_id uuid PRIMARY KEY,
    -- Null, as all of it, if the user was erased: the row remains, so that an older event does not bring the contact back.
    email   text,
    name    text,
    phone   text,
    -- The version of the user, so that events may come in any order.
    version bigint NOT NULL
);

-- The address of each kind that a user verified last, and the version of the user since when. It counts while it is the contact's address.
CREATE TABLE notifications.verified_addresses (
    user_id uuid   NOT NULL,
    kind    text   NOT NULL CHECK (kind IN ('email', 'phone')),
    -- Null if the user was erased.
    address text,
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
-- For the export.
CREATE INDEX deliveries_of_user ON notifications.deliveries (user_id, id);
-- For retention.
CREATE INDEX deliveries_sent ON notifications.deliveries (sent_at);

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
CREATE INDEX email_feedback_received ON notifications.email_feedback (received_at);

-- The texts of messages that staff wrote. Each edit is a row; the newest version applies.
CREATE TABLE notifications.message_templates (
    template  text        NOT NULL,
    locale    text        NOT NULL,
    version   bigint      NOT NULL CHECK (version > 0),
    -- Null, as all four, for the texts that are built in.
    subject   text,
    txt       text,
    html      text,
    short     text,
    reason    text        NOT NULL,
    edited_by uuid        NOT NULL,
    edited_at timestamptz NOT NULL,
    PRIMARY KEY (template, locale, version),
    CHECK (num_nulls(subject, txt, html, short) IN (0, 4))
);

-- Endpoints of outbound webhooks. Their secrets are sealed.
CREATE TABLE notifications.webhook_endpoints (
    id                  uuid        PRIMARY KEY,
    url                 text        NOT NULL,
    event_types         text[]      NOT NULL CHECK (cardinality(event_types) > 0),
    description         text,
    status              text        NOT NULL CHECK (status IN ('enabled', 'disabled')),
    disabled_reason     text        CHECK ((disabled_reason IS NULL) = (status = 'enabled')),
    secret              text        NOT NULL,
    previous_secret     text,
    previous_expires_at timestamptz CHECK ((previous_expires_at IS NULL) = (previous_secret IS NULL)),
    -- Since when all attempts have failed.
    failing_since       timestamptz,
    created_by          uuid        NOT NULL,
    created_at          timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL,
    version             bigint      NOT NULL
);
CREATE INDEX webhook_endpoints_newest ON notifications.webhook_endpoints (created_at, id);

-- Deliveries of events to them, one for each event and endpoint. The sweep deletes them a month later.
CREATE TABLE notifications.webhook_deliveries (
    endpoint_id     uuid        NOT NULL REFERENCES notifications.webhook_endpoints ON DELETE CASCADE,
    -- The event.
    id              uuid        NOT NULL,
    event_type      text        NOT NULL,
    -- The body as it is signed.
    payload         text        NOT NULL,
    status          text        NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
    attempts        integer     NOT NULL,
    -- While an attempt is made, when it is due again if nobody concludes it.
    next_attempt_at timestamptz CHECK ((next_attempt_at IS NULL) = (status <> 'pending')),
    last_attempt_at timestamptz,
    response_status integer,
    error           text,
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    PRIMARY KEY (endpoint_id, id)
);
CREATE INDEX webhook_deliveries_due ON notifications.webhook_deliveries (endpoint_id, next_attempt_at) WHERE status = 'pending';
CREATE INDEX webhook_deliveries_newest ON notifications.webhook_deliveries (endpoint_id, created_at, id);
CREATE INDEX webhook_deliveries_expiry ON notifications.webhook_deliveries (expires_at);

-- What the export shows of a user: see identity.export.
CREATE FUNCTION notifications.personal_data(user_of uuid) RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_build_object(
        'contact', (
            SELECT jsonb_build_object('email', c.email, 'name', c.name, 'phone', c.phone)
            FROM notifications.contacts AS c WHERE c.user_id = user_of
        ),
        'verified_addresses', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('channel', v.kind, 'address', v.address)), '[]')
            FROM notifications.verified_addresses AS v WHERE v.user_id = user_of
        ),
        'preferences', (
            SELECT jsonb_build_object('channels', p.channels, 'locale', p.locale)
            FROM notifications.preferences AS p WHERE p.user_id = user_of
        ),
        'devices', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('id', d.id, 'endpoint', d.endpoint, 'registered_at', d.registered_at)), '[]')
            FROM notifications.devices AS d WHERE d.user_id = user_of
        ),
        'suppressed_for', (
            SELECT s.reason FROM notifications.suppressions AS s JOIN notifications.contacts AS c ON c.email = s.email
            WHERE c.user_id = user_of
        )
    );
$$;

-- The log of notifications: each with the channels that it was sent through, or not.
CREATE FUNCTION notifications.personal_records(user_of uuid, after_of uuid, most integer) RETURNS TABLE (id uuid, record jsonb)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT d.id, jsonb_build_object('notification_id', d.id, 'channels', jsonb_agg(jsonb_build_object(
        'channel', d.channel, 'template', d.template, 'order_id', d.order_id, 'sent_at', d.sent_at,
        'outcome', CASE d.channel WHEN 'email' THEN coalesce(f.reason, d.outcome) ELSE d.outcome END
    ) ORDER BY d.channel))
    FROM notifications.deliveries AS d
    LEFT JOIN notifications.email_feedback AS f ON f.delivery_id = d.id
    WHERE d.user_id = user_of AND (after_of IS NULL OR d.id > after_of)
    GROUP BY d.id ORDER BY d.id LIMIT most;
$$;

-- Erases what is stored about how to reach a user, once per claim, as of the version in which the account was erased: older events change nothing
-- any more. What was sent stays in the log, which has neither addresses nor texts.
CREATE FUNCTION notifications.erase(consumer_of text, event_of uuid, user_of uuid, version_of bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO notifications.inbox (consumer, event_id) VALUES (consumer_of, event_of) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    DELETE FROM notifications.suppressions AS s WHERE s.email IN (
        SELECT c.email FROM notifications.contacts AS c WHERE c.user_id = user_of
        UNION ALL
        SELECT v.address FROM notifications.verified_addresses AS v WHERE v.user_id = user_of AND v.kind = 'email'
    );
    INSERT INTO notifications.contacts AS known (user_id, version) VALUES (user_of, version_of)
    ON CONFLICT (user_id) DO UPDATE SET email = NULL, name = NULL, phone = NULL, version = greatest(known.version, excluded.version);
    INSERT INTO notifications.verified_addresses AS known (user_id, kind, version)
    SELECT user_of, kind, version_of FROM unnest(ARRAY['email', 'phone']) AS kind
    ON CONFLICT (user_id, kind) DO UPDATE SET address = NULL, version = greatest(known.version, excluded.version);
    DELETE FROM notifications.preferences AS p WHERE p.user_id = user_of;
    DELETE FROM notifications.devices AS d WHERE d.user_id = user_of;
END;
$$;
