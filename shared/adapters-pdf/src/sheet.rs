//! Text and rectangles on one page, in points from its top left corner.

use super::typeface::Typeface;
use krilla::color::rgb;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;

pub(super) type Color = (u8, u8, u8);

pub(super) const ACCENT: Color = (16, 56, 79);
pub(super) const INK: Color = (29, 35, 42);
pub(super) const MUTED: Color = (104, 115, 125);
pub(super) const FAINT: Color = (232, 237, 240);
pub(super) const WHITE: Color = (255, 255, 255);

/// Which end of a text is at its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    End,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    size: f32,
    color: Color,
    anchor: Anchor,
    /// Additional letter spacing, in ems.
    spacing: f32,
    heavy: bool,
}

impl Style {
    pub fn new(size: f32, color: Color) -> Self {
        Self { size, color, anchor: Anchor::Start, spacing: 0.0, heavy: false }
    }

    pub fn at(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }

    pub fn spaced(self, spacing: f32) -> Self {
        Self { spacing, ..self }
    }

    /// Outlines the letters in their own color, since the typeface has one weight only.
    pub fn heavy(self) -> Self {
        Self { heavy: true, ..self }
    }
}

pub(super) struct Sheet<'a, 'f> {
    surface: Surface<'a>,
    face: &'f Typeface,
}

impl<'a, 'f> Sheet<'a, 'f> {
    pub fn new(surface: Surface<'a>, face: &'f Typeface) -> Self {
        Self { surface, face }
    }

    /// Draws one line of text with its start or end at `x` on the baseline `y`.
    pub fn text(&mut self, text: &str, x: f32, y: f32, style: Style) {
        let run = self.face.shape(text, style.spacing);
        let x = match style.anchor {
            Anchor::Start => x,
            // Without the spacing after the last letter.
            Anchor::End => x - (run.width - style.spacing) * style.size,
        };
        self.surface.set_fill(Some(fill(style.color)));
        let stroke = Stroke { paint: color(style.color).into(), width: style.size * 0.025, ..Stroke::default() };
        self.surface.set_stroke(style.heavy.then_some(stroke));
        self.surface.draw_glyphs(Point::from_xy(x, y), &run.glyphs, self.face.font(), text, style.size, false);
    }

    pub fn rectangle(&mut self, x: f32, y: f32, width: f32, height: f32, color: Color) {
        let Some(rectangle) = Rect::from_xywh(x, y, width, height) else { return };
        let mut path = PathBuilder::new();
        path.push_rect(rectangle);
        if let Some(path) = path.finish() {
            self.surface.set_fill(Some(fill(color)));
            self.surface.set_stroke(None);
            self.surface.draw_path(&path);
        }
    }

    pub fn finish(self) {
        self.surface.finish();
    }
}

fn color((red, green, blue): Color) -> rgb::Color {
    rgb::Color::new(red, green, blue)
}

fn fill(of: Color) -> Fill {
    Fill { paint: color(of).into(), ..Fill::default() }
}
