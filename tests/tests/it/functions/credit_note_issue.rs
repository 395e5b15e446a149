//! Processing of credit-note-issue's sample events.

use super::{ORDER, clock, consumers::deliver, platform_with_invoice, sample};
use domain::{
    DomainEvent, Event,
    event::{InvoiceIssued, PaymentRefunded, RefundFailed},
    id::{PaymentId, RefundId},
    invoice::Calendar,
};
use edge::{Consumer, Delivery};
use kernel::Failure;
use serde_json::json;
use testkit::{Dependency, Platform, build, ids};

async fn issue(platform: &Platform, delivery: Delivery<DomainEvent>) -> Result<(), Failure> {
    let (invoices, documents, renderer) = (platform.invoices(), platform.documents(), platform.invoice_renderer());
    credit_note_issue::handle(&invoices, &documents, &renderer, &Calendar::utc(), delivery).await
}

/// Delivers the sample once. Returns the number of messages that will be redelivered.
async fn run(platform: &Platform) -> usize {
    let (event, consumer) = (
        sample(catalog::CREDIT_NOTE_ISSUE, "ok"),
        Consumer::new(catalog::CREDIT_NOTE_ISSUE.name, catalog::MAX_RECEIVES),
    );
    let handler = async |delivery| issue(platform, delivery).await;
    let response = edge::queue::batch(&consumer, event, &clock(), &platform.dead_letters(), &handler).await;
    response.expect("a batch")["batchItemFailures"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn credit_note_issue_stores_one_document_under_a_number_of_its_own_series() {
    let platform = platform_with_invoice().await;
    deliver(catalog::CREDIT_NOTE_ISSUE, &["ok", "bad_mixed_batch"], &platform, async |delivery| {
        issue(&platform, delivery).await
    })
    .await;
    let [note] = &platform.invoices().all_credit_notes()[..] else { panic!("one credit note") };
    assert_eq!((note.number().as_str(), note.draft.refund.amount), ("CN-2026-000001", build::usd(100)));
    assert_eq!(note.draft.invoice_number, "2026-000001");
    assert!(platform.documents().bytes(&note.key()).is_some());
}

#[tokio::test]
async fn refund_before_the_invoice_gets_its_credit_note_once_the_invoice_is_issued() {
    let platform = Platform::new();
    assert_eq!(run(&platform).await, 0);
    assert_eq!(platform.invoices().all_credit_notes(), []);
    let invoiced = platform_with_invoice().await;
    assert_eq!(run(&invoiced).await, 0);
    let expected = invoiced.invoices().all_credit_notes();

    let late = platform;
    super::add_invoice(&late).await;
    let (number, key) = ("2026-000001".to_owned(), "2026/2026-000001.pdf".to_owned());
    let event = build::event(91, InvoiceIssued { order_id: ORDER, number, key });
    let delivery = edge::testing::delivery(catalog::CREDIT_NOTE_ISSUE.name, event, &clock());
    issue(&late, delivery).await.expect("issued");
    assert_eq!(late.invoices().all_credit_notes(), expected);
}

#[tokio::test]
async fn failed_upload_of_a_credit_note_is_retried_under_the_same_number() {
    let platform = platform_with_invoice().await;
    platform.faults().take_down(Dependency::Documents);
    assert_eq!(run(&platform).await, 1);
    platform.faults().restore_all();
    assert_eq!(run(&platform).await, 0);
    let [note] = &platform.invoices().all_credit_notes()[..] else { panic!("one credit note") };
    assert_eq!((note.position, platform.documents().bytes(&note.key()).is_some()), (1, true));
    assert_eq!(json!(note.draft.taxes), json!([]));
}

const REFUND: RefundId = RefundId(kernel::Uuid::from_u128(0xd1));

/// The refund as it was made in one version of its payment, and as it failed in another.
fn refunded_and_failed(made: u64, failed: u64) -> [Event; 2] {
    let (payment_id, order_id, refund_id, amount) = (PaymentId(ids::event(1)), ORDER, REFUND, build::usd(100));
    let (transaction_id, user_id, refunded_amount) = (Some("re_1".to_owned()), None, amount);
    let failed_id = transaction_id.clone();
    let refunded =
        PaymentRefunded { payment_id, order_id, user_id, refund_id, transaction_id, amount, refunded_amount };
    let code = "expired_or_canceled_card".to_owned();
    let failure = RefundFailed { payment_id, order_id, refund_id, transaction_id: failed_id, amount, code };
    let (first, second) = (build::event(95, refunded), build::event(96, failure));
    [Event { sequence: made, ..first }, Event { sequence: failed, ..second }]
}

async fn issue_each(platform: &Platform, events: impl IntoIterator<Item = Event>) {
    for event in events {
        let delivery = edge::testing::delivery(catalog::CREDIT_NOTE_ISSUE.name, event, &clock());
        issue(platform, delivery).await.expect("issued");
    }
}

#[tokio::test]
async fn credit_note_of_a_returned_refund_is_cancelled_once_under_the_next_number() {
    let platform = platform_with_invoice().await;
    let events = refunded_and_failed(2, 3);
    issue_each(&platform, events.clone().into_iter().chain(events)).await;
    let [note, cancellation] = &platform.invoices().all_credit_notes()[..] else { panic!("two documents") };
    assert_eq!((note.draft.cancels.as_deref(), cancellation.draft.cancels.as_deref()), (None, Some("CN-2026-000001")));
    assert_eq!(cancellation.draft.taxes, note.draft.taxes);
    assert!(platform.documents().bytes(&cancellation.key()).is_some());
}

#[tokio::test]
async fn refund_that_is_known_to_be_returned_gets_no_credit_note() {
    let platform = platform_with_invoice().await;
    let [refunded, failed] = refunded_and_failed(2, 3);
    issue_each(&platform, [failed, refunded]).await;
    assert_eq!(platform.invoices().all_credit_notes(), []);
}

#[tokio::test]
async fn refund_that_was_given_up_and_made_after_all_has_a_credit_note() {
    for is_failure_first in [true, false] {
        let platform = platform_with_invoice().await;
        let mut events = refunded_and_failed(5, 3);
        if is_failure_first {
            events.reverse();
        }
        issue_each(&platform, events).await;
        let [note] = &platform.invoices().all_credit_notes()[..] else { panic!("one credit note") };
        assert_eq!(note.draft.cancels, None);
    }
}
