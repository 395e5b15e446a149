//! Writes the products of lines.

use domain::{
    id::ProductId,
    json_lines::{Line, MAX_LINE_BYTES},
    product::{self, CreateProduct, UpdateProduct},
    product_import::{self, Import, ImportLineOutcome, Mode},
};
use edge::{
    http::read_line,
    schedule::Tick,
    telemetry::{self, metrics},
};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use kernel::{Failure, FailureKind, IDEMPOTENCY_KEY_REUSED, IdempotencyKey, IdempotencyOutcome};
use ports::{PRODUCT_MALFORMED, ProductStore, SKU_TAKEN};
use services::{MAX_OPTIMISTIC_RETRIES, retry_on_conflict};
use std::collections::HashSet;

/// Lines that are written at the same time: while one waits for the table, others proceed.
const CONCURRENT_LINES: usize = 10;

/// The result of a line: the outcome, or the rejection.
type Written = Result<ImportLineOutcome, Failure>;

/// Writes the products of `lines`. Returns the result of each that is not empty, with its number, in order. Fails if the table is unavailable,
/// whatever has been written then.
pub async fn write_all(
    products: &impl ProductStore,
    import: &Import,
    lines: &[Line<'_>],
    tick: &Tick,
) -> Result<Vec<(u64, Written)>, Failure> {
    let numbered = (import.progress.lines + 1..).zip(lines);
    let read: Vec<(u64, Result<CreateProduct, Failure>)> =
        numbered.filter_map(|(number, line)| Some((number, parse(*line)?))).collect();
    // Of several lines with one SKU, the first one is written.
    let mut skus = HashSet::new();
    let is_distinct = read.iter().filter_map(|(_, line)| line.as_ref().ok()).all(|line| skus.insert(line.sku.clone()));
    let width = if is_distinct { CONCURRENT_LINES } else { 1 };
    let write = |(number, line)| async move {
        let written = match line {
            Ok(line) => write(products, import, number, &line, tick).await?,
            Err(rejection) => Err(rejection),
        };
        Ok((number, written))
    };
    stream::iter(read).map(write).buffered(width).try_collect().await
}

/// `None` for an empty line.
fn parse(line: Line<'_>) -> Option<Result<CreateProduct, Failure>> {
    match line {
        Line::Empty => None,
        Line::Text(text) => Some(read_line(text)),
        Line::TooLong => {
            let detail = format!("A line has at most {MAX_LINE_BYTES} bytes.");
            Some(Err(Failure::new(FailureKind::TooLarge, "line-too-long", detail)))
        }
    }
}

async fn write(
    products: &impl ProductStore,
    import: &Import,
    number: u64,
    line: &CreateProduct,
    tick: &Tick,
) -> Result<Written, Failure> {
    let key = import.key(&line.sku, number);
    let written = retry_on_conflict(MAX_OPTIMISTIC_RETRIES, "product", async || {
        attempt(products, import.mode, line, &key, tick).await
    });
    match written.await {
        Ok(outcome) => Ok(Ok(outcome)),
        Err(failure) if failure.code == IDEMPOTENCY_KEY_REUSED => Ok(Err(product_import::repeated_sku())),
        Err(failure) if failure.code == SKU_TAKEN => Ok(Err(failure)),
        // A repetition would end in the same way, and the lines after it would never be written.
        Err(failure) if failure.code == PRODUCT_MALFORMED => {
            metrics::count("RowsUndecodable", 1);
            let item = format_args!("{number} of import {}", import.id);
            telemetry::log_item_failure("import of a line", item, &failure);
            Ok(Err(product_import::internal_error()))
        }
        Err(failure) => Err(failure),
    }
}

/// Writes the product of a line; `None` if another change came in between.
async fn attempt(
    products: &impl ProductStore,
    mode: Mode,
    line: &CreateProduct,
    key: &IdempotencyKey,
    tick: &Tick,
) -> Result<Option<ImportLineOutcome>, Failure> {
    let known = match mode {
        Mode::Create => None,
        Mode::Upsert => products.get_by_sku(&line.sku).await?,
    };
    let (outcome, stored) = match known {
        None => {
            let product = product::create(ProductId(tick.ids.next()), line.clone(), tick.now);
            match products.create(&product, key, &product_import::reply(ImportLineOutcome::Created)).await {
                Err(failure) if failure.code == SKU_TAKEN && mode == Mode::Upsert => return Ok(None),
                stored => (ImportLineOutcome::Created, stored?),
            }
        }
        Some(known) if !known.active => return Err(product_import::withdrawn_sku()),
        Some(known) if product_import::is_stated(&known, line) => {
            let reply = product_import::reply(ImportLineOutcome::Unchanged);
            (ImportLineOutcome::Unchanged, products.store_response(key, &reply, tick.now).await?)
        }
        Some(known) => {
            let CreateProduct { sku, name, description, category, price, stock_quantity: _ } = line.clone();
            let change = UpdateProduct { sku: Some(sku), name, description, category, price };
            let changed = product::update(&known, change, tick.now)?;
            let reply = product_import::reply(ImportLineOutcome::Updated);
            match products.replace_with_key(&changed, key, &reply).await? {
                Some(stored) => (ImportLineOutcome::Updated, stored),
                None => return Ok(None),
            }
        }
    };
    match stored {
        IdempotencyOutcome::Committed => Ok(Some(outcome)),
        IdempotencyOutcome::Replayed(reply) => product_import::outcome(&reply).map(Some),
    }
}
