//! Accounts, tokens, sessions and service clients.

use super::{ADMIN, NEXT_DAY, NEXT_MONTH, NOON, OTHER, TEN_PAST, USER, examples, parsed};
use api::*;
use domain::{
    user::{AccountStatus, Role},
    verification::ContactKind,
};
use serde_json::json;

pub const SIGNED_TOKEN: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiJleGFtcGxlIn0.c2lnbmF0dXJl";

examples! {
    UserView = Self {
        id: USER.into(),
        email: "ada@example.com".into(),
        username: "ada".into(),
        full_name: Some("Ada Lovelace".into()),
        phone: Some("+15105550100".into()),
        address: Some(parsed(address())?),
        role: Role::Customer.name(),
        status: AccountStatus::Active.name(),
        email_verified: true,
        phone_verified: false,
        version: 2,
        created_at: NOON.into(),
    };
    TokenView = Self::new(SIGNED_TOKEN.into(), Some("q2Zr0m6Yw1cJ8xTgVb4uLkHsNdPfAe3oIiRy7WzXt5E".into()));
    ServiceTokenView = Self::new(SIGNED_TOKEN.into());
    TotpView = Self::new("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP".into(), "ada@example.com");
    RecoveryCodesView = Self { recovery_codes: vec!["7K2MQ-4XW9A-HT3VB-NC8ZD".into(), "P6R1J-YE5GS-0DFK7-M2QXW".into()] };
    ClientView = Self {
        id: OTHER.into(),
        name: "Warehouse".into(),
        role: Role::Service.name(),
        created_by: ADMIN.into(),
        created_at: NOON.into(),
        previous_secret_valid_until: None,
    };
    ClientSecretView = Self {
        client: ClientView::example()?,
        secret: "V3xK9pQ7mL2tR8wZ5nB1cY6dF4gH0jSa".into(),
    };
    SessionView = Self {
        id: OTHER.into(),
        created_at: NOON.into(),
        refreshed_at: TEN_PAST.into(),
        expires_at: NEXT_MONTH.into(),
        is_current: true,
    };
    VerificationView = Self::from(ContactKind::Email);
    ExportView = Self {
        user_id: USER.into(),
        exported_at: NEXT_DAY.into(),
        contexts: [("identity".to_owned(), ExportedContextView {
            about: parsed(json!({ "email": "ada@example.com", "username": "ada", "full_name": "Ada Lovelace" }))?,
            records: vec![json!({ "kind": "session", "created_at": NOON, "expires_at": NEXT_MONTH })],
        })].into(),
        next_cursor: None,
    };
}

pub(super) fn address() -> serde_json::Value {
    json!({
        "name": "Ada Lovelace", "line1": "1 Harbour Way", "city": "Oakland", "region": "CA", "postal_code": "94607",
        "country": "US",
    })
}
