//! [`Editor`]: the line editor of the REPL. The only user of `rustyline`.
//!
//! Owns the history of what was typed. While a line is being typed the [`Screen`] holds back what
//! else wants to be shown, so that nothing tears the line.

use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::sync::Arc;

use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{
    Behavior, Cmd, Completer, Config, Editor as Rustyline, EventHandler, Helper, Highlighter,
    Hinter, KeyCode, KeyEvent, Modifiers,
};

use super::Screen;
use super::history::{History, may_keep};
use crate::error::{Error, Result};
use crate::output::Stream;

/// Entries that the history keeps.
const ENTRIES: usize = 5_000;
/// What the tab key puts in.
const TAB: &str = "  ";

/// What a person did at the prompt.
#[derive(Debug, PartialEq, Eq)]
pub enum Typed {
    /// A text, of several lines when the first was incomplete.
    Text(String),
    /// Ctrl-C: the line is dropped.
    Nothing,
    /// Ctrl-D on an empty line, or the terminal is gone.
    End,
}

/// A line editor on the terminal, with history and continued lines.
pub struct Editor {
    inner: Rustyline<Input, FileHistory>,
    screen: Arc<Screen>,
    /// `None` once it turned out that it cannot be used.
    history: Option<History>,
}

impl Editor {
    /// An editor that lets a text go on in a further line as long as `is_incomplete` says so.
    ///
    /// # Errors
    /// When the terminal cannot be used.
    pub fn new(
        screen: Arc<Screen>,
        is_incomplete: impl Fn(&str) -> bool + 'static,
    ) -> Result<Self> {
        let mut config = Config::builder().auto_add_history(false);
        if !screen.is_terminal(Stream::Stdout) {
            // Results go elsewhere: the prompt is not one of them.
            config = config.behavior(Behavior::PreferTerm);
        }
        let config = config.max_history_size(ENTRIES).map_err(unusable)?.build();
        let mut inner = Rustyline::with_config(config).map_err(unusable)?;
        inner.set_helper(Some(Input {
            is_incomplete: Box::new(is_incomplete),
        }));
        let tab = KeyEvent(KeyCode::Tab, Modifiers::NONE);
        inner.bind_sequence(tab, EventHandler::Simple(Cmd::Insert(1, TAB.to_owned())));
        Ok(Editor {
            inner,
            screen,
            history: None,
        })
    }

    /// Reads the history from `path` and keeps it there from now on. The file is made when there
    /// is something to keep, readable by its owner alone.
    ///
    /// # Errors
    /// When it cannot be read; the editor goes on without.
    pub fn use_history(&mut self, path: PathBuf) -> Result<()> {
        let history = History::new(path)?;
        match self.inner.load_history(history.path()) {
            Err(ReadlineError::Io(e)) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(unkept("read", &history, e)),
            Ok(()) => {}
        }
        self.history = Some(history);
        Ok(())
    }

    /// Waits for a text.
    ///
    /// # Errors
    /// When the terminal fails.
    pub fn read(&mut self, prompt: &str) -> Result<Typed> {
        self.screen.keep_terminal(terminal());
        self.screen.begin_asking();
        let read = self.inner.readline(prompt);
        self.screen.asked();
        self.screen.keep_terminal(None);
        match read {
            Ok(text) => Ok(Typed::Text(text)),
            Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => Ok(Typed::Nothing),
            Err(ReadlineError::Eof) => Ok(Typed::End),
            Err(e) => Err(unusable(e)),
        }
    }

    /// Puts a text into the history, unless it holds a secret. To be called when the text has
    /// been run: what it makes a secret is known by then.
    ///
    /// # Errors
    /// When the file cannot be written; the editor goes on without it.
    pub fn remember(&mut self, text: &str) -> Result<()> {
        if text.trim().is_empty() || !may_keep(text, self.screen.redactor()) {
            return Ok(());
        }
        let added = self.inner.add_history_entry(text).map_err(unusable)?;
        let Some(history) = self.history.take_if(|_| added) else {
            return Ok(());
        };
        let done = self.inner.append_history(history.path());
        done.map_err(|e| unkept("write", &history, e))?;
        self.history = Some(history);
        Ok(())
    }
}

/// The terminal as it is now, to be put back should the program have to end while typing.
fn terminal() -> Option<(std::os::fd::OwnedFd, rustix::termios::Termios)> {
    let input = std::io::stdin();
    let settings = rustix::termios::tcgetattr(&input).ok()?;
    Some((input.as_fd().try_clone_to_owned().ok()?, settings))
}

fn unusable(error: ReadlineError) -> Error {
    Error::local(format!("cannot read from the terminal: {error}")).source(error)
}

fn unkept(verb: &str, history: &History, error: ReadlineError) -> Error {
    let path = history.path().display();
    let message = format!("cannot {verb} the history `{path}`, this session goes on without it");
    Error::local(format!("{message}: {error}")).source(error)
}

/// What rustyline asks while a text is being typed.
#[derive(Completer, Helper, Highlighter, Hinter)]
struct Input {
    is_incomplete: Box<dyn Fn(&str) -> bool>,
}

impl Validator for Input {
    fn validate(&self, context: &mut ValidationContext) -> rustyline::Result<ValidationResult> {
        Ok(if (self.is_incomplete)(context.input()) {
            ValidationResult::Incomplete
        } else {
            ValidationResult::Valid(None)
        })
    }
}
