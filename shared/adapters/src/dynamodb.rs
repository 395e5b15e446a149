//! Products: one DynamoDB table of items, told apart by the prefix of their key.
//!
//! `PRODUCT#<id>` is a product, `SKU#<sku>` the claim on its stock keeping unit, `IDEM#<scope>#<key>` the answer to the request that
//! made it, which expires after a day. The table's stream is the outbox: what is committed here is published from there.

mod item;
#[cfg(test)]
mod tests;

use crate::aws;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use domain::event::StockLevel;
use domain::id::ProductId;
use domain::product::Product;
use item::Item;
use kernel::{Failure, FailureKind, FieldError, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp};

pub use item::product_from_image;

const PART: &str = "products table";

/// Seconds by which the clocks of two functions may differ: conditions know no clock of the table's own.
const SKEW_S: i64 = 300;

/// Products on DynamoDB.
#[derive(Debug, Clone)]
pub struct DynamoProducts {
    client: Client,
    table: String,
}

impl DynamoProducts {
    /// The products in this table.
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

    /// Takes the key of a request. DynamoDB removes what has expired within days, not at once.
    fn record(&self, key: &IdempotencyKey, reply: &StoredReply, now: Timestamp) -> Result<TransactWriteItem, Failure> {
        let absent_or_expired = "attribute_not_exists(pk) OR expires_at < :now";
        let surely = now.as_second().saturating_sub(SKEW_S);
        self.put(item::idempotency(key, reply, now), absent_or_expired, Some(surely))
    }

    /// Does all these writes or none, the first of which takes the key.
    async fn commit(
        &self,
        writes: Vec<TransactWriteItem>,
        key: &IdempotencyKey,
    ) -> Result<IdempotencyOutcome, Failure> {
        let answer = self.client.transact_write_items().set_transact_items(Some(writes)).send().await;
        let Err(error) = answer else { return Ok(IdempotencyOutcome::Committed) };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                self.settle(cancelled.cancellation_reasons(), key).await
            }
            Some(TransactWriteItemsError::TransactionInProgressException(_)) => {
                Err(Failure::unavailable(PART, "the same transaction is still under way"))
            }
            _ => Err(aws::failed(PART, &error)),
        }
    }

    async fn find(&self, key: String) -> Result<Option<Item>, Failure> {
        let get = self.client.get_item().table_name(&self.table).key(item::KEY, AttributeValue::S(key));
        let answer = get.consistent_read(true).send().await;
        Ok(answer.map_err(|error| aws::failed(PART, &error))?.item)
    }

    /// What a cancelled transaction means: its reasons stand in the order of its writes.
    async fn settle(
        &self,
        reasons: &[CancellationReason],
        key: &IdempotencyKey,
    ) -> Result<IdempotencyOutcome, Failure> {
        let code = |i: usize| reasons.get(i).and_then(CancellationReason::code).unwrap_or("None");
        match (code(CLAIM_KEY), code(CLAIM_SKU)) {
            ("ConditionalCheckFailed", _) => {
                let told = reasons.get(CLAIM_KEY).and_then(CancellationReason::item).filter(|item| !item.is_empty());
                let item = match told {
                    Some(item) => Some(item.clone()),
                    None => self.find(item::idempotency_key(key)).await?,
                };
                // Expired in between: then the same request may be made again, and will go through.
                let item = item.ok_or_else(|| Failure::unavailable(PART, "the idempotency record has just expired"))?;
                item::settled(&item, key)
            }
            ("TransactionConflict", _) => {
                let detail = "A request with this Idempotency-Key is still under way.";
                Err(Failure::new(FailureKind::Conflict, "idempotency-key-in-flight", detail))
            }
            (_, "ConditionalCheckFailed") => {
                let detail = "is taken by another product".to_owned();
                let fields = vec![FieldError { pointer: "/sku".to_owned(), detail }];
                Err(Failure { fields, ..Failure::new(FailureKind::Conflict, ports::SKU_TAKEN, "This SKU is taken.") })
            }
            _ => {
                let codes: Vec<_> = reasons.iter().filter_map(CancellationReason::code).collect();
                Err(Failure::unavailable(PART, format!("transaction cancelled: {}", codes.join(", "))))
            }
        }
    }
}

/// Positions of the writes in a transaction.
const CLAIM_KEY: usize = 0;
const CLAIM_SKU: usize = 1;

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
            self.put(item::sku_claim(product), absent, None)?,
            self.put(item::product(product), absent, None)?,
        ];
        self.commit(writes, key).await
    }

    async fn store_rejection(
        &self,
        key: &IdempotencyKey,
        reply: &StoredReply,
        now: Timestamp,
    ) -> Result<IdempotencyOutcome, Failure> {
        self.commit(vec![self.record(key, reply, now)?], key).await
    }

    async fn get(&self, id: ProductId) -> Result<Option<Product>, Failure> {
        self.find(item::product_key(id)).await?.map(|item| item::to_product(&item)).transpose()
    }

    async fn set_stock(&self, level: &StockLevel) -> Result<bool, Failure> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(item::KEY, AttributeValue::S(item::product_key(level.product_id)))
            .update_expression("SET stock_quantity = :available, stock_version = :version")
            .condition_expression("attribute_exists(pk) AND stock_version < :version")
            .expression_attribute_values(":available", item::number(level.available))
            .expression_attribute_values(":version", item::number(level.version))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(error) if condition_failed(&error) => Ok(false),
            Err(error) => Err(aws::failed(PART, &error)),
        }
    }
}

fn condition_failed<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    error.as_service_error().and_then(ProvideErrorMetadata::code) == Some("ConditionalCheckFailedException")
}
