//! Shaping, measuring and wrapping of text.

use epaint_default_fonts::UBUNTU_LIGHT;
use krilla::text::{Font, GlyphId, KrillaGlyph};
use rustybuzz::{Direction, Face, UnicodeBuffer};

pub(super) struct Typeface {
    face: Face<'static>,
    font: Font,
}

/// Shaped text.
pub(super) struct Run {
    pub glyphs: Vec<KrillaGlyph>,
    /// In ems.
    pub width: f32,
}

impl Typeface {
    pub fn load() -> Option<Self> {
        Some(Self { face: Face::from_slice(UBUNTU_LIGHT, 0)?, font: Font::new(UBUNTU_LIGHT.into(), 0)? })
    }

    pub fn font(&self) -> Font {
        self.font.clone()
    }

    /// Shapes `text` as one line, with `spacing` ems of additional letter spacing.
    pub fn shape(&self, text: &str, spacing: f32) -> Run {
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.guess_segment_properties();
        // The typeface has no right-to-left letters, and the direction of empty boxes does not matter.
        buffer.set_direction(Direction::LeftToRight);
        let shaped = rustybuzz::shape(&self.face, &[], buffer);
        let em = self.font.units_per_em();
        let infos = shaped.glyph_infos();
        let mut run = Run { glyphs: Vec::with_capacity(infos.len()), width: 0.0 };
        for (n, (info, position)) in infos.iter().zip(shaped.glyph_positions()).enumerate() {
            let start = info.cluster as usize;
            let next = infos.iter().skip(n).map(|later| later.cluster as usize).find(|cluster| *cluster > start);
            let ems = |units: i32| f32::from(i16::try_from(units).unwrap_or(i16::MAX)) / em;
            let advance = ems(position.x_advance) + spacing;
            run.width += advance;
            run.glyphs.push(KrillaGlyph::new(
                GlyphId::new(info.glyph_id),
                advance,
                ems(position.x_offset),
                ems(position.y_offset),
                0.0,
                start..next.unwrap_or(text.len()),
                None,
            ));
        }
        run
    }

    /// Wraps `text` into lines of at most `width` points, between words, and within a word that is wider than a line.
    pub fn wrap(&self, text: &str, size: f32, width: f32) -> Vec<String> {
        let fits = |text: &str| self.shape(text, 0.0).width * size <= width;
        let mut lines = Vec::new();
        let mut line = String::new();
        for word in text.split_whitespace() {
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if fits(&longer) {
                line = longer;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            for letter in word.chars() {
                line.push(letter);
                if !fits(&line) {
                    line.pop();
                    lines.push(std::mem::take(&mut line));
                    line.push(letter);
                }
            }
        }
        if !line.is_empty() || lines.is_empty() {
            lines.push(line);
        }
        lines
    }
}
