//! One word with wildcards: `*`, `?`, `[abc]`, `[a-z]`, `[!x]`, and numeric ranges as in
//! ClusterShell: `[1-20]`, `[01-20]` (padded to two digits), `[1-3,7]`. Pure.
//!
//! Matching keeps the set of positions reached so far, so its time is bounded by the lengths of
//! word and text, whatever the word is.

use crate::error::{Error, Result};

/// Longest number in a range, in digits: it must fit 64 bits.
const LONGEST_NUMBER: usize = 18;

/// A parsed word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(Vec<Token>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Char(char),
    One,
    Any,
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
    Numbers(Vec<Numbers>),
}

/// `from` to `to`; `width` is the number of digits when they are padded with zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Numbers {
    from: u64,
    to: u64,
    width: Option<usize>,
}

impl Glob {
    /// Parses a word.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] for a `[` without its `]`, an empty `[]`, or a range that runs
    /// backwards.
    pub fn parse(word: &str) -> Result<Self> {
        let mut tokens = Vec::new();
        let mut rest = word;
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            tokens.push(match c {
                '*' => Token::Any,
                '?' => Token::One,
                '[' => {
                    let Some((inside, after)) = rest.split_once(']') else {
                        return Err(Error::usage(format!("`{word}` has a `[` without its `]`")));
                    };
                    rest = after;
                    brackets(inside).map_err(|e| e.context(format!("`{word}`")))?
                }
                c => Token::Char(c),
            });
        }
        Ok(Glob(tokens))
    }

    /// True when the word has wildcards, so that it may match more than itself.
    pub fn has_wildcards(&self) -> bool {
        !self.0.iter().all(|t| matches!(t, Token::Char(_)))
    }

    /// Does the whole of `text` match?
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let mut reached = vec![false; text.len() + 1];
        reached[0] = true;
        for token in &self.0 {
            let mut next = vec![false; text.len() + 1];
            for at in (0..=text.len()).filter(|at| reached[*at]) {
                token.ends(&text, at, &mut next);
            }
            reached = next;
        }
        reached[text.len()]
    }
}

impl Token {
    /// Marks every position that the token can reach from `at`.
    fn ends(&self, text: &[char], at: usize, next: &mut [bool]) {
        match self {
            Token::Any => next[at..].fill(true),
            Token::Numbers(numbers) => {
                let digits = text[at..].iter().take_while(|c| c.is_ascii_digit()).count();
                for len in 1..=digits.min(LONGEST_NUMBER) {
                    let number = text[at..at + len].iter().fold(0, |n, c| {
                        n * 10 + u64::from(c.to_digit(10).unwrap_or_default())
                    });
                    let plain = len == 1 || text[at] != '0';
                    next[at + len] |= numbers.iter().any(|n| {
                        n.width.map_or(plain, |w| len == w || (plain && len > w))
                            && (n.from..=n.to).contains(&number)
                    });
                }
            }
            one => {
                if let Some(c) = text.get(at) {
                    next[at + 1] |= one.takes(*c);
                }
            }
        }
    }

    fn takes(&self, c: char) -> bool {
        match self {
            Token::Char(own) => *own == c,
            Token::Class { negated, ranges } => {
                ranges.iter().any(|(a, b)| (*a..=*b).contains(&c)) != *negated
            }
            Token::One => true,
            Token::Any | Token::Numbers(_) => false,
        }
    }
}

fn brackets(inside: &str) -> Result<Token> {
    let items: Vec<&str> = inside.split(',').map(str::trim).collect();
    let is_number = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let ends = |item: &str| match item.split_once('-') {
        Some((a, b)) => (a.to_owned(), b.to_owned()),
        None => (item.to_owned(), item.to_owned()),
    };
    let pairs: Vec<(String, String)> = items.iter().map(|i| ends(i)).collect();
    let numeric = pairs.iter().all(|(a, b)| is_number(a) && is_number(b));
    // `[12]` and `[0-9]` mean what they mean in every shell.
    let is_range = items.len() > 1 || (inside.contains('-') && inside.len() > 3);
    if numeric && is_range {
        return pairs
            .iter()
            .map(|(a, b)| numbers(a, b))
            .collect::<Result<_>>()
            .map(Token::Numbers);
    }
    class(inside)
}

fn numbers(from: &str, to: &str) -> Result<Numbers> {
    let parse = |digits: &str| match digits.len() <= LONGEST_NUMBER {
        true => digits.parse::<u64>().ok(),
        false => None,
    };
    let (Some(a), Some(b)) = (parse(from), parse(to)) else {
        return Err(Error::usage("a number in the range is too long"));
    };
    if a > b {
        return Err(Error::usage(format!(
            "the range {from}-{to} runs backwards"
        )));
    }
    let is_padded = from.len() > 1 && from.starts_with('0');
    Ok(Numbers {
        from: a,
        to: b,
        width: is_padded.then_some(from.len()),
    })
}

fn class(inside: &str) -> Result<Token> {
    let (negated, inside) = match inside.strip_prefix(['!', '^']) {
        Some(rest) => (true, rest),
        None => (false, inside),
    };
    let chars: Vec<char> = inside.chars().collect();
    if chars.is_empty() {
        return Err(Error::usage("`[]` is empty"));
    }
    let mut ranges = Vec::new();
    let mut rest = chars.as_slice();
    while let [first, tail @ ..] = rest {
        let (last, after) = match tail {
            ['-', last, after @ ..] => (last, after),
            _ => (first, tail),
        };
        if first > last {
            return Err(Error::usage(format!(
                "the range {first}-{last} runs backwards"
            )));
        }
        ranges.push((*first, *last));
        rest = after;
    }
    Ok(Token::Class { negated, ranges })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn table() {
        for (word, yes, no) in [
            ("web*", "web web-01", "we xweb"),
            ("*", "x a-b", ""),
            ("w?b", "web wéb", "wb weeb"),
            ("web-[ab]", "web-a web-b", "web-c web-ab web-"),
            ("web-[a-c]", "web-a web-c", "web-d"),
            ("web-[!a]", "web-b", "web-a web-"),
            ("web-[^a]", "web-b", "web-a"),
            ("n[12]", "n1 n2", "n12 n3"),
            ("n[0-9]", "n0 n9", "n10 n"),
            ("n[1-20]", "n1 n9 n10 n20", "n0 n01 n21 n200 n"),
            ("n[01-20]", "n01 n09 n20", "n1 n9 n21 n001"),
            ("n[08-101]", "n08 n99 n100 n101", "n8 n008 n102 n0100"),
            ("n[1-3,7]", "n1 n3 n7", "n4 n13"),
            ("n[01-02]x[1-10]", "n01x1 n02x10", "n1x1 n01x11"),
            ("n[1-20]*", "n1 n20x n200", "nx"),
            ("*a*b*", "ab xaxbx", "ba"),
        ] {
            let glob = Glob::parse(word).unwrap();
            assert!(glob.has_wildcards());
            for text in yes.split_whitespace() {
                assert!(glob.matches(text), "{word} should match {text}");
            }
            for text in no.split_whitespace() {
                assert!(!glob.matches(text), "{word} should not match {text}");
            }
        }
    }

    #[test]
    fn bad_words() {
        for (word, message) in [
            ("web-[01", "`web-[01` has a `[` without its `]`"),
            ("web-[]", "`web-[]`: `[]` is empty"),
            (
                "web-[20-10]",
                "`web-[20-10]`: the range 20-10 runs backwards",
            ),
            ("web-[c-a]", "`web-[c-a]`: the range c-a runs backwards"),
            (
                "n[1-9999999999999999999]",
                "`n[1-9999999999999999999]`: a number in the range is too long",
            ),
        ] {
            assert_eq!(Glob::parse(word).unwrap_err().message(), message);
        }
    }

    proptest! {
        #[test]
        fn never_panics(word in any::<String>(), text in any::<String>()) {
            if let Ok(glob) = Glob::parse(&word) {
                glob.matches(&text);
            }
        }

        #[test]
        fn brackets_never_panic(word in r"[n\[\]0-9,!^*?-]{0,20}", text in "n[0-9]{0,30}") {
            if let Ok(glob) = Glob::parse(&word) {
                glob.matches(&text);
            }
        }

        #[test]
        fn a_range_holds_exactly_its_numbers(a in 0u64..300, b in 0u64..300, n in 0u64..400) {
            let (a, b) = (a.min(b), a.max(b) + 10);
            let glob = Glob::parse(&format!("n[{a}-{b}]")).unwrap();
            prop_assert_eq!(glob.matches(&format!("n{n}")), (a..=b).contains(&n));
        }
    }
}
