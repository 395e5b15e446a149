//! Application services: steps that several handlers share and that take more than one call of a port.
//!
//! A service decides nothing about the business, which is the domain's part, and knows neither Lambda nor AWS.

#![allow(async_fn_in_trait)] // The runtime is single-threaded: no caller needs the futures to be Send.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that fails should fail here"))]

mod gateway;
mod notifications;
mod orders;
mod pages;
mod payments;
mod retry;
mod sweep;
mod verifications;

pub use gateway::{call_gateway, look_up_charge};
pub use notifications::{EmailChannel, NotificationChannel, NotificationJob, Notifier, PushChannel, SmsChannel};
pub use orders::{advance_order, commit_order};
pub use pages::{MAX_PAGE_BYTES, page_within};
pub use payments::{advance_payment, commit_payment, staff_metrics};
pub use retry::{MAX_OPTIMISTIC_RETRIES, retry_on_conflict};
pub use sweep::{Sweep, SweepSummary};
pub use verifications::MessageTokenSender;
