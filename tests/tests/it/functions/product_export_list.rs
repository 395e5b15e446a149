//! Responses of product-export-list.

use super::{http::assert_responses, sample_time};
use domain::{id::ExportId, product_export::Export};
use ports::JobStore as _;
use serde_json::{Value, json};
use testkit::{Platform, ids};

#[tokio::test]
async fn product_export_list_shows_staff_the_exports_without_links() {
    let platform = Platform::new();
    for number in 1..=2 {
        let export = Export::new(ExportId(ids::event(number)), sample_time());
        platform.jobs().create(&export, sample_time()).await.expect("stored");
    }
    let expected = [
        ("ok", 200, "", ""),
        (r#"set /rawQueryString = "limit=1""#, 200, "", ""),
        ("bad_no_principal", 401, "unauthenticated", ""),
        (r#"set /requestContext/authorizer/lambda/role = "customer""#, 403, "forbidden", ""),
        (r#"set /rawQueryString = "cursor=x""#, 422, "validation", "?cursor"),
    ];
    assert_responses(catalog::PRODUCT_EXPORT_LIST, &expected, async |case, call| {
        let reply = product_export_list::handle(&platform.jobs(), call).await?;
        let body: Value = serde_json::from_str(reply.to_stored()?.body.as_str()).expect("JSON");
        let listed: Vec<&Value> = body["items"].as_array().expect("a list").iter().map(|item| &item["id"]).collect();
        let newest_first = [json!(ids::event(2)), json!(ids::event(1))];
        let shown = if case == "ok" { &newest_first[..] } else { &newest_first[..1] };
        assert_eq!(listed, shown.iter().collect::<Vec<_>>(), "{case}");
        assert_eq!((&body["items"][0]["url"], &body["items"][0]["status"]), (&json!(null), &json!("running")));
        assert_eq!(body["next_cursor"].is_null(), case == "ok", "{case}: {body}");
        Ok(reply)
    })
    .await;
}
