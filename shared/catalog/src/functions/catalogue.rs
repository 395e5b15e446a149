//! The functions of the catalogue.

use super::*;

/// The attributes of a product that a change by staff names.
const STATED_BY_STAFF: &[&str] = &[
    "name",
    "description",
    "category",
    "price",
    "images",
    "active",
    "version",
    "updated_at",
    "changed_by",
    "changed_in",
    "last_change",
];

functions! {
    /// Creates a product.
    PRODUCT_CREATE = Function::new("product-create", Catalogue).http(Post, "/api/v1/products", STAFF_OR_ADMIN).idempotent()
        .uses(&[Uses::Table(&PRODUCTS, &[PutItem])]);
    /// Returns a product.
    PRODUCT_GET = Function::new("product-get", Catalogue).http(Get, "/api/v1/products/{id}", Public)
        .uses(&[Uses::Table(&PRODUCTS, &[GetItem]), Uses::Redis])
        .concurrency(100);
    /// Replaces the members of a product that staff edit.
    PRODUCT_UPDATE = Function::new("product-update", Catalogue).http(Put, "/api/v1/products/{id}", STAFF_OR_ADMIN)
        .uses(&[Uses::Table(&PRODUCTS, &[GetItem, UpdateItem(STATED_BY_STAFF)]), Uses::Redis]);
    /// Withdraws a product from sale.
    PRODUCT_DELETE = Function::new("product-delete", Catalogue).http(Delete, "/api/v1/products/{id}", STAFF_OR_ADMIN)
        .uses(&[Uses::Table(&PRODUCTS, &[GetItem, UpdateItem(STATED_BY_STAFF)]), Uses::Redis]);
    /// Lists and searches products, or returns several by id.
    PRODUCT_LIST = Function::new("product-list", Catalogue).http(Get, "/api/v1/products", Public)
        .uses(&[Uses::Table(&PRODUCTS, &[BatchGetItem]), Uses::PostgresRead]).concurrency(100);
    /// Commits the events of the changes of the products table to the outbox, and publishes them.
    PRODUCT_RELAY = Function::new("product-relay", Catalogue).triggered(TableChanges(&PRODUCTS))
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Redis]).publishes(&[PRODUCT_CREATED, PRODUCT_UPDATED, PRODUCT_DELETED]).timeout(15);
    /// Commits the events of changes that the table's stream lost: an hour of changes each hour.
    PRODUCT_SWEEP = Function::new("product-sweep", Catalogue).triggered(Schedule { minutes: 60 })
        .uses(&[Uses::Table(&PRODUCTS, &[BatchGetItem, Query]), Uses::Postgres, Uses::Bus])
        .publishes(&[PRODUCT_CREATED, PRODUCT_UPDATED, PRODUCT_DELETED]).timeout(240);
    /// Updates the stock figure of products.
    PRODUCT_STOCK_TRACK = Function::new("product-stock-track", Catalogue)
        .on(&[STOCK_OPENED, STOCK_RESERVED, STOCK_ALLOCATED, STOCK_RESERVATION_EXPIRED, STOCK_SHIPPED, STOCK_RELEASED, STOCK_ADJUSTED])
        .uses(&[
            Uses::Table(&PRODUCTS, &[UpdateItem(&["stock_quantity", "stock_version", "last_change"])]), Uses::Redis, Uses::Postgres,
        ])
        .timeout(15)
        .batched(100, 20).memory(256).concurrency(12).by_version();
    /// Keeps the read model of products.
    PRODUCT_INDEX = Function::new("product-index", Catalogue)
        .on(&[
            PRODUCT_CREATED, PRODUCT_UPDATED, PRODUCT_DELETED, STOCK_OPENED, STOCK_RESERVED, STOCK_ALLOCATED, STOCK_RESERVATION_EXPIRED,
            STOCK_SHIPPED, STOCK_RELEASED, STOCK_ADJUSTED,
        ])
        .uses(&[Uses::Postgres]).timeout(15).batched(100, 5).memory(256).concurrency(12).by_version();
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
    /// Returns a link to upload a file of products with.
    PRODUCT_IMPORT_CREATE = Function::new("product-import-create", Catalogue)
        .http(Post, "/api/v1/products/imports", STAFF_OR_ADMIN)
        .uses(&[Uses::Postgres, Uses::Bucket(&PRODUCT_FILES, &[PutObject])]);
    /// Returns how far an import of products has come, with its errors.
    PRODUCT_IMPORT_GET = Function::new("product-import-get", Catalogue)
        .http(Get, "/api/v1/products/imports/{id}", STAFF_OR_ADMIN)
        .uses(&[Uses::PostgresRead, Uses::Bucket(&PRODUCT_FILES, &[GetObject, ListBucket])]);
    /// Works through the files of imports that are uploaded. Memory: a part of a file and its products, and the list of errors.
    PRODUCT_IMPORT_RUN = Function::new("product-import-run", Catalogue).triggered(Schedule { minutes: 1 })
        .uses(&[
            Uses::Postgres, Uses::Table(&PRODUCTS, &[GetItem, PutItem, UpdateItem(STATED_BY_STAFF)]),
            Uses::Bucket(&PRODUCT_FILES, &[GetObject, PutObject, ListBucket]),
        ])
        .memory(256).timeout(120);
    /// Starts an export of all products.
    PRODUCT_EXPORT_CREATE = Function::new("product-export-create", Catalogue)
        .http(Post, "/api/v1/products/exports", STAFF_OR_ADMIN).uses(&[Uses::Postgres]);
    /// Returns how far an export of products has come, with a link to its file.
    PRODUCT_EXPORT_GET = Function::new("product-export-get", Catalogue)
        .http(Get, "/api/v1/products/exports/{id}", STAFF_OR_ADMIN)
        .uses(&[Uses::PostgresRead, Uses::Bucket(&PRODUCT_FILES, &[GetObject, ListBucket])]);
    /// Writes the files of exports. Memory: a part of a file, and its products.
    PRODUCT_EXPORT_RUN = Function::new("product-export-run", Catalogue).triggered(Schedule { minutes: 1 })
        .uses(&[Uses::Postgres, Uses::Bucket(&PRODUCT_FILES, &[GetObject, PutObject, ListBucket])])
        .memory(256).timeout(120);
    /// Lists the imports of products.
    PRODUCT_IMPORT_LIST = Function::new("product-import-list", Catalogue)
        .http(Get, "/api/v1/products/imports", STAFF_OR_ADMIN).uses(&[Uses::PostgresRead]);
    /// Lists the exports of products.
    PRODUCT_EXPORT_LIST = Function::new("product-export-list", Catalogue)
        .http(Get, "/api/v1/products/exports", STAFF_OR_ADMIN).uses(&[Uses::PostgresRead]);
}
