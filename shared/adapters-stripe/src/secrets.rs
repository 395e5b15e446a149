//! What our secrets at the gateway have in common: that nobody may have given them a value yet.

use kernel::Failure;

/// What the template puts into such a secret while nobody has given it a value (`GatewaySecretKey`, `GatewayWebhookSecret`).
const NO_KEY: &str = "unset";

/// The key in the text of the secret of `what`.
pub(super) fn usable(text: Option<String>, what: &str) -> Result<String, Failure> {
    match text.as_deref().unwrap_or_default().trim() {
        "" | NO_KEY => {
            Err(Failure::internal(format!("the secret of the {what} has no value: no key was ever put there")))
        }
        key => Ok(key.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::FailureKind;

    #[test]
    fn a_secret_without_a_key_is_a_defect_that_the_log_names() {
        for text in [None, Some(""), Some(" \n"), Some("unset"), Some("unset\n")] {
            let failure = usable(text.map(str::to_owned), "gateway's webhooks").unwrap_err();
            assert_eq!(failure.kind, FailureKind::Internal, "{text:?}");
            assert!(failure.to_string().contains("the gateway's webhooks has no value"), "{failure}");
        }
        assert_eq!(usable(Some("sk_test_1\n".to_owned()), "payment gateway"), Ok("sk_test_1".to_owned()));
    }

    #[test]
    fn the_template_says_the_same_word_for_none() {
        let template = include_str!("../../../template.yaml");
        for parameter in ["GatewaySecretKey", "GatewayWebhookSecret"] {
            assert!(template.contains(&format!("- Ref: {parameter}\n        - {NO_KEY}\n")), "{parameter}");
        }
    }
}
