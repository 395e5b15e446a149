//! The functions of orders.

use super::*;

functions! {
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
    /// Lists stuck orders, with the next step of each.
    ORDER_STUCK_LIST = Function::new("order-stuck-list", Orders).http(Get, "/api/v1/ops/stuck-orders", ADMIN_ONLY)
        .uses(&[Uses::PostgresRead]);
}
