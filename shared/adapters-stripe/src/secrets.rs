//! Reads the secrets of the gateway, which have no value until an operator sets one.

use kernel::Failure;

/// The default value of these secrets in the template (`GatewaySecretKey`, `GatewayWebhookSecret`).
const UNSET: &str = "unset";

/// The value of a secret; an internal error if it is not set. `owner` names what the secret is for.
pub(super) fn require(text: Option<String>, owner: &str) -> Result<String, Failure> {
    match text.as_deref().unwrap_or_default().trim() {
        "" | UNSET => Err(Failure::internal(format!(
            "the secret of the {owner} has no value: store the key of the Stripe account in it"
        ))),
        key => Ok(key.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::FailureKind;

    #[test]
    fn unset_secret_is_an_internal_error_that_names_it() {
        for text in [None, Some(""), Some(" \n"), Some("unset"), Some("unset\n")] {
            let failure = require(text.map(str::to_owned), "gateway's webhooks").unwrap_err();
            assert_eq!(failure.kind, FailureKind::Internal, "{text:?}");
            assert!(failure.to_string().contains("the gateway's webhooks has no value"), "{failure}");
        }
        assert_eq!(require(Some("sk_test_1\n".to_owned()), "payment gateway"), Ok("sk_test_1".to_owned()));
    }

    #[test]
    fn template_uses_the_same_default_value() {
        let template = include_str!("../../../stacks/payments.yaml");
        for parameter in ["GatewaySecretKey", "GatewayWebhookSecret"] {
            assert!(template.contains(&format!("- Ref: {parameter}\n        - {UNSET}\n")), "{parameter}");
        }
    }
}
