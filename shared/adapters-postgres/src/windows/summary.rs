//! The summary of a period.

use super::max_regions;
use crate::{Database, params::params, rows::json};
use domain::window::{RATE_MINUTES, SalesSummary};
use kernel::{Failure, Timestamp};

/// Everything of the period in one row. Windows are summed up by hour first, so that the hour of most orders is found in one pass.
const SUMMARY: &str = "
    WITH hour AS (
        SELECT date_trunc('hour', window_start, 'UTC') AS start, currency, sum(orders)::bigint AS orders, sum(revenue)::bigint AS revenue,
            sum(units)::bigint AS units, sum(first_orders)::bigint AS first_orders,
            sum(paid)::bigint AS paid, sum(paid_amount)::bigint AS paid_amount,
            sum(declined)::bigint AS declined, sum(declined_amount)::bigint AS declined_amount,
            sum(refunded)::bigint AS refunded, sum(refunded_amount)::bigint AS refunded_amount
        FROM windows WHERE window_start >= $1 AND window_start < $2
        GROUP BY 1, 2
    ), day AS (
        SELECT date_trunc('day', start, 'UTC') AS start, currency, sum(orders)::bigint AS orders, sum(revenue)::bigint AS revenue,
            sum(units)::bigint AS units, sum(first_orders)::bigint AS first_orders,
            jsonb_build_object(
                'paid', jsonb_build_object('count', sum(paid)::bigint, 'amount', sum(paid_amount)::bigint),
                'declined', jsonb_build_object('count', sum(declined)::bigint, 'amount', sum(declined_amount)::bigint),
                'refunded', jsonb_build_object('count', sum(refunded)::bigint, 'amount', sum(refunded_amount)::bigint)
            ) AS payments,
            CASE WHEN max(orders) > 0 THEN
                (array_agg(jsonb_build_object('start', start, 'orders', orders) ORDER BY orders DESC, start))[1]
            END AS peak_hour
        FROM hour GROUP BY 1, 2
    ), product AS (
        SELECT product_id, max(product_name) AS name, sum(units)::bigint AS units
        FROM window_products WHERE window_start >= $1 AND window_start < $2
        GROUP BY product_id ORDER BY 3 DESC, 1 LIMIT 5
    ), area AS (
        SELECT region, currency, sum(orders)::bigint AS orders, sum(revenue)::bigint AS revenue
        FROM window_regions WHERE window_start >= $1 AND window_start < $2
        GROUP BY region, currency ORDER BY 3 DESC, 1, 2 LIMIT $3
    ), cancellation AS (
        SELECT reason, sum(orders)::bigint AS orders
        FROM window_cancellations WHERE window_start >= $1 AND window_start < $2
        GROUP BY reason
    ), buyer AS (
        SELECT count(*) FILTER (WHERE orders = 1) AS once, count(*) FILTER (WHERE orders > 1) AS again,
            floor(extract(epoch FROM sum(last_at - first_at) FILTER (WHERE orders > 1)) / sum(orders - 1) FILTER (WHERE orders > 1))::bigint
                AS seconds_between_orders
        FROM customers WHERE last_at >= $1 AND last_at < $2
    )
    SELECT jsonb_build_object(
        'days', (SELECT coalesce(jsonb_agg(to_jsonb(day) ORDER BY start, currency), '[]') FROM day),
        'top_products', (SELECT coalesce(jsonb_agg(to_jsonb(product) ORDER BY units DESC, product_id), '[]') FROM product),
        'regions', (SELECT coalesce(jsonb_agg(to_jsonb(area) ORDER BY orders DESC, region, currency), '[]') FROM area),
        'cancellations', (SELECT coalesce(jsonb_agg(jsonb_build_array(reason, orders) ORDER BY reason), '[]') FROM cancellation),
        'buyers', (SELECT to_jsonb(buyer) FROM buyer),
        'minutes', (
            SELECT coalesce(jsonb_agg(to_jsonb(m) ORDER BY m.minute), '[]') FROM minutes AS m
            WHERE m.minute > $4 - $5 * interval '1 minute' AND m.minute <= $4
        )
    ) AS summary";

pub(super) async fn read(
    database: &Database,
    from: Timestamp,
    to: Timestamp,
    now: Timestamp,
) -> Result<SalesSummary, Failure> {
    let minutes = i32::try_from(RATE_MINUTES).map_err(Failure::internal)?;
    let rows = database.query(SUMMARY, &params![from, to, max_regions()?, now, minutes]).await?;
    rows.first().map_or_else(|| Ok(SalesSummary::default()), |row| json(row, "summary"))
}
