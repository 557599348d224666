//! [`ExecReport`]: what a command printed on each server, in the form that suits the reader.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::lines::Lines;
use super::nodes::fold_ids;
use super::sanitize::{Sanitizer, one_line, visible};
use super::{Paint, Screen, json, report};
use crate::error::{Error, Result};
use crate::events::Level;
use crate::fleet::Outcome;
use crate::output::{Output, Stream};
use crate::ssh::Sink;

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// One object for each server, as it finishes.
    Json,
    /// At the end, servers with the same output in one block.
    Fold,
    /// As it comes, each line behind `id: `.
    Prefixed,
    /// As it comes: there is one server only.
    Raw,
}

impl Mode {
    /// The form for that many servers.
    pub fn choose(screen: &Screen, json: bool, fold: bool, servers: usize) -> Self {
        match servers {
            _ if json => Mode::Json,
            _ if fold => Mode::Fold,
            0 | 1 => Mode::Raw,
            _ if screen.is_terminal(Stream::Stdout) => Mode::Fold,
            _ => Mode::Prefixed,
        }
    }
}

/// Prints the outcomes of one `exec`.
pub struct ExecReport {
    screen: Arc<Screen>,
    mode: Mode,
    live: Mutex<HashMap<String, Arc<Mutex<Live>>>>,
}

/// What is held back of one server's two streams until it can be printed.
#[derive(Default)]
struct Live {
    lines: [Lines; 2],
    text: [Sanitizer; 2],
}

impl ExecReport {
    /// A report in that form.
    pub fn new(screen: Arc<Screen>, mode: Mode) -> Self {
        ExecReport {
            screen,
            mode,
            live: Mutex::default(),
        }
    }

    /// Takes the live output of one server, when the form shows it live.
    pub fn sink(&self, server: &str) -> Option<Sink> {
        if matches!(self.mode, Mode::Json | Mode::Fold) {
            return None;
        }
        let live = Arc::new(Mutex::new(Live::default()));
        let mut all = self.live.lock().unwrap_or_else(|e| e.into_inner());
        all.insert(server.to_owned(), live.clone());
        let (screen, mode, prefix) = (self.screen.clone(), self.mode, prefix(server));
        Some(Arc::new(move |stream, bytes| {
            let mut live = live.lock().unwrap_or_else(|e| e.into_inner());
            let piece = live.feed(&screen, mode, &prefix, stream, bytes);
            // A reader who went away ends the run by the screen's own means.
            let _ = screen.write(stream, &piece);
        }))
    }

    /// One server has finished.
    pub fn done(&self, outcome: &Outcome<Output>) {
        if self.mode == Mode::Json {
            let object = json::exec(outcome, self.screen.redactor());
            let _ = self.screen.result(json::line(&object).as_bytes());
            return;
        }
        let mut all = self.live.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(live) = all.remove(&outcome.server) {
            let mut live = live.lock().unwrap_or_else(|e| e.into_inner());
            for stream in [Stream::Stdout, Stream::Stderr] {
                let rest = live.finish(&self.screen, self.mode, &prefix(&outcome.server), stream);
                let _ = self.screen.write(stream, &rest);
            }
        }
        drop(all);
        let output = output_of(outcome);
        if self.mode == Mode::Fold && output.is_some_and(|o| o.truncated) {
            let message = "more was printed than is kept (--max-output); the end is missing";
            self.screen
                .note(Level::Warning, Some(&outcome.server), message);
        }
        // One server's output speaks for itself.
        if self.mode != Mode::Raw || outcome.error.is_some() {
            report::outcome(&self.screen, outcome, false);
        }
    }

    /// All have finished: prints the blocks.
    ///
    /// # Errors
    /// Those of [`Screen::result`].
    pub fn finish(&self, outcomes: &[Outcome<Output>]) -> Result<()> {
        if self.mode != Mode::Fold {
            return Ok(());
        }
        let mut blocks: Vec<(&Output, Vec<&str>)> = Vec::new();
        let mut index = HashMap::new();
        for outcome in outcomes {
            let Some(output) = output_of(outcome) else {
                continue;
            };
            let at = *index
                .entry((&output.stdout, &output.stderr, output.code, &output.signal))
                .or_insert_with(|| {
                    blocks.push((output, Vec::new()));
                    blocks.len() - 1
                });
            blocks[at].1.push(&outcome.server);
        }
        blocks
            .iter()
            .try_for_each(|(output, ids)| self.screen.result(&self.block(output, ids)))
    }

    fn block(&self, output: &Output, ids: &[&str]) -> Vec<u8> {
        let style = self.screen.style(Stream::Stdout);
        let mut head = one_line(&fold_ids(ids.iter().copied()));
        if ids.len() > 1 {
            head.push_str(&format!(" ({})", ids.len()));
        }
        match (output.code, &output.signal) {
            (_, Some(signal)) => head.push_str(&format!("  signal {}", one_line(signal))),
            (Some(code), None) if code != 0 => head.push_str(&format!("  exit {code}")),
            _ => {}
        }
        let rule = style.paint(
            Paint::Faint,
            &"-".repeat(head.chars().count().clamp(15, 78)),
        );
        let head = style.paint(Paint::Strong, &head);
        let mut block = format!("{rule}\n{head}\n{rule}\n").into_bytes();
        for bytes in [&output.stdout, &output.stderr] {
            match self.screen.is_terminal(Stream::Stdout) {
                true => block.extend(visible(bytes).into_bytes()),
                false => block.extend_from_slice(bytes),
            }
            if block.last() != Some(&b'\n') {
                block.push(b'\n');
            }
        }
        block
    }
}

impl Live {
    fn feed(
        &mut self,
        screen: &Screen,
        mode: Mode,
        prefix: &str,
        stream: Stream,
        bytes: &[u8],
    ) -> Vec<u8> {
        let at = stream as usize;
        let bytes = match mode {
            Mode::Raw => bytes.to_vec(),
            _ => self.lines[at].feed(prefix, bytes),
        };
        match screen.is_terminal(stream) {
            true => self.text[at].feed(&bytes).into_bytes(),
            false => bytes,
        }
    }

    fn finish(&mut self, screen: &Screen, mode: Mode, prefix: &str, stream: Stream) -> Vec<u8> {
        let at = stream as usize;
        let rest = match mode {
            Mode::Raw => Vec::new(),
            _ => self.lines[at].finish(prefix),
        };
        if !screen.is_terminal(stream) {
            return rest;
        }
        let mut text = self.text[at].feed(&rest);
        text.push_str(&self.text[at].finish());
        text.into_bytes()
    }
}

fn prefix(server: &str) -> String {
    format!("{server}: ")
}

fn output_of(outcome: &Outcome<Output>) -> Option<&Output> {
    outcome
        .value
        .as_ref()
        .or_else(|| outcome.error.as_ref().and_then(Error::remote_output))
}
