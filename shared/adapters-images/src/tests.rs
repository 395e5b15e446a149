//! Uploads as cameras, people and attackers make them.

use super::*;
use domain::image::Size;
use image::{ImageBuffer, ImageFormat, Rgb, Rgba};

/// A picture whose left half is red and whose right half is blue.
fn picture(width: u32, height: u32) -> DynamicImage {
    let colour = |x: u32| if x < width / 2 { Rgb([220_u8, 20, 20]) } else { Rgb([20, 20, 220]) };
    ImageBuffer::from_fn(width, height, |x, _| colour(x)).into()
}

fn file(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn jpeg(width: u32, height: u32) -> Vec<u8> {
    file(&picture(width, height), ImageFormat::Jpeg)
}

fn made(media_type: MediaType, bytes: &[u8]) -> Vec<Variant> {
    Images.variants(media_type, bytes).unwrap().unwrap()
}

fn refused(media_type: MediaType, bytes: &[u8]) -> Refusal {
    Images.variants(media_type, bytes).unwrap().unwrap_err()
}

fn shown(variant: &Variant) -> RgbImage {
    image::load_from_memory(&variant.bytes).unwrap().into_rgb8()
}

fn is_red(image: &RgbImage, x: u32, y: u32) -> bool {
    let [red, _, blue] = image.get_pixel(x, y).0;
    red > 150 && blue < 100
}

/// A JPEG whose Exif block says how the camera was held, and where.
fn with_exif(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.push(orientation);
    exif.extend_from_slice(b"\0\0\0\0\0\0GPS 48.1374 N");
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
}

#[test]
fn each_size_is_made_in_both_formats_and_none_is_enlarged() {
    let variants = made(MediaType::Jpeg, &jpeg(2_000, 1_000));
    let told: Vec<_> = variants.iter().map(|one| (one.size, one.format, shown(one).dimensions())).collect();
    let expected = [(Size::Large, (1_600, 800)), (Size::Medium, (800, 400)), (Size::Small, (320, 160))];
    let both =
        expected.iter().flat_map(|(size, pixels)| [(*size, Format::Jpeg, *pixels), (*size, Format::Webp, *pixels)]);
    assert_eq!(told, both.collect::<Vec<_>>());
    for variant in &variants {
        let format = image::guess_format(&variant.bytes).unwrap();
        assert_eq!(format == ImageFormat::WebP, variant.format == Format::Webp);
    }
    let small = made(MediaType::Jpeg, &jpeg(100, 50));
    assert!(small.iter().all(|variant| shown(variant).dimensions() == (100, 50)));
}

#[test]
fn every_type_is_accepted_as_itself_only() {
    let picture = picture(64, 64);
    let files = [
        (MediaType::Jpeg, file(&picture, ImageFormat::Jpeg)),
        (MediaType::Png, file(&picture, ImageFormat::Png)),
        (MediaType::Webp, file(&picture, ImageFormat::WebP)),
    ];
    for (media_type, bytes) in &files {
        for announced in MediaType::ALL {
            let outcome = Images.variants(*announced, bytes).unwrap().map(|variants| variants.len());
            assert_eq!(outcome, if announced == media_type { Ok(6) } else { Err(Refusal::OtherType) });
        }
    }
    for other in [&b"GIF89a"[..], b"%PDF-1.7", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html>", b""] {
        assert_eq!(refused(MediaType::Jpeg, other), Refusal::UnsupportedType);
    }
}

#[test]
fn orientation_is_applied_and_metadata_is_gone() {
    // Held so that the picture must be turned by 90 degrees clockwise: left becomes top.
    let upload = with_exif(&jpeg(400, 200), 6);
    for variant in made(MediaType::Jpeg, &upload) {
        let (image, (width, height)) = (shown(&variant), shown(&variant).dimensions());
        assert!(height > width, "{width}x{height}");
        assert!(is_red(&image, width / 2, height / 8) && !is_red(&image, width / 2, height - height / 8));
        let has = |text: &[u8]| variant.bytes.windows(text.len()).any(|window| window == text);
        assert!(!has(b"Exif") && !has(b"GPS"), "{:?}", variant.format);
    }
}

#[test]
fn transparent_pixels_are_white() {
    let clear = ImageBuffer::from_pixel(64, 64, Rgba([0_u8, 0, 0, 0])).into();
    for variant in made(MediaType::Png, &file(&clear, ImageFormat::Png)) {
        assert!(shown(&variant).pixels().all(|pixel| pixel.0.iter().all(|colour| *colour > 250)));
    }
}

#[test]
fn file_that_continues_after_its_image_is_refused() {
    let picture = picture(64, 64);
    for (media_type, format) in
        [(MediaType::Jpeg, ImageFormat::Jpeg), (MediaType::Png, ImageFormat::Png), (MediaType::Webp, ImageFormat::WebP)]
    {
        let bytes = file(&picture, format);
        for more in [&b"PK\x03\x04archive"[..], b"<script>alert(1)</script>", b"%PDF-1.7"] {
            assert_eq!(refused(media_type, &[&bytes[..], more].concat()), Refusal::TrailingData, "{format:?}");
        }
        assert_eq!(made(media_type, &[&bytes[..], &[0; 7]].concat()).len(), 6, "padding");
        assert_eq!(refused(media_type, &bytes[..bytes.len() / 2]), Refusal::Unreadable, "{format:?}");
    }
}

/// A PNG that states these dimensions and has no pixels.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = file(&picture(8, 8), ImageFormat::Png);
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let checksum = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
    bytes
}

/// The checksum of PNG chunks (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

#[test]
fn decompression_bomb_is_refused_by_its_header() {
    assert_eq!(refused(MediaType::Png, &png_header(10_000, 4_001)), Refusal::TooManyPixels);
    assert_eq!(refused(MediaType::Png, &png_header(2, 20_000_000)), Refusal::TooManyPixels);
    assert_eq!(refused(MediaType::Png, &png_header(u32::MAX >> 1, u32::MAX >> 1)), Refusal::TooManyPixels);
    let mut wide = jpeg(64, 64);
    let frame = wide.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    wide[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
    assert_eq!(refused(MediaType::Jpeg, &wide), Refusal::TooManyPixels);
    let large = vec![0xff; usize::try_from(MAX_BYTES).unwrap() + 1];
    assert_eq!(refused(MediaType::Jpeg, &large), Refusal::TooLarge);
}

#[test]
fn damaged_files_are_refused_and_never_panic() {
    let picture = picture(48, 48);
    for (media_type, format) in
        [(MediaType::Jpeg, ImageFormat::Jpeg), (MediaType::Png, ImageFormat::Png), (MediaType::Webp, ImageFormat::WebP)]
    {
        let bytes = file(&picture, format);
        for at in (0..bytes.len()).step_by(7) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x55;
            // Damage may go unnoticed where a format has no checksum; the outcome is a picture or a refusal.
            assert!(Images.variants(media_type, &damaged).is_ok(), "{format:?} at {at}");
        }
        for length in 0..bytes.len().min(64) {
            assert!(Images.variants(media_type, &bytes[..length]).is_ok_and(|outcome| outcome.is_err()));
        }
    }
}
