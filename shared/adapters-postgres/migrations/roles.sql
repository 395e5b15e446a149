-- Returns the statements that create the roles $1 where they are missing, let them log in and limit them. Those with an element in $3 find
-- their tables in that schema, and every transaction of those with an element in $4 is read-only. With a password $2 they log
-- in with it. Without one they keep the password that they have: `database-secret-rotate` sets it, and the proxy logs in with it. Roles
-- must not be members of rds_iam, whose members RDS lets in with an IAM token only.
--
-- The limits are settings of the role because a SET would pin the connection to the proxy. They end what no caller waits for any
-- more: a statement whose caller timed out, a transaction whose function was frozen.
--
-- CREATE ROLE takes no parameters, so the statements are returned as text, which also leaves the quoting to the server.

WITH wanted AS (
    SELECT name, reads, read_only, r.oid, coalesce(r.rolconfig, '{}') AS config
    FROM unnest($1, $3, $4) AS w (name, reads, read_only) LEFT JOIN pg_roles AS r ON r.rolname = name
)
SELECT 1 AS step, format('CREATE ROLE %I LOGIN', name) AS statement FROM wanted WHERE oid IS NULL
UNION ALL
SELECT 2, format('ALTER ROLE %I SET %I = %L', name, setting, value)
FROM wanted, LATERAL (VALUES
    ('statement_timeout', '5s'), ('idle_in_transaction_session_timeout', '30s'),
    ('search_path', reads), ('default_transaction_read_only', read_only)
) AS s (setting, value)
WHERE value <> '' AND NOT config @> ARRAY[setting || '=' || value]
UNION ALL
SELECT 2, format('ALTER ROLE %I RESET default_transaction_read_only', name)
FROM wanted WHERE read_only = '' AND config @> ARRAY['default_transaction_read_only=on']
UNION ALL
SELECT 3, format('ALTER ROLE %I PASSWORD %L', name, $2) FROM wanted WHERE $2 IS NOT NULL
ORDER BY step
