-- First answers keep the headers that say something of what was done: pairs of a name in lower case and a value.

ALTER TABLE orders.idempotency ADD COLUMN headers jsonb NOT NULL DEFAULT '[]';
ALTER TABLE payments.idempotency ADD COLUMN headers jsonb NOT NULL DEFAULT '[]';
