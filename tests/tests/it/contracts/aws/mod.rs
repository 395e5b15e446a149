//! The ports on AWS, over the emulator or an account: each test creates its own table, bucket, queue or secret.

mod messaging;
mod storage;

use kernel::Ids;

/// The configuration of a service's client. The builders of the services are alike but share no trait.
macro_rules! client {
    ($service:ident) => {{
        use $service::config::{BehaviorVersion, Credentials, Region};
        let credentials = Credentials::new(
            crate::contracts::var("AWS_ACCESS_KEY_ID"),
            crate::contracts::var("AWS_SECRET_ACCESS_KEY"),
            None,
            None,
            "environment",
        );
        $service::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(crate::contracts::var("AWS_REGION")))
            .credentials_provider(credentials)
            .endpoint_url(crate::contracts::var("AWS_ENDPOINT_URL"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
    }};
}

/// A name that is not in use.
pub(super) fn fresh(kind: &str) -> String {
    format!("contract-{kind}-{}", Ids::system().next())
}

pub(super) use client;
