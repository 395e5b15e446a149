-- How many customers came back? Customers by number of confirmed orders, and what they spent, by currency.
WITH confirmed AS (
  SELECT DISTINCT event_id, user_id, currency, amount
  FROM orders
  WHERE type = 'OrderConfirmed.v1' AND user_id <> '00000000-0000-7000-8000-00000000ca9a'
), customers AS (
  SELECT user_id, currency, count(*) AS orders, sum(amount) AS spent
  FROM confirmed
  GROUP BY user_id, currency
)
SELECT currency, orders > 1 AS came_back, count(*) AS customers, sum(orders) AS orders, sum(spent) AS spent
FROM customers
GROUP BY 1, 2
ORDER BY 1, 2
