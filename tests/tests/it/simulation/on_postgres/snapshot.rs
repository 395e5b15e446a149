//! Reads the database into the snapshot that the rules check.

use crate::simulation::{accounts, commands::SOLE_CUSTOMER};
use domain::{
    Event,
    event::{StockLevel, StockLine},
    id::{OrderId, ProductId},
    invoice::Invoice,
    order::ProductSnapshot,
    reconciliation::{ComparedSource, ComparisonProgress},
    stock::State,
};
use kernel::Timestamp;
use ports::{Ledger, OrderStore, PaymentStore};
use serde::de::DeserializeOwned;
use std::{collections::BTreeMap, rc::Rc};
use testkit::Snapshot;
use tokio::join;
use tokio_postgres::{
    Client, Row,
    types::{FromSqlOwned, Json},
};

/// More orders than any schedule places.
const MANY: u32 = 100;

const RESERVATIONS: &str = "SELECT order_id, state FROM inventory.reservations";
const LINES: &str =
    "SELECT order_id, product_id, quantity FROM inventory.reservation_lines ORDER BY order_id, product_id";
/// From the history of the stock, not from the reservations, whose lines are the expectation.
const SHIPPED: &str = "SELECT product_id, abs(sum(quantity))::bigint AS units FROM inventory.stock_movements
    WHERE kind = 'shipped' GROUP BY product_id";
const LEVELS: &str = "SELECT product_id, available, reserved, version FROM inventory.stock ORDER BY product_id";
const PRICES: &str = "SELECT jsonb_build_object('product_id', product_id, 'name', name, 'category', category,
    'price', jsonb_build_object('amount', price, 'currency', currency), 'active', active, 'version', version) AS product
    FROM orders.product_prices ORDER BY product_id";
const INVOICES: &str =
    "SELECT series, position, issued_on, issued_at, draft FROM invoices.invoices ORDER BY series, position";
const LISTED: &str = "SELECT product_id, stock_quantity, stock_version FROM catalogue.products WHERE active";
const WINDOWS: &str = "SELECT coalesce(sum(orders), 0)::bigint AS orders, coalesce(sum(revenue), 0)::bigint AS revenue
    FROM analytics.windows";

/// Reads the whole snapshot. There must be no concurrent writer.
pub async fn read(
    client: &Client,
    orders: &impl OrderStore,
    payments: &impl PaymentStore,
    ledger: &impl Ledger,
) -> Snapshot {
    let (from, to) = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
    let everything =
        ComparisonProgress { from, to, side: ComparedSource::Ledger, after: None, pages: 0, compared: 0, fees: 0 };
    let rows = async |sql| client.query(sql, &[]).await.expect("the query runs");
    let (orders, prices, reservations, lines_of, shipped, levels, transfers, invoices, listed, windows) = join!(
        orders.list(accounts::customer(SOLE_CUSTOMER), MANY, None),
        rows(PRICES),
        rows(RESERVATIONS),
        rows(LINES),
        rows(SHIPPED),
        rows(LEVELS),
        ledger.posted(&everything, MANY * MANY),
        rows(INVOICES),
        rows(LISTED),
        rows(WINDOWS)
    );
    let mut orders = orders.expect("the orders").items;
    orders.sort_by_key(|order| (order.created_at, order.id));
    let mut lines: BTreeMap<OrderId, Vec<StockLine>> = BTreeMap::new();
    for row in &lines_of {
        let quantity = u32::try_from(get::<i64>(row, "quantity")).expect("a quantity");
        let line = StockLine { product_id: ProductId(get(row, "product_id")), quantity };
        lines.entry(OrderId(get(row, "order_id"))).or_default().push(line);
    }
    let mut paid = BTreeMap::new();
    for order in &orders {
        if let Some(payment) = payments.find_by_order(order.id, None).await.expect("a response") {
            paid.insert(order.id, payment);
        }
    }
    let mut by_order: BTreeMap<OrderId, (State, Vec<StockLine>)> = BTreeMap::new();
    for row in &reservations {
        let order = OrderId(get(row, "order_id"));
        let state = State::parse(&get::<String>(row, "state")).expect("a known state");
        let lines = lines.remove(&order).unwrap_or_default();
        by_order.insert(order, (state, lines));
    }
    Snapshot {
        orders,
        reservations: by_order,
        shipped: shipped.iter().map(|row| (ProductId(get(row, "product_id")), get(row, "units"))).collect(),
        prices: prices.iter().map(|row| json::<ProductSnapshot>(row, "product")).collect(),
        levels: levels.iter().map(level).collect(),
        payments: paid,
        transfers: transfers.expect("the ledger").lines.into_iter().map(|line| line.transfer).collect(),
        invoices: invoices.iter().map(invoice).collect(),
        listed: listed.iter().map(listed_figures).collect(),
        windows: windows.first().map(|row| (get(row, "orders"), get(row, "revenue"))).unwrap_or_default(),
    }
}

fn get<T: FromSqlOwned>(row: &Row, column: &str) -> T {
    row.get(column)
}

fn json<T: DeserializeOwned>(row: &Row, column: &str) -> T {
    row.get::<_, Json<T>>(column).0
}

fn level(row: &Row) -> StockLevel {
    StockLevel {
        product_id: ProductId(get(row, "product_id")),
        available: get(row, "available"),
        reserved: get(row, "reserved"),
        version: get(row, "version"),
    }
}

fn listed_figures(row: &Row) -> (ProductId, (i64, i64)) {
    (ProductId(get(row, "product_id")), (get(row, "stock_quantity"), get(row, "stock_version")))
}

fn invoice(row: &Row) -> Invoice {
    Invoice {
        series: get(row, "series"),
        position: get(row, "position"),
        issued_on: get(row, "issued_on"),
        issued_at: get(row, "issued_at"),
        draft: json(row, "draft"),
    }
}

/// SQL over all tables of a migrated database, and over its outboxes.
#[derive(Debug)]
pub struct Tables {
    empty: String,
    truncate: String,
    waiting: String,
    committed: String,
}

impl Tables {
    pub async fn find(client: &Client) -> Self {
        let schemas: Vec<&str> = catalog::CONTEXTS.iter().map(|context| context.name()).collect();
        let sql = "SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname = ANY ($1) ORDER BY 1";
        let rows = client.query(sql, &[&schemas]).await.expect("the tables");
        let names: Vec<String> = rows.iter().map(|row| get(row, "name")).collect();
        let outboxes: Vec<&String> = names.iter().filter(|name| name.ends_with(".outbox")).collect();
        let each = |what: &str, rest: &str| -> Vec<String> {
            outboxes.iter().map(|outbox| format!("SELECT {what} FROM {outbox} {rest}")).collect()
        };
        Self {
            empty: names.iter().map(|name| format!("DELETE FROM {name};")).collect(),
            truncate: format!("TRUNCATE {}", names.join(", ")),
            waiting: format!(
                "SELECT count(*) AS waiting FROM ({}) AS waiting",
                each("id", "WHERE published_at IS NULL").join(" UNION ALL ")
            ),
            committed: format!("{} ORDER BY created_at, id", each("id, created_at, event", "").join(" UNION ALL ")),
        }
    }

    /// Empties all tables; `whole` also reclaims the space.
    pub async fn empty(&self, client: &Client, whole: bool) {
        client.batch_execute(if whole { &self.truncate } else { &self.empty }).await.expect("the tables are emptied");
    }

    /// The number of events in outboxes.
    pub async fn waiting(&self, client: &Client) -> usize {
        let row = client.query_one(&self.waiting, &[]).await.expect("the query runs");
        usize::try_from(get::<i64>(&row, "waiting")).expect("a count")
    }

    /// Every committed event, oldest first.
    pub async fn committed(&self, client: &Client) -> Vec<Rc<Event>> {
        let rows = client.query(&self.committed, &[]).await.expect("the query runs");
        rows.iter().map(|row| Rc::new(json(row, "event"))).collect()
    }
}
