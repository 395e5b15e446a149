//! Windows of analytics, added up as records arrive.

mod anomalies;
mod closing;
mod summary;

use super::{
    Database,
    params::params,
    rows::{get, json},
};
use domain::{
    id::UserId,
    money::Currency,
    window::{CountAndAmount, Counted, FoundAnomaly, MAX_REGIONS, Payments, SalesSummary, Sum, Window, WindowEntry},
};
use kernel::{Failure, Timestamp, Uuid};
use ports::{Page, WindowStore};
use serde_json::{Value, json as object};
use std::sync::Arc;
use tokio_postgres::{Row, types::Json};

pub use closing::PgWindowClosing;

/// Every batch locks records first, then customers, then windows, then what belongs to a window, each in order, so that no two batches deadlock. A
/// record that was counted already inserts no row and so adds nothing.
///
/// The first order of a customer is the earliest one, whenever it arrives: an earlier one takes the place of the known one, whose window then
/// has one first order less. The statement reads from the row itself which window that is, because a row that another batch has inserted
/// meanwhile is not in its snapshot.
const ADD: &str = "
    WITH entry AS (
        SELECT * FROM jsonb_to_recordset($1) AS f (
            event_id uuid, at timestamptz, window_start timestamptz, currency text, orders bigint, revenue bigint, units bigint,
            paid bigint, paid_amount bigint, declined bigint, declined_amount bigint, refunded bigint, refunded_amount bigint,
            region text, products jsonb, customer uuid, reason text
        )
    ), fresh AS (
        INSERT INTO counted_events (event_id, window_start)
        SELECT event_id, window_start FROM entry ORDER BY event_id
        ON CONFLICT DO NOTHING
        RETURNING event_id
    ), counted AS (
        SELECT DISTINCT ON (event_id) entry.* FROM entry JOIN fresh USING (event_id)
    ), buyer AS (
        SELECT DISTINCT ON (customer) customer, at, event_id, window_start, currency,
            count(*) OVER (PARTITION BY customer) AS orders, max(at) OVER (PARTITION BY customer) AS last_at
        FROM counted WHERE customer IS NOT NULL
        ORDER BY customer, at, event_id
    ), known AS (
        INSERT INTO customers AS c (customer_id, orders, first_at, first_event, first_window, first_currency, last_at)
        SELECT customer, orders, at, event_id, window_start, currency, last_at FROM buyer ORDER BY customer
        ON CONFLICT (customer_id) DO UPDATE
        SET orders = c.orders + excluded.orders,
            last_at = greatest(c.last_at, excluded.last_at),
            first_at = CASE WHEN (excluded.first_at, excluded.first_event) < (c.first_at, c.first_event) THEN excluded.first_at ELSE c.first_at END,
            first_event = CASE WHEN (excluded.first_at, excluded.first_event) < (c.first_at, c.first_event) THEN excluded.first_event ELSE c.first_event END,
            first_window = CASE WHEN (excluded.first_at, excluded.first_event) < (c.first_at, c.first_event) THEN excluded.first_window ELSE c.first_window END,
            first_currency = CASE WHEN (excluded.first_at, excluded.first_event) < (c.first_at, c.first_event) THEN excluded.first_currency ELSE c.first_currency END,
            left_window = CASE WHEN (excluded.first_at, excluded.first_event) < (c.first_at, c.first_event) THEN c.first_window END,
            left_currency = CASE WHEN (excluded.first_at, excluded.first_event) < (c.first_at, c.first_event) THEN c.first_currency END
        RETURNING c.customer_id, c.orders, c.first_window, c.first_currency, c.left_window, c.left_currency
    ), first_order AS (
        SELECT known.first_window AS window_start, known.first_currency AS currency, 1 AS orders
        FROM known JOIN buyer ON buyer.customer = known.customer_id
        WHERE known.orders = buyer.orders OR known.left_window IS NOT NULL
        UNION ALL
        SELECT left_window, left_currency, -1 FROM known WHERE left_window IS NOT NULL
    ), change AS (
        SELECT window_start, currency, orders, revenue, units, 0 AS first_orders, paid, paid_amount, declined, declined_amount,
            refunded, refunded_amount
        FROM counted
        UNION ALL
        SELECT window_start, currency, 0, 0, 0, orders, 0, 0, 0, 0, 0, 0 FROM first_order
    ), added AS (
        INSERT INTO windows AS w (
            window_start, currency, orders, revenue, units, first_orders, paid, paid_amount, declined, declined_amount, refunded,
            refunded_amount
        )
        SELECT window_start, currency, sum(orders), sum(revenue), sum(units), sum(first_orders), sum(paid), sum(paid_amount),
            sum(declined), sum(declined_amount), sum(refunded), sum(refunded_amount)
        FROM change GROUP BY window_start, currency ORDER BY window_start, currency
        ON CONFLICT (window_start, currency) DO UPDATE
        SET orders = w.orders + excluded.orders, revenue = w.revenue + excluded.revenue, units = w.units + excluded.units,
            first_orders = w.first_orders + excluded.first_orders,
            paid = w.paid + excluded.paid, paid_amount = w.paid_amount + excluded.paid_amount,
            declined = w.declined + excluded.declined, declined_amount = w.declined_amount + excluded.declined_amount,
            refunded = w.refunded + excluded.refunded, refunded_amount = w.refunded_amount + excluded.refunded_amount,
            changes = w.changes + 1,
            revision = CASE WHEN w.published = w.revision THEN w.revision + 1 ELSE w.revision END
        RETURNING window_start, currency
    ), by_product AS (
        INSERT INTO window_products AS w (window_start, currency, product_id, product_name, units)
        SELECT window_start, currency, item.id, max(item.name), sum(item.units)
        FROM added JOIN counted USING (window_start, currency),
            jsonb_to_recordset(counted.products) AS item (id uuid, name text, units bigint)
        GROUP BY window_start, currency, item.id ORDER BY window_start, currency, item.id
        ON CONFLICT (window_start, currency, product_id) DO UPDATE
        SET units = w.units + excluded.units, product_name = greatest(w.product_name, excluded.product_name)
    ), by_reason AS (
        INSERT INTO window_cancellations AS w (window_start, currency, reason, orders)
        SELECT window_start, currency, reason, count(*)
        FROM added JOIN counted USING (window_start, currency)
        WHERE reason IS NOT NULL
        GROUP BY window_start, currency, reason ORDER BY window_start, currency, reason
        ON CONFLICT (window_start, currency, reason) DO UPDATE SET orders = w.orders + excluded.orders
    ), by_minute AS (
        INSERT INTO minutes AS m (minute, orders)
        SELECT date_trunc('minute', at), sum(orders)
        FROM added JOIN counted USING (window_start, currency)
        WHERE orders > 0
        GROUP BY date_trunc('minute', at) ORDER BY date_trunc('minute', at)
        ON CONFLICT (minute) DO UPDATE SET orders = m.orders + excluded.orders
    )
    INSERT INTO window_regions AS w (window_start, currency, region, orders, revenue)
    SELECT window_start, currency, region, count(*), sum(revenue)
    FROM added JOIN counted USING (window_start, currency)
    WHERE region IS NOT NULL
    GROUP BY window_start, currency, region ORDER BY window_start, currency, region
    ON CONFLICT (window_start, currency, region) DO UPDATE
    SET orders = w.orders + excluded.orders, revenue = w.revenue + excluded.revenue";

/// In the order of the keys, as a batch locks them.
const FORGET: &str = "
    WITH erased AS (
        SELECT customer_id FROM customers WHERE customer_id = ANY ($1) ORDER BY customer_id FOR UPDATE
    )
    DELETE FROM customers USING erased WHERE customers.customer_id = erased.customer_id";

/// The columns of [`read`], of a row `w` of `windows`; the parameter `$most` bounds its regions.
macro_rules! window_columns {
    ($most:literal) => {
        concat!(
            "w.*, (
            SELECT coalesce(jsonb_agg(jsonb_build_array(p.product_id, p.product_name, p.units) ORDER BY p.units DESC, p.product_id), '[]')
            FROM (
                SELECT product_id, product_name, units FROM window_products
                WHERE window_start = w.window_start AND currency = w.currency
                ORDER BY units DESC, product_id LIMIT 5
            ) AS p
        ) AS products, (
            SELECT coalesce(jsonb_agg(jsonb_build_array(r.region, r.orders, r.revenue) ORDER BY r.region), '[]')
            FROM (
                SELECT region, orders, revenue FROM window_regions
                WHERE window_start = w.window_start AND currency = w.currency
                ORDER BY revenue DESC, region LIMIT ", $most, "
            ) AS r
        ) AS regions, (
            SELECT coalesce(jsonb_agg(jsonb_build_array(c.reason, c.orders) ORDER BY c.reason), '[]')
            FROM window_cancellations AS c
            WHERE c.window_start = w.window_start AND c.currency = w.currency
        ) AS cancellations"
        )
    };
}
pub(super) use window_columns;

const LIST: &str = concat!(
    "SELECT ",
    window_columns!("$6"),
    "
    FROM windows AS w
    WHERE w.window_start >= $1 AND w.window_start < $2 AND ($3 IS NULL OR (w.window_start, w.currency) > ($3, $4))
    ORDER BY w.window_start, w.currency LIMIT $5"
);

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
    async fn add(&self, records: &[WindowEntry]) -> Result<(), Failure> {
        if records.is_empty() {
            return Ok(());
        }
        let records: Vec<Value> = records.iter().map(to_json).collect();
        self.database.query(ADD, &params![Json(records)]).await.map(drop)
    }

    async fn forget(&self, customers: &[UserId]) -> Result<(), Failure> {
        if customers.is_empty() {
            return Ok(());
        }
        let customers: Vec<Uuid> = customers.iter().map(|customer| customer.0).collect();
        self.database.query(FORGET, &params![customers]).await.map(drop)
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
        let params = params![from, to, start, currency.map(Currency::code), i64::from(limit) + 1, max_regions()?];
        let rows = self.database.query(LIST, &params).await?;
        let items: Vec<Window> = rows.iter().take(page_size).map(read).collect::<Result<_, _>>()?;
        let next = if rows.len() > page_size { items.last().map(format_cursor) } else { None };
        Ok(Page { items, next })
    }

    async fn anomalies(
        &self,
        from: Timestamp,
        to: Timestamp,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<FoundAnomaly>, Failure> {
        anomalies::list(&self.database, from, to, limit, cursor).await
    }

    async fn summary(&self, from: Timestamp, to: Timestamp, now: Timestamp) -> Result<SalesSummary, Failure> {
        summary::read(&self.database, from, to, now).await
    }
}

fn max_regions() -> Result<i64, Failure> {
    i64::try_from(MAX_REGIONS).map_err(Failure::internal)
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

/// Every figure of a record, most of which are zero.
fn to_json(record: &WindowEntry) -> Value {
    let minor = record.amount().amount.get();
    let mut row = object!({
        "event_id": record.event_id, "at": record.at, "window_start": record.window, "currency": record.amount().currency,
        "orders": 0, "revenue": 0, "units": 0, "paid": 0, "paid_amount": 0, "declined": 0, "declined_amount": 0,
        "refunded": 0, "refunded_amount": 0,
    });
    let figures = match &record.counted {
        Counted::Sale { region, products, customer, .. } => {
            let units: i64 = products.iter().map(|(.., units)| i64::from(*units)).sum();
            let product = |(id, name, units): &(_, _, _)| object!({ "id": id, "name": name, "units": units });
            let products: Vec<Value> = products.iter().map(product).collect();
            object!({
                "orders": 1, "revenue": minor, "units": units, "region": region, "products": products, "customer": customer,
            })
        }
        Counted::Cancellation { reason, .. } => object!({ "reason": reason }),
        Counted::Paid(_) => object!({ "paid": 1, "paid_amount": minor }),
        Counted::Declined(_) => object!({ "declined": 1, "declined_amount": minor }),
        Counted::Refunded(_) => object!({ "refunded": 1, "refunded_amount": minor }),
    };
    if let (Some(row), Value::Object(figures)) = (row.as_object_mut(), figures) {
        row.extend(figures);
    }
    row
}

fn read(row: &Row) -> Result<Window, Failure> {
    let count_and_amount =
        |count, amount| Ok::<_, Failure>(CountAndAmount { count: get(row, count)?, amount: get(row, amount)? });
    Ok(Window {
        start: get(row, "window_start")?,
        orders: get(row, "orders")?,
        revenue: Sum::new(get(row, "revenue")?, get(row, "currency")?).map_err(Failure::internal)?,
        units: get(row, "units")?,
        first_orders: get(row, "first_orders")?,
        payments: Payments {
            paid: count_and_amount("paid", "paid_amount")?,
            declined: count_and_amount("declined", "declined_amount")?,
            refunded: count_and_amount("refunded", "refunded_amount")?,
        },
        top_products: json(row, "products")?,
        by_region: json(row, "regions")?,
        cancellations: json(row, "cancellations")?,
        revision: get(row, "revision")?,
    })
}
