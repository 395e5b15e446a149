//! Application services: steps that several handlers share and that take more than one call of a port.
//!
//! A service decides nothing about the business, which is the domain's part, and knows neither Lambda nor AWS.

#![allow(async_fn_in_trait)] // The runtime is single-threaded: no caller needs the futures to be Send.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that fails should fail here"))]

mod accounts;
mod archived_records;
mod clients;
mod gateway;
mod gateway_reports;
mod login_throttle;
mod notifications;
mod operators;
mod orders;
mod outbox;
mod pages;
mod passwords;
mod payments;
mod reconciliation;
mod records;
mod refunds;
mod retry;
mod sealed_replies;
mod second_factors;
mod sessions;
mod sweep;
mod unrecorded_charges;
mod verifications;
mod webhooks;

pub use accounts::administer;
pub use archived_records::{archived_record, complete_page};
pub use gateway::{Certainty, call_gateway, look_up_charge};
pub use gateway_reports::{ReportOutcome, record_report};
pub use login_throttle::LoginThrottle;
pub use notifications::{Channels, Notifier};
pub use operators::{forecasts, send_each};
pub use orders::{advance_order, commit_order, complete_prices};
pub use outbox::{Deleted, delete_expired, publish_waiting, requeue_undelivered};
pub use pages::{MAX_PAGE_BYTES, page_within};
pub use passwords::NewPasswords;
pub use payments::{advance_payment, commit_payment, get_payment, staff_metrics};
pub use reconciliation::reconcile_payment;
pub use records::{ReadableRecord, find_record, try_schema};
pub use refunds::record_all_refunds;
pub use retry::{MAX_OPTIMISTIC_RETRIES, retry_on_conflict};
pub use sealed_replies::commit_sealed;
pub use second_factors::new_recovery_codes;
pub use sessions::begin_session;
pub use sweep::{Sweep, SweepSummary};
pub use unrecorded_charges::{UnrecordedCharge, return_charge};
pub use verifications::{PasswordResetMailer, VerificationMessageSender};
pub use webhooks::{WebhookAttempt, WebhookAttempts, enabled_endpoint, shown_webhook_secret};
