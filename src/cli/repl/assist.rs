//! What the line editor asks while somebody types.

use std::rc::Rc;

use super::commands::COMMANDS;
use super::fits::Sources;
use super::line::Line;
use super::session::Session;
use crate::fleet::Room;
use crate::lua::{Reference, Vm};
use crate::ui::{Assist, Fits, Paint, Style, painted};

/// Knows the lines of the prompt.
pub(super) struct Helper {
    vm: Rc<Vm>,
    reference: Rc<Reference>,
    room: Rc<Room>,
}

impl Helper {
    pub fn new(session: &Session<'_>) -> Self {
        Helper {
            vm: session.vm.clone(),
            reference: session.reference.clone(),
            room: session.app.room.clone(),
        }
    }
}

/// Does the text go on in a further line?
pub(super) fn is_incomplete(vm: &Vm, text: &str) -> bool {
    Line::of(text).is_incomplete(|text| vm.is_incomplete(text))
}

impl Assist for Helper {
    fn is_incomplete(&self, text: &str) -> bool {
        is_incomplete(&self.vm, text)
    }

    fn fits(&self, text: &str, cursor: usize) -> Fits {
        let sources = Sources {
            vm: &self.vm,
            reference: &self.reference,
            config: &self.room.config,
        };
        let (typed, next) = text.split_at(cursor);
        sources.fits(typed, next)
    }

    fn hint(&self, text: &str) -> Option<String> {
        match Line::of(text) {
            Line::Command("time", rest) if !rest.is_empty() => self.hint(rest),
            Line::Command(word, "") => {
                let (_, args, about) = COMMANDS.iter().find(|(name, ..)| *name == word)?;
                let blank = if text.ends_with(word) { " " } else { "" };
                Some(format!("{blank}{args}  {about}"))
            }
            Line::Question(name) => {
                let found = self.reference.find(name);
                let item = found.into_iter().find(|item| item.name == name)?;
                Some(format!("  {}", item.summary()))
            }
            Line::Command(..) | Line::Shell(_) => None,
            Line::Lua(text) => self.vm.signature(&self.reference, text),
        }
    }

    fn painted(&self, text: &str, style: Style) -> String {
        if let Line::Lua(text) = Line::of(text) {
            return painted(text, style);
        }
        // The word of a command, or the sign, and what it is for.
        let begin = text.len() - text.trim_start().len();
        let (blank, line) = text.split_at(begin);
        let end = match line.chars().next() {
            Some(':') => line.find(char::is_whitespace).unwrap_or(line.len()),
            Some('!' | '?') => 1,
            _ => 0,
        };
        let (word, rest) = line.split_at(end);
        let rest = match word == ":time" {
            true => self.painted(rest, style),
            false => rest.to_owned(),
        };
        format!("{blank}{}{rest}", style.paint(Paint::Keyword, word))
    }
}
