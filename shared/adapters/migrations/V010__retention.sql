-- What outbox-sweep deletes is found by its age. The answers to requests have their index since V002.

CREATE INDEX outbox_sent ON identity.outbox (published_at) WHERE published_at IS NOT NULL;
CREATE INDEX outbox_sent ON inventory.outbox (published_at) WHERE published_at IS NOT NULL;
CREATE INDEX outbox_sent ON orders.outbox (published_at) WHERE published_at IS NOT NULL;
CREATE INDEX outbox_sent ON payments.outbox (published_at) WHERE published_at IS NOT NULL;
CREATE INDEX outbox_sent ON notifications.outbox (published_at) WHERE published_at IS NOT NULL;
CREATE INDEX outbox_sent ON invoices.outbox (published_at) WHERE published_at IS NOT NULL;

CREATE INDEX inbox_age ON inventory.inbox (claimed_at);
CREATE INDEX inbox_age ON orders.inbox (claimed_at);
CREATE INDEX inbox_age ON payments.inbox (claimed_at);
CREATE INDEX inbox_age ON notifications.inbox (claimed_at);
CREATE INDEX inbox_age ON invoices.inbox (claimed_at);
