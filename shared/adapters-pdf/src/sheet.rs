//! Text and rectangles on one page, in points from its top left corner.

use super::{
    line::{CODE, CODE_MARGIN, Line, Run},
    typeface::Typefaces,
};
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
    faces: &'f Typefaces<'f>,
}

impl<'a, 'f> Sheet<'a, 'f> {
    pub fn new(surface: Surface<'a>, faces: &'f Typefaces<'f>) -> Self {
        Self { surface, faces }
    }

    /// Draws one line of text with its start or end at `x` on the baseline `y`.
    pub fn text(&mut self, text: &str, x: f32, y: f32, style: Style) {
        self.line(&Line::new(text, style.spacing, self.faces), x, y, style);
    }

    /// Draws a line that was shaped before, without the letter spacing of `style`.
    pub fn line(&mut self, line: &Line, x: f32, y: f32, style: Style) {
        let mut x = match style.anchor {
            Anchor::Start => x + line.indent * style.size,
            // Without the spacing after the last letter.
            Anchor::End => x - (line.width - style.spacing) * style.size,
        };
        for run in &line.runs {
            self.run(run, &line.text, x, y, style);
            x += run.width * style.size;
        }
    }

    fn run(&mut self, run: &Run, text: &str, x: f32, y: f32, style: Style) {
        let Some(face) = self.faces.get(run.font) else { return };
        self.surface.set_fill(Some(fill(style.color)));
        let stroke = Stroke { paint: color(style.color).into(), width: style.size * 0.025, ..Stroke::default() };
        self.surface.set_stroke(style.heavy.then_some(stroke));
        self.surface.draw_glyphs(Point::from_xy(x, y), &run.glyphs, face.font(), text, style.size, false);
        if let Some(code) = &run.code {
            let start = Point::from_xy(x + CODE_MARGIN * style.size, y);
            self.surface.draw_glyphs(start, code, face.font(), "", CODE * style.size, true);
            self.frame(x, y, run.width, style);
        }
    }

    /// Draws the frame around the code of a replaced character.
    fn frame(&mut self, x: f32, y: f32, width: f32, style: Style) {
        let em = style.size;
        let Some(rectangle) = Rect::from_xywh(x + 0.04 * em, y - 0.6 * em, (width - 0.08) * em, 0.76 * em) else {
            return;
        };
        let mut path = PathBuilder::new();
        path.push_rect(rectangle);
        if let Some(path) = path.finish() {
            self.surface.set_fill(None);
            let stroke = Stroke { paint: color(style.color).into(), width: 0.04 * em, ..Stroke::default() };
            self.surface.set_stroke(Some(stroke));
            self.surface.draw_path(&path);
        }
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
