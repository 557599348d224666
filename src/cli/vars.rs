//! `-e`: variables for scripts, as `key=value` texts or files of them.

use std::path::Path;

use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// Reads every `-e`; later ones win.
///
/// # Errors
/// [`crate::error::Kind::Usage`], naming the word or the file.
pub fn read(words: &[String]) -> Result<Map<String, Value>> {
    let mut vars = Map::new();
    for word in words {
        if let Some(path) = word.strip_prefix('@') {
            vars.extend(file(&crate::config::expand_tilde(path))?);
        } else {
            let (key, value) = pair(word)?;
            vars.insert(key.to_owned(), Value::String(value.to_owned()));
        }
    }
    Ok(vars)
}

/// Splits `key=value`; the value is whatever follows the first `=`.
pub fn pair(word: &str) -> Result<(&str, &str)> {
    match word.split_once('=') {
        Some((key, value)) if is_name(key) => Ok((key, value)),
        _ => Err(
            Error::usage(format!("`{word}` is not of the form `key=value`")).hint(
                "a key is letters, digits, `_`, `-` and `.`, and begins with a letter or `_`",
            ),
        ),
    }
}

fn is_name(key: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    key.starts_with(first)
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
}

fn file(path: &Path) -> Result<Map<String, Value>> {
    let name = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|e| Error::usage(format!("cannot read `{name}`: {e}")).source(e))?;
    let is_toml = path.extension().is_some_and(|e| e == "toml");
    let value: Value = if is_toml {
        toml::from_str(&text)
            .map_err(|e| Error::usage(format!("{name}: {}", e.message())).source(e))?
    } else {
        serde_json::from_str(&text)
            .map_err(|e| Error::usage(format!("{name}:{}: not JSON: {e}", e.line())).source(e))?
    };
    match value {
        Value::Object(map) => Ok(map),
        _ => Err(Error::usage(format!(
            "{name}: the file must hold one table of variables"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|w| (*w).to_owned()).collect()
    }

    #[test]
    fn later_wins_and_a_value_may_hold_anything() {
        let vars = read(&words(&["a=1", "b=x=y z", "a=2", "c="])).unwrap();
        assert_eq!(
            Value::Object(vars),
            serde_json::json!({"a": "2", "b": "x=y z", "c": ""})
        );
    }

    #[test]
    fn files() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        std::fs::write(path("v.json"), r#"{"n": 1, "l": ["x"]}"#).unwrap();
        std::fs::write(path("v.toml"), "n = 2\n[t]\nk = 'v'").unwrap();
        let vars = read(&words(&[
            &format!("@{}", path("v.json")),
            &format!("@{}", path("v.toml")),
        ]));
        let expected = serde_json::json!({"n": 2, "l": ["x"], "t": {"k": "v"}});
        assert_eq!(Value::Object(vars.unwrap()), expected);
        std::fs::write(path("list.json"), "[1]").unwrap();
        std::fs::write(path("bad.json"), "{\n\n!").unwrap();
        for (name, part) in [
            ("list.json", "one table"),
            ("bad.json", "bad.json:3: not JSON"),
            ("none.json", "cannot read"),
            ("", "cannot read"),
        ] {
            let error = read(&words(&[&format!("@{}", path(name))])).unwrap_err();
            assert!(error.message().contains(part), "{name}: {error}");
        }
    }

    #[test]
    fn bad_words() {
        for word in ["", "a", "=1", "1a=2", "a b=1", "-e=1"] {
            assert!(read(&words(&[word])).is_err(), "{word}");
        }
    }
}
