//! Who may read the private signing keys: the functions that sign, and the one that makes keys. Who may read the key of counters: those that count.

use catalog::{Action, FUNCTIONS, Secret, Uses};
use std::collections::BTreeSet;
use xtask::codegen::grants::{self, Target};

/// The functions whose IAM role allows this action on the secret.
fn allowed(secret: &Secret, action: &str) -> BTreeSet<&'static str> {
    let allows = |row: &&catalog::Function| {
        grants::of(row).iter().any(|grant| {
            matches!(grant.target, Target::Secret(name) if name == secret.name) && grant.actions.contains(&action)
        })
    };
    FUNCTIONS.iter().copied().filter(|row| allows(row)).map(|row| row.name).collect()
}

#[test]
fn private_keys_are_read_only_where_tokens_are_signed_or_keys_made() {
    let signing = &catalog::SIGNING_KEYS;
    let may_read = BTreeSet::from([
        catalog::USER_LOGIN.name,
        catalog::USER_LOGIN_MFA.name,
        catalog::TOKEN_ISSUE.name,
        catalog::TOKEN_REFRESH.name,
        catalog::KEY_ROTATE.name,
    ]);
    assert_eq!(allowed(signing, "secretsmanager:GetSecretValue"), may_read);
    assert_eq!(allowed(signing, "secretsmanager:PutSecretValue"), BTreeSet::from([catalog::KEY_ROTATE.name]));
}

#[test]
fn sealing_keys_are_written_by_the_rotation_alone() {
    let writers = allowed(&catalog::SEALING_KEYS, "secretsmanager:PutSecretValue");
    assert_eq!(writers, BTreeSet::from([catalog::KEY_ROTATE.name]));
}

#[test]
fn counter_key_is_made_by_the_rotation_and_read_where_attempts_are_counted() {
    let (key, origin) = (&catalog::COUNTER_KEY, &catalog::ORIGIN_SECRET);
    assert_eq!(allowed(key, "secretsmanager:PutSecretValue"), BTreeSet::from([catalog::KEY_ROTATE.name]));
    assert_eq!(allowed(origin, "secretsmanager:PutSecretValue"), BTreeSet::new(), "an operator puts it in");
    let mut counting = allowed(key, "secretsmanager:GetSecretValue");
    assert!(counting.remove(catalog::KEY_ROTATE.name));
    let limited = FUNCTIONS.iter().filter(|row| row.limits_viewers()).map(|row| row.name);
    counting.extend(limited);
    assert_eq!(counting, allowed(origin, "secretsmanager:GetSecretValue"), "where an address counts");
}

#[test]
fn public_keys_are_written_by_the_rotation_alone_and_read_where_tokens_are_verified() {
    let public = &catalog::VERIFICATION_KEYS;
    assert_eq!(allowed(public, "secretsmanager:PutSecretValue"), BTreeSet::from([catalog::KEY_ROTATE.name]));
    for row in [catalog::AUTHORIZER, catalog::JWKS_GET] {
        let reads: Vec<_> = row.resources().filter(|uses| matches!(uses, Uses::Secret(..))).collect();
        assert!(
            matches!(reads[..], [Uses::Secret(secret, [Action::GetSecretValue])] if secret.name == public.name),
            "{}",
            row.name
        );
    }
}

#[test]
fn distribution_removes_and_sets_the_headers_that_the_api_trusts() {
    let function = include_str!("../../../../terraform/modules/edge/viewer.js");
    for header in [edge::http::VIEWER_ADDRESS, edge::http::ORIGIN_SECRET] {
        assert!(function.contains(&format!("delete request.headers['{header}'];")), "{header}");
        assert!(function.contains(&format!("request.headers['{header}'] = {{ value: ")), "{header}");
    }
    assert!(function.contains(&format!("store.get('{}')", catalog::ORIGIN_SECRET.name)));
}
