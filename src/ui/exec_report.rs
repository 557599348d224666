//! [`ExecReport`]: what a command printed on each server, in the form that suits the reader.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::gutter::{Gutter, id_width};
use super::lines::Lines;
use super::sanitize::{Sanitizer, one_line};
use super::{Screen, blocks, json, report};
use crate::error::{Error, Result};
use crate::events::Level;
use crate::fleet::{Outcome, Status};
use crate::output::{Output, Stream};
use crate::ssh::Sink;

/// Bytes of each stream that are kept for a comparison, beside showing them as they come.
const COMPARED: usize = 64 << 10;

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// One object for each server, as it finishes.
    Json,
    /// One object for each line, as it comes, and one for each server at its end.
    JsonLines,
    /// At the end, servers with the same output in one block.
    Fold,
    /// As it comes, each line behind `id: `; on a terminal behind `id | `, and with the outliers
    /// marked at the end.
    Prefixed,
    /// As it comes: there is one server only.
    Raw,
}

impl Mode {
    /// The form for that many servers.
    pub fn choose(json: bool, fold: bool, servers: usize) -> Self {
        match servers {
            _ if json => Mode::Json,
            _ if fold => Mode::Fold,
            0 | 1 => Mode::Raw,
            _ => Mode::Prefixed,
        }
    }
}

/// Prints the outcomes of one `exec`.
pub struct ExecReport {
    screen: Arc<Screen>,
    mode: Mode,
    /// The server whose output the others are compared with.
    reference: Option<String>,
    id_width: usize,
    live: Mutex<HashMap<String, Arc<Mutex<[Live; 2]>>>>,
}

/// What is held back of one stream of one server until it can be printed.
enum Live {
    /// For a file or pipe: true to the byte, whole lines behind a prefix.
    Lines(String, Lines),
    /// For a program: whole lines of one server's stream, an object each.
    Objects(String, Stream, Lines),
    /// For a file or pipe: as it is.
    Bytes,
    /// For a terminal: lines behind a gutter.
    Gutter(Gutter),
    /// For a terminal: as it is, made visible.
    Text(Sanitizer),
}

impl ExecReport {
    /// A report in that form.
    pub fn new(screen: Arc<Screen>, mode: Mode) -> Self {
        ExecReport {
            screen,
            mode,
            reference: None,
            id_width: 0,
            live: Mutex::default(),
        }
    }

    /// The same for a run over these servers: their live lines stand below each other.
    #[must_use]
    pub fn among<'a>(mut self, ids: impl IntoIterator<Item = &'a str>) -> Self {
        self.id_width = id_width(ids);
        self
    }

    /// The same with every output compared with that of the server `id` ([`Mode::Fold`] only).
    #[must_use]
    pub fn compared_with(mut self, id: Option<&str>) -> Self {
        self.reference = id.map(str::to_owned);
        self
    }

    /// Bytes of each stream that this report wants kept although it has taken them live.
    pub fn wanted(&self) -> usize {
        if self.marks() { COMPARED } else { 0 }
    }

    /// Whether outliers are marked after live output.
    fn marks(&self) -> bool {
        self.mode == Mode::Prefixed
            && self.screen.is_terminal(Stream::Stdout)
            && !self.screen.is_quiet()
    }

    /// Takes the live output of one server, when the form shows it live.
    pub fn sink(&self, server: &str) -> Option<Sink> {
        if matches!(self.mode, Mode::Json | Mode::Fold) {
            return None;
        }
        let both = [Stream::Stdout, Stream::Stderr].map(|stream| self.live(server, stream));
        let live = Arc::new(Mutex::new(both));
        let mut all = self.live.lock().unwrap_or_else(|e| e.into_inner());
        all.insert(server.to_owned(), live.clone());
        let (screen, mode) = (self.screen.clone(), self.mode);
        Some(Arc::new(move |stream, bytes| {
            let mut live = live.lock().unwrap_or_else(|e| e.into_inner());
            let piece = live[stream as usize].feed(bytes, screen.width());
            // A reader who went away ends the run by the screen's own means.
            let _ = screen.write(target(mode, stream), &piece);
        }))
    }

    fn live(&self, server: &str, stream: Stream) -> Live {
        match (self.mode, self.screen.is_terminal(stream)) {
            (Mode::JsonLines, _) => Live::Objects(server.to_owned(), stream, Lines::default()),
            (Mode::Raw, true) => Live::Text(Sanitizer::default()),
            (Mode::Raw, false) => Live::Bytes,
            (_, true) => {
                let style = self.screen.style(stream);
                let id = one_line(server);
                Live::Gutter(Gutter::new(&id, self.id_width, stream, style))
            }
            (_, false) => Live::Lines(format!("{server}: "), Lines::default()),
        }
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
                let rest = live[stream as usize].finish(self.screen.width());
                let _ = self.screen.write(target(self.mode, stream), &rest);
            }
        }
        drop(all);
        if self.mode == Mode::JsonLines {
            let object = json::followed(outcome, self.screen.redactor());
            let _ = self.screen.result(json::line(&object).as_bytes());
            return;
        }
        let output = output_of(outcome);
        if self.mode == Mode::Fold && output.is_some_and(|o| o.truncated) {
            let message = "more was printed than is kept (--max-output); the end is missing";
            self.screen
                .note(Level::Warning, Some(&outcome.server), message);
        }
        // Output that was just seen speaks for itself.
        let is_seen = self.mode == Mode::Raw
            || (self.mode == Mode::Prefixed
                && outcome.status == Status::Ok
                && self.screen.is_terminal(Stream::Stdout)
                && self.screen.verbose() == 0);
        if !is_seen || outcome.error.is_some() {
            report::outcome(&self.screen, outcome, false);
        }
    }

    /// All have finished: prints the blocks, or marks those that differ.
    ///
    /// # Errors
    /// Those of [`Screen::result`].
    pub fn finish(&self, outcomes: &[Outcome<Output>]) -> Result<()> {
        let outputs = outcomes
            .iter()
            .filter_map(|o| Some((o.server.as_str(), output_of(o)?)));
        match self.mode {
            Mode::Fold => blocks::blocks(&self.screen, outputs, self.reference.as_deref()),
            _ if self.marks() && !self.screen.is_pipe_closed() => {
                // What was too long to keep cannot be compared.
                blocks::marks(&self.screen, outputs.filter(|(_, o)| !o.truncated));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Live {
    /// What can be printed once this piece is there.
    fn feed(&mut self, bytes: &[u8], columns: Option<u16>) -> Vec<u8> {
        match self {
            Live::Lines(prefix, lines) => lines.feed(prefix, bytes),
            Live::Objects(server, stream, lines) => {
                objects(server, *stream, &lines.feed("", bytes))
            }
            Live::Bytes => bytes.to_vec(),
            Live::Gutter(gutter) => gutter.feed(bytes, columns).into_bytes(),
            Live::Text(text) => text.feed(bytes).into_bytes(),
        }
    }

    /// What was held back; the stream has ended.
    fn finish(&mut self, columns: Option<u16>) -> Vec<u8> {
        match self {
            Live::Lines(prefix, lines) => lines.finish(prefix),
            Live::Objects(server, stream, lines) => objects(server, *stream, &lines.finish("")),
            Live::Bytes => Vec::new(),
            Live::Gutter(gutter) => gutter.finish(columns).into_bytes(),
            Live::Text(text) => text.finish().into_bytes(),
        }
    }
}

/// Where it is shown what came on a stream: objects are results, whichever it was.
fn target(mode: Mode, stream: Stream) -> Stream {
    match mode {
        Mode::JsonLines => Stream::Stdout,
        _ => stream,
    }
}

/// An object for each of whole lines.
fn objects(server: &str, stream: Stream, lines: &[u8]) -> Vec<u8> {
    let each = lines.split_inclusive(|byte| *byte == b'\n').map(|line| {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        json::line(&json::said(server, stream, line))
    });
    each.collect::<String>().into_bytes()
}

fn output_of(outcome: &Outcome<Output>) -> Option<&Output> {
    outcome
        .value
        .as_ref()
        .or_else(|| outcome.error.as_ref().and_then(Error::remote_output))
}
