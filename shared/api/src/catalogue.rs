//! Products and stock.

use crate::{id, rfc3339};
use domain::{
    Money,
    id::ImageId,
    image::{AddImage, ProductImage, State},
    listing::{CategoryCount, PriceChange},
    product::Product,
    stock::StockMovement,
    stock_level::StockLevel,
};
use kernel::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A product.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ProductView {
    /// Id of the product.
    #[schemars(extend("format" = "uuid"))]
    pub id: String,
    /// Stock keeping unit (SKU).
    pub sku: String,
    /// Name of the product.
    pub name: String,
    /// Description; may be empty.
    pub description: String,
    /// Category in kebab case.
    pub category: String,
    /// Price of one unit.
    pub price: Money,
    /// Path of the main image on this API; `?size=` (`small`, `medium`, `large`) and `?format=` (`jpeg`, `webp`) choose a variant.
    pub image_url: Option<String>,
    /// Paths of all images, the main one first.
    pub images: Vec<String>,
    /// Available units as last reported by the inventory.
    pub stock_quantity: i64,
    /// Version, incremented by each change by staff.
    pub version: u64,
    /// Creation time.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
    /// Time of the last change by staff.
    #[schemars(extend("format" = "date-time"))]
    pub updated_at: String,
}

impl From<&Product> for ProductView {
    fn from(product: &Product) -> Self {
        Self {
            id: id(product.id.0),
            sku: product.sku.as_str().to_owned(),
            name: product.name.as_str().to_owned(),
            description: product.description.as_str().to_owned(),
            category: product.category.as_str().to_owned(),
            price: product.price,
            image_url: product.ready_images().next().map(|image| image_path(product, image)),
            images: product.ready_images().map(|image| image_path(product, image)).collect(),
            stock_quantity: product.stock_quantity,
            version: product.version,
            created_at: rfc3339(product.created_at),
            updated_at: rfc3339(product.updated_at),
        }
    }
}

impl ProductView {
    /// All that the representation depends on: the version that staff count, and the stock figure, which changes without them.
    pub fn etag(&self) -> String {
        format!("{}-{}", self.version, self.stock_quantity)
    }

    /// Whether an ETag is of this version of a product, with whatever stock. Staff change what the version counts, and no stock: a figure
    /// that has moved since does not invalidate their change.
    pub fn is_tag_of(tag: &str, version: u64) -> bool {
        tag.split_once('-').is_some_and(|(prefix, _)| prefix == version.to_string())
    }
}

/// The path of an image of a product.
fn image_path(product: &Product, image: &ProductImage) -> String {
    catalog::IMAGE_GET.path_of(product.id).replace("{image_id}", &image.id.to_string())
}

/// A link to upload an image with: a PUT request with these headers and the file as its body.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct UploadView {
    /// Id of the image.
    #[schemars(extend("format" = "uuid"))]
    pub id: String,
    /// URL to send the file to.
    pub upload_url: String,
    /// Headers that the request must have.
    pub headers: BTreeMap<String, String>,
    /// Key of the upload.
    pub key: String,
    /// When the link ends.
    #[schemars(extend("format" = "date-time"))]
    pub expires_at: String,
}

impl UploadView {
    /// The link for an image of this type and size in bytes.
    pub fn new(image: ImageId, url: String, key: String, file: &AddImage, expires_at: Timestamp) -> Self {
        let headers =
            [("content-type", file.content_type.name().to_owned()), ("content-length", file.size.bytes().to_string())];
        Self {
            id: id(image.0),
            upload_url: url,
            headers: headers.map(|(name, value)| (name.to_owned(), value)).into(),
            key,
            expires_at: rfc3339(expires_at),
        }
    }
}

/// An image of a product, as staff see it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ImageView {
    /// Id of the image.
    #[schemars(extend("format" = "uuid"))]
    pub id: String,
    /// Media type of the upload.
    pub content_type: &'static str,
    /// `pending` until the upload is processed, `ready`, or `refused`.
    pub status: &'static str,
    /// Why it is refused: `too_large`, `unsupported_type`, `other_type`, `too_many_pixels`, `trailing_data` or `unreadable`; or `not_processed` if
    /// seven hours after its link was made nothing was uploaded, or no attempt to process the upload has succeeded: delete the image, add it again.
    pub reason: Option<&'static str>,
    /// Path of the image on this API, once it is ready.
    pub url: Option<String>,
    /// When its upload link was made.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
}

impl ImageView {
    /// An image of `product` as it is `now`.
    pub fn new(product: &Product, image: &ProductImage, now: Timestamp) -> Self {
        let (status, reason) = match image.is_overdue(now) {
            true => (State::Refused, Some("not_processed")),
            false => (image.state, image.reason.map(|reason| reason.name())),
        };
        Self {
            id: id(image.id.0),
            content_type: image.media_type.name(),
            status: status.name(),
            reason,
            url: (image.state == State::Ready).then(|| image_path(product, image)),
            created_at: rfc3339(image.added_at),
        }
    }
}

/// A category of products.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CategoryView {
    /// Name of the category in kebab case.
    pub name: String,
    /// Number of products on sale.
    pub products: u64,
}

impl From<&CategoryCount> for CategoryView {
    fn from(count: &CategoryCount) -> Self {
        Self { name: count.category.as_str().to_owned(), products: count.products }
    }
}

/// A price that a product has or had.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PriceView {
    /// Price of one unit.
    pub price: Money,
    /// The version of the product that had the price first.
    pub version: u64,
    /// Since when the product has or had the price.
    pub since: String,
}

impl From<&PriceChange> for PriceView {
    fn from(change: &PriceChange) -> Self {
        Self { price: change.price, version: change.version, since: rfc3339(change.at) }
    }
}

/// The stock of one product.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StockView {
    /// Units available for sale.
    pub available: i64,
    /// Units reserved or allocated for orders.
    pub reserved: i64,
}

impl From<&StockLevel> for StockView {
    fn from(level: &StockLevel) -> Self {
        Self { available: level.available, reserved: level.reserved }
    }
}

/// A stock movement of a product.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MovementView {
    /// Number of this movement, from 1.
    pub version: i64,
    /// `opened`, `reserved`, `allocated`, `expired`, `released`, `shipped` or `adjusted`.
    pub kind: &'static str,
    /// Change of the available units (`opened`, `adjusted`) or of the reserved units (all others).
    pub quantity: i64,
    /// Units available for sale after the movement.
    pub available: i64,
    /// Units reserved or allocated for orders after the movement.
    pub reserved: i64,
    /// Id of the order that caused the movement, if any.
    #[schemars(extend("format" = "uuid"))]
    pub order_id: Option<String>,
    /// Reason of a manual adjustment.
    pub reason: Option<&'static str>,
    /// Time of the movement.
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
}

impl From<&StockMovement> for MovementView {
    fn from(movement: &StockMovement) -> Self {
        Self {
            version: movement.level.version,
            kind: movement.kind.name(),
            quantity: movement.quantity,
            available: movement.level.available,
            reserved: movement.level.reserved,
            order_id: movement.order_id.map(|order| id(order.0)),
            reason: movement.reason.map(|reason| reason.name()),
            at: rfc3339(movement.at),
        }
    }
}
