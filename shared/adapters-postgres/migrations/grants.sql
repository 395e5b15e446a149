-- Privileges. Applied after every migration; applying it again changes nothing.

DO $$
DECLARE
    context text;
    backbone text;
BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    REVOKE ALL ON SCHEMA public FROM PUBLIC;

    -- A role works in the schema of its own name.
    FOR context IN
        SELECT nspname FROM pg_namespace JOIN pg_roles ON rolname = nspname WHERE nspowner = current_user::regrole
    LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %1$I TO %1$I', context);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %1$I TO %1$I', context);
        EXECUTE format('REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA %I FROM PUBLIC', context);
        EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA %1$I TO %1$I', context);
    END LOOP;

    -- A reader reads the tables in the schema of its context, except those with which the context processes events and requests. What was
    -- granted before and is not any more goes.
    FOR context IN
        SELECT nspname FROM pg_namespace JOIN pg_roles ON rolname = nspname || '_reader' WHERE nspowner = current_user::regrole
    LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', context, context || '_reader');
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM %I', context, context || '_reader');
        EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO %I', context, context || '_reader');
    END LOOP;
    FOR context, backbone IN
        SELECT schemaname, tablename FROM pg_tables JOIN pg_roles ON rolname = schemaname || '_reader'
        WHERE tablename IN ('outbox', 'inbox', 'failed_attempts', 'idempotency') AND tableowner = current_user
    LOOP
        EXECUTE format('REVOKE ALL ON %I.%I FROM %I', context, backbone, context || '_reader');
    END LOOP;

    -- The reader of identity sees neither hashes nor digests.
    IF to_regrole('identity_reader') IS NOT NULL AND to_regclass('identity.sessions') IS NOT NULL THEN
        REVOKE ALL ON ALL TABLES IN SCHEMA identity FROM identity_reader;
        GRANT SELECT (id, email, username, full_name, phone, address, role, version, created_at, email_verified_at, phone_verified_at, status)
            ON identity.users TO identity_reader;
        GRANT SELECT (id, user_id, created_at, refreshed_at, expires_at) ON identity.sessions TO identity_reader;
        GRANT SELECT (id, name, created_by, created_at, previous_valid_until) ON identity.clients TO identity_reader;
    END IF;

    -- The export reads every context, with the rights of the owner: the reader of identity alone may call it.
    IF to_regprocedure('identity.export(uuid, jsonb, integer, bigint)') IS NOT NULL AND to_regrole('identity_reader') IS NOT NULL THEN
        REVOKE EXECUTE ON FUNCTION identity.export(uuid, jsonb, integer, bigint) FROM identity;
        GRANT EXECUTE ON FUNCTION identity.export(uuid, jsonb, integer, bigint) TO identity_reader;
    END IF;

    -- The list of products finds typos.
    IF to_regproc('catalogue.tolerate_typos') IS NOT NULL THEN
        GRANT USAGE ON SCHEMA extensions TO catalogue, catalogue_reader;
        GRANT EXECUTE ON FUNCTION catalogue.tolerate_typos() TO catalogue_reader;
    END IF;

    -- A context adds events to its outbox and marks as published, through a function, what it published itself. It neither changes nor
    -- deletes events: only the sweep deletes them.
    FOR context IN
        SELECT schemaname FROM pg_tables JOIN pg_roles ON rolname = schemaname
        WHERE tablename = 'outbox' AND tableowner = current_user
    LOOP
        EXECUTE format('REVOKE UPDATE, DELETE ON %1$I.outbox FROM %1$I', context);
    END LOOP;

    -- The recorder adds entries to the inbox, the event records and the actions of operations.
    IF to_regrole('recorder') IS NOT NULL AND to_regclass('operations.inbox') IS NOT NULL THEN
        GRANT USAGE ON SCHEMA operations TO recorder;
        GRANT INSERT ON operations.inbox TO recorder;
        GRANT EXECUTE ON FUNCTION operations.record_failure(text, uuid, text), operations.record_dead_letter(text, uuid, text) TO recorder;
    END IF;
    IF to_regrole('recorder') IS NOT NULL AND to_regclass('operations.event_records') IS NOT NULL THEN
        GRANT INSERT ON operations.event_records, operations.operator_actions, operations.operator_outcomes TO recorder;
        -- A redrive asks what the consumer has handled.
        GRANT EXECUTE ON FUNCTION operations.handled(text[], uuid[]), operations.failed(text[], uuid[]) TO recorder;
    END IF;
    -- It takes the keys of requests, and reads their responses.
    IF to_regrole('recorder') IS NOT NULL AND to_regclass('operations.idempotency') IS NOT NULL THEN
        GRANT SELECT, INSERT, UPDATE ON operations.idempotency TO recorder;
    END IF;

    -- The timeline, the list of dead letters and a redrive see when an event was published, when a consumer had handled it, and how often it
    -- failed, in every context, with the rights of the owner.
    IF to_regprocedure('operations.handled(text[], uuid[])') IS NOT NULL AND to_regrole('operations_reader') IS NOT NULL THEN
        REVOKE EXECUTE ON FUNCTION operations.handled(text[], uuid[]), operations.failed(text[], uuid[]) FROM operations;
        GRANT EXECUTE ON FUNCTION operations.handled(text[], uuid[]), operations.failed(text[], uuid[]) TO operations_reader;
        REVOKE EXECUTE ON FUNCTION operations.published(uuid[]) FROM operations;
        GRANT EXECUTE ON FUNCTION operations.published(uuid[]) TO operations_reader;
        -- The audit says why a refund was approved or rejected.
        REVOKE EXECUTE ON FUNCTION operations.decision_reason(uuid, text) FROM operations;
        GRANT EXECUTE ON FUNCTION operations.decision_reason(uuid, text) TO operations_reader;
    END IF;

    -- The ledger is append-only for every role.
    IF to_regclass('payments.transfers') IS NOT NULL THEN
        REVOKE UPDATE, DELETE ON payments.transfers FROM payments;
    END IF;

    -- So are the texts of messages.
    IF to_regclass('notifications.message_templates') IS NOT NULL THEN
        REVOKE UPDATE, DELETE ON notifications.message_templates FROM notifications;
    END IF;

    -- The sweep reads unpublished events of every outbox, claims them, marks them as published and deletes old ones. What else it deletes,
    -- `retention_grants` in migrations.rs derives from the catalog.
    FOR context IN SELECT schemaname FROM pg_tables WHERE tablename = 'outbox' AND tableowner = current_user LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO operations', context);
        EXECUTE format('GRANT SELECT, DELETE, UPDATE (published_at, claimed_until) ON %I.outbox TO operations', context);
    END LOOP;

    -- The audit of deliveries looks for events in every inbox.
    FOR context IN SELECT schemaname FROM pg_tables WHERE tablename = 'inbox' AND tableowner = current_user LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO operations', context);
        EXECUTE format('GRANT SELECT (consumer, event_id) ON %I.inbox TO operations', context);
    END LOOP;
END;
$$;
