//! What every run over servers tells at its end: a line for each outcome, and the count.

use std::time::Duration;

use super::sanitize::one_line;
use super::{Paint, Screen, problem};
use crate::events::Level;
use crate::fleet::{Counts, Outcome};
use crate::output::Stream;

/// Tells one outcome on standard error. Those that went well are only for a person who watches;
/// the others are always told, with their hint. `with_output` adds the command and the last lines
/// of what it said, where these were not printed already.
pub fn outcome<T>(screen: &Screen, outcome: &Outcome<T>, with_output: bool) {
    // A reader who went away knows why the rest was not done.
    let is_left = outcome.is_left() && !screen.is_pipe_closed();
    let went_wrong = outcome.status.is_failure() || is_left;
    let watched = screen.is_terminal(Stream::Stderr) || screen.verbose() > 0;
    if screen.is_pipe_closed() || (!went_wrong && (screen.is_quiet() || !watched)) {
        return;
    }
    let style = screen.style(Stream::Stderr);
    let word = format!("{:<11}", outcome.status.as_str());
    let mut line = format!(
        "{} {}",
        style.paint(outcome.status.into(), &word),
        one_line(&outcome.server)
    );
    if outcome.duration > Duration::ZERO {
        line.push_str(&style.paint(Paint::Faint, &format!("  {}", seconds(outcome.duration))));
    }
    let mut lines = vec![line];
    if let Some(error) = &outcome.error {
        // What a package manager or a journal said stays in its lines.
        let mut message = error.message().trim_end().lines();
        lines[0].push_str(&format!(
            "  {}",
            one_line(message.next().unwrap_or_default())
        ));
        lines.extend(message.map(|line| format!("  {}", one_line(line))));
        lines.extend(problem::details(error, screen, with_output));
    }
    screen.talk(&problem::clean(screen.redactor(), &lines));
}

/// The last line of a run: how many servers ended in which status.
pub fn total(screen: &Screen, counts: &Counts) {
    if screen.shows(Level::Notice) {
        screen.talk(&counts.to_string());
    }
}

fn seconds(duration: Duration) -> String {
    match duration.as_secs() {
        0..=59 => format!("{:.2}s", duration.as_secs_f64()),
        s => format!("{}m{:02}s", s / 60, s % 60),
    }
}
