-- Windows of five minutes of event time, by currency. Each row of the results is one value of a window: its total, or that of one product,
-- area, outcome of payments, or reason of cancellations. A record that comes late changes the row, and `records` grows with every
-- change, so that the row with most records is the newest.

CREATE TABLE results (
  window_start TIMESTAMP_LTZ(3),
  currency STRING,
  dimension STRING,
  item STRING,
  events BIGINT,
  amount BIGINT,
  units BIGINT,
  records BIGINT,
  late BIGINT,
  PRIMARY KEY (window_start, currency, dimension, item) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = '${topic.results}',
  ${kafka},
  'properties.transaction.timeout.ms' = '900000',
  'key.format' = 'json',
  'key.json.timestamp-format.standard' = 'ISO-8601',
  'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601',
  'sink.delivery-guarantee' = 'exactly-once',
  'sink.transactional-id-prefix' = '${group}'
);

-- The customer of the canary is no customer: domain::canary.
CREATE VIEW confirmed AS
SELECT `time`, data FROM orders_once
WHERE `type` = 'OrderConfirmed.v1' AND data.user_id <> '${canary}';

CREATE VIEW analytics_records AS
SELECT `time`, data.total_amount.currency AS currency, 'total' AS dimension, '' AS item,
  CAST(1 AS BIGINT) AS events, data.total_amount.amount AS amount, CAST(0 AS BIGINT) AS units
FROM confirmed
UNION ALL
SELECT `time`, data.total_amount.currency, 'total', '', 0, 0, line.quantity
FROM confirmed CROSS JOIN UNNEST(confirmed.data.lines) AS line (product_id, quantity, line_total)
UNION ALL
SELECT `time`, data.total_amount.currency, 'product', line.product_id, 1, line.line_total.amount, line.quantity
FROM confirmed CROSS JOIN UNNEST(confirmed.data.lines) AS line (product_id, quantity, line_total)
UNION ALL
SELECT `time`, data.total_amount.currency, 'area', data.area, 1, data.total_amount.amount, 0
FROM confirmed WHERE data.area IS NOT NULL
UNION ALL
SELECT `time`, data.total_amount.currency, 'cancellation', data.reason, 1, data.total_amount.amount, 0
FROM orders_once WHERE `type` = 'OrderCancelled.v1' AND data.user_id <> '${canary}'
UNION ALL
SELECT `time`, data.amount.currency, 'payment',
  CASE `type` WHEN 'PaymentSucceeded.v1' THEN 'paid' WHEN 'PaymentFailed.v1' THEN 'declined' ELSE 'refunded' END,
  1, data.amount.amount, 0
FROM payments_once
WHERE `type` IN ('PaymentSucceeded.v1', 'PaymentFailed.v1', 'PaymentRefunded.v1')
  AND COALESCE(data.user_id, '') <> '${canary}';

-- A record is late if its window was complete by the clock when it came, as for the functions: window::complete_until of the domain.
INSERT INTO results
SELECT window_start, currency, dimension, item, SUM(events), SUM(amount), SUM(units), COUNT(*),
  SUM(CASE
    WHEN window_start + INTERVAL '5' MINUTE + INTERVAL '${lateness_minutes}' MINUTE <= CURRENT_TIMESTAMP THEN 1 ELSE 0
  END)
FROM (
  SELECT *, TO_TIMESTAMP_LTZ((EXTRACT(EPOCH FROM `time`) / 300) * 300, 0) AS window_start FROM analytics_records
)
GROUP BY window_start, currency, dimension, item;
