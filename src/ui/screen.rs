//! [`Screen`]: the one way to standard output and standard error.
//!
//! Owns the lock under which everything is written, what is drawn below the text ([`Drawing`]), and
//! the terminal's echo. Whole pieces go out; they never mix.

use std::io::IsTerminal as _;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use rustix::termios::Termios;

use super::drawing::{Drawing, put};
use super::echo::Echo;
use super::{Style, problem};
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::events::Level;
use crate::output::Stream;
use crate::secret::Redactor;

/// How long the lock is waited for when the program is about to stop: whoever holds it may be
/// waiting for a reader.
const PATIENCE: Duration = Duration::from_millis(200);

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
    drawing: Mutex<Drawing>,
    echo: Mutex<Echo>,
    pipe_closed: AtomicBool,
    /// The first result that could not be written.
    unwritten: Mutex<Option<Error>>,
}

#[derive(Debug, Clone, Copy)]
struct Side {
    is_terminal: bool,
    style: Style,
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
            drawing: Mutex::default(),
            echo: Mutex::default(),
            pipe_closed: AtomicBool::new(false),
            unwritten: Mutex::default(),
        }
    }

    /// For what has to be said before the command line is understood.
    pub fn plain() -> Self {
        let redactor = Arc::new(Redactor::new());
        Screen::new(Look::default(), redactor, Cancel::new())
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
        Some(self.size()?.0).filter(|columns| *columns > 0)
    }

    /// Columns and rows of the terminal behind standard output; `None` when there is none.
    pub fn size(&self) -> Option<(u16, u16)> {
        if !self.out.is_terminal {
            return None;
        }
        let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
        Some((size.ws_col, size.ws_row))
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
        let begin = if self.drawing().is_mid_line() {
            "\n"
        } else {
            ""
        };
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
        let mut drawing = self.drawing();
        // What is drawn is on a terminal, and text elsewhere does not disturb it.
        let done = match self.side(stream).is_terminal && !bytes.is_empty() {
            true => drawing.write(stream, bytes),
            false => put(stream, bytes),
        };
        drop(drawing);
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

    /// Draws `bar` below everything else, or no bar.
    pub(super) fn set_bar(&self, bar: Option<ProgressBar>) {
        self.drawing().set_bar(bar);
    }

    /// A place for lines that are drawn again and again, on a terminal only: below the text, or
    /// with `whole` on a screen of their own, where text waits until that is left. At most one at
    /// a time.
    pub fn canvas(&self, whole: bool) -> Option<Canvas<'_>> {
        self.out.is_terminal.then(|| {
            self.drawing().begin_area(whole);
            Canvas(self)
        })
    }

    /// Keeps the terminal free for a question until [`Screen::asked`].
    pub(super) fn begin_asking(&self) {
        self.drawing().begin_asking();
    }

    /// The question is answered: shows what was held back.
    pub(super) fn asked(&self) {
        self.drawing().asked();
    }

    /// Remembers a terminal and its settings, which are about to be changed.
    pub(super) fn keep_terminal(&self, terminal: Option<(OwnedFd, Termios)>) {
        lock(&self.echo).keep(terminal);
    }

    /// Gives that terminal its settings back.
    pub(super) fn give_terminal_back(&self) {
        lock(&self.echo).restore();
    }

    /// The program is about to stop (SIGTSTP): leaves the terminal as a shell expects it. Call it
    /// before stopping, and [`Screen::resume`] when the program goes on; both from a thread that
    /// waits for signals, not from a handler.
    pub fn suspend(&self) {
        if let Some(mut echo) = lock_soon(&self.echo) {
            echo.suspend();
        }
        if let Some(mut drawing) = lock_soon(&self.drawing) {
            drawing.set_suspended(true);
        }
    }

    /// The program goes on (SIGCONT): draws again what [`Screen::suspend`] took away.
    pub fn resume(&self) {
        if let Some(mut echo) = lock_soon(&self.echo) {
            echo.resume();
        }
        if let Some(mut drawing) = lock_soon(&self.drawing) {
            drawing.set_suspended(false);
        }
    }

    /// Leaves the terminal as it was: nothing drawn, echo on. Never waits for a lock, because it is
    /// called when the program has to end now.
    pub fn restore(&self) {
        if let Ok(mut echo) = self.echo.try_lock() {
            echo.restore();
        }
        if let Ok(mut drawing) = self.drawing.try_lock() {
            drawing.set_bar(None);
            drawing.end_area();
        }
    }

    fn drawing(&self) -> MutexGuard<'_, Drawing> {
        lock(&self.drawing)
    }
}

/// A place for lines on the terminal; they are gone when it goes.
pub struct Canvas<'a>(&'a Screen);

impl Canvas<'_> {
    /// Draws these lines in place of the last ones; what the terminal has no room for is cut.
    pub fn draw(&self, text: &str) {
        self.0.drawing().draw(text);
    }
}

impl Drop for Canvas<'_> {
    fn drop(&mut self) {
        self.0.drawing().end_area();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}

/// The lock, when it can be had soon.
fn lock_soon<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    let begun = Instant::now();
    loop {
        match mutex.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(e)) => return Some(e.into_inner()),
            Err(TryLockError::WouldBlock) if begun.elapsed() > PATIENCE => return None,
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}
