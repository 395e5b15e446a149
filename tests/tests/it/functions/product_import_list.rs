//! Responses of product-import-list.

use super::{http::assert_responses, sample_time};
use domain::{
    id::ImportId,
    product_import::{self, CreateImport},
};
use ports::JobStore as _;
use serde_json::{Value, json};
use testkit::{Platform, ids};

#[tokio::test]
async fn product_import_list_shows_staff_the_imports_without_their_errors() {
    let platform = Platform::new();
    for number in 1..=2 {
        let command: CreateImport = serde_json::from_value(json!({ "size": number })).expect("a command");
        let import = product_import::create(ImportId(ids::event(number)), &command, sample_time()).expect("an import");
        platform.jobs().create(&import, sample_time()).await.expect("stored");
    }
    let expected = [
        ("ok", 200, "", ""),
        (r#"set /rawQueryString = "limit=1""#, 200, "", ""),
        ("bad_no_principal", 401, "unauthenticated", ""),
        (r#"set /requestContext/authorizer/lambda/role = "customer""#, 403, "forbidden", ""),
        (r#"set /rawQueryString = "cursor=x""#, 422, "validation", "?cursor"),
        (r#"set /rawQueryString = "limit=101""#, 422, "validation", "?limit"),
    ];
    assert_responses(catalog::PRODUCT_IMPORT_LIST, &expected, async |case, call| {
        let reply = product_import_list::handle(&platform.jobs(), call).await?;
        let body: Value = serde_json::from_str(reply.to_stored()?.body.as_str()).expect("JSON");
        let listed: Vec<&Value> = body["items"].as_array().expect("a list").iter().map(|item| &item["id"]).collect();
        let newest_first = [json!(ids::event(2)), json!(ids::event(1))];
        let shown = if case == "ok" { &newest_first[..] } else { &newest_first[..1] };
        assert_eq!(listed, shown.iter().collect::<Vec<_>>(), "{case}");
        assert_eq!((&body["items"][0]["errors"], &body["items"][0]["status"]), (&json!([]), &json!("awaiting_upload")));
        assert_eq!(body["next_cursor"].is_null(), case == "ok", "{case}: {body}");
        Ok(reply)
    })
    .await;
}
