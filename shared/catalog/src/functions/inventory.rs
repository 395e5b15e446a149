//! The functions of the inventory.

use super::*;

functions! {
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
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[STOCK_LOW]).timeout(15).batched(100, 20).memory(256).concurrency(12).by_version();
}
