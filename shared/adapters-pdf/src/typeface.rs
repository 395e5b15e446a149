//! Which characters a font has, and shaping: from characters to positioned glyphs.

use super::{
    extraction::arrange,
    fonts::{FontName, Fonts},
    pieces::Piece,
};
use epaint_default_fonts::UBUNTU_LIGHT;
use icu_properties::{CodePointSetData, props::DefaultIgnorableCodePoint};
use krilla::text::{Font, GlyphId, KrillaGlyph};
use rustybuzz::{Direction, Face, Script, UnicodeBuffer, ttf_parser::Tag};
use std::cell::OnceCell;
use unicode_normalization::UnicodeNormalization;

/// One font, ready to shape text and to be drawn with.
pub(super) struct Typeface<'f> {
    face: Face<'f>,
    font: Font,
}

/// Glyphs of one font, from left to right.
pub(super) struct Shaped {
    pub glyphs: Vec<KrillaGlyph>,
    /// In ems.
    pub width: f32,
}

/// Whether a character is invisible by itself, such as a joiner: every font has it.
pub(super) fn is_ignorable(c: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

impl<'f> Typeface<'f> {
    fn latin() -> Option<Typeface<'static>> {
        Some(Typeface { face: Face::from_slice(UBUNTU_LIGHT, 0)?, font: Font::new(UBUNTU_LIGHT.into(), 0)? })
    }

    fn open(fonts: &'f Fonts, name: FontName) -> Option<Self> {
        let content = fonts.content(name)?;
        Some(Self { face: Face::from_slice(content, 0)?, font: Font::new(content.clone().into(), 0)? })
    }

    pub fn font(&self) -> Font {
        self.font.clone()
    }

    pub fn has(&self, c: char) -> bool {
        self.face.glyph_index(c).is_some()
    }

    /// Whether the font can draw this text, as it is or composed or decomposed: shaping does both.
    pub fn draws(&self, text: &str) -> bool {
        self.has_all(text.chars()) || self.has_all(text.nfc()) || self.has_all(text.nfd())
    }

    fn has_all(&self, mut text: impl Iterator<Item = char>) -> bool {
        text.all(|c| self.has(c) || is_ignorable(c))
    }

    /// Shapes a piece of `text`, with `spacing` ems of additional letter spacing.
    pub fn shape(&self, text: &str, piece: &Piece, spacing: f32) -> Shaped {
        let (part, first) = (text.get(piece.range.clone()).unwrap_or_default(), piece.range.start);
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(part);
        buffer.set_direction(if piece.is_rtl { Direction::RightToLeft } else { Direction::LeftToRight });
        if let Some(script) = script(piece.script) {
            buffer.set_script(script);
        }
        let shaped = rustybuzz::shape(&self.face, &[], buffer);
        let infos = shaped.glyph_infos();
        // A cluster ends where the next one begins, whatever the direction of the glyphs.
        let mut starts: Vec<usize> = infos.iter().map(|info| info.cluster as usize).collect();
        starts.push(part.len());
        starts.sort_unstable();
        let end = |start: usize| starts.get(starts.partition_point(|other| *other <= start)).copied();
        let em = self.font.units_per_em();
        let ems = |units: i32| f32::from(i16::try_from(units).unwrap_or(i16::MAX)) / em;
        let mut run = Shaped { glyphs: Vec::with_capacity(infos.len()), width: 0.0 };
        for (info, position) in infos.iter().zip(shaped.glyph_positions()) {
            let start = info.cluster as usize;
            let range = first + start..first + end(start).unwrap_or(part.len());
            let advance = ems(position.x_advance) + spacing;
            run.width += advance;
            let (x, y) = (ems(position.x_offset), ems(position.y_offset));
            run.glyphs.push(KrillaGlyph::new(GlyphId::new(info.glyph_id), advance, x, y, 0.0, range, None));
        }
        run.glyphs = arrange(run.glyphs, text, piece.is_rtl, self);
        run
    }

    /// A glyph without ink.
    pub fn blank(&self) -> Option<GlyphId> {
        // The zero-width space. Shaping never gives it, because it is invisible.
        let id = self.face.glyph_index('\u{200b}').or_else(|| self.face.glyph_index(' '))?;
        Some(GlyphId::new(u32::from(id.0)))
    }

    /// The width of a glyph in ems, before shaping.
    pub fn width(&self, glyph: GlyphId) -> f32 {
        let id = u16::try_from(glyph.to_u32()).unwrap_or_default();
        f32::from(self.face.glyph_hor_advance(rustybuzz::ttf_parser::GlyphId(id)).unwrap_or_default())
            / self.font.units_per_em()
    }
}

fn script(script: unicode_script::Script) -> Option<Script> {
    let name: [u8; 4] = script.short_name().as_bytes().try_into().ok()?;
    Script::from_iso15924_tag(Tag::from_bytes(&name))
}

/// All fonts. Those of the package are opened when a text needs them.
pub(super) struct Typefaces<'f> {
    fonts: &'f Fonts,
    latin: Typeface<'static>,
    opened: [OnceCell<Option<Typeface<'f>>>; FontName::ALL.len()],
}

impl<'f> Typefaces<'f> {
    pub fn new(fonts: &'f Fonts) -> Option<Self> {
        Some(Self { fonts, latin: Typeface::latin()?, opened: Default::default() })
    }

    pub fn latin(&self) -> &Typeface<'f> {
        &self.latin
    }

    /// A font, if the package has it.
    pub fn get(&self, name: FontName) -> Option<&Typeface<'f>> {
        match name {
            FontName::Latin => Some(&self.latin),
            _ => name.of(&self.opened)?.get_or_init(|| Typeface::open(self.fonts, name)).as_ref(),
        }
    }

    pub fn draws(&self, name: FontName, text: &str) -> bool {
        self.get(name).is_some_and(|face| face.draws(text))
    }
}
