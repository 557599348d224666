//! [`Screen`]: the one way to standard output and standard error.
//!
//! Owns the lock under which everything is written, the progress bar that is drawn below, and what
//! is held back while a person is being asked. Whole pieces go out; they never mix.

use std::io::{IsTerminal as _, Write};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use indicatif::{ProgressBar, ProgressDrawTarget};
use rustix::termios::{OptionalActions, Termios, tcsetattr};

use super::{Style, problem};
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::events::Level;
use crate::output::Stream;
use crate::secret::Redactor;

/// How the person wants it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look {
    /// `--color`; `None` decides by the terminal and `NO_COLOR`.
    pub color: Option<bool>,
    /// `--quiet`.
    pub quiet: bool,
    /// How many `-v`.
    pub verbose: u8,
}

/// Standard output and standard error of this process.
pub struct Screen {
    look: Look,
    redactor: Arc<Redactor>,
    cancel: Cancel,
    out: Side,
    err: Side,
    state: Mutex<State>,
    /// The terminal and its settings from before a question without echo.
    echo: Mutex<Option<(OwnedFd, Termios)>>,
    pipe_closed: AtomicBool,
    /// The first result that could not be written.
    unwritten: Mutex<Option<Error>>,
}

#[derive(Debug, Clone, Copy)]
struct Side {
    is_terminal: bool,
    style: Style,
}

#[derive(Default)]
struct State {
    bar: Option<ProgressBar>,
    asking: bool,
    /// The cursor stands behind something that was printed: a bar drawn there would wipe it out.
    mid_line: bool,
    /// What came for the terminal while a person was being asked.
    held: Vec<(Stream, Vec<u8>)>,
}

impl State {
    /// Draws the bar where it is in nobody's way, else hides it.
    fn place_bar(&mut self) {
        let Some(bar) = &self.bar else { return };
        let hide = self.asking || self.mid_line;
        if hide && !bar.is_hidden() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
            // indicatif leaves what it has drawn: back to the line's begin, and erase it (ECMA-48).
            let _ = put(Stream::Stderr, b"\r\x1b[2K");
        } else if !hide && bar.is_hidden() {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// Writes to a terminal, around the bar.
    fn write_around_bar(&mut self, stream: Stream, bytes: &[u8]) -> std::io::Result<()> {
        let was_mid_line = self.mid_line;
        self.mid_line = !bytes.ends_with(b"\n");
        match &self.bar {
            Some(bar) if !was_mid_line && !self.mid_line => bar.suspend(|| put(stream, bytes)),
            _ if self.mid_line => {
                self.place_bar();
                put(stream, bytes)
            }
            _ => {
                let done = put(stream, bytes);
                self.place_bar();
                done
            }
        }
    }
}

impl Screen {
    /// Looks at what the process has. A reader of standard output that goes away sets `cancel`.
    pub fn new(look: Look, redactor: Arc<Redactor>, cancel: Cancel) -> Self {
        let side = |is_terminal| Side {
            is_terminal,
            style: Style::new(look.color, is_terminal),
        };
        Screen {
            look,
            redactor,
            cancel,
            out: side(std::io::stdout().is_terminal()),
            err: side(std::io::stderr().is_terminal()),
            state: Mutex::default(),
            echo: Mutex::default(),
            pipe_closed: AtomicBool::new(false),
            unwritten: Mutex::default(),
        }
    }

    fn side(&self, stream: Stream) -> Side {
        match stream {
            Stream::Stdout => self.out,
            Stream::Stderr => self.err,
        }
    }

    /// Whether a person looks at that stream directly.
    pub fn is_terminal(&self, stream: Stream) -> bool {
        self.side(stream).is_terminal
    }

    /// The colours of that stream.
    pub fn style(&self, stream: Stream) -> Style {
        self.side(stream).style
    }

    /// `--quiet`.
    pub fn is_quiet(&self) -> bool {
        self.look.quiet
    }

    /// How many `-v`.
    pub fn verbose(&self) -> u8 {
        self.look.verbose
    }

    /// Whether notes of that level are shown.
    pub fn shows(&self, level: Level) -> bool {
        match level {
            Level::Warning => true,
            Level::Notice => !self.look.quiet,
            Level::Info => !self.look.quiet && self.look.verbose >= 1,
            Level::Debug => !self.look.quiet && self.look.verbose >= 2,
        }
    }

    /// Knows the secrets of this process.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Columns of the terminal behind standard output; `None` when there is none.
    pub fn width(&self) -> Option<u16> {
        if !self.out.is_terminal {
            return None;
        }
        let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
        Some(size.ws_col).filter(|w| *w > 0)
    }

    /// Writes a result, byte by byte as it is.
    ///
    /// # Errors
    /// [`Kind::Cancelled`] when nobody reads any more, [`Kind::Local`] when it cannot be written.
    pub fn result(&self, bytes: &[u8]) -> Result<()> {
        self.write(Stream::Stdout, bytes)
    }

    /// Writes a line of talk to standard error. What cannot be told is not worth an error.
    pub fn talk(&self, line: &str) {
        let begin = if self.state().mid_line { "\n" } else { "" };
        let _ = self.write(Stream::Stderr, format!("{begin}{line}\n").as_bytes());
    }

    /// Writes a note of the program itself when its level is shown.
    pub fn note(&self, level: Level, server: Option<&str>, message: &str) {
        if self.shows(level) {
            self.talk(&problem::note(
                level,
                server,
                message,
                self.err.style,
                &self.redactor,
            ));
        }
    }

    /// Prints an error that ends the program; gives the exit code.
    pub fn fail(&self, error: &Error) -> u8 {
        if !self.is_pipe_closed() {
            self.problem(error);
        }
        error.kind().exit_code()
    }

    /// Prints an error with all that is known of it; the program goes on.
    pub fn problem(&self, error: &Error) {
        self.talk(&problem::whole(error, self));
    }

    /// Writes bytes to one of the two.
    ///
    /// # Errors
    /// As [`Screen::result`].
    pub fn write(&self, stream: Stream, bytes: &[u8]) -> Result<()> {
        let mut state = self.state();
        if state.asking && self.side(stream).is_terminal {
            state.held.push((stream, bytes.to_vec()));
            return Ok(());
        }
        // A bar is only drawn on a terminal, which text elsewhere does not disturb.
        let done = match self.side(stream).is_terminal && !bytes.is_empty() {
            true => state.write_around_bar(stream, bytes),
            false => put(stream, bytes),
        };
        drop(state);
        done.map_err(|e| self.broken(stream, e))
    }

    fn broken(&self, stream: Stream, error: std::io::Error) -> Error {
        if stream == Stream::Stdout && error.kind() == std::io::ErrorKind::BrokenPipe {
            self.pipe_closed.store(true, Ordering::SeqCst);
            self.cancel.cancel();
            return Error::new(Kind::Cancelled, "nobody reads standard output any more");
        }
        let message = format!("cannot write to standard output: {error}");
        let error = Error::local(message).source(error);
        if stream == Stream::Stdout {
            let mut first = self.unwritten.lock().unwrap_or_else(|e| e.into_inner());
            first.get_or_insert_with(|| error.clone());
        }
        error
    }

    /// The error of the first result that could not be written, once: what is printed while
    /// servers work has nobody to return it to.
    pub fn take_unwritten(&self) -> Option<Error> {
        let mut first = self.unwritten.lock().unwrap_or_else(|e| e.into_inner());
        first.take()
    }

    /// True once the reader of standard output went away.
    pub fn is_pipe_closed(&self) -> bool {
        self.pipe_closed.load(Ordering::SeqCst)
    }

    /// Draws `bar` below everything else, or nothing more.
    pub(super) fn set_bar(&self, bar: Option<ProgressBar>) {
        let mut state = self.state();
        let old = std::mem::replace(&mut state.bar, bar);
        if let Some(old) = old {
            old.finish_and_clear();
        }
        state.place_bar();
    }

    /// Keeps the terminal free for a question until [`Screen::asked`].
    pub(super) fn begin_asking(&self) {
        let mut state = self.state();
        state.asking = true;
        state.place_bar();
    }

    /// The question is answered: shows what was held back.
    pub(super) fn asked(&self) {
        let mut state = self.state();
        state.asking = false;
        for (stream, bytes) in std::mem::take(&mut state.held) {
            state.mid_line = !bytes.ends_with(b"\n");
            let _ = put(stream, &bytes);
        }
        state.place_bar();
    }

    /// Remembers the settings of a terminal whose echo is about to be turned off.
    pub(super) fn keep_echo(&self, terminal: Option<(OwnedFd, Termios)>) {
        *self.echo.lock().unwrap_or_else(|e| e.into_inner()) = terminal;
    }

    /// Leaves the terminal as it was: no bar, echo on. Never waits for a lock, because it is
    /// called when the program has to end now.
    pub fn restore(&self) {
        if let Ok(mut echo) = self.echo.try_lock()
            && let Some((terminal, settings)) = echo.take()
        {
            let _ = tcsetattr(terminal, OptionalActions::Now, &settings);
        }
        if let Ok(mut state) = self.state.try_lock()
            && let Some(bar) = state.bar.take()
        {
            bar.finish_and_clear();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }
}

fn put(stream: Stream, bytes: &[u8]) -> std::io::Result<()> {
    match stream {
        Stream::Stdout => {
            let mut out = std::io::stdout().lock();
            out.write_all(bytes)?;
            out.flush()
        }
        Stream::Stderr => std::io::stderr().lock().write_all(bytes),
    }
}
