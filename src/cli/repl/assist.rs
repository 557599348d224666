//! What the line editor asks while somebody types.

use std::rc::Rc;

use super::commands::COMMANDS;
use super::line::Line;
use crate::cli::App;
use crate::lua::Vm;
use crate::ui::{Assist, Fit, Fits, Paint, Style, painted};

/// Knows the lines of the prompt.
pub(super) struct Helper {
    vm: Rc<Vm>,
}

impl Helper {
    pub fn new(_: &App, vm: Rc<Vm>) -> Self {
        Helper { vm }
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
        let typed = &text[..cursor];
        let Line::Command(word, "") = Line::of(typed) else {
            return Fits::default();
        };
        let names = COMMANDS.iter().filter(|(name, ..)| name.starts_with(word));
        Fits {
            start: cursor - word.len(),
            list: names.map(|(name, ..)| Fit::plain(*name)).collect(),
        }
    }

    fn hint(&self, text: &str) -> Option<String> {
        let Line::Command(word, "") = Line::of(text) else {
            return None;
        };
        let (_, args, about) = COMMANDS.iter().find(|(name, ..)| *name == word)?;
        Some(format!(" {args}  {about}"))
    }

    fn painted(&self, text: &str, style: Style) -> String {
        if let Line::Lua(text) = Line::of(text) {
            return painted(text, style);
        }
        // The word of a command, or the sign, and what it is for.
        let begin = text.len() - text.trim_start().len();
        let end = match &text[begin..] {
            line if line.starts_with(':') => line.find(char::is_whitespace).unwrap_or(line.len()),
            line if line.starts_with(['!', '?']) => 1,
            _ => 0,
        };
        let (word, rest) = text[begin..].split_at(end);
        let rest = match word == ":time" {
            true => self.painted(rest, style),
            false => rest.to_owned(),
        };
        format!(
            "{}{}{rest}",
            &text[..begin],
            style.paint(Paint::Keyword, word)
        )
    }
}
