//! Processing of credit-note-issue's sample events.

use super::{ORDER, clock, consumers::deliver, platform_with_invoice, sample};
use domain::{DomainEvent, event::InvoiceIssued, invoice::Calendar};
use edge::{Consumer, Delivery};
use kernel::Failure;
use serde_json::json;
use testkit::{Dependency, Platform, build};

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
