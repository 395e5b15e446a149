-- How much did we sell in each week, by country? Confirmed orders, before refunds, in minor units of the currency. Weeks begin on Monday, in UTC.
WITH confirmed AS (
  SELECT DISTINCT event_id, "time", country, currency, amount
  FROM orders
  WHERE type = 'OrderConfirmed.v1' AND user_id <> '00000000-0000-7000-8000-00000000ca9a'
)
SELECT date_trunc('week', "time") AS week, country, currency, count(*) AS orders, sum(amount) AS revenue
FROM confirmed
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
