-- One schema a context. The role of the same name works in it and in no other; grants.sql says what it may do there.
--
-- Roles find their tables by the default search_path ("$user", public): a statement of the code names no schema, and so cannot
-- reach into another context's.

CREATE SCHEMA identity;
CREATE SCHEMA inventory;
CREATE SCHEMA orders;
CREATE SCHEMA payments;
CREATE SCHEMA notifications;
CREATE SCHEMA invoices;
CREATE SCHEMA analytics;
CREATE SCHEMA operations;
