-- Which products are given back? Confirmed orders with the product, and those of them that were refunded, in part or in full.
WITH sold AS (
  SELECT DISTINCT line.product_id, line.order_id
  FROM order_lines AS line JOIN orders AS confirmed ON confirmed.event_id = line.event_id
  WHERE confirmed.user_id <> '00000000-0000-7000-8000-00000000ca9a'
), refunded AS (
  SELECT DISTINCT order_id FROM payments WHERE type = 'PaymentRefunded.v1'
)
SELECT sold.product_id, count(*) AS orders, count(refunded.order_id) AS refunded,
  round(1000.0 * count(refunded.order_id) / count(*)) / 10 AS percent
FROM sold LEFT JOIN refunded ON refunded.order_id = sold.order_id
GROUP BY 1
ORDER BY 1
