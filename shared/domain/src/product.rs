//! Products of the catalogue.

use crate::{
    DomainEvent, Event, Money,
    event::{ProductCreated, ProductDeleted, ProductUpdated},
    id::{ImageId, ProductId},
    image::{self, AddImage, ProductImage, Refusal, State},
    order::ProductSnapshot,
    text::{Category, Description, ProductName, Sku},
};
use kernel::{CloudEvent, Failure, FailureKind, Principal, Timestamp, TraceContext, Uuid, seconds_after};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Seconds of an hour.
pub const HOUR_S: i64 = 3600;

/// A creation is published again by a sweep of changes up to so many hours later. The outbox knows for seven days that it was published.
pub const CREATION_HOURS: i64 = 72;

/// Maximum initial stock, in units.
pub const MAX_STOCK: u32 = 100_000_000;

/// A request to put a product on sale.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateProduct {
    /// Stock keeping unit, unique.
    pub sku: Sku,
    pub name: ProductName,
    #[serde(default)]
    pub description: Option<Description>,
    pub category: Category,
    /// Price of one unit.
    pub price: Money,
    /// Initial stock; 0 if absent.
    #[serde(default)]
    pub stock_quantity: StockQuantity,
}

/// A request to replace the members of a product that staff edit. Its stock has requests of its own.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateProduct {
    /// The SKU that the product has. It may be left out, and it cannot be changed.
    #[serde(default)]
    pub sku: Option<Sku>,
    pub name: ProductName,
    /// Empty if absent.
    #[serde(default)]
    pub description: Option<Description>,
    pub category: Category,
    /// Price of one unit.
    pub price: Money,
}

/// Units of stock: 0 to [`MAX_STOCK`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "i64")]
pub struct StockQuantity(u32);

impl StockQuantity {
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl JsonSchema for StockQuantity {
    fn schema_name() -> Cow<'static, str> {
        "StockQuantity".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 0, "maximum": MAX_STOCK })
    }
}

impl TryFrom<i64> for StockQuantity {
    type Error = String;
    fn try_from(units: i64) -> Result<Self, String> {
        match u32::try_from(units) {
            Ok(units) if units <= MAX_STOCK => Ok(Self(units)),
            _ => Err(format!("must be between 0 and {MAX_STOCK}")),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    pub id: ProductId,
    pub sku: Sku,
    pub name: ProductName,
    pub description: Description,
    pub category: Category,
    /// Price of one unit.
    pub price: Money,
    /// Images, the main one first, whatever their state.
    #[serde(default)]
    pub images: Vec<ProductImage>,
    /// Whether it is on sale. A withdrawn product stays stored, so that its SKU stays taken.
    #[serde(default = "is_active")]
    pub active: bool,
    /// Available units as last reported by the inventory, which decides.
    pub stock_quantity: i64,
    /// Version of the stock level that `stock_quantity` is from.
    pub stock_version: i64,
    /// Incremented by each change by staff.
    pub version: u64,
    pub created_at: Timestamp,
    /// Time of the last change by staff.
    pub updated_at: Timestamp,
    /// Whose request made the last change by staff; `None` if it was an import, or the end of an upload.
    #[serde(default)]
    pub changed_by: Option<Principal>,
}

/// Items of an earlier version do not say whether their product is on sale; it is.
const fn is_active() -> bool {
    true
}

/// Creates a product. The store checks that the SKU is unique.
pub fn create(id: ProductId, command: CreateProduct, now: Timestamp) -> Product {
    Product {
        id,
        sku: command.sku,
        name: command.name,
        description: command.description.unwrap_or_else(Description::empty),
        category: command.category,
        price: command.price,
        images: Vec::new(),
        active: true,
        stock_quantity: i64::from(command.stock_quantity.get()),
        stock_version: 0,
        version: 1,
        created_at: now,
        updated_at: now,
        changed_by: None,
    }
}

/// Replaces the members of a product that staff edit. Another SKU than the product's is `Invalid`; a withdrawn product
/// is `NotFound`.
pub fn update(product: &Product, command: UpdateProduct, now: Timestamp) -> Result<Product, Failure> {
    check_on_sale(product)?;
    if command.sku.is_some_and(|sku| sku != product.sku) {
        return Err(Failure::field("/sku", "cannot be changed; create another product".to_owned()));
    }
    Ok(Product {
        name: command.name,
        description: command.description.unwrap_or_else(Description::empty),
        category: command.category,
        price: command.price,
        version: product.version + 1,
        updated_at: now,
        changed_by: None,
        ..product.clone()
    })
}

/// Withdraws a product from sale permanently. A withdrawn one is `NotFound`.
pub fn withdraw(product: &Product, now: Timestamp) -> Result<Product, Failure> {
    check_on_sale(product)?;
    Ok(Product { active: false, version: product.version + 1, updated_at: now, changed_by: None, ..product.clone() })
}

/// Adds an image that is about to be uploaded.
pub fn add_image(product: &Product, id: ImageId, command: &AddImage, now: Timestamp) -> Result<Product, Failure> {
    check_on_sale(product)?;
    if product.images.len() >= image::MAX_IMAGES {
        return Err(image::too_many_images());
    }
    let mut images = product.images.clone();
    let media_type = command.content_type;
    images.push(ProductImage { id, media_type, state: State::Pending, reason: None, added_at: now });
    Ok(with_images(product, images, now))
}

/// Records the result of an upload; `None` if the image is not pending any more.
pub fn conclude_image(product: &Product, id: ImageId, outcome: Result<(), Refusal>, now: Timestamp) -> Option<Product> {
    let mut images = product.images.clone();
    let image = images.iter_mut().find(|image| image.id == id && image.state == State::Pending)?;
    (image.state, image.reason) = match outcome {
        Ok(()) => (State::Ready, None),
        Err(refusal) => (State::Refused, Some(refusal)),
    };
    Some(with_images(product, images, now))
}

/// Removes an image; `NotFound` if the product has none with this id.
pub fn remove_image(product: &Product, id: ImageId, now: Timestamp) -> Result<Product, Failure> {
    check_on_sale(product)?;
    let images: Vec<_> = product.images.iter().filter(|image| image.id != id).cloned().collect();
    if images.len() == product.images.len() {
        return Err(Failure::not_found("image"));
    }
    Ok(with_images(product, images, now))
}

fn with_images(product: &Product, images: Vec<ProductImage>, now: Timestamp) -> Product {
    Product { images, version: product.version + 1, updated_at: now, changed_by: None, ..product.clone() }
}

/// The failure for a product that is not on sale: it looks like one that does not exist.
fn check_on_sale(product: &Product) -> Result<(), Failure> {
    if product.active { Ok(()) } else { Err(Failure::not_found("product")) }
}

/// The failure of a change of another version than the stored one.
pub fn version_mismatch() -> Failure {
    let detail = "The product has changed; fetch it and retry with its current version.";
    Failure::new(FailureKind::PreconditionFailed, "precondition-failed", detail)
}

impl Product {
    /// The product as the request of this caller changed it.
    #[must_use]
    pub fn by(self, caller: Option<&Principal>) -> Self {
        Self { changed_by: caller.cloned(), ..self }
    }

    /// What an order needs to know of it.
    pub fn snapshot(&self) -> ProductSnapshot {
        ProductSnapshot {
            product_id: self.id,
            name: self.name.clone(),
            category: self.category.clone(),
            price: self.price,
            active: self.active,
            version: self.version,
        }
    }

    /// The images that can be shown, the main one first.
    pub fn ready_images(&self) -> impl Iterator<Item = &ProductImage> {
        self.images.iter().filter(|image| image.state == State::Ready)
    }

    /// The event of this version in its envelope, with an id that is the same each time.
    pub fn change_event(&self) -> Event {
        let id = self.event_id();
        let event = Event::new(id, self.id, self.version, self.updated_at, &TraceContext::new(id), self.event());
        CloudEvent { actor: self.changed_by.clone(), ..event }
    }

    /// [`change_event`](Self::change_event) of the first version, with what the product is now.
    fn creation_event(&self) -> Event {
        let first = Self { version: 1, updated_at: self.created_at, active: true, changed_by: None, ..self.clone() };
        first.change_event()
    }

    /// The events to publish of a product that was changed in the hour that begins at `hour`, should they be lost: that of its version, and
    /// that of its creation, if it was created at most [`CREATION_HOURS`] before.
    pub fn events_since(&self, hour: Timestamp) -> Result<Vec<Event>, Failure> {
        let is_new = self.created_at >= seconds_after(hour, -CREATION_HOURS * HOUR_S)?;
        let creation = (is_new && self.version > 1).then(|| self.creation_event());
        Ok(creation.into_iter().chain([self.change_event()]).collect())
    }

    /// The event of this version of the product.
    fn event(&self) -> DomainEvent {
        match self.version {
            _ if !self.active => self.deleted().into(),
            1 => self.created().into(),
            _ => self.updated().into(),
        }
    }

    /// The id of the event of this version: the product's id, later by a millisecond for each version before, so that a change that is
    /// published twice has one id.
    fn event_id(&self) -> Uuid {
        const MILLISECOND: u32 = 80;
        let later = u128::from(self.version.saturating_sub(1)) << MILLISECOND;
        Uuid::from_u128(self.id.0.as_u128().wrapping_add(later))
    }

    /// The event of a new product.
    pub fn created(&self) -> ProductCreated {
        ProductCreated {
            product_id: self.id,
            sku: self.sku.clone(),
            name: self.name.clone(),
            description: self.description.clone(),
            category: self.category.clone(),
            price: self.price,
            stock_quantity: u32::try_from(self.stock_quantity).unwrap_or_default(),
        }
    }

    fn updated(&self) -> ProductUpdated {
        ProductUpdated {
            product_id: self.id,
            sku: self.sku.clone(),
            name: self.name.clone(),
            description: self.description.clone(),
            category: self.category.clone(),
            price: self.price,
            images: self.ready_images().cloned().collect(),
            created_at: self.created_at,
        }
    }

    fn deleted(&self) -> ProductDeleted {
        ProductDeleted {
            product_id: self.id,
            sku: self.sku.clone(),
            name: self.name.clone(),
            category: self.category.clone(),
            price: self.price,
            created_at: self.created_at,
        }
    }
}

#[cfg(test)]
#[path = "product_tests.rs"]
mod tests;
