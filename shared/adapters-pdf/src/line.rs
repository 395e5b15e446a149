//! Lines of text, ready to be measured and drawn, and texts that are wrapped into lines.

use super::{
    extraction::blanks,
    fonts::FontName,
    pieces::{Piece, clusters, cut, direction},
    typeface::{Shaped, Typefaces},
};
use icu_segmenter::{LineSegmenter, options::LineBreakOptions};
use krilla::text::KrillaGlyph;
use unicode_bidi::Level;
use unicode_script::Script;

/// A text on one line.
pub(super) struct Line {
    pub text: String,
    /// From left to right.
    pub runs: Vec<Run>,
    /// In ems.
    pub width: f32,
    /// The space before it, in ems: lines of one text that is written from right to left end at the same edge.
    pub indent: f32,
    /// Number of characters that no font has.
    pub replaced: usize,
}

/// Glyphs that are drawn together.
pub(super) struct Run {
    pub font: FontName,
    pub glyphs: Vec<KrillaGlyph>,
    /// In ems.
    pub width: f32,
    /// The code of a character that no font has. It is drawn in a frame, without being text; the glyphs are blank.
    pub code: Option<Vec<KrillaGlyph>>,
}

/// Size of the code of a replaced character, and the space on each side of it, in ems.
pub(super) const CODE: f32 = 0.62;
pub(super) const CODE_MARGIN: f32 = 0.14;

impl Line {
    /// A text by itself, with `spacing` ems of additional letter spacing.
    pub fn new(text: &str, spacing: f32, faces: &Typefaces<'_>) -> Self {
        Self::part(text, spacing, direction(text), faces)
    }

    /// A line of a text whose direction is known.
    fn part(text: &str, spacing: f32, direction: Level, faces: &Typefaces<'_>) -> Self {
        let mut line = Self { text: text.to_owned(), runs: Vec::new(), width: 0.0, indent: 0.0, replaced: 0 };
        for piece in cut(text, direction, faces) {
            let run = match piece.font.and_then(|name| Some((name, faces.get(name)?))) {
                Some((font, face)) => {
                    let Shaped { glyphs, width } = face.shape(text, &piece, spacing);
                    Run { font, glyphs, width, code: None }
                }
                None => {
                    line.replaced += 1;
                    replacement(text, &piece, faces)
                }
            };
            line.width += run.width;
            line.runs.push(run);
        }
        line
    }
}

/// The code of a character that no font has, such as `U+1F6DF`. Text that is copied or extracted has the character itself.
fn replacement(text: &str, piece: &Piece, faces: &Typefaces<'_>) -> Run {
    let character = text.get(piece.range.clone()).and_then(|part| part.chars().next()).unwrap_or_default();
    let code = format!("U+{:04X}", u32::from(character));
    let whole = Piece { range: 0..code.len(), font: None, script: Script::Latin, is_rtl: false };
    let code = faces.latin().shape(&code, &whole, 0.0);
    let width = code.width * CODE + 2.0 * CODE_MARGIN;
    let glyphs = blanks(width, piece.range.clone(), faces.latin());
    Run { font: FontName::Latin, glyphs, width, code: Some(code.glyphs) }
}

/// Wraps a text into lines of at most `width` points: where the rules of its script permit (UAX #14; in Thai between words, which a
/// language model finds), and between characters where a single word is wider than a line.
pub(super) fn wrap(text: &str, size: f32, width: f32, faces: &Typefaces<'_>) -> Vec<Line> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let direction = direction(&text);
    let shape = |part: &str| Line::part(part.trim_end(), 0.0, direction, faces);
    let whole = shape(&text);
    if whole.width * size <= width {
        return vec![whole];
    }
    let permitted: Vec<usize> = LineSegmenter::new_lstm(LineBreakOptions::default()).segment_str(&text).collect();
    let before = widths_before(&whole);
    let (mut lines, mut start) = (Vec::new(), 0);
    while start < text.len() {
        let fits = |end: &usize| {
            let end = start + text.get(start..*end).unwrap_or_default().trim_end().len();
            let ems = before.get(end).zip(before.get(start)).map_or(0.0, |(end, start)| end - start);
            ems * size <= width
        };
        let mut ends: Vec<usize> = permitted.iter().copied().filter(|end| *end > start).take_while(fits).collect();
        if ends.is_empty() {
            let clusters = clusters(&text, start..text.len());
            ends = clusters
                .into_iter()
                .enumerate()
                .take_while(|(n, one)| *n == 0 || fits(&one.end))
                .map(|(_, one)| one.end)
                .collect();
        }
        // A part can be wider than in the whole text, because letters at its ends have other forms.
        let mut line = None;
        while let Some(end) = ends.pop() {
            let part = shape(text.get(start..end).unwrap_or_default());
            if part.width * size <= width || ends.is_empty() {
                (line, start) = (Some(part), end);
                break;
            }
        }
        let Some(line) = line else { break };
        lines.push(line);
    }
    if direction.is_rtl() {
        let widest = lines.iter().map(|line: &Line| line.width).fold(0.0, f32::max);
        lines.iter_mut().for_each(|line| line.indent = widest - line.width);
    }
    lines
}

/// For each byte of the line: how wide the text before it is, in ems.
fn widths_before(line: &Line) -> Vec<f32> {
    let mut before = vec![0.0; line.text.len() + 1];
    for run in &line.runs {
        for glyph in &run.glyphs {
            if let Some(width) = before.get_mut(glyph.text_range.end) {
                *width += glyph.x_advance;
            }
        }
    }
    let mut sum = 0.0;
    for width in &mut before {
        sum += *width;
        *width = sum;
    }
    before
}
