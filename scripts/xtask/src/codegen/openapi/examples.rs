//! One example of each response body, as the contract shows it.
//!
//! Examples tell one story: a customer, Ada, places, pays and returns an order of two lanterns.

mod catalogue;
mod identity;
mod orders;
mod others;
mod payments;
mod records;

pub use identity::SIGNED_TOKEN;
pub use orders::{cancelled_order, shipped_order};
pub use others::{asyncapi, key_set, openapi};
pub use payments::{payment_with_approved_refund, payment_with_refund, pending_payment};

use crate::Result;
use api::ListView;
use domain::Money;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// A response body with an example.
pub trait Example: Serialize + Sized {
    fn example() -> Result<Self>;
}

/// Gives types their examples: `Type = expression;`. The expression may use `?`.
macro_rules! examples {
    ($($type:ty = $example:expr;)*) => {$(
        impl $crate::codegen::openapi::examples::Example for $type {
            fn example() -> $crate::Result<Self> {
                Ok($example)
            }
        }
    )*};
}
use examples;

impl Example for () {
    fn example() -> Result<Self> {
        Ok(())
    }
}

/// The only page of a list.
impl<T: Example> Example for ListView<T> {
    fn example() -> Result<Self> {
        Ok(Self { items: vec![T::example()?], next_cursor: None })
    }
}

/// The example of a type as JSON.
pub fn of<T: Example>() -> Result<Value> {
    body(T::example()?)
}

fn body(view: impl Serialize) -> Result<Value> {
    serde_json::to_value(view).map_err(|error| error.to_string())
}

const USER: &str = "0192f0c1-0000-7000-8000-000000000001";
const ADMIN: &str = "0192f0c1-0000-7000-8000-000000000002";
const PRODUCT: &str = "0192f0c1-0000-7000-8000-0000000000a1";
const ORDER: &str = "0192f0c1-0000-7000-8000-0000000000b1";
const PAYMENT: &str = "0192f0c1-0000-7000-8000-0000000000c1";
const REFUND: &str = "0192f0c1-0000-7000-8000-0000000000d1";
/// Whatever has no id in another example.
const OTHER: &str = "0192f0c1-0000-7000-8000-0000000000e1";

const NOON: &str = "2026-11-21T12:00:00Z";
const TEN_PAST: &str = "2026-11-21T12:10:00Z";
const NEXT_DAY: &str = "2026-11-22T12:00:00Z";
const NEXT_MONTH: &str = "2026-12-21T12:00:00Z";

/// An amount in US dollars, given in cents.
fn usd(cents: i64) -> Result<Money> {
    Money::new(cents, "USD").map_err(|error| error.to_string())
}

/// A value that is parsed from JSON, because its type has no other constructor.
fn parsed<T: DeserializeOwned>(json: Value) -> Result<T> {
    serde_json::from_value(json).map_err(|error| error.to_string())
}
