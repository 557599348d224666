//! A command line as the shell reads it: quotes and backslashes, and back again.
//!
//! Bash hands over the line as it is typed, and puts an answer in place of a part of the last
//! word: what stands behind its last break character (`COMP_WORDBREAKS`), or behind its opening
//! quote. Expansions are not done: `$x` stays `$x`. Pure.

/// A line up to the cursor.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// The words before the one at the cursor, the program's name among them.
    pub before: Vec<String>,
    /// The word at the cursor.
    pub word: String,
    /// How many bytes of it the shell keeps.
    pub kept: usize,
    /// The quote that is open at the cursor.
    pub quote: Option<char>,
    /// A quote was closed in the word: bash's idea of what to replace is beyond us then.
    pub mixed: bool,
}

/// Reads the last command of `text`.
pub(super) fn read(text: &str, breaks: &str) -> Line {
    let mut line = Line::default();
    let mut begun = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (line.quote, c) {
            (Some(open), c) if c == open => {
                line.quote = None;
                line.mixed = true;
            }
            (Some('"'), '\\') => match chars.next_if(|c| "$`\"\\".contains(*c)) {
                Some(c) => line.word.push(c),
                None => line.word.push('\\'),
            },
            (Some(_), c) => line.word.push(c),
            (None, '\'' | '"') => {
                line.quote = Some(c);
                line.kept = line.word.len();
                begun = true;
            }
            (None, '\\') => {
                line.word.extend(chars.next());
                begun = true;
            }
            (None, ';' | '|' | '&' | '(' | '\n') => {
                line = Line::default();
                begun = false;
            }
            (None, c) if c.is_whitespace() => {
                if std::mem::take(&mut begun) {
                    let before = std::mem::take(&mut line.before);
                    let word = std::mem::take(&mut line.word);
                    line = Line::default();
                    line.before = before;
                    // `NAME=value mroom …`
                    if !line.before.is_empty() || !is_assignment(&word) {
                        line.before.push(word);
                    }
                }
            }
            (None, c) => {
                let before = line.word.len();
                line.word.push(c);
                begun = true;
                if breaks.contains(c) {
                    // Readline leaves this one to whoever completes host names.
                    line.kept = if c == '@' { before } else { line.word.len() };
                }
            }
        }
    }
    line
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

impl Line {
    /// What bash puts in for the whole word `value`, quoted as the word at the cursor is.
    pub fn insertion(&self, value: &str) -> Option<String> {
        let rest = value.get(self.kept..).filter(|_| !self.mixed)?;
        Some(match self.quote {
            None => escaped(rest, |c| !c.is_alphanumeric() && !"_-./@%+:=,^".contains(c)),
            Some('"') => escaped(rest, |c| "$`\"\\".contains(c)),
            Some(_) => rest.replace('\'', r"'\''"),
        })
    }

    /// The same where the shell itself quotes.
    pub fn plain_insertion(&self, value: &str) -> Option<String> {
        value
            .get(self.kept..)
            .filter(|_| !self.mixed)
            .map(str::to_owned)
    }
}

fn escaped(text: &str, special: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if special(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Bash's own, with host names.
    const BREAKS: &str = " \t\n\"'@><=;|&(:";

    #[test]
    fn lines() {
        for (text, before, word, kept) in [
            ("mroom exec we", &["mroom", "exec"][..], "we", 0),
            ("mroom exec ", &["mroom", "exec"], "", 0),
            ("A=1 mroom ls x", &["mroom", "ls"], "x", 0),
            ("cd x && mroom ls ro=e", &["mroom", "ls"], "ro=e", 3),
            ("mroom ls a,@b", &["mroom", "ls"], "a,@b", 2),
            (r"mroom show old\ i", &["mroom", "show"], "old i", 0),
            ("mroom ls 'web* !we", &["mroom", "ls"], "web* !we", 0),
            ("mroom ls \"a \\\"b", &["mroom", "ls"], "a \"b", 0),
            ("mroom 'a b' c", &["mroom", "a b"], "c", 0),
            ("mroom -l 'x' \\", &["mroom", "-l", "x"], "", 0),
            ("mroom ls ''", &["mroom", "ls"], "", 0),
        ] {
            let line = read(text, BREAKS);
            assert_eq!(line.before, before, "{text}");
            assert_eq!((line.word.as_str(), line.kept), (word, kept), "{text}");
        }
    }

    #[test]
    fn insertions() {
        for (text, value, insertion) in [
            ("mroom show o", "old id", Some(r"old\ id")),
            ("mroom show 'o", "old id", Some("old id")),
            ("mroom show 'o", "it's", Some(r"it'\''s")),
            ("mroom show \"o", "a\"b$", Some("a\\\"b\\$")),
            ("mroom ls ro=e", "ro=edge", Some("edge")),
            ("mroom ls a,@f", "a,@front", Some("@front")),
            ("mroom ls a,!b", "a,!bee", Some(r"a,\!bee")),
            ("mroom ls 'a'b", "ab", None),
            ("mroom ls 东", "东京", Some("东京")),
        ] {
            let line = read(text, BREAKS);
            assert_eq!(line.insertion(value).as_deref(), insertion, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(text in r#"[ a-zé'"\\=;@$]{0,30}"#, value in ".{0,20}") {
            let line = read(&text, BREAKS);
            prop_assert!(line.word.is_char_boundary(line.kept));
            line.insertion(&value);
        }

        #[test]
        fn what_is_inserted_reads_as_it_was(value in r#"[ a-zé'"\\=;@$!*#~&\[]{1,20}"#) {
            for open in ["", "'", "\""] {
                let line = read(&format!("mroom show {open}"), "");
                let text = format!("mroom show {open}{}{open}", line.insertion(&value).unwrap());
                prop_assert_eq!(read(&text, "").word, value.clone());
            }
        }
    }
}
