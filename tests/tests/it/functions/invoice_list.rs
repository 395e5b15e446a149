//! Responses of invoice-list to its sample events.

use super::{assert_all_samples_run, http::assert_responses, platform_with_invoice};

#[tokio::test]
async fn invoice_list_shows_own_invoices_and_those_of_a_customer_to_staff() {
    assert_all_samples_run(catalog::INVOICE_LIST, &["ok", "bad_no_principal"]);
    let expected = [
        ("ok", 200, "", ""),
        (
            r#"set /requestContext/authorizer/lambda/role = "staff"; set /rawQueryString = "user_id=0192f0c1-0000-7000-8000-000000000001""#,
            200,
            "",
            "",
        ),
        ("bad_no_principal", 401, "unauthenticated", ""),
        (r#"set /rawQueryString = "user_id=0192f0c1-0000-7000-8000-000000000009""#, 404, "not-found", ""),
        (r#"set /rawQueryString = "limit=0""#, 422, "validation", "?limit"),
        (r#"set /rawQueryString = "cursor=x""#, 422, "validation", "?cursor"),
    ];
    let platform = platform_with_invoice().await;
    assert_responses(catalog::INVOICE_LIST, &expected, async |case, call| {
        let reply = invoice_list::handle(&platform.invoices(), &platform.documents(), call).await;
        if case == "ok" {
            let body = reply.as_ref().ok().and_then(|reply| reply.to_stored().ok()).expect("a reply").body;
            assert!(body.contains("2026-000001") && body.contains("memory:///2026/"), "{body}");
        }
        reply
    })
    .await;
}
