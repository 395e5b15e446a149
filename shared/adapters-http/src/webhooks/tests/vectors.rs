//! The vectors of `signatures.json` for the signer, and for a receiver with the library of the specification.

use super::*;
use serde_json::Value;

const VECTORS: &str = include_str!("../../../../adapters-testkit/signatures.json");

#[test]
fn every_vector_of_outgoing_signatures_has_its_result() {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    let (outgoing, url) = (&file["outgoing"], url("https://example.com/"));
    for vector in outgoing["tests"].as_array().unwrap() {
        let of = |member: &str| vector.get(member).unwrap_or(&outgoing["defaults"][member]);
        let text = |member: &str| of(member).as_str().unwrap();
        let secrets: Vec<&str> = of("secrets").as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
        let (id, seconds, body) = (text("id"), of("timestamp").as_i64().unwrap(), text("body"));
        let timestamp = Timestamp::from_second(seconds).unwrap();
        let sent = WebhookMessage { id: id.to_owned(), timestamp, body, ..message(&url, &secrets) };
        let (signature, is_valid) = (text("signature"), vector["result"] == "valid");
        assert_eq!(signatures(&sent) == signature, is_valid, "{}", vector["comment"]);
        for secret in secrets {
            let library = Webhook::new(secret).unwrap();
            let expected = library.sign(id, seconds, body.as_bytes()).unwrap();
            let is_accepted = signature.split(' ').any(|one| one == expected);
            assert_eq!(is_accepted, is_valid, "{}: the library", vector["comment"]);
        }
    }
}
