-- Noting that events are on the bus need not be durable at once: a mark that a crash of the server takes back means that its events
-- are sent a second time, as after any crash between the bus and the mark. So the log is not waited for. The setting ends with the
-- transaction, that is, with the one statement that calls this.

DO $$
DECLARE
    context text;
BEGIN
    FOR context IN SELECT schemaname FROM pg_tables WHERE tablename = 'outbox' AND tableowner = current_user LOOP
        EXECUTE format(
            $f$
                CREATE FUNCTION %1$I.mark_published(ids uuid[]) RETURNS void LANGUAGE sql AS $body$
                    SELECT set_config('synchronous_commit', 'off', true);
                    UPDATE %1$I.outbox SET published_at = now() WHERE id = ANY (ids);
                $body$
            $f$,
            context
        );
    END LOOP;
END;
$$;
