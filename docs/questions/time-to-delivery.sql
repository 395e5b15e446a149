-- How long does a customer wait? Hours from order to delivery, by country of the delivery.
WITH confirmed AS (
  SELECT DISTINCT event_id, order_id, country, placed_at
  FROM orders
  WHERE type = 'OrderConfirmed.v1' AND user_id <> '00000000-0000-7000-8000-00000000ca9a'
), delivered AS (
  SELECT order_id, min("time") AS delivered_at FROM orders WHERE type = 'OrderDelivered.v1' GROUP BY order_id
)
SELECT confirmed.country, count(*) AS orders,
  round(avg(date_diff('second', confirmed.placed_at, delivered.delivered_at)) / 3600.0, 1) AS average_hours,
  round(max(date_diff('second', confirmed.placed_at, delivered.delivered_at)) / 3600.0, 1) AS longest_hours
FROM confirmed JOIN delivered ON delivered.order_id = confirmed.order_id
GROUP BY 1
ORDER BY 1
