//! A platform that has every resource that the samples name, so that 404 means that it is somebody else's.

use super::super::routes::Api;
use crate::functions::{
    ORDER, PAYMENT, PRODUCT, USER, add_invoice, customer, operations,
    payments::add_paid,
    sample_time,
    sessions::{SESSION, TOKEN, begin},
};
use catalog::{Context, Function};
use domain::{
    client::Client,
    id::{ClientId, DeliveryId, EndpointId, ExportId, ImageId, ImportId, PaymentMethodId, RefundId, UserId},
    image::{MediaType, ProductImage, State},
    product::Product,
    product_export::Export,
    product_import,
    saved_method::{Card, SavedMethod},
    text::{ClientName, PaymentMethod},
    webhook::{self, Endpoint},
};
use kernel::{Timestamp, Uuid};
use ports::{
    ClientSecrets as _, ClientStore as _, Device, DeviceStore as _, FactorCodes as _, FactorStore as _, JobStore as _,
    MethodVault as _, ProductIndex as _, ProductStore as _, RecordWriter as _, SavedMethodStore as _, Sealer as _,
    WebhookLog as _,
};
use serde_json::{Value, json};
use testkit::build;

/// The service client of the samples, which their source lists.
pub const CLIENT: ClientId = ClientId(id(0xf1));

/// An id of the samples, by its end.
pub const fn id(end: u128) -> Uuid {
    Uuid::from_u128(0x0192_f0c1_0000_7000_8000_0000_0000_0000 | end)
}

/// The platform for a call of `function`.
pub async fn seeded(function: &'static Function) -> Api {
    let api = Api::new();
    api.platform.users().put(&customer(), "correct horse battery");
    begin(&api.platform, SESSION, TOKEN).await;
    match function.context {
        Context::Identity => identity(&api, function).await,
        Context::Catalogue => products(&api).await,
        Context::Records => records(&api, function).await,
        Context::Payments => payments(&api, function).await,
        Context::Notifications => notifications(&api).await,
        Context::Operations => operations::record(&api.platform, &["ok"]).await,
        _ => {}
    }
    add_invoice(&api.platform).await;
    api
}

async fn identity(api: &Api, function: &Function) {
    let (users, tokens) = (api.platform.users(), api.platform.tokens());
    let (_, digest) = tokens.client_secret().expect("a secret");
    let name = ClientName::parse("Warehouse").expect("a name");
    let (created_by, created_at) = (UserId(id(4)), sample_time());
    let client = Client { id: CLIENT, name, created_by, created_at, previous_valid_until: None };
    users.create_client(&client, &digest, None).await.expect("stored");
    let needs = |rows: &[&Function]| rows.iter().any(|row| row.name == function.name);
    if needs(&[catalog::TOTP_CONFIRM, catalog::TOTP_REMOVE, catalog::RECOVERY_CODE_RENEW]) {
        let (_, sealed) = tokens.totp_secret(USER).await.expect("a secret");
        let proven = users.credentials(USER).expect("an account").password_hash;
        users.begin_totp(USER, &proven, &sealed, sample_time()).await.expect("stored");
        if !needs(&[catalog::TOTP_CONFIRM]) {
            let minute_ago = Timestamp::from_second(sample_time().as_second() - 60).expect("a time");
            let (_, digest) = tokens.recovery_code().expect("a code");
            users.activate_totp(USER, &sealed, minute_ago.as_second() / 30, &[digest]).await.expect("stored");
        }
    }
}

async fn products(api: &Api) {
    let products = api.platform.products();
    let product = products.get(PRODUCT).await.expect("a response").expect("a product");
    api.platform.product_index().track(&product).await.expect("tracked");
    let (added_at, state) = (product.created_at, State::Ready);
    let image = ProductImage { id: ImageId(id(0xc1)), media_type: MediaType::Png, state, reason: None, added_at };
    products.put(&Product { images: vec![image], ..product });
    let command = serde_json::from_value(json!({ "mode": "upsert", "size": 2048 })).expect("a command");
    let import = product_import::create(ImportId(id(0xa7)), &command, sample_time()).expect("an import");
    api.platform.jobs().create(&import, sample_time()).await.expect("stored");
    let export = Export::new(ExportId(id(0xa8)), sample_time());
    api.platform.jobs().create(&export, sample_time()).await.expect("stored");
}

async fn records(api: &Api, function: &Function) {
    if function.name == catalog::SOURCE_CREATE.name {
        return;
    }
    assert_eq!(api.sample(catalog::SOURCE_CREATE, "ok").await.status, 201);
    if function.name != catalog::RECORD_CREATE.name {
        assert_eq!(api.sample(catalog::RECORD_CREATE, "ok").await.status, 202);
        let topic = api.platform.record_topic();
        api.platform.records().write(&topic.records(), &ports::RecordLog::ends(&topic)).await.expect("written");
    }
}

async fn payments(api: &Api, function: &Function) {
    let (payments, vault) = (api.platform.payments(), api.platform.gateway());
    add_paid(&api.platform).await;
    if function.name == catalog::REFUND_APPROVAL_DECIDE.name {
        let paid = payments.for_order(ORDER).expect("a payment");
        let waiting = build::approval_requested(&paid, RefundId(id(0xd1)), build::usd(3000), sample_time());
        payments.put(&waiting.payment);
    }
    let customer = vault.create_customer(USER).await.expect("a customer");
    payments.save_customer(USER, &customer).await.expect("saved");
    let card = Card { brand: "visa".to_owned(), last4: "4242".to_owned(), exp_month: 12, exp_year: 2030 };
    let (token, created_at) = (PaymentMethod::parse("pm_1").expect("a token"), sample_time());
    let method_id = PaymentMethodId(id(0xf7));
    let method = SavedMethod { id: method_id, user_id: USER, token, card, is_default: true, created_at };
    payments.save_method(&method, None).await.expect("saved");
    assert_eq!(payments.for_order(ORDER).expect("a payment").id, PAYMENT);
}

async fn notifications(api: &Api) {
    let own = domain::id::DeviceId(id(0xd1));
    let device = Device { id: own, endpoint: "device/tablet".to_owned(), registered_at: sample_time() };
    api.platform.contacts().save_device(USER, &device).await.expect("stored");
    let (endpoint, webhooks) = (EndpointId(id(0xe7)), api.platform.webhooks());
    let sealer = api.platform.sealer();
    let (_, secret) = sealer.generate(&Endpoint::associated_data(endpoint)).await.expect("sealed");
    webhooks.put(&Endpoint { secret, ..build::endpoint(endpoint, UserId(id(2)), sample_time()) });
    let known = (endpoint, DeliveryId(id(0xe8)));
    let delivery = webhook::delivery(known, catalog::ORDER_PLACED.name, "{}".to_owned(), sample_time());
    webhooks.add_delivery(&delivery).await.expect("added");
}

/// The request with what only the platform knows: the id of the record, and the code of the device.
pub async fn prepared(api: &Api, function: &Function, mut event: Value) -> Value {
    if function.name == catalog::RECORD_GET.name {
        event["pathParameters"]["id"] = json!(api.platform.record_topic().records()[0].id.to_string());
    }
    let Some(totp) = api.platform.users().totp(USER).await.expect("a response") else { return event };
    if let Some(text) = event["body"].as_str().filter(|text| text.contains("123456")) {
        event["body"] = text.replace("123456", &api.platform.tokens().code_at(&totp.sealed, sample_time())).into();
    }
    event
}
