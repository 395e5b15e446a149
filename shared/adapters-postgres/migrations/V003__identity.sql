-- Accounts and sessions. E-mail addresses and usernames are stored in lower case.

CREATE TABLE identity.users (
    id            uuid        PRIMARY KEY,
    email         text        NOT NULL,
    username      text        NOT NULL,
    password_hash text        NOT NULL,
    full_name     text,
    phone         text,
    address       jsonb,
    role          text        NOT NULL CHECK (role IN ('customer', 'staff', 'admin', 'service')),
    version       bigint      NOT NULL CHECK (version > 0),
    created_at    timestamptz NOT NULL,
    -- Addresses to which nothing but a token may be sent have none.
    email_verified_at timestamptz,
    phone_verified_at timestamptz,
    -- Deleted accounts keep their row, to which orders and invoices refer, and their username.
    status        text        NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled', 'deleted')),
    deleted_at    timestamptz
);
CREATE UNIQUE INDEX users_email_taken ON identity.users (email) WHERE status <> 'deleted';
CREATE UNIQUE INDEX users_username_taken ON identity.users (username);
-- For the search of staff, by the beginning.
CREATE INDEX users_email_prefix ON identity.users (email text_pattern_ops);
CREATE INDEX users_username_prefix ON identity.users (username text_pattern_ops);
CREATE INDEX users_name_prefix ON identity.users (lower(full_name) text_pattern_ops);

-- Tokens that were sent to an address and not used yet: a beginning by which they are found, and the digest of the whole. A row expires a
-- day after it was sent; the sweep deletes it.
CREATE TABLE identity.verifications (
    -- The event that asked for it.
    id         uuid        PRIMARY KEY,
    user_id    uuid        NOT NULL REFERENCES identity.users (id) ON DELETE CASCADE,
    kind       text        NOT NULL CHECK (kind IN ('email', 'phone')),
    address    text        NOT NULL,
    selector   text        NOT NULL,
    digest     text        NOT NULL,
    attempts   integer     NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL
);
CREATE INDEX verifications_selector ON identity.verifications (selector);
CREATE INDEX verifications_of_user ON identity.verifications (user_id, kind);
CREATE INDEX verifications_expiry ON identity.verifications (expires_at);

-- Tokens for a new password that were mailed and not used yet, like those of verifications. A row expires an hour after it was mailed; the
-- sweep deletes it.
CREATE TABLE identity.password_resets (
    -- The event that asked for it.
    id         uuid        PRIMARY KEY,
    user_id    uuid        NOT NULL REFERENCES identity.users (id) ON DELETE CASCADE,
    selector   text        NOT NULL,
    digest     text        NOT NULL,
    attempts   integer     NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL
);
CREATE INDEX password_resets_selector ON identity.password_resets (selector);
CREATE INDEX password_resets_of_user ON identity.password_resets (user_id);
CREATE INDEX password_resets_expiry ON identity.password_resets (expires_at);

-- Messages that a customer caused, or an address got: each one moves the end further into the future. At the end, the whole budget is
-- there again, and the sweep deletes the row.
CREATE TABLE identity.message_budgets (
    counter    text        PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX message_budgets_expiry ON identity.message_budgets (expires_at);

-- Failed logins of one name from one source, under a keyed hash of both, and the time before which there is no other attempt. Names without
-- an account are counted alike. A row expires a day after the last attempt; the sweep deletes it.
CREATE TABLE identity.login_attempts (
    counter    text        PRIMARY KEY,
    failures   integer     NOT NULL CHECK (failures > 0),
    not_before timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX login_attempts_expiry ON identity.login_attempts (expires_at);

-- Failed logins of one source, under a keyed hash: each one moves the end further into the future. At the end, the source has its whole
-- budget again, and the sweep deletes the row.
CREATE TABLE identity.login_sources (
    counter    text        PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX login_sources_expiry ON identity.login_sources (expires_at);

-- Sessions, each with the digest of its last refresh token; the tokens themselves are stored nowhere. A row expires with that token; the sweep
-- deletes it.
CREATE TABLE identity.sessions (
    id           uuid        PRIMARY KEY,
    user_id      uuid        NOT NULL REFERENCES identity.users (id) ON DELETE CASCADE,
    digest       text        NOT NULL CONSTRAINT sessions_digest UNIQUE,
    created_at   timestamptz NOT NULL,
    refreshed_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL
);
CREATE INDEX sessions_of_user ON identity.sessions (user_id, id);
CREATE INDEX sessions_expiry ON identity.sessions (expires_at);

-- Refresh tokens that were replaced, until they would have expired: whoever sends one of them has stolen it, or was robbed of the next. The
-- sweep deletes expired rows.
CREATE TABLE identity.used_refresh_tokens (
    digest     text        PRIMARY KEY,
    session_id uuid        NOT NULL REFERENCES identity.sessions (id) ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);
CREATE INDEX used_refresh_tokens_of_session ON identity.used_refresh_tokens (session_id);
CREATE INDEX used_refresh_tokens_expiry ON identity.used_refresh_tokens (expires_at);
