//! `GET /api/v1/products`: the products on sale that a query describes, or those with given ids.
//!
//! - `?category=&q=&min_price=&max_price=&currency=&available=&low_stock=&sort=&limit=&cursor=` lists the read model, which follows the catalogue
//!   within seconds.
//! - `?ids=` returns products in the order of the ids; an id without a product, or of a withdrawn one, is left out. They come from the table
//!   of the catalogue and not from the read model or the cache: orders are priced with the answer.

use api::{ListView, ProductView};
use domain::{
    id::ProductId,
    listing::{self, ProductQuery, Sort},
    money::{Amount, Currency},
    order::MAX_LINES,
    text::Category,
};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::{ProductIndex, ProductStore};

/// The parameters of a list, which one by ids does not have.
const OF_LIST: [&str; 10] =
    ["category", "q", "min_price", "max_price", "currency", "available", "low_stock", "sort", "limit", "cursor"];

pub async fn handle(
    products: &impl ProductStore,
    index: &impl ProductIndex,
    call: Call<NoBody>,
) -> Result<Reply<ListView<ProductView>>, Failure> {
    if let Some(ids) = call.query::<String>("ids")? {
        return by_id(products, &ids, &call).await;
    }
    let (query, page) = (parse_query(&call)?, call.page()?);
    let found = index.search(&query, page.limit, page.cursor.as_deref()).await?;
    let items = found.items.iter().map(ProductView::from).collect();
    Ok(Reply::ok(ListView { items, next_cursor: found.next }))
}

async fn by_id(
    products: &impl ProductStore,
    ids: &str,
    call: &Call<NoBody>,
) -> Result<Reply<ListView<ProductView>>, Failure> {
    for name in OF_LIST {
        if call.query::<String>(name)?.is_some() {
            return Err(Failure::field(format!("?{name}"), "cannot be combined with ids"));
        }
    }
    let ids = parse_ids(ids)?;
    let found = products.find(&ids).await?;
    let of = |id: &ProductId| found.iter().find(|product| product.id == *id && product.active).map(ProductView::from);
    Ok(Reply::ok(ListView { items: ids.iter().filter_map(of).collect(), next_cursor: None }))
}

/// The ids, each once.
fn parse_ids(text: &str) -> Result<Vec<ProductId>, Failure> {
    let reject = || Failure::field("?ids", format!("must be 1 to {MAX_LINES} ids of products, separated by commas"));
    let mut ids: Vec<ProductId> = Vec::new();
    for id in text.split(',') {
        let id = id.parse().map_err(|_| reject())?;
        if !ids.contains(&id) {
            ids.push(id);
        }
        if ids.len() > MAX_LINES {
            return Err(reject());
        }
    }
    Ok(ids)
}

/// Without `sort`, the best matches of a search text come first, and otherwise the newest products.
fn parse_query(call: &Call<NoBody>) -> Result<ProductQuery, Failure> {
    let words = call.parsed("q", listing::words)?.unwrap_or_default();
    let usual = if words.is_empty() { Sort::Newest } else { Sort::Relevance };
    let query = ProductQuery {
        category: call.parsed("category", Category::parse)?,
        min_price: call.parsed("min_price", Amount::parse)?,
        max_price: call.parsed("max_price", Amount::parse)?,
        currency: call.parsed("currency", Currency::parse)?,
        available: call.query("available")?,
        low_stock: call.query("low_stock")?,
        sort: call.parsed("sort", Sort::one_of)?.unwrap_or(usual),
        words,
    };
    query.check()
}
