//! In-memory fakes of products, product snapshots and the cache.

use super::{Cache, Dependency, ProductSnapshots, Products, keys::IdempotencyKeys};
use domain::{event::StockLevel, id::ProductId, order::ProductSnapshot, product::Product, text::Sku};
use kernel::{Failure, FailureKind, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp};
use ports::{ChangedProduct, SweepPosition};
use std::collections::{BTreeSet, HashMap};

#[derive(Default)]
pub(super) struct ProductsState {
    products: HashMap<ProductId, Product>,
    keys: IdempotencyKeys,
    created: Vec<Product>,
    /// Products before and after each change by staff.
    replaced: Vec<(Product, Product)>,
    snapshot_requests: usize,
    /// Products that cannot be decoded.
    unreadable: BTreeSet<ProductId>,
}

impl ProductsState {
    /// Replaces the version before that of `product`, whose stock figure stays. Returns whether it is stored.
    fn replace(&mut self, product: &Product) -> bool {
        let Some(stored) = self.products.get_mut(&product.id).filter(|old| old.version + 1 == product.version) else {
            return false;
        };
        let (stock_quantity, stock_version) = (stored.stock_quantity, stored.stock_version);
        let after = Product { stock_quantity, stock_version, ..product.clone() };
        let before = std::mem::replace(stored, after.clone());
        self.replaced.push((before, after));
        true
    }
}

#[derive(Default)]
pub(super) struct CacheState {
    values: HashMap<String, (String, u64)>,
    second: u64,
    errors: u64,
}

impl Products {
    /// All products, oldest first.
    pub fn all(&self) -> Vec<Product> {
        let mut all: Vec<Product> = self.0.inspect(|state| state.products.products.values().cloned().collect());
        all.sort_by_key(|product| (product.created_at, product.id));
        all
    }

    /// Stores a product without an idempotency key and without a change on the stream.
    pub fn put(&self, product: &Product) {
        self.0.arrange(|state| state.products.products.insert(product.id, product.clone()));
    }

    /// Makes a product one that cannot be found by its SKU or among the changed ones, because its item cannot be decoded.
    pub fn spoil(&self, id: ProductId) {
        self.0.arrange(|state| state.products.unreadable.insert(id));
    }

    /// Ends [`Self::spoil`].
    pub fn restore(&self, id: ProductId) {
        self.0.arrange(|state| state.products.unreadable.remove(&id));
    }

    /// All created products, in order: the records of the table's stream.
    pub fn created(&self) -> Vec<Product> {
        self.created_after(0)
    }

    /// All created products but the first `count`.
    pub fn created_after(&self, count: usize) -> Vec<Product> {
        self.0.inspect(|state| state.products.created.iter().skip(count).cloned().collect())
    }
}

impl Products {
    /// Each product before and after a change by staff, in order.
    pub fn replaced(&self) -> Vec<(Product, Product)> {
        self.0.inspect(|state| state.products.replaced.clone())
    }
}

fn malformed() -> Failure {
    Failure { code: ports::PRODUCT_MALFORMED, ..Failure::internal("the product is malformed") }
}

impl ports::ProductChanges for Products {
    async fn changed(&self, position: SweepPosition, limit: u32) -> Result<Vec<ChangedProduct>, Failure> {
        let hour_of = |at: Timestamp| at.as_second().div_euclid(3600);
        let step = self.0.step(Dependency::Table, "products.changed", |state| {
            let changed = state.products.products.values().filter(|one| {
                hour_of(one.updated_at) == hour_of(position.hour) && position.after.is_none_or(|after| one.id > after)
            });
            let mut changed: Vec<Product> = changed.cloned().collect();
            changed.sort_by_key(|product| product.id);
            changed.truncate(usize::try_from(limit).map_err(Failure::internal)?);
            let read = |product: Product| match state.products.unreadable.contains(&product.id) {
                true => ChangedProduct { id: product.id, product: Err(malformed()) },
                false => ChangedProduct { id: product.id, product: Ok(product) },
            };
            Ok(changed.into_iter().map(read).collect())
        });
        step.await
    }
}

impl ports::ProductStore for Products {
    async fn create(
        &self,
        product: &Product,
        key: &IdempotencyKey,
        reply: &StoredReply,
    ) -> Result<IdempotencyOutcome, Failure> {
        let step = self.0.step(Dependency::Table, "products.create", |state| {
            let products = &mut state.products;
            if let Some(settled) = products.keys.find(key)? {
                return Ok(settled);
            }
            if products.products.values().any(|other| other.sku == product.sku) {
                let detail = "Another product has this SKU.";
                let taken = Failure::new(FailureKind::Conflict, ports::SKU_TAKEN, detail);
                return Err(Failure { fields: Failure::field("/sku", "is taken").fields, ..taken });
            }
            products.products.insert(product.id, product.clone());
            products.keys.record(key, Some(reply));
            products.created.push(product.clone());
            Ok(IdempotencyOutcome::Committed)
        });
        step.await
    }

    async fn store_response(
        &self,
        key: &IdempotencyKey,
        reply: &StoredReply,
        _: Timestamp,
    ) -> Result<IdempotencyOutcome, Failure> {
        let step = self.0.step(Dependency::Table, "products.store_response", |state| {
            if let Some(settled) = state.products.keys.find(key)? {
                return Ok(settled);
            }
            state.products.keys.record(key, Some(reply));
            Ok(IdempotencyOutcome::Committed)
        });
        step.await
    }

    async fn replace(&self, product: &Product) -> Result<bool, Failure> {
        self.0.step(Dependency::Table, "products.replace", |state| Ok(state.products.replace(product))).await
    }

    async fn replace_with_key(
        &self,
        product: &Product,
        key: &IdempotencyKey,
        reply: &StoredReply,
    ) -> Result<Option<IdempotencyOutcome>, Failure> {
        let step = self.0.step(Dependency::Table, "products.replace_with_key", |state| {
            if let Some(settled) = state.products.keys.find(key)? {
                return Ok(Some(settled));
            }
            if !state.products.replace(product) {
                return Ok(None);
            }
            state.products.keys.record(key, Some(reply));
            Ok(Some(IdempotencyOutcome::Committed))
        });
        step.await
    }

    async fn get(&self, id: ProductId) -> Result<Option<Product>, Failure> {
        self.0.query(Dependency::Table, |state| Ok(state.products.products.get(&id).cloned())).await
    }

    async fn get_by_sku(&self, sku: &Sku) -> Result<Option<Product>, Failure> {
        let query = self.0.query(Dependency::Table, |state| {
            let found = state.products.products.values().find(|product| product.sku == *sku).cloned();
            match found {
                Some(product) if state.products.unreadable.contains(&product.id) => Err(malformed()),
                found => Ok(found),
            }
        });
        query.await
    }

    async fn find(&self, ids: &[ProductId]) -> Result<Vec<Product>, Failure> {
        let ids: BTreeSet<&ProductId> = ids.iter().collect();
        let query = self.0.query(Dependency::Table, |state| {
            Ok(ids.into_iter().filter_map(|id| state.products.products.get(id)).cloned().collect())
        });
        query.await
    }

    async fn set_stock(&self, level: &StockLevel) -> Result<bool, Failure> {
        let step = self.0.step(Dependency::Table, "products.set_stock", |state| {
            let product = state.products.products.get_mut(&level.product_id);
            let Some(product) = product.filter(|product| product.stock_version < level.version) else {
                return Ok(false);
            };
            product.stock_quantity = level.available;
            product.stock_version = level.version;
            Ok(true)
        });
        step.await
    }
}

impl ProductSnapshots {
    /// Number of requests so far.
    pub fn request_count(&self) -> usize {
        self.0.inspect(|state| state.products.snapshot_requests)
    }
}

impl ports::ProductSnapshots for ProductSnapshots {
    async fn find(&self, products: &[ProductId]) -> Result<Vec<ProductSnapshot>, Failure> {
        let query = self.0.query(Dependency::Table, |state| {
            let found = products.iter().filter_map(|id| state.products.products.get(id)).filter(|found| found.active);
            Ok(found.map(Product::snapshot).collect())
        });
        let found = query.await;
        self.0.arrange_memory(|state| state.products.snapshot_requests += 1);
        found
    }
}

impl Cache {
    /// Advances the clock of the cache.
    pub fn advance(&self, seconds: u32) {
        self.0.arrange(|state| state.cache.second += u64::from(seconds));
    }

    /// Number of failed cache operations.
    pub fn errors(&self) -> u64 {
        self.0.inspect(|state| state.cache.errors)
    }

    fn record_error(&self) {
        self.0.arrange(|state| state.cache.errors += 1);
    }
}

/// How often a process looks for a value that another one loads.
const LOOKS: usize = 6;

impl ports::Cache for Cache {
    async fn get(&self, key: &str) -> Option<String> {
        let query = self.0.query(Dependency::Cache, |state| {
            let cache = &state.cache;
            Ok(cache.values.get(key).filter(|(_, until)| *until > cache.second).map(|(value, _)| value.clone()))
        });
        let found = query.await;
        found.unwrap_or_else(|_| {
            self.record_error();
            None
        })
    }

    async fn put(&self, key: &str, value: &str, ttl_s: u32) {
        let step = self.0.step(Dependency::Cache, "cache.put", |state| {
            let until = state.cache.second + u64::from(ttl_s);
            state.cache.values.insert(key.to_owned(), (value.to_owned(), until));
            Ok(())
        });
        if step.await.is_err() {
            self.record_error();
        }
    }

    async fn invalidate(&self, key: &str) {
        let step = self.0.step(Dependency::Cache, "cache.invalidate", |state| Ok(state.cache.values.remove(key)));
        if step.await.is_err() {
            self.record_error();
        }
    }

    async fn try_load_lock(&self, key: &str, ttl_s: u32) -> bool {
        let step = self.0.step(Dependency::Cache, "cache.try_load_lock", |state| {
            let CacheState { values, second, .. } = &mut state.cache;
            let lock = format!("lead:{key}");
            let is_free = values.get(&lock).is_none_or(|(_, until)| *until <= *second);
            if is_free {
                values.insert(lock, (String::new(), *second + u64::from(ttl_s)));
            }
            Ok(is_free)
        });
        step.await.unwrap_or_else(|_| {
            self.record_error();
            true
        })
    }

    /// Looks as often as the cache on Redis does. Other processes go on meanwhile if operations are interleaved.
    async fn wait(&self, key: &str) -> Option<String> {
        for _ in 0..LOOKS {
            if let Some(found) = self.get(key).await {
                return Some(found);
            }
        }
        None
    }
}
