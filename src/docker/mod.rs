//! Docker on a server: commands are built here without any shell, run over a
//! [`crate::ssh::Transport`], and their answers are parsed into plain records.
//!
//! What is built is pure: [`given`] turns what a call was given into flags, [`container`],
//! [`copies`], [`image`], [`compose`] and [`resource`] into whole calls. [`engine`] runs them and finds out how
//! the login gets at the daemon; [`parse`] reads what comes back; [`fault`] tells from docker's own
//! words what went wrong. [`work`] joins them where one verb needs more than one answer;
//! [`tar`] packs and unpacks archives, which lie in a [`spool`] on their way. Nothing is
//! kept but the way that was found. Must not import `fleet`, `lua`, `ui` or `cli`.

pub mod compose;
pub mod container;
pub mod copies;
pub mod engine;
pub mod fault;
pub mod given;
pub mod image;
pub mod parse;
pub mod resource;
pub mod spool;
pub mod tar;
pub mod work;

use std::time::Duration;

use crate::error::Result;
use crate::quote;
use crate::ssh::{Effect, Input, Sink};

/// Bytes kept of each stream of what is given away as it comes.
const KEPT: usize = 64 << 10;

/// One thing to ask of docker.
#[derive(Clone)]
pub struct Call {
    /// The words after `docker`, or what `sh` does with several.
    pub text: Text,
    /// May it change the server?
    pub effect: Effect,
    /// What it reads.
    pub stdin: Input,
    /// How long it may take; the run's own limit when not set.
    pub timeout: Option<Duration>,
    /// Live output.
    pub sink: Option<Sink>,
    /// Bytes of each stream that are kept; the usual number when not set.
    pub max_output: Option<usize>,
}

/// What a [`Call`] runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// The words after `docker`; each is quoted.
    Words(Vec<String>),
    /// Text for `sh`, in which `d` is docker; and what it is called in messages.
    Script(String, String),
}

impl Call {
    /// A call that may change the server.
    pub fn write<S: Into<String>>(words: impl IntoIterator<Item = S>) -> Self {
        Call::of(
            Text::Words(words.into_iter().map(Into::into).collect()),
            Effect::Write,
        )
    }

    /// A call that only reads.
    pub fn read<S: Into<String>>(words: impl IntoIterator<Item = S>) -> Self {
        Call::of(
            Text::Words(words.into_iter().map(Into::into).collect()),
            Effect::Read,
        )
    }

    /// Several calls in one round trip. `shown` is what it is called in messages.
    pub fn script(effect: Effect, shown: impl Into<String>, text: impl Into<String>) -> Self {
        Call::of(Text::Script(text.into(), shown.into()), effect)
    }

    fn of(text: Text, effect: Effect) -> Self {
        Call {
            text,
            effect,
            stdin: Input::default(),
            timeout: None,
            sink: None,
            max_output: None,
        }
    }

    /// The same with something to read.
    #[must_use]
    pub fn stdin(mut self, input: impl Into<Input>) -> Self {
        self.stdin = input.into();
        self
    }

    /// The same with its output given away as it comes: what is kept is enough to say why it failed.
    #[must_use]
    pub fn live(mut self, sink: Sink) -> Self {
        self.sink = Some(sink);
        self.max_output = Some(KEPT);
        self
    }

    /// The command as messages name it.
    pub fn shown(&self) -> String {
        match &self.text {
            // A NUL byte is refused when it is run.
            Text::Words(words) => quote::words(words)
                .map_or_else(|_| "docker".to_owned(), |words| format!("docker {words}")),
            Text::Script(_, shown) => shown.clone(),
        }
    }
}

/// A name of a container, image, network or volume as an argument: nothing that docker would take
/// for a flag.
///
/// # Errors
/// [`crate::error::Kind::Usage`].
pub fn name<'a>(call: &str, what: &str, name: &'a str) -> Result<&'a str> {
    let is_good =
        !name.is_empty() && !name.starts_with('-') && !name.contains(|c: char| c.is_control());
    match is_good {
        true => Ok(name),
        false => Err(crate::error::Error::usage(format!(
            "`{call}`: `{}` is no name of {what}",
            name.escape_debug()
        ))),
    }
}

/// [`name`] for each of a list, which must not be empty.
///
/// # Errors
/// As [`name`].
pub fn names(call: &str, what: &str, list: &[String]) -> Result<Vec<String>> {
    if list.is_empty() {
        return Err(crate::error::Error::usage(format!(
            "`{call}`: the name of {what} is missing"
        )));
    }
    list.iter()
        .map(|one| name(call, what, one).map(str::to_owned))
        .collect()
}
