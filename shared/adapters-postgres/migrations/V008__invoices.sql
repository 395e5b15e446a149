-- Invoices, numbered without a gap in each series.

CREATE TABLE invoices.series (
    series         text   PRIMARY KEY,
    last_number    bigint NOT NULL CHECK (last_number > 0),
    -- The date of the invoice with this number; a later number has no earlier date.
    last_issued_on date   NOT NULL
);

CREATE TABLE invoices.invoices (
    order_id   uuid        PRIMARY KEY,
    user_id    uuid        NOT NULL,
    series     text        NOT NULL REFERENCES invoices.series (series),
    position   bigint      NOT NULL CHECK (position > 0),
    -- The date is that of the time zone of the series; it is printed.
    issued_on  date        NOT NULL,
    issued_at  timestamptz NOT NULL,
    -- The content as it was drafted; never changed.
    draft      jsonb       NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (series, position)
);
