//! What the doctor found, a line each.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::error::{Error, Result};
use crate::output::Stream;
use crate::ui::sanitize::one_line;
use crate::ui::{Paint, Screen, json as form};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Ok,
    Warn,
    Fail,
}

impl Verdict {
    fn as_str(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
        }
    }
}

/// One check.
#[derive(Debug, Clone)]
pub(super) struct Row {
    name: &'static str,
    verdict: Verdict,
    detail: String,
    hint: Option<String>,
    took: Option<Duration>,
    code: u8,
}

impl Row {
    fn new(name: &'static str, verdict: Verdict, detail: impl Into<String>) -> Row {
        Row {
            name,
            verdict,
            detail: detail.into(),
            hint: None,
            took: None,
            code: u8::from(verdict == Verdict::Fail),
        }
    }

    /// All is well.
    pub fn ok(name: &'static str, detail: impl Into<String>) -> Row {
        Row::new(name, Verdict::Ok, detail)
    }

    /// Works, but deserves a look.
    pub fn warn(name: &'static str, detail: impl Into<String>) -> Row {
        Row::new(name, Verdict::Warn, detail)
    }

    /// Does not work.
    pub fn fail(name: &'static str, detail: impl Into<String>) -> Row {
        Row::new(name, Verdict::Fail, detail)
    }

    /// Does not work, for this reason.
    pub fn error(name: &'static str, error: &Error) -> Row {
        Row {
            hint: error.hint_text().map(str::to_owned),
            code: error.kind().exit_code(),
            ..Row::fail(name, error.message())
        }
    }

    /// What to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Row {
        self.hint = Some(hint.into());
        self
    }

    /// It is about this one, which stands before the server.
    pub fn of(mut self, hop: &str) -> Row {
        self.detail = format!("`{hop}`: {}", self.detail);
        self
    }

    /// How long it took.
    pub fn took(mut self, time: Duration) -> Row {
        self.took = Some(time);
        self
    }
}

/// Prints rows as they come, and remembers the worst.
pub(super) struct Report {
    screen: Arc<Screen>,
    json: bool,
    code: u8,
}

impl Report {
    pub fn new(screen: Arc<Screen>, json: bool) -> Report {
        Report {
            screen,
            json,
            code: 0,
        }
    }

    /// Prints a row.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn add(&mut self, row: Row) -> Result<()> {
        // The codes are in the order in which they matter: 130 > 5 > 4 > 3 > 2 > 1.
        self.code = self.code.max(row.code);
        let text = match self.json {
            true => form::line(&json!({
                "check": row.name,
                "status": row.verdict.as_str(),
                "detail": row.detail,
                "hint": row.hint,
                "seconds": row.took.map(|t| t.as_secs_f64()),
            })),
            false => self.line(&row),
        };
        let text = self.screen.redactor().clean(&text).into_owned();
        self.screen.result(text.as_bytes())
    }

    fn line(&self, row: &Row) -> String {
        let style = self.screen.style(Stream::Stdout);
        let paint = match row.verdict {
            Verdict::Ok => Paint::Good,
            Verdict::Warn => Paint::Notable,
            Verdict::Fail => Paint::Bad,
        };
        let word = style.paint(paint, &format!("{:<4}", row.verdict.as_str()));
        let took = row.took.map_or_else(String::new, |time| {
            let shown = format!("  {:.1} ms", time.as_secs_f64() * 1000.0);
            style.paint(Paint::Faint, &shown)
        });
        let mut text = format!("{word}  {:<11} {}{took}\n", row.name, one_line(&row.detail));
        if let Some(hint) = &row.hint {
            let word = style.paint(Paint::Strong, "hint:");
            text.push_str(&format!("      {word} {}\n", one_line(hint)));
        }
        text
    }

    /// The exit code: that of the worst row.
    pub fn code(&self) -> u8 {
        self.code
    }
}
