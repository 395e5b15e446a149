//! The routes of notifications.

use super::{Calls, about, if_match};
use crate::functions::{USER, sample};
use adapters_postgres::{PgContacts, PgWebhooks};
use catalog::Context;
use domain::{
    event::ContactVerified, message_limits::MessageLimits, verification::ContactKind, webhook::WebhookTargets,
};
use ports::ContactStore as _;
use serde_json::json;
use testkit::{a_claim, build};

/// Calls each of them.
pub(super) async fn calls(calls: &mut Calls<'_>) {
    messages(calls).await;
    webhooks(calls).await;
}

async fn messages(calls: &mut Calls<'_>) {
    let fixture = calls.fixture;
    let database = fixture.database.through_proxy(Context::Notifications, fixture.proxy.port);
    let contacts = PgContacts::new(database, fixture.bus.clone());
    let contact = build::user().id(USER).contact();
    let address = contact.email.as_str().to_owned();
    let verified = ContactVerified { user_id: USER, channel: ContactKind::Email, address };
    contacts.save(a_claim(catalog::CONTACT_TRACK.name, 1), &contact, 1).await.expect("saved");
    contacts.record_verified(a_claim(catalog::CONTACT_TRACK.name, 2), &verified, 2).await.expect("recorded");
    let row = catalog::NOTIFICATION_SEND;
    let handler = async |call| notification_send::handle(&contacts, &MessageLimits::default(), call).await;
    calls.call(row, sample(row, "ok"), handler).await;
    let row = catalog::PREFERENCES_UPDATE;
    calls.call(row, sample(row, "ok"), async |call| preferences_update::handle(&contacts, call).await).await;
    let (row, texts) = (catalog::TEMPLATE_UPDATE, fixture.platform.message_templates());
    let handler = async |call| template_update::handle(&contacts, &texts, call).await;
    calls.call(row, sample(row, "ok"), handler).await;
    let (row, push) = (catalog::DEVICE_REGISTER, fixture.platform.push_sender());
    let handler = async |call| device_register::handle(&contacts, &push, call).await;
    let device = calls.call(row, sample(row, "ok"), handler).await["id"].clone();
    let row = catalog::DEVICE_REMOVE;
    let mut request = sample(row, "ok");
    request["pathParameters"]["device_id"] = device;
    calls.call(row, request, async |call| device_remove::handle(&contacts, call).await).await;
}

async fn webhooks(calls: &mut Calls<'_>) {
    let fixture = calls.fixture;
    let database = fixture.database.through_proxy(Context::Notifications, fixture.proxy.port);
    let webhooks = PgWebhooks::new(database, fixture.bus.clone());
    let (sealer, sender) = (fixture.platform.sealer(), fixture.platform.webhook_receiver());
    let targets = WebhookTargets::default();
    let row = catalog::WEBHOOK_ENDPOINT_CREATE;
    let handler = async |call| webhook_endpoint_create::handle(&webhooks, &sealer, &targets, call).await;
    let endpoint = calls.call(row, sample(row, "ok"), handler).await["id"].clone();
    let row = catalog::WEBHOOK_ENDPOINT_UPDATE;
    let handler = async |call| webhook_endpoint_update::handle(&webhooks, &targets, call).await;
    calls.call(row, if_match(about(row, &endpoint), 1), handler).await;
    let row = catalog::WEBHOOK_SECRET_ROTATE;
    let handler = async |call| webhook_secret_rotate::handle(&webhooks, &sealer, call).await;
    calls.call(row, if_match(about(row, &endpoint), 2), handler).await;
    let row = catalog::WEBHOOK_ENDPOINT_TEST;
    let handler = async |call| webhook_endpoint_test::handle(&webhooks, &sealer, &sender, call).await;
    let delivery = calls.call(row, about(row, &endpoint), handler).await["id"].clone();
    let row = catalog::WEBHOOK_DELIVERY_RETRY;
    let mut request = about(row, &endpoint);
    request["pathParameters"]["delivery_id"] = json!(delivery);
    let handler = async |call| webhook_delivery_retry::handle(&webhooks, &sealer, &sender, call).await;
    calls.call(row, request, handler).await;
    let row = catalog::WEBHOOK_ENDPOINT_DELETE;
    let handler = async |call| webhook_endpoint_delete::handle(&webhooks, call).await;
    calls.call(row, about(row, &endpoint), handler).await;
}
