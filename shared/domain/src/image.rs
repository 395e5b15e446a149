//! Images of products: what may be uploaded, and the variants that are made of it.

use crate::id::{ImageId, ProductId};
use kernel::{Failure, FailureKind, Timestamp};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;

/// Maximum size of an upload in bytes.
pub const MAX_BYTES: u64 = 10 * 1024 * 1024;
/// Maximum number of pixels of an upload: about 160 MB in memory.
pub const MAX_PIXELS: u64 = 40_000_000;
/// Maximum number of images of a product.
pub const MAX_IMAGES: usize = 10;
/// Seconds for which an upload link is valid.
pub const UPLOAD_SECONDS: u32 = 900;

/// Seconds after an upload link was made in which the upload is processed: the link ends, and S3 invokes `image-resize` three times within six hours.
const PROCESSED_WITHIN_SECONDS: i64 = 7 * 3_600;

/// Prefix of the keys of uploads. They wait there to be processed, and no client reads them.
pub const UPLOADS: &str = "uploads/";
const VARIANTS: &str = "images/";
const QUARANTINE: &str = "quarantine/";

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
        pub enum $name {
            $($(#[$of])* #[serde(rename = $word)] $variant,)*
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::words::read(deserializer, &[$($word),*], Self::parse)
            }
        }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == word)
            }

            /// Parses a word that somebody chose; the error lists those that there are.
            pub fn one_of(word: &str) -> Result<Self, String> {
                let all = || Self::ALL.iter().map(|one| one.name()).collect::<Vec<_>>().join(", ");
                Self::parse(word).ok_or_else(|| format!("must be one of {}", all()))
            }
        }
    )*};
}

words! {
    /// Media type of an upload.
    MediaType {
        Jpeg = "image/jpeg",
        Png = "image/png",
        Webp = "image/webp",
    }
    /// Size of a variant: the longest edge has at most as many pixels as [`Size::edge`].
    Size {
        Small = "small",
        Medium = "medium",
        Large = "large",
    }
    /// Format of a variant.
    Format {
        Jpeg = "jpeg",
        Webp = "webp",
    }
    /// State of an image.
    State {
        /// The upload has not been processed yet.
        Pending = "pending",
        /// The variants are stored.
        Ready = "ready",
        /// The upload is quarantined.
        Refused = "refused",
    }
    /// Why an upload is quarantined.
    Refusal {
        /// It has more bytes than [`MAX_BYTES`].
        TooLarge = "too_large",
        /// It is no JPEG, PNG or WebP.
        UnsupportedType = "unsupported_type",
        /// It is of another type than it was announced as.
        OtherType = "other_type",
        /// It has more pixels than [`MAX_PIXELS`], or takes too much memory.
        TooManyPixels = "too_many_pixels",
        /// Something follows the end of the image: it may be a file of another type as well.
        TrailingData = "trailing_data",
        /// It is damaged.
        Unreadable = "unreadable",
    }
}

impl Size {
    /// Pixels of the longest edge.
    pub const fn edge(self) -> u32 {
        match self {
            Self::Small => 320,
            Self::Medium => 800,
            Self::Large => 1_600,
        }
    }
}

impl Format {
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
        }
    }
}

/// An image of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProductImage {
    /// Id of the image.
    pub id: ImageId,
    /// Media type of the upload.
    pub media_type: MediaType,
    /// State of the image.
    pub state: State,
    /// Why it was refused.
    #[serde(default)]
    pub reason: Option<Refusal>,
    /// When its upload link was made.
    #[schemars(with = "String")]
    pub added_at: Timestamp,
}

impl ProductImage {
    /// Whether it is pending and nothing will process it any more: nothing was uploaded, or each attempt to process it died.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.state == State::Pending && now.as_second() > self.added_at.as_second() + PROCESSED_WITHIN_SECONDS
    }
}

/// A request for an upload link.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddImage {
    /// Media type of the file.
    pub content_type: MediaType,
    /// Size of the file in bytes.
    pub size: UploadSize,
}

/// Size of an upload: 1 to [`MAX_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "i64")]
pub struct UploadSize(u64);

impl UploadSize {
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl JsonSchema for UploadSize {
    fn schema_name() -> Cow<'static, str> {
        "UploadSize".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": MAX_BYTES })
    }
}

impl TryFrom<i64> for UploadSize {
    type Error = String;
    fn try_from(bytes: i64) -> Result<Self, String> {
        match u64::try_from(bytes) {
            Ok(bytes @ 1..=MAX_BYTES) => Ok(Self(bytes)),
            _ => Err(format!("must be between 1 and {MAX_BYTES} bytes")),
        }
    }
}

/// The failure of a product that has all the images it may have.
pub fn too_many_images() -> Failure {
    let detail = format!("A product has at most {MAX_IMAGES} images; delete one first.");
    Failure::new(FailureKind::Conflict, "too-many-images", detail)
}

/// Key of the upload of an image.
pub fn upload_key(product: ProductId, image: ImageId) -> String {
    format!("{UPLOADS}{product}/{image}")
}

/// Key of a quarantined upload.
pub fn quarantine_key(product: ProductId, image: ImageId) -> String {
    format!("{QUARANTINE}{product}/{image}")
}

/// Key of a variant.
pub fn variant_key(product: ProductId, image: ImageId, size: Size, format: Format) -> String {
    format!("{VARIANTS}{product}/{image}/{}.{}", size.name(), format.name())
}

/// Every key that an image may have objects under.
pub fn keys(product: ProductId, image: ImageId) -> Vec<String> {
    let variant = |(size, format)| variant_key(product, image, size, format);
    let mut keys: Vec<String> = variants().map(variant).collect();
    keys.extend([upload_key(product, image), quarantine_key(product, image)]);
    keys
}

/// Every variant of an image, the largest size first.
pub fn variants() -> impl Iterator<Item = (Size, Format)> {
    let of = |size: &Size| Format::ALL.iter().map(move |format| (*size, *format)).collect::<Vec<_>>();
    Size::ALL.iter().rev().flat_map(of)
}

/// Product and image of the key of an upload; `None` for another key.
pub fn parse_upload_key(key: &str) -> Option<(ProductId, ImageId)> {
    let (product, image) = key.strip_prefix(UPLOADS)?.split_once('/')?;
    let parsed = (product.parse().ok()?, image.parse().ok()?);
    (upload_key(parsed.0, parsed.1) == key).then_some(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Uuid;

    #[test]
    fn key_of_an_upload_names_product_and_image() {
        let (product, image) = (ProductId(Uuid::from_u128(1)), ImageId(Uuid::from_u128(2)));
        assert_eq!(parse_upload_key(&upload_key(product, image)), Some((product, image)));
        let others = [
            quarantine_key(product, image),
            upload_key(product, image) + "/x",
            "uploads/1/2".to_owned(),
            String::new(),
        ];
        assert!(others.iter().all(|key| parse_upload_key(key).is_none()));
        assert_eq!(keys(product, image).len(), 8);
    }

    #[test]
    fn image_is_overdue_if_it_is_pending_after_the_last_attempt() {
        let at = |seconds: i64| Timestamp::from_second(1_000_000 + seconds).expect("an instant");
        let image = |state| {
            let (id, media_type, added_at) = (ImageId(Uuid::from_u128(2)), MediaType::Png, at(0));
            ProductImage { id, media_type, state, reason: None, added_at }
        };
        let last = i64::from(UPLOAD_SECONDS) + 6 * 3_600;
        assert_eq!(
            [last, 7 * 3_600, 7 * 3_600 + 1].map(|s| image(State::Pending).is_overdue(at(s))),
            [false, false, true]
        );
        assert!([State::Ready, State::Refused].into_iter().all(|state| !image(state).is_overdue(at(1_000_000))));
    }

    #[test]
    fn upload_size_has_bounds() {
        assert!(UploadSize::try_from(1).is_ok() && UploadSize::try_from(10 * 1024 * 1024).is_ok());
        for refused in [0, -1, 10 * 1024 * 1024 + 1, i64::MAX] {
            assert!(UploadSize::try_from(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn words_parse_to_what_they_name() {
        assert!(Refusal::ALL.iter().all(|reason| Refusal::parse(reason.name()) == Some(*reason)));
        assert!(MediaType::ALL.iter().all(|kind| MediaType::parse(kind.name()) == Some(*kind)));
        assert_eq!(Size::ALL.iter().map(|size| size.edge()).collect::<Vec<_>>(), [320, 800, 1_600]);
    }
}
