//! What was typed before: a private file, without the lines that hold a secret.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::secret::Redactor;

/// Words behind which a text is taken for a secret: in names, `mr.secret "…"`, `password = "…"`.
const WORDS: [&str; 8] = [
    "secret",
    "pass",
    "pwd",
    "token",
    "credential",
    "api_key",
    "apikey",
    "private_key",
];

/// The file, and the judgement of what may go into it.
pub(super) struct History {
    path: PathBuf,
}

impl History {
    /// Makes sure that the file's folder is there, readable by its owner alone.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub(super) fn new(path: PathBuf) -> Result<Self> {
        if let Some(folder) = path.parent().filter(|f| !f.is_dir()) {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .map_err(|e| {
                    Error::local(format!("cannot make `{}`: {e}", folder.display())).source(e)
                })?;
        }
        Ok(History { path })
    }

    /// The file; it need not be there yet.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// May `text` be written down? Not when it holds a secret that this process knows, nor when it
/// looks like typing one: better to forget a harmless line than to keep a password.
pub(super) fn may_keep(text: &str, redactor: &Redactor) -> bool {
    redactor.clean(text) == text && !types_secret(text)
}

/// Is a text given to something with one of [`WORDS`] in its name, or is a value assigned to such
/// a name inside a text, as in `"mysql --password=…"`?
fn types_secret(text: &str) -> bool {
    let mut named = false;
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) if named && !text.is_empty() => return true,
            Piece::Text(text) if assigns(text) => return true,
            Piece::Text(text) => named |= word_end(text).is_some() && text.chars().all(is_of_name),
            Piece::Code(code) => named |= word_end(code).is_some(),
        }
    }
    false
}

/// Where the first of [`WORDS`] ends.
fn word_end(text: &str) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    WORDS
        .iter()
        .filter_map(|word| Some(lower.find(word)? + word.len()))
        .min()
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// Shell, JSON or an option: `PASSWORD=x`, `"token":"x"`, `--password x`.
fn assigns(text: &str) -> bool {
    let Some(end) = word_end(text) else {
        return false;
    };
    let option = text[..end]
        .rsplit(char::is_whitespace)
        .next()
        .is_some_and(|w| w.starts_with("--"));
    let rest = text[end..].trim_start_matches(is_of_name);
    let sign = rest.trim_start_matches(['"', '\'', '\\', ' ']);
    let value = |v: &str| v.starts_with(|c: char| !c.is_whitespace());
    let quoted = |v: &str| v.trim_start().starts_with(['"', '\'', '\\']);
    sign.strip_prefix(['=', ':'])
        .is_some_and(|v| value(v) || quoted(v))
        || (option && value(rest.trim_start()))
        || assigns(rest)
}

/// A stretch of Lua source.
enum Piece<'a> {
    /// Outside of texts, comments included.
    Code(&'a str),
    /// What stands between quotes or long brackets, escapes as they are written.
    Text(&'a str),
}

/// Splits Lua source into code and texts; what does not end is a text up to its end.
fn pieces(source: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut rest, mut at) = (source, 0);
    while let Some(found) = rest[at..].find(['"', '\'', '[']) {
        let open = at + found;
        let Some((begin, end, next)) = literal(rest, open) else {
            at = open + 1;
            continue;
        };
        pieces.push(Piece::Code(&rest[..open]));
        pieces.push(Piece::Text(&rest[begin..end]));
        (rest, at) = (&rest[next..], 0);
    }
    pieces.push(Piece::Code(rest));
    pieces
}

/// Begin and end of the text that opens at `open`, and where the code goes on.
fn literal(source: &str, open: usize) -> Option<(usize, usize, usize)> {
    let after = &source[open + 1..];
    if source[open..].starts_with('[') {
        let level = after.len() - after.trim_start_matches('=').len();
        let inside = after[level..].strip_prefix('[')?;
        let begin = open + level + 2;
        let close = format!("]{}]", "=".repeat(level));
        let end = inside.find(&close);
        let end_of_all = (begin, source.len(), source.len());
        return Some(end.map_or(end_of_all, |i| (begin, begin + i, begin + i + close.len())));
    }
    let quote = source.as_bytes()[open];
    let mut escaped = false;
    for (i, byte) in after.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b if b == quote || b == b'\n' => return Some((open + 1, open + 1 + i, open + 2 + i)),
            _ => {}
        }
    }
    Some((open + 1, source.len(), source.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use proptest::prelude::*;

    #[test]
    fn secrets_are_not_kept_and_all_else_is() {
        let redactor = Redactor::new();
        redactor.add(&Secret::new("hunter2"));
        for line in [
            r#"x = "hunter2""#,
            r#"mr.secret "abc""#,
            r#"mr.secret("abc")"#,
            "mr.secret [[abc]]",
            "mr.secret [==[abc]==]",
            r#"server.add { id = "a", password = "abc" }"#,
            r#"s = { pass = 'abc' }"#,
            r#"s["password"] = "abc""#,
            r#"web:meta_set("api_token", "abc")"#,
            r#"DB_PASSWORD = "abc""#,
            "web:run \"mysql --password abc\"",
            r#"web:run "mysql --user x --password=abc""#,
            r#"web:run "PGPASSWORD=abc psql""#,
            r#"web:run 'curl -d {"token":"abc"}'"#,
            r#"web:write("f", "{\"token\": \"abc\"}")"#,
            "function f()\n  local pass = 'abc'\nend",
            "mr.secret \"abc",
        ] {
            assert!(!may_keep(line, &redactor), "{line}");
        }
        for line in [
            "print(1)",
            r#"web:run "cat /etc/passwd""#,
            r#"web:run("tail /var/log/secrets", { timeout = 3 })"#,
            r#"fleet.select("@password-only"):ids()"#,
            "return s.password == nil",
            "t[1][2] = x[ [[k]] ]",
            "",
        ] {
            assert!(may_keep(line, &redactor), "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_judged_and_every_typed_secret_is_found(
            before: String, after: String, secret in "[a-z0-9]{1,9}"
        ) {
            let redactor = Redactor::new();
            may_keep(&before, &redactor);
            let line = format!("f({before:?}, {{ password = \"{secret}\" }}, {after:?})");
            // Rust's escapes are close enough to Lua's to keep quotes inside texts.
            prop_assert!(!may_keep(&line, &redactor), "{line}");
        }
    }
}
