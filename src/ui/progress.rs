//! [`Progress`]: the core's events as a bar with the servers at work, on a terminal only.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Screen;
use super::operation::{self, Telling};
use super::sanitize::one_line;
use crate::events::{Events, Level, Operation};
use crate::output::Stream;

/// How many servers at work the bar names.
const NAMED: usize = 8;

/// Listens to the core and shows what goes on.
pub struct Progress {
    screen: Arc<Screen>,
    telling: Telling,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Fleet calls that run, one inside another; the outermost owns the bar.
    depth: usize,
    bar: Option<ProgressBar>,
    /// Servers at work, their phase, and since when.
    busy: BTreeMap<String, (String, Instant)>,
}

impl Progress {
    /// Draws on `screen`; operations are told in that way.
    pub fn new(screen: Arc<Screen>, telling: Telling) -> Self {
        Progress {
            screen,
            telling,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl State {
    /// Names those that have been at work longest: they are what one waits for.
    fn show(&self) {
        let Some(bar) = &self.bar else { return };
        let mut busy: Vec<_> = self.busy.iter().collect();
        busy.sort_by_key(|(_, (_, since))| *since);
        let mut words: Vec<String> = busy
            .iter()
            .take(NAMED)
            .map(|(id, (phase, _))| format!("{} ({})", one_line(id), one_line(phase)))
            .collect();
        if busy.len() > NAMED {
            words.push(format!("+{}", busy.len() - NAMED));
        }
        bar.set_message(words.join("  "));
    }
}

impl Events for Progress {
    fn note(&self, level: Level, server: Option<&str>, message: &str) {
        self.screen.note(level, server, message);
    }

    fn run_started(&self, label: &str, total: usize) {
        let mut state = self.state();
        state.depth += 1;
        if state.depth > 1 || !self.screen.is_terminal(Stream::Stderr) || self.screen.is_quiet() {
            return;
        }
        let template = "{prefix} [{bar:24}] {pos}/{len} {elapsed}  {wide_msg}";
        // The screen says when it may be seen.
        let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        let label: String = one_line(label).chars().take(20).collect();
        bar.set_prefix(label);
        bar.enable_steady_tick(Duration::from_millis(200));
        self.screen.set_bar(Some(bar.clone()));
        state.bar = Some(bar);
    }

    fn server_phase(&self, server: &str, phase: &str) {
        let mut state = self.state();
        if state.bar.is_some() {
            let since = state
                .busy
                .get(server)
                .map_or_else(Instant::now, |(_, since)| *since);
            state
                .busy
                .insert(server.to_owned(), (phase.to_owned(), since));
            state.show();
        }
    }

    fn tunnel(&self, name: &str, phase: Option<&str>) {
        // No server's id holds a space.
        let name = format!("tunnel {name}");
        match phase {
            Some(phase) => self.server_phase(&name, phase),
            None => {
                let mut state = self.state();
                if state.busy.remove(&name).is_some() {
                    state.show();
                }
            }
        }
    }

    fn operation(&self, server: &str, operation: &Operation) {
        operation::tell(&self.screen, self.telling, server, operation);
    }

    fn server_done(&self, server: &str, _status: &str, _duration: Duration) {
        let mut state = self.state();
        if let (Some(bar), 1) = (&state.bar, state.depth) {
            bar.inc(1);
        }
        if state.busy.remove(server).is_some() {
            state.show();
        }
    }

    fn run_finished(&self) {
        let mut state = self.state();
        state.depth = state.depth.saturating_sub(1);
        if state.depth == 0 {
            state.busy.clear();
            if state.bar.take().is_some() {
                self.screen.set_bar(None);
            }
        }
    }

    fn transfer(&self, server: &str, path: &str, done: u64, total: Option<u64>) {
        let share = match total.filter(|t| *t > 0) {
            Some(total) => format!("{path} {}%", done.min(total) * 100 / total),
            None => format!("{path} {} MiB", done >> 20),
        };
        self.server_phase(server, &share);
    }
}
