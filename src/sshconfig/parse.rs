//! How ssh cuts a line of its configuration into words. Pure.
//!
//! After `readconf.c` and `argv_split` of OpenSSH 9: the keyword ends at a blank or at one `=`;
//! further words may be quoted, a backslash escapes quotes, itself and a blank outside quotes, and
//! a `#` at the beginning of a word ends the line.

const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];

/// The keyword in lower case and what follows it; `None` for an empty line or a comment. The rest
/// is `None` when a quote stays open.
pub(super) fn keyword(line: &str) -> Option<(String, Option<&str>)> {
    let line = line
        .trim_end_matches(|c| BLANK.contains(&c) || c == '\x0c')
        .trim_start_matches(BLANK);
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    match delimited(line) {
        Some((word, rest)) => Some((word.to_lowercase(), Some(rest))),
        None => Some((line.to_lowercase(), None)),
    }
}

/// The next word of a line in the older way, which `Match` still has: it ends at a blank or one
/// `=`, or is in double quotes. `None` when a quote stays open. An empty line gives an empty word.
pub(super) fn delimited(text: &str) -> Option<(String, &str)> {
    let is_end = |c: char| BLANK.contains(&c) || c == '=' || c == '"';
    let Some(at) = text.find(is_end) else {
        return Some((text.to_owned(), ""));
    };
    let (head, tail) = text.split_at(at);
    if let Some(quoted) = tail.strip_prefix('"') {
        let (inside, rest) = quoted.split_once('"')?;
        return Some((format!("{head}{inside}"), rest.trim_start_matches(BLANK)));
    }
    let is_equals = tail.starts_with('=');
    let rest = tail[1..].trim_start_matches(BLANK);
    let rest = match rest.strip_prefix('=') {
        Some(after) if !is_equals => after.trim_start_matches(BLANK),
        _ => rest,
    };
    Some((head.to_owned(), rest))
}

/// The words after the keyword; `None` when a quote stays open.
pub(super) fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
        match chars.peek() {
            None | Some('#') => return Some(words),
            Some(_) => {}
        }
        let (mut word, mut quote) = (String::new(), None);
        while let Some(c) = chars.next() {
            match (c, quote) {
                ('\\', _) => {
                    let escaped =
                        |c: &char| matches!(c, '\'' | '"' | '\\') || (quote.is_none() && *c == ' ');
                    word.push(chars.next_if(escaped).unwrap_or('\\'));
                }
                (' ' | '\t', None) => break,
                ('"' | '\'', None) => quote = Some(c),
                (c, Some(open)) if c == open => quote = None,
                (c, _) => word.push(c),
            }
        }
        if quote.is_some() {
            return None;
        }
        words.push(word);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keywords() {
        for (line, word, rest) in [
            ("Host a b", "host", Some("a b")),
            ("  HostName=x ", "hostname", Some("x")),
            ("Port = 22", "port", Some("22")),
            ("Port  =22", "port", Some("22")),
            ("Port==22", "port", Some("=22")),
            ("\tUser\t=\troot\r", "user", Some("root")),
            ("\"Host\" a", "host", Some("a")),
            ("Host", "host", Some("")),
            ("\"Host a", "\"host a", None),
        ] {
            assert_eq!(keyword(line), Some((word.to_owned(), rest)), "{line:?}");
        }
        for line in ["", "  ", "# x", "\t# Host a", "\x0c"] {
            assert_eq!(keyword(line), None, "{line:?}");
        }
    }

    #[test]
    fn the_words_of_a_line() {
        for (text, expected) in [
            ("a b", Some(&["a", "b"][..])),
            ("a # b", Some(&["a"])),
            ("a#b", Some(&["a#b"])),
            (r#""a b" 'c d'"#, Some(&["a b", "c d"])),
            (r#"a"b c"d"#, Some(&["ab cd"])),
            (r"a\ b \x \\", Some(&["a b", r"\x", r"\"])),
            (r#""\"" '\''"#, Some(&["\"", "'"])),
            (r#""""#, Some(&[""])),
            ("", Some(&[])),
            ("\"a", None),
            ("'a", None),
        ] {
            let words = words(text);
            let words = words
                .as_ref()
                .map(|w| w.iter().map(String::as_str).collect());
            assert_eq!(words, expected.map(<[&str]>::to_vec), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(line in "[ \\t=\"'\\\\#a-c%é!,]{0,30}") {
            if let Some((_, Some(rest))) = keyword(&line) {
                let _ = words(rest);
                let mut rest = rest;
                while let Some((_, next)) = delimited(rest).filter(|_| !rest.is_empty()) {
                    prop_assert!(next.len() < rest.len());
                    rest = next;
                }
            }
        }
    }
}
