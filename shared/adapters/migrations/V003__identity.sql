-- Accounts and sessions. E-mail and username come in lower case.

CREATE TABLE identity.users (
    id            uuid        PRIMARY KEY,
    email         text        NOT NULL CONSTRAINT users_email_taken UNIQUE,
    username      text        NOT NULL CONSTRAINT users_username_taken UNIQUE,
    password_hash text        NOT NULL,
    full_name     text,
    phone         text,
    address       jsonb,
    role          text        NOT NULL CHECK (role IN ('customer', 'staff', 'admin', 'service')),
    version       bigint      NOT NULL CHECK (version > 0),
    created_at    timestamptz NOT NULL,
    -- Wrong passwords in a row, and until when nobody gets in because of them.
    failed_logins integer     NOT NULL DEFAULT 0 CHECK (failed_logins >= 0),
    locked_until  timestamptz
);

-- Digests of refresh tokens: the tokens themselves are nowhere.
CREATE TABLE identity.refresh_tokens (
    digest     text        PRIMARY KEY,
    user_id    uuid        NOT NULL REFERENCES identity.users (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX refresh_tokens_of_user ON identity.refresh_tokens (user_id, expires_at);
