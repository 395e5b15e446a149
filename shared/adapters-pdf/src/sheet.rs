//! One page: text and rectangles, measured in points from its top left corner.

use super::typeface::Typeface;
use krilla::color::rgb;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;

/// A colour.
pub(super) type Colour = (u8, u8, u8);

pub(super) const ACCENT: Colour = (16, 56, 79);
pub(super) const INK: Colour = (29, 35, 42);
pub(super) const MUTED: Colour = (104, 115, 125);
pub(super) const FAINT: Colour = (232, 237, 240);
pub(super) const WHITE: Colour = (255, 255, 255);

/// Which end of a text stands where it is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    End,
}

/// How text looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    size: f32,
    colour: Colour,
    anchor: Anchor,
    /// Ems between letters, besides what the face has.
    spacing: f32,
    heavy: bool,
}

impl Style {
    pub fn new(size: f32, colour: Colour) -> Self {
        Self { size, colour, anchor: Anchor::Start, spacing: 0.0, heavy: false }
    }

    pub fn at(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }

    pub fn spaced(self, spacing: f32) -> Self {
        Self { spacing, ..self }
    }

    /// Letters with an outline of their own colour: the face has one weight only.
    pub fn heavy(self) -> Self {
        Self { heavy: true, ..self }
    }
}

/// A page to draw on.
pub(super) struct Sheet<'a, 'f> {
    surface: Surface<'a>,
    face: &'f Typeface,
}

impl<'a, 'f> Sheet<'a, 'f> {
    pub fn new(surface: Surface<'a>, face: &'f Typeface) -> Self {
        Self { surface, face }
    }

    /// One line of text whose start or end stands at `x` on the base line `y`.
    pub fn text(&mut self, text: &str, x: f32, y: f32, style: Style) {
        let run = self.face.shape(text, style.spacing);
        let x = match style.anchor {
            Anchor::Start => x,
            // The space after the last letter is not part of how the text looks.
            Anchor::End => x - (run.width - style.spacing) * style.size,
        };
        self.surface.set_fill(Some(fill(style.colour)));
        let stroke = Stroke { paint: colour(style.colour).into(), width: style.size * 0.025, ..Stroke::default() };
        self.surface.set_stroke(style.heavy.then_some(stroke));
        self.surface.draw_glyphs(Point::from_xy(x, y), &run.glyphs, self.face.font(), text, style.size, false);
    }

    pub fn rectangle(&mut self, x: f32, y: f32, width: f32, height: f32, colour: Colour) {
        let Some(rectangle) = Rect::from_xywh(x, y, width, height) else { return };
        let mut path = PathBuilder::new();
        path.push_rect(rectangle);
        if let Some(path) = path.finish() {
            self.surface.set_fill(Some(fill(colour)));
            self.surface.set_stroke(None);
            self.surface.draw_path(&path);
        }
    }

    pub fn finish(self) {
        self.surface.finish();
    }
}

fn colour((red, green, blue): Colour) -> rgb::Color {
    rgb::Color::new(red, green, blue)
}

fn fill(of: Colour) -> Fill {
    Fill { paint: colour(of).into(), ..Fill::default() }
}
