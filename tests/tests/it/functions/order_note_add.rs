//! Responses of order-note-add to its sample events.

use super::{assert_all_samples_run, http::assert_responses, placed, seeded_platform};
use ports::OrderNotes;

#[tokio::test]
async fn order_note_add_stores_a_note_of_staff_once() {
    assert_all_samples_run(catalog::ORDER_NOTE_ADD, &["ok", "bad_unknown_field"]);
    let expected = [
        ("ok", 201, "", ""),
        ("ok", 201, "", ""),
        ("bad_unknown_field", 422, "validation", "/unknown"),
        (r#"set /body/text = " ""#, 422, "validation", "/text"),
        (r#"set /requestContext/authorizer/lambda/role = "customer""#, 403, "forbidden", ""),
        ("remove /requestContext/authorizer", 401, "unauthenticated", ""),
        (r#"set /pathParameters/id = "0192f0c1-0000-7000-8000-0000000000ff""#, 404, "not-found", ""),
    ];
    let platform = seeded_platform();
    platform.orders().put(&placed());
    assert_responses(catalog::ORDER_NOTE_ADD, &expected, async |_, call| {
        order_note_add::handle(&platform.orders(), call).await
    })
    .await;
    let notes = platform.orders().notes(super::ORDER, 10, None).await.expect("the store responds").expect("an order");
    let texts: Vec<_> = notes.items.iter().map(|note| note.text.as_str()).collect();
    assert_eq!(texts, ["The customer asked for a gift wrap."]);
}
