//! In-memory fake of the product index.

use super::{Dependency, ProductIndex};
use domain::{
    event::StockLevel,
    id::ProductId,
    listing::{CategoryCount, MIN_TYPO_TOLERANT_CHARS, PriceChange, ProductQuery, Sort},
    product::Product,
    stock::LOW_STOCK_THRESHOLD,
};
use kernel::Failure;
use ports::Page;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

#[derive(Default)]
pub(super) struct IndexState {
    products: HashMap<ProductId, Product>,
    /// Stock figures with their versions.
    stock: HashMap<ProductId, (i64, i64)>,
    prices: BTreeMap<(ProductId, u64), PriceChange>,
}

impl ProductIndex {
    /// All products that the index knows, also withdrawn ones, by id.
    pub fn all(&self) -> Vec<Product> {
        let mut all: Vec<Product> = self.0.inspect(|state| state.index.shown().collect());
        all.sort_by_key(|product| product.id);
        all
    }

    /// Stock figure and its version of each product on sale.
    pub fn stock_figures(&self) -> BTreeMap<ProductId, (i64, i64)> {
        let figures = |product: Product| (product.id, (product.stock_quantity, product.stock_version));
        self.0.inspect(|state| state.index.shown().filter(|product| product.active).map(figures).collect())
    }
}

impl IndexState {
    /// The products with their stock figures.
    fn shown(&self) -> impl Iterator<Item = Product> {
        self.products.values().map(|product| match self.stock.get(&product.id) {
            Some((available, version)) => {
                Product { stock_quantity: *available, stock_version: *version, ..product.clone() }
            }
            None => product.clone(),
        })
    }
}

impl ports::ProductIndex for ProductIndex {
    async fn track(&self, product: &Product) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Database, "index.track", |state| {
            let index = &mut state.index;
            if product.active {
                let price = PriceChange { price: product.price, version: product.version, at: product.updated_at };
                index.prices.entry((product.id, product.version)).or_insert(price);
            }
            let known = index.products.get(&product.id);
            if known.is_none_or(|known| known.version < product.version) {
                let stock_quantity = known.map_or(product.stock_quantity, |known| known.stock_quantity);
                index.products.insert(product.id, Product { stock_quantity, ..product.clone() });
            }
            Ok(())
        });
        step.await
    }

    async fn track_stock(&self, levels: &[StockLevel]) -> Result<(), Failure> {
        let step = self.0.step(Dependency::Database, "index.track_stock", |state| {
            for level in levels {
                let known = state.index.stock.entry(level.product_id).or_insert((level.available, level.version));
                if known.1 < level.version {
                    *known = (level.available, level.version);
                }
            }
            Ok(())
        });
        step.await
    }

    async fn search(&self, query: &ProductQuery, limit: u32, cursor: Option<&str>) -> Result<Page<Product>, Failure> {
        let step = self.0.query(Dependency::Database, |state| {
            let mut found: Vec<(i64, Product)> =
                state.index.shown().filter_map(|product| Some((score(query, &product)?, product))).collect();
            found.sort_by(|a, b| compare(query.sort, a, b));
            let bad_cursor = || Failure::field("?cursor", "is not a cursor of this list");
            let start = match cursor {
                None => 0,
                Some(cursor) => {
                    let id: ProductId = cursor
                        .strip_prefix(query.sort.name())
                        .and_then(|rest| rest.strip_prefix(':'))
                        .and_then(|id| id.parse().ok())
                        .ok_or_else(bad_cursor)?;
                    1 + found.iter().position(|(_, product)| product.id == id).ok_or_else(bad_cursor)?
                }
            };
            let limit = usize::try_from(limit).map_err(Failure::internal)?;
            let is_last = found.len() <= start + limit;
            let items: Vec<Product> = found.into_iter().skip(start).take(limit).map(|(_, product)| product).collect();
            let next = items.last().filter(|_| !is_last).map(|last| format!("{}:{}", query.sort.name(), last.id));
            Ok(Page { items, next })
        });
        step.await
    }

    async fn on_sale_after(&self, after: Option<ProductId>, limit: u32) -> Result<Vec<Product>, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            let later = |product: &Product| product.active && after.is_none_or(|after| product.id > after);
            let mut found: Vec<Product> = state.index.shown().filter(later).collect();
            found.sort_by_key(|product| product.id);
            found.truncate(usize::try_from(limit).map_err(Failure::internal)?);
            Ok(found)
        });
        query.await
    }

    async fn categories(&self) -> Result<Vec<CategoryCount>, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            let mut counts = BTreeMap::new();
            for product in state.index.products.values().filter(|product| product.active) {
                *counts.entry(product.category.clone()).or_insert(0) += 1;
            }
            Ok(counts.into_iter().map(|(category, products)| CategoryCount { category, products }).collect())
        });
        query.await
    }

    async fn prices(
        &self,
        id: ProductId,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Option<Page<PriceChange>>, Failure> {
        let query = self.0.query(Dependency::Database, |state| {
            let bad_cursor = |_| Failure::field("?cursor", "is not a cursor of this list");
            let before: Option<u64> = cursor.map(str::parse).transpose().map_err(bad_cursor)?;
            let mut changes: Vec<PriceChange> = Vec::new();
            for (_, version) in state.index.prices.range((id, 0)..=(id, u64::MAX)) {
                if changes.last().is_none_or(|last| last.price != version.price) {
                    changes.push(version.clone());
                }
            }
            if changes.is_empty() {
                return Ok(None);
            }
            changes.reverse();
            changes.retain(|change| before.is_none_or(|before| change.version < before));
            let limit = usize::try_from(limit).map_err(Failure::internal)?;
            let is_last = changes.len() <= limit;
            changes.truncate(limit);
            let next = changes.last().filter(|_| !is_last).map(|last| last.version.to_string());
            Ok(Some(Page { items: changes, next }))
        });
        query.await
    }
}

/// How well a product matches; `None` if the list does not have it.
fn score(query: &ProductQuery, product: &Product) -> Option<i64> {
    let amount = product.price.amount;
    let is_listed = product.active
        && query.category.as_ref().is_none_or(|category| *category == product.category)
        && query.currency.is_none_or(|currency| currency == product.price.currency)
        && query.min_price.is_none_or(|least| least <= amount)
        && query.max_price.is_none_or(|most| amount <= most)
        && query.available.is_none_or(|available| available == (product.stock_quantity > 0))
        && query.low_stock.is_none_or(|is_low| is_low == (product.stock_quantity <= LOW_STOCK_THRESHOLD));
    let scores = query.words.iter().map(|word| word_score(word, product));
    is_listed.then_some(())?;
    scores.sum()
}

fn word_score(word: &str, product: &Product) -> Option<i64> {
    let begins = |text: &str| tokens(text).any(|token| token.starts_with(word));
    let is_similar = || {
        word.chars().count() >= MIN_TYPO_TOLERANT_CHARS
            && tokens(product.name.as_str()).any(|token| distance(word, &token) <= 1)
    };
    let others = [product.sku.as_str(), product.category.as_str(), product.description.as_str()];
    match product.name.as_str() {
        name if begins(name) => Some(4),
        _ if is_similar() => Some(2),
        _ if others.into_iter().any(begins) => Some(1),
        _ => None,
    }
}

fn tokens(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|token| !token.is_empty()).map(str::to_lowercase)
}

/// Number of characters to insert, delete or replace to turn one word into the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

fn compare(sort: Sort, a: &(i64, Product), b: &(i64, Product)) -> Ordering {
    let name = |product: &Product| product.name.as_str().to_lowercase();
    let by_key = match sort {
        Sort::Newest | Sort::Oldest => a.1.created_at.cmp(&b.1.created_at),
        Sort::PriceAscending | Sort::PriceDescending => a.1.price.amount.cmp(&b.1.price.amount),
        Sort::Name | Sort::NameDescending => name(&a.1).cmp(&name(&b.1)),
        Sort::Relevance => a.0.cmp(&b.0),
    };
    let ascending = by_key.then(a.1.id.cmp(&b.1.id));
    if sort.is_descending() { ascending.reverse() } else { ascending }
}
