//! Windows of analytics, aggregated as records arrive.

use super::{
    Database,
    params::params,
    rows::{get, json},
};
use domain::{
    money::Currency,
    window::{AnalyticsRecord, MAX_REGIONS, Sum, Window},
};
use kernel::{Failure, Timestamp};
use ports::{Page, WindowStore};
use serde_json::{Value, json as object};
use std::sync::Arc;
use tokio_postgres::{Row, types::Json};

/// Every batch locks records first, then windows, then what belongs to a window, each in order, so that no two batches deadlock. A record
/// that was counted already inserts no row and so adds nothing.
const ADD: &str = "
    WITH fact AS (
        SELECT * FROM jsonb_to_recordset($1) AS f (
            event_id uuid, window_start timestamptz, currency text, revenue bigint, region text, products jsonb
        )
    ), fresh AS (
        INSERT INTO counted_events (event_id, window_start)
        SELECT event_id, window_start FROM fact ORDER BY event_id
        ON CONFLICT DO NOTHING
        RETURNING event_id
    ), counted AS (
        SELECT DISTINCT ON (event_id) fact.* FROM fact JOIN fresh USING (event_id)
    ), added AS (
        INSERT INTO windows AS w (window_start, currency, orders, revenue)
        SELECT window_start, currency, count(*), sum(revenue) FROM counted
        GROUP BY window_start, currency ORDER BY window_start, currency
        ON CONFLICT (window_start, currency) DO UPDATE
        SET orders = w.orders + excluded.orders, revenue = w.revenue + excluded.revenue
        RETURNING window_start, currency
    ), by_product AS (
        INSERT INTO window_products AS w (window_start, currency, product_id, product_name, units)
        SELECT window_start, currency, item.id, max(item.name), sum(item.units)
        FROM added JOIN counted USING (window_start, currency),
            jsonb_to_recordset(counted.products) AS item (id uuid, name text, units bigint)
        GROUP BY window_start, currency, item.id ORDER BY window_start, currency, item.id
        ON CONFLICT (window_start, currency, product_id) DO UPDATE
        SET units = w.units + excluded.units, product_name = excluded.product_name
    )
    INSERT INTO window_regions AS w (window_start, currency, region, orders, revenue)
    SELECT window_start, currency, region, count(*), sum(revenue)
    FROM added JOIN counted USING (window_start, currency)
    GROUP BY window_start, currency, region ORDER BY window_start, currency, region
    ON CONFLICT (window_start, currency, region) DO UPDATE
    SET orders = w.orders + excluded.orders, revenue = w.revenue + excluded.revenue";

const LIST: &str = "
    SELECT w.*, coalesce(products.list, '[]') AS products, coalesce(regions.list, '[]') AS regions
    FROM windows AS w, LATERAL (
        SELECT jsonb_agg(jsonb_build_array(p.product_id, p.product_name, p.units) ORDER BY p.units DESC, p.product_id) AS list
        FROM (
            SELECT product_id, product_name, units FROM window_products
            WHERE window_start = w.window_start AND currency = w.currency
            ORDER BY units DESC, product_id LIMIT 5
        ) AS p
    ) AS products, LATERAL (
        SELECT jsonb_agg(jsonb_build_array(r.region, r.orders, r.revenue) ORDER BY r.region) AS list
        FROM (
            SELECT region, orders, revenue FROM window_regions
            WHERE window_start = w.window_start AND currency = w.currency
            ORDER BY revenue DESC, region LIMIT $6
        ) AS r
    ) AS regions
    WHERE w.window_start >= $1 AND w.window_start < $2 AND ($3 IS NULL OR (w.window_start, w.currency) > ($3, $4))
    ORDER BY w.window_start, w.currency LIMIT $5";

#[derive(Debug)]
pub struct PgWindows {
    database: Arc<Database>,
}

impl PgWindows {
    /// `database` logs in as the role of analytics.
    pub fn new(database: Arc<Database>) -> Self {
        Self { database }
    }
}

impl WindowStore for PgWindows {
    async fn add(&self, records: &[AnalyticsRecord]) -> Result<(), Failure> {
        if records.is_empty() {
            return Ok(());
        }
        let records: Vec<Value> = records.iter().map(to_json).collect();
        self.database.query(ADD, &params![Json(records)]).await.map(drop)
    }

    async fn list(
        &self,
        from: Timestamp,
        to: Timestamp,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<Window>, Failure> {
        let (start, currency) = cursor.map(parse_cursor).transpose()?.unzip();
        let page_size = usize::try_from(limit).map_err(Failure::internal)?;
        let regions = i64::try_from(MAX_REGIONS).map_err(Failure::internal)?;
        let params = params![from, to, start, currency.map(Currency::code), i64::from(limit) + 1, regions];
        let rows = self.database.query(LIST, &params).await?;
        let items: Vec<Window> = rows.iter().take(page_size).map(read).collect::<Result<_, _>>()?;
        let next = if rows.len() > page_size { items.last().map(format_cursor) } else { None };
        Ok(Page { items, next })
    }
}

/// The cursor after a window: its start in seconds and its currency.
fn format_cursor(last: &Window) -> String {
    format!("{}-{}", last.start.as_second(), last.revenue.currency.code())
}

fn parse_cursor(cursor: &str) -> Result<(Timestamp, Currency), Failure> {
    let parse = || {
        let (start, currency) = cursor.rsplit_once('-')?;
        let start = Timestamp::from_second(start.parse().ok()?).ok().filter(|at| kernel::time::is_accepted(*at))?;
        Some((start, Currency::parse(currency).ok()?))
    };
    parse().ok_or_else(|| Failure::field("?cursor", "is not a cursor of this list"))
}

fn to_json(record: &AnalyticsRecord) -> Value {
    let products: Vec<Value> =
        record.products.iter().map(|(id, name, units)| object!({ "id": id, "name": name, "units": units })).collect();
    object!({
        "event_id": record.event_id,
        "window_start": record.window,
        "currency": record.revenue.currency,
        "revenue": record.revenue.amount,
        "region": record.region,
        "products": products,
    })
}

fn read(row: &Row) -> Result<Window, Failure> {
    Ok(Window {
        start: get(row, "window_start")?,
        orders: get(row, "orders")?,
        revenue: Sum::new(get(row, "revenue")?, get(row, "currency")?).map_err(Failure::internal)?,
        top_products: json(row, "products")?,
        by_region: json(row, "regions")?,
    })
}
