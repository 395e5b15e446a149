//! The functions of notifications and webhooks.

use super::*;

/// The events that customers are notified of.
const NOTIFIED_EVENTS: &[&Event] = &[ORDER_CONFIRMED, ORDER_CANCELLED, ORDER_WAITING, ORDER_SHIPPED, ORDER_DELIVERED];
/// What attempts to deliver webhooks, and tells the owner of an endpoint that it is disabled.
const SENDS_WEBHOOKS: &[Uses] =
    &[Uses::Postgres, Uses::Bus, Uses::WebhookTargets, Uses::Secret(&SEALING_KEYS, &[GetSecretValue])];

functions! {
    /// Stores the contact of a new user, and which of its addresses are verified.
    CONTACT_TRACK = Function::new("contact-track", Notifications).on(&[USER_REGISTERED, USER_UPDATED, USER_DELETED, USER_ERASED, CONTACT_VERIFIED])
        .uses(&[Uses::Postgres]).timeout(15);
    /// Sends order updates through the channels that the customer chose.
    UPDATE_SEND = Function::new("update-send", Notifications).triggered(Fanout(&ORDER_UPDATES, NOTIFIED_EVENTS))
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Email, Uses::Sms, Uses::Push, Uses::MessageLimits])
        .publishes(&[NOTIFICATION_SENT]).timeout(15).batched(50, 5).concurrency(30);
    /// Records bounces and complaints of e-mails.
    EMAIL_FEEDBACK_TRACK = Function::new("email-feedback-track", Notifications).triggered(ExternalTopic(&EMAIL_FEEDBACK))
        .uses(&[Uses::Postgres]).timeout(15);
    /// Requests a manual notification.
    NOTIFICATION_SEND = Function::new("notification-send", Notifications)
        .http(Post, "/api/v1/notifications/send", STAFF_OR_ADMIN).idempotent()
        .uses(&[Uses::Postgres, Uses::Bus, Uses::MessageLimits]).publishes(&[NOTIFICATION_REQUESTED]);
    /// Sends manual notifications.
    MESSAGE_SEND = Function::new("message-send", Notifications).on(&[NOTIFICATION_REQUESTED])
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Email, Uses::Sms, Uses::Push, Uses::MessageLimits])
        .publishes(&[NOTIFICATION_SENT])
        .timeout(15);
    /// Lists the notifications about an order.
    NOTIFICATION_LIST = Function::new("notification-list", Notifications)
        .http(Get, "/api/v1/notifications", STAFF_OR_ADMIN).uses(&[Uses::PostgresRead]);
    /// Returns the notification preferences of a user.
    PREFERENCES_GET = Function::new("preferences-get", Notifications)
        .http(Get, "/api/v1/users/{id}/preferences", OWNER_OR_ADMIN).uses(&[Uses::PostgresRead]);
    /// Replaces the notification preferences of a user.
    PREFERENCES_UPDATE = Function::new("preferences-update", Notifications)
        .http(Put, "/api/v1/users/{id}/preferences", OWNER_OR_ADMIN).uses(&[Uses::Postgres]);
    /// Returns the texts of a message with their versions.
    TEMPLATE_GET = Function::new("template-get", Notifications)
        .http(Get, "/api/v1/message-templates/{name}/{locale}", STAFF_OR_ADMIN).uses(&[Uses::PostgresRead]);
    /// Edits the texts of a message.
    TEMPLATE_UPDATE = Function::new("template-update", Notifications)
        .http(Put, "/api/v1/message-templates/{name}/{locale}", ADMIN_ONLY).uses(&[Uses::Postgres]);
    /// Renders texts of a message with sample data.
    TEMPLATE_PREVIEW = Function::new("template-preview", Notifications)
        .http(Post, "/api/v1/message-templates/{name}/{locale}/preview", STAFF_OR_ADMIN);
    /// Registers a device for push notifications.
    DEVICE_REGISTER = Function::new("device-register", Notifications)
        .http(Post, "/api/v1/users/{id}/devices", CUSTOMER_ONLY).honours_key()
        .uses(&[Uses::Postgres, Uses::PushEndpoints(&[CreatePlatformEndpoint, SetEndpointAttributes])]);
    /// Removes a device.
    DEVICE_REMOVE = Function::new("device-remove", Notifications)
        .http(Delete, "/api/v1/users/{id}/devices/{device_id}", CUSTOMER_ONLY).uses(&[Uses::Postgres]);

    /// Registers an endpoint of webhooks.
    WEBHOOK_ENDPOINT_CREATE = Function::new("webhook-endpoint-create", Notifications)
        .http(Post, "/api/v1/webhook-endpoints", STAFF_OR_ADMIN).honours_key()
        .uses(&[Uses::Postgres, Uses::Secret(&SEALING_KEYS, &[GetSecretValue]), Uses::WebhookTargets]);
    /// Lists the endpoints of webhooks.
    WEBHOOK_ENDPOINT_LIST = Function::new("webhook-endpoint-list", Notifications)
        .http(Get, "/api/v1/webhook-endpoints", STAFF_OR_ADMIN).uses(&[Uses::PostgresRead]);
    /// Returns an endpoint of webhooks.
    WEBHOOK_ENDPOINT_GET = Function::new("webhook-endpoint-get", Notifications)
        .http(Get, "/api/v1/webhook-endpoints/{id}", STAFF_OR_ADMIN).uses(&[Uses::PostgresRead]);
    /// Replaces, enables or disables an endpoint of webhooks.
    WEBHOOK_ENDPOINT_UPDATE = Function::new("webhook-endpoint-update", Notifications)
        .http(Put, "/api/v1/webhook-endpoints/{id}", STAFF_OR_ADMIN).uses(&[Uses::Postgres, Uses::WebhookTargets]);
    /// Deletes an endpoint of webhooks.
    WEBHOOK_ENDPOINT_DELETE = Function::new("webhook-endpoint-delete", Notifications)
        .http(Delete, "/api/v1/webhook-endpoints/{id}", STAFF_OR_ADMIN).uses(&[Uses::Postgres]);
    /// Gives an endpoint of webhooks another secret.
    WEBHOOK_SECRET_ROTATE = Function::new("webhook-secret-rotate", Notifications)
        .http(Post, "/api/v1/webhook-endpoints/{id}/secret", STAFF_OR_ADMIN)
        .uses(&[Uses::Postgres, Uses::Secret(&SEALING_KEYS, &[GetSecretValue])]);
    /// Sends a test event to an endpoint of webhooks.
    WEBHOOK_ENDPOINT_TEST = Function::new("webhook-endpoint-test", Notifications)
        .http(Post, "/api/v1/webhook-endpoints/{id}/test", STAFF_OR_ADMIN).uses(SENDS_WEBHOOKS)
        .publishes(&[NOTIFICATION_REQUESTED]).timeout(20);
    /// Lists the deliveries to an endpoint of webhooks.
    WEBHOOK_DELIVERY_LIST = Function::new("webhook-delivery-list", Notifications)
        .http(Get, "/api/v1/webhook-endpoints/{id}/deliveries", STAFF_OR_ADMIN).uses(&[Uses::PostgresRead]);
    /// Sends a delivery to an endpoint of webhooks again.
    WEBHOOK_DELIVERY_RETRY = Function::new("webhook-delivery-retry", Notifications)
        .http(Post, "/api/v1/webhook-endpoints/{id}/deliveries/{delivery_id}/retry", STAFF_OR_ADMIN)
        .uses(SENDS_WEBHOOKS).publishes(&[NOTIFICATION_REQUESTED]).timeout(20);
    /// Adds deliveries of public events to the endpoints of webhooks that subscribed to them, and attempts them. Batches are small, so that
    /// no message waits for the attempts of another.
    WEBHOOK_ENQUEUE = Function::new("webhook-enqueue", Notifications).on(WEBHOOK_EVENTS)
        .uses(SENDS_WEBHOOKS).publishes(&[NOTIFICATION_REQUESTED]).timeout(30).batched(10, 1).memory(256).concurrency(20);
    /// Sends the webhooks that are due.
    WEBHOOK_DELIVER = Function::new("webhook-deliver", Notifications).triggered(Schedule { minutes: 1 })
        .uses(SENDS_WEBHOOKS).publishes(&[NOTIFICATION_REQUESTED]).timeout(50);
}
