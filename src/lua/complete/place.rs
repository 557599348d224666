//! Where the cursor stands in a text that is being typed. Pure.

use super::chain::{Chain, ending, is_callee};
use crate::tokens::{Kind, Token, tokens};

/// What is being typed at the cursor.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// Nothing that could be completed: a comment, a number, a new name.
    Nothing,
    /// A name on its own.
    Name(&'a str),
    /// A key of the table that a call takes, or a name in it.
    Key {
        word: &'a str,
        slot: Slot<'a>,
        /// The keys that the table has already.
        given: Vec<&'a str>,
    },
    /// What comes behind a dot, or a colon.
    Member {
        of: Chain<'a>,
        is_method: bool,
        word: &'a str,
    },
    /// A text; `typed` is what there is of it.
    Text {
        typed: &'a str,
        /// The quote with which it ends; none for long brackets.
        quote: Option<char>,
        slot: Option<Slot<'a>>,
    },
}

/// A place among the arguments of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot<'a> {
    pub callee: Chain<'a>,
    /// Which argument, from 0.
    pub index: usize,
    /// Inside of a table that is this argument.
    pub in_table: bool,
    /// The key in that table.
    pub key: Option<&'a str>,
}

/// The tokens before the cursor that mean something to Lua, without what is being typed.
pub(super) type Code<'a> = Vec<Token<'a>>;

/// Where the end of `text` stands, and the code before it.
pub(super) fn place(text: &str) -> (Place<'_>, Code<'_>) {
    let all = tokens(text);
    let mut code: Code<'_> = all.iter().copied().filter(Token::is_code).collect();
    let Some(last) = all.last() else {
        return (Place::Name(""), code);
    };
    let word = match last.kind {
        Kind::Comment { open: true } | Kind::Number => return (Place::Nothing, code),
        Kind::Quoted { open: true } => {
            code.pop();
            return (in_text(last, &code), code);
        }
        Kind::Name | Kind::Keyword => {
            code.pop();
            last.text
        }
        _ => "",
    };
    (at_word(word, &code), code)
}

fn in_text<'a>(token: &Token<'a>, code: &[Token<'a>]) -> Place<'a> {
    let slot = match is_callee(code) {
        true => ending(code).map(|callee| Slot {
            callee,
            index: 0,
            in_table: false,
            key: None,
        }),
        false => slot(code).map(|slot| Slot {
            key: key(code).filter(|_| slot.in_table),
            ..slot
        }),
    };
    Place::Text {
        typed: token.inside(),
        quote: token.text.chars().next().filter(|c| *c != '['),
        slot,
    }
}

/// `key` of `key =` at the end.
fn key<'a>(code: &[Token<'a>]) -> Option<&'a str> {
    match code {
        [.., key, sign] if sign.text == "=" && key.kind == Kind::Name => Some(key.text),
        _ => None,
    }
}

fn at_word<'a>(word: &'a str, code: &[Token<'a>]) -> Place<'a> {
    let Some((last, before)) = code.split_last() else {
        return Place::Name(word);
    };
    match last.text {
        "." | ":" => ending(before).map_or(Place::Nothing, |of| Place::Member {
            of,
            is_method: last.text == ":",
            word,
        }),
        "::" | "goto" | "function" | "local" | "for" => Place::Nothing,
        "{" | "," | ";" => match slot(code).filter(|slot| slot.in_table) {
            Some(slot) => Place::Key {
                word,
                slot,
                given: given(code),
            },
            None => Place::Name(word),
        },
        _ => Place::Name(word),
    }
}

/// The call in whose arguments the code ends.
pub(super) fn slot<'a>(code: &[Token<'a>]) -> Option<Slot<'a>> {
    let frames = open(code);
    let (&at, outer) = frames.split_last()?;
    let before = &code[..at];
    let direct = |in_table| {
        let is_definition = match before {
            [.., first, _] => first.text == "function",
            _ => false,
        };
        let callee = (!is_definition && is_callee(before)).then(|| ending(before))??;
        Some(Slot {
            callee,
            index: if in_table { 0 } else { commas(&code[at + 1..]) },
            in_table,
            key: None,
        })
    };
    match (code[at].text, before.last().map(|t| t.text)) {
        ("(", _) => direct(false),
        // A table that is one of several arguments.
        ("{", Some("(" | ",")) if outer.last().is_some_and(|o| code[*o].text == "(") => {
            slot(before).filter(|s| !s.in_table).map(|slot| Slot {
                in_table: true,
                ..slot
            })
        }
        ("{", _) => direct(true),
        _ => None,
    }
}

/// The brackets and blocks that are still open.
fn open(code: &[Token<'_>]) -> Vec<usize> {
    let mut open = Vec::new();
    for (at, token) in code.iter().enumerate() {
        match (token.kind, token.text) {
            (Kind::Sign, "(" | "{" | "[")
            | (Kind::Keyword, "function" | "if" | "do" | "repeat") => open.push(at),
            (Kind::Sign, ")" | "}" | "]") | (Kind::Keyword, "end" | "until") => {
                open.pop();
            }
            _ => {}
        }
    }
    open
}

/// The commas that belong to no inner bracket or block.
fn commas(code: &[Token<'_>]) -> usize {
    top(code).filter(|at| code[*at].text == ",").count()
}

/// The keys of a table that ends here, still open.
fn given<'a>(code: &[Token<'a>]) -> Vec<&'a str> {
    let Some(at) = open(code).last().copied() else {
        return Vec::new();
    };
    let inside = &code[at + 1..];
    let is_key = |at: &usize| inside.get(at + 1).is_some_and(|next| next.text == "=");
    let keys = top(inside).filter(is_key).map(|at| inside[at]);
    keys.filter(|t| t.kind == Kind::Name)
        .map(|t| t.text)
        .collect()
}

/// The tokens that are in no inner bracket or block.
fn top<'c>(code: &'c [Token<'_>]) -> impl Iterator<Item = usize> + 'c {
    let mut depth = 0_i32;
    code.iter().enumerate().filter_map(move |(at, token)| {
        match (token.kind, token.text) {
            (Kind::Sign, "(" | "{" | "[")
            | (Kind::Keyword, "function" | "if" | "do" | "repeat") => depth += 1,
            (Kind::Sign, ")" | "}" | "]") | (Kind::Keyword, "end" | "until") => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lua::complete::chain::{Base, Step};
    use proptest::prelude::*;

    fn shown(text: &str) -> String {
        let chain = |chain: &Chain<'_>| {
            let mut text = match chain.base {
                Base::Name(name) => name.to_owned(),
                Base::Text => "''".to_owned(),
            };
            for step in &chain.steps {
                text += &match step {
                    Step::Field(name) => format!(".{name}"),
                    Step::Method(name) => format!(":{name}"),
                    Step::Item(_) => "[]".to_owned(),
                    Step::Call => "()".to_owned(),
                };
            }
            text
        };
        let slot = |slot: &Slot<'_>| {
            let table = if slot.in_table { "{" } else { "" };
            let key = slot.key.unwrap_or_default();
            format!("{}#{}{table}{key}", chain(&slot.callee), slot.index)
        };
        match place(text).0 {
            Place::Nothing => "-".to_owned(),
            Place::Name(word) => format!("name {word}"),
            Place::Key {
                word,
                slot: s,
                given,
            } => format!("key {word} {} {given:?}", slot(&s)),
            Place::Member {
                of,
                is_method,
                word,
            } => {
                format!(
                    "{} {} {word}",
                    if is_method { "method" } else { "field" },
                    chain(&of)
                )
            }
            Place::Text { typed, slot: s, .. } => {
                format!("text {typed} {}", s.as_ref().map_or("-".to_owned(), slot))
            }
        }
    }

    #[test]
    fn the_cursor_knows_where_it_is() {
        for (text, place) in [
            ("", "name "),
            ("x = fl", "name fl"),
            ("fleet.", "field fleet "),
            ("fleet . se", "field fleet se"),
            ("server('a'):ru", "method server() ru"),
            ("server 'a' :", "method server() "),
            ("f(a, b:c", "method b c"),
            ("return ('x'):", "method '' "),
            ("{}.a", "-"),
            ("-- a.", "-"),
            ("1.", "-"),
            ("a..b", "name b"),
            ("local x", "-"),
            ("function f", "-"),
            ("goto a", "-"),
            ("server('we", "text we server#0"),
            ("server \"we", "text we server#0"),
            ("x = 'we", "text we -"),
            ("a:write('f', 'we", "text we a:write#1"),
            ("a:run('x', { sudo = 'we", "text we a:run#1{sudo"),
            ("server.add { key = '", "text  server.add#0{key"),
            ("a:run { 'we", "text we a:run#0{"),
            ("a:run('x', {", "key  a:run#1{ []"),
            (
                "a:run('x', { timeout = f(1, 2), env = { a = 1 }, s",
                "key s a:run#1{ [\"timeout\", \"env\"]",
            ),
            ("a:run('x', { env = { ", "name "),
            ("a:run('x', { timeout = t", "name t"),
            ("server.add {", "key  server.add#0{ []"),
            ("x = {", "name "),
            ("f:map(function(s) return s:", "method s "),
            ("f:map(function(s) g(s, 'x", "text x g#1"),
            ("f:map(function(s) return 'x", "text x -"),
            ("f:map(function(s) g(s) end, { fo", "key fo f:map#1{ []"),
            ("function f('x", "text x -"),
            ("if a then f(", "name "),
        ] {
            assert_eq!(shown(text), place, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_cursor_may_stand_anywhere(
            text in "(?s)([a-z.:(){}\\[\\],;='\"\\\\ \n-]|end|function|do|é){0,60}|.*"
        ) {
            for (at, _) in text.char_indices() {
                let _ = place(&text[..at]);
            }
        }
    }
}
