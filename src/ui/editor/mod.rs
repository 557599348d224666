//! [`Editor`]: the line editor of the REPL. The only user of `rustyline`.
//!
//! Owns the history of what was typed; what fits and what a line looks like it asks of an
//! [`Assist`], which knows the language. While a line is being typed the [`Screen`] holds back what
//! else wants to be shown, so that nothing tears the line.

mod assist;
mod history;
mod keys;
mod modes;

use std::path::PathBuf;
use std::sync::Arc;

use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Behavior, ColorMode, CompletionType, Config, Editor as Rustyline};

use super::Screen;
use crate::error::{Error, Result};
use crate::events::Level;
use crate::output::Stream;
use assist::Helper;
pub use assist::{Assist, Fit, Fits};
use history::{History, may_keep};
use keys::Keys;
use modes::Modes;

/// Entries that the history keeps.
const ENTRIES: usize = 5_000;
/// So many fits are listed without asking.
const LISTED: usize = 200;

/// What a person did at the prompt.
#[derive(Debug, PartialEq, Eq)]
pub enum Typed {
    /// A text, of several lines when the first was incomplete.
    Text(String),
    /// Ctrl-C: the line is dropped. True when nothing was on it.
    Nothing(bool),
    /// Ctrl-D on an empty line, or the terminal is gone.
    End,
}

/// A line editor on the terminal: completion, hints, colours, history, continued lines.
pub struct Editor {
    inner: Rustyline<Helper, FileHistory>,
    screen: Arc<Screen>,
    keys: Keys,
    modes: Option<Modes>,
    /// `None` once it turned out that it cannot be used.
    history: Option<History>,
}

impl Editor {
    /// An editor that asks `assist` what it does not know itself.
    ///
    /// # Errors
    /// When the terminal cannot be used.
    pub fn new(screen: Arc<Screen>, assist: impl Assist + 'static) -> Result<Self> {
        let style = screen.style(Stream::Stdout);
        let mut config = Config::builder()
            .auto_add_history(false)
            .completion_type(CompletionType::List)
            .completion_show_all_if_ambiguous(true)
            .completion_prompt_limit(LISTED)
            .color_mode(match style.is_on() {
                true => ColorMode::Forced,
                false => ColorMode::Disabled,
            });
        if !screen.is_terminal(Stream::Stdout) {
            // Results go elsewhere: the prompt is not one of them.
            config = config.behavior(Behavior::PreferTerm);
        }
        let config = config.max_history_size(ENTRIES).map_err(unusable)?.build();
        let mut inner = Rustyline::with_config(config).map_err(unusable)?;
        inner.set_helper(Some(Helper::new(Box::new(assist), style)));
        let keys = Keys::bind(&mut inner);
        Ok(Editor {
            inner,
            screen,
            keys,
            modes: Modes::set(),
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
        self.keys.begin();
        if let Some(helper) = self.inner.helper() {
            helper.begin(prompt);
        }
        self.screen
            .keep_terminal(self.modes.as_ref().and_then(Modes::before));
        self.screen.begin_asking();
        let read = self.inner.readline(prompt);
        self.screen.asked();
        self.screen.keep_terminal(None);
        match read {
            Ok(text) => Ok(Typed::Text(text)),
            Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => {
                Ok(Typed::Nothing(self.keys.interrupted_nothing()))
            }
            Err(ReadlineError::Eof) => Ok(Typed::End),
            Err(ReadlineError::Io(e)) if e.kind() == std::io::ErrorKind::InvalidData => {
                let message = "what was typed is not UTF-8; the line is dropped";
                self.screen.note(Level::Warning, None, message);
                Ok(Typed::Nothing(false))
            }
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

fn unusable(error: ReadlineError) -> Error {
    Error::local(format!("cannot read from the terminal: {error}")).source(error)
}

fn unkept(verb: &str, history: &History, error: ReadlineError) -> Error {
    let path = history.path().display();
    let message = format!("cannot {verb} the history `{path}`, this session goes on without it");
    Error::local(format!("{message}: {error}")).source(error)
}
