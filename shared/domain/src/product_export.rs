//! Exports of products: a file of JSON lines that an import takes, written in steps.

use crate::{
    id::{ExportId, ProductId},
    product::Product,
};
use kernel::{Failure, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Bytes of a part of a file at least, but for the last one: the least that S3 takes.
pub const PART_BYTES: usize = 5 * 1024 * 1024;

words! {
    /// State of an export.
    pub enum Status {
        /// The file is being written.
        Running,
        /// The file can be downloaded.
        Completed,
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    pub id: ExportId,
    pub status: Status,
    /// Products written so far.
    pub products: u64,
    /// The last of them; products are written in the order of their ids.
    pub after: Option<ProductId>,
    /// Id of the upload in parts, if the file has more than one.
    pub upload: Option<String>,
    /// ETags of the parts that are stored.
    pub parts: Vec<String>,
    pub created_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

impl Export {
    pub const fn new(id: ExportId, now: Timestamp) -> Self {
        Self {
            id,
            status: Status::Running,
            products: 0,
            after: None,
            upload: None,
            parts: Vec::new(),
            created_at: now,
            ended_at: None,
        }
    }

    /// Key of the file.
    pub fn file_key(&self) -> String {
        format!("exports/{}/products.jsonl", self.id)
    }

    /// Whether there is something left to do.
    pub fn is_open(&self) -> bool {
        self.status == Status::Running
    }

    pub fn complete(&mut self, now: Timestamp) {
        (self.status, self.ended_at) = (Status::Completed, Some(now));
    }
}

/// The line of a product, as an import takes it.
pub fn line(product: &Product) -> Result<String, Failure> {
    let line = json!({
        "sku": product.sku, "name": product.name, "description": product.description, "category": product.category,
        "price": product.price, "stock_quantity": product.stock_quantity.max(0),
    });
    serde_json::to_string(&line).map(|line| line + "\n").map_err(Failure::internal)
}
