//! Responses of order-note-list to its sample events.

use super::{assert_all_samples_run, http::assert_responses, placed, seeded_platform};

#[tokio::test]
async fn order_note_list_shows_notes_to_staff_only() {
    assert_all_samples_run(catalog::ORDER_NOTE_LIST, &["ok", "bad_no_principal"]);
    let expected = [
        ("ok", 200, "", ""),
        ("bad_no_principal", 401, "unauthenticated", ""),
        (r#"set /requestContext/authorizer/lambda/role = "customer""#, 403, "forbidden", ""),
        (r#"set /pathParameters/id = "0192f0c1-0000-7000-8000-0000000000ff""#, 404, "not-found", ""),
        (r#"set /rawQueryString = "limit=0""#, 422, "validation", "?limit"),
    ];
    let platform = seeded_platform();
    platform.orders().put(&placed());
    assert_responses(catalog::ORDER_NOTE_LIST, &expected, async |_, call| {
        order_note_list::handle(&platform.orders(), call).await
    })
    .await;
}
