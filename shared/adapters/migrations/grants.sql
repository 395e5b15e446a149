-- Who may do what. Runs after every migration, and says the same however often it runs.

DO $$
DECLARE
    context text;
BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    REVOKE ALL ON SCHEMA public FROM PUBLIC;

    -- A role works in the schema of its name.
    FOR context IN
        SELECT nspname FROM pg_namespace JOIN pg_roles ON rolname = nspname WHERE nspowner = current_user::regrole
    LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %1$I TO %1$I', context);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %1$I TO %1$I', context);
        EXECUTE format('REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA %I FROM PUBLIC', context);
        EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA %1$I TO %1$I', context);
    END LOOP;

    -- The ledger is written once: what is booked is neither changed nor taken back, whoever asks.
    IF to_regclass('payments.transfers') IS NOT NULL THEN
        REVOKE UPDATE, DELETE ON payments.transfers FROM payments;
    END IF;

    -- The sweep sees what waits in every outbox, may note that it went out, and may delete it.
    FOR context IN SELECT schemaname FROM pg_tables WHERE tablename = 'outbox' AND tableowner = current_user LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO operations', context);
        EXECUTE format('GRANT SELECT, DELETE, UPDATE (published_at) ON %I.outbox TO operations', context);
    END LOOP;

    -- And it deletes claims and answers that are too old to matter. What the answers say it does not see.
    FOR context IN SELECT schemaname FROM pg_tables WHERE tablename = 'inbox' AND tableowner = current_user LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO operations', context);
        EXECUTE format('GRANT SELECT, DELETE ON %I.inbox TO operations', context);
    END LOOP;
    FOR context IN SELECT schemaname FROM pg_tables WHERE tablename = 'idempotency' AND tableowner = current_user LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO operations', context);
        EXECUTE format('GRANT SELECT (scope, key, expires_at), DELETE ON %I.idempotency TO operations', context);
    END LOOP;
END;
$$;
