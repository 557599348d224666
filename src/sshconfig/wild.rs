//! Wildcards: `*` and `?` as `Host` has them, and `[a-z]` too as `Include` has it. Pure.

/// A parsed pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wild(Vec<Token>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Star,
    One,
    Char(char),
    Class(bool, Vec<(char, char)>),
}

impl Wild {
    /// A pattern of a `Host` or `Match` line.
    pub(super) fn host(pattern: &str) -> Self {
        Wild(pattern.chars().map(plain).collect())
    }

    /// A pattern of file names.
    pub(super) fn file(pattern: &str) -> Self {
        let chars: Vec<char> = pattern.chars().collect();
        let (mut tokens, mut at) = (Vec::new(), 0);
        while at < chars.len() {
            match class(&chars[at..]) {
                Some((class, length)) => {
                    tokens.push(class);
                    at += length;
                }
                None => {
                    tokens.push(plain(chars[at]));
                    at += 1;
                }
            }
        }
        Wild(tokens)
    }

    /// Whether it may match more than itself.
    pub(super) fn is_wild(&self) -> bool {
        self.0.iter().any(|t| !matches!(t, Token::Char(_)))
    }

    /// Does the whole of `text` match? Goes back only to the last star, so its time is bounded by
    /// the product of the lengths.
    pub(super) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut token, mut at) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while at < text.len() {
            match self.0.get(token) {
                Some(Token::Star) => {
                    star = Some((token, at));
                    token += 1;
                }
                Some(one) if one.takes(text[at]) => {
                    token += 1;
                    at += 1;
                }
                _ => {
                    let Some((back, from)) = star else {
                        return false;
                    };
                    star = Some((back, from + 1));
                    (token, at) = (back + 1, from + 1);
                }
            }
        }
        self.0[token..].iter().all(|t| *t == Token::Star)
    }
}

impl Token {
    fn takes(&self, c: char) -> bool {
        match self {
            Token::Star => false,
            Token::One => true,
            Token::Char(own) => *own == c,
            Token::Class(negated, ranges) => {
                ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *negated
            }
        }
    }
}

fn plain(c: char) -> Token {
    match c {
        '*' => Token::Star,
        '?' => Token::One,
        c => Token::Char(c),
    }
}

/// A class at the beginning of `chars` and its length; `None` when there is none that ends.
fn class(chars: &[char]) -> Option<(Token, usize)> {
    if chars.first() != Some(&'[') {
        return None;
    }
    let negated = matches!(chars.get(1), Some('!' | '^'));
    let first = 1 + usize::from(negated);
    // A `]` in the first place is one of the characters.
    let end = first + 1 + chars.get(first + 1..)?.iter().position(|c| *c == ']')?;
    let (mut ranges, mut at) = (Vec::new(), first);
    while at < end {
        if at + 2 < end && chars[at + 1] == '-' {
            ranges.push((chars[at], chars[at + 2]));
            at += 3;
        } else {
            ranges.push((chars[at], chars[at]));
            at += 1;
        }
    }
    Some((Token::Class(negated, ranges), end + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hosts_and_files() {
        for (pattern, text, host, file) in [
            ("*", "", true, true),
            ("web*", "web-01", true, true),
            ("*-0?", "web-01", true, true),
            ("web", "web-01", false, false),
            ("", "", true, true),
            ("", "x", false, false),
            ("a*b*c", "aXbYbZc", true, true),
            ("a*b*c", "aXbY", false, false),
            ("w[ea]b", "web", false, true),
            ("w[!ea]b", "web", false, false),
            ("[a-c]x", "bx", false, true),
            ("[]]", "]", false, true),
            ("[a", "[a", true, true),
        ] {
            assert_eq!(Wild::host(pattern).matches(text), host, "{pattern} {text}");
            assert_eq!(Wild::file(pattern).matches(text), file, "{pattern} {text}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_a_pattern(pattern in r"[\[\]a-c*?!^-]{0,20}", text in "[a-c]{0,20}") {
            Wild::host(&pattern).matches(&text);
            Wild::file(&pattern).matches(&text);
        }

        #[test]
        fn plain_text_matches_itself_only(text in "[a-z.-]{1,10}", other in "[a-z.-]{1,10}") {
            prop_assert!(!Wild::host(&text).is_wild());
            prop_assert_eq!(Wild::host(&text).matches(&other), text == other);
        }
    }
}
