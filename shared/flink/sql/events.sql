-- The events of Kafka, each once, with what windows and archive use of them. A record that is not JSON is skipped; one without id or time is
-- left out by the views.

CREATE TABLE order_events (
  id STRING,
  `type` STRING,
  `time` TIMESTAMP_LTZ(3),
  data ROW<
    order_id STRING,
    user_id STRING,
    area STRING,
    total_amount ROW<amount BIGINT, currency STRING>,
    lines ARRAY<ROW<product_id STRING, quantity BIGINT, line_total ROW<amount BIGINT, currency STRING>>>,
    placed_at TIMESTAMP_LTZ(3),
    reason STRING>,
  seen AS PROCTIME()
) WITH (
  'connector' = 'kafka',
  'topic' = '${topic.orders}',
  'properties.group.id' = '${group}',
  ${kafka},
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601',
  'json.ignore-parse-errors' = 'true'
);

CREATE TABLE payment_events (
  id STRING,
  `type` STRING,
  `time` TIMESTAMP_LTZ(3),
  data ROW<
    order_id STRING,
    user_id STRING,
    payment_id STRING,
    refund_id STRING,
    amount ROW<amount BIGINT, currency STRING>,
    reason STRING>,
  seen AS PROCTIME()
) WITH (
  'connector' = 'kafka',
  'topic' = '${topic.payments}',
  'properties.group.id' = '${group}',
  ${kafka},
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601',
  'json.ignore-parse-errors' = 'true'
);

-- The first of all records with an id counts. What is older than the state that is kept cannot be recognized and is left out.
CREATE VIEW orders_once AS
SELECT id, `type`, `time`, data FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY seen) AS occurrence
  FROM order_events
  WHERE id IS NOT NULL AND `time` >= CURRENT_TIMESTAMP - INTERVAL '${kept_days}' DAY
) WHERE occurrence = 1;

CREATE VIEW payments_once AS
SELECT id, `type`, `time`, data FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY seen) AS occurrence
  FROM payment_events
  WHERE id IS NOT NULL AND `time` >= CURRENT_TIMESTAMP - INTERVAL '${kept_days}' DAY
) WHERE occurrence = 1;
