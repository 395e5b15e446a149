//! The stores on AWS, over an emulator or an account: each test has a table, a bucket or a secret of its own.

use super::{PROCESSES, var};
use adapters::dynamodb::DynamoProducts;
use adapters::gateway::StripeGateway;
use adapters::s3::S3Documents;
use adapters::secret::SecretValue;
use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};
use aws_smithy_http_client::Builder;
use kernel::{Failure, Ids};
use ports::Documents;
use testkit::Platform;
use testkit::contract::{Under, documents::Reader};

/// The configuration of one service's client. The services' builders are alike and share no trait.
macro_rules! client {
    ($service:ident) => {{
        use $service::config::{BehaviorVersion, Credentials, Region};
        let credentials =
            Credentials::new(var("AWS_ACCESS_KEY_ID"), var("AWS_SECRET_ACCESS_KEY"), None, None, "environment");
        $service::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(var("AWS_REGION")))
            .credentials_provider(credentials)
            .endpoint_url(var("AWS_ENDPOINT_URL"))
            .http_client(Builder::new().build_http())
    }};
}

/// A name that nobody has.
fn fresh(kind: &str) -> String {
    format!("contract-{kind}-{}", Ids::system().next())
}

mod products {
    use super::*;

    async fn under() -> Under<DynamoProducts> {
        let (client, table) =
            (aws_sdk_dynamodb::Client::from_conf(client!(aws_sdk_dynamodb).build()), fresh("products"));
        let key = catalog::PRODUCTS.key;
        let attribute =
            AttributeDefinition::builder().attribute_name(key).attribute_type(ScalarAttributeType::S).build();
        let schema = KeySchemaElement::builder().attribute_name(key).key_type(KeyType::Hash).build();
        client
            .create_table()
            .table_name(&table)
            .attribute_definitions(attribute.expect("an attribute"))
            .key_schema(schema.expect("a key"))
            .billing_mode(BillingMode::PayPerRequest)
            .send()
            .await
            .expect("the table is made");
        let processes = (0..PROCESSES).map(|_| DynamoProducts::new(client.clone(), table.clone()));
        Under::new(processes, &Platform::new())
    }

    testkit::contract_products!(under());
}

mod documents {
    use super::*;

    /// Documents, and the browser of somebody without credentials.
    struct Bucket {
        documents: S3Documents,
        browser: reqwest::Client,
    }

    impl Documents for Bucket {
        async fn put_once(&self, key: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), Failure> {
            self.documents.put_once(key, content_type, bytes).await
        }

        async fn exists(&self, key: &str) -> Result<bool, Failure> {
            self.documents.exists(key).await
        }

        async fn link(&self, key: &str, ttl_s: u32) -> Result<String, Failure> {
            self.documents.link(key, ttl_s).await
        }
    }

    impl Reader for Bucket {
        async fn read(&self, link: &str) -> Result<Vec<u8>, Failure> {
            let answer = self.browser.get(link).send().await.and_then(reqwest::Response::error_for_status);
            let bytes = answer.map_err(Failure::internal)?.bytes().await;
            Ok(bytes.map_err(Failure::internal)?.to_vec())
        }
    }

    async fn under() -> Under<Bucket> {
        let client = aws_sdk_s3::Client::from_conf(client!(aws_sdk_s3).force_path_style(true).build());
        let bucket = fresh("documents");
        client.create_bucket().bucket(&bucket).send().await.expect("the bucket is made");
        // Somebody in this process may have done it before; one is as good as the other.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let browser = reqwest::Client::new();
        let processes = (0..PROCESSES)
            .map(|_| Bucket { documents: S3Documents::new(client.clone(), bucket.clone()), browser: browser.clone() });
        Under::new(processes, &Platform::new())
    }

    testkit::contract_documents!(under());
}

mod gateway {
    use super::*;

    /// Any key of this form is good for the local gateway.
    const KEY: &str = "sk_test_contract";

    async fn under() -> Under<StripeGateway> {
        let client = aws_sdk_secretsmanager::Client::from_conf(client!(aws_sdk_secretsmanager).build());
        let name = fresh("gateway-key");
        client.create_secret().name(&name).secret_string(KEY).send().await.expect("the secret is made");
        let url = var("GATEWAY_URL");
        let gateway = || StripeGateway::new(&url, SecretValue::new(client.clone(), name.clone()));
        let processes = (0..PROCESSES).map(|_| gateway().expect("the URL can be read"));
        Under::new(processes, &Platform::new())
    }

    testkit::contract_gateway!(under());
}
