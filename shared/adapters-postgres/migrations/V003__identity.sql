-- Accounts and sessions. E-mail addresses and usernames are stored in lower case.

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
    -- Failed logins in a row, and until when they lock the account.
    failed_logins integer     NOT NULL DEFAULT 0 CHECK (failed_logins >= 0),
    locked_until  timestamptz
);

-- Only digests of refresh tokens are stored, never the tokens.
CREATE TABLE identity.refresh_tokens (
    digest     text        PRIMARY KEY,
    user_id    uuid        NOT NULL REFERENCES identity.users (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX refresh_tokens_of_user ON identity.refresh_tokens (user_id, expires_at);
