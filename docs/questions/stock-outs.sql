-- What did we run out of? How often the last unit of a product was reserved, and how many orders and units were refused for lack of stock. An
-- order of several products counts for each of them.
WITH changes AS (
  SELECT DISTINCT event_id, type, order_id, product_id, quantity, available FROM stock
)
SELECT product_id,
  sum(CASE WHEN type = 'StockReserved.v1' AND available = 0 THEN 1 ELSE 0 END) AS sold_out,
  count(DISTINCT CASE WHEN type = 'StockReservationFailed.v1' THEN order_id END) AS orders_refused,
  sum(CASE WHEN type = 'StockReservationFailed.v1' THEN quantity ELSE 0 END) AS units_refused
FROM changes
GROUP BY product_id
HAVING sum(CASE WHEN (type = 'StockReserved.v1' AND available = 0) OR type = 'StockReservationFailed.v1' THEN 1 ELSE 0 END) > 0
ORDER BY product_id
