-- Stock is booked in and out by hand, and products that run low are told of once.

ALTER TABLE inventory.stock_movements
    -- Why it was booked by hand.
    ADD COLUMN reason text,
    DROP CONSTRAINT movements_kind_check,
    ADD CONSTRAINT movements_kind_check
        CHECK (kind IN ('opened', 'reserved', 'expired', 'allocated', 'shipped', 'released', 'adjusted'));

-- First answers, as in the schema of orders.
CREATE TABLE inventory.idempotency (LIKE orders.idempotency INCLUDING ALL);

-- Whether a product runs low, by the newest level that was noted.
CREATE TABLE inventory.low_stock_alerts (
    product_id uuid    PRIMARY KEY,
    version    bigint  NOT NULL,
    is_low     boolean NOT NULL,
    was_low    boolean NOT NULL
);
