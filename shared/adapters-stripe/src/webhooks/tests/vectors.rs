//! The vectors of `signatures.json` for the verifier.

use super::*;
use std::cell::RefCell;

const VECTORS: &str = include_str!("../../../../adapters-testkit/signatures.json");

fn result(outcome: &Read) -> &'static str {
    match outcome {
        Ok(_) => "valid",
        Err(failure) if failure.code == "signature-invalid" => "invalid",
        Err(failure) if failure.kind == FailureKind::Internal => "unset",
        Err(failure) => panic!("{failure:?}"),
    }
}

#[tokio::test]
async fn every_vector_of_incoming_signatures_has_its_result() {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    let incoming = &file["incoming"];
    let (listener, url) = adapters_testkit::server::listener().await;
    let stored = RefCell::new(String::new());
    let verify_all = async {
        for vector in incoming["tests"].as_array().unwrap() {
            let of = |member: &str| vector.get(member).unwrap_or(&incoming["defaults"][member]).as_str().unwrap();
            *stored.borrow_mut() = serde_json::json!({ "SecretString": of("secret") }).to_string();
            let (webhooks, now) = (StripeWebhooks::new(secret(&url)), of("now").parse().unwrap());
            let outcome = webhooks.verify(vector["header"].as_str(), of("body").as_bytes(), now).await;
            assert_eq!(result(&outcome), vector["result"], "{}: {outcome:?}", vector["comment"]);
        }
    };
    tokio::select! {
        () = adapters_testkit::server::respond(listener, |_| (200, stored.borrow().clone())) => unreachable!("it never ends"),
        () = verify_all => {}
    }
}
