-- The archive for questions: orders, payments, stock and windows as Parquet, in a partition for each day of event time. terraform/modules/flink
-- describes the same tables for Athena; docs/questions has questions to them.

CREATE TABLE stock_events (
  id STRING,
  `type` STRING,
  `time` TIMESTAMP_LTZ(3),
  data ROW<
    order_id STRING,
    lines ARRAY<ROW<product_id STRING, quantity BIGINT>>,
    levels ARRAY<ROW<product_id STRING, available BIGINT, reserved BIGINT, version BIGINT>>>,
  seen AS PROCTIME()
) WITH (
  'connector' = 'kafka',
  'topic' = '${topic.stock}',
  'properties.group.id' = '${group}',
  ${kafka},
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601',
  'json.ignore-parse-errors' = 'true'
);

CREATE VIEW stock_once AS
SELECT id, `type`, `time`, data FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY seen) AS occurrence FROM stock_events
  WHERE id IS NOT NULL AND `time` >= CURRENT_TIMESTAMP - INTERVAL '${kept_days}' DAY
) WHERE occurrence = 1;

-- What windows.sql has written: each window value as often as it changed.
CREATE TABLE result_log (
  window_start TIMESTAMP_LTZ(3),
  currency STRING,
  dimension STRING,
  item STRING,
  events BIGINT,
  amount BIGINT,
  units BIGINT,
  records BIGINT,
  late BIGINT
) WITH (
  'connector' = 'kafka',
  'topic' = '${topic.results}',
  'properties.group.id' = '${group}',
  ${kafka},
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601',
  'json.ignore-parse-errors' = 'true'
);

-- One row an event of an order.
CREATE TABLE orders (
  event_id STRING,
  `type` STRING,
  `time` TIMESTAMP_LTZ(3),
  order_id STRING,
  user_id STRING,
  country STRING,
  area STRING,
  currency STRING,
  amount BIGINT,
  placed_at TIMESTAMP_LTZ(3),
  reason STRING,
  dt STRING
) PARTITIONED BY (dt) WITH (
  'connector' = 'filesystem',
  'path' = '${archive}/orders',
  'format' = 'parquet',
  'parquet.utc-timezone' = 'true'
);

-- One row a line of a confirmed order.
CREATE TABLE order_lines (
  event_id STRING,
  `time` TIMESTAMP_LTZ(3),
  order_id STRING,
  product_id STRING,
  quantity BIGINT,
  currency STRING,
  amount BIGINT,
  dt STRING
) PARTITIONED BY (dt) WITH (
  'connector' = 'filesystem',
  'path' = '${archive}/order_lines',
  'format' = 'parquet',
  'parquet.utc-timezone' = 'true'
);

-- One row an event of a payment.
CREATE TABLE payments (
  event_id STRING,
  `type` STRING,
  `time` TIMESTAMP_LTZ(3),
  order_id STRING,
  payment_id STRING,
  refund_id STRING,
  currency STRING,
  amount BIGINT,
  reason STRING,
  dt STRING
) PARTITIONED BY (dt) WITH (
  'connector' = 'filesystem',
  'path' = '${archive}/payments',
  'format' = 'parquet',
  'parquet.utc-timezone' = 'true'
);

-- One row for each product of an event: its new level, or the quantity that was refused.
CREATE TABLE stock (
  event_id STRING,
  `type` STRING,
  `time` TIMESTAMP_LTZ(3),
  order_id STRING,
  product_id STRING,
  quantity BIGINT,
  available BIGINT,
  reserved BIGINT,
  version BIGINT,
  dt STRING
) PARTITIONED BY (dt) WITH (
  'connector' = 'filesystem',
  'path' = '${archive}/stock',
  'format' = 'parquet',
  'parquet.utc-timezone' = 'true'
);

CREATE TABLE windows (
  window_start TIMESTAMP_LTZ(3),
  currency STRING,
  dimension STRING,
  item STRING,
  events BIGINT,
  amount BIGINT,
  units BIGINT,
  records BIGINT,
  late BIGINT,
  dt STRING
) PARTITIONED BY (dt) WITH (
  'connector' = 'filesystem',
  'path' = '${archive}/windows',
  'format' = 'parquet',
  'parquet.utc-timezone' = 'true'
);

INSERT INTO orders
SELECT id, `type`, `time`, data.order_id, data.user_id, SUBSTRING(data.area FROM 1 FOR 2), data.area,
  data.total_amount.currency, data.total_amount.amount, data.placed_at, data.reason,
  DATE_FORMAT(`time`, 'yyyy-MM-dd')
FROM orders_once;

INSERT INTO order_lines
SELECT id, `time`, data.order_id, line.product_id, line.quantity, line.line_total.currency, line.line_total.amount,
  DATE_FORMAT(`time`, 'yyyy-MM-dd')
FROM orders_once CROSS JOIN UNNEST(orders_once.data.lines) AS line (product_id, quantity, line_total)
WHERE `type` = 'OrderConfirmed.v1';

INSERT INTO payments
SELECT id, `type`, `time`, data.order_id, data.payment_id, data.refund_id, data.amount.currency, data.amount.amount, data.reason,
  DATE_FORMAT(`time`, 'yyyy-MM-dd')
FROM payments_once;

INSERT INTO stock
SELECT id, `type`, `time`, data.order_id, line.product_id, line.quantity, CAST(NULL AS BIGINT), CAST(NULL AS BIGINT), CAST(NULL AS BIGINT),
  DATE_FORMAT(`time`, 'yyyy-MM-dd')
FROM stock_once CROSS JOIN UNNEST(stock_once.data.lines) AS line (product_id, quantity)
WHERE `type` IN ('StockReservationFailed.v1', 'StockAllocationFailed.v1')
UNION ALL
SELECT id, `type`, `time`, data.order_id, level.product_id, CAST(NULL AS BIGINT), level.available, level.reserved, level.version,
  DATE_FORMAT(`time`, 'yyyy-MM-dd')
FROM stock_once CROSS JOIN UNNEST(stock_once.data.levels) AS level (product_id, available, reserved, version);

INSERT INTO windows
SELECT window_start, currency, dimension, item, events, amount, units, records, late, DATE_FORMAT(window_start, 'yyyy-MM-dd')
FROM result_log;
