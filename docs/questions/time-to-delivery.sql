-- How long does a customer wait? Hours from order to delivery, by country of the delivery. Whole tenths are rounded, which a double has exactly.
WITH confirmed AS (
  SELECT DISTINCT event_id, order_id, country, placed_at
  FROM orders
  WHERE type = 'OrderConfirmed.v1' AND user_id <> '00000000-0000-7000-8000-00000000ca9a'
), delivered AS (
  SELECT order_id, min("time") AS delivered_at FROM orders WHERE type = 'OrderDelivered.v1' GROUP BY order_id
)
SELECT confirmed.country, count(*) AS orders,
  round(avg(date_diff('second', confirmed.placed_at, delivered.delivered_at)) / 360.0) / 10 AS average_hours,
  round(max(date_diff('second', confirmed.placed_at, delivered.delivered_at)) / 360.0) / 10 AS longest_hours
FROM confirmed JOIN delivered ON delivered.order_id = confirmed.order_id
GROUP BY 1
ORDER BY 1
