//! Products, images and stock.

use super::{NOON, ORDER, OTHER, PRODUCT, TEN_PAST, examples, usd};
use api::*;
use domain::{
    image, product_export,
    product_import::{self, Mode},
    stock::StockMovementKind,
};

examples! {
    ProductView = Self {
        id: PRODUCT.into(),
        sku: "LANTERN-1".into(),
        name: "Storm lantern".into(),
        description: "Burns twelve hours.".into(),
        category: "lighting".into(),
        price: usd(1999)?,
        image_url: Some(image_path()),
        images: vec![image_path()],
        stock_quantity: 5,
        version: 1,
        created_at: NOON.into(),
        updated_at: NOON.into(),
    };
    UploadView = Self {
        id: OTHER.into(),
        upload_url: "https://quayside-product-images.s3.eu-west-1.amazonaws.com/uploads/…?X-Amz-Expires=600&X-Amz-Signature=…".into(),
        headers: [("content-type", "image/jpeg"), ("content-length", "482133")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        key: format!("{}{PRODUCT}/{OTHER}", image::UPLOADS),
        expires_at: TEN_PAST.into(),
    };
    ProductImportView = Self {
        id: OTHER.into(),
        mode: Mode::Upsert.name(),
        status: product_import::Status::CompletedWithErrors.name(),
        reason: None,
        lines: 300,
        created: 250,
        updated: 30,
        unchanged: 19,
        rejected: 1,
        errors: vec![LineErrorView {
            line: 17,
            code: "validation".into(),
            detail: "/price/currency is required".into(),
            errors: vec![LineFieldView { pointer: "/price/currency".into(), detail: "is required".into() }],
        }],
        errors_url: Some("https://quayside-product-files.s3.eu-west-1.amazonaws.com/imports/…/errors.jsonl?X-Amz-Expires=900&X-Amz-Signature=…".into()),
        upload: None,
        created_at: NOON.into(),
        ended_at: Some(TEN_PAST.into()),
    };
    ProductExportView = Self {
        id: OTHER.into(),
        status: product_export::Status::Completed.name(),
        products: 1_204,
        url: Some("https://quayside-product-files.s3.eu-west-1.amazonaws.com/exports/…/products.jsonl?X-Amz-Expires=900&X-Amz-Signature=…".into()),
        created_at: NOON.into(),
        ended_at: Some(TEN_PAST.into()),
    };
    ImageView = Self {
        id: OTHER.into(),
        content_type: "image/jpeg",
        status: image::State::Ready.name(),
        reason: None,
        url: Some(image_path()),
        created_at: NOON.into(),
    };
    CategoryView = Self { name: "lighting".into(), products: 12 };
    PriceView = Self { price: usd(1999)?, version: 1, since: NOON.into() };
    StockView = Self { available: 3, reserved: 2 };
    MovementView = Self {
        version: 2,
        kind: StockMovementKind::Reserved.name(),
        quantity: 2,
        available: 3,
        reserved: 2,
        order_id: Some(ORDER.into()),
        reason: None,
        at: TEN_PAST.into(),
    };
}

/// Path of the image on this API.
fn image_path() -> String {
    catalog::IMAGE_GET.path_of(PRODUCT).replace("{image_id}", OTHER)
}
