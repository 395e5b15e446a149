//! The type of a file by its first bytes, and where its image ends by its own structure.
//!
//! A file that continues after its image may be an archive, a page or a script as well, whatever its first bytes say.

use domain::image::MediaType;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The type by the signature.
pub(super) fn media_type(bytes: &[u8]) -> Option<MediaType> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Some(MediaType::Jpeg),
        _ if bytes.starts_with(PNG) => Some(MediaType::Png),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(MediaType::Webp),
        _ => None,
    }
}

/// The position after the image; `None` if the structure is broken.
pub(super) fn end(media_type: MediaType, bytes: &[u8]) -> Option<usize> {
    let end = match media_type {
        MediaType::Jpeg => end_of_jpeg(bytes),
        MediaType::Png => end_of_png(bytes),
        MediaType::Webp => end_of_webp(bytes),
    };
    end.filter(|end| *end <= bytes.len())
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// Segments with a length up to the scan; in scans, a marker that is neither stuffing nor a restart begins the next segment.
fn end_of_jpeg(bytes: &[u8]) -> Option<usize> {
    const END: u8 = 0xd9;
    const SCAN: u8 = 0xda;
    let mut at = 2;
    loop {
        let [0xff, marker] = number::<2>(bytes, at)? else { return None };
        match marker {
            END => return at.checked_add(2),
            // Fill bytes before a marker.
            0xff => at += 1,
            0x01 | 0xd0..=0xd7 => at += 2,
            _ => {
                at = at.checked_add(2)?.checked_add(u16::from_be_bytes(number(bytes, at + 2)?).into())?;
                if marker == SCAN {
                    at = end_of_scan(bytes, at)?;
                }
            }
        }
    }
}

fn end_of_scan(bytes: &[u8], from: usize) -> Option<usize> {
    let is_marker = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0 | 0xd0..=0xd7 | 0xff);
    bytes.get(from..)?.windows(2).position(is_marker).map(|at| from + at)
}

/// Chunks: length, type, data, checksum. `IEND` is the last one.
fn end_of_png(bytes: &[u8]) -> Option<usize> {
    let mut at = PNG.len();
    loop {
        let length = usize::try_from(u32::from_be_bytes(number(bytes, at)?)).ok()?;
        let kind: [u8; 4] = number(bytes, at + 4)?;
        at = at.checked_add(12)?.checked_add(length)?;
        if &kind == b"IEND" {
            return Some(at);
        }
    }
}

/// One chunk that contains all others.
fn end_of_webp(bytes: &[u8]) -> Option<usize> {
    let length = usize::try_from(u32::from_le_bytes(number(bytes, 4)?)).ok()?;
    length.checked_add(8)
}
