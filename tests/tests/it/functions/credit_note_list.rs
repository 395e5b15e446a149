//! Responses of credit-note-list to its sample events.

use super::{assert_all_samples_run, http::assert_responses, platform_with_invoice};
use domain::{
    credit_note::{self, Refund},
    event::CreditNoteIssued,
    id::RefundId,
    invoice::Calendar,
};
use ports::CreditNoteStore;
use testkit::build;

#[tokio::test]
async fn credit_note_list_shows_credit_notes_with_links_to_owner_and_staff() {
    assert_all_samples_run(catalog::CREDIT_NOTE_LIST, &["ok", "bad_no_principal"]);
    let expected = [
        ("ok", 200, "", ""),
        (r#"set /requestContext/authorizer/lambda/role = "staff""#, 200, "", ""),
        ("bad_no_principal", 401, "unauthenticated", ""),
        (r#"set /requestContext/authorizer/lambda/sub = "0192f0c1-0000-7000-8000-000000000009""#, 404, "not-found", ""),
        (r#"set /pathParameters/id = "0192f0c1-0000-7000-8000-0000000000ff""#, 404, "not-found", ""),
    ];
    let platform = platform_with_invoice().await;
    let invoice = platform.invoices().all().remove(0);
    let (amount, refund_id) = (build::usd(100), RefundId(kernel::Uuid::nil()));
    let refund = Refund { refund_id, order_id: super::ORDER, amount, refunded: amount };
    platform.invoices().record_refund(&refund, 2).await.expect("recorded");
    let draft = credit_note::draft(&invoice, refund).expect("a draft");
    let issued = |note: &credit_note::CreditNote| {
        let (order_id, number, key) = (super::ORDER, note.number(), note.key());
        build::event(92, CreditNoteIssued { order_id, refund_id, number, key, cancels: None })
    };
    let numbered =
        platform.invoices().number_credit_note(&draft, &Calendar::utc(), super::sample_time(), &issued).await;
    let number = numbered.expect("a number").number();
    assert_responses(catalog::CREDIT_NOTE_LIST, &expected, async |case, call| {
        let reply = credit_note_list::handle(&platform.invoices(), &platform.documents(), call).await;
        if case == "ok" {
            let body = reply.as_ref().ok().and_then(|reply| reply.to_stored().ok()).expect("a reply").body;
            assert!(body.contains(&number) && body.contains("memory:///CN-2026/"), "{body}");
        }
        reply
    })
    .await;
}
