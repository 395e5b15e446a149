//! The rows: one function each.

use crate::{Access::*, Auth::*, Context::*, Method::*, Trigger::*, events::*, resources::*, role::*, *};

const CUSTOMER_ONLY: Auth = Roles(&[CUSTOMER]);
const STAFF_OR_ADMIN: Auth = Roles(&[STAFF, ADMIN]);
/// A warehouse's program books stock, too.
const STOCK_EDITORS: Auth = Roles(&[STAFF, ADMIN, SERVICE]);
const OWNER_OR_ADMIN: Auth = Roles(&[CUSTOMER, ADMIN]);
/// What customers are told of by itself.
const NOTIFIED_EVENTS: &[&Event] = &[ORDER_CONFIRMED, ORDER_CANCELLED, ORDER_WAITING, ORDER_SHIPPED, ORDER_DELIVERED];
const OWNER_OR_STAFF: Auth = Roles(&[CUSTOMER, STAFF, ADMIN]);

/// Lists every function once: each constant is a row, and [`FUNCTIONS`] holds them all.
macro_rules! functions {
    ($($(#[$doc:meta])* $constant:ident = $row:expr;)*) => {
        $($(#[$doc])* pub const $constant: &Function = &$row;)*

        /// Every function.
        pub const FUNCTIONS: &[&Function] = &[$($constant),*];
    };
}

functions! {
    // Identity.
    /// Tells API Gateway who calls.
    AUTHORIZER = Function::new("authorizer", Identity).triggered(Authorizer)
        .uses(&[Uses::Secret(&SIGNING_KEYS, Read)]).timeout(5)
        .concurrency(100);
    /// Registers a customer.
    USER_REGISTER = Function::new("user-register", Identity).http(Post, "/api/v1/users/register", Public)
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[USER_REGISTERED]).memory(512);
    /// Gives a token pair for a password.
    USER_LOGIN = Function::new("user-login", Identity).http(Post, "/api/v1/users/login", Public)
        .uses(&[Uses::Postgres, Uses::Secret(&SIGNING_KEYS, Read)]).memory(512);
    /// The public halves of the signing keys.
    JWKS_GET = Function::new("jwks-get", Identity).http(Get, "/.well-known/jwks.json", Public)
        .uses(&[Uses::Secret(&SIGNING_KEYS, Read)]);
    /// Makes a new signing key and keeps its predecessor alive for the tokens that are out.
    KEY_ROTATE = Function::new("key-rotate", Identity).uses(&[Uses::Secret(&SIGNING_KEYS, ReadWrite)]);

    // Catalogue.
    /// Puts a product on sale.
    PRODUCT_CREATE = Function::new("product-create", Catalogue).http(Post, "/api/v1/products", STAFF_OR_ADMIN).idempotent()
        .uses(&[Uses::Table(&PRODUCTS, ReadWrite)]);
    /// Shows one product.
    PRODUCT_GET = Function::new("product-get", Catalogue).http(Get, "/api/v1/products/{id}", Public)
        .uses(&[Uses::Table(&PRODUCTS, Read), Uses::Redis])
        .concurrency(100);
    /// Publishes what changed in the products table: the table is its own outbox.
    PRODUCT_RELAY = Function::new("product-relay", Catalogue).triggered(TableChanges(&PRODUCTS))
        .uses(&[Uses::Bus]).publishes(&[PRODUCT_CREATED]).timeout(15);
    /// Keeps the stock figure that products show.
    PRODUCT_STOCK_TRACK = Function::new("product-stock-track", Catalogue)
        .on(&[STOCK_OPENED, STOCK_RESERVED, STOCK_ALLOCATED, STOCK_RESERVATION_EXPIRED, STOCK_SHIPPED, STOCK_RELEASED, STOCK_ADJUSTED])
        .uses(&[Uses::Table(&PRODUCTS, ReadWrite), Uses::Redis]).timeout(15);

    // Inventory.
    /// Shows the stock of one product.
    STOCK_GET = Function::new("stock-get", Inventory).http(Get, "/api/v1/products/{id}/stock", Public)
        .uses(&[Uses::Postgres]);
    /// Opens the stock account of a new product.
    STOCK_OPEN = Function::new("stock-open", Inventory).on(&[PRODUCT_CREATED])
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[STOCK_OPENED]).timeout(15);
    /// Reserves an order's lines, all or none.
    STOCK_RESERVE = Function::new("stock-reserve", Inventory).on(&[ORDER_PLACED])
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[STOCK_RESERVED, STOCK_RESERVATION_FAILED]).timeout(15);
    /// Gives a cancelled order's stock back.
    STOCK_RELEASE = Function::new("stock-release", Inventory).on(&[ORDER_CANCELLED])
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[STOCK_RELEASED]).timeout(15);
    /// Keeps the stock of an order that is paid.
    STOCK_ALLOCATE = Function::new("stock-allocate", Inventory).on(&[PAYMENT_SUCCEEDED])
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[STOCK_ALLOCATED, STOCK_ALLOCATION_FAILED]).timeout(15);
    /// Takes shipped stock off the account.
    STOCK_SHIP = Function::new("stock-ship", Inventory).on(&[ORDER_SHIPPED])
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[STOCK_SHIPPED]).timeout(15);
    /// Frees holds that lapsed, and holds for paid orders what came in.
    STOCK_SWEEP = Function::new("stock-sweep", Inventory).triggered(Schedule { minutes: 1 })
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[STOCK_RESERVATION_EXPIRED, STOCK_ALLOCATED]).timeout(50);
    /// Lists what moved the stock of one product.
    STOCK_MOVEMENT_LIST = Function::new("stock-movement-list", Inventory)
        .http(Get, "/api/v1/products/{id}/stock/movements", STAFF_OR_ADMIN).uses(&[Uses::Postgres]);
    /// Books pieces in or out.
    STOCK_ADJUST = Function::new("stock-adjust", Inventory)
        .http(Patch, "/api/v1/products/{id}/stock", STOCK_EDITORS).idempotent()
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[STOCK_ADJUSTED]);
    /// Tells when a product runs low.
    STOCK_ALERT = Function::new("stock-alert", Inventory)
        .on(&[STOCK_OPENED, STOCK_RESERVED, STOCK_ALLOCATED, STOCK_RESERVATION_EXPIRED, STOCK_RELEASED, STOCK_ADJUSTED])
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[STOCK_LOW]).timeout(15);

    // Orders.
    /// Places an order.
    ORDER_PLACE = Function::new("order-place", Orders).http(Post, "/api/v1/orders", CUSTOMER_ONLY).idempotent()
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Api]).publishes(&[ORDER_PLACED]);
    /// Shows one order.
    ORDER_GET = Function::new("order-get", Orders).http(Get, "/api/v1/orders/{id}", OWNER_OR_STAFF)
        .uses(&[Uses::Postgres]);
    /// Lists the caller's orders.
    ORDER_LIST = Function::new("order-list", Orders).http(Get, "/api/v1/orders", CUSTOMER_ONLY).uses(&[Uses::Postgres]);
    /// Lists a customer's orders for the back office.
    ORDER_LIST_USER = Function::new("order-list-user", Orders)
        .http(Get, "/api/v1/orders/user/{user_id}", OWNER_OR_STAFF).uses(&[Uses::Postgres]);
    /// Takes an order back.
    ORDER_CANCEL = Function::new("order-cancel", Orders).http(Delete, "/api/v1/orders/{id}", OWNER_OR_STAFF)
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[ORDER_CANCELLED]);
    /// Ships an order, says that it arrived, or takes it back.
    ORDER_STATUS_UPDATE = Function::new("order-status-update", Orders)
        .http(Patch, "/api/v1/orders/{id}/status", STAFF_OR_ADMIN)
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[ORDER_SHIPPED, ORDER_DELIVERED, ORDER_CANCELLED]);
    /// Moves an order on as stock and payment come in.
    ORDER_ADVANCE = Function::new("order-advance", Orders)
        .on(&[STOCK_RESERVED, STOCK_RESERVATION_FAILED, STOCK_ALLOCATED, STOCK_ALLOCATION_FAILED, PAYMENT_REQUESTED, PAYMENT_FAILED, PAYMENT_REFUNDED])
        .uses(&[Uses::Postgres, Uses::Bus, Uses::ShortfallPolicy])
        .publishes(&[ORDER_CONFIRMED, ORDER_CANCELLED, ORDER_WAITING]).timeout(15);
    /// Undoes orders that stand still.
    ORDER_SWEEP = Function::new("order-sweep", Orders).triggered(Schedule { minutes: 5 })
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[ORDER_CANCELLED]).timeout(50);

    // Payments.
    /// Charges for an order whose stock is reserved, and again when the customer asks for that.
    PAYMENT_CHARGE = Function::new("payment-charge", Payments).on(&[STOCK_RESERVED, PAYMENT_REQUESTED])
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Redis, Uses::Gateway, Uses::Secret(&GATEWAY_KEY, Read)])
        .publishes(&[PAYMENT_SUCCEEDED, PAYMENT_FAILED, REFUND_REQUESTED, GATEWAY_SUSPENDED]).timeout(30);
    /// Closes the payment of a cancelled order: what was charged goes back.
    PAYMENT_CLOSE = Function::new("payment-close", Payments).on(&[ORDER_CANCELLED])
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[REFUND_REQUESTED]).timeout(15);
    /// Gives money back.
    PAYMENT_REFUND = Function::new("payment-refund", Payments).on(&[REFUND_REQUESTED])
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Redis, Uses::Gateway, Uses::Secret(&GATEWAY_KEY, Read)])
        .publishes(&[PAYMENT_REFUNDED, REFUND_FAILED, GATEWAY_SUSPENDED]).timeout(30);
    /// Pays again after a refusal.
    PAYMENT_PROCESS = Function::new("payment-process", Payments)
        .http(Post, "/api/v1/payments/process", CUSTOMER_ONLY).idempotent()
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[PAYMENT_REQUESTED]);
    /// Shows a payment.
    PAYMENT_GET = Function::new("payment-get", Payments).http(Get, "/api/v1/payments/{id}", OWNER_OR_STAFF)
        .uses(&[Uses::Postgres]);
    /// Shows the payment of an order.
    PAYMENT_GET_ORDER = Function::new("payment-get-order", Payments)
        .http(Get, "/api/v1/payments/order/{order_id}", OWNER_OR_STAFF).uses(&[Uses::Postgres]);
    /// Asks for money back.
    REFUND_REQUEST = Function::new("refund-request", Payments)
        .http(Post, "/api/v1/payments/refund", STAFF_OR_ADMIN).idempotent()
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[REFUND_REQUESTED]);
    /// Hears from the gateway.
    PAYMENT_WEBHOOK = Function::new("payment-webhook", Payments).http(Post, "/api/v1/webhooks/payments", Public)
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Secret(&WEBHOOK_SECRET, Read)])
        .publishes(&[PAYMENT_SUCCEEDED, PAYMENT_FAILED, REFUND_REQUESTED]);
    /// Looks after payments and refunds without an answer.
    PAYMENT_RECONCILE = Function::new("payment-reconcile", Payments).triggered(Schedule { minutes: 5 })
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Gateway, Uses::Secret(&GATEWAY_KEY, Read)])
        .publishes(&[
            PAYMENT_SUCCEEDED, PAYMENT_FAILED, PAYMENT_REQUESTED, PAYMENT_REFUNDED, REFUND_FAILED, REFUND_REQUESTED,
        ])
        .timeout(240);
    /// Compares the ledger with the gateway's own.
    LEDGER_RECONCILE = Function::new("ledger-reconcile", Payments).triggered(Schedule { minutes: 1440 })
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Gateway, Uses::Secret(&GATEWAY_KEY, Read)])
        .publishes(&[LEDGER_RECONCILED]).timeout(300);

    // Notifications.
    /// Remembers where to write to.
    CONTACT_TRACK = Function::new("contact-track", Notifications).on(&[USER_REGISTERED])
        .uses(&[Uses::Postgres]).timeout(15);
    /// Writes to the customer.
    EMAIL_SEND = Function::new("email-send", Notifications).triggered(Fanout(&ORDER_UPDATES, NOTIFIED_EVENTS))
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Email]).publishes(&[NOTIFICATION_SENT]).timeout(15);
    /// Texts the customer.
    SMS_SEND = Function::new("sms-send", Notifications).triggered(Fanout(&ORDER_UPDATES, NOTIFIED_EVENTS))
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Sms]).publishes(&[NOTIFICATION_SENT]).timeout(15);
    /// Shows the customer a notice on every device.
    PUSH_SEND = Function::new("push-send", Notifications).triggered(Fanout(&ORDER_UPDATES, NOTIFIED_EVENTS))
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Push]).publishes(&[NOTIFICATION_SENT]).timeout(15);
    /// Takes in what became of mail: what came back, what was complained about.
    EMAIL_FEEDBACK_TRACK = Function::new("email-feedback-track", Notifications).triggered(ExternalTopic(&EMAIL_FEEDBACK))
        .uses(&[Uses::Postgres]).timeout(15);
    /// Writes to a customer by hand.
    NOTIFICATION_SEND = Function::new("notification-send", Notifications)
        .http(Post, "/api/v1/notifications/send", STAFF_OR_ADMIN).idempotent()
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[NOTIFICATION_REQUESTED]);
    /// Sends what staff wrote.
    MESSAGE_SEND = Function::new("message-send", Notifications).on(&[NOTIFICATION_REQUESTED])
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Email, Uses::Sms, Uses::Push]).publishes(&[NOTIFICATION_SENT])
        .timeout(15);
    /// Lists what was written about an order.
    NOTIFICATION_LIST = Function::new("notification-list", Notifications)
        .http(Get, "/api/v1/notifications", STAFF_OR_ADMIN).uses(&[Uses::Postgres]);
    /// Shows how somebody wants to be told.
    PREFERENCES_GET = Function::new("preferences-get", Notifications)
        .http(Get, "/api/v1/users/{id}/preferences", OWNER_OR_ADMIN).uses(&[Uses::Postgres]);
    /// Keeps how somebody wants to be told.
    PREFERENCES_UPDATE = Function::new("preferences-update", Notifications)
        .http(Put, "/api/v1/users/{id}/preferences", OWNER_OR_ADMIN).uses(&[Uses::Postgres]);
    /// Enters a device that shows notices.
    DEVICE_REGISTER = Function::new("device-register", Notifications)
        .http(Post, "/api/v1/users/{id}/devices", CUSTOMER_ONLY).uses(&[Uses::Postgres, Uses::PushEndpoints]);
    /// Strikes a device off.
    DEVICE_REMOVE = Function::new("device-remove", Notifications)
        .http(Delete, "/api/v1/users/{id}/devices/{device_id}", CUSTOMER_ONLY).uses(&[Uses::Postgres]);

    // Invoices.
    /// Numbers an invoice and files it as PDF.
    INVOICE_ISSUE = Function::new("invoice-issue", Invoices).triggered(Fanout(&ORDER_UPDATES, &[ORDER_CONFIRMED]))
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Bucket(&INVOICES, ReadWrite)]).publishes(&[INVOICE_ISSUED])
        .memory(512).timeout(20);
    /// Gives a link to an order's invoice.
    INVOICE_GET = Function::new("invoice-get", Invoices)
        .http(Get, "/api/v1/orders/{id}/invoice", OWNER_OR_STAFF)
        .uses(&[Uses::Postgres, Uses::Bucket(&INVOICES, Read)]);

    // Analytics.
    /// Puts confirmed orders on the analytics stream.
    ANALYTICS_FEED = Function::new("analytics-feed", Analytics).on(&[ORDER_CONFIRMED])
        .uses(&[Uses::Stream(&ANALYTICS)]).timeout(15);
    /// Adds orders up in windows of five minutes.
    WINDOW_AGGREGATE = Function::new("window-aggregate", Analytics)
        .triggered(Stream(&ANALYTICS, &[ORDER_CONFIRMED]))
        .uses(&[Uses::Postgres]).timeout(30);
    /// Shows the windows.
    WINDOW_LIST = Function::new("window-list", Analytics).http(Get, "/api/v1/analytics/windows", STAFF_OR_ADMIN)
        .uses(&[Uses::Postgres]);

    // Operations.
    /// Forwards every event to Kafka.
    EVENT_FORWARD = Function::new("event-forward", Operations).triggered(AllEvents).uses(&[Uses::Kafka]).timeout(20);
    /// Archives the topics to S3.
    EVENT_ARCHIVE = Function::new("event-archive", Operations)
        .triggered(Kafka(KAFKA_TOPICS)).uses(&[Uses::Bucket(&ARCHIVE, Write)]).timeout(30);
    /// Publishes what a crash kept from the bus.
    OUTBOX_SWEEP = Function::new("outbox-sweep", Operations).triggered(Schedule { minutes: 1 })
        .uses(&[Uses::Postgres, Uses::Bus]).timeout(50);
    /// Brings the database to the version of this code.
    DATABASE_MIGRATE = Function::new("database-migrate", Operations).uses(&[Uses::PostgresOwner])
        .memory(512).timeout(300);
    /// Answers while the process lives.
    HEALTH_GET = Function::new("health-get", Operations).http(Get, "/health", Public);
    /// Answers when the parts do.
    READY_GET = Function::new("ready-get", Operations).http(Get, "/ready", Public).uses(&[Uses::Postgres, Uses::Redis]);
}
