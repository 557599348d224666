//! Errors and notes as text. The one place where an error becomes words for a person.

use serde_json::Value;

use super::sanitize::{one_line, visible};
use super::{Paint, Screen, Style};
use crate::error::{Error, Kind};
use crate::events::Level;
use crate::output::Stream;
use crate::secret::Redactor;

/// How many of the last lines of a failed command's standard error are shown.
const STDERR_LINES: usize = 10;

/// `error: …` with everything that is known: command, what it said, hint, and with `-v` the Lua
/// traceback and the causes.
pub(super) fn whole(error: &Error, screen: &Screen) -> String {
    let style = screen.style(Stream::Stderr);
    let head = one_line(&plain(&error.to_string()));
    let mut lines = vec![format!("{} {head}", style.paint(Paint::Bad, "error:"))];
    lines.extend(details(error, screen, true));
    clean(screen.redactor(), &lines)
}

/// Without the numbers that Rust puts behind the system's words: `(os error 2)`.
fn plain(message: &str) -> String {
    let mut pieces = message.split(" (os error ");
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        text.push_str(piece.split_once(')').map_or(piece, |(_, rest)| rest));
    }
    text
}

/// The lines below a message: command, last lines of its standard error, hint, traceback.
pub(super) fn details(error: &Error, screen: &Screen, with_output: bool) -> Vec<String> {
    let style = screen.style(Stream::Stderr);
    let mut lines = Vec::new();
    if with_output {
        if let Some(command) = error.remote_command() {
            lines.push(format!("  command: {}", one_line(command)));
        }
        if let Some(output) = error.remote_output() {
            let text = visible(&output.stderr);
            let all: Vec<&str> = text.lines().collect();
            let last = &all[all.len().saturating_sub(STDERR_LINES)..];
            lines.extend(
                last.iter()
                    .map(|l| format!("  {} {l}", style.paint(Paint::Faint, "|"))),
            );
        }
    }
    if let Some(Value::Object(evidence)) = error.evidence_found() {
        for (key, value) in evidence {
            lines.extend(told(key, value, &style));
        }
    }
    if let Some(hint) = error.hint_text() {
        let hint = visible(hint.as_bytes()).replace('\n', "\n        ");
        lines.push(format!("  {} {hint}", style.paint(Paint::Strong, "hint:")));
    }
    if screen.verbose() > 0 {
        if let Some(traceback) = error.lua_traceback() {
            lines.extend(
                visible(traceback.as_bytes())
                    .lines()
                    .map(|l| format!("  {l}")),
            );
        }
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            let text = one_line(&inner.to_string());
            if error.kind() != Kind::Exit && !error.message().contains(&text) {
                lines.push(format!("  cause: {text}"));
            }
            cause = inner.source();
        }
    }
    lines
}

/// One piece of evidence: `key: value` on a line, and the lines of a list below their key.
fn told(key: &str, value: &Value, style: &Style) -> Vec<String> {
    let word = |value: &Value| match value {
        Value::String(text) => one_line(text),
        other => one_line(&other.to_string()),
    };
    let Value::Array(list) = value else {
        return vec![format!("  {}: {}", one_line(key), word(value))];
    };
    let gutter = style.paint(Paint::Faint, "|").to_string();
    let rest = list.iter().map(|line| format!("  {gutter} {}", word(line)));
    std::iter::once(format!("  {}:", one_line(key)))
        .chain(rest)
        .collect()
}

/// A note of the program: `warning: web-01: …`; ordinary ones have no word before them.
pub(super) fn note(
    level: Level,
    server: Option<&str>,
    message: &str,
    style: Style,
    redactor: &Redactor,
) -> String {
    let word = match level {
        Level::Warning => format!("{} ", style.paint(Paint::Notable, "warning:")),
        Level::Debug => format!("{} ", style.paint(Paint::Faint, "debug:")),
        Level::Notice | Level::Info => String::new(),
    };
    let server = server.map_or_else(String::new, |s| format!("{}: ", one_line(s)));
    redactor
        .clean(&format!("{word}{server}{}", visible(message.as_bytes())))
        .into_owned()
}

/// Joins lines, secrets taken out.
pub(super) fn clean(redactor: &Redactor, lines: &[String]) -> String {
    redactor.clean(&lines.join("\n")).into_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_of_the_system_are_left_out() {
        for (message, shown) in [
            ("`a`: No such file (os error 2)", "`a`: No such file"),
            ("x (os error 2): y (os error 13)", "x: y"),
            ("nothing", "nothing"),
            ("cut (os error ", "cut"),
        ] {
            assert_eq!(super::plain(message), shown);
        }
    }
}
