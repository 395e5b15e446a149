//! Storage: products, documents, the archive, the gateway's key and the secrets of database roles.

use super::super::{PROCESSES, anonymous_client, var};
use super::{client, fresh};
use adapters_dynamodb::DynamoProducts;
use adapters_s3::{S3Archive, S3Documents, S3Files, S3Images, S3Records};
use adapters_secrets::{SecretValue, SecretsOfRoles};
use adapters_stripe::StripeGateway;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType,
};
use kernel::{Failure, IdempotencyOutcome, Timestamp};
use ports::{Documents, ImageObjects as _, ProductStore as _};
use testkit::contract::{Fixture, Observed, Reader, role_secrets::NewSecret};
use testkit::{Platform, build};

async fn bucket(kind: &str) -> (aws_sdk_s3::Client, String) {
    let client = aws_sdk_s3::Client::from_conf(client!(aws_sdk_s3).force_path_style(true).build());
    let bucket = fresh(kind);
    client.create_bucket().bucket(&bucket).send().await.expect("the bucket is created");
    (client, bucket)
}

mod products {
    use super::*;

    /// A store over a new table.
    async fn store() -> DynamoProducts {
        let (client, table) =
            (aws_sdk_dynamodb::Client::from_conf(client!(aws_sdk_dynamodb).build()), fresh("products"));
        let (key, index) = (catalog::PRODUCTS.key, &catalog::PRODUCTS.index);
        let attribute = |name: &str| {
            let attribute = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
            attribute.build().expect("an attribute")
        };
        let schema = |name: &str| {
            let schema = KeySchemaElement::builder().attribute_name(name).key_type(KeyType::Hash);
            schema.build().expect("a key")
        };
        let keys_only = Projection::builder().projection_type(ProjectionType::KeysOnly).build();
        let by_change = GlobalSecondaryIndex::builder().index_name(index.name).key_schema(schema(index.key));
        client
            .create_table()
            .table_name(&table)
            .attribute_definitions(attribute(key))
            .attribute_definitions(attribute(index.key))
            .key_schema(schema(key))
            .global_secondary_indexes(by_change.projection(keys_only).build().expect("an index"))
            .billing_mode(BillingMode::PayPerRequest)
            .send()
            .await
            .expect("the table is created");
        DynamoProducts::new(client, table)
    }

    async fn fixture() -> Fixture<DynamoProducts> {
        let store = store().await;
        Fixture::new((0..PROCESSES).map(|_| store.clone()), &Platform::new())
    }

    testkit::contract_products!(fixture());

    #[tokio::test]
    async fn record_lasts_24_hours_despite_five_minutes_of_clock_skew() {
        let store = store().await;
        let day = catalog::IDEMPOTENCY_HOURS * 3600;
        let (key, reply) = (build::a_key("skew", "body"), build::a_reply("first"));
        let reject = async |second: i64, reply| {
            let at = Timestamp::from_second(1_795_250_880 + second).expect("an instant");
            store.store_response(&key, &build::a_reply(reply), at).await
        };
        assert_eq!(reject(0, "first").await, Ok(IdempotencyOutcome::Committed));
        for clock in [-300, 0, day, day + 300] {
            assert_eq!(reject(clock, "again").await, Ok(IdempotencyOutcome::Replayed(reply.clone())), "{clock}");
        }
        assert_eq!(reject(day + 301, "another").await, Ok(IdempotencyOutcome::Committed));
    }
}

mod documents {
    use super::*;

    /// Documents, and a client that opens links without credentials.
    struct Bucket {
        documents: S3Documents,
        anonymous_client: reqwest::Client,
    }

    impl Documents for Bucket {
        async fn put_once(&self, key: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), Failure> {
            self.documents.put_once(key, content_type, bytes).await
        }

        async fn keys(&self, prefix: &str) -> Result<Vec<String>, Failure> {
            self.documents.keys(prefix).await
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
            let response = self.anonymous_client.get(link).send().await.and_then(reqwest::Response::error_for_status);
            let bytes = response.map_err(Failure::internal)?.bytes().await;
            Ok(bytes.map_err(Failure::internal)?.to_vec())
        }
    }

    async fn fixture() -> Fixture<Bucket> {
        let (client, bucket) = bucket("documents").await;
        let anonymous_client = anonymous_client();
        let processes = (0..PROCESSES).map(|_| Bucket {
            documents: S3Documents::new(client.clone(), bucket.clone()),
            anonymous_client: anonymous_client.clone(),
        });
        Fixture::new(processes, &Platform::new())
    }

    testkit::contract_documents!(fixture());
}

mod images {
    use super::*;

    async fn fixture() -> Fixture<S3Images> {
        let (client, bucket) = bucket("images").await;
        Fixture::new((0..PROCESSES).map(|_| S3Images::new(client.clone(), bucket.clone())), &Platform::new())
    }

    testkit::contract_image_objects!(fixture());

    #[tokio::test]
    async fn upload_link_stores_an_object_that_a_link_returns() {
        let (client, bucket) = bucket("uploads").await;
        let (images, http) = (S3Images::new(client, bucket), anonymous_client());
        let url = images.upload_link("uploads/a/b", "image/png", 4, 60).await.expect("a link");
        let put = http.put(&url).header("content-type", "image/png").body("1234").send().await.expect("a response");
        assert_eq!(put.status().as_u16(), 200);
        let link = images.link("uploads/a/b", 60).await.expect("a link");
        let got = http.get(&link).send().await.expect("a response");
        assert_eq!(got.headers()["content-type"], "image/png");
        assert_eq!(got.text().await.expect("a body"), "1234");
    }
}

mod product_files {
    use super::*;

    async fn fixture() -> Fixture<S3Files> {
        let (client, bucket) = bucket("files").await;
        Fixture::new((0..PROCESSES).map(|_| S3Files::new(client.clone(), bucket.clone())), &Platform::new())
    }

    testkit::contract_product_files!(fixture());
}

mod archive {
    use super::*;

    struct Bucket {
        client: aws_sdk_s3::Client,
        name: String,
    }

    impl Reader for Bucket {
        async fn read(&self, key: &str) -> Result<Vec<u8>, Failure> {
            let object =
                self.client.get_object().bucket(&self.name).key(key).send().await.map_err(Failure::internal)?;
            Ok(object.body.collect().await.map_err(Failure::internal)?.to_vec())
        }
    }

    async fn fixture() -> Fixture<Observed<S3Archive, Bucket>> {
        let (client, name) = bucket("archive").await;
        let port = S3Archive::new(client.clone(), name.clone());
        Fixture::new([Observed { port, observer: Bucket { client, name } }], &Platform::new())
    }

    testkit::contract_archive!(fixture());
}

mod record_archive {
    use super::*;

    async fn fixture() -> Fixture<S3Records> {
        let (client, bucket) = bucket("records").await;
        Fixture::new((0..PROCESSES).map(|_| S3Records::new(client.clone(), bucket.clone())), &Platform::new())
    }

    testkit::contract_record_archive!(fixture());
}

mod gateway {
    use super::*;

    /// The local gateway accepts any key of this form.
    const KEY: &str = "sk_test_contract";

    async fn fixture() -> Fixture<StripeGateway> {
        let client = aws_sdk_secretsmanager::Client::from_conf(client!(aws_sdk_secretsmanager).build());
        let name = fresh("gateway-key");
        client.create_secret().name(&name).secret_string(KEY).send().await.expect("the secret is created");
        let url = var("GATEWAY_URL");
        let gateway =
            || StripeGateway::new(&url, SecretValue::new(client.clone(), name.clone()), "contract".to_owned());
        let processes = (0..PROCESSES).map(|_| gateway().expect("the URL can be read"));
        Fixture::new(processes, &Platform::new())
    }

    testkit::contract_gateway!(fixture());
}

mod role_secrets {
    use super::*;

    async fn fixture() -> Fixture<NewSecret<SecretsOfRoles>> {
        let client = aws_sdk_secretsmanager::Client::from_conf(client!(aws_sdk_secretsmanager).build());
        let (secret, role) = (fresh("role"), "orders".to_owned());
        let text = format!(r#"{{"username":"{role}"}}"#);
        client.create_secret().name(&secret).secret_string(text).send().await.expect("the secret is created");
        Fixture::new([NewSecret { port: SecretsOfRoles::new(client), secret, role }], &Platform::new())
    }

    testkit::contract_role_secrets!(fixture());
}

mod canary_account {
    use super::*;
    use adapters_secrets::CanarySecret;
    use ports::CanaryAccounts as _;

    #[tokio::test]
    async fn canary_has_an_account_once_its_secret_holds_one() {
        let client = aws_sdk_secretsmanager::Client::from_conf(client!(aws_sdk_secretsmanager).build());
        let name = fresh("canary-account");
        let secret = SecretValue::new(client.clone(), name.clone());
        let accounts = CanarySecret(secret.clone());
        assert_eq!(accounts.account().await, Ok(None), "there is no secret");
        client.create_secret().name(&name).secret_string("{}").send().await.expect("the secret is created");
        assert_eq!(accounts.account().await, Ok(None));
        let product = kernel::Uuid::from_u128(1);
        let text = format!(
            r#"{{"email":"a@example.com","password":"p","product_id":"{product}","payment_method":"pm_card_visa"}}"#
        );
        secret.write(text).await.expect("written");
        assert_eq!(accounts.account().await.expect("readable").expect("an account").product_id.0, product);
    }
}
