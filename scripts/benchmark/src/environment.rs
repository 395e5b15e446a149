//! The environment variables of a function, as the deployment template sets them for its catalog row.

use crate::database::Database;
use catalog::Function;
use xtask::codegen::environment::{self, Setting};

/// The dependencies that the functions are configured with.
pub struct Stage<'a> {
    /// Base URL of the fakes of AWS and of the API.
    pub cloud: String,
    pub database: &'a Database,
}

impl Stage<'_> {
    /// Returns the environment variables of one function.
    pub fn variables(&self, row: &Function) -> Vec<(String, String)> {
        let own = environment::of(row).into_iter().map(|(name, setting)| (name.to_owned(), self.value(setting)));
        let common = [
            ("STAGE", "bench"),
            ("LOG_LEVEL", "info"),
            ("POWERTOOLS_SERVICE_NAME", row.context.name()),
            ("POWERTOOLS_METRICS_NAMESPACE", catalog::PREFIX),
            ("TRACE_SHARE", "0"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL", &self.cloud),
            ("AWS_ACCESS_KEY_ID", "AKIABENCH"),
            ("AWS_SECRET_ACCESS_KEY", "bench"),
        ];
        own.chain(common.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
    }

    fn value(&self, setting: Setting) -> String {
        let physical = |name: &str| format!("{}-bench-{name}", catalog::PREFIX);
        let queue = |name: &str| format!("{}/000000000000/{}", self.cloud, physical(name));
        match setting {
            Setting::Input("DatabaseHost") => "127.0.0.1".into(),
            Setting::Input("DatabasePort") => self.database.port.clone(),
            Setting::Input("DatabaseName") => self.database.name.clone(),
            Setting::Input("DatabasePassword") => self.database.role_password.clone(),
            Setting::Input("DatabaseOwnerPassword") => self.database.owner_password.clone(),
            Setting::Input("RedisUrl") => "redis://127.0.0.1:9/0".into(),
            Setting::Input("RateLimits") => catalog::default_rate_limits(),
            Setting::Input("KafkaBrokers") => "127.0.0.1:9".into(),
            Setting::Input("KafkaAuth") => "iam".into(),
            Setting::Input("GatewayUrl") => self.cloud.clone(),
            Setting::Input("GatewaySecretKey") => "sk_test_bench".into(),
            Setting::Input("GatewayWebhookSecret") => "whsec_bench".into(),
            Setting::Input("EmailFrom") => "orders@quayside.example".into(),
            Setting::Input("ShortfallPolicy") => "refund".into(),
            Setting::Input("MaxOrderLines") => "100".into(),
            Setting::Input("MaxUnpaidOrders") => "20".into(),
            Setting::Input("MaxUnpaidUnits") => "1000".into(),
            Setting::Input("MaxDelayedOrders") => "500".into(),
            Setting::Input("TaxRounding") => "half_up".into(),
            Setting::Input("ShippingMethods") => "standard:free".into(),
            Setting::Input("MaxFailedAttempts") => "10".into(),
            Setting::Input("RefundLimit") => "500".into(),
            Setting::Input("SmsCountries") => "1,49".into(),
            Setting::Input("MaxSmsPerCustomer" | "MaxSmsPerAddress") => "20".into(),
            Setting::Input("MaxVerificationsPerCustomer" | "MaxVerificationsPerAddress") => "5".into(),
            Setting::Input("MaxRegistrationsPerSource") => "3600".into(),
            Setting::Input("InvoiceSeller") => "Quayside Ltd".into(),
            Setting::Input("InvoiceTimeZone") => "UTC".into(),
            Setting::Input("InvoiceYearBegins") => "01-01".into(),
            // No measured function reads the rest.
            Setting::Input(_) | Setting::EmailConfigurationSet => String::new(),
            Setting::RedisTls => "off".into(),
            Setting::Text(text) => text.into(),
            Setting::Table(name) | Setting::Stream(name) | Setting::Bucket(name) | Setting::Secret(name) => {
                physical(name)
            }
            Setting::Bus => physical(catalog::BUS),
            Setting::Queue(name) => queue(name),
            Setting::QueuesUrl => queue(""),
            Setting::FunctionsArn => format!("arn:aws:lambda:us-east-1:000000000000:function:{}", physical("")),
            Setting::DeadLetterQueue(name) => queue(&format!("{name}-dlq")),
            Setting::ApiUrl => self.cloud.clone(),
        }
    }
}
