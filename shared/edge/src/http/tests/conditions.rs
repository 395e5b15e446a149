//! `If-Match` of requests.

use super::*;

#[tokio::test]
async fn if_match_is_a_star_or_strong_etags_and_required_where_the_handler_says_so() {
    let required = async |event: HttpEvent| {
        send(ROUTE, event.build(), async |call: Call<Change>| Ok(Reply::ok(call.if_match()?.matches(3)))).await
    };
    let honoured = async |event: HttpEvent| {
        let handler = async |call: Call<Change>| Ok(Reply::ok(call.optional_if_match()?.is_some()));
        send(ROUTE, event.build(), handler).await
    };
    let with = |tag: &str| patch().header("if-match", tag);
    assert_eq!(required(patch()).await.problem(), problem("if-match-missing", 428));
    assert_eq!(honoured(patch()).await.body(), json!(false));
    for bad in ["3", "\"3", "\"1\" \"2\"", ","] {
        for response in [required(with(bad)).await, honoured(with(bad)).await] {
            assert_eq!(response.problem(), problem("if-match-invalid", 400), "{bad}");
        }
        assert_eq!(change(ROUTE, with(bad)).await.status, 200, "{bad} is ignored");
    }
    for response in [required(with("W/\"3\"")).await, honoured(with("W/\"3\"")).await] {
        assert_eq!(response.problem(), problem("precondition-failed", 412));
    }
    assert_eq!(change(ROUTE, with("W/\"3\"")).await.status, 200, "like a strong one");
    for good in ["\"3\"", "*", "\"3\", \"4\"", "W/\"2\", \"3\""] {
        assert_eq!(required(with(good)).await.body(), json!(true), "{good}");
        assert_eq!(honoured(with(good)).await.body(), json!(true), "{good}");
    }
}
