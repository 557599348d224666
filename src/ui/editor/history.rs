//! What was typed before: a private file, without the lines that hold a secret.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::secret::Redactor;
use crate::tokens::{Kind, tokens};

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
/// a name inside a text, as in `"mysql --password=…"`? A line that begins with a sign is a command
/// of the prompt, of which all is such a text.
fn types_secret(text: &str) -> bool {
    let line = text.trim_start();
    if line.starts_with(['!', ':']) && !line.starts_with("::") && assigns(line) {
        return true;
    }
    let mut named = false;
    tokens(text).iter().any(|token| match token.kind {
        // What is commented out was typed all the same.
        Kind::Comment { .. } => types_secret(token.inside()),
        Kind::Quoted { .. } => {
            let inside = token.inside();
            let found = (named && !inside.is_empty()) || assigns(inside);
            named |= word_end(inside).is_some() && inside.chars().all(is_of_name);
            found
        }
        _ => {
            named |= word_end(token.text).is_some();
            false
        }
    })
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
            "-- mr.secret 'abc'",
            "!mysql --password abc",
            "!PGPASSWORD=abc psql",
            ":time !curl -d token=abc h",
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
            "!cat /etc/passwd",
            ":use role=edge",
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
