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
    -- Whether a second factor is active, as `totp` says. What begins a session compares it on the row that it locks, and so finds what was
    -- committed while it waited; a subquery would read `totp` as it was before.
    has_second_factor boolean   NOT NULL DEFAULT false,
    -- Deleted accounts keep their row, to which orders and invoices refer, and their username.
    status        text        NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled', 'deleted')),
    deleted_at    timestamptz,
    -- An erased account is deleted, and has nothing that names the person: its id and its role stay.
    erased_at     timestamptz
);
CREATE UNIQUE INDEX users_email_taken ON identity.users (email) WHERE status <> 'deleted';
CREATE UNIQUE INDEX users_username_taken ON identity.users (username);
-- For the change of an admin, which needs another one.
CREATE INDEX users_admins ON identity.users (id) WHERE role = 'admin' AND status = 'active';
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
    -- To which it was mailed: it is valid while the account has this address.
    address    text        NOT NULL,
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

-- Failed logins of one name from one source, under a keyed hash of both, and the time before which there is no other attempt, if there is
-- one. Names without an account are counted alike. A row expires a day after the last attempt; the sweep deletes it.
CREATE TABLE identity.login_attempts (
    counter    text        PRIMARY KEY,
    failures   integer     NOT NULL CHECK (failures > 0),
    not_before timestamptz,
    expires_at timestamptz NOT NULL
);
CREATE INDEX login_attempts_expiry ON identity.login_attempts (expires_at);

-- Failed logins of one source, or its registrations, each under a keyed hash: each one moves the end further into the future. At the end, the
-- source has its whole budget again, and the sweep deletes the row.
CREATE TABLE identity.login_sources (
    counter    text        PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX login_sources_expiry ON identity.login_sources (expires_at);

-- Second factors: the encrypted secret, whether a code has activated it, and the last step whose code was used. Each wrong code moves the time
-- at which the account has its whole budget of wrong codes again further into the future.
CREATE TABLE identity.totp (
    user_id    uuid        PRIMARY KEY REFERENCES identity.users (id) ON DELETE CASCADE,
    sealed     text        NOT NULL,
    is_active  boolean     NOT NULL DEFAULT false,
    last_step  bigint      NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    codes_refilled_at timestamptz
);

-- Digests of recovery codes that were not used yet. The number lets new codes replace old ones, also if two requests do so at once.
CREATE TABLE identity.recovery_codes (
    user_id uuid     NOT NULL REFERENCES identity.totp (user_id) ON DELETE CASCADE,
    number  smallint NOT NULL,
    digest  text     NOT NULL,
    PRIMARY KEY (user_id, number)
);

-- Logins with a right password that are to be finished with a second factor, under the digest of their token. The sweep deletes expired rows.
CREATE TABLE identity.pending_logins (
    digest     text        PRIMARY KEY,
    user_id    uuid        NOT NULL REFERENCES identity.users (id) ON DELETE CASCADE,
    attempts   integer     NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL
);
CREATE INDEX pending_logins_of_user ON identity.pending_logins (user_id);
CREATE INDEX pending_logins_expiry ON identity.pending_logins (expires_at);

-- Service clients, each with the digest of its secret, and of the one before until that is no longer valid.
CREATE TABLE identity.clients (
    id                   uuid        PRIMARY KEY,
    name                 text        NOT NULL,
    created_by           uuid        NOT NULL,
    created_at           timestamptz NOT NULL,
    digest               text        NOT NULL,
    previous_digest      text,
    previous_valid_until timestamptz,
    CHECK ((previous_digest IS NULL) = (previous_valid_until IS NULL))
);

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

-- Sessions that have ended, and service clients that were deleted, while an access token of them may be valid, until all of these have expired:
-- revocation-sweep revokes them again, because the first time may have been lost. The sweep deletes expired rows.
CREATE TABLE identity.ended_sessions (
    session_id uuid        PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX ended_sessions_expiry ON identity.ended_sessions (expires_at);

-- Records it in the transaction that ends it, by whatever statement. An access token is valid for an hour.
CREATE FUNCTION identity.record_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO identity.ended_sessions (session_id, expires_at) VALUES (OLD.id, clock_timestamp() + interval '1 hour')
    ON CONFLICT (session_id) DO UPDATE SET expires_at = excluded.expires_at;
    RETURN NULL;
END;
$$;
-- One that has expired has had its last access token long before.
CREATE TRIGGER session_ended AFTER DELETE ON identity.sessions FOR EACH ROW WHEN (OLD.expires_at > now())
EXECUTE FUNCTION identity.record_end();
CREATE TRIGGER client_ended AFTER DELETE ON identity.clients FOR EACH ROW EXECUTE FUNCTION identity.record_end();

-- Refresh tokens that were replaced, until they would have expired: whoever sends one of them has stolen it, or was robbed of the next. The
-- sweep deletes expired rows.
CREATE TABLE identity.used_refresh_tokens (
    digest     text        PRIMARY KEY,
    session_id uuid        NOT NULL REFERENCES identity.sessions (id) ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);
CREATE INDEX used_refresh_tokens_of_session ON identity.used_refresh_tokens (session_id);
CREATE INDEX used_refresh_tokens_expiry ON identity.used_refresh_tokens (expires_at);

-- What the export shows of a user, in every context: `personal_data` is what is bounded, and `personal_records` a list by ascending id, from the
-- one after `after_of` on. Both run with the rights of identity.export, which no other role may call.
CREATE FUNCTION identity.personal_data(user_of uuid) RETURNS jsonb LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_build_object(
        'profile', jsonb_build_object(
            'id', u.id, 'email', u.email, 'username', u.username, 'full_name', u.full_name, 'phone', u.phone, 'address', u.address,
            'role', u.role, 'status', u.status, 'created_at', u.created_at, 'deleted_at', u.deleted_at,
            'email_verified_at', u.email_verified_at, 'phone_verified_at', u.phone_verified_at
        ),
        'pending_verifications', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('channel', v.kind, 'address', v.address, 'expires_at', v.expires_at)), '[]')
            FROM identity.verifications AS v WHERE v.user_id = u.id
        ),
        'second_factor', (
            SELECT jsonb_build_object('created_at', t.created_at, 'is_active', t.is_active)
            FROM identity.totp AS t WHERE t.user_id = u.id
        ),
        'pending_password_resets', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('address', r.address, 'expires_at', r.expires_at)), '[]')
            FROM identity.password_resets AS r WHERE r.user_id = u.id
        )
    )
    FROM identity.users AS u WHERE u.id = user_of;
$$;

-- Sessions.
CREATE FUNCTION identity.personal_records(user_of uuid, after_of uuid, most integer) RETURNS TABLE (id uuid, record jsonb)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.id, jsonb_build_object('session_id', s.id, 'created_at', s.created_at, 'refreshed_at', s.refreshed_at, 'expires_at', s.expires_at)
    FROM identity.sessions AS s
    WHERE s.user_id = user_of AND (after_of IS NULL OR s.id > after_of)
    ORDER BY s.id LIMIT most;
$$;

-- A part of everything that is held about a user: {contexts: {<context>: {about, records}}, next}; null if there is no such account.
-- `next` is {<context>: <id of its last record>} for the lists that go on, or null: given as `after_of`, it yields the following part, with
-- these lists alone.
--
-- Each list has up to `most` records, and ends with the record that makes it `bytes` long. It runs with the rights of the owner, so that each context
-- decides in a function of its own what it shows, and identity reads none of their tables.
CREATE FUNCTION identity.export(user_of uuid, after_of jsonb, most integer, bytes bigint) RETURNS jsonb LANGUAGE plpgsql STABLE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    context text;
    about jsonb;
    listed jsonb;
    last uuid;
    goes_on boolean;
    contexts jsonb := '{}';
    next_of jsonb := '{}';
BEGIN
    IF NOT EXISTS (SELECT FROM identity.users AS u WHERE u.id = user_of) THEN
        RETURN NULL;
    END IF;
    FOR context IN
        SELECT n.nspname FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
        WHERE p.proname = 'personal_records' AND p.proowner = current_user::regrole ORDER BY 1
    LOOP
        CONTINUE WHEN after_of IS NOT NULL AND NOT after_of ? context;
        IF after_of IS NULL THEN
            EXECUTE format('SELECT %I.personal_data($1)', context) INTO about USING user_of;
        END IF;
        EXECUTE format($q$
            WITH found AS (
                SELECT id, record, row_number() OVER (ORDER BY id) AS position,
                    sum(octet_length(record::text)) OVER (ORDER BY id) - octet_length(record::text) AS before
                FROM %I.personal_records($1, $2, $3 + 1)
            ), kept AS (
                SELECT id, record FROM found WHERE position <= $3 AND before < $4
            )
            SELECT coalesce(jsonb_agg(record ORDER BY id), '[]'), (array_agg(id ORDER BY id DESC))[1],
                count(*) < (SELECT count(*) FROM found)
            FROM kept
        $q$, context) INTO listed, last, goes_on USING user_of, (after_of ->> context)::uuid, most, bytes;
        contexts := contexts || jsonb_build_object(context, jsonb_build_object('about', coalesce(about, '{}'), 'records', listed));
        IF goes_on THEN
            next_of := next_of || jsonb_build_object(context, last);
        END IF;
    END LOOP;
    RETURN jsonb_build_object('contexts', contexts, 'next', CASE WHEN next_of <> '{}' THEN next_of END);
END;
$$;

-- Ends the logins of a user: those that are to be finished, a second factor that was begun and not confirmed, and all sessions but `kept`. Returns
-- the sessions.
--
-- It is called when the row of the user was changed and so locked. Its statements see what was committed before: also what a login has stored
-- that read the account before the change and held the lock then.
CREATE FUNCTION identity.end_logins(user_of uuid, kept uuid) RETURNS uuid[] LANGUAGE plpgsql AS $$
DECLARE
    ended uuid[];
BEGIN
    DELETE FROM identity.pending_logins AS p WHERE p.user_id = user_of;
    DELETE FROM identity.totp AS t WHERE t.user_id = user_of AND NOT t.is_active;
    WITH gone AS (DELETE FROM identity.sessions AS s WHERE s.user_id = user_of AND s.id IS DISTINCT FROM kept RETURNING s.id)
    SELECT coalesce(array_agg(gone.id), '{}') INTO ended FROM gone;
    RETURN ended;
END;
$$;

-- Whether a user is the last active admin. The other admins stay what they are until the end of the transaction if the user is an admin: all
-- of them are locked, in the order of their ids, so that of two transactions that change each other's admin the second one waits for the first,
-- and then finds in its last statement, which sees what was committed before, that no other admin is left.
CREATE FUNCTION identity.is_last_admin(user_of uuid) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM identity.users AS u WHERE u.id = user_of AND u.role = 'admin' AND u.status = 'active') THEN
        RETURN false;
    END IF;
    PERFORM FROM identity.users AS u WHERE u.role = 'admin' AND u.status = 'active' ORDER BY u.id FOR NO KEY UPDATE;
    RETURN NOT EXISTS (SELECT FROM identity.users AS u WHERE u.id <> user_of AND u.role = 'admin' AND u.status = 'active');
END;
$$;

-- Erases an account: what names the person is overwritten, its tokens and sessions are deleted, and the events are stored. Returns whether there is
-- such an account, the sessions that have ended, and the events: none if it was erased before, and `deleted` only if it was not deleted before. The
-- last active admin is not erased: `is_last_admin`. Nor is an account whose password has another hash than `proven`, if that is given:
-- `has_another_password`.
--
-- The account is locked by a statement of its own, so that what follows sees what was committed before; before that the admins if it is one of
-- them, as everywhere.
CREATE FUNCTION identity.erase(user_of uuid, proven text, deleted jsonb, erased jsonb)
RETURNS TABLE (is_known boolean, is_last_admin boolean, has_another_password boolean, ended uuid[], events jsonb) LANGUAGE plpgsql AS $$
DECLARE
    account identity.users;
BEGIN
    is_last_admin := identity.is_last_admin(user_of);
    SELECT * INTO account FROM identity.users AS u WHERE u.id = user_of FOR UPDATE;
    is_known := FOUND;
    has_another_password := coalesce(account.erased_at IS NULL AND account.password_hash <> proven, false);
    ended := '{}';
    events := '[]';
    IF NOT is_known OR is_last_admin OR has_another_password OR account.erased_at IS NOT NULL THEN
        RETURN NEXT;
        RETURN;
    END IF;
    IF account.status <> 'deleted' THEN
        account.version := account.version + 1;
        events := events || jsonb_set(deleted, '{sequence}', to_jsonb(account.version));
    END IF;
    account.version := account.version + 1;
    events := events || jsonb_set(erased, '{sequence}', to_jsonb(account.version));
    -- Nobody can register this username, because of its colon.
    UPDATE identity.users AS u SET email = 'erased', username = 'erased:' || u.id, password_hash = '', full_name = NULL, phone = NULL,
        address = NULL, email_verified_at = NULL, phone_verified_at = NULL, has_second_factor = false, status = 'deleted', version = account.version,
        deleted_at = coalesce(u.deleted_at, (erased ->> 'time')::timestamptz), erased_at = (erased ->> 'time')::timestamptz
    WHERE u.id = user_of;
    ended := identity.end_logins(user_of, NULL);
    DELETE FROM identity.verifications AS v WHERE v.user_id = user_of;
    DELETE FROM identity.password_resets AS r WHERE r.user_id = user_of;
    DELETE FROM identity.totp AS t WHERE t.user_id = user_of;
    INSERT INTO identity.outbox (id, created_at, event)
    SELECT (one ->> 'id')::uuid, (one ->> 'time')::timestamptz, one FROM jsonb_array_elements(events) AS one;
    RETURN NEXT;
END;
$$;
