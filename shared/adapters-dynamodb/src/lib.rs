//! Products in one DynamoDB table. The prefix of the key distinguishes the kinds of items.
//!
//! `PRODUCT#<id>` is a product, `SKU#<sku>` reserves its stock keeping unit, and `IDEM#<scope>#<key>` is an idempotency record, which
//! expires after a day. The stream of the table serves as the outbox.

mod item;
#[cfg(test)]
mod tests;

use adapters::aws;
use adapters::wiring::{Result, Wiring};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, KeysAndAttributes, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
    Update,
};
use domain::event::StockLevel;
use domain::id::ProductId;
use domain::product::Product;
use domain::text::Sku;
use futures_util::{FutureExt as _, future::BoxFuture};
use item::Item;
use kernel::{Failure, FailureKind, FieldError, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp};
use ports::{ChangedProduct, SweepPosition};

use std::collections::{BTreeSet, HashMap};

pub use item::product_from_image;

pub fn products(wiring: &Wiring) -> Result<DynamoProducts> {
    let table = wiring.table_name(&catalog::PRODUCTS)?;
    Ok(DynamoProducts::new(Client::new(wiring.sdk()?), table))
}

const DEPENDENCY: &str = "products table";

/// Reads of one batch. The table returns what it cannot read at once, because it is throttled or the items exceed 16 MB.
const MAX_BATCH_READS: usize = 3;

/// Seconds by which the clocks of two functions may differ: a condition can use no clock of the table.
const CLOCK_SKEW_S: i64 = 300;

/// Products in a table. What calls DynamoDB is boxed, so that the client is compiled here, and not in each function's crate.
#[derive(Debug, Clone)]
pub struct DynamoProducts {
    client: Client,
    table: String,
}

impl DynamoProducts {
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    fn put(&self, item: Item, condition: &str, now_s: Option<i64>) -> Result<TransactWriteItem, Failure> {
        let mut put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression(condition)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        if let Some(now_s) = now_s {
            put = put.expression_attribute_values(":now", item::number(now_s));
        }
        Ok(TransactWriteItem::builder().put(put.build().map_err(Failure::internal)?).build())
    }

    /// Inserts the idempotency record of a request. An expired one is replaced, since DynamoDB deletes it only within days.
    fn record(&self, key: &IdempotencyKey, reply: &StoredReply, now: Timestamp) -> Result<TransactWriteItem, Failure> {
        let absent_or_expired = "attribute_not_exists(pk) OR expires_at < :now";
        let expired_before = now.as_second().saturating_sub(CLOCK_SKEW_S);
        self.put(item::idempotency(key, reply, now)?, absent_or_expired, Some(expired_before))
    }

    /// Writes all items or none. The first one is the idempotency record. `None` if the condition of the second one was not met.
    fn commit<'a>(
        &'a self,
        writes: Vec<TransactWriteItem>,
        key: &'a IdempotencyKey,
    ) -> BoxFuture<'a, Result<Option<IdempotencyOutcome>, Failure>> {
        async move {
            let written = self.client.transact_write_items().set_transact_items(Some(writes)).send().await;
            let Err(error) = written else { return Ok(Some(IdempotencyOutcome::Committed)) };
            match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                    outcome_of(cancelled.cancellation_reasons(), key)
                }
                Some(TransactWriteItemsError::TransactionInProgressException(_)) => {
                    Err(Failure::unavailable(DEPENDENCY, "the same transaction is in progress"))
                }
                _ => Err(aws::to_failure(DEPENDENCY, &error)),
            }
        }
        .boxed()
    }

    /// The items of products, in any order.
    fn read<'a>(&'a self, ids: &'a [ProductId]) -> BoxFuture<'a, Result<Vec<Item>, Failure>> {
        async move {
            let keys: BTreeSet<String> = ids.iter().map(|id| item::product_key(*id)).collect();
            let mut keys: Vec<Item> =
                keys.into_iter().map(|key| Item::from([(item::KEY.to_owned(), AttributeValue::S(key))])).collect();
            let mut found = Vec::with_capacity(keys.len());
            for _ in 0..MAX_BATCH_READS {
                if keys.is_empty() {
                    return Ok(found);
                }
                let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
                let wanted = wanted.map_err(Failure::internal)?;
                let read = self.client.batch_get_item().request_items(&self.table, wanted).send().await;
                let read = read.map_err(|error| aws::to_failure(DEPENDENCY, &error))?;
                let items = read.responses.unwrap_or_default().remove(&self.table).unwrap_or_default();
                found.extend(items);
                keys = read
                    .unprocessed_keys
                    .unwrap_or_default()
                    .remove(&self.table)
                    .map_or_else(Vec::new, |left| left.keys);
            }
            match keys.is_empty() {
                true => Ok(found),
                false => Err(Failure::unavailable(DEPENDENCY, "keys of a batch remain unread")),
            }
        }
        .boxed()
    }

    fn find(&self, key: String) -> BoxFuture<'_, Result<Option<Item>, Failure>> {
        async move {
            let get = self.client.get_item().table_name(&self.table).key(item::KEY, AttributeValue::S(key));
            let response = get.consistent_read(true).send().await;
            Ok(response.map_err(|error| aws::to_failure(DEPENDENCY, &error))?.item)
        }
        .boxed()
    }
}

/// Positions of the writes in a transaction.
const IDEMPOTENCY_WRITE: usize = 0;
const CONDITIONAL_WRITE: usize = 1;

fn sku_taken() -> Failure {
    let fields = vec![FieldError { pointer: "/sku".to_owned(), detail: "is taken by another product".to_owned() }];
    Failure { fields, ..Failure::new(FailureKind::Conflict, ports::SKU_TAKEN, "This SKU is taken.") }
}

/// The outcome of a cancelled transaction; `None` if the condition of its second write was not met. The reasons have the order of the
/// writes.
fn outcome_of(reasons: &[CancellationReason], key: &IdempotencyKey) -> Result<Option<IdempotencyOutcome>, Failure> {
    let code = |i: usize| reasons.get(i).and_then(CancellationReason::code).unwrap_or("None");
    match (code(IDEMPOTENCY_WRITE), code(CONDITIONAL_WRITE)) {
        ("ConditionalCheckFailed", _) => {
            // The condition fails only if there is a record, and the reason has it: `ReturnValuesOnConditionCheckFailure`.
            let item =
                reasons.get(IDEMPOTENCY_WRITE).and_then(CancellationReason::item).filter(|item| !item.is_empty());
            let item =
                item.ok_or_else(|| Failure::unavailable(DEPENDENCY, "the reason lacks the idempotency record"))?;
            item::replay(item, key).map(Some)
        }
        ("TransactionConflict", _) => {
            let detail = "A request with this Idempotency-Key is in progress.";
            Err(Failure::new(FailureKind::Conflict, "idempotency-key-in-flight", detail))
        }
        (_, "ConditionalCheckFailed") => Ok(None),
        _ => {
            let codes: Vec<_> = reasons.iter().filter_map(CancellationReason::code).collect();
            Err(Failure::unavailable(DEPENDENCY, format!("transaction cancelled: {}", codes.join(", "))))
        }
    }
}

impl ports::ProductStore for DynamoProducts {
    async fn create(
        &self,
        product: &Product,
        key: &IdempotencyKey,
        reply: &StoredReply,
    ) -> Result<IdempotencyOutcome, Failure> {
        let absent = "attribute_not_exists(pk)";
        let writes = vec![
            self.record(key, reply, product.created_at)?,
            self.put(item::sku_item(product)?, absent, None)?,
            self.put(item::product(product)?, absent, None)?,
        ];
        self.commit(writes, key).await?.ok_or_else(sku_taken)
    }

    async fn store_response(
        &self,
        key: &IdempotencyKey,
        reply: &StoredReply,
        now: Timestamp,
    ) -> Result<IdempotencyOutcome, Failure> {
        let outcome = self.commit(vec![self.record(key, reply, now)?], key).await?;
        outcome.ok_or_else(|| Failure::internal("a transaction of one write has no second one"))
    }

    async fn replace(&self, product: &Product) -> Result<bool, Failure> {
        let Change { expression, names, values } = Change::of(product)?;
        let updated = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(item::KEY, AttributeValue::S(item::product_key(product.id)))
            .condition_expression(Change::CONDITION)
            .update_expression(expression)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values));
        is_met(updated).await
    }

    async fn replace_with_key(
        &self,
        product: &Product,
        key: &IdempotencyKey,
        reply: &StoredReply,
    ) -> Result<Option<IdempotencyOutcome>, Failure> {
        let Change { expression, names, values } = Change::of(product)?;
        let update = Update::builder()
            .table_name(&self.table)
            .key(item::KEY, AttributeValue::S(item::product_key(product.id)))
            .condition_expression(Change::CONDITION)
            .update_expression(expression)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values));
        let update = TransactWriteItem::builder().update(update.build().map_err(Failure::internal)?).build();
        self.commit(vec![self.record(key, reply, product.updated_at)?, update], key).await
    }

    async fn get(&self, id: ProductId) -> Result<Option<Product>, Failure> {
        self.find(item::product_key(id)).await?.map(item::to_product).transpose()
    }

    async fn get_by_sku(&self, sku: &Sku) -> Result<Option<Product>, Failure> {
        match self.find(item::sku_key(sku)).await?.map(item::sku_owner).transpose()? {
            Some(id) => self.get(id).await,
            None => Ok(None),
        }
    }

    async fn find(&self, ids: &[ProductId]) -> Result<Vec<Product>, Failure> {
        self.read(ids).await?.into_iter().map(item::to_product).collect()
    }

    async fn set_stock(&self, level: &StockLevel) -> Result<bool, Failure> {
        let updated = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(item::KEY, AttributeValue::S(item::product_key(level.product_id)))
            .update_expression("SET stock_quantity = :available, stock_version = :version, #last_change = :stock")
            .expression_attribute_names("#last_change", item::LAST_CHANGE)
            .expression_attribute_values(":stock", AttributeValue::S(item::BY_STOCK.to_owned()))
            .condition_expression("attribute_exists(pk) AND stock_version < :version")
            .expression_attribute_values(":available", item::number(level.available))
            .expression_attribute_values(":version", item::number(level.version));
        is_met(updated).await
    }
}

impl ports::ProductChanges for DynamoProducts {
    async fn changed(&self, position: SweepPosition, limit: u32) -> Result<Vec<ChangedProduct>, Failure> {
        let hour = item::hour(position.hour);
        let start = position.after.map(|id| {
            let key = AttributeValue::S(item::product_key(id));
            Item::from([(item::KEY.to_owned(), key), (item::CHANGED_IN.to_owned(), hour.clone())])
        });
        let page = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(catalog::PRODUCTS.index.name)
            .key_condition_expression("changed_in = :hour")
            .expression_attribute_values(":hour", hour)
            .set_exclusive_start_key(start)
            .limit(i32::try_from(limit).map_err(Failure::internal)?)
            .send()
            .await
            .map_err(|error| aws::to_failure(DEPENDENCY, &error))?;
        let ids: Vec<_> = page.items().iter().map(item::changed_id).collect::<Result<_, _>>()?;
        let mut found = HashMap::new();
        for item in self.read(&ids).await? {
            found.insert(item::changed_id(&item)?, item::to_product(item));
        }
        let missing = || Err(Failure::internal("the index has a product that the table lacks"));
        // In the order of the index, in which the next page continues.
        Ok(ids.iter().map(|id| ChangedProduct { id: *id, product: found.remove(id).unwrap_or_else(missing) }).collect())
    }
}

/// An update of the members of a product that staff edit, from the version before.
struct Change {
    expression: String,
    names: HashMap<String, String>,
    values: Item,
}

impl Change {
    const CONDITION: &str = "version = :before";

    fn of(product: &Product) -> Result<Self, Failure> {
        let mut values = Item::from([(":before".to_owned(), item::number(product.version.saturating_sub(1)))]);
        let (mut names, mut assignments) = (HashMap::new(), Vec::new());
        // `name` is a reserved word: all attributes have placeholders.
        for (name, value) in item::change(product)? {
            assignments.push(format!("#{name} = :{name}"));
            values.insert(format!(":{name}"), value);
            names.insert(format!("#{name}"), name);
        }
        Ok(Self { expression: format!("SET {}", assignments.join(", ")), names, values })
    }
}

/// Writes, and returns whether the condition of the write was met.
fn is_met(update: UpdateItemFluentBuilder) -> BoxFuture<'static, std::result::Result<bool, Failure>> {
    async move {
        match update.send().await {
            Ok(_) => Ok(true),
            Err(error) if condition_failed(&error) => Ok(false),
            Err(error) => Err(aws::to_failure(DEPENDENCY, &error)),
        }
    }
    .boxed()
}

fn condition_failed<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    error.as_service_error().and_then(ProvideErrorMetadata::code) == Some("ConditionalCheckFailedException")
}
