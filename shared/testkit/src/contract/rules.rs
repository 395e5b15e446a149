//! Generates one test for each rule of a suite.

/// Generates one test for each rule of a suite. Used by `contract_orders!` and the other suite macros.
#[doc(hidden)]
#[macro_export]
macro_rules! each_rule {
    ($suite:ident, $fixture:expr; $($rule:ident)*) => {
        $(
            #[tokio::test]
            async fn $rule() {
                let fixture = $fixture;
                $crate::contract::$suite::$rule(&fixture.await).await;
            }
        )*
    };
}

#[cfg(test)]
mod tests {
    /// The source of each suite, which names each rule twice: in the list of its macro and at its function.
    const SUITES: &[(&str, &str)] = &[
        ("accounts", include_str!("accounts.rs")),
        ("adjustments", include_str!("adjustments.rs")),
        ("admins", include_str!("admins.rs")),
        ("archive", include_str!("archive.rs")),
        ("attempts", include_str!("attempts.rs")),
        ("backorders", include_str!("backorders.rs")),
        ("circuit_breaker", include_str!("circuit_breaker.rs")),
        ("client_secrets", include_str!("client_secrets.rs")),
        ("clients", include_str!("clients.rs")),
        ("bus", include_str!("bus.rs")),
        ("cache", include_str!("cache.rs")),
        ("consumer_mappings", include_str!("consumer_mappings.rs")),
        ("contacts", include_str!("contacts.rs")),
        ("credit_notes", include_str!("credit_notes.rs")),
        ("dead_letters", include_str!("dead_letters.rs")),
        ("documents", include_str!("documents.rs")),
        ("analytics_stream", include_str!("analytics_stream.rs")),
        ("gateway", include_str!("gateway.rs")),
        ("invoices", include_str!("invoices.rs")),
        ("jobs", include_str!("jobs.rs")),
        ("ledger", include_str!("ledger.rs")),
        ("message_budgets", include_str!("message_budgets.rs")),
        ("message_templates", include_str!("message_templates.rs")),
        ("log_topics", include_str!("log_topics.rs")),
        ("event_history", include_str!("event_history.rs")),
        ("event_log", include_str!("event_log.rs")),
        ("dead_letter_queues", include_str!("dead_letter_queues.rs")),
        ("operator_actions", include_str!("operator_actions.rs")),
        ("event_records", include_str!("event_records.rs")),
        ("record_archive", include_str!("record_archive.rs")),
        ("records", include_str!("records.rs")),
        ("email_sender", include_str!("email_sender.rs")),
        ("migrations", include_str!("migrations.rs")),
        ("prices", include_str!("prices.rs")),
        ("product_snapshots", include_str!("product_snapshots.rs")),
        ("order_limits", include_str!("order_limits.rs")),
        ("order_administration", include_str!("order_administration.rs")),
        ("orders", include_str!("orders.rs")),
        ("outbox", include_str!("outbox.rs")),
        ("password_changes", include_str!("password_changes.rs")),
        ("password_strength", include_str!("password_strength.rs")),
        ("passwords", include_str!("passwords.rs")),
        ("payment_lists", include_str!("payment_lists.rs")),
        ("payment_requests", include_str!("payment_requests.rs")),
        ("payments", include_str!("payments.rs")),
        ("image_objects", include_str!("image_objects.rs")),
        ("invoice_renderer", include_str!("invoice_renderer.rs")),
        ("product_files", include_str!("product_files.rs")),
        ("product_index", include_str!("product_index.rs")),
        ("products", include_str!("products.rs")),
        ("order_erasure", include_str!("order_erasure.rs")),
        ("personal_data", include_str!("personal_data.rs")),
        ("push_sender", include_str!("push_sender.rs")),
        ("rate_limiter", include_str!("rate_limiter.rs")),
        ("request_sources", include_str!("request_sources.rs")),
        ("reservations", include_str!("reservations.rs")),
        ("revocations", include_str!("revocations.rs")),
        ("role_secrets", include_str!("role_secrets.rs")),
        ("saved_methods", include_str!("saved_methods.rs")),
        ("second_factors", include_str!("second_factors.rs")),
        ("sessions", include_str!("sessions.rs")),
        ("sources", include_str!("sources.rs")),
        ("stock", include_str!("stock.rs")),
        ("storefront", include_str!("storefront.rs")),
        ("sms_sender", include_str!("sms_sender.rs")),
        ("sweep_positions", include_str!("sweep_positions.rs")),
        ("template_edits", include_str!("template_edits.rs")),
        ("tokens", include_str!("tokens.rs")),
        ("users", include_str!("users.rs")),
        ("verifications", include_str!("verifications.rs")),
        ("webhook_failures", include_str!("webhook_failures.rs")),
        ("webhooks", include_str!("webhooks.rs")),
        ("window_closing", include_str!("window_closing.rs")),
        ("window_figures", include_str!("window_figures.rs")),
        ("windows", include_str!("windows.rs")),
        ("preferences", include_str!("preferences.rs")),
    ];

    #[test]
    fn every_rule_of_a_suite_is_run() {
        for (suite, source) in SUITES {
            let (_, list) = source.split_once("macro_rules! ").expect("the list");
            let (list, rules) = list.split_once("\n}\n").expect("the rules after it");
            let written = rules.lines().filter_map(|line| line.strip_prefix("pub async fn ")?.split(['(', '<']).next());
            for rule in written {
                assert!(
                    list.lines().any(|line| line.trim() == rule),
                    "{suite}: {rule} is missing from the list of the macro"
                );
            }
        }
    }

    #[test]
    fn every_suite_is_checked() {
        let modules = include_str!("mod.rs").lines().filter(|line| line.starts_with("pub mod ")).count();
        assert_eq!(modules, SUITES.len());
    }
}
