//! A terminal as a picture: light on dark on any page, in colours that can be read.

use anstyle::{AnsiColor, Color, RgbColor};
use anstyle_svg::{Palette, Term};

/// What is printed dim, in place of paler letters.
pub(crate) const DIM: AnsiColor = AnsiColor::BrightBlack;

const BACKGROUND: RgbColor = RgbColor(13, 17, 23);
const TEXT: RgbColor = RgbColor(201, 209, 217);

const PALETTE: Palette = Palette([
    BACKGROUND,
    RgbColor(255, 123, 114),
    RgbColor(86, 211, 100),
    RgbColor(227, 179, 65),
    RgbColor(121, 192, 255),
    RgbColor(210, 168, 255),
    RgbColor(86, 212, 221),
    TEXT,
    RgbColor(148, 156, 166),
    RgbColor(255, 161, 152),
    RgbColor(126, 231, 135),
    RgbColor(242, 204, 96),
    RgbColor(165, 214, 255),
    RgbColor(226, 197, 255),
    RgbColor(179, 240, 255),
    RgbColor(255, 255, 255),
]);

/// Draws text with escape sequences.
pub(crate) fn draw(styled: &str) -> String {
    let (text, background) = (Color::Rgb(TEXT), Color::Rgb(BACKGROUND));
    Term::new().palette(PALETTE).fg_color(text).bg_color(background).render_svg(styled)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As WCAG 2 reckons it.
    fn contrast(one: RgbColor, other: RgbColor) -> f64 {
        let luminance = |RgbColor(red, green, blue): RgbColor| {
            let linear = |value: u8| {
                let value = f64::from(value) / 255.0;
                if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
        };
        let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
        one.max(other) / one.min(other)
    }

    #[test]
    fn every_colour_can_be_read() {
        assert!((contrast(RgbColor(0, 0, 0), RgbColor(255, 255, 255)) - 21.0).abs() < 1e-9);
        // The first is the background itself.
        for colour in &PALETTE.0[1..] {
            assert!(contrast(*colour, BACKGROUND) >= 4.5, "{colour:?}");
        }
        assert!(contrast(TEXT, BACKGROUND) >= 4.5);
        assert!(!draw("\u{1b}[90mAgent\u{1b}[0m  ada").contains("opacity"));
    }
}
