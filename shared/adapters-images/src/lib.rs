//! Decodes uploaded images and encodes their variants.
//!
//! Nothing of an upload but its pixels reaches a variant: metadata, comments and whatever follows the image stay behind. The decoders
//! are safe Rust; the encoder of WebP is the C library, which sees only pixels that were decoded before.

mod extent;
#[cfg(test)]
mod tests;

use domain::image::{Format, MAX_BYTES, MAX_PIXELS, MediaType, Refusal, variants};
use image::codecs::{jpeg::JpegDecoder, jpeg::JpegEncoder, png::PngDecoder, webp::WebPDecoder};
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageError, Limits, RgbImage};
use kernel::Failure;
use ports::{ImageProcessor, Variant};
use std::io::Cursor;

/// Longest edge of an upload in pixels.
const MAX_EDGE: u32 = 16_384;
/// Memory that decoding may take, in bytes.
const MAX_MEMORY: u64 = 256 * 1024 * 1024;
const JPEG_QUALITY: u8 = 82;
const WEBP_QUALITY: f32 = 80.0;

/// Makes variants with the `image` crate and libwebp.
#[derive(Debug, Clone, Copy, Default)]
pub struct Images;

impl ImageProcessor for Images {
    fn variants(&self, announced: MediaType, bytes: &[u8]) -> Result<Result<Vec<Variant>, Refusal>, Failure> {
        match decode(announced, bytes) {
            Ok(image) => encode(image).map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        }
    }
}

/// Checks an upload and decodes it, upright.
fn decode(announced: MediaType, bytes: &[u8]) -> Result<DynamicImage, Refusal> {
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_BYTES {
        return Err(Refusal::TooLarge);
    }
    let media_type = extent::media_type(bytes).ok_or(Refusal::UnsupportedType)?;
    if media_type != announced {
        return Err(Refusal::OtherType);
    }
    let end = extent::end(media_type, bytes).ok_or(Refusal::Unreadable)?;
    if bytes[end..].iter().any(|byte| *byte != 0) {
        return Err(Refusal::TrailingData);
    }
    let reader = Cursor::new(&bytes[..end]);
    match media_type {
        MediaType::Jpeg => read(JpegDecoder::new(reader)),
        MediaType::Png => read(PngDecoder::with_limits(reader, limits())),
        MediaType::Webp => read(WebPDecoder::new(reader)),
    }
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_EDGE);
    limits.max_image_height = Some(MAX_EDGE);
    limits.max_alloc = Some(MAX_MEMORY);
    limits
}

/// The dimensions are checked before a pixel is decoded.
fn read(decoder: Result<impl ImageDecoder, ImageError>) -> Result<DynamicImage, Refusal> {
    let mut decoder = decoder.map_err(refusal)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(Refusal::TooManyPixels);
    }
    decoder.set_limits(limits()).map_err(refusal)?;
    let orientation = decoder.orientation().map_err(refusal)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(refusal)?;
    image.apply_orientation(orientation);
    Ok(image)
}

fn refusal(error: ImageError) -> Refusal {
    match error {
        ImageError::Limits(_) => Refusal::TooManyPixels,
        _ => Refusal::Unreadable,
    }
}

/// Each size is made of the next larger one. An image is never enlarged.
fn encode(image: DynamicImage) -> Result<Vec<Variant>, Failure> {
    let mut pixels = flatten(image);
    let mut made = Vec::new();
    for (size, format) in variants() {
        let edge = size.edge();
        if pixels.width().max(pixels.height()) > edge {
            let resized = DynamicImage::ImageRgb8(pixels).resize(edge, edge, FilterType::CatmullRom);
            pixels = resized.into_rgb8();
        }
        made.push(Variant { size, format, bytes: encode_as(format, &pixels)? });
    }
    Ok(made)
}

/// The colours on white: JPEG has no transparency, and both formats show the same.
fn flatten(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let image = image.into_rgba8();
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [red, green, blue, alpha] = image.get_pixel(x, y).0;
        let on_white = |colour: u8| {
            let mixed = u32::from(colour) * u32::from(alpha) + 255 * (255 - u32::from(alpha));
            u8::try_from((mixed + 127) / 255).unwrap_or(u8::MAX)
        };
        image::Rgb([red, green, blue].map(on_white))
    })
}

fn encode_as(format: Format, pixels: &RgbImage) -> Result<Vec<u8>, Failure> {
    match format {
        Format::Jpeg => {
            let mut bytes = Vec::new();
            JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY).encode_image(pixels).map_err(Failure::internal)?;
            Ok(bytes)
        }
        Format::Webp => {
            let encoder = webp::Encoder::from_rgb(pixels, pixels.width(), pixels.height());
            let encoded = encoder.encode_simple(false, WEBP_QUALITY);
            let encoded = encoded.map_err(|error| Failure::internal(format!("WebP cannot be encoded: {error:?}")))?;
            Ok(encoded.to_vec())
        }
    }
}
