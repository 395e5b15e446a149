//! Products as they are listed and searched: a copy, fed by events.

use super::{
    Database,
    params::{Param, Typed, param, params},
    rows::{bigint, count, get, json, money, parsed},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    event::StockLevel,
    id::ProductId,
    listing::{CategoryCount, MIN_TYPO_TOLERANT_CHARS, PriceChange, ProductQuery, Sort},
    product::Product,
    stock::LOW_STOCK_THRESHOLD,
    text::{Category, Description, ProductName, Sku},
};
use kernel::{Failure, Timestamp, Uuid};
use ports::{Page, ProductIndex};
use serde_json::{Value, json as object};
use std::sync::Arc;
use tokio_postgres::{Row, types::Json};

/// A stock figure that is known stays, since the events of products do not state it.
const TRACK: &str = "
    WITH priced AS (
        INSERT INTO product_prices (product_id, version, price, currency, at)
        SELECT $1, $2, $8, $9, $11 WHERE $3
        ON CONFLICT DO NOTHING
    )
    INSERT INTO products AS known (product_id, version, active, sku, name, description, category, price, currency, created_at,
        updated_at, stock_quantity, images)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    ON CONFLICT (product_id) DO UPDATE
        SET version = excluded.version, active = excluded.active, sku = excluded.sku, name = excluded.name,
            description = excluded.description, category = excluded.category, price = excluded.price,
            currency = excluded.currency, created_at = excluded.created_at, updated_at = excluded.updated_at,
            images = excluded.images
        WHERE known.version < excluded.version";

/// Rows are locked in one order, so that no two of these deadlock.
const TRACK_STOCK: &str = "
    INSERT INTO products AS known (product_id, stock_quantity, stock_version)
    SELECT DISTINCT ON (product_id) product_id, available, version
    FROM jsonb_to_recordset($1) AS level (product_id uuid, available bigint, version bigint)
    ORDER BY product_id, version DESC
    ON CONFLICT (product_id) DO UPDATE
        SET stock_quantity = excluded.stock_quantity, stock_version = excluded.stock_version
        WHERE known.stock_version < excluded.stock_version";

const CATEGORIES: &str =
    "SELECT category, count(*) AS products FROM products WHERE active GROUP BY category ORDER BY category";

/// Of the versions of a product, those that changed its price.
const PRICES: &str = "
    SELECT version, price, currency, at FROM (
        SELECT *, (price, currency) IS DISTINCT FROM (lag(price) OVER versions, lag(currency) OVER versions) AS is_change
        FROM product_prices WHERE product_id = $1
        WINDOW versions AS (ORDER BY version)
    ) AS history
    WHERE is_change AND ($2 IS NULL OR version < $2)
    ORDER BY version DESC LIMIT $3";

const ON_SALE_AFTER: &str =
    "SELECT * FROM products WHERE active AND ($1 IS NULL OR product_id > $1) ORDER BY product_id LIMIT $2";

#[derive(Debug)]
pub struct PgProductIndex {
    pub(super) database: Arc<Database>,
}

impl PgProductIndex {
    /// `database` logs in as a role of the catalogue.
    pub fn new(database: Arc<Database>) -> Self {
        Self { database }
    }
}

impl ProductIndex for PgProductIndex {
    async fn track(&self, product: &Product) -> Result<(), Failure> {
        let params = params![
            product.id.0,
            bigint(product.version)?,
            product.active,
            product.sku.as_str(),
            product.name.as_str(),
            product.description.as_str(),
            product.category.as_str(),
            product.price.amount.get(),
            product.price.currency.code(),
            product.created_at,
            product.updated_at,
            product.stock_quantity,
            Json(&product.images),
        ];
        self.database.query(TRACK, &params).await.map(drop)
    }

    async fn track_stock(&self, levels: &[StockLevel]) -> Result<(), Failure> {
        self.database.query(TRACK_STOCK, &params![Json(levels)]).await.map(drop)
    }

    async fn search(&self, query: &ProductQuery, limit: u32, cursor: Option<&str>) -> Result<Page<Product>, Failure> {
        let page_size = usize::try_from(limit).map_err(Failure::internal)?;
        let search = Search::new(query, limit, cursor)?;
        let rows = self.database.query(&search.sql, &search.params).await?;
        let items: Vec<Product> = rows.iter().take(page_size).map(product).collect::<Result<_, _>>()?;
        let last = if rows.len() > page_size { rows.get(page_size.saturating_sub(1)) } else { None };
        let next = last.map(|row| format_cursor(query.sort, row)).transpose()?;
        Ok(Page { items, next })
    }

    async fn on_sale_after(&self, after: Option<ProductId>, limit: u32) -> Result<Vec<Product>, Failure> {
        let params = params![after.map(|id| id.0), i64::from(limit)];
        self.database.query(ON_SALE_AFTER, &params).await?.iter().map(product).collect()
    }

    async fn categories(&self) -> Result<Vec<CategoryCount>, Failure> {
        let rows = self.database.query(CATEGORIES, &[]).await?;
        let read = |row| {
            Ok(CategoryCount { category: parsed(row, "category", Category::parse)?, products: count(row, "products")? })
        };
        rows.iter().map(read).collect()
    }

    async fn prices(
        &self,
        id: ProductId,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Option<Page<PriceChange>>, Failure> {
        let before: Option<i64> = cursor.map(str::parse).transpose().map_err(|_| bad_cursor())?;
        let rows = self.database.query(PRICES, &params![id.0, before, i64::from(limit) + 1]).await?;
        if rows.is_empty() && before.is_none() {
            return Ok(None);
        }
        let page_size = usize::try_from(limit).map_err(Failure::internal)?;
        let read = |row| {
            Ok(PriceChange {
                price: money(row, "price", "currency")?,
                version: count(row, "version")?,
                at: get(row, "at")?,
            })
        };
        let items: Vec<PriceChange> = rows.iter().take(page_size).map(read).collect::<Result<_, Failure>>()?;
        let next = if rows.len() > page_size { items.last().map(|last| last.version.to_string()) } else { None };
        Ok(Some(Page { items, next }))
    }
}

/// The statement of one list.
struct Search<'a> {
    sql: String,
    params: Vec<Param<'a>>,
}

impl<'a> Search<'a> {
    fn new(query: &'a ProductQuery, limit: u32, cursor: Option<&str>) -> Result<Self, Failure> {
        let mut search = Self { sql: String::new(), params: Vec::new() };
        let key = match query.sort {
            Sort::Newest | Sort::Oldest => "created_at".to_owned(),
            Sort::PriceAscending | Sort::PriceDescending => "price".to_owned(),
            Sort::Name | Sort::NameDescending => "lower(name)".to_owned(),
            Sort::Relevance => search.score(&query.words),
        };
        let conditions = search.conditions(query);
        let (sign, order) = if query.sort.is_descending() { ("<", "DESC") } else { (">", "ASC") };
        let after = match cursor {
            None => String::new(),
            Some(cursor) => {
                let (position, id) = search.position(query.sort, cursor)?;
                format!(" AND ({key}, product_id) {sign} (${position}, ${id})")
            }
        };
        let rows = search.bind(i64::from(limit) + 1);
        search.sql = format!(
            "SELECT *, to_jsonb({key}) AS position FROM products WHERE active{conditions}{after}
            ORDER BY {key} {order}, product_id {order} LIMIT ${rows}"
        );
        Ok(search)
    }

    /// Adds a parameter. Returns its number.
    fn bind<T: Typed + 'a>(&mut self, value: T) -> usize {
        self.params.push(param(value));
        self.params.len()
    }

    fn conditions(&mut self, query: &'a ProductQuery) -> String {
        let mut sql = String::new();
        if let Some(category) = &query.category {
            sql += &format!(" AND category = ${}", self.bind(category.as_str()));
        }
        if let Some(currency) = query.currency {
            sql += &format!(" AND currency = ${}", self.bind(currency.code()));
        }
        if let Some(least) = query.min_price {
            sql += &format!(" AND price >= ${}", self.bind(least.get()));
        }
        if let Some(most) = query.max_price {
            sql += &format!(" AND price <= ${}", self.bind(most.get()));
        }
        match query.available {
            Some(true) => sql += " AND stock_quantity > 0",
            Some(false) => sql += " AND stock_quantity <= 0",
            None => {}
        }
        if let Some(is_low) = query.low_stock {
            let limit = self.bind(LOW_STOCK_THRESHOLD);
            sql += &format!(" AND stock_quantity {} ${limit}", if is_low { "<=" } else { ">" });
        }
        for word in &query.words {
            let as_typed = format!("search @@ to_tsquery('simple', ${})", self.bind(beginning(word)));
            if word.chars().count() < MIN_TYPO_TOLERANT_CHARS {
                sql += &format!(" AND {as_typed}");
            } else {
                let similar = format!("${} OPERATOR(extensions.<%) name", self.bind(word.as_str()));
                sql += &format!(" AND ({as_typed} OR {similar})");
            }
        }
        if query.words.iter().any(|word| word.chars().count() >= MIN_TYPO_TOLERANT_CHARS) {
            sql += " AND (SELECT tolerate_typos())";
        }
        sql
    }

    /// How well the words match, as an integer, which a cursor represents exactly.
    fn score(&mut self, words: &[String]) -> String {
        let all: Vec<String> = words.iter().map(|word| beginning(word)).collect();
        let (all, text) = (self.bind(all.join(" & ")), self.bind(words.join(" ")));
        format!(
            "(1000000 * (ts_rank(search, to_tsquery('simple', ${all})) + extensions.word_similarity(${text}, name)))::bigint"
        )
    }

    /// Adds the position of a cursor. Returns the numbers of its parameters.
    fn position(&mut self, sort: Sort, cursor: &str) -> Result<(usize, usize), Failure> {
        let (position, id) = parse_cursor(sort, cursor).ok_or_else(bad_cursor)?;
        let position = match (sort, position) {
            (Sort::Newest | Sort::Oldest, Value::String(time)) => {
                let time: Option<Timestamp> = time.parse().ok().filter(|at| kernel::time::is_accepted(*at));
                self.bind(time.ok_or_else(bad_cursor)?)
            }
            (Sort::Name | Sort::NameDescending, Value::String(name)) if !name.contains('\0') => self.bind(name),
            (Sort::PriceAscending | Sort::PriceDescending | Sort::Relevance, Value::Number(number)) => {
                self.bind(number.as_i64().ok_or_else(bad_cursor)?)
            }
            _ => return Err(bad_cursor()),
        };
        Ok((position, self.bind(id)))
    }
}

/// The text search expression for words that begin with `word`, which has letters and digits only.
fn beginning(word: &str) -> String {
    format!("'{word}':*")
}

fn bad_cursor() -> Failure {
    Failure::field("?cursor", "is not a cursor of this list")
}

/// The cursor after a row of a list in this order.
fn format_cursor(sort: Sort, row: &Row) -> Result<String, Failure> {
    let (position, id): (Value, Uuid) = (json(row, "position")?, get(row, "product_id")?);
    Ok(URL_SAFE_NO_PAD.encode(object!([sort.name(), position, id]).to_string()))
}

fn parse_cursor(sort: Sort, cursor: &str) -> Option<(Value, Uuid)> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (name, position, id): (String, Value, Uuid) = serde_json::from_slice(&bytes).ok()?;
    (name == sort.name()).then_some((position, id))
}

fn product(row: &Row) -> Result<Product, Failure> {
    Ok(Product {
        id: ProductId(get(row, "product_id")?),
        sku: parsed(row, "sku", Sku::parse)?,
        name: parsed(row, "name", ProductName::parse)?,
        description: parsed(row, "description", Description::parse)?,
        category: parsed(row, "category", Category::parse)?,
        price: money(row, "price", "currency")?,
        images: json(row, "images")?,
        active: get(row, "active")?,
        stock_quantity: get(row, "stock_quantity")?,
        stock_version: get(row, "stock_version")?,
        version: count(row, "version")?,
        created_at: get(row, "created_at")?,
        updated_at: get(row, "updated_at")?,
        changed_by: None,
    })
}
