-- How much did we sell in each week, by country? Confirmed orders, before refunds, in minor units of the currency. Weeks begin on Monday, in UTC.
SELECT date_trunc('week', "time") AS week, country, currency, count(*) AS orders, sum(amount) AS revenue
FROM orders
WHERE type = 'OrderConfirmed.v1' AND user_id <> '00000000-0000-7000-8000-00000000ca9a'
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
