//! Responses of setting-list to its sample events.

use super::http::assert_responses;
use adapters::config::{Config, SETTINGS};
use serde_json::Value;
use std::collections::BTreeSet;

#[tokio::test]
async fn setting_list_is_for_admins() {
    let expected = [
        ("ok", 200, "", ""),
        ("bad_no_principal", 401, "unauthenticated", ""),
        (r#"set /requestContext/authorizer/lambda/role = "staff""#, 403, "forbidden", ""),
    ];
    let settings = Config::from_vars([("MAX_ORDER_LINES", "50")]).settings();
    assert!(settings.contains(&("MAX_ORDER_LINES", "50".to_owned())), "{settings:?}");
    assert_responses(catalog::SETTING_LIST, &expected, async |_, call| setting_list::handle(&settings, call).await)
        .await;
}

/// Addresses and logins are no settings. Every other variable that an input of the deployment sets is one, and the function has it.
#[test]
fn every_policy_rate_and_limit_is_listed() {
    let catalog: Value =
        serde_json::from_str(include_str!("../../../../terraform/catalog.json")).expect("a JSON document");
    let no_setting = |name: &str| {
        let beginnings = ["DATABASE_", "REDIS_", "KAFKA_", "GATEWAY_", "EMAIL_", "PUSH_", "CORS_"];
        beginnings.iter().any(|beginning| name.starts_with(beginning))
    };
    let inputs = |function: &Value| -> BTreeSet<String> {
        let variables = function["environment"].as_object().expect("variables").iter();
        let inputs = variables.filter(|(name, from)| from["kind"] == "input" && !no_setting(name));
        inputs.map(|(name, _)| name.clone()).collect()
    };
    let functions = catalog["functions"].as_object().expect("functions");
    let all: BTreeSet<String> = functions.values().flat_map(inputs).collect();
    let listed: BTreeSet<String> = SETTINGS.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(listed, all);
    assert_eq!(inputs(&functions["setting-list"]), all);
}
