//! Which dead letters a request moves, at what rate, and what is recorded of it.

use super::*;

fn redrive(members: Value) -> Redrive {
    let mut request = json!({ "reason": "gateway is back" });
    request.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    serde_json::from_value(request).unwrap()
}

fn message(n: u128, reason: Option<&str>) -> DeadMessage {
    DeadMessage {
        id: Uuid::from_u128(n).to_string(),
        receipt_handle: String::new(),
        body: String::new(),
        dead_since: Timestamp::UNIX_EPOCH,
        notes: reason.map(|reason| ("reason".to_owned(), reason.to_owned())).into_iter().collect(),
        attributes: [].into(),
    }
}

#[test]
fn messages_are_chosen_by_id_by_reason_and_by_number() {
    let messages = [message(1, Some("not-found")), message(2, None), message(3, Some("not-found"))];
    let chosen = |members: Value| {
        let (chosen, others, _) = redrive(members).partition(messages.to_vec());
        assert_eq!(chosen.len() + others.len(), 3);
        let ids = chosen.iter().map(|message| message.id.parse::<Uuid>().unwrap().as_u128());
        ids.collect::<Vec<_>>()
    };
    let third = [Uuid::from_u128(3), Uuid::nil()];
    assert_eq!(chosen(json!({})), [1, 2, 3]);
    assert_eq!(chosen(json!({ "max": 2 })), [1, 2]);
    assert_eq!(chosen(json!({ "message_ids": third })), [3]);
    assert_eq!(chosen(json!({ "reason_code": "not-found" })), [1, 3]);
    assert_eq!(chosen(json!({ "reason_code": "not-found", "max": 1 })), [1]);
    assert_eq!(chosen(json!({ "reason_code": "moved-by-sqs" })), [2]);
    assert_eq!(chosen(json!({ "reason_code": "moved-by-sqs", "message_ids": third })), [0; 0]);
    let searched = |members: Value| redrive(members).search_limit();
    assert_eq!([searched(json!({ "max": 2 })), searched(json!({ "max": 2, "dry_run": true }))], [2, 3]);
    for selection in [json!({ "message_ids": third }), json!({ "reason_code": "not-found" })] {
        assert_eq!(searched(selection), MAX_SEARCHED);
    }
}

#[test]
fn dry_run_knows_whether_there_are_more() {
    let has_more =
        |members: Value, count: u128| redrive(members).partition((0..count).map(|n| message(n, None)).collect()).2;
    let dry = |count| has_more(json!({ "dry_run": true, "max": 2 }), count);
    assert_eq!([dry(1), dry(2), dry(3)], [Some(false), Some(false), Some(true)]);
    let act = |count| has_more(json!({ "max": 2 }), count);
    assert_eq!([act(1), act(2)], [Some(false), None]);
    let named = json!({ "reason_code": "moved-by-sqs", "max": 1 });
    assert_eq!([1, 2, 1_000].map(|count| has_more(named.clone(), count)), [Some(false), Some(true), Some(true)]);
    assert_eq!(has_more(json!({ "reason_code": "not-found" }), 1_000), None, "others may follow");
}

#[test]
fn discard_says_which_messages_and_nothing_about_their_delivery() {
    let check = |members: Value| {
        let mut discard = json!({ "action": "discard" });
        discard.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        redrive(discard).check(catalog::STOCK_RESERVE).map_err(|failure| failure.fields[0].pointer.clone())
    };
    let ids = json!([Uuid::nil()]);
    assert_eq!(check(json!({ "message_ids": ids })), Ok(()));
    assert_eq!(check(json!({ "reason_code": "unreadable" })), Ok(()));
    assert_eq!(check(json!({})), Err("/message_ids".to_owned()));
    assert_eq!(check(json!({ "message_ids": ids, "per_second": 1 })), Err("/per_second".to_owned()));
    let patch = json!([{ "op": "remove", "path": "/a" }]);
    assert_eq!(check(json!({ "message_ids": ids, "patch": patch })), Err("/patch".to_owned()));
}

#[test]
fn no_more_messages_than_the_rate_are_delivered_in_a_second() {
    let delays: Vec<u32> = redrive(json!({ "per_second": 2 })).delays().take(5).collect();
    assert_eq!(delays, [0, 0, 1, 1, 2]);
    assert!(redrive(json!({ "per_second": 1 })).delays().all(|delay| delay <= MAX_DELAY_S));
}

#[test]
fn numbers_out_of_bounds_are_named() {
    let many: Vec<Uuid> = (0..101).map(Uuid::from_u128).collect();
    for (members, pointer) in [
        (json!({ "max": 0 }), "/max"),
        (json!({ "max": 101 }), "/max"),
        (json!({ "per_second": 0 }), "/per_second"),
        (json!({ "message_ids": [] }), "/message_ids"),
        (json!({ "message_ids": many }), "/message_ids"),
    ] {
        assert_eq!(redrive(members).check(catalog::STOCK_RESERVE).unwrap_err().fields[0].pointer, pointer);
    }
    assert_eq!(
        redrive(json!({ "max": 100, "per_second": 1, "message_ids": [Uuid::nil()] })).check(catalog::STOCK_RESERVE),
        Ok(())
    );
    let patch = redrive(json!({ "patch": [{ "op": "remove", "path": "/a" }] }));
    assert_eq!(patch.check(catalog::STOCK_RESERVE), Ok(()));
    assert_eq!(patch.check(catalog::EMAIL_FEEDBACK_TRACK).unwrap_err().fields[0].pointer, "/patch");
}

#[test]
fn rate_is_of_deliveries_to_a_queue() {
    let wanted = redrive(json!({ "per_second": 2 }));
    assert_eq!(wanted.check(catalog::RECORD_WRITE).unwrap_err().fields[0].pointer, "/per_second");
    assert_eq!(redrive(json!({})).check(catalog::RECORD_WRITE), Ok(()));
}

#[test]
fn action_says_what_was_edited_without_the_values() {
    let patch = json!([{ "op": "add", "path": "/data/name", "value": "Ada" }]);
    let wanted = redrive(json!({ "patch": patch }));
    let action = Action::redrive(Uuid::nil(), Uuid::max(), "stock-reserve", &wanted, Timestamp::UNIX_EPOCH);
    assert_eq!(Value::Object(action.request), json!({ "patch": [{ "op": "add", "path": "/data/name" }] }));
}

#[test]
fn action_says_who_what_and_why() {
    let wanted = redrive(json!({ "message_ids": [Uuid::nil()] }));
    let action = Action::redrive(Uuid::nil(), Uuid::max(), "stock-reserve", &wanted, Timestamp::UNIX_EPOCH);
    assert_eq!((action.operator.0, action.target.as_str()), (Uuid::max(), "stock-reserve"));
    assert_eq!(action.reason.as_str(), "gateway is back");
    assert_eq!(Value::Object(action.request), json!({ "message_ids": [Uuid::nil()] }));
}
