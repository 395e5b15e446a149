//! The functions, one row each.

use crate::{Action::*, Auth::*, Context::*, Method::*, Trigger::*, events::*, resources::*, role::*, *};

const CUSTOMER_ONLY: Auth = Roles(&[CUSTOMER]);
const STAFF_OR_ADMIN: Auth = Roles(&[STAFF, ADMIN]);
const ADMIN_ONLY: Auth = Roles(&[ADMIN]);
/// Includes machine clients, such as a warehouse system.
const STOCK_EDITORS: Auth = Roles(&[STAFF, ADMIN, SERVICE]);
const OWNER_OR_ADMIN: Auth = Roles(&[CUSTOMER, ADMIN]);
/// The events that customers are notified of.
const NOTIFIED_EVENTS: &[&Event] = &[ORDER_CONFIRMED, ORDER_CANCELLED, ORDER_WAITING, ORDER_SHIPPED, ORDER_DELIVERED];
const OWNER_OR_STAFF: Auth = Roles(&[CUSTOMER, STAFF, ADMIN]);
/// Everyone who logs in, for what is their own.
const ANY_USER: Auth = Roles(&[CUSTOMER, STAFF, ADMIN]);
/// They, and whoever may do nothing else before.
const ENROLLING: Auth = Roles(&[CUSTOMER, STAFF, ADMIN, MFA_ENROLMENT]);

/// The attributes of a product that a change by staff names.
const STATED_BY_STAFF: &[&str] =
    &["name", "description", "category", "price", "images", "active", "version", "updated_at", "last_change"];

/// Defines a constant for each function, and [`FUNCTIONS`] with all of them.
macro_rules! functions {
    ($($(#[$doc:meta])* $constant:ident = $row:expr;)*) => {
        $($(#[$doc])* pub const $constant: &Function = &$row;)*

        pub const FUNCTIONS: &[&Function] = &[$($constant),*];
    };
}

functions! {
    // Identity.
    /// Verifies the access token of a request for API Gateway.
    AUTHORIZER = Function::new("authorizer", Identity).triggered(Authorizer)
        .uses(&[Uses::Secret(&VERIFICATION_KEYS, &[GetSecretValue]), Uses::Redis]).timeout(5)
        .concurrency(100).provisioned(2);
    /// Registers a customer.
    USER_REGISTER = Function::new("user-register", Identity).http(Post, "/api/v1/users/register", Public)
        .honours_key()
        .uses(&[
            Uses::Postgres,
            Uses::Bus,
            Uses::MessageLimits,
            Uses::RegistrationLimit,
            Uses::Secret(&COUNTER_KEY, &[GetSecretValue]),
            Uses::Secret(&ORIGIN_SECRET, &[GetSecretValue]),
        ])
        .publishes(&[USER_REGISTERED]).memory(512);
    /// Issues a token pair for a password.
    USER_LOGIN = Function::new("user-login", Identity).http(Post, "/api/v1/users/login", Public)
        .uses(&[
            Uses::Postgres,
            Uses::Secret(&SIGNING_KEYS, &[GetSecretValue]),
            Uses::Secret(&COUNTER_KEY, &[GetSecretValue]),
            Uses::Secret(&ORIGIN_SECRET, &[GetSecretValue]),
            Uses::MfaPolicy,
        ])
        .memory(512);
    /// Finishes a login with a second factor.
    USER_LOGIN_MFA = Function::new("user-login-mfa", Identity).http(Post, "/api/v1/users/login/mfa", Public)
        .uses(&[
            Uses::Postgres, Uses::Secret(&SIGNING_KEYS, &[GetSecretValue]), Uses::Secret(&SEALING_KEYS, &[GetSecretValue]),
            Uses::Secret(&COUNTER_KEY, &[GetSecretValue]), Uses::Secret(&ORIGIN_SECRET, &[GetSecretValue]),
        ]);
    /// Makes the secret of a second factor.
    TOTP_BEGIN = Function::new("totp-begin", Identity).http(Post, "/api/v1/users/{id}/totp", ENROLLING)
        .uses(&[
            Uses::Postgres, Uses::Secret(&SEALING_KEYS, &[GetSecretValue]),
            Uses::Secret(&COUNTER_KEY, &[GetSecretValue]), Uses::Secret(&ORIGIN_SECRET, &[GetSecretValue]),
        ])
        .memory(512);
    /// Activates a second factor.
    TOTP_CONFIRM = Function::new("totp-confirm", Identity).http(Post, "/api/v1/users/{id}/totp/confirm", ENROLLING)
        .uses(&[Uses::Postgres, Uses::Secret(&SEALING_KEYS, &[GetSecretValue])]);
    /// Removes a second factor.
    TOTP_REMOVE = Function::new("totp-remove", Identity).http(Delete, "/api/v1/users/{id}/totp", ANY_USER)
        .uses(&[
            Uses::Postgres, Uses::Bus, Uses::Secret(&COUNTER_KEY, &[GetSecretValue]), Uses::Secret(&ORIGIN_SECRET, &[GetSecretValue]),
            Uses::Secret(&SEALING_KEYS, &[GetSecretValue]),
        ])
        .publishes(&[SECOND_FACTOR_REMOVED]).memory(512);
    /// Serves the public signing keys.
    JWKS_GET = Function::new("jwks-get", Identity).http(Get, "/.well-known/jwks.json", Public).unlimited()
        .uses(&[Uses::Secret(&VERIFICATION_KEYS, &[GetSecretValue])]);
    /// Rotates the signing key, whose predecessor stays valid for issued tokens, adds a sealing key, and makes the counter key.
    KEY_ROTATE = Function::new("key-rotate", Identity)
        .uses(&[
            Uses::Secret(&SIGNING_KEYS, &[GetSecretValue, PutSecretValue]),
            Uses::Secret(&VERIFICATION_KEYS, &[PutSecretValue]),
            Uses::Secret(&SEALING_KEYS, &[GetSecretValue, PutSecretValue]),
            Uses::Secret(&COUNTER_KEY, &[GetSecretValue, PutSecretValue]),
        ]);
    /// Requests a token that verifies an address of a customer.
    VERIFICATION_REQUEST = Function::new("verification-request", Identity)
        .http(Post, "/api/v1/users/{id}/verification", CUSTOMER_ONLY).honours_key()
        .uses(&[Uses::Postgres, Uses::Bus, Uses::MessageLimits]).publishes(&[CONTACT_VERIFICATION_REQUESTED]);
    /// Sends the token to the address.
    VERIFICATION_SEND = Function::new("verification-send", Identity)
        .on(&[USER_REGISTERED, CONTACT_VERIFICATION_REQUESTED])
        .uses(&[Uses::Postgres, Uses::Email, Uses::Sms, Uses::MessageLimits]).timeout(15);
    /// Verifies the address that a token was sent to.
    CONTACT_VERIFY = Function::new("contact-verify", Identity).http(Post, "/api/v1/users/verify", Public)
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[CONTACT_VERIFIED]);
    /// Exchanges a refresh token for a new pair of tokens.
    TOKEN_REFRESH = Function::new("token-refresh", Identity).http(Post, "/api/v1/users/token/refresh", Public)
        .uses(&[Uses::Postgres, Uses::Redis, Uses::Secret(&SIGNING_KEYS, &[GetSecretValue])]);
    /// Ends the session of the access token.
    USER_LOGOUT = Function::new("user-logout", Identity).http(Post, "/api/v1/users/logout", ANY_USER)
        .uses(&[Uses::Postgres, Uses::Redis]);
    /// Lists the sessions of the caller.
    SESSION_LIST = Function::new("session-list", Identity).http(Get, "/api/v1/users/{id}/sessions", ANY_USER)
        .uses(&[Uses::PostgresRead]);
    /// Ends all sessions of the caller.
    SESSION_END = Function::new("session-end", Identity).http(Delete, "/api/v1/users/{id}/sessions", ANY_USER)
        .uses(&[Uses::Postgres, Uses::Redis]);
    /// Returns an account.
    USER_GET = Function::new("user-get", Identity).http(Get, "/api/v1/users/{id}", ANY_USER).uses(&[Uses::PostgresRead]);
    /// Replaces the profile of an account.
    USER_UPDATE = Function::new("user-update", Identity).http(Put, "/api/v1/users/{id}", ANY_USER)
        .uses(&[
            Uses::Postgres,
            Uses::Bus,
            Uses::Secret(&COUNTER_KEY, &[GetSecretValue]),
            Uses::Secret(&ORIGIN_SECRET, &[GetSecretValue]),
        ])
        .publishes(&[USER_UPDATED]).memory(512);
    /// Deletes an account.
    USER_DELETE = Function::new("user-delete", Identity).http(Delete, "/api/v1/users/{id}", ANY_USER)
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Redis]).publishes(&[USER_DELETED]);
    /// Exports everything that is held about a person.
    USER_EXPORT = Function::new("user-export", Identity).http(Get, "/api/v1/users/{id}/export", ANY_USER)
        .uses(&[Uses::PostgresRead]).memory(256);
    /// Erases what is held about a person.
    USER_ERASE = Function::new("user-erase", Identity).http(Post, "/api/v1/users/{id}/erasure", ANY_USER)
        .uses(&[
            Uses::Postgres,
            Uses::Bus,
            Uses::Redis,
            Uses::Secret(&COUNTER_KEY, &[GetSecretValue]),
            Uses::Secret(&ORIGIN_SECRET, &[GetSecretValue]),
        ])
        .publishes(&[USER_DELETED, USER_ERASED]).memory(512);
    /// Changes the password of the caller.
    PASSWORD_CHANGE = Function::new("password-change", Identity).http(Post, "/api/v1/users/{id}/password", ANY_USER)
        .uses(&[
            Uses::Postgres,
            Uses::Redis,
            Uses::Secret(&COUNTER_KEY, &[GetSecretValue]),
            Uses::Secret(&ORIGIN_SECRET, &[GetSecretValue]),
        ])
        .memory(512);
    /// Requests a token with which a new password can be set.
    PASSWORD_RESET_REQUEST = Function::new("password-reset-request", Identity)
        .http(Post, "/api/v1/users/password-reset", Public)
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[PASSWORD_RESET_REQUESTED]);
    /// Mails the token.
    PASSWORD_RESET_SEND = Function::new("password-reset-send", Identity).on(&[PASSWORD_RESET_REQUESTED])
        .uses(&[Uses::Postgres, Uses::Email]).timeout(15);
    /// Sets a new password with the token.
    PASSWORD_RESET_CONFIRM = Function::new("password-reset-confirm", Identity)
        .http(Post, "/api/v1/users/password-reset/confirm", Public)
        .uses(&[Uses::Postgres, Uses::Redis]).memory(512);
    /// Gives a user another role.
    USER_ROLE_UPDATE = Function::new("user-role-update", Identity).http(Put, "/api/v1/users/{id}/role", ADMIN_ONLY)
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Redis]).publishes(&[USER_UPDATED]);
    /// Disables or enables an account.
    USER_STATUS_UPDATE = Function::new("user-status-update", Identity)
        .http(Patch, "/api/v1/users/{id}/status", ADMIN_ONLY)
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Redis]).publishes(&[USER_UPDATED]);
    /// Creates the account of a colleague.
    USER_INVITE = Function::new("user-invite", Identity).http(Post, "/api/v1/users/invite", ADMIN_ONLY)
        .honours_key().uses(&[Uses::Postgres, Uses::Bus]).publishes(&[USER_REGISTERED]).memory(512);
    /// Finds accounts for staff.
    USER_SEARCH = Function::new("user-search", Identity).http(Get, "/api/v1/users", STAFF_OR_ADMIN)
        .uses(&[Uses::PostgresRead]);
    /// Creates a service client.
    CLIENT_CREATE = Function::new("client-create", Identity).http(Post, "/api/v1/oauth/clients", ADMIN_ONLY)
        .uses(&[Uses::Postgres]);
    /// Lists the service clients.
    CLIENT_LIST = Function::new("client-list", Identity).http(Get, "/api/v1/oauth/clients", ADMIN_ONLY)
        .uses(&[Uses::PostgresRead]);
    /// Replaces the secret of a service client.
    CLIENT_SECRET_ROTATE = Function::new("client-secret-rotate", Identity)
        .http(Post, "/api/v1/oauth/clients/{id}/secret", ADMIN_ONLY).uses(&[Uses::Postgres]);
    /// Deletes a service client.
    CLIENT_DELETE = Function::new("client-delete", Identity).http(Delete, "/api/v1/oauth/clients/{id}", ADMIN_ONLY)
        .uses(&[Uses::Postgres, Uses::Redis]);
    /// Issues an access token for the secret of a service client.
    TOKEN_ISSUE = Function::new("token-issue", Identity).http(Post, "/api/v1/oauth/token", Public)
        .uses(&[
            Uses::Postgres,
            Uses::Secret(&SIGNING_KEYS, &[GetSecretValue]),
            Uses::Secret(&COUNTER_KEY, &[GetSecretValue]),
            Uses::Secret(&ORIGIN_SECRET, &[GetSecretValue]),
        ]);

    // Catalogue.
    /// Creates a product.
    PRODUCT_CREATE = Function::new("product-create", Catalogue).http(Post, "/api/v1/products", STAFF_OR_ADMIN).idempotent()
        .uses(&[Uses::Table(&PRODUCTS, &[PutItem])]);
    /// Returns a product.
    PRODUCT_GET = Function::new("product-get", Catalogue).http(Get, "/api/v1/products/{id}", Public)
        .uses(&[Uses::Table(&PRODUCTS, &[GetItem]), Uses::Redis])
        .concurrency(100);
    /// Replaces what staff state about a product.
    PRODUCT_UPDATE = Function::new("product-update", Catalogue).http(Put, "/api/v1/products/{id}", STAFF_OR_ADMIN)
        .uses(&[Uses::Table(&PRODUCTS, &[GetItem, UpdateItem(STATED_BY_STAFF)]), Uses::Redis]);
    /// Withdraws a product from sale.
    PRODUCT_DELETE = Function::new("product-delete", Catalogue).http(Delete, "/api/v1/products/{id}", STAFF_OR_ADMIN)
        .uses(&[Uses::Table(&PRODUCTS, &[GetItem, UpdateItem(STATED_BY_STAFF)]), Uses::Redis]);
    /// Lists and searches products, or returns several by id.
    PRODUCT_LIST = Function::new("product-list", Catalogue).http(Get, "/api/v1/products", Public)
        .uses(&[Uses::Table(&PRODUCTS, &[BatchGetItem]), Uses::PostgresRead]).concurrency(100);
    /// Publishes the changes of the products table, which is its own outbox.
    PRODUCT_RELAY = Function::new("product-relay", Catalogue).triggered(TableChanges(&PRODUCTS))
        .uses(&[Uses::Bus, Uses::Redis]).publishes(&[PRODUCT_CREATED, PRODUCT_UPDATED, PRODUCT_DELETED]).timeout(15);
    /// Updates the stock figure of products.
    PRODUCT_STOCK_TRACK = Function::new("product-stock-track", Catalogue)
        .on(&[STOCK_OPENED, STOCK_RESERVED, STOCK_ALLOCATED, STOCK_RESERVATION_EXPIRED, STOCK_SHIPPED, STOCK_RELEASED, STOCK_ADJUSTED])
        .uses(&[Uses::Table(&PRODUCTS, &[UpdateItem(&["stock_quantity", "stock_version", "last_change"])]), Uses::Redis]).timeout(15)
        .gathering(100, 20);
    /// Keeps the read model of products.
    PRODUCT_INDEX = Function::new("product-index", Catalogue)
        .on(&[
            PRODUCT_CREATED, PRODUCT_UPDATED, PRODUCT_DELETED, STOCK_OPENED, STOCK_RESERVED, STOCK_ALLOCATED, STOCK_RESERVATION_EXPIRED,
            STOCK_SHIPPED, STOCK_RELEASED, STOCK_ADJUSTED,
        ])
        .uses(&[Uses::Postgres]).timeout(15).gathering(100, 5);
    /// Lists the categories of products.
    CATEGORY_LIST = Function::new("category-list", Catalogue).http(Get, "/api/v1/categories", Public)
        .uses(&[Uses::PostgresRead]);
    /// Lists the prices that a product has had.
    PRODUCT_PRICE_LIST = Function::new("product-price-list", Catalogue)
        .http(Get, "/api/v1/products/{id}/prices", STAFF_OR_ADMIN).uses(&[Uses::PostgresRead]);
    /// Returns a link to upload an image of a product with.
    IMAGE_ADD = Function::new("image-add", Catalogue).http(Post, "/api/v1/products/{id}/images", STAFF_OR_ADMIN).honours_key()
        .uses(&[
            Uses::Table(&PRODUCTS, &[GetItem, PutItem, UpdateItem(STATED_BY_STAFF)]),
            Uses::Bucket(&PRODUCT_IMAGES, &[PutObject]),
        ]);
    /// Lists the images of a product with their states.
    IMAGE_LIST = Function::new("image-list", Catalogue).http(Get, "/api/v1/products/{id}/images", STAFF_OR_ADMIN)
        .uses(&[Uses::Table(&PRODUCTS, &[GetItem])]);
    /// Redirects to an image.
    IMAGE_GET = Function::new("image-get", Catalogue).http(Get, "/api/v1/products/{id}/images/{image_id}", Public).unlimited()
        .uses(&[Uses::Bucket(&PRODUCT_IMAGES, &[GetObject, ListBucket])]).concurrency(100);
    /// Deletes an image.
    IMAGE_DELETE = Function::new("image-delete", Catalogue)
        .http(Delete, "/api/v1/products/{id}/images/{image_id}", STAFF_OR_ADMIN)
        .uses(&[
            Uses::Table(&PRODUCTS, &[GetItem, UpdateItem(STATED_BY_STAFF)]), Uses::Redis,
            Uses::Bucket(&PRODUCT_IMAGES, &[DeleteObject]),
        ]);
    /// Makes the sizes of an uploaded image, or quarantines it. Memory: the pixels of the largest upload, twice.
    IMAGE_RESIZE = Function::new("image-resize", Catalogue).triggered(Objects(&PRODUCT_IMAGES, "uploads/"))
        .uses(&[
            Uses::Table(&PRODUCTS, &[GetItem, UpdateItem(STATED_BY_STAFF)]),
            Uses::Bucket(&PRODUCT_IMAGES, &[GetObject, PutObject, DeleteObject, ListBucket]),
        ])
        .memory(1769).timeout(60);

    // Inventory.
    /// Returns the stock level of a product.
    STOCK_GET = Function::new("stock-get", Inventory).http(Get, "/api/v1/products/{id}/stock", Public)
        .uses(&[Uses::PostgresRead]);
    /// Opens the stock account of a new product.
    STOCK_OPEN = Function::new("stock-open", Inventory).on(&[PRODUCT_CREATED])
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[STOCK_OPENED]).timeout(15);
    /// Reserves all lines of an order, or none.
    STOCK_RESERVE = Function::new("stock-reserve", Inventory).on(&[ORDER_PLACED])
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[STOCK_RESERVED, STOCK_RESERVATION_FAILED]).timeout(15).concurrency(25);
    /// Releases the stock of a cancelled order.
    STOCK_RELEASE = Function::new("stock-release", Inventory).on(&[ORDER_CANCELLED])
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[STOCK_RELEASED]).timeout(15);
    /// Allocates the stock of a paid order.
    STOCK_ALLOCATE = Function::new("stock-allocate", Inventory).on(&[PAYMENT_SUCCEEDED])
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[STOCK_ALLOCATED, STOCK_ALLOCATION_FAILED]).timeout(15).concurrency(25);
    /// Removes the stock of a shipped order from the account.
    STOCK_SHIP = Function::new("stock-ship", Inventory).on(&[ORDER_SHIPPED])
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[STOCK_SHIPPED]).timeout(15);
    /// Expires reservations whose time is over, and allocates backorders when stock allows.
    STOCK_SWEEP = Function::new("stock-sweep", Inventory).triggered(Schedule { minutes: 1 })
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[STOCK_RESERVATION_EXPIRED, STOCK_ALLOCATED]).timeout(50);
    /// Lists the stock movements of a product.
    STOCK_MOVEMENT_LIST = Function::new("stock-movement-list", Inventory)
        .http(Get, "/api/v1/products/{id}/stock/movements", STAFF_OR_ADMIN).uses(&[Uses::PostgresRead]);
    /// Adjusts the stock level of a product.
    STOCK_ADJUST = Function::new("stock-adjust", Inventory)
        .http(Patch, "/api/v1/products/{id}/stock", STOCK_EDITORS).idempotent()
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[STOCK_ADJUSTED]);
    /// Publishes when a product is low on stock.
    STOCK_ALERT = Function::new("stock-alert", Inventory)
        .on(&[STOCK_OPENED, STOCK_RESERVED, STOCK_ALLOCATED, STOCK_RESERVATION_EXPIRED, STOCK_RELEASED, STOCK_ADJUSTED])
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[STOCK_LOW]).timeout(15).gathering(100, 20);

    // Orders.
    /// Places an order.
    ORDER_PLACE = Function::new("order-place", Orders).http(Post, "/api/v1/orders", CUSTOMER_ONLY).idempotent()
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Api, Uses::OrderLimits, Uses::OrderRates]).publishes(&[ORDER_PLACED]).concurrency(60);
    /// Returns an order.
    ORDER_GET = Function::new("order-get", Orders).http(Get, "/api/v1/orders/{id}", OWNER_OR_STAFF)
        .uses(&[Uses::PostgresRead]);
    /// Lists the caller's orders; for staff, those of all customers.
    ORDER_LIST = Function::new("order-list", Orders).http(Get, "/api/v1/orders", OWNER_OR_STAFF).uses(&[Uses::PostgresRead]);
    /// Lists the orders of a user.
    ORDER_LIST_USER = Function::new("order-list-user", Orders)
        .http(Get, "/api/v1/orders/user/{user_id}", OWNER_OR_STAFF).uses(&[Uses::PostgresRead]);
    /// Cancels an order.
    ORDER_CANCEL = Function::new("order-cancel", Orders).http(Delete, "/api/v1/orders/{id}", OWNER_OR_STAFF)
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[ORDER_CANCELLED]);
    /// Marks an order as shipped or delivered, or cancels it.
    ORDER_STATUS_UPDATE = Function::new("order-status-update", Orders)
        .http(Patch, "/api/v1/orders/{id}/status", STAFF_OR_ADMIN)
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[ORDER_SHIPPED, ORDER_DELIVERED, ORDER_CANCELLED]);
    /// Advances an order on stock and payment events.
    ORDER_ADVANCE = Function::new("order-advance", Orders)
        .on(&[STOCK_RESERVED, STOCK_RESERVATION_FAILED, STOCK_ALLOCATED, STOCK_ALLOCATION_FAILED, PAYMENT_REQUESTED, PAYMENT_ACTION_REQUIRED, PAYMENT_FAILED, PAYMENT_REFUNDED])
        .uses(&[Uses::Postgres, Uses::Bus, Uses::ShortfallPolicy])
        .publishes(&[ORDER_CONFIRMED, ORDER_CANCELLED, ORDER_WAITING]).timeout(15).concurrency(40);
    /// Cancels unpaid orders after a timeout.
    ORDER_SWEEP = Function::new("order-sweep", Orders).triggered(Schedule { minutes: 5 })
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[ORDER_CANCELLED]).timeout(50);
    /// Erases what the orders of an erased user say about the person.
    ORDER_ERASE = Function::new("order-erase", Orders).on(&[USER_ERASED]).uses(&[Uses::Postgres]).timeout(15);
    /// Copies the catalogue's prices, which orders are placed at.
    PRODUCT_PRICE_TRACK = Function::new("product-price-track", Orders).on(&[PRODUCT_CREATED, PRODUCT_UPDATED, PRODUCT_DELETED])
        .uses(&[Uses::Postgres]).timeout(15);
    /// Adds a note about an order.
    ORDER_NOTE_ADD = Function::new("order-note-add", Orders).http(Post, "/api/v1/orders/{id}/notes", STAFF_OR_ADMIN)
        .honours_key().uses(&[Uses::Postgres]);
    /// Lists the notes about an order.
    ORDER_NOTE_LIST = Function::new("order-note-list", Orders).http(Get, "/api/v1/orders/{id}/notes", STAFF_OR_ADMIN)
        .uses(&[Uses::PostgresRead]);
    /// Changes the shipping address of an order before it is shipped.
    ORDER_ADDRESS_UPDATE = Function::new("order-address-update", Orders)
        .http(Put, "/api/v1/orders/{id}/shipping-address", OWNER_OR_STAFF).uses(&[Uses::Postgres]);

    // Payments.
    /// Charges a reserved order, and retries when requested.
    PAYMENT_CHARGE = Function::new("payment-charge", Payments).on(&[STOCK_RESERVED, PAYMENT_REQUESTED])
        .uses(&[
            Uses::Postgres, Uses::Bus, Uses::Redis, Uses::Gateway, Uses::Secret(&GATEWAY_KEY, &[GetSecretValue]),
            Uses::AttemptLimit,
        ])
        .publishes(&[PAYMENT_SUCCEEDED, PAYMENT_ACTION_REQUIRED, PAYMENT_FAILED, PAYMENT_MISMATCHED, REFUND_REQUESTED, GATEWAY_SUSPENDED]).timeout(30).concurrency(70);
    /// Closes and refunds the payment of a cancelled order.
    PAYMENT_CLOSE = Function::new("payment-close", Payments).on(&[ORDER_CANCELLED])
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[REFUND_REQUESTED]).timeout(15);
    /// Executes a refund.
    PAYMENT_REFUND = Function::new("payment-refund", Payments).on(&[REFUND_REQUESTED])
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Redis, Uses::Gateway, Uses::Secret(&GATEWAY_KEY, &[GetSecretValue])])
        .publishes(&[PAYMENT_REFUNDED, REFUND_FAILED, PAYMENT_MISMATCHED, GATEWAY_SUSPENDED]).timeout(30);
    /// Retries a declined payment.
    PAYMENT_PROCESS = Function::new("payment-process", Payments)
        .http(Post, "/api/v1/payments/process", CUSTOMER_ONLY).idempotent()
        .uses(&[Uses::Postgres, Uses::Bus, Uses::AttemptLimit]).publishes(&[PAYMENT_REQUESTED]);
    /// Returns a payment.
    PAYMENT_GET = Function::new("payment-get", Payments).http(Get, "/api/v1/payments/{id}", OWNER_OR_STAFF)
        .uses(&[Uses::PostgresRead]);
    /// Returns the payment of an order.
    PAYMENT_GET_ORDER = Function::new("payment-get-order", Payments)
        .http(Get, "/api/v1/payments/order/{order_id}", OWNER_OR_STAFF).uses(&[Uses::PostgresRead]);
    /// Requests a refund.
    REFUND_REQUEST = Function::new("refund-request", Payments)
        .http(Post, "/api/v1/payments/refund", STAFF_OR_ADMIN).idempotent()
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[REFUND_REQUESTED]);
    /// Processes webhooks of the payment gateway.
    PAYMENT_WEBHOOK = Function::new("payment-webhook", Payments).http(Post, "/api/v1/webhooks/payments", Public).class(RouteClass::Webhook)
        .uses(&[
            Uses::Postgres, Uses::Bus, Uses::Gateway,
            Uses::Secret(&GATEWAY_KEY, &[GetSecretValue]), Uses::Secret(&WEBHOOK_SECRET, &[GetSecretValue]),
        ])
        .publishes(&[
            PAYMENT_SUCCEEDED, PAYMENT_ACTION_REQUIRED, PAYMENT_FAILED, PAYMENT_MISMATCHED, PAYMENT_REFUNDED, REFUND_FAILED, REFUND_REQUESTED,
            PAYMENT_DISPUTED, DISPUTE_UPDATED, DISPUTE_CLOSED,
        ])
        .concurrency(30);
    /// Reconciles payments and refunds without a result.
    PAYMENT_RECONCILE = Function::new("payment-reconcile", Payments).triggered(Schedule { minutes: 5 })
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Gateway, Uses::Secret(&GATEWAY_KEY, &[GetSecretValue])])
        .publishes(&[
            PAYMENT_SUCCEEDED, PAYMENT_ACTION_REQUIRED, PAYMENT_FAILED, PAYMENT_REQUESTED, PAYMENT_REFUNDED, REFUND_FAILED, REFUND_REQUESTED,
            PAYMENT_MISMATCHED,
        ])
        .timeout(240);
    /// Reconciles the ledger with the statement of the gateway.
    LEDGER_RECONCILE = Function::new("ledger-reconcile", Payments).triggered(Schedule { minutes: 1440 })
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Gateway, Uses::Secret(&GATEWAY_KEY, &[GetSecretValue])])
        .publishes(&[LEDGER_RECONCILED]).timeout(300);
    /// Lists the disputes of a payment.
    DISPUTE_LIST = Function::new("dispute-list", Payments).http(Get, "/api/v1/payments/{id}/disputes", STAFF_OR_ADMIN)
        .uses(&[Uses::PostgresRead]);
    /// Saves a payment method.
    PAYMENT_METHOD_ADD = Function::new("payment-method-add", Payments)
        .http(Post, "/api/v1/payment-methods", CUSTOMER_ONLY).honours_key()
        .uses(&[Uses::Postgres, Uses::Gateway, Uses::Secret(&GATEWAY_KEY, &[GetSecretValue])]).timeout(20);
    /// Lists the saved payment methods of the caller.
    PAYMENT_METHOD_LIST = Function::new("payment-method-list", Payments)
        .http(Get, "/api/v1/payment-methods", CUSTOMER_ONLY).uses(&[Uses::PostgresRead]);
    /// Makes a saved payment method the default one.
    PAYMENT_METHOD_CHOOSE = Function::new("payment-method-choose", Payments)
        .http(Put, "/api/v1/payment-methods/{id}/default", CUSTOMER_ONLY).uses(&[Uses::Postgres]);
    /// Deletes a saved payment method.
    PAYMENT_METHOD_DELETE = Function::new("payment-method-delete", Payments)
        .http(Delete, "/api/v1/payment-methods/{id}", CUSTOMER_ONLY)
        .uses(&[Uses::Postgres, Uses::Gateway, Uses::Secret(&GATEWAY_KEY, &[GetSecretValue])]).timeout(20);
    /// Forgets the saved payment methods of a deleted account.
    PAYMENT_METHOD_FORGET = Function::new("payment-method-forget", Payments).on(&[USER_DELETED])
        .uses(&[Uses::Postgres, Uses::Gateway, Uses::Secret(&GATEWAY_KEY, &[GetSecretValue])]).timeout(30);
    /// Lists payments for which the gateway moved another amount than was asked.
    MISMATCH_LIST = Function::new("mismatch-list", Payments)
        .http(Get, "/api/v1/ops/payments/mismatches", STAFF_OR_ADMIN).uses(&[Uses::PostgresRead]);

    // Notifications.
    /// Stores the contact of a new user, and which of its addresses are verified.
    CONTACT_TRACK = Function::new("contact-track", Notifications).on(&[USER_REGISTERED, USER_UPDATED, USER_DELETED, USER_ERASED, CONTACT_VERIFIED])
        .uses(&[Uses::Postgres]).timeout(15);
    /// Sends order updates through the channels that the customer chose.
    UPDATE_SEND = Function::new("update-send", Notifications).triggered(Fanout(&ORDER_UPDATES, NOTIFIED_EVENTS))
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Email, Uses::Sms, Uses::Push, Uses::MessageLimits])
        .publishes(&[NOTIFICATION_SENT]).timeout(15).gathering(50, 5).concurrency(30);
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
        .http(Post, "/api/v1/webhook-endpoints/{id}/test", STAFF_OR_ADMIN).uses(&[Uses::Postgres]);
    /// Lists the deliveries to an endpoint of webhooks.
    WEBHOOK_DELIVERY_LIST = Function::new("webhook-delivery-list", Notifications)
        .http(Get, "/api/v1/webhook-endpoints/{id}/deliveries", STAFF_OR_ADMIN).uses(&[Uses::PostgresRead]);
    /// Sends a delivery to an endpoint of webhooks again.
    WEBHOOK_DELIVERY_RETRY = Function::new("webhook-delivery-retry", Notifications)
        .http(Post, "/api/v1/webhook-endpoints/{id}/deliveries/{delivery_id}/retry", STAFF_OR_ADMIN)
        .uses(&[Uses::Postgres]);
    /// Adds deliveries of public events to the endpoints of webhooks that subscribed to them.
    WEBHOOK_ENQUEUE = Function::new("webhook-enqueue", Notifications).on(WEBHOOK_EVENTS)
        .uses(&[Uses::Postgres]).timeout(15).gathering(100, 5);
    /// Sends the webhooks that are due.
    WEBHOOK_DELIVER = Function::new("webhook-deliver", Notifications).triggered(Schedule { minutes: 1 })
        .uses(&[
            Uses::Postgres, Uses::Bus, Uses::WebhookTargets, Uses::Secret(&SEALING_KEYS, &[GetSecretValue]),
        ])
        .publishes(&[NOTIFICATION_REQUESTED]).timeout(50);

    // Invoices.
    /// Numbers an invoice and stores its PDF document.
    INVOICE_ISSUE = Function::new("invoice-issue", Invoices).triggered(Fanout(&ORDER_UPDATES, &[ORDER_CONFIRMED]))
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Bucket(&INVOICES, &[PutObject]), Uses::InvoiceCalendar, Uses::InvoiceSeller])
        .publishes(&[INVOICE_ISSUED])
        .memory(512).timeout(20).gathering(50, 5).concurrency(30);
    /// Returns a link to the invoice of an order.
    INVOICE_GET = Function::new("invoice-get", Invoices)
        .http(Get, "/api/v1/orders/{id}/invoice", OWNER_OR_STAFF)
        .uses(&[Uses::PostgresRead, Uses::Bucket(&INVOICES, &[GetObject, ListBucket])]);
    /// Lists invoices with links to them.
    INVOICE_LIST = Function::new("invoice-list", Invoices).http(Get, "/api/v1/invoices", OWNER_OR_STAFF)
        .uses(&[Uses::PostgresRead, Uses::Bucket(&INVOICES, &[GetObject, ListBucket])]);
    /// Issues the credit note of a refund.
    CREDIT_NOTE_ISSUE = Function::new("credit-note-issue", Invoices).on(&[PAYMENT_REFUNDED, REFUND_FAILED, INVOICE_ISSUED])
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Bucket(&INVOICES, &[PutObject]), Uses::InvoiceCalendar])
        .publishes(&[CREDIT_NOTE_ISSUED]).memory(512).timeout(20).gathering(100, 20);
    /// Lists the credit notes of an order with links to them.
    CREDIT_NOTE_LIST = Function::new("credit-note-list", Invoices)
        .http(Get, "/api/v1/orders/{id}/credit-notes", OWNER_OR_STAFF)
        .uses(&[Uses::PostgresRead, Uses::Bucket(&INVOICES, &[GetObject, ListBucket])]);

    // Analytics.
    /// Writes confirmed orders to the analytics stream.
    ANALYTICS_FEED = Function::new("analytics-feed", Analytics).on(&[ORDER_CONFIRMED])
        .uses(&[Uses::Stream(&ANALYTICS, &[PutRecord])]).timeout(15).gathering(100, 60).concurrency(20);
    /// Aggregates confirmed orders in five-minute windows.
    WINDOW_AGGREGATE = Function::new("window-aggregate", Analytics)
        .triggered(Stream(&ANALYTICS, &[ORDER_CONFIRMED]))
        .uses(&[Uses::Postgres]).timeout(30).gathering(100, 60);
    /// Lists the analytics windows.
    WINDOW_LIST = Function::new("window-list", Analytics).http(Get, "/api/v1/analytics/windows", STAFF_OR_ADMIN)
        .uses(&[Uses::PostgresRead]);

    // Operations.
    /// Forwards every event to Kafka.
    EVENT_FORWARD = Function::new("event-forward", Operations).triggered(AllEvents).uses(&[Uses::Kafka]).timeout(20)
        .gathering(100, 20).memory(512).concurrency(20);
    /// Creates the topics of the event log that do not exist.
    TOPICS_CREATE = Function::new("topics-create", Operations).uses(&[Uses::KafkaTopics]).timeout(60);
    /// Archives the topics to S3, in windows of minutes: each batch makes an object for each partition.
    EVENT_ARCHIVE = Function::new("event-archive", Operations)
        .triggered(Kafka(KAFKA_TOPICS)).uses(&[Uses::Bucket(&ARCHIVE, &[PutObject])]).timeout(30)
        .gathering(1000, 300);
    /// Publishes events that were committed and not published, and removes expired records.
    OUTBOX_SWEEP = Function::new("outbox-sweep", Operations).triggered(Schedule { minutes: 1 })
        .uses(&[Uses::Postgres, Uses::Bus]).timeout(50);
    /// Places a test order as a customer does, waits until it is confirmed, and cancels it.
    CANARY_ORDER = Function::new("canary-order", Operations).triggered(Schedule { minutes: 5 })
        .uses(&[Uses::Api, Uses::Secret(&CANARY_ACCOUNT, &[GetSecretValue])]).timeout(120);
    /// Migrates the database.
    DATABASE_MIGRATE = Function::new("database-migrate", Operations).uses(&[Uses::PostgresOwner])
        .memory(512).timeout(300);
    /// Answers requests that match no route: 404, or 405 with the methods of the path.
    ROUTE_DEFAULT = Function::new("route-default", Operations).triggered(DefaultRoute).concurrency(20);
    /// Rotates the password of a database role.
    DATABASE_SECRET_ROTATE = Function::new("database-secret-rotate", Operations)
        .uses(&[Uses::PostgresOwner, Uses::RoleSecrets(&[GetSecretValue, PutSecretValue, UpdateSecretVersionStage])])
        .timeout(30);
    /// Reports that the process is alive.
    HEALTH_GET = Function::new("health-get", Operations).http(Get, "/health", Public).unlimited();
    /// Reports whether the dependencies are available.
    READY_GET = Function::new("ready-get", Operations).http(Get, "/ready", Public).unlimited().uses(&[Uses::PostgresProbe, Uses::Redis]);
    /// Returns the OpenAPI document of the routes.
    OPENAPI_GET = Function::new("openapi-get", Operations).http(Get, "/openapi.json", Public).unlimited();
    /// Returns the AsyncAPI document of the events.
    ASYNCAPI_GET = Function::new("asyncapi-get", Operations).http(Get, "/asyncapi.json", Public).unlimited();
    /// Returns the page on which routes can be tried.
    DOCS_GET = Function::new("docs-get", Operations).http(Get, "/docs", Public).unlimited();
    /// Explains a problem type.
    PROBLEM_GET = Function::new("problem-get", Operations).http(Get, "/problems/{code}", Public).unlimited();
}
