//! The only door to the cloud: AWS, Postgres, Redis, Kafka and the payment gateway behind the ports that handlers know.
//!
//! A function's `main` starts a [`Wiring`] from its row of the catalog and takes from it what the row declares. Clients are made
//! then, connections when a call first needs one.

mod aws;
pub mod config;
pub mod dynamodb;
pub mod eventbridge;
pub mod gateway;
pub mod invoice_pdf;
pub mod kafka;
pub mod kinesis;
pub mod message_templates;
pub mod passwords;
mod postal;
pub mod postgres;
mod presign;
pub mod product_snapshots;
pub mod redis_cache;
pub mod redis_circuit_breaker;
mod redis_link;
pub mod s3;
pub mod secret;
pub mod ses;
pub mod sns;
pub mod sqs;
#[cfg(test)]
mod testing;
pub mod tls;
pub mod tokens;
mod web;
mod wiring;

pub use dynamodb::product_from_image;
pub use edge::Error;
pub use ses::parse_email_feedback;
pub use wiring::Wiring;
