-- One schema for each bounded context. The role of the same name works in that schema only; grants.sql defines its privileges.
--
-- Roles find their tables through the default search_path ("$user", public). Statements in the code do not qualify table names, so
-- they cannot reach another context's tables. A role that only reads has the name of the schema with `_reader`, and the schema as its
-- search_path.

CREATE SCHEMA identity;
CREATE SCHEMA catalogue;
CREATE SCHEMA inventory;
CREATE SCHEMA orders;
CREATE SCHEMA payments;
CREATE SCHEMA notifications;
CREATE SCHEMA invoices;
CREATE SCHEMA analytics;
CREATE SCHEMA records;
CREATE SCHEMA operations;
