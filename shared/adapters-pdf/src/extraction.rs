//! Arranges glyphs so that text that is extracted or copied from the document is what was typed.
//!
//! Several glyphs for one character, and several characters for one glyph, are written with their text (`ActualText`). Programs such as
//! pdftotext see that text between the start of the first glyph and the end of the last: a mark that is drawn back over its letter would
//! leave a gap, which they read as a space. They also read right-to-left text from right to left, character by character: a ligature
//! needs a place for each of its characters. Blank glyphs mark these places. They are drawn in the order of the text and have no ink.

use super::typeface::Typeface;
use krilla::text::{GlyphId, KrillaGlyph};
use std::ops::Range;

/// Distances below this are not seen as gaps. In ems.
const NEGLIGIBLE: f32 = 0.02;

/// Arranges the glyphs of a piece, which are in order from left to right.
pub(super) fn arrange(glyphs: Vec<KrillaGlyph>, text: &str, is_rtl: bool, face: &Typeface<'_>) -> Vec<KrillaGlyph> {
    let is_plain = |glyphs: &[KrillaGlyph]| {
        let range = glyphs.first().map_or(0..0, |glyph| glyph.text_range.clone());
        glyphs.len() == 1 && (!is_rtl || text.get(range).unwrap_or_default().chars().count() == 1)
    };
    let clusters: Vec<&[KrillaGlyph]> = glyphs.chunk_by(|a, b| a.text_range == b.text_range).collect();
    if clusters.iter().all(|cluster| is_plain(cluster)) {
        return glyphs;
    }
    let Some(blank) = face.blank() else { return glyphs };
    let mut arranged = Vec::with_capacity(2 * glyphs.len());
    for cluster in clusters {
        if is_plain(cluster) {
            arranged.extend_from_slice(cluster);
        } else {
            let mut places = GlyphPlacement { face, blank, width: 0.0, glyphs: Vec::new() };
            places.cluster(cluster, text, is_rtl);
            arranged.extend(places.end());
        }
    }
    arranged
}

/// Glyphs without ink for a text that is `width` ems wide.
pub(super) fn blanks(width: f32, range: Range<usize>, face: &Typeface<'_>) -> Vec<KrillaGlyph> {
    let Some(blank) = face.blank() else { return Vec::new() };
    let mut places = GlyphPlacement { face, blank, width, glyphs: Vec::new() };
    places.place(Vec::new(), 0.0, width, &range);
    places.end()
}

/// The glyphs of one cluster. Their offsets are from the left end of the cluster until the last one advances over all of it.
struct GlyphPlacement<'a, 'f> {
    face: &'a Typeface<'f>,
    blank: GlyphId,
    width: f32,
    glyphs: Vec<KrillaGlyph>,
}

impl GlyphPlacement<'_, '_> {
    fn cluster(&mut self, cluster: &[KrillaGlyph], text: &str, is_rtl: bool) {
        let Some(range) = cluster.first().map(|glyph| glyph.text_range.clone()) else { return };
        let mut visible = Vec::with_capacity(cluster.len());
        for glyph in cluster {
            visible.push(KrillaGlyph { x_offset: self.width + glyph.x_offset, x_advance: 0.0, ..glyph.clone() });
            self.width += glyph.x_advance;
        }
        let mut characters = vec![range.clone()];
        if is_rtl {
            let part = text.get(range.clone()).unwrap_or_default();
            characters =
                part.char_indices().map(|(start, c)| range.start + start..range.start + start + c.len_utf8()).collect();
        }
        // From left to right, so that the first character of right-to-left text is the last. It has the ink.
        let count = f32::from(u16::try_from(characters.len()).unwrap_or(u16::MAX));
        let (place, mut left) = (self.width / count, 0.0);
        for (n, character) in characters.iter().enumerate().rev() {
            let ink = if n == 0 { std::mem::take(&mut visible) } else { Vec::new() };
            self.place(ink, left, left + place, character);
            left += place;
        }
    }

    /// The glyphs, of which the last one advances over the cluster.
    fn end(mut self) -> Vec<KrillaGlyph> {
        if let Some(last) = self.glyphs.last_mut() {
            last.x_advance = self.width;
        }
        self.glyphs
    }

    /// Writes the glyphs of one text between its ends, with a blank at an end at which none of them ends.
    fn place(&mut self, visible: Vec<KrillaGlyph>, left: f32, right: f32, range: &Range<usize>) {
        let is_far = |a: f32, b: f32| (a - b).abs() > NEGLIGIBLE;
        if visible.first().is_none_or(|glyph| is_far(glyph.x_offset, left) || glyph.y_offset != 0.0) {
            self.blank(left, range);
        }
        let end = visible.last().map(|glyph| glyph.x_offset + self.face.width(glyph.glyph_id));
        self.glyphs.extend(visible.into_iter().map(|glyph| KrillaGlyph { text_range: range.clone(), ..glyph }));
        if end.is_none_or(|end| is_far(end, right)) {
            self.blank(right - self.face.width(self.blank), range);
        }
    }

    fn blank(&mut self, x: f32, range: &Range<usize>) {
        self.glyphs.push(KrillaGlyph::new(self.blank, 0.0, x, 0.0, 0.0, range.clone(), None));
    }
}
