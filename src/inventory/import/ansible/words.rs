//! How Ansible cuts a line of an INI inventory: Python's `shlex.split(line, comments=True)`, and
//! what `ast.literal_eval` makes of a value. Pure.

use serde_json::Value;

/// The words of a line. A `#` outside quotes ends it, even within a word.
///
/// # Errors
/// An open quote, or a backslash at the end.
pub(super) fn split(line: &str) -> Result<Vec<String>, &'static str> {
    let (mut words, mut word): (Vec<String>, Option<String>) = (Vec::new(), None);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '#' => break,
            c if c.is_ascii_whitespace() => words.extend(word.take()),
            '\\' => {
                let next = chars.next().ok_or("a backslash stands at the end")?;
                word.get_or_insert_default().push(next);
            }
            '"' | '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next().ok_or("a quote stays open")? {
                        end if end == c => break,
                        '\\' if c == '"' => {
                            let next = chars.next().ok_or("a quote stays open")?;
                            if !matches!(next, '"' | '\\') {
                                word.push('\\');
                            }
                            word.push(next);
                        }
                        inside => word.push(inside),
                    }
                }
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

/// What a value means: a Python literal, else the text itself. `None` for a list or a mapping.
pub(super) fn literal(text: &str) -> Option<Value> {
    let trimmed = text.trim();
    // A comment behind a literal is Python's; behind anything else it is text.
    let bare = trimmed.split('#').next().unwrap_or_default().trim_end();
    match bare {
        "True" => return Some(Value::Bool(true)),
        "False" => return Some(Value::Bool(false)),
        "None" => return Some(Value::Null),
        _ => {}
    }
    if let Some(number) = number(bare) {
        return Some(number);
    }
    if trimmed.starts_with(['\'', '"']) {
        let plain = Value::String(text.to_owned());
        return Some(quoted(trimmed).map_or(plain, Value::String));
    }
    let is_collection = trimmed.starts_with(['[', '{'])
        && serde_json::from_str::<Value>(&trimmed.replace('\'', "\"")).is_ok();
    (!is_collection).then(|| Value::String(text.to_owned()))
}

/// A number as YAML and Python write it: without leading zeros.
pub(in crate::inventory::import) fn number(text: &str) -> Option<Value> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_first = digits.starts_with(|c: char| c.is_ascii_digit());
    let has_zero = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    if !is_first || has_zero {
        return None;
    }
    if digits.bytes().all(|b| b.is_ascii_digit()) {
        return text.trim_start_matches('+').parse().ok().map(Value::Number);
    }
    let is_float = digits
        .bytes()
        .all(|b| b.is_ascii_digit() || b".eE+-".contains(&b));
    let float: f64 = text.parse().ok().filter(|_| is_float)?;
    serde_json::Number::from_f64(float).map(Value::Number)
}

/// A Python string literal, with nothing but a comment behind it.
fn quoted(text: &str) -> Option<String> {
    let mut chars = text.chars();
    let quote = chars.next()?;
    let mut inside = String::new();
    loop {
        match chars.next()? {
            c if c == quote => break,
            '\\' => match chars.next()? {
                'n' => inside.push('\n'),
                't' => inside.push('\t'),
                'r' => inside.push('\r'),
                c @ ('\\' | '\'' | '"') => inside.push(c),
                c => inside.extend(['\\', c]),
            },
            c => inside.push(c),
        }
    }
    let rest = chars.as_str().trim_start();
    (rest.is_empty() || rest.starts_with('#')).then_some(inside)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn words() {
        for (line, expected) in [
            ("a b=1  c", &["a", "b=1", "c"][..]),
            ("a k='x y' l=\"z # w\"", &["a", "k=x y", "l=z # w"]),
            ("a#b c", &["a"]),
            ("a k=x\\ y", &["a", "k=x y"]),
            (r#"a k="x\"y\n\\""#, &["a", r#"k=x"y\n\"#]),
            ("a k='\\'", &["a", "k=\\"]),
            ("a ''", &["a", ""]),
            ("", &[]),
        ] {
            assert_eq!(split(line).unwrap(), expected, "{line}");
        }
        for line in ["a 'b", "a \"b", "a \\", "a \"b\\"] {
            assert!(split(line).is_err(), "{line}");
        }
    }

    #[test]
    fn literals() {
        for (text, expected) in [
            ("22", json!(22)),
            ("22 # ssh", json!(22)),
            ("a # b", json!("a # b")),
            ("0022", json!("0022")),
            ("-1", json!(-1)),
            ("1.5", json!(1.5)),
            ("1.2.3.4", json!("1.2.3.4")),
            ("1e", json!("1e")),
            ("inf", json!("inf")),
            ("True", json!(true)),
            ("true", json!("true")),
            ("None", json!(null)),
            ("'a b'", json!("a b")),
            ("\"x\\ty\" # why", json!("x\ty")),
            ("'a' 'b' x", json!("'a' 'b' x")),
            ("'open", json!("'open")),
            ("{{ x }}", json!("{{ x }}")),
            ("[abc]", json!("[abc]")),
            ("", json!("")),
        ] {
            assert_eq!(literal(text), Some(expected), "{text}");
        }
        assert_eq!(literal("['a', 1]"), None);
        assert_eq!(literal("{\"a\": 1}"), None);
    }

    proptest! {
        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = (split(&text), literal(&text));
        }
    }
}
