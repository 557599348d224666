//! Lua source text taken apart into tokens, also while it is still being typed: whatever the text,
//! the tokens together are all of it. Pure; imports nothing of the crate.
//!
//! Source of the rules: Lua 5.4 reference manual, §3.1.

/// The words of the language, which cannot be names.
pub const KEYWORDS: [&str; 22] = [
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in",
    "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while",
];

/// Signs of more than one character, longer ones first.
const SIGNS: [&str; 10] = ["...", "..", "==", "~=", "<=", ">=", "//", "::", "<<", ">>"];

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// White space.
    Space,
    /// A comment; `open` when nothing ends it yet: more text would belong to it.
    Comment {
        /// See above.
        open: bool,
    },
    /// A text in quotes or long brackets; `open` when nothing ends it.
    Quoted {
        /// See above.
        open: bool,
    },
    /// A number, or what begins like one.
    Number,
    /// A name.
    Name,
    /// One of [`KEYWORDS`].
    Keyword,
    /// An operator, a bracket, a separator, or a character that Lua does not know.
    Sign,
}

/// A stretch of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    /// As it is written.
    pub text: &'a str,
    /// The byte at which it begins.
    pub at: usize,
}

impl<'a> Token<'a> {
    /// The byte behind it.
    pub fn end(&self) -> usize {
        self.at + self.text.len()
    }

    /// Whether it says anything to Lua.
    pub fn is_code(&self) -> bool {
        !matches!(self.kind, Kind::Space | Kind::Comment { .. })
    }

    /// The part of a text between its quotes, or of a comment behind its dashes, as it is written;
    /// of any other token all of it.
    pub fn inside(&self) -> &'a str {
        let (body, open) = match self.kind {
            Kind::Comment { open } => (&self.text[2..], open),
            Kind::Quoted { open } => (self.text, open),
            _ => return self.text,
        };
        if let Some(level) = long_bracket(body) {
            let close = if open { 0 } else { level + 2 };
            return &body[level + 2..body.len() - close];
        }
        match self.kind {
            Kind::Comment { .. } => body,
            _ => &body[1..body.len() - usize::from(!open)],
        }
    }
}

/// The tokens of `text`, in order and without gaps.
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let (kind, length) = first(&text[at..]);
        let text = &text[at..at + length];
        tokens.push(Token { kind, text, at });
        at += length;
    }
    tokens
}

/// Kind and length of the token with which a text that is not empty begins.
fn first(text: &str) -> (Kind, usize) {
    let c = text.chars().next().unwrap_or(' ');
    if c.is_ascii_whitespace() || c == '\x0b' {
        let end = text.find(|c: char| !c.is_ascii_whitespace() && c != '\x0b');
        return (Kind::Space, end.unwrap_or(text.len()));
    }
    if let Some(body) = text.strip_prefix("--") {
        let (open, length) = match long_bracket(body) {
            Some(level) => to_close(body, level),
            None => {
                let end = body.find('\n');
                (end.is_none(), end.unwrap_or(body.len()))
            }
        };
        return (Kind::Comment { open }, length + 2);
    }
    if let Some(level) = long_bracket(text) {
        let (open, length) = to_close(text, level);
        return (Kind::Quoted { open }, length);
    }
    if c == '"' || c == '\'' {
        let (open, length) = quoted(text, c);
        return (Kind::Quoted { open }, length);
    }
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    if digit(Some(c)) || (c == '.' && digit(text.chars().nth(1))) {
        return (Kind::Number, number(text));
    }
    if is_of_name(c) {
        let end = text.find(|c| !is_of_name(c)).unwrap_or(text.len());
        let kind = match KEYWORDS.contains(&&text[..end]) {
            true => Kind::Keyword,
            false => Kind::Name,
        };
        return (kind, end);
    }
    let sign = SIGNS.iter().find(|sign| text.starts_with(**sign));
    (Kind::Sign, sign.map_or(c.len_utf8(), |sign| sign.len()))
}

/// May the character stand in a name?
pub fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Is this a name: something that can stand behind a dot?
pub fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| is_of_name(c) && !c.is_ascii_digit())
        && word.chars().all(is_of_name)
        && !KEYWORDS.contains(&word)
}

/// The level of the long bracket with which a text begins: 0 for `[[`, 1 for `[=[`.
fn long_bracket(text: &str) -> Option<usize> {
    let rest = text.strip_prefix('[')?;
    let level = rest.len() - rest.trim_start_matches('=').len();
    rest[level..].starts_with('[').then_some(level)
}

/// Whether a long bracket stays open, and its length.
fn to_close(text: &str, level: usize) -> (bool, usize) {
    let close = format!("]{}]", "=".repeat(level));
    match text[level + 2..].find(&close) {
        Some(end) => (false, level + 2 + end + close.len()),
        None => (true, text.len()),
    }
}

/// Whether a quoted text stays open, and its length. A line's end ends it, unless it is escaped.
fn quoted(text: &str, quote: char) -> (bool, usize) {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => {
                // `\z` skips the white space that follows, lines and all.
                let skips = characters.next().is_some_and(|(_, c)| c == 'z');
                let is_blank = |(_, c): &(usize, char)| skips && c.is_ascii_whitespace();
                while characters.next_if(is_blank).is_some() {}
            }
            '\n' => return (true, at),
            c if c == quote => return (false, at + 1),
            _ => {}
        }
    }
    (true, text.len())
}

fn number(text: &str) -> usize {
    let is_hex = text.starts_with("0x") || text.starts_with("0X");
    let exponents = if is_hex { ['p', 'P'] } else { ['e', 'E'] };
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let is_sign = matches!(c, '+' | '-') && exponents.contains(&before);
        if !(is_of_name(c) || c == '.' || is_sign) {
            return at;
        }
        before = c;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kinds(text: &str) -> Vec<(Kind, &str)> {
        tokens(text).iter().map(|t| (t.kind, t.text)).collect()
    }

    #[test]
    fn source_comes_apart() {
        use Kind::{Keyword, Name, Number, Sign, Space};
        const TEXT: Kind = Kind::Quoted { open: false };
        assert_eq!(
            kinds("local x=0x1p-4..'a\\'b' --[[c\n]]f[[\n]]"),
            [
                (Keyword, "local"),
                (Space, " "),
                (Name, "x"),
                (Sign, "="),
                (Number, "0x1p-4.."),
                (TEXT, "'a\\'b'"),
                (Space, " "),
                (Kind::Comment { open: false }, "--[[c\n]]"),
                (Name, "f"),
                (TEXT, "[[\n]]"),
            ]
        );
        assert_eq!(
            kinds("a.b:c(1e+5)::é"),
            [
                (Name, "a"),
                (Sign, "."),
                (Name, "b"),
                (Sign, ":"),
                (Name, "c"),
                (Sign, "("),
                (Number, "1e+5"),
                (Sign, ")"),
                (Sign, "::"),
                (Sign, "é"),
            ]
        );
    }

    #[test]
    fn what_does_not_end_is_open_and_has_an_inside() {
        let last = |text| *tokens(text).last().unwrap();
        for (text, open, inside) in [
            ("f 'a", true, "a"),
            ("f 'a'", false, "a"),
            ("f 'a\\", true, "a\\"),
            ("f \"\"", false, ""),
            ("f '", true, ""),
            ("f '\\z \n b", true, "\\z \n b"),
            ("[==[a]]b]==]", false, "a]]b"),
            ("[[a", true, "a"),
            ("-- c", true, " c"),
            ("--[[c", true, "c"),
            ("--[=[c]=]", false, "c"),
        ] {
            let token = last(text);
            let is_open = matches!(
                token.kind,
                Kind::Quoted { open: true } | Kind::Comment { open: true }
            );
            assert_eq!((is_open, token.inside()), (open, inside), "{text}");
        }
        assert_eq!(tokens("'a\nb")[0].text, "'a");
        assert!(
            is_name("a1") && !is_name("1a") && !is_name("end") && !is_name("") && !is_name("é")
        );
    }

    proptest! {
        #[test]
        fn the_tokens_are_the_text(text in "(?s)[\\[\\]='\"\\\\\\-a-z0-9.é \n]{0,40}|.*") {
            let mut whole = String::new();
            for token in tokens(&text) {
                prop_assert_eq!(token.at, whole.len());
                prop_assert!(!token.text.is_empty() && token.text.contains(token.inside()));
                whole.push_str(token.text);
            }
            prop_assert_eq!(whole, text);
        }
    }
}
