//! The rows: one function each.

use crate::{Access::*, Auth::*, Context::*, Method::*, Trigger::*, events::*, resources::*, role::*, *};

const BUYER: Auth = Roles(&[CUSTOMER]);
const BACK_OFFICE: Auth = Roles(&[STAFF, ADMIN]);
const OWNER_OR_BACK_OFFICE: Auth = Roles(&[CUSTOMER, STAFF, ADMIN]);

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
    PRODUCT_CREATE = Function::new("product-create", Catalogue).http(Post, "/api/v1/products", BACK_OFFICE).idempotent()
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
        .on(&[STOCK_OPENED, STOCK_RESERVED, STOCK_RELEASED])
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
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[STOCK_RESERVED, STOCK_SHORT]).timeout(15);
    /// Gives a cancelled order's stock back.
    STOCK_RELEASE = Function::new("stock-release", Inventory).on(&[ORDER_CANCELLED])
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[STOCK_RELEASED]).timeout(15);

    // Orders.
    /// Places an order.
    ORDER_PLACE = Function::new("order-place", Orders).http(Post, "/api/v1/orders", BUYER).idempotent()
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Api]).publishes(&[ORDER_PLACED]);
    /// Shows one order.
    ORDER_GET = Function::new("order-get", Orders).http(Get, "/api/v1/orders/{id}", OWNER_OR_BACK_OFFICE)
        .uses(&[Uses::Postgres]);
    /// Lists the caller's orders.
    ORDER_LIST = Function::new("order-list", Orders).http(Get, "/api/v1/orders", BUYER).uses(&[Uses::Postgres]);
    /// Moves an order on as stock and payment come in.
    ORDER_ADVANCE = Function::new("order-advance", Orders)
        .on(&[STOCK_RESERVED, STOCK_SHORT, PAYMENT_SUCCEEDED, PAYMENT_FAILED])
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[ORDER_CONFIRMED, ORDER_CANCELLED]).timeout(15);

    // Payments.
    /// Charges for an order whose stock is reserved.
    PAYMENT_CHARGE = Function::new("payment-charge", Payments).on(&[STOCK_RESERVED])
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Gateway, Uses::Secret(&GATEWAY_KEY, Read)]).publishes(&[PAYMENT_SUCCEEDED, PAYMENT_FAILED]).timeout(30);

    // Notifications.
    /// Remembers where to write to.
    CONTACT_TRACK = Function::new("contact-track", Notifications).on(&[USER_REGISTERED])
        .uses(&[Uses::Postgres]).timeout(15);
    /// Writes to the customer.
    MAIL_SEND = Function::new("mail-send", Notifications)
        .triggered(Fanout(&ORDER_NEWS, &[ORDER_CONFIRMED, ORDER_CANCELLED]))
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Mail]).publishes(&[NOTIFICATION_SENT]).timeout(15);

    // Invoices.
    /// Numbers an invoice and files it as PDF.
    INVOICE_ISSUE = Function::new("invoice-issue", Invoices).triggered(Fanout(&ORDER_NEWS, &[ORDER_CONFIRMED]))
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Bucket(&INVOICES, ReadWrite)]).publishes(&[INVOICE_ISSUED])
        .memory(512).timeout(20);
    /// Gives a link to an order's invoice.
    INVOICE_GET = Function::new("invoice-get", Invoices)
        .http(Get, "/api/v1/orders/{id}/invoice", OWNER_OR_BACK_OFFICE)
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
    WINDOW_LIST = Function::new("window-list", Analytics).http(Get, "/api/v1/analytics/windows", BACK_OFFICE)
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
