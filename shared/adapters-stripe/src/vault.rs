//! Customers and the payment methods that are attached to them.
//!
//! `customer` of a payment intent is part of its parameters, so that a saved method is charged for its owner only: Stripe rejects a method of
//! another customer, and one of a customer in an intent without one (<https://docs.stripe.com/api/payment_methods/attach>).

use super::{StripeGateway, classify};
use domain::{id::UserId, saved_method::Card, text::PaymentMethod};
use kernel::Failure;
use ports::AttachedMethod;
use reqwest::StatusCode;
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// The members of a payment method that are used.
#[derive(Deserialize)]
struct Method {
    id: String,
    customer: Option<String>,
    card: Option<Card>,
}

#[derive(Deserialize)]
struct Customer {
    id: String,
}

impl Method {
    /// `Invalid` if it is no card: charges are made with cards only.
    fn attached(self) -> Result<AttachedMethod, Failure> {
        let card = self.card.ok_or_else(|| refused("is not a card"))?;
        Ok(AttachedMethod { token: PaymentMethod::parse(&self.id).map_err(Failure::internal)?, card })
    }
}

/// The same for a method that is unknown, declined, detached or somebody else's.
fn refused(detail: &str) -> Failure {
    Failure::field("/payment_method", detail)
}

/// A key of bounded length: an `Idempotency-Key` of ours may be as long as one of Stripe's.
fn digest(request: &str) -> String {
    Sha256::digest(request).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether Stripe rejects what the request names. Another 404 comes from a proxy or a wrong URL.
fn is_rejected(status: StatusCode, body: &[u8]) -> bool {
    matches!(status, StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND) && classify::is_invalid_request(body)
}

impl ports::MethodVault for StripeGateway {
    async fn create_customer(&self, user: UserId) -> Result<String, Failure> {
        let form = [("metadata[user_id]", user.to_string())];
        let (status, body) = self.post("customers", format!("customer-{user}"), &form).await?;
        Ok(classify::object::<Customer>(status, &body)?.id)
    }

    async fn attach(&self, method: &PaymentMethod, customer: &str, request: &str) -> Result<AttachedMethod, Failure> {
        let path = format!("payment_methods/{}", method.as_str());
        let form = [("customer", customer.to_owned())];
        let (status, body) = self.post(&format!("{path}/attach"), format!("attach-{}", digest(request)), &form).await?;
        if status.is_success() {
            return classify::object::<Method>(status, &body)?.attached();
        }
        if status != StatusCode::PAYMENT_REQUIRED && !is_rejected(status, &body) {
            return Err(classify::error_response(status, &body));
        }
        // A method that is attached cannot be attached again: the answer of an earlier request may have been lost.
        if status == StatusCode::BAD_REQUEST {
            let (status, body) = self.get(&path, &[]).await?;
            if status.is_success() {
                let known = classify::object::<Method>(status, &body)?;
                if known.customer.as_deref() == Some(customer) {
                    return known.attached();
                }
            }
        }
        Err(refused("cannot be saved"))
    }

    async fn detach(&self, method: &PaymentMethod) -> Result<(), Failure> {
        let path = format!("payment_methods/{}/detach", method.as_str());
        let (status, body) = self.post(&path, format!("detach-{}", method.as_str()), &[]).await?;
        // Unknown or already detached: nothing to do.
        if is_rejected(status, &body) { Ok(()) } else { classify::object::<Method>(status, &body).map(drop) }
    }

    async fn delete_customer(&self, customer: &str) -> Result<(), Failure> {
        let (status, body) = self.delete(&format!("customers/{customer}")).await?;
        let is_unknown = status == StatusCode::NOT_FOUND && is_rejected(status, &body);
        if is_unknown { Ok(()) } else { classify::object::<Customer>(status, &body).map(drop) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{KEY, gateway, has_header, parts};
    use adapters_testkit::server::serve;
    use kernel::{FailureKind, Uuid};
    use ports::MethodVault as _;

    const USER: UserId = UserId(Uuid::from_u128(3));
    const CARD: &str = r#"{"id":"pm_1","customer":"cus_1","card":{"brand":"visa","last4":"4242","exp_month":12,"exp_year":2030,
        "fingerprint":"f"}}"#;
    const ATTACHED: &str = r#"{"error":{"type":"invalid_request_error","message":"already attached"}}"#;

    fn token() -> PaymentMethod {
        PaymentMethod::parse("pm_1").unwrap()
    }

    #[tokio::test]
    async fn customer_of_a_user_is_created_under_one_key_and_knows_the_id_only() {
        let (listener, gateway) = gateway().await;
        let responses = [KEY, (200, r#"{"id":"cus_1"}"#)];
        let (requests, customer) = futures_util::join!(serve(listener, &responses), gateway.create_customer(USER));
        assert_eq!(customer, Ok("cus_1".to_owned()));
        let (line, form) = parts(&requests[1]);
        assert_eq!((line.as_str(), form), ("POST /v1/customers", format!("metadata[user_id]={USER}")));
        assert!(has_header(&requests[1], "idempotency-key", &format!("customer-{USER}")));
    }

    #[tokio::test]
    async fn attached_card_is_returned_with_what_people_recognize_it_by() {
        let (listener, gateway) = gateway().await;
        let responses = [KEY, (200, CARD)];
        let token = token();
        let (requests, method) = futures_util::join!(serve(listener, &responses), gateway.attach(&token, "cus_1", "r"));
        let card = Card { brand: "visa".to_owned(), last4: "4242".to_owned(), exp_month: 12, exp_year: 2030 };
        assert_eq!(method, Ok(AttachedMethod { token, card }));
        let (line, form) = parts(&requests[1]);
        assert_eq!((line.as_str(), form.as_str()), ("POST /v1/payment_methods/pm_1/attach", "customer=cus_1"));
        assert!(has_header(&requests[1], "idempotency-key", &format!("attach-{}", digest("r"))));
    }

    #[tokio::test]
    async fn method_that_is_attached_already_is_saved_for_its_customer_only() {
        for (customer, is_saved) in [("cus_1", true), ("cus_2", false)] {
            let (listener, gateway) = gateway().await;
            let responses = [KEY, (400, ATTACHED), (200, CARD)];
            let token = token();
            let (_, method) = futures_util::join!(serve(listener, &responses), gateway.attach(&token, customer, "r"));
            assert_eq!(method.is_ok(), is_saved);
            assert!(method.is_ok() || method.unwrap_err().fields[0].pointer == "/payment_method");
        }
    }

    #[tokio::test]
    async fn unknown_and_declined_methods_are_invalid_and_outages_are_not() {
        for (status, kind) in
            [(404, FailureKind::Invalid), (402, FailureKind::Invalid), (503, FailureKind::Unavailable)]
        {
            let (listener, gateway) = gateway().await;
            let responses = [KEY, (status, ATTACHED)];
            let token = token();
            let (_, method) = futures_util::join!(serve(listener, &responses), gateway.attach(&token, "cus_1", "r"));
            assert_eq!(method.unwrap_err().kind, kind, "{status}");
        }
    }

    #[tokio::test]
    async fn detaching_and_deleting_what_is_gone_succeeds() {
        for status in [200, 400, 404] {
            let (listener, gateway) = gateway().await;
            let responses = [KEY, (status, if status == 200 { CARD } else { ATTACHED })];
            let token = token();
            let (_, gone) = futures_util::join!(serve(listener, &responses), gateway.detach(&token));
            assert_eq!(gone, Ok(()), "{status}");
        }
        for (status, body) in [(200, r#"{"id":"cus_1","deleted":true}"#), (404, ATTACHED)] {
            let (listener, gateway) = gateway().await;
            let responses = [KEY, (status, body)];
            let (requests, gone) = futures_util::join!(serve(listener, &responses), gateway.delete_customer("cus_1"));
            assert_eq!((gone, parts(&requests[1]).0.as_str()), (Ok(()), "DELETE /v1/customers/cus_1"));
        }
    }
}
