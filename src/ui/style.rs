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
}

/// Paints text, or leaves it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    on: bool,
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
        }
    }

    /// Paints nothing.
    pub const PLAIN: Style = Style { on: false };

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
        };
        if self.on {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
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
