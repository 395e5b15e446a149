//! Cuts a line into pieces of one direction, one script and one font, in the order in which they are drawn.

use super::{
    fonts::FontName,
    typeface::{Typefaces, is_ignorable},
};
use icu_segmenter::GraphemeClusterSegmenter;
use std::ops::Range;
use unicode_bidi::{BidiInfo, Level};
use unicode_script::{Script, UnicodeScript};

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// In bytes of the line.
    pub range: Range<usize>,
    /// `None` for a character that no font has.
    pub font: Option<FontName>,
    pub script: Script,
    pub is_rtl: bool,
}

/// The direction of a text by its first letter that has one (rules P2 and P3 of UAX #9).
pub(super) fn direction(text: &str) -> Level {
    if text.is_ascii() {
        return Level::ltr();
    }
    BidiInfo::new(text, None).paragraphs.first().map_or(Level::ltr(), |paragraph| paragraph.level)
}

/// Cuts `line` into pieces, from left to right. `direction` is that of the text that the line belongs to.
pub(super) fn cut(line: &str, direction: Level, faces: &Typefaces<'_>) -> Vec<Piece> {
    if line.chars().all(|c| faces.latin().has(c)) {
        // The everyday line. The Latin font has no letter that is written from right to left.
        let whole = Piece { range: 0..line.len(), font: Some(FontName::Latin), script: Script::Latin, is_rtl: false };
        return vec![Piece { script: first_script(line), ..whole }];
    }
    let bidi = BidiInfo::new(line, Some(direction));
    let mut pieces = Vec::new();
    for paragraph in &bidi.paragraphs {
        let (levels, runs) = bidi.visual_runs(paragraph, paragraph.range.clone());
        for run in runs {
            let is_rtl = levels.get(run.start).is_some_and(Level::is_rtl);
            let mut of_run = Cutter::new(line, run, faces).cut(is_rtl);
            if is_rtl {
                of_run.reverse();
            }
            pieces.append(&mut of_run);
        }
    }
    pieces
}

fn is_shared(script: Script) -> bool {
    matches!(script, Script::Common | Script::Inherited | Script::Unknown)
}

/// The script of the first letter; Latin for a text without letters.
fn first_script(text: &str) -> Script {
    text.chars().map(|c| c.script()).find(|script| !is_shared(*script)).unwrap_or(Script::Latin)
}

/// The script of a cluster, with those of Chinese and Japanese as one, because they are written together.
fn script_of(cluster: &str) -> Option<Script> {
    let script = cluster.chars().map(|c| c.script()).find(|script| !is_shared(*script))?;
    Some(match script {
        Script::Hiragana | Script::Katakana | Script::Bopomofo => Script::Han,
        other => other,
    })
}

/// Cuts a run of one direction.
struct Cutter<'a, 'f> {
    line: &'a str,
    faces: &'a Typefaces<'f>,
    /// Whether Latin letters are in the font for the whole world: one of them is not in the Latin font, and a name is not drawn in two.
    is_latin_extended: bool,
    /// The text of the run, from which spaces and punctuation at its start take their font.
    run: Range<usize>,
    pieces: Vec<Piece>,
}

impl<'a, 'f> Cutter<'a, 'f> {
    fn new(line: &'a str, run: Range<usize>, faces: &'a Typefaces<'f>) -> Self {
        let clusters = clusters(line, 0..line.len());
        let is_lacking = |cluster: &str| script_of(cluster) == Some(Script::Latin) && !faces.latin().draws(cluster);
        let is_latin_extended = clusters.into_iter().any(|range| is_lacking(line.get(range).unwrap_or_default()));
        Self { line, faces, is_latin_extended, run, pieces: Vec::new() }
    }

    fn cut(mut self, is_rtl: bool) -> Vec<Piece> {
        for range in clusters(self.line, self.run.clone()) {
            let cluster = self.line.get(range.clone()).unwrap_or_default();
            let (script, font) = (script_of(cluster), self.font(cluster));
            if font.is_some() {
                self.push(Piece { range, font, script: script.unwrap_or(Script::Common), is_rtl });
                continue;
            }
            // No font has all of it: what one has is drawn, the rest replaced.
            for (start, c) in cluster.char_indices() {
                let part = range.start + start..range.start + start + c.len_utf8();
                if let Some(replaced) = self.pieces.last_mut().filter(|last| last.font.is_none() && is_ignorable(c)) {
                    replaced.range.end = part.end;
                    continue;
                }
                let font = self.font(self.line.get(part.clone()).unwrap_or_default());
                self.push(Piece { range: part, font, script: script.unwrap_or(Script::Common), is_rtl });
            }
        }
        self.pieces
    }

    /// The font for a cluster: that of the piece before, for what all scripts share; else the first that has it.
    fn font(&self, cluster: &str) -> Option<FontName> {
        let first = match script_of(cluster) {
            None if self.pieces.is_empty() && !cluster.contains(char::is_numeric) => self.first_font(),
            None => self.pieces.last().and_then(|piece| piece.font),
            Some(Script::Han | Script::Hangul) => Some(FontName::EastAsian),
            Some(Script::Devanagari) => Some(FontName::Devanagari),
            Some(Script::Latin) if self.is_latin_extended => Some(FontName::World),
            Some(_) => None,
        };
        first.into_iter().chain(FontName::ALL).find(|font| self.faces.draws(*font, cluster))
    }

    /// The font of the first letter of the run.
    fn first_font(&self) -> Option<FontName> {
        let letters = clusters(self.line, self.run.clone()).into_iter().filter_map(|range| self.line.get(range));
        letters.into_iter().find(|cluster| script_of(cluster).is_some()).and_then(|cluster| self.font(cluster))
    }

    /// Adds a piece, or extends the last one if both can be shaped together.
    fn push(&mut self, piece: Piece) {
        if let Some(last) = self.pieces.last_mut() {
            let is_same_script = is_shared(piece.script) || is_shared(last.script) || piece.script == last.script;
            if piece.font.is_some() && piece.font == last.font && is_same_script {
                last.range.end = piece.range.end;
                if is_shared(last.script) {
                    last.script = piece.script;
                }
                return;
            }
        }
        self.pieces.push(piece);
    }
}

/// The user-perceived characters in a part of a text.
pub(super) fn clusters(text: &str, part: Range<usize>) -> Vec<Range<usize>> {
    let bounds: Vec<usize> =
        GraphemeClusterSegmenter::new().segment_str(text.get(part.clone()).unwrap_or_default()).collect();
    bounds.iter().zip(bounds.iter().skip(1)).map(|(start, end)| part.start + start..part.start + end).collect()
}
