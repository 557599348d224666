//! What a person typed: Lua, a command of the prompt, a command for servers, a question. Pure.

use crate::tokens::is_of_name;

/// One input, of one or more lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// An expression or statements.
    Lua(&'a str),
    /// `:word rest`
    Command(&'a str, &'a str),
    /// `!command`
    Shell(&'a str),
    /// `?name` and `name?`
    Question(&'a str),
}

impl<'a> Line<'a> {
    /// Understands a text. No Lua begins with these signs but a label, `::name::`.
    pub fn of(text: &'a str) -> Self {
        let line = text.trim();
        if let Some(rest) = line.strip_prefix(':').filter(|r| !r.starts_with(':')) {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            return Line::Command(&rest[..end], rest[end..].trim_start());
        }
        if let Some(command) = line.strip_prefix('!') {
            return Line::Shell(command.trim_start());
        }
        if let Some(name) = line.strip_prefix('?') {
            return Line::Question(name.trim_start());
        }
        match line.strip_suffix('?').map(str::trim_end) {
            Some(name) if is_path(name) => Line::Question(name),
            _ => Line::Lua(text),
        }
    }

    /// Does it go on in a further line? `is_open` says so of Lua.
    pub fn is_incomplete(self, is_open: impl Fn(&str) -> bool) -> bool {
        match self {
            Line::Lua(text) => is_open(text),
            Line::Command("time", rest) => Line::of(rest).is_incomplete(is_open),
            // As in a shell.
            Line::Shell(command) => {
                let backslashes = command.len() - command.trim_end_matches('\\').len();
                !backslashes.is_multiple_of(2)
            }
            Line::Command(..) | Line::Question(_) => false,
        }
    }
}

/// Names joined by dots and colons: `mr.text.trim`, `Server:run`.
fn is_path(text: &str) -> bool {
    text.starts_with(is_of_name)
        && text
            .chars()
            .all(|c| is_of_name(c) || matches!(c, '.' | ':'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_sign_tells_what_a_line_is() {
        for (text, line) in [
            ("print(1)", Line::Lua("print(1)")),
            ("", Line::Lua("")),
            ("::a:: goto a", Line::Lua("::a:: goto a")),
            ("x = a and b or c", Line::Lua("x = a and b or c")),
            ("x = 1 ?", Line::Lua("x = 1 ?")),
            ("  :use web* !web-09 ", Line::Command("use", "web* !web-09")),
            (":", Line::Command("", "")),
            (": use", Line::Command("", "use")),
            ("! uptime -p", Line::Shell("uptime -p")),
            ("!!", Line::Shell("!")),
            ("?", Line::Question("")),
            ("? mr.try", Line::Question("mr.try")),
            ("Server:run?", Line::Question("Server:run")),
            ("mr.try ?", Line::Question("mr.try")),
        ] {
            assert_eq!(Line::of(text), line, "{text}");
        }
    }

    #[test]
    fn what_goes_on() {
        let is_open = |text: &str| text.ends_with("do");
        for (text, goes_on) in [
            ("for _ = 1, 2 do", true),
            (":time for _ = 1, 2 do", true),
            (":time :ls", false),
            (":use do", false),
            ("!echo \\", true),
            ("!echo \\\\", false),
            ("?do", false),
        ] {
            assert_eq!(Line::of(text).is_incomplete(is_open), goes_on, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_line(text in "(?s)[ :!?a.\\\\é]{0,8}|.*") {
            let _ = Line::of(&text).is_incomplete(|_| false);
        }
    }
}
