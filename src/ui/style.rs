//! Colours, and whether to use them.

use crate::fleet::Status;

/// The few ways in which text stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// Went well.
    Good,
    /// Something is different now, or deserves a look.
    Notable,
    /// Went wrong.
    Bad,
    /// A heading.
    Strong,
    /// Not important.
    Faint,
    /// In source text: a word of the language.
    Keyword,
    /// In source text: a text.
    Quoted,
    /// In source text: a number.
    Number,
}

/// Colours for servers, of xterm's 256: none that means a status, each with a contrast of 3 to 1
/// or better against black and against white.
const RICH: [u8; 12] = [33, 97, 30, 169, 67, 133, 31, 99, 137, 127, 66, 132];
/// The same for terminals of eight colours: cyan, magenta, blue.
const POOR: [u8; 3] = [36, 35, 34];

/// Paints text, or leaves it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    on: bool,
    /// The terminal has 256 colours.
    rich: bool,
}

impl Style {
    /// `chosen` is `--color`; without it colours are for terminals, unless `NO_COLOR` is set to
    /// anything (no-color.org) or the terminal is a dumb one.
    pub fn new(chosen: Option<bool>, is_terminal: bool) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
        let dumb = || std::env::var_os("TERM").is_some_and(|v| v == "dumb");
        let auto = || is_terminal && !set("NO_COLOR") && !dumb();
        Style {
            on: chosen.unwrap_or_else(auto),
            rich: is_rich(),
        }
    }

    /// Paints nothing.
    pub const PLAIN: Style = Style {
        on: false,
        rich: false,
    };

    /// Whether text is painted.
    pub fn is_on(self) -> bool {
        self.on
    }

    /// `text` in that paint (ECMA-48 SGR).
    pub fn paint(self, paint: Paint, text: &str) -> String {
        let code = match paint {
            Paint::Good => "32",
            Paint::Notable => "33",
            Paint::Bad => "31",
            Paint::Strong => "1",
            Paint::Faint => "2",
            Paint::Keyword => "35",
            Paint::Quoted => "32",
            Paint::Number => "36",
        };
        if self.on {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

impl Style {
    /// A server's id in the colour that it has in every run.
    pub fn server(self, id: &str) -> String {
        // FNV-1a, 32 bits.
        let hash = id.bytes().fold(0x811c_9dc5, |hash: u32, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
        let pick = |colors: &[u8]| colors[hash as usize % colors.len()];
        match (self.on, self.rich) {
            (false, _) => id.to_owned(),
            (true, true) => format!("\x1b[38;5;{}m{id}\x1b[0m", pick(&RICH)),
            (true, false) => format!("\x1b[{}m{id}\x1b[0m", pick(&POOR)),
        }
    }
}

/// Does the terminal say that it has 256 colours?
fn is_rich() -> bool {
    let set = |name: &str| std::env::var(name).unwrap_or_default();
    let term = set("TERM");
    !set("COLORTERM").is_empty()
        || ["256", "kitty", "alacritty", "foot", "ghostty"]
            .iter()
            .any(|part| term.contains(part))
}

impl From<Status> for Paint {
    fn from(status: Status) -> Self {
        match status {
            Status::Ok => Paint::Good,
            Status::Changed => Paint::Notable,
            Status::Skipped | Status::Cancelled => Paint::Faint,
            Status::Failed | Status::Unreachable | Status::Unknown => Paint::Bad,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WCAG's relative luminance of one of the 216 colours of xterm's cube.
    fn luminance(color: u8) -> f64 {
        let at = f64::from(color - 16);
        let level = |n: f64| {
            if n == 0.0 {
                0.0
            } else {
                (55.0 + 40.0 * n) / 255.0
            }
        };
        let linear = |n: f64| match level(n) {
            c if c <= 0.040_45 => c / 12.92,
            c => ((c + 0.055) / 1.055).powf(2.4),
        };
        let (red, green, blue) = ((at / 36.0).floor(), (at / 6.0).floor() % 6.0, at % 6.0);
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }

    #[test]
    fn ids_are_readable_on_dark_and_on_light() {
        for color in RICH {
            let light = luminance(color);
            let (on_black, on_white) = ((light + 0.05) / 0.05, 1.05 / (light + 0.05));
            assert!(
                on_black >= 3.0 && on_white >= 3.0,
                "{color}: {on_black} {on_white}"
            );
        }
    }

    #[test]
    fn an_id_keeps_its_colour() {
        let rich = Style {
            on: true,
            rich: true,
        };
        assert_eq!(rich.server("web-01"), rich.server("web-01"));
        let colors: std::collections::BTreeSet<String> = (1..=40)
            .map(|n| format!("web-{n:02}"))
            .map(|id| rich.server(&id).replace(&id, ""))
            .collect();
        assert!(colors.len() > 8, "{colors:?}");
        assert_eq!(Style::PLAIN.server("web-01"), "web-01");
    }
}
