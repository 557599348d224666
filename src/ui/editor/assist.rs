//! [`Assist`]: what the editor asks while a text is being typed, and how `rustyline` asks it.

use std::borrow::Cow;
use std::cell::Cell;

use rustyline::Context;
use rustyline::completion::{Candidate, Completer};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter, HistoryHinter};
use rustyline::validate::{ValidationContext, ValidationResult, Validator};

use crate::ui::{Paint, Style, sanitize, tty, width};

/// More than so many fits help nobody; `rustyline` can list 65,535.
const MOST: usize = 20_000;
/// A hint of fewer columns says nothing.
const HINT: usize = 8;
/// From so many characters on, a text brings back what was typed before.
const RECALLED: usize = 3;

/// Knows the language that is typed. `cursor` is a byte of `text`, at a character's begin.
pub trait Assist {
    /// Does the text need further lines?
    fn is_incomplete(&self, text: &str) -> bool;

    /// What could stand at the cursor.
    fn fits(&self, text: &str, cursor: usize) -> Fits;

    /// What may come next, for people; nothing of it is typed.
    fn hint(&self, text: &str) -> Option<String>;

    /// The text in colours, character by character the same.
    fn painted(&self, text: &str, style: Style) -> String;
}

/// What could replace the text from `start` up to the cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fits {
    /// A byte at or before the cursor.
    pub start: usize,
    /// In the order in which they are listed.
    pub list: Vec<Fit>,
}

impl Fits {
    /// The same for a text in which so many bytes stand before this one.
    #[must_use]
    pub fn behind(mut self, bytes: usize) -> Self {
        self.start += bytes;
        self
    }
}

/// One of several that fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fit {
    /// What is put in.
    pub text: String,
    /// What is shown in the list.
    pub shown: String,
}

impl Fit {
    /// Shown as it is put in.
    pub fn plain(text: impl Into<String>) -> Self {
        let text = text.into();
        Fit {
            shown: sanitize::one_line(&text),
            text,
        }
    }
}

impl Candidate for Fit {
    fn display(&self) -> &str {
        &self.shown
    }

    fn replacement(&self) -> &str {
        &self.text
    }
}

/// What `rustyline` asks.
#[derive(rustyline::Helper)]
pub(super) struct Helper {
    assist: Box<dyn Assist>,
    style: Style,
    recall: HistoryHinter,
    /// Columns of the prompt.
    prompt: Cell<usize>,
}

impl Helper {
    pub(super) fn new(assist: Box<dyn Assist>, style: Style) -> Self {
        Helper {
            assist,
            style,
            recall: HistoryHinter::new(),
            prompt: Cell::default(),
        }
    }

    /// A line begins behind that prompt.
    pub(super) fn begin(&self, prompt: &str) {
        self.prompt.set(width::columns(prompt));
    }

    /// As much of a hint as fits behind a text: wrapped, it would be in the way.
    fn ahead(&self, line: &str, shown: &str, text: Option<String>) -> Option<Ahead> {
        let columns = usize::from(tty::size()?.0);
        let used = match line.rsplit_once('\n') {
            Some((_, last)) => width::columns(last),
            None => self.prompt.get() + width::columns(line),
        };
        let room = columns.checked_sub(used % columns.max(1) + 1)?;
        let shown = sanitize::one_line(shown);
        let fits = width::columns(&shown) <= room;
        (fits || room >= HINT).then(|| Ahead {
            shown: width::cut(&shown, room),
            text,
        })
    }
}

impl Completer for Helper {
    type Candidate = Fit;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Fit>)> {
        let mut fits = self.assist.fits(line, pos);
        // Text that a terminal would obey must not get into the line.
        fits.list
            .retain(|fit| sanitize::one_line(&fit.text) == fit.text);
        shorten(&mut fits.list);
        Ok((fits.start.min(pos), fits.list))
    }
}

/// Keeps so many that they begin alike exactly as far as all do: the first and the last of the
/// alphabet tell.
fn shorten(list: &mut Vec<Fit>) {
    if list.len() <= MOST {
        return;
    }
    let by_text = |a: &&Fit, b: &&Fit| a.text.cmp(&b.text);
    let ends = [list.iter().min_by(by_text), list.iter().max_by(by_text)];
    let ends: Vec<Fit> = ends.into_iter().flatten().cloned().collect();
    list.truncate(MOST);
    list.extend(ends);
}

/// Text behind the cursor that is not there.
pub(super) struct Ahead {
    shown: String,
    /// What the arrow to the right puts in.
    text: Option<String>,
}

impl Hint for Ahead {
    fn display(&self) -> &str {
        &self.shown
    }

    fn completion(&self) -> Option<&str> {
        self.text.as_deref()
    }
}

impl Hinter for Helper {
    type Hint = Ahead;

    fn hint(&self, line: &str, pos: usize, context: &Context<'_>) -> Option<Ahead> {
        // Without colours nobody could tell it from what was typed.
        if !self.style.is_on() || pos < line.len() || line.trim().is_empty() {
            return None;
        }
        if let Some(text) = self.assist.hint(line) {
            return self.ahead(line, &text, None);
        }
        let recalled = self.recall.hint(line, pos, context);
        let text = recalled.filter(|t| line.chars().count() >= RECALLED && !t.contains('\n'))?;
        self.ahead(line, &text.clone(), Some(text))
    }
}

impl Highlighter for Helper {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        Cow::Owned(self.assist.painted(line, self.style))
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(
        &'s self,
        prompt: &'p str,
        is_default: bool,
    ) -> Cow<'b, str> {
        match is_default {
            true => Cow::Owned(self.style.paint(Paint::Strong, prompt)),
            false => Cow::Borrowed(prompt),
        }
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(self.style.paint(Paint::Faint, hint))
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        kind != CmdKind::MoveCursor
    }
}

impl Validator for Helper {
    fn validate(&self, context: &mut ValidationContext) -> rustyline::Result<ValidationResult> {
        Ok(match self.assist.is_incomplete(context.input()) {
            true => ValidationResult::Incomplete,
            false => ValidationResult::Valid(None),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn very_many_are_cut_and_share_what_all_share() {
        let ids = (0..30_000).map(|n| format!("web-{:05}", 9_000 + n));
        let mut list: Vec<Fit> = ids.map(Fit::plain).collect();
        shorten(&mut list);
        assert!(list.len() <= MOST + 2);
        let shared = rustyline::completion::longest_common_prefix(&list);
        assert_eq!(shared, Some("web-"));
    }
}
